// SPDX-License-Identifier: BSD-3-Clause
// A line under axes with ticks, on a canvas. What comes as pairs of least and greatest is a band.
import { axis, drawAxis, prepare, room } from "./axes.js";
import { Coordinate, Quantity } from "./meaning.js";
import { digitsOf } from "./ticks.js";
import { h, token } from "./ui.js";

const PAD = 10; // px around what is drawn

export class Plot {
  /**
   * line: {data, shape} of /api/line for items [from, from + count); x: the Coordinate along it, y: the Quantity of
   * its values (meaning.js): without them indices and stored numbers.
   */
  constructor(label, line, count, from = 0, { x = new Coordinate(0), y = new Quantity() } = {}) {
    Object.assign(this, { label, from, log: false, x, y });
    this.canvas = h("canvas", { class: "plot", role: "img", "aria-label": label });
    this.box = h("figure", { class: "plotbox" }, this.canvas, h("figcaption", {}, label));
    this.take(line, count, from);
  }

  take({ data, shape }, count, from) {
    const pairs = shape.length === 2;
    const n = shape[0];
    const values = this.y.of(data);
    Object.assign(this, { values, pairs, n, count, from });
    let lo = Infinity;
    let hi = -Infinity;
    let positive = Infinity;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value - value !== 0) continue;
      if (value < lo) lo = value;
      if (value > hi) hi = value;
      if (value > 0 && value < positive) positive = value;
    }
    Object.assign(this, { lo, hi, positive, window: this.window || { x0: from, x1: from + count } });
  }

  /* Least and greatest of the scaled axis of values: [a, b]. */
  range() {
    let { lo, hi } = this;
    if (!(lo <= hi)) [lo, hi] = [0, 1];
    if (this.log) [lo, hi] = this.positive < Infinity ? [this.positive, hi] : [1e-3, 1];
    const [a, b] = this.log ? [Math.log10(lo), Math.log10(hi)] : [lo, hi];
    const pad = (b - a) * 0.05 || (this.log ? 1 : Math.abs(a) * 0.1 || 1);
    return [a - pad, b + pad];
  }

  /* Where things are: margins, scales, axes. */
  layout(context) {
    const { canvas, log, window } = this;
    const width = Math.max(canvas.clientWidth, 50);
    const height = Math.max(canvas.clientHeight, 50);
    canvas.width = width * devicePixelRatio;
    canvas.height = height * devicePixelRatio;
    context.scale(devicePixelRatio, devicePixelRatio);
    prepare(context);
    const box = { left: 0, right: width - PAD, top: PAD, bottom: height };
    const { x0, x1 } = window;
    const [a, b] = this.range();
    const scaled = log ? Math.log10 : (value) => value;
    const px = (item) => box.left + ((item - x0) / (x1 - x0)) * (box.right - box.left);
    const py = (value) => box.bottom - ((scaled(value) - a) / (b - a)) * (box.bottom - box.top);
    const along = { side: "bottom", lo: this.x.at(x0), hi: this.x.at(x1), at: (value) => px(this.x.place(value)) };
    box.bottom -= room({ side: "bottom", label: "x" });
    const [lo, hi] = log ? [10 ** a, 10 ** b] : [a, b];
    const up = { side: "left", from: box.bottom, to: box.top, lo, hi, at: py, scale: log ? "log" : "linear" };
    const y = axis(context, { ...this.y.axis, ...up });
    box.left = room(y);
    const x = axis(context, { ...this.x.axis, ...along, from: box.left, to: box.right });
    this.frame = { box, px, py, a, b, x, y };
    return this.frame;
  }

  draw() {
    const context = this.canvas.getContext("2d");
    const { box, px, py, x, y } = this.layout(context);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    drawAxis(context, y, box.left, box.right);
    drawAxis(context, x, box.bottom);
    context.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left, box.bottom - box.top);
    this.remark(context, box);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    context.clip();
    context.strokeStyle = context.fillStyle = token("--accent");
    context.lineWidth = 1.25;
    if (this.pairs) this.band(context, px, py);
    else this.curve(context, px, py);
    context.restore();
  }

  /* What cannot be seen: why nothing is drawn. */
  remark(context, { left, right, top }) {
    const { n, lo, hi, log, positive } = this;
    const none = n ? "no finite values" : "0 elements";
    this.said = !(lo <= hi) ? none : log && positive === Infinity ? "no value above 0 for the log scale" : "";
    if (lo === hi && n > 1 && !this.said) this.said = `all finite values are ${this.y.text(lo)}`;
    context.textAlign = "center";
    context.textBaseline = "top";
    context.fillText(this.said, (left + right) / 2, top + 8);
  }

  curve(context, px, py) {
    const { values, n, from } = this;
    const dots = n < 60;
    context.beginPath();
    let pen = false;
    for (let i = 0; i < n; i++) {
      const y = py(values[i]);
      if (y - y !== 0) {
        pen = false;
        continue;
      }
      if (pen) context.lineTo(px(from + i), y);
      else context.moveTo(px(from + i), y);
      pen = true;
    }
    context.stroke();
    if (!dots) return;
    for (let i = 0; i < n; i++)
      if (values[i] - values[i] === 0) {
        context.beginPath();
        context.arc(px(from + i), py(values[i]), 2.5, 0, 7);
        context.fill();
      }
  }

  /* One upright stroke a pair, joined to its neighbour. */
  band(context, px, py) {
    const { values, n, count, from } = this;
    context.beginPath();
    let pen = false;
    for (let i = 0; i < n; i++) {
      const x = px(from + ((i + 0.5) * count) / n);
      const lo = py(values[2 * i]);
      const hi = py(values[2 * i + 1]);
      if (lo - lo !== 0 || hi - hi !== 0) {
        pen = false;
        continue;
      }
      if (pen) context.lineTo(x, hi);
      else context.moveTo(x, hi);
      context.lineTo(x, lo);
      pen = true;
    }
    context.stroke();
  }

  /** What is drawn, for those who do not see it. */
  description() {
    const { from, count, lo, hi, said } = this;
    const along = count ? this.x.span(from, from + count - 1) : "";
    return `${along && `${along}, `}${said || `values from ${this.text(lo, 9)} to ${this.text(hi, 9)}`}`;
  }
  text(value, digits) {
    return this.y.text(value, digitsOf(this.lo, this.hi, digits));
  }

  /** What stands at a position of the pointer: {index, text}. */
  at(clientX) {
    const box = this.canvas.getBoundingClientRect();
    const { left, right } = this.frame.box;
    const { x0, x1 } = this.window;
    const x = x0 + ((clientX - box.left - left) / (right - left)) * (x1 - x0);
    const index = Math.round(x);
    const i = this.pairs ? Math.floor(((x - this.from) / this.count) * this.n) : index - this.from;
    if (i < 0 || i >= this.n) return null;
    return {
      x,
      index,
      text: this.pairs
        ? `${this.text(this.values[2 * i], 6)} … ${this.text(this.values[2 * i + 1], 6)}`
        : this.text(this.values[i], 9),
    };
  }
}
