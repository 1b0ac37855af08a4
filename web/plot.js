// SPDX-License-Identifier: BSD-3-Clause
// A line under axes with ticks, on a canvas. What comes as pairs of least and greatest is a band.
import { h, number, token } from "./ui.js";

/** Round steps for about n ticks between lo and hi. */
export function ticks(lo, hi, n) {
  const rough = (hi - lo) / Math.max(n, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough) || rough;
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
    const values =
      data instanceof BigInt64Array || data instanceof BigUint64Array ? Float64Array.from(data, Number) : data;
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
    const f = this.log ? (value) => Math.log10(value) : (value) => value;
    if (this.log) lo = this.positive < Infinity ? this.positive : 1e-3;
    if (lo === hi) {
      lo -= Math.abs(lo) * 0.1 || 1;
      hi += Math.abs(hi) * 0.1 || 1;
      if (this.log) lo = hi / 100;
    }
    let a = f(lo);
    let b = f(hi);
    const pad = (b - a) * 0.05;
    a -= pad;
    b += pad;
    this.frame = {
      box,
      px: (x) => box.left + ((x - x0) / (x1 - x0)) * (box.right - box.left),
      py: (value) => box.bottom - ((f(value) - a) / (b - a)) * (box.bottom - box.top),
      a,
      b,
    };
    return this.frame;
  }

  draw() {
    const { box, px, py, a, b } = this.layout();
    const g = this.canvas.getContext("2d");
    g.scale(devicePixelRatio, devicePixelRatio);
    g.clearRect(0, 0, this.canvas.width, this.canvas.height);
    g.font = `12px ${token("--font") || "sans-serif"}`;
    g.lineWidth = 1;
    g.strokeStyle = token("--line");
    g.fillStyle = token("--muted");
    g.textAlign = "right";
    g.textBaseline = "middle";
    for (const at of ticks(a, b, (box.bottom - box.top) / 45)) {
      const value = this.log ? 10 ** at : at;
      const y = Math.round(py(value)) + 0.5;
      g.beginPath();
      g.moveTo(box.left, y);
      g.lineTo(box.right, y);
      g.stroke();
      g.fillText(number(value, 4), box.left - 6, y);
    }
    g.textAlign = "center";
    g.textBaseline = "top";
    for (const at of ticks(this.window.x0, this.window.x1, (box.right - box.left) / 90)) {
      const x = Math.round(px(at)) + 0.5;
      if (x > box.right + 1) continue;
      g.beginPath();
      g.moveTo(x, box.bottom);
      g.lineTo(x, box.bottom + 4);
      g.stroke();
      const text = number(at, 7);
      const half = g.measureText(text).width / 2;
      g.fillText(text, Math.min(x, box.right + 8 - half), box.bottom + 7);
    }
    g.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left, box.bottom - box.top);
    g.save();
    g.beginPath();
    g.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    g.clip();
    g.strokeStyle = g.fillStyle = token("--accent");
    g.lineWidth = 1.25;
    if (this.pairs) this.band(g, px, py);
    else this.curve(g, px, py);
    g.restore();
  }

  curve(g, px, py) {
    const { values, n, from } = this;
    const dots = n < 60;
    g.beginPath();
    let pen = false;
    for (let i = 0; i < n; i++) {
      const y = py(values[i]);
      if (y - y !== 0) {
        pen = false;
        continue;
      }
      if (pen) g.lineTo(px(from + i), y);
      else g.moveTo(px(from + i), y);
      pen = true;
    }
    g.stroke();
    if (!dots) return;
    for (let i = 0; i < n; i++)
      if (values[i] - values[i] === 0) {
        g.beginPath();
        g.arc(px(from + i), py(values[i]), 2.5, 0, 7);
        g.fill();
      }
  }

  /* One upright stroke a pair, joined to its neighbour. */
  band(g, px, py) {
    const { values, n, count, from } = this;
    g.beginPath();
    let pen = false;
    for (let i = 0; i < n; i++) {
      const x = px(from + ((i + 0.5) * count) / n);
      const lo = py(values[2 * i]);
      const hi = py(values[2 * i + 1]);
      if (lo - lo !== 0 || hi - hi !== 0) {
        pen = false;
        continue;
      }
      if (pen) g.lineTo(x, hi);
      else g.moveTo(x, hi);
      g.lineTo(x, lo);
      pen = true;
    }
    g.stroke();
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
