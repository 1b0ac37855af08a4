// SPDX-License-Identifier: BSD-3-Clause
// A line under axes with ticks, on a canvas. What comes as pairs of least and greatest is a band.
import { asNumbers } from "./api.js";
import { h, number, token } from "./ui.js";

/** Round steps for about n ticks between lo and hi. */
export function ticks(lo, hi, n) {
  const rough = (hi - lo) / Math.max(n, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) || rough;
  const out = [];
  for (let value = Math.ceil(lo / step) * step; value <= hi + step * 1e-9 && out.length < 50; value += step)
    out.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  return out;
}

export class Plot {
  /** line: {data, shape} of /api/line for items [from, from + count). */
  constructor(label, line, count, from = 0) {
    Object.assign(this, { label, from, log: false });
    this.canvas = h("canvas", { class: "plot", role: "img", "aria-label": label });
    this.box = h("figure", { class: "plotbox" }, this.canvas, h("figcaption", {}, label));
    this.take(line, count, from);
  }

  take({ data, shape }, count, from) {
    const pairs = shape.length === 2;
    const n = shape[0];
    const values = asNumbers(data);
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

  /* Where things are: margins, scales. */
  layout() {
    const { canvas } = this;
    const ratio = devicePixelRatio;
    const width = Math.max(canvas.clientWidth, 50);
    const height = Math.max(canvas.clientHeight, 50);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const box = { left: 62, right: width - 10, top: 10, bottom: height - 26 };
    const { x0, x1 } = this.window;
    let { lo, hi } = this;
    if (!(lo <= hi)) [lo, hi] = [0, 1];
    const scaled = this.log ? (value) => Math.log10(value) : (value) => value;
    if (this.log) lo = this.positive < Infinity ? this.positive : 1e-3;
    if (lo === hi) {
      lo -= Math.abs(lo) * 0.1 || 1;
      hi += Math.abs(hi) * 0.1 || 1;
      if (this.log) lo = hi / 100;
    }
    let a = scaled(lo);
    let b = scaled(hi);
    const pad = (b - a) * 0.05;
    a -= pad;
    b += pad;
    this.frame = {
      box,
      px: (x) => box.left + ((x - x0) / (x1 - x0)) * (box.right - box.left),
      py: (value) => box.bottom - ((scaled(value) - a) / (b - a)) * (box.bottom - box.top),
      a,
      b,
    };
    return this.frame;
  }

  draw() {
    const { box, px, py, a, b } = this.layout();
    const context = this.canvas.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.font = `12px ${token("--font") || "sans-serif"}`;
    context.lineWidth = 1;
    context.strokeStyle = token("--line");
    context.fillStyle = token("--muted");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const at of ticks(a, b, (box.bottom - box.top) / 45)) {
      const value = this.log ? 10 ** at : at;
      const y = Math.round(py(value)) + 0.5;
      context.beginPath();
      context.moveTo(box.left, y);
      context.lineTo(box.right, y);
      context.stroke();
      context.fillText(number(value, 4), box.left - 6, y);
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const at of ticks(this.window.x0, this.window.x1, (box.right - box.left) / 90)) {
      const x = Math.round(px(at)) + 0.5;
      if (x > box.right + 1) continue;
      context.beginPath();
      context.moveTo(x, box.bottom);
      context.lineTo(x, box.bottom + 4);
      context.stroke();
      const text = number(at, 7);
      const half = context.measureText(text).width / 2;
      context.fillText(text, Math.min(x, box.right + 8 - half), box.bottom + 7);
    }
    context.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left, box.bottom - box.top);
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
        ? `${number(this.values[2 * i])} … ${number(this.values[2 * i + 1])}`
        : number(this.values[i], 9),
    };
  }
}
