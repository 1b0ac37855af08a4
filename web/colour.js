// SPDX-License-Identifier: BSD-3-Clause
// Numbers to colours: scale, range, table; and the bar that shows and changes them.
import { axis, drawAxis, nameOf, prepare } from "./axes.js";
import { digitsOf } from "./ticks.js";
import { clamp, contextOf, h, number, throttle, token } from "./ui.js";

const STRIP = { top: 28, bottom: 44 }; // px of the colours in the bar: above them the histogram, below them ticks
const ENDS = 0.02; // share of the bar beyond the least and the greatest

export const SCALES = [
  ["linear", "Linear"],
  ["log", "Log"],
  ["symlog", "Symlog"],
  ["sqrt", "Square root"],
];
const signed = (value, unit) => Math.sign(value) * Math.log1p(Math.abs(value) / unit);

/* Where the scaled range begins and how long it is: of logarithms; of symlog with its linear part. */
function logged({ lo, hi }) {
  const low = Math.log(lo > 0 ? lo : hi > 0 ? hi * 1e-6 : 1e-6);
  return { low, span: Math.log(hi > 0 ? hi : 1) - low };
}
function bent({ lo, hi }) {
  const unit = Math.max(Math.abs(lo), Math.abs(hi)) / 1000 || 1;
  const low = signed(lo, unit);
  return { unit, low, span: signed(hi, unit) - low };
}

/** 0…1 of a value under a range {lo, hi}; NaN for what has no colour. */
export function scaler(scale, range) {
  const { lo, hi } = range;
  if (!(hi > lo)) return (value) => (value !== value ? NaN : value > hi ? 1 : value < lo ? 0 : 0.5);
  if (scale === "log") {
    const { low, span } = logged(range);
    return (value) => (value > 0 ? (Math.log(value) - low) / (span || 1) : value !== value ? NaN : 0);
  }
  if (scale === "symlog") {
    const { unit, low, span } = bent(range);
    return (value) => (signed(value, unit) - low) / span;
  }
  const span = hi / 2 - lo / 2; // halves: the whole may pass the largest number
  if (scale === "sqrt")
    return (value) => (value !== value ? NaN : value <= lo ? 0 : Math.sqrt((value / 2 - lo / 2) / span));
  return (value) => (value / 2 - lo / 2) / span;
}

/** What scaler() does, back: the value at 0…1 of a range. */
function unscaler(scale, range) {
  if (scale === "log") {
    const { low, span } = logged(range);
    return (t) => Math.exp(low + t * span);
  }
  if (scale === "symlog") {
    const { unit, low, span } = bent(range);
    return (t) => Math.sign(low + t * span) * Math.expm1(Math.abs(low + t * span)) * unit;
  }
  const linear = (t) => range.lo * (1 - t) + range.hi * t;
  return scale === "sqrt" ? (t) => linear(t * t) : linear;
}

/** 256 colours as canvas pixels. */
export function table(map, inverted) {
  const out = new Uint32Array(256);
  const bytes = new Uint8Array(out.buffer);
  for (let i = 0; i < 256; i++) {
    const from = 3 * (inverted ? 255 - i : i);
    bytes.set([map[from], map[from + 1], map[from + 2], 255], 4 * i);
  }
  return out;
}

/** A tile as an image, made again only when the colours changed. */
export function painted(tile, colours) {
  if (tile.image && tile.colours === colours.key) return tile.image;
  const image =
    tile.image || (tile.image = Object.assign(document.createElement("canvas"), { width: tile.w, height: tile.h }));
  const pixels = new ImageData(tile.w, tile.h);
  const out = new Uint32Array(pixels.data.buffer);
  const { data } = tile;
  const { of, palette } = colours;
  for (let i = 0; i < out.length; i++) {
    const t = of(data[i]);
    out[i] = t !== t ? 0 : palette[t <= 0 ? 0 : t >= 1 ? 255 : (t * 255 + 0.5) | 0];
  }
  image.getContext("2d").putImageData(pixels, 0, 0);
  tile.colours = colours.key;
  return image;
}

