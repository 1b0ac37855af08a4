// SPDX-License-Identifier: BSD-3-Clause
// The curves of a line view: which datasets, against which x, with which errors; by the address, else by the meaning.
import { encode } from "./api.js";
import { CoordinateAxis, ItemAxis } from "./lineaxis.js";
import { LineSource } from "./linesource.js";
import { describe, pageOf } from "./describe.js";
import { Quantity, meaningOf } from "./meaning.js";

export const CURVES_MOST = 8;
const decode = decodeURIComponent;

/* Text of an address as it was meant, also where it is none. */
function readable(text) {
  try {
    return decode(text);
  } catch {
    return text;
  }
}

/* What lies beside a slice or field is of the dataset itself. */
export const specText = ({ path = "", slice = "", field = "" }) =>
  encode(path) + (slice ? `[${slice}]` : "") + (field ? `@${encodeURIComponent(field)}` : "");

/** "root/path[3,:]@field", each part may be left out: {path, slice, field}. */
export function parseSpec(text) {
  const [, path, slice = "", field = ""] = /^([^[@]*)(?:\[([^\]]*)\])?(?:@(.*))?$/.exec(text) || [];
  if (path == null) throw new Error(`“${text}” is no dataset, [slice] or @field`);
  return { path: decode(path), slice, field: decode(field) };
}

/** What somebody typed: a slice "3,:", "@field", or "root/path" with these behind it. */
export function typedSpec(text) {
  if (/^[-\d:,\s]+$/.test(text)) return { slice: text.replace(/\s/g, "") };
  const [, path, slice, field] = /^(.*?)(?:\[([-\d:,\s]*)\])?(?:@([^@/]+))?$/.exec(text);
  return { path, slice, field };
}

export const listOf = (text) => (text ? text.split(";") : []);

/** The plane {x, index} of a slice that leaves one axis. */
function planeOf(slice, { path, shape }) {
  const parts = slice.split(",");
  const x = parts.indexOf(":");
  if (parts.length !== shape.length || x < 0 || x !== parts.lastIndexOf(":"))
    throw new Error(`[${slice}] of ${path} is no line: it has ${shape.length} axes, one of them is “:”`);
  const index = parts.map((part, i) => (i === x ? 0 : Number(part) + (part < 0 ? shape[i] : 0)));
  const bad = index.findIndex((at, i) => !(Number.isInteger(at) && at >= 0 && at < Math.max(shape[i], 1)));
  if (bad >= 0) throw new Error(`[${slice}]: axis ${bad} of ${path} has ${shape[bad]} items`);
  return { x, index };
}

export class Lines {
  /** view: its dataset, state, plane. */
  constructor(view) {
    Object.assign(this, { view, curves: [], notes: [], key: "", known: new Map() });
  }

  get first() {
    return this.curves[0];
  }
  get axis() {
    return this.first.axis;
  }
  /** All datasets that are looked at. */
  get datasets() {
    const all = this.curves.flatMap(({ source, axis, errors }) => [source, axis.source, errors]);
    return [...new Set(all.filter(Boolean).map(({ ds }) => ds))];
  }

  /** What is drawn may be another generation. */
  forget() {
    this.key = "";
  }

  /** Find out what is drawn, unless that is known. */
  async find(signal) {
    const { ds, state, plane } = this.view;
    const key = [ds.etag, plane.x, state.xof, state.err, state.add, state.field, state.part, state.raw].join("\n");
    if (key === this.key) return;
    const notes = [];
    this.known.clear();
    const first = await this.curve({}, notes, signal);
    const list = listOf(state.add);
    const more = list.slice(0, CURVES_MOST - 1);
    if (more.length < list.length)
      notes.push(`${list.length - more.length} are not drawn: at most ${CURVES_MOST} are`);
    const add = async (text) => {
      try {
        return await this.curve(parseSpec(text), notes, signal, first);
      } catch (error) {
        return this.leave(text, error, notes);
      }
    };
    const rest = await Promise.all(more.map(add));
    signal.throwIfAborted();
    Object.assign(this, { key, notes, curves: [first, ...rest.filter(Boolean)] });
  }

  /* What cannot be drawn is left out, and that is said. */
  leave(what, error, notes) {
    if (error.name === "AbortError") throw error;
    notes.push(`${readable(what)} is not drawn: ${error.message}`);
    return null;
  }

  dataset(path, signal) {
    const { ds } = this.view;
    if (!path || path === ds.path) return ds;
    const missing = (error) => {
      throw error.status === 404 ? new Error("there is no such dataset") : error;
    };
    if (!this.known.has(path)) this.known.set(path, pageOf(path, signal).then(describe, missing));
    return this.known.get(path);
  }

