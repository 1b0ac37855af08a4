// SPDX-License-Identifier: BSD-3-Clause
// Where the numbers of a picture come from: tiles of one plane of one dataset, or of the difference of two.
import { Cache, Queue, encode, numbers, query } from "./api.js";
import { meaningOf } from "./meaning.js";

export const SIDE = 256;
const cache = new Cache(96 << 20);
const queue = new Queue(6);
const slow = new Queue(1);

const LARGE = 1 << 24; // items of a plane whose overviews are drawn from stored levels

export class Plane {
  /** ds: {path, etag, shape}; plane: {x, y, index}; more: {part, agg, field, raw, cm, projected}. */
  constructor(ds, plane, more) {
    Object.assign(this, { ds, x: plane.x, y: plane.y, index: [...plane.index], refused: new Set() });
    this.rows = ds.shape[this.y];
    this.columns = ds.shape[this.x];
    this.common = { v: ds.etag, part: more.part || null, field: more.field || null };
    this.over = more.projected || null; // index has a range, of which this is the mean, the greatest or the least
    const whole = more.cm === "palette" ? "nearest" : null; // indices have no mean
    this.agg = this.over ? null : more.agg || whole;
    this.raw = more.raw || "";
    this.at = this.index.map((at, i) => (i === this.x || i === this.y ? ":" : at)).join(",");
    const { part, field } = this.common;
    const how = [part, this.agg, field, this.over, this.raw];
    this.key = JSON.stringify([ds.path, ds.etag, this.x, this.y, this.at, ...how]);
  }

  /** What its numbers are. */
  get quantity() {
    return meaningOf(this.ds)[this.raw ? "stored" : "signal"];
  }

  slice(row, column) {
    return this.index.map((at, i) => (i === this.x ? column : i === this.y ? row : at)).join(",");
  }

  get(z, x, y) {
    const tile = cache.get(`${this.key}/${z}/${x}/${y}`);
    return tile?.how === this.quantity.key ? tile : undefined;
  }

  async load(z, x, y, signal) {
    return this.get(z, x, y) || this.fetch(z, x, y, queue, signal);
  }

  /* How often a level halves both axes of the plane; -1: it is none of it. */
  halvings({ shape = [] }) {
    const up = Math.round(Math.log2(this.columns / shape[this.x]));
    const fits = (n, i) =>
      i === this.x || i === this.y ? Math.abs(n - this.ds.shape[i] / 2 ** up) < 1 : n === this.ds.shape[i];
    return up >= 0 && shape.length === this.ds.shape.length && shape.every(fits) ? up : -1;
  }

  /* The dataset that has the numbers of level z, or comes nearest: a stored level. */
  stored(z) {
    const own = { path: this.ds.path, up: 0 };
    if (this.over || this.rows * this.columns < LARGE) return own;
    const root = this.ds.path.split("/")[0];
    const { levels } = meaningOf(this.ds);
    const all = levels.map((level) => ({ path: `${root}/${level.at}`, up: this.halvings(level) }));
    return all.reduce((best, one) => (one.up <= z && one.up > best.up ? one : best), own);
  }

  async fetch(z, x, y, line, signal, exact) {
    const { known } = meaningOf(this.ds);
    const many = z || this.over;
    if (many) await known; // texels of several items leave out those that stand for none, and may be stored elsewhere
    const { path, up } = this.stored(z);
    const place = { z: z - up || null, x: x || null, y: y || null, exact };
    const fill = many ? this.quantity.fill : null;
    const plane = { axes: `${this.x},${this.y}`, at: this.at, agg: this.agg, over: this.over };
    const how = { ...plane, ...place, fill, ...this.common };
    if (up) how.v = null;
    const url = `/api/tile/${encode(path)}${query(how)}`;
    const { data, shape, headers } = await line.run(() => numbers(url, { signal }), signal);
    await known;
    const { quantity } = this;
    const more = { how: quantity.key, approx: headers.get("X-Approx"), exact };
    const tile = { raw: data, data: quantity.of(data), h: shape[0], w: shape[1], ...more };
    cache.set(`${this.key}/${z}/${x}/${y}`, tile, data.byteLength * 2 + 4 * data.length);
    return tile;
  }

  /** Of these tiles, have the first that is a sample made exactly, which takes long; then done(). What is being
   * made and is wanted no more is given up: the server keeps what it has of it. */
  refine(wanted, done) {
    const samples = wanted.filter(({ z, x, y }) => this.sampled(z, x, y));
    const [next] = samples;
    if (samples.some(({ z, x, y }) => this.refining === `${z}/${x}/${y}`)) return;
    this.refiner?.abort();
    this.refining = next && `${next.z}/${next.x}/${next.y}`;
    if (!next) return;
    const control = new AbortController();
    this.refiner = control;
    this.fetch(next.z, next.x, next.y, slow, control.signal, 1)
      // what is refused stays a sample
      .catch((error) => error.name !== "AbortError" && this.refused.add(`${next.z}/${next.x}/${next.y}`))
      .then(() => {
        if (this.refiner !== control) return;
        this.refining = null;
        done();
      });
  }

