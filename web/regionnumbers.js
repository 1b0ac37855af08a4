// SPDX-License-Identifier: BSD-3-Clause
// The numbers of a region: statistics, histogram, means along its rows and columns, and its curve through the stack.
import { Latest, encode, exactJson, numbers, query } from "./api.js";
import { Coordinate, meaningOf } from "./meaning.js";
import { Plot } from "./plot.js";
import { plotTable, tableButton } from "./tables.js";
import { approximate, button, h, number } from "./ui.js";

const PX = 1024;

export class RegionNumbers {
  /** view: the picture; remove(): the region is not wanted any more. */
  constructor(view, remove) {
    Object.assign(this, { view, key: "", flight: new Latest(), plots: [] });
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
    const name = `Region ${view.name || ""}`;
    this.box = h("section", { class: "regionnumbers", "aria-label": name, hidden: true }, head, this.charts);
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
      const stats = quantity.statistics(await exactJson(source.statsUrl(this.slice(box)), { signal }));
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

  /* Means along an axis, of the items of the region. */
  async line(box, axis, signal) {
    const { source } = this.view;
    const slice = this.slice(box, axis, axis === source.x || axis === source.y ? null : ":");
    const how = { slice_: slice, axis, over: "mean", px: PX, fill: source.quantity.fill, ...source.common };
    const line = await numbers(`/api/line/${encode(source.ds.path)}${query(how)}`, { signal });
    if (line.headers.get("X-Approx")) this.badge.hidden = false;
    const from = axis === source.x ? box.x0 : axis === source.y ? box.y0 : 0;
    return { ...line, from, step: Number(line.headers.get("X-Step")) };
  }

  chart(box, stats, axes, lines) {
    const { source } = this.view;
    const { quantity } = source;
    const names = [`Mean along axis ${source.x}`, `Mean along axis ${source.y}`];
    this.plots = lines.map((line, i) => {
      const of = names[i] || `Mean through the stack, axis ${axes[i]}`;
      const every = line.step > 1 ? `, of ${line.step} items each` : "";
      const x = line.step > 1 ? undefined : meaningOf(source.ds).axes[axes[i]];
      return new Plot(of + every, line, line.data.length, Math.floor(line.from / line.step), { x, y: quantity });
    });
    const { lo, hi, counts } = stats.histogram;
    if (lo != null && lo < hi) {
      const x = Object.assign(new Coordinate(0), quantity, {
        items: [-0.5, counts.length - 0.5],
        values: [lo, hi].map(Number),
      });
      this.plots.push(new Plot("Histogram", { data: counts, shape: [counts.length] }, counts.length, 0, { x }));
    }
    for (const plot of this.plots)
      plot.box.lastChild.append(
        " ",
        tableButton(() => plotTable(plot)),
      );
    this.charts.replaceChildren(...this.plots.map((plot) => plot.box));
    this.box.dataset.of = this.slice(box);
    this.redraw();
  }

  redraw() {
    if (this.box.hidden) return;
    this.plots.forEach((plot) => plot.draw());
  }
  close() {
    this.flight.stop();
  }
}