  /* Numbers of a dataset along the axis of `like`, or along their own. */
  async source({ path, slice, field }, signal, like) {
    const { state } = this.view;
    const ds = await this.dataset(path, signal);
    const { shape } = ds;
    const plane = like?.plane || this.view.plane;
    const same =
      shape.length === plane.index.length && (like?.ds || this.view.ds).shape.every((n, i) => n === shape[i]);
    const own = shape.length === 1 ? { x: 0, index: [0] } : null;
    const at = slice ? planeOf(slice, ds) : same ? plane : own;
    if (!at) throw new Error(`${ds.path} has ${shape.length} axes: say which part, like ${ds.path}[0,:]`);
    const source = new LineSource(ds, at, { part: state.part, field: field || (path ? "" : state.field) });
    await meaningOf(ds).known;
    source.means(state.raw && ds === this.view.ds ? meaningOf(ds).stored : meaningOf(ds).signal);
    return source;
  }

  async curve(spec, notes, signal, first) {
    const source = await this.source(spec, signal);
    const axis = await this.axisOf(source, notes, signal, first?.axis);
    const errors = await this.errorsOf(source, notes, signal, first);
    if (first) {
      if (Boolean(axis.clock) !== Boolean(first.axis.clock)) throw new Error("one x has dates, the other has not");
      if (source.clock && first.source.clock) source.count(first.source.quantity);
    }
    const name = source.ds === this.view.ds ? "" : source.ds.path.split("/").pop();
    const label = [name + (spec.slice ? `[${spec.slice}]` : ""), spec.field].filter(Boolean).join(" ");
    return { source, axis, errors, label: label || source.label };
  }

  /* Coordinates by the address; or by the meaning, then those of the first when they fit; or items. */
  async axisOf(source, notes, signal, first) {
    const { xof } = this.view.state;
    const said = (!source.field && meaningOf(source.ds).sides[source.plane.x]) || {};
    const items = new ItemAxis(source.length, said.name || `Axis ${source.plane.x}`);
    const fits = first && first.length === source.length;
    const text = xof || (said.path && said.path !== source.ds.path ? encode(said.path) : "");
    if (!text || xof === "items" || (xof && first)) return fits ? first : items;
    try {
      const from = await this.source(parseSpec(text), signal, source);
      const { length } = from;
      if (length !== source.length && length !== source.length + 1)
        throw new Error(`it has ${length} items, ${source.ds.path} has ${source.length}`);
      if (first?.clock && from.clock) from.count(first.source.quantity);
      return await new CoordinateAxis(from, source.length, first?.base).look(signal);
    } catch (error) {
      this.leave(`x from ${text}`, error, notes);
      return items;
    }
  }

  /* Of the first by the address; else by the meaning. */
  async errorsOf(source, notes, signal, first) {
    const { err } = this.view.state;
    const { errors: said } = source.field ? {} : meaningOf(source.ds);
    const text = err && !first ? err : said && encode(said);
    if (err === "none" || !text) return null;
    try {
      const errors = await this.source(parseSpec(text), signal, source);
      if (errors.length !== source.length)
        throw new Error(`they are ${errors.length}, ${source.ds.path} has ${source.length} items`);
      const { scale } = source.quantity;
      if (scale !== 1) errors.means(new Quantity({ scale: Math.abs(scale) }));
      return errors;
    } catch (error) {
      return this.leave(`errors ${text}`, error, notes);
    }
  }

  /** What x shows of a span: {x0, x1}. Around coordinates is half an item of room. */
  window({ x0, x1, values }) {
    const room = values || !this.axis.source ? 0 : 0.5;
    const [a, b] = [this.axis.toX(x0 - room), this.axis.toX(x1 - room)];
    return { x0: Math.min(a, b), x1: Math.max(a, b) };
  }

  /* The items of a curve that a span shows. */
  itemsOf({ axis, source }, span, pad = 1) {
    if (axis === this.axis || source.length === 0) return span.items(pad);
    const { x0, x1 } = this.window(span);
    return axis.items(x0, x1, pad);
  }

  /** The numbers of all curves in a span: [{y, x, spread}]. */
  async load(span, px, signal) {
    const shown = await Promise.all(
      this.curves.map(async (curve) => {
        const items = this.itemsOf(curve, span);
        const from = (it) => it?.load(items, px, signal) ?? null;
        const [y, x, spread] = await Promise.all([from(curve.source), from(curve.axis), from(curve.errors)]);
        return { ...curve, y, x, spread };
      }),
    );
    for (const { axis, x } of shown) if (x && axis.sorted) axis.learn(x);
    return shown;
  }

  /** Of the items in sight, of every curve: what statsPanel() takes. */
  statistics(span) {
    const parts = this.curves.map((curve) => ({ curve, items: this.itemsOf(curve, span, 0) }));
    const note = span.values && span.text ? "x is in no order: of all items, not only of those in sight." : "";
    const what = this.curves.some(({ source }) => source.quantity.scaled) ? ", of the stored numbers" : "";
    return [
      `Statistics of [${this.first.source.slice(parts[0].items)}]${what}`,
      parts.map(({ curve: { label, source }, items }) => ({ label, url: source.statsUrl(items) })),
      note,
    ];
  }
}