/** Colour bar with histogram and two ends to drag. change(lo, hi, final) */
export class Bar {
  constructor(change) {
    this.change = change;
    this.canvas = h("canvas", { class: "bar", "aria-hidden": "true" });
    this.low = this.field("Lowest value", "lo");
    this.high = this.field("Highest value", "hi");
    this.ends = ["lo", "hi"].map((which) =>
      h("span", {
        class: `end ${which}`,
        role: "slider",
        tabindex: "0",
        "aria-label": which === "lo" ? "Low end of the colours" : "High end of the colours",
        "aria-valuenow": "0",
        onkeydown: (event) => this.nudge(event, which),
        onpointerdown: (event) => this.drag(event, which),
      }),
    );
    this.track = h("div", { class: "track" }, this.canvas, ...this.ends);
    this.box = h("div", { class: "colours" }, this.low, this.track, this.high);
    this.slow = throttle((lo, hi) => this.change(lo, hi, false), 30);
  }
  field(label, which) {
    return h("input", {
      type: "text",
      inputmode: "decimal",
      size: "9",
      "aria-label": label,
      onchange: (event) => this.typed(which, event.target),
    });
  }
  typed(which, input) {
    const value = Number(input.value);
    if (input.value === "" || Number.isNaN(value)) {
      this.draw();
      return;
    }
    this.set(which, value, true);
  }
  set(which, value, final) {
    const next = { ...this.range, [which]: value };
    if (next.lo > next.hi) [next.lo, next.hi] = [next.hi, next.lo];
    this.range = next;
    this.draw();
    if (final) this.change(next.lo, next.hi, true);
    else this.slow(next.lo, next.hi);
  }
  nudge(event, which) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.set(which, this.value(this.at(this.range[which]) + step / 100), true);
  }
  drag(event, which) {
    const end = event.target;
    const box = this.track.getBoundingClientRect();
    const of = this.value;
    const value = (move) => of((move.clientX - box.left) / box.width);
    event.preventDefault();
    end.focus();
    end.setPointerCapture(event.pointerId);
    end.onpointermove = (move) => this.set(which, value(move), false);
    end.onlostpointercapture = () => {
      end.onpointermove = end.onlostpointercapture = null;
      this.set(which, this.range[which], true);
    };
  }
  /** What it shows: range of the colours, statistics of the data, the colours, their scale; axis: what values are. */
  show(range, stats, colours, scale, what) {
    Object.assign(this, { range: { ...range }, stats, colours, scale, what });
    this.draw();
  }
  /* The bar from end to end: all values, and the range if that is wider; on the scale of the colours. */
  measure() {
    const { range, stats, scale } = this;
    let lo = Math.min(range.lo, stats?.min ?? range.lo);
    let hi = Math.max(range.hi, stats?.max ?? range.hi);
    if (scale === "log") {
      const positive = [range.lo, stats?.min_positive].filter((one) => one > 0);
      if (!(hi > 0)) hi = 1;
      lo = positive.length ? Math.min(...positive) : hi * 1e-6;
    }
    if (!(lo < hi)) {
      const by = Math.abs(lo) * 0.1 || 1;
      [lo, hi] = [lo - by, hi + by];
    }
    const of = scaler(scale, { lo, hi });
    const back = unscaler(scale, { lo, hi });
    this.span = { lo, hi };
    this.at = (value) => ENDS + (1 - 2 * ENDS) * clamp(of(value), 0, 1);
    this.value = (at) => back(clamp((at - ENDS) / (1 - 2 * ENDS), 0, 1));
  }
  draw() {
    const { range, canvas } = this;
    if (!range) return;
    this.measure();
    const digits = digitsOf(range.lo, range.hi, 5);
    const width = Math.max(canvas.clientWidth, 10);
    const made = this.ticks(canvas.getContext("2d"), width);
    this.track.classList.toggle("named", Boolean(made.note || nameOf(this.what)));
    this.paint(contextOf(canvas, width, canvas.clientHeight), width, made);
    this.ends.forEach((end, i) => {
      const value = i ? range.hi : range.lo;
      const at = this.at(value);
      end.style.left = `${at * 100}%`;
      // In hundredths: numbers like 1e-25 are none to the standard.
      end.setAttribute("aria-valuenow", Math.round(at * 100));
      end.setAttribute("aria-valuetext", number(value, digits + 1));
    });
    if (document.activeElement !== this.low) this.low.value = number(range.lo, digits);
    if (document.activeElement !== this.high) this.high.value = number(range.hi, digits);
  }
  /** On anything that draws like a canvas. */
  paint(context, width, made = this.ticks(context, width)) {
    this.drawColours(context, width);
    if (this.stats?.histogram?.counts) this.drawHistogram(context, width, this.stats.histogram);
    prepare(context);
    drawAxis(context, made, STRIP.bottom);
  }
  drawColours(context, width) {
    const { colours } = this;
    const cells = new ImageData(Math.round(width), 1);
    const out = new Uint32Array(cells.data.buffer);
    for (let i = 0; i < out.length; i++) {
      const t = clamp(colours.of(this.value((i + 0.5) / width)), 0, 1);
      out[i] = colours.palette[Number.isNaN(t) ? 0 : Math.round(t * 255)];
    }
    const strip = h("canvas", { width: out.length, height: 1 });
    strip.getContext("2d").putImageData(cells, 0, 0);
    context.drawImage(strip, 0, STRIP.top, width, STRIP.bottom - STRIP.top);
  }
  drawHistogram(context, width, { counts, lo, hi }) {
    const most = Math.log1p(Math.max(...counts));
    const edge = (i) => this.at(lo + ((hi - lo) * i) / counts.length) * width;
    context.fillStyle = token("--muted");
    counts.forEach((count, i) => {
      const tall = (Math.log1p(count) / most) * (STRIP.top - 3);
      context.fillRect(edge(i), STRIP.top - 1 - tall, Math.max(edge(i + 1) - edge(i) - 0.5, 1), tall);
    });
  }
  ticks(context, width) {
    const { what, span, scale } = this;
    prepare(context);
    const at = (value) => this.at(value) * width;
    const ends = { from: at(span.lo), to: at(span.hi), within: [0, width] };
    return axis(context, { ...what, ...span, ...ends, side: "bottom", at, scale });
  }
  close() {
    this.slow.cancel();
  }
}
