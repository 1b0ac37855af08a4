// SPDX-License-Identifier: BSD-3-Clause
// What the numbers of a dataset are, by /api/meaning: labels, units, times, scales, the coordinates of its axes.
import { asNumbers, encode, exactJson, json, numbers } from "./api.js";
import { clockOf } from "./dates.js";
import { h, number } from "./ui.js";

const PX = 4096; // of /api/line: all of up to twice as many coordinates, else the ends of so many stretches
const NAT = -(2 ** 63);
const EXACT = 2n ** 50n; // up to there doubles have all integers, and what is between two of them
const PATIENCE = 10000; // ms that pictures and axes wait for what is told; then there are indices without units

/** Numbers of one kind: label, units, clock of times, and how they are made of the stored numbers. */
export class Quantity {
  /** told: as /api/meaning says; dtype: of the dataset. */
  constructor(told = {}, dtype = "") {
    const span = /(?:timedelta64|m8)\[\d*(\w+)\]/.exec(dtype)?.[1];
    const { units = span || "", scale = 1, offset = 0, fill, missing, time } = told;
    const label = (told.label || "").replace(/\.b2nd$/, "");
    const clock = clockOf({ units, calendar: time?.calendar, dtype });
    const none = [fill, missing, clock && /64|M8/.test(dtype) ? NAT : undefined].filter((one) => one !== undefined);
    Object.assign(this, {
      label,
      units,
      scale: Number(scale),
      offset: Number(offset),
      none,
      clock,
      ownClock: clock,
      base: 0n,
    });
    this.scaled = scale !== 1 || offset !== 0;
    this.key = String([scale, offset, none]); // of numbers made alike
  }

  /** How they are made of the stored numbers; "": they are those. */
  get how() {
    const { scale, offset } = this;
    const plus = offset ? ` ${offset < 0 ? "−" : "+"} ${number(Math.abs(offset))}` : "";
    return this.scaled ? `stored number${scale === 1 ? "" : ` × ${number(scale)}`}${plus}` : "";
  }

  /** Stored numbers that stand for none, as the server is told them; null: there are none. */
  get fill() {
    return this.none.join(",") || null;
  }
  /** Does a stored number stand for none? Of integers of 64 bits just the one does. */
  isNone(value) {
    return this.none.some((one) => one <= value && one >= value);
  }
  /** Of stored numbers, less base; NaN for those that stand for none. */
  of(data, base = this.base) {
    const { none, scale, offset } = this;
    if (!none.length && !this.scaled && !base) return asNumbers(data);
    const less = (value) => Number(typeof value === "bigint" ? value - base : value - Number(base));
    return Float64Array.from(data, (value) => (this.isNone(value) ? NaN : less(value) * scale + offset));
  }
  /** A whole number near stored ones that are too large to be told apart by doubles; 0n: they are not. */
  baseOf(data) {
    if (this.scaled || this.clock?.months || typeof data[0] !== "bigint") return 0n;
    const first = data.find((value) => !this.isNone(value)) || 0n;
    return first > EXACT || first < -EXACT ? first : 0n;
  }
  /** The same of values less a base. */
  from(base) {
    const made = Object.assign(Object.create(Object.getPrototypeOf(this)), this);
    return Object.assign(made, { base, clock: this.ownClock?.from(base) });
  }
  /** The stored number of a value. */
  stored(value) {
    return (value - this.offset) / this.scale;
  }
  /** What /api/stats says of the stored numbers. */
  statistics(stats) {
    const { scale, offset } = this;
    if (!this.scaled || stats.min == null) return stats;
    const of = (value) => Number(value) * scale + offset;
    const [low, high, p1, p99] = scale < 0 ? ["max", "min", "p99", "p1"] : ["min", "max", "p1", "p99"];
    const { counts, ...bins } = stats.histogram;
    const histogram =
      scale < 0
        ? { lo: of(bins.hi), hi: of(bins.lo), counts: [...counts].reverse() }
        : { lo: of(bins.lo), hi: of(bins.hi), counts };
    const made = { ...stats, min: of(stats[low]), max: of(stats[high]), p1: of(stats[p1]), p99: of(stats[p99]) };
    const positive = made.min > 0 ? made.min : scale > 0 && !offset ? of(stats.min_positive) : null;
    const std = stats.std * Math.abs(scale);
    return { ...made, mean: of(stats.mean), std, min_positive: positive, histogram };
  }

