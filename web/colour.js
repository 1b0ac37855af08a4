// SPDX-License-Identifier: BSD-3-Clause
// Numbers to colours: scale, range, table; and the bar that shows and changes them.
import { clamp, h, number, throttle, token } from "./ui.js";

export const SCALES = [
  ["linear", "Linear"],
  ["log", "Log"],
  ["symlog", "Symlog"],
  ["sqrt", "Square root"],
];
const signed = (value, unit) => Math.sign(value) * Math.log1p(Math.abs(value) / unit);

/** 0…1 of a value under a range {lo, hi}; NaN for what has no colour. */
export function scaler(scale, { lo, hi }) {
  if (!(hi > lo)) return (value) => (value !== value ? NaN : value > hi ? 1 : value < lo ? 0 : 0.5);
  if (scale === "log") {
    const low = Math.log(lo > 0 ? lo : hi > 0 ? hi * 1e-6 : 1e-6);
    const span = Math.log(hi > 0 ? hi : 1) - low || 1;
    return (value) => (value > 0 ? (Math.log(value) - low) / span : value !== value ? NaN : 0);
  }
  if (scale === "symlog") {
    const unit = Math.max(Math.abs(lo), Math.abs(hi)) / 1000 || 1;
    const low = signed(lo, unit);
    const span = signed(hi, unit) - low;
    return (value) => (signed(value, unit) - low) / span;
  }
  const span = hi / 2 - lo / 2; // halves: the whole may pass the largest number
  if (scale === "sqrt")
    return (value) => (value !== value ? NaN : value <= lo ? 0 : Math.sqrt((value / 2 - lo / 2) / span));
  return (value) => (value / 2 - lo / 2) / span;
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
    this.set(which, this.range[which] + (step * (this.span.hi - this.span.lo)) / 100, true);
  }
  drag(event, which) {
    const end = event.target;
    const box = this.track.getBoundingClientRect();
    const span = { ...this.span };
    const value = (move) => span.lo + clamp((move.clientX - box.left) / box.width, 0, 1) * (span.hi - span.lo);
    event.preventDefault();
    end.focus();
    end.setPointerCapture(event.pointerId);
    end.onpointermove = (move) => this.set(which, value(move), false);
    end.onlostpointercapture = () => {
      end.onpointermove = end.onlostpointercapture = null;
      this.set(which, this.range[which], true);
    };
  }
  /** What it shows: range of the colours, statistics of the data, the colours. */
  show(range, stats, colours) {
    Object.assign(this, { range: { ...range }, stats, colours });
    this.draw();
  }
  draw() {
    const { range, stats, colours, canvas } = this;
    if (!range) return;
    const lo = Math.min(range.lo, stats?.min ?? range.lo);
    const hi = Math.max(range.hi, stats?.max ?? range.hi);
    const pad = (hi - lo || 1) * 0.02;
    this.span = { lo: lo - pad, hi: hi + pad };
    const width = (canvas.width = Math.max(canvas.clientWidth, 10) * devicePixelRatio);
    const height = (canvas.height = 44 * devicePixelRatio);
    const at = (value) => (value - this.span.lo) / (this.span.hi - this.span.lo);
    const context = canvas.getContext("2d");
    const strip = Math.round(height * 0.36);
    const cells = new ImageData(width, 1);
    const out = new Uint32Array(cells.data.buffer);
    for (let i = 0; i < width; i++) {
      const t = clamp(colours.of(this.span.lo + ((i + 0.5) / width) * (this.span.hi - this.span.lo)), 0, 1);
      out[i] = colours.palette[Number.isNaN(t) ? 0 : Math.round(t * 255)];
    }
    for (let y = height - strip; y < height; y++) context.putImageData(cells, 0, y);
    const counts = stats?.histogram?.counts;
    if (counts) {
      const most = Math.log1p(Math.max(...counts));
      const { lo: from, hi: to } = stats.histogram;
      context.fillStyle = token("--muted");
      counts.forEach((count, i) => {
        const x0 = at(from + ((to - from) * i) / counts.length) * width;
        const x1 = at(from + ((to - from) * (i + 1)) / counts.length) * width;
        const tall = (Math.log1p(count) / most) * (height - strip - 3);
        context.fillRect(x0, height - strip - 1 - tall, Math.max(x1 - x0 - 0.5, 1), tall);
      });
    }
    this.ends.forEach((end, i) => {
      const value = i ? range.hi : range.lo;
      end.style.left = `${at(value) * 100}%`;
      // In hundredths: numbers like 1e-25 are none to the standard.
      end.setAttribute("aria-valuenow", Math.round(clamp(at(value), 0, 1) * 100));
      end.setAttribute("aria-valuetext", number(value));
    });
    if (document.activeElement !== this.low) this.low.value = number(range.lo, 5);
    if (document.activeElement !== this.high) this.high.value = number(range.hi, 5);
  }
  close() {
    this.slow.cancel();
  }
}
