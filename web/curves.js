// SPDX-License-Identifier: BSD-3-Clause
// Curves on a canvas, or on what draws like one. What comes as pairs of least and greatest is a band.
import { digitsOf } from "./ticks.js";
import { number } from "./ui.js";

/* Told apart by anybody's eyes (Okabe and Ito), on light and dark. */
const COLOURS = ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c"];
export const colourOf = (i, accent) => (i ? COLOURS[(i - 1) % COLOURS.length] : accent);

const DOTS_MOST = 60; /* beyond, a line has no dots unless they are asked for */
const BAR_PX = 5; /* closer, error bars are an area */

/** y: {values, pairs, n, from, count}, x the same or null: the items; spread: errors or null. */
export class Curve {
  constructor({ y, x = null, spread = null, label = "", ...more }) {
    Object.assign(this, { y, x, spread, label, ...more });
  }

  get pairs() {
    return this.y.pairs;
  }

  /** Least and greatest x of point i. */
  xs(i) {
    const { x, y } = this;
    if (!x) return y.pairs ? Array(2).fill(y.from + ((i + 0.5) * y.count) / y.n) : [y.from + i, y.from + i];
    return x.pairs ? [x.values[2 * i], x.values[2 * i + 1]] : [x.values[i], x.values[i]];
  }
  xOf(i) {
    const [a, b] = this.xs(i);
    return (a + b) / 2;
  }
  /** Least and greatest y of point i, and of its error. */
  ys(i) {
    const { values, pairs } = this.y;
    return pairs ? [values[2 * i], values[2 * i + 1]] : [values[i], values[i]];
  }
  error(i) {
    const { spread } = this;
    if (!spread) return 0;
    const { values, pairs } = spread;
    return pairs ? Math.max(Math.abs(values[2 * i]), Math.abs(values[2 * i + 1])) : Math.abs(values[i]);
  }

  /** Least, greatest, least above nought; with the errors. */
  range() {
    const out = { lo: Infinity, hi: -Infinity, positive: Infinity };
    for (let i = 0; i < this.y.n; i++) {
      const error = this.error(i) || 0;
      for (const [value, edge] of [
        [this.ys(i)[0], -error],
        [this.ys(i)[1], error],
      ]) {
        if (!Number.isFinite(value)) continue;
        const end = Number.isFinite(value + edge) ? value + edge : value; // an error may have no bounds
        out.lo = Math.min(out.lo, end);
        out.hi = Math.max(out.hi, end);
        if (value > 0) out.positive = Math.min(out.positive, end > 0 ? end : value);
      }
    }
    return out;
  }

  /** The point nearest to x; to a place in pixels, where x is in no order. */
  nearest(x, place, { px, py }) {
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < this.y.n; i++) {
      const here = this.xOf(i);
      const far =
        this.sorted === false ? Math.hypot(px(here) - place.x, py(this.ys(i)[0]) - place.y) : Math.abs(here - x);
      if (far < least) [least, best] = [far, i];
    }
    return best;
  }

  /** The first item of point i. */
  item(i) {
    const { from, count, n, pairs } = this.y;
    return pairs ? Math.floor(from + (i * count) / n) : from + i;
  }

  /** Point i as text: its value, or the least and the greatest. */
  told(i, least = 9, units = undefined) {
    const { data, pairs } = this.y;
    const digits = digitsOf(this.lo, this.hi, least);
    const all = pairs ? [data[2 * i], data[2 * i + 1]] : [data[i]];
    return all.map((one) => this.source.quantity.textOf(one, digits, units));
  }
  text(i) {
    const error = this.spread ? ` ± ${number(this.error(i), 4)}` : "";
    return this.told(i, this.pairs ? 6 : 9).join(" … ") + error;
  }
  /** Its x as text. */
  xTold(i, axis, ...how) {
    const { data, pairs } = this.x || {};
    const exact = data && !pairs && !axis.source.other;
    return exact ? axis.quantity.textOf(data[i], ...how) : axis.text(this.xOf(i), ...how);
  }
}

