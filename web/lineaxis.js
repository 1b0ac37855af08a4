// SPDX-License-Identifier: BSD-3-Clause
// What stands under a line: the items, or the coordinates that another dataset has for them; and which part of an
// axis is shown, from x0 to x1: items; or values of x, where those are in no order.
import { interpolated, knotsOf } from "./meaning.js";
import { clamp } from "./ui.js";

const COARSE_PX = 1024;

const inOrder = ({ x }, sign) => x.every((one, i) => !i || sign * (one - x[i - 1]) >= 0);

/** Items: their own coordinates. */
export class ItemAxis {
  /** name: of the axis. */
  constructor(length, name = "") {
    Object.assign(this, { length, name, sorted: true, base: 0n });
  }
  get axis() {
    return { label: this.name, whole: true };
  }
  text(value) {
    return String(value);
  }
  /** Ready to be asked for anything else. */
  async look() {
    return this;
  }
  toX(item) {
    return item;
  }
  toItem(x) {
    return x;
  }
  /** The items between two coordinates. */
  items(a, b, pad) {
    return itemsOf(Math.min(a, b), Math.max(a, b), this.length, pad);
  }
  /** Coordinates of the same items as those of a line; null: the items. */
  async load() {
    return null;
  }
}

export class CoordinateAxis extends ItemAxis {
  /** source: of the coordinates; one more than `length`, they are edges; base: of the axis they are drawn along. */
  constructor(source, length, base) {
    super(length);
    Object.assign(this, { source, base, edges: source.length === length + 1 });
  }

  get clock() {
    return this.source.clock;
  }
  get axis() {
    return { ...this.quantity.axis, label: this.source.label };
  }
  text(...what) {
    return this.quantity.text(...what);
  }

  async look(signal) {
    if (this.knots) return this;
    const line = await this.load({ from: 0, count: this.length }, COARSE_PX, signal);
    this.quantity = this.source.quantity.from(this.base);
    const rising = knotsOf(line, false);
    const falling = knotsOf(line, true);
    this.sign = inOrder(rising, 1) ? 1 : inOrder(falling, -1) ? -1 : 0;
    this.knots = this.sign < 0 ? falling : rising;
    let [lo, hi] = [Infinity, -Infinity];
    for (const x of rising.x) [lo, hi] = [Math.min(lo, x), Math.max(hi, x)];
    this.sorted = Boolean(this.sign) && hi > lo && this.knots.at.length > 1;
    if (!(hi >= lo)) [lo, hi] = [0, 1];
    const room = (hi - lo) * 0.02 || 1;
    this.values = { lo: lo - room, hi: hi + room };
    return this;
  }

  /** Exact in the part shown, as soon as that is here. */
  learn(line) {
    const knots = knotsOf(line, this.sign < 0);
    this.fine = knots.at.length > 1 ? knots : null;
  }

  toX(item) {
    if (!this.sorted) return item;
    const { fine } = this;
    const near = fine && item >= fine.at[0] - 1 && item <= fine.at.at(-1) + 1;
    const knots = near ? fine : this.knots;
    return interpolated(knots.at, knots.x, item);
  }

  toItem(x) {
    if (!this.sorted) return x;
    const { fine, sign } = this;
    const near = fine && sign * (x - fine.x[0]) >= 0 && sign * (fine.x.at(-1) - x) >= 0;
    const knots = near ? fine : this.knots;
    return interpolated(knots.x, knots.at, x);
  }

  items(a, b, pad) {
    const all = { from: 0, count: this.length };
    return this.sorted ? super.items(this.toItem(a), this.toItem(b), pad) : all;
  }

  /* Of edges the middles. */
  async load({ from, count }, px, signal) {
    const between = this.edges && count <= 2 * px;
    const line = await this.source.load({ from, count: count + between }, px + between, signal);
    this.base ??= this.source.baseOf(line.data);
    const all = this.base ? this.source.values(line.data, this.base) : line.values;
    if (!between) return { ...line, values: all };
    const values = Float64Array.from({ length: count }, (_, i) => (all[i] + all[i + 1]) / 2);
    return { ...line, data: null, values, n: count, count };
  }
}

export class Span {
  /** text: "x0,x1"; else all is shown. values: {lo, hi} of x; else the axis has `length` items. */
  constructor(length, text, values = null) {
    this.values = values;
    this.reach(length);
    this.whole();
    const [from, to] = text.split(",").map(Number);
    if (to > from) this.move(from, to);
  }

  reach(length) {
    const { values } = this;
    const [low, high] = values ? [values.lo, values.hi] : [0, Math.max(length, 1)];
    Object.assign(this, { length, low, high, least: values ? (high - low) * 1e-6 : Math.min(4, length) });
  }

  whole() {
    Object.assign(this, { x0: this.low, x1: this.high });
  }

  /** As near to this as the axis allows. */
  move(x0, x1) {
    const { low, high } = this;
    const wide = clamp(x1 - x0, this.least, high - low);
    const left = clamp(x0, low, Math.max(high - wide, low));
    Object.assign(this, { x0: left, x1: left + wide });
  }

  zoom(factor, at = (this.x0 + this.x1) / 2) {
    this.move(at - (at - this.x0) * factor, at + (this.x1 - at) * factor);
  }

  /** The axis has another length; follow: its end is shown. */
  resize(length, follow) {
    const all = this.text === "";
    const wide = this.x1 - this.x0;
    this.reach(length);
    if (all) this.whole();
    else this.move(follow ? this.high - wide : this.x0, follow ? this.high : this.x1);
  }

  /** Items to ask for: those in sight, and pad beside where there is more. */
  items(pad = 1) {
    const all = this.values || this.x1 - this.x0 >= this.length;
    return all ? { from: 0, count: this.length } : itemsOf(this.x0, this.x1, this.length, pad);
  }

  get text() {
    const { x0, x1, low, high, values } = this;
    if (x1 - x0 >= high - low) return "";
    return [x0, x1].map((at) => (values ? +at.toPrecision(12) : Math.round(at))).join(",");
  }
}

/** The items of an axis between two places on it, and pad more at both ends. */
export function itemsOf(x0, x1, length, pad = 1) {
  const from = clamp(Math.floor(x0) - pad, 0, length);
  return { from, count: clamp(Math.ceil(x1) + pad, from, length) - from };
}
