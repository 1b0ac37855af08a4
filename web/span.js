// SPDX-License-Identifier: BSD-3-Clause
// Which items of an axis a line shows: from x0 to x1 of length.
import { clamp } from "./ui.js";

export class Span {
  /** text: "x0,x1"; else all is shown. */
  constructor(length, text) {
    this.length = length;
    this.whole();
    const [from, to] = text.split(",").map(Number);
    if (to > from) this.move(from, to);
  }

  whole() {
    Object.assign(this, { x0: 0, x1: Math.max(this.length, 1) });
  }

  /** As near to this as the axis allows. */
  move(x0, x1) {
    const wide = clamp(x1 - x0, Math.min(4, this.length), Math.max(this.length, 1));
    const left = clamp(x0, 0, Math.max(this.length - wide, 0));
    Object.assign(this, { x0: left, x1: left + wide });
  }

  zoom(factor, at = (this.x0 + this.x1) / 2) {
    this.move(at - (at - this.x0) * factor, at + (this.x1 - at) * factor);
  }

  /** The axis has another length; follow: its end is shown. */
  resize(length, follow) {
    const all = this.text === "";
    const wide = this.x1 - this.x0;
    this.length = length;
    if (all) this.whole();
    else this.move(follow ? length - wide : this.x0, follow ? length : this.x1);
  }

  /** Items to ask for: those in sight, and one beside where there is more. */
  get items() {
    const pad = this.x1 - this.x0 < this.length ? 1 : 0;
    const from = clamp(Math.floor(this.x0) - pad, 0, this.length);
    return { from, count: clamp(Math.ceil(this.x1) + pad, 0, this.length) - from };
  }

  get text() {
    return this.x1 - this.x0 >= this.length ? "" : `${Math.round(this.x0)},${Math.round(this.x1)}`;
  }
}
