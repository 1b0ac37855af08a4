// SPDX-License-Identifier: BSD-3-Clause
// The numbers of a region: statistics, histogram, means along its rows and columns, and its curve through the stack.
import { Latest, asNumbers, encode, json, numbers, query } from "./api.js";
import { meaningOf } from "./meaning.js";
import { Plot } from "./plot.js";
import { plotTable, tableButton, tablePanel } from "./tables.js";
import { approximate, button, h, number, token } from "./ui.js";

const PART_NBYTES = 64 << 20; // of a stack that is asked for at a time
const PARTS_MOST = 32; // more are asked for in one, which may be a sample
const PX = 1024;

/* How many of the items have which values. */
function drawBars(canvas, { counts }) {
  const ratio = devicePixelRatio;
  const width = (canvas.width = Math.max(canvas.clientWidth, 50) * ratio);
  const height = (canvas.height = Math.max(canvas.clientHeight, 50) * ratio);
  const context = canvas.getContext("2d");
  const most = Math.max(...counts, 1);
  context.fillStyle = token("--accent");
  counts.forEach((count, i) => {
    const left = Math.round((i * width) / counts.length);
    const tall = Math.ceil((count / most) * (height - 4 * ratio));
    context.fillRect(
      left,
      height - tall,
      Math.max(1, Math.round(((i + 1) * width) / counts.length) - left - 1),
      tall,
    );
  });
}

export class RegionNumbers {
  /** view: the picture; remove(): the region is not wanted any more. */
  constructor(view, remove) {
    Object.assign(this, { view, key: "", flight: new Latest(), plots: [], bars: null });
    this.facts = h("p", { class: "facts", "aria-live": "polite" });
    this.badge = approximate();
    this.charts = h("div", { class: "charts" });
    const head = h(
      "p",
      { class: "regionhead" },
      this.facts,
      this.badge,
      button("close", "Remove the region", remove, "o"),
    );
    this.box = h("section", { class: "regionnumbers", "aria-label": "Region", hidden: true }, head, this.charts);
  }

  /* The slice of a region; one axis may be another part. */
  slice(box, axis, part) {
    const { x, y, index } = this.view.source;
    const range = (a, b) => `${a}:${b}`;
    return index
      .map((at, i) =>
        i === axis && part ? part : i === x ? range(box.x0, box.x1) : i === y ? range(box.y0, box.y1) : at,
      )
      .join(",");
  }

  /** What the numbers of a region are of; "" without one. */
  of(box) {
    const { source } = this.view;
    return box ? `${source.ds.etag} ${source.key} ${this.slice(box)}` : "";
  }

  async show(box) {
    const key = this.of(box);
    if (key === this.key) return;
    this.key = key;
    const signal = this.flight.next();
    this.box.hidden = !box;
    if (!box) return;
    const { source } = this.view;
    try {
      const { quantity } = source;
      const stats = quantity.statistics(await json(source.statsUrl(this.slice(box)), { signal }));
      this.say(box, stats);
      const axes = [source.x, source.y, ...this.stack()];
      const lines = await Promise.all(axes.map((axis) => this.line(box, axis, signal)));
      if (!signal.aborted) this.chart(box, stats, axes, lines);
    } catch (error) {
      if (signal.aborted) return;
      this.key = "failed";
      this.facts.textContent = `Region: ${error.message}`;
    }
  }

  /* The axis that steps go along. */
  stack() {
    const { slicer } = this.view;
    return slicer.active >= 0 ? [slicer.active] : [];
  }

  say(box, stats) {
    const items = `${number(stats.finite)} of ${number(stats.count)} items`;
    const { quantity } = this.view.source;
    const facts = [
      `mean ${quantity.text(stats.mean, 6)}`,
      `spread ${number(stats.std)}${quantity.units && ` ${quantity.units}`}`,
      `min ${quantity.text(stats.min, 6)}`,
      `max ${quantity.text(stats.max, 6)}`,
      stats.finite === stats.count ? `${number(stats.count)} items` : items,
    ];
    this.facts.textContent = `[${this.slice(box)}]: ${facts.join(" · ")}`;
    this.badge.hidden = !stats.sampled;
  }

  /* Means along an axis, of the items of the region; of a long stack part after part. */
  async line(box, axis, signal) {
    const { source } = this.view;
    const n = source.ds.shape[axis];
    const within = axis === source.x || axis === source.y;
    const each = (box.x1 - box.x0) * (box.y1 - box.y0) * 8;
    const step = Math.max(1, Math.floor(PART_NBYTES / each));
    const whole = within || n > PX || n <= step || n > step * PARTS_MOST;
    const ask = (part) => {
      const more = { axis, over: "mean", px: PX, fill: source.quantity.fill, ...source.common };
      return numbers(
        `/api/line/${encode(source.ds.path)}${query({ slice_: this.slice(box, axis, part), ...more })}`,
        {
          signal,
        },
      );
    };
    const parts = [];
    if (whole) parts.push(await ask(within ? null : ":"));
    for (let from = 0; !whole && from < n; from += step) parts.push(await ask(`${from}:${Math.min(n, from + step)}`));
    const data = Float64Array.from(parts.flatMap((part) => [...asNumbers(part.data)]));
    if (parts.some(({ headers }) => headers.get("X-Approx"))) this.badge.hidden = false;
    const from = axis === source.x ? box.x0 : axis === source.y ? box.y0 : 0;
    return { data, shape: [data.length], from, step: Number(parts[0].headers.get("X-Step")) || 1 };
  }

  chart(box, stats, axes, lines) {
    const { source } = this.view;
    const names = [`Mean along axis ${source.x}`, `Mean along axis ${source.y}`];
    this.plots = lines.map((line, i) => {
      const of = names[i] || `Mean through the stack, axis ${axes[i]}`;
      const every = line.step > 1 ? `, of ${line.step} items each` : "";
      const x = line.step > 1 ? undefined : meaningOf(source.ds).axes[axes[i]];
      const from = Math.floor(line.from / line.step);
      const plot = new Plot(of + every, line, line.data.length, from, { x, y: source.quantity });
      plot.box.lastChild.append(
        " ",
        tableButton(() => plotTable(plot)),
      );
      return plot;
    });
    this.charts.replaceChildren(...this.plots.map((plot) => plot.box), ...this.histogram(stats.histogram));
    this.box.dataset.of = this.slice(box);
    this.redraw();
  }

  histogram(histogram) {
    this.bars = null;
    if (histogram?.lo == null) return [];
    const { lo, hi, counts } = histogram;
    const { quantity } = this.view.source;
    const title = `Histogram, ${quantity.text(lo, 6)} to ${quantity.text(hi, 6)}`;
    const edge = (i) => number(lo + ((hi - lo) * i) / counts.length, 5);
    const rows = counts.map((n, i) => [edge(i), edge(i + 1), n]);
    const open = () => tablePanel("Histogram of the region", ["From", "To", "Items"], rows);
    const canvas = h("canvas", { class: "plot", role: "img", "aria-label": title });
    this.bars = () => drawBars(canvas, histogram);
    return [h("figure", { class: "plotbox" }, canvas, h("figcaption", {}, title, " ", tableButton(open)))];
  }

  redraw() {
    if (this.box.hidden) return;
    this.plots.forEach((plot) => plot.draw());
    this.bars?.();
  }
  close() {
    this.flight.stop();
  }
}
