// SPDX-License-Identifier: BSD-3-Clause
// Which part of an axis a line shows, from x0 to x1: items; or values of x, where those are in no order.
import { clamp } from "./ui.js";

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