  /** Is the tile a sample that could be better? */
  sampled(z, x, y) {
    const tile = this.get(z, x, y);
    return tile?.approx && !tile.exact && !this.over && !this.refused.has(`${z}/${x}/${y}`);
  }

  /** The slice that a window shows. */
  part({ x0, x1, y0, y1 }) {
    const range = (from, to, n) => {
      const [first, end] = [Math.max(Math.floor(from), 0), Math.min(Math.ceil(to), n)];
      return first === 0 && end === n ? ":" : `${first}:${Math.max(end, first)}`;
    };
    return this.slice(range(y0, y1, this.rows), range(x0, x1, this.columns));
  }

  statsUrl(slice = this.at) {
    const { fill } = this.quantity;
    return `/api/stats/${encode(this.ds.path)}${query({ slice_: slice, fill, ...this.common })}`;
  }
  lineUrl(axis, row, column, px, range = ":") {
    const how = this.over ? { over: this.over, axis } : {};
    const slice = this.index
      .map((at, i) => (i === axis ? range : i === this.x ? column : i === this.y ? row : at))
      .join(",");
    const { fill } = this.quantity;
    return `/api/line/${encode(this.ds.path)}${query({ slice_: slice, px, ...how, fill, ...this.common })}`;
  }
}

/** a − b, item by item. */
export class Difference {
  constructor(a, b) {
    Object.assign(this, { a, b, rows: a.rows, columns: a.columns, key: `${a.key}-${b.key}` });
  }
  get(z, x, y) {
    const ready = cache.get(`${this.key}/${z}/${x}/${y}`);
    const a = this.a.get(z, x, y);
    const b = this.b.get(z, x, y);
    if (ready && !(ready.approx && a && b && !a.approx && !b.approx)) return ready;
    return a && b ? this.make(a, b, z, x, y) : undefined;
  }
  refine() {} // the planes are, where they are shown
  make(a, b, z, x, y) {
    const data = Float64Array.from(a.data, (value, i) => value - b.data[i]);
    const tile = { raw: data, data, w: a.w, h: a.h, approx: a.approx || b.approx };
    cache.set(`${this.key}/${z}/${x}/${y}`, tile, 3 * data.byteLength);
    return tile;
  }
  async load(z, x, y, signal) {
    const [a, b] = await Promise.all([this.a.load(z, x, y, signal), this.b.load(z, x, y, signal)]);
    return this.make(a, b, z, x, y);
  }
}

/** Statistics of a plane whose level-0 tiles are all here; null when they are not. */
export function statsHere(source) {
  const across = Math.ceil(source.columns / SIDE);
  const down = Math.ceil(source.rows / SIDE);
  if (across * down > 48) return null;
  const tiles = [];
  for (let y = 0; y < down; y++)
    for (let x = 0; x < across; x++) {
      const tile = source.get(0, x, y);
      if (!tile) return null;
      tiles.push(tile);
    }
  return statsOf(tiles);
}

export function statsOf(tiles) {
  let min = Infinity;
  let max = -Infinity;
  let positive = Infinity;
  let finite = 0;
  let sum = 0;
  for (const { data } of tiles)
    for (let i = 0; i < data.length; i++) {
      const value = +data[i];
      if (value - value !== 0) continue;
      if (value < min) min = value;
      if (value > max) max = value;
      if (value > 0 && value < positive) positive = value;
      sum += value;
      finite++;
    }
  if (!finite) return { min: null, max: null, min_positive: null, p1: null, p99: null, mean: null, histogram: null };
  const fine = new Uint32Array(4096);
  const scale = max > min ? 4095.999 / (max - min) : 0;
  for (const { data } of tiles)
    for (let i = 0; i < data.length; i++) if (data[i] - data[i] === 0) fine[Math.floor((data[i] - min) * scale)]++;
  const at = (share) => {
    let seen = 0;
    for (let i = 0; i < 4096; i++) {
      seen += fine[i];
      if (seen >= share * finite) return scale ? min + (i + 0.5) / scale : min;
    }
    return max;
  };
  const counts = Array.from({ length: 64 }, (_, i) => fine.subarray(i * 64, i * 64 + 64).reduce((a, b) => a + b, 0));
  return {
    min,
    max,
    min_positive: positive === Infinity ? null : positive,
    mean: sum / finite,
    p1: at(0.01),
    p99: at(0.99),
    histogram: { lo: min, hi: max, counts },
  };
}