  /** A value with its unit, or as a date; of a bigint nothing is taken, whatever the base. */
  text(value, digits = 9, units = this.units) {
    const clock = typeof value === "bigint" ? this.ownClock : this.clock;
    if (clock) return clock.text(value);
    const whole = this.base && Number.isFinite(value) ? this.base + BigInt(Math.round(value)) : value;
    return number(whole, digits) + (units && ` ${units}`);
  }
  /** A stored number as text, exactly. */
  textOf(stored, ...how) {
    const exact = typeof stored === "bigint" && !this.scaled && !this.isNone(stored);
    return this.text(exact ? stored : this.of([stored])[0], ...how);
  }
  /** For axis() of axes.js. */
  get axis() {
    const { label, units, clock, base } = this;
    return { label, units, clock, base };
  }
}

/** The value in b of what is in rising or falling a; beyond the ends it goes on as between the last two. */
export function interpolated(a, b, value) {
  const sign = a[a.length - 1] >= a[0] ? 1 : -1;
  let i = 0;
  let high = a.length - 2;
  while (i < high) {
    const middle = (i + high + 1) >> 1;
    if (sign * (value - a[middle]) >= 0) i = middle;
    else high = middle - 1;
  }
  const wide = a[i + 1] - a[i];
  return wide ? b[i] + ((value - a[i]) / wide) * (b[i + 1] - b[i]) : b[i];
}

/**
 * Where along an axis numbers are, {at: [place], x: [number]}, without those that are none. Of pairs of least and
 * greatest of stretches, when the numbers rise, or fall, they are the ends.
 */
export function knotsOf({ values, pairs, n, from, count }, falls) {
  const knots = { at: [], x: [] };
  values.forEach((_, i) => {
    const x = values[pairs && falls ? i ^ 1 : i];
    if (x - x !== 0) return;
    knots.at.push(from + (pairs ? Math.floor((((i + 1) >> 1) * count) / n) - (i % 2) : i));
    knots.x.push(x);
  });
  return knots;
}

/** Coordinates of an axis: the indices of its items until others are taken. Item i is at position i. */
export class Coordinate extends Quantity {
  constructor(i, told = {}, dtype = "") {
    super(told, dtype);
    this.name = (told.dimension || told.name || `Axis ${i}`).replace(/\.b2nd$/, "");
    Object.assign(this, { items: null, values: null, list: null, even: true, exact: true, problem: "" });
  }

  /** line: a whole /api/line; n: items of the axis, or of its edges one more. What is not monotonic is refused. */
  take({ data, shape, headers }, n) {
    const count = Number(headers.get("X-Count"));
    const shift = count === n + 1 ? 0.5 : 0;
    Object.assign(this, this.from(this.baseOf(data)));
    const values = this.of(data);
    if (count !== n && !shift) this.problem = `has ${count} values for ${n} items`;
    else if (values.length < 2) return;
    this.exact = shape.length < 2;
    const sign = values.at(-1) < values[0] ? -1 : 1;
    const { at, x } = knotsOf({ values, pairs: !this.exact, n: shape[0], from: -shift, count }, sign < 0);
    if (x.length < values.length) this.problem = "has gaps";
    else if (!x.every((one, i) => !i || sign * (one - x[i - 1]) > 0)) this.problem = "is not monotonic";
    if (this.exact && count === n) this.list = data; // those that no axis can show, too
    if (this.problem) return;
    const wide = x.at(-1) - x[0];
    const step = wide / (at.at(-1) - at[0]);
    const even = x.every((one, i) => Math.abs(x[0] + (at[i] - at[0]) * step - one) <= 0.02 * Math.abs(wide));
    Object.assign(this, { items: at, values: x, even });
  }

  /** The coordinate at a position, which may be between items; and back. */
  at(item) {
    return this.values ? interpolated(this.items, this.values, item) : item;
  }
  place(value) {
    return this.values ? interpolated(this.values, this.items, value) : value;
  }

  /** "angle from 0 degrees to 1 degrees" of two items; "" when there are only indices. */
  span(from, to) {
    return this.values ? `${this.label} from ${this.text(this.at(from), 6)} to ${this.text(this.at(to), 6)}` : "";
  }
  /** "0.5 degrees" of an item; "" when there is only its index. */
  coordinate(item) {
    if (this.list) return this.textOf(this.list[item], 7);
    return this.values ? `${this.exact ? "" : "≈ "}${this.text(this.at(item), 7)}` : "";
  }
  /** "angle 0.5 degrees" of an item; "" when there is only its index. */
  tell(item) {
    const at = this.coordinate(item);
    return at && `${this.label} ${at}`;
  }
  get axis() {
    if (this.values) return { ...super.axis, even: this.even };
    return { label: `${this.name}${this.problem && `, index (${this.label} ${this.problem})`}`, whole: true };
  }
}

