// SPDX-License-Identifier: BSD-3-Clause
// Curves under axes with ticks, on a canvas.
import { axis, drawAxis, prepare, room } from "./axes.js";
import { Curve, colourOf, drawCurve, drawLegend } from "./curves.js";
import { Coordinate, Quantity } from "./meaning.js";
import { digitsOf } from "./ticks.js";
import { contextOf, h, token } from "./ui.js";

const PAD = 10; // px around what is drawn

export class Plot {
  /**
   * line: {data, shape} of /api/line for items [from, from + count); x: the Coordinate along it, y: the Quantity of
   * its values (meaning.js): without them indices and stored numbers.
   */
  constructor(label, line, count, from = 0, { x = new Coordinate(0), y = new Quantity() } = {}) {
    Object.assign(this, { label, log: false, mark: "", window: null, left: 0, x, y });
    this.canvas = h("canvas", { class: "plot", role: "img", "aria-label": label });
    this.box = h("figure", { class: "plotbox" }, this.canvas, h("figcaption", {}, label));
    if (line) this.take(line, count, from);
  }

  /** One line of /api/line, at the coordinates of its items. */
  take({ data, shape }, count, from) {
    this.y = this.y.from(this.y.baseOf(data));
    const y = { data, values: this.y.of(data), pairs: shape.length === 2, n: shape[0], from, count };
    const curve = new Curve({ y, source: { quantity: this.y } });
    if (this.x.values) {
      const at = (i) => this.x.at(curve.xOf(i));
      curve.x = { values: Float64Array.from({ length: y.n }, (_, i) => at(i)), pairs: false };
      this.look(from, from + count - 1);
    }
    this.show([curve]);
  }

  /** Show x from one place of its axis to another. */
  look(from, to) {
    const ends = [this.x.at(from), this.x.at(to)];
    this.window = { x0: Math.min(...ends), x1: Math.max(...ends) };
  }

  /** Curves in one picture, all of them in x and y: {axis, text()}. */
  show(curves, { x, y } = this) {
    const ranges = curves.map((curve) => curve.range());
    const { from, count } = curves[0].y;
    Object.assign(this, { curves, x, y });
    curves.forEach((curve, i) => Object.assign(curve, ranges[i]));
    this.n = Math.max(...curves.map((curve) => curve.y.n));
    this.lo = Math.min(...ranges.map(({ lo }) => lo));
    this.hi = Math.max(...ranges.map(({ hi }) => hi));
    this.positive = Math.min(...ranges.map(({ positive }) => positive));
    this.window ||= { x0: from, x1: from + count };
  }

  /* Least and greatest of the scaled axis of values: [a, b]. */
  range() {
    let { lo, hi } = this;
    if (!(lo <= hi)) [lo, hi] = [0, 1];
    if (this.log) [lo, hi] = this.positive < Infinity ? [this.positive, hi] : [1e-3, 1];
    const [a, b] = this.log ? [Math.log10(lo), Math.log10(hi)] : [lo, hi];
    const pad = (b / 2 - a / 2) * 0.1 || (this.log ? 1 : Math.abs(a) * 0.1 || 1);
    return [Math.max(a - pad, -Number.MAX_VALUE), Math.min(b + pad, Number.MAX_VALUE)];
  }

  /* Where things are: margins, scales, axes. */
  layout(context, { width, height }) {
    const { log, window } = this;
    prepare(context);
    const box = { left: 0, right: width - PAD, top: PAD, bottom: height };
    const { x0, x1 } = window;
    const [a, b] = this.range();
    const scaled = log ? Math.log10 : (value) => value;
    const px = (value) => box.left + ((value - x0) / (x1 - x0)) * (box.right - box.left);
    // halves: the whole may pass the largest number
    const py = (value) => box.bottom - ((scaled(value) / 2 - a / 2) / (b / 2 - a / 2)) * (box.bottom - box.top);
    const along = { side: "bottom", lo: x0, hi: x1, at: px, even: true };
    box.bottom -= room({ side: "bottom", label: "x" });
    const [lo, hi] = log ? [10 ** a, 10 ** b] : [a, b];
    const up = { side: "left", from: box.bottom, to: box.top, lo, hi, at: py, scale: log ? "log" : "linear" };
    const y = axis(context, { ...this.y.axis, ...up });
    box.left = Math.max(room(y), this.left);
    const x = axis(context, { ...this.x.axis, ...along, from: box.left, to: box.right });
    this.frame = { box, px, py, a, b, x, y };
    return this.frame;
  }

  /** What its canvas has room for. */
  get size() {
    return { width: Math.max(this.canvas.clientWidth, 50), height: Math.max(this.canvas.clientHeight, 50) };
  }

  draw() {
    const { canvas, size } = this;
    this.paint(contextOf(canvas, size.width, size.height), size);
  }

  /** On anything that draws like a canvas. */
  paint(context, size) {
    const { box, x, y } = this.layout(context, size);
    drawAxis(context, y, box.left, box.right);
    drawAxis(context, x, box.bottom);
    context.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left, box.bottom - box.top);
    this.remark(context, box);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    context.clip();
    this.curves.forEach((curve, i) => {
      curve.colour = colourOf(curve.nth ?? i, token("--accent"));
      context.strokeStyle = context.fillStyle = curve.colour;
      drawCurve(context, curve, this.frame, this.mark);
    });
    context.restore();
    if (this.curves.length > 1) drawLegend(context, this.curves, box, { fg: token("--fg"), bg: token("--bg") });
  }

  /* What cannot be seen: why nothing is drawn. */
  remark(context, { left, right, top }) {
    const { n, lo, hi, log, positive } = this;
    const none = n ? "no finite values" : "0 elements";
    this.said = !(lo <= hi) ? none : log && positive === Infinity ? "no value above 0 for the log scale" : "";
    if (lo === hi && n > 1 && !this.said && !log) this.said = `all finite values are ${this.y.text(lo)}`;
    context.textAlign = "center";
    context.textBaseline = "top";
    context.fillText(this.said, (left + right) / 2, top + 8);
  }

  /** What is drawn, for those who do not see it. */
  description() {
    return this.said || `values from ${this.text(this.lo, 9)} to ${this.text(this.hi, 9)}`;
  }
  text(value, digits) {
    return this.y.text(value, digitsOf(this.lo, this.hi, digits));
  }

  /** What stands at a position of the pointer: x there, and the point of each curve that is nearest. */
  at({ clientX, clientY }) {
    const place = this.canvas.getBoundingClientRect();
    const { left, right } = this.frame.box;
    const { x0, x1 } = this.window;
    const [px, py] = [clientX - place.left, clientY - place.top];
    const x = x0 + ((px - left) / (right - left)) * (x1 - x0);
    const points = this.curves.map((curve) => ({ curve, i: curve.nearest(x, { x: px, y: py }, this.frame) }));
    return { x, points: points.filter(({ i }) => i >= 0) };
  }
}
