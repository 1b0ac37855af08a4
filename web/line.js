// SPDX-License-Identifier: BSD-3-Clause
// A line along one axis: the server sends least and greatest of each pixel, zooming asks anew.
import { Latest, numbers } from "./api.js";
import { Plot } from "./plot.js";
import { meaningOf, storedChoice } from "./meaning.js";
import { LineSource } from "./linesource.js";
import { PlotPointer } from "./plotpointer.js";
import { Slicer } from "./slicer.js";
import { Span } from "./span.js";
import { sliceOf } from "./state.js";
import { statsPanel } from "./tables.js";
import { lineTools } from "./toolbars.js";
import { approximate, clamp, debounce, errorCard, h } from "./ui.js";
import { View } from "./view.js";

const KEYS = [
  ["[ ]", "slice back, forward"],
  ["+ - 0", "zoom in, out, whole line"],
  ["← →", "pan"],
  ["l", "linear or log"],
  ["s", "statistics"],
];

export class LineView extends View {
  constructor(page, box) {
    super(page, box);
    this.slicer = new Slicer(this, (final, axes) => this.sliced(axes));
    this.slicer.busy = () => this.loading;
    this.plane = this.slicer.plane;
    this.source = new LineSource(this);
    this.span = new Span(this.source.length, this.state.box);
    this.flight = new Latest();
    this.later = debounce(() => this.load(), 120);
    this.problem = h("div", { class: "problem", hidden: true });
    this.frame = h("div", { class: "frame line" }, this.problem);
    this.pointer = new PlotPointer(this);
    this.badge = approximate();
    const under = h("div", { class: "under" }, this.pointer.readout, this.badge);
    box.replaceChildren(lineTools(this), this.slicer.box, this.frame, under, storedChoice(this));
    this.watch = new ResizeObserver(() => this.resized());
    this.watch.observe(this.frame);
    this.onTheme(() => this.plot?.draw());
    this.load();
  }

  async load() {
    const signal = this.flight.next();
    const { items } = this.span;
    const px = Math.round((this.frame.clientWidth - 72) * Math.min(devicePixelRatio, 2));
    this.later.cancel();
    this.problem.hidden = true;
    this.loading = true;
    this.frame.classList.add("busy");
    try {
      await meaningOf(this.ds).ready;
      const line = await numbers(this.source.url(items, clamp(px, 100, 4096)), { signal });
      if (!signal.aborted) this.take(line, items);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    } finally {
      if (!signal.aborted) this.rest();
    }
  }

  /* Nothing is on its way. */
  rest() {
    this.loading = false;
    this.frame.classList.remove("busy");
  }

  take(line, { from, count }) {
    this.badge.hidden = !line.headers.get("X-Approx");
    const means = this.means();
    if (this.plot) Object.assign(this.plot, means).take(line, count, from);
    else this.makePlot(line, count, from, means);
    this.plot.log = this.state.sc === "log";
    this.drawPlot();
    const { canvas } = this.plot;
    const slice = sliceOf(this.plane, true);
    const what = `Line of ${this.ds.path} [${slice}]`;
    canvas.setAttribute("aria-label", `${what}, items ${from} to ${from + count}, ${this.plot.description()}`);
    canvas.dataset.drawn = slice;
  }

  /* What is along the line, and what its values are. */
  means() {
    const { axes, ...means } = meaningOf(this.ds);
    return { x: axes[this.plane.x], y: this.source.quantity(means[this.state.raw ? "stored" : "signal"]) };
  }

  drawPlot() {
    if (!this.plot) return;
    this.plot.window = { x0: this.span.x0, x1: this.span.x1 };
    this.plot.draw();
  }

  fail(error) {
    this.problem.hidden = false;
    this.problem.replaceChildren(errorCard(error, () => this.load()));
  }

  resized() {
    if (!this.plot || this.width === this.frame.clientWidth) return;
    this.width = this.frame.clientWidth;
    this.plot.draw();
    this.later();
  }

  makePlot(line, count, from, means) {
    this.plot = new Plot("", line, count, from, means);
    const { canvas } = this.plot;
    canvas.tabIndex = 0;
    this.frame.prepend(canvas);
    this.width = this.frame.clientWidth;
    this.pointer.listen(canvas);
  }

  /* ---- changes ---- */

  moved() {
    this.state.box = this.span.text;
    this.page.write();
    this.drawPlot();
    this.later();
  }
  zoom(factor, at) {
    this.span.zoom(factor, at);
    this.moved();
  }
  fit() {
    this.span.whole();
    this.moved();
  }

  scale(value) {
    this.state.sc = value;
    this.scaleChoice.querySelector("select").value = value;
    this.page.write(true);
    if (!this.plot) return;
    this.plot.log = value === "log";
    this.plot.draw();
  }

  option(name, value) {
    this.state[name] = value;
    this.page.write(true);
    this.load();
  }

  sliced(axes) {
    this.slicer.note();
    if (axes) {
      this.state.box = "";
      this.span = new Span(this.source.length, "");
    }
    this.page.write(axes);
    this.load();
  }

  /** The dataset has another generation; follow: its end is shown. */
  refresh(follow) {
    this.slicer.reshape(this.ds.shape);
    this.span.resize(this.source.length, follow);
    this.state.box = this.span.text;
    this.page.write();
    this.load();
  }

  statsTable() {
    const what = this.plot?.y.scaled ? ", of the stored numbers" : "";
    statsPanel(`Statistics of [${this.source.part(":")}]${what}`, this.source.statsUrl());
  }

  /** Esc: what is on its way is not wanted any more. */
  cancel() {
    if (!this.loading) return false;
    this.flight.stop();
    this.rest();
    this.fail(new Error("stopped before all of it was here"));
    return true;
  }

  actions() {
    return {
      ...this.slicer.actions(),
      PageUp: () => this.slicer.step(-10),
      PageDown: () => this.slicer.step(10),
      "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5),
      "-": () => this.zoom(2),
      0: () => this.fit(),
      l: () => this.scale(this.state.sc === "log" ? "linear" : "log"),
      s: () => this.statsTable(),
    };
  }

  key(event) {
    if (super.key(event)) return true;
    const by = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key];
    const { target } = event;
    if (!by || !(target.matches?.("canvas.plot") || target === document.body || target.id === "main")) return false;
    const { x0, x1 } = this.span;
    this.span.move(x0 + by * (x1 - x0), x1 + by * (x1 - x0));
    this.moved();
    return true;
  }

  keys() {
    return [["Line", KEYS]];
  }
  slice() {
    return sliceOf(this.plane, true);
  }

  close() {
    super.close();
    this.flight.stop();
    this.later.cancel();
    this.slicer.close();
    this.watch.disconnect();
  }
}