/* A path through what is a number: to(i) gives places, one or several; gaps lift the pen. */
function trace(context, n, to) {
  context.beginPath();
  let pen = false;
  for (let i = 0; i < n; i++) {
    const places = to(i);
    if (!places.flat().every(Number.isFinite)) {
      pen = false;
      continue;
    }
    for (const [x, y] of places) {
      if (pen) context.lineTo(x, y);
      else context.moveTo(x, y);
      pen = true;
    }
  }
  context.stroke();
}

function dots(context, curve, { px, py }) {
  context.beginPath();
  for (let i = 0; i < curve.y.n; i++) {
    const [x0, x1] = curve.xs(i).map(px);
    const [y0, y1] = curve.ys(i).map(py);
    if (![x0, x1, y0, y1].every(Number.isFinite)) continue;
    if (curve.pairs) {
      const [left, top] = [Math.min(x0, x1) - 0.75, Math.min(y0, y1) - 0.75];
      context.rect(left, top, Math.abs(x1 - x0) + 1.5, Math.abs(y1 - y0) + 1.5);
    } else {
      context.moveTo(x0 + 2.5, y0);
      context.arc(x0, y0, 2.5, 0, 7);
    }
  }
  context.fill();
}

/* Ends of an error bar; what a scale cannot show ends at the bottom, what has no bounds at the top. */
function reach(curve, i, { py, box }) {
  const error = curve.error(i);
  const [lo, hi] = curve.ys(i);
  const low = py(lo - error);
  return [Number.isFinite(low) ? low : box.bottom, Math.max(py(hi + error), box.top)];
}

function bars(context, curve, frame) {
  const { n } = curve.y;
  const room = Math.abs(frame.px(curve.xOf(n - 1)) - frame.px(curve.xOf(0))) / Math.max(n - 1, 1);
  const area = curve.pairs || (room < BAR_PX && curve.sorted !== false);
  context.save();
  context.lineWidth = 1;
  context.globalAlpha = area ? 0.3 : 1;
  context.beginPath();
  for (let i = 0; i < n; i++) {
    const x = frame.px(curve.xOf(i));
    const [low, high] = reach(curve, i, frame);
    if (![x, low, high].every(Number.isFinite)) continue;
    if (area) {
      context.rect(x - room / 2, high, Math.max(room, 1), Math.max(low - high, 1));
      continue;
    }
    context.moveTo(x, low);
    context.lineTo(x, high);
    for (const y of [low, high]) {
      context.moveTo(x - 3, y);
      context.lineTo(x + 3, y);
    }
  }
  if (area) context.fill();
  else context.stroke();
  context.restore();
}

/** frame: {box, px, py}; mark: "" lines, "points", "both". */
export function drawCurve(context, curve, frame, mark = "") {
  const { px, py } = frame;
  const { n, pairs } = curve.y;
  context.lineWidth = 1.25;
  if (curve.spread) bars(context, curve, frame);
  const boxes = pairs && curve.sorted === false;
  if (mark !== "points" && !boxes)
    trace(context, n, (i) => {
      const x = px(curve.xOf(i));
      const [lo, hi] = curve.ys(i);
      const low = [x, py(lo)];
      return pairs ? [[x, py(hi)], low] : [low];
    });
  if (mark || boxes || (!pairs && n < DOTS_MOST)) dots(context, curve, frame);
}

/** Which colour is which, in the upper right corner. */
export function drawLegend(context, curves, box, { fg, bg }) {
  const wide = Math.min(
    Math.max(...curves.map(({ label }) => context.measureText(label).width)),
    box.right - box.left - 60,
  );
  const left = box.right - wide - 38;
  context.save();
  context.globalAlpha = 0.8;
  context.fillStyle = bg;
  context.fillRect(left, box.top + 4, wide + 34, curves.length * 18 + 4);
  context.globalAlpha = 1;
  context.textAlign = "left";
  context.textBaseline = "middle";
  curves.forEach(({ label, colour }, i) => {
    const y = box.top + 15 + i * 18;
    context.fillStyle = colour;
    context.fillRect(left + 6, y - 1.5, 16, 3);
    context.fillStyle = fg;
    context.fillText(label, left + 28, y, wide);
  });
  context.restore();
}