/* The coordinates that an axis is told to have; where they cannot be had, the indices. */
async function coordinate(i, told, ds) {
  const root = ds.path.split("/")[0];
  const plain = new Coordinate(i, told);
  if (told.step > 0) Object.assign(plain, { label: plain.name, items: [0, 1], values: [0, told.step] });
  if (!told.path || `${root}/${told.path}` === ds.path) return plain;
  const path = encode(`${root}/${told.path}`);
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const line = await numbers(`/api/line/${path}?slice_=:&px=${PX}`, { signal });
    // whole numbers may be dates, which only the dtype tells
    const whole = line.headers.get("X-Dtype") === "<i8" && !told.time;
    const made = whole ? new Coordinate(i, told, (await json(`/api/info/${path}`, { signal })).dtype) : plain;
    made.take(line, ds.shape[i]);
    return made;
  } catch {
    plain.problem = "cannot be shown as numbers";
    return plain;
  }
}

/* A title that is a dataset; one that cannot be had is none. */
const titleAt = (path) =>
  json(`/api/fetch/${encode(path)}?format=json`, { signal: AbortSignal.timeout(PATIENCE) }).then(String, () => "");

const known = new WeakMap();

/**
 * What a dataset means: {title, image, signal, stored: Quantity, axes: Coordinate of each axis, sides: which dataset
 * has these, {path, name}, errors: path, levels}. First indices without units. What is told later is in the same
 * object: all but coordinates when the promise known is fulfilled, all when ready is, and then told is true. stored:
 * the numbers as they are in the file, where scale and offset make other ones of them. It is asked for once for each
 * generation.
 */
export function meaningOf(ds) {
  const found = known.get(ds);
  if (found?.etag === ds.etag) return found;
  const signal = new Quantity({}, ds.dtype);
  const axes = ds.shape.map((_, i) => new Coordinate(i));
  const meaning = { etag: ds.etag, title: "", signal, stored: signal, axes, sides: [], levels: [], told: false };
  known.set(ds, meaning);
  const asked = exactJson(`/api/meaning/${encode(ds.path)}`, { signal: AbortSignal.timeout(PATIENCE) }).catch(
    () => ({}),
  );
  meaning.known = asked.then((told) => learn(meaning, ds, told));
  meaning.ready = asked.then(async ({ axes: told, title, title_path: path }) => {
    const all = ds.shape.map((_, i) => coordinate(i, (told?.length === ds.shape.length && told[i]) || {}, ds));
    if (!title && path) meaning.title = await titleAt(`${ds.path.split("/")[0]}/${path}`);
    Object.assign(meaning, { axes: await Promise.all(all), told: true });
  });
  return meaning;
}

function learn(meaning, ds, { title = "", signal, errors, axes = [], levels = [] }) {
  const whole = (path) => path && `${ds.path.split("/")[0]}/${path}`;
  Object.assign(meaning, { title, levels, image: signal?.image });
  if (axes.length === ds.shape.length)
    meaning.sides = axes.map(({ path, dimension, name }) => ({ path: whole(path), name: dimension || name }));
  meaning.errors = whole(errors);
  if (!signal || ds.fields.length) return;
  if (!signal.units && signal.label === signal.name) signal.label = ""; // that is said above the picture
  meaning.signal = meaning.stored = new Quantity(signal, ds.dtype);
  if (!meaning.signal.scaled) return;
  meaning.stored = new Quantity({ ...signal, scale: 1, offset: 0, units: "stored", time: null }, ds.dtype);
}

/** An item with what it is, and the coordinates of all axes that have some; items: indices, others are no places. */
export function tellItem(ds, items, value) {
  const coordinates = meaningOf(ds).axes.map((axis, i) => (items[i] >= 0 ? axis.tell(Number(items[i])) : ""));
  return [`[${items}] = ${value}`, ...coordinates.filter(Boolean)].join(" · ");
}

/** For a view whose values are made of stored numbers: how, and a box to see the stored ones (state raw). */
export function storedChoice(view) {
  const box = h("label", { class: "how", hidden: true });
  meaningOf(view.ds).known.then(() => {
    const { how } = meaningOf(view.ds).signal;
    if (!how || view.closed) return;
    const input = h("input", { type: "checkbox", checked: view.state.raw === "1" });
    input.addEventListener("change", () => {
      Object.assign(view.state, { lo: "", hi: "" });
      view.option("raw", input.checked ? "1" : "");
    });
    box.append(input, ` stored numbers; else values, which are the ${how}`);
    box.hidden = false;
  });
  return box;
}
