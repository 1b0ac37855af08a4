// SPDX-License-Identifier: BSD-3-Clause
// Which part of a plane a picture shows, in items: fitted, zoomed, panned, and in the shape of its canvas.
import { clamp } from "./ui.js";

export class Viewport {
  /** moved(): somebody moved the window. */
  constructor(moved) {
    Object.assign(this, { moved, window: null, rows: 0, columns: 0, width: 1, height: 1, fitted: true });
  }

  /** Look at a plane of this size. One of another size is shown whole, or where box says: "x0,x1,y0,y1". */
  look(rows, columns, box) {
    if (this.window && rows === this.rows && columns === this.columns) return;
    Object.assign(this, { rows, columns });
    this.whole();
    const sides = box.split(",").map(Number);
    const [x0, x1, y0, y1] = sides;
    if (sides.length !== 4 || !sides.every(Number.isFinite) || x1 <= x0 || y1 <= y0) return;
    this.window = this.shaped({ x0, x1, y0, y1 });
    this.fitted = false;
  }

  /** The canvas has this many pixels. */
  resize(width, height) {
    Object.assign(this, { width, height });
    if (!this.window) return;
    if (this.fitted) this.whole();
    else this.window = this.shaped(this.window);
  }

  /* Items are square unless that would leave a sliver. */
  stretched() {
    const ratio = this.columns / this.rows;
    return ratio > 6 || ratio < 1 / 6;
  }

  shaped({ x0, x1, y0, y1 }) {
    if (this.stretched()) return { x0, x1, y0, y1 };
    const scale = Math.max((x1 - x0) / this.width, (y1 - y0) / this.height);
    const middleX = (x0 + x1) / 2;
    const middleY = (y0 + y1) / 2;
    return {
      x0: middleX - (scale * this.width) / 2,
      x1: middleX + (scale * this.width) / 2,
      y0: middleY - (scale * this.height) / 2,
      y1: middleY + (scale * this.height) / 2,
    };
  }

  whole() {
    this.window = this.shaped({ x0: 0, x1: Math.max(this.columns, 1), y0: 0, y1: Math.max(this.rows, 1) });
    this.fitted = true;
  }

  fit() {
    this.whole();
    this.changed();
  }

  /** One item a pixel. */
  oneToOne() {
    const { x0, x1, y0, y1 } = this.window;
    const middleX = Math.round((x0 + x1) / 2);
    const middleY = Math.round((y0 + y1) / 2);
    this.window = {
      x0: middleX - Math.floor(this.width / 2),
      x1: middleX + Math.ceil(this.width / 2),
      y0: middleY - Math.floor(this.height / 2),
      y1: middleY + Math.ceil(this.height / 2),
    };
    this.changed();
  }

  /** factor below 1 shows less; at, or the middle, stays where it is. */
  zoom(factor, at) {
    const { x0, x1, y0, y1 } = this.window;
    const x = at?.x ?? (x0 + x1) / 2;
    const y = at?.y ?? (y0 + y1) / 2;
    const least = 4;
    const most = 4 * Math.max(this.rows, this.columns, 8);
    if (factor < 1 && Math.min(x1 - x0, y1 - y0) * factor < least) return;
    if (factor > 1 && Math.max(x1 - x0, y1 - y0) * factor > most) return;
    this.window = {
      x0: x - (x - x0) * factor,
      x1: x + (x1 - x) * factor,
      y0: y - (y - y0) * factor,
      y1: y + (y1 - y) * factor,
    };
    this.changed();
  }

  pan(byX, byY) {
    const { x0, x1, y0, y1 } = this.window;
    const wide = x1 - x0;
    const tall = y1 - y0;
    const left = clamp(x0 + byX, -wide * 0.9, this.columns - wide * 0.1);
    const top = clamp(y0 + byY, -tall * 0.9, this.rows - tall * 0.1);
    this.window = { x0: left, x1: left + wide, y0: top, y1: top + tall };
    this.changed();
  }

  frame(box) {
    this.window = this.shaped(box);
    this.changed();
  }

  changed() {
    const { x0, x1, y0 } = this.window;
    const fit = this.shaped({ x0: 0, x1: this.columns, y0: 0, y1: this.rows });
    this.fitted = Math.abs(fit.x0 - x0) < 0.5 && Math.abs(fit.x1 - x1) < 0.5 && Math.abs(fit.y0 - y0) < 0.5;
    this.moved();
  }

  /** The item in the middle. */
  get middle() {
    const { x0, x1, y0, y1 } = this.window;
    return { row: Math.floor((y0 + y1) / 2), column: Math.floor((x0 + x1) / 2) };
  }

  /** The window as look() reads it; "" when the whole plane is shown. */
  get text() {
    if (this.fitted) return "";
    const { x0, x1, y0, y1 } = this.window;
    return [x0, x1, y0, y1].map((value) => +value.toFixed(x1 - x0 < 50 ? 2 : 0)).join(",");
  }
}
