// SPDX-License-Identifier: BSD-3-Clause
// Lines along one axis: the server sends least and greatest of each pixel, zooming asks anew.
import { tellChanges } from "./actions.js";
import { Latest } from "./api.js";
import { Span } from "./lineaxis.js";
import { Lines } from "./lines.js";
import { storedChoice } from "./meaning.js";
import { LineSource } from "./linesource.js";
import { Slicer } from "./slicer.js";
import { Stack } from "./stack.js";
import { sliceOf } from "./state.js";
import { statsPanel } from "./tables.js";
import { lineTools } from "./toolbars.js";
import { approximate, clamp, debounce, errorCard, h, toast } from "./ui.js";
import { View } from "./view.js";

const KEYS = [
  ["[ ]", "slice back, forward"],
  ["+ - 0", "zoom in, out, whole line"],
  ["← →", "pan"],
  ["l", "linear or log"],
  ["m", "more lines, x, errors"],
  ["s", "statistics of what is in sight"],
];

export class LineView extends View {
  constructor(page, box) {
    super(page, box);
    this.slicer = new Slicer(this, (final, axes) => this.sliced(axes));
    this.slicer.busy = () => this.loading;
    this.plane = this.slicer.plane;
    this.source = new LineSource(this.ds, this.plane, this.state);
    this.lines = new Lines(this);
    this.stack = new Stack(this);
    this.span = new Span(this.source.length, this.state.box);
    this.flight = new Latest();
    this.later = debounce(() => this.load(), 120);
    this.problem = h("div", { class: "problem", hidden: true });
    this.notes = h("div", { class: "card warn", role: "status", hidden: true });
    this.badge = approximate();
    const { frame, pointer } = this.stack;
    this.frame = frame;
    frame.append(this.problem);
    box.replaceChildren(
      lineTools(this),
      this.slicer.box,
      this.notes,
      frame,
      h("div", { class: "under" }, pointer.readout, this.badge),
      storedChoice(this),
    );
    this.onSize(this.frame, () => this.resized());
    this.onTheme(() => this.stack.draw());
    this.load();
  }

  async load() {
    const signal = this.flight.next();
    const px = Math.round((this.frame.clientWidth - 72) * Math.min(devicePixelRatio, 2));
    this.later.cancel();
    this.problem.hidden = true;
    this.loading = true;
    this.frame.classList.add("busy");
    try {
      await this.lines.find(signal);
      if (!signal.aborted) this.found();
      const shown = await this.lines.load(this.span, clamp(px, 100, 4096), signal);
      if (signal.aborted) return;
      this.badge.hidden = !shown.some(({ y }) => y.approx);
      this.stack.take(shown);
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

  /* It is known what is drawn. */
  found() {
    const { axis, notes, first } = this.lines;
    const values = axis.sorted ? null : axis.values;
    this.source = first.source;
    if (JSON.stringify(values) !== JSON.stringify(this.span.values))
      this.span = new Span(this.source.length, this.state.box, values);
    this.notes.hidden = !notes.length;
    this.notes.replaceChildren(...notes.map((note) => h("p", {}, `${note}.`)));
    tellChanges(this.page);
  }

  fail(error) {
    this.problem.hidden = false;
    this.problem.replaceChildren(errorCard(error, () => this.load()));
  }

  resized() {
    if (this.stack.resized()) this.later();
  }

  /* ---- changes ---- */

  moved() {
    this.state.box = this.span.text;
    this.page.write();
    this.stack.draw();
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
    if (this.stack.shown) this.stack.take();
  }

  option(name, value) {
    this.state[name] = value;
    if (name === "xof" && this.span.values) this.state.box = "";
    this.page.write(true);
    if (name === "mk") this.stack.draw();
    else this.load();
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
    this.lines.forget();
    this.slicer.reshape(this.ds.shape);
    this.span.resize(this.source.length, follow);
    this.state.box = this.span.text;
    this.page.write();
    this.load();
  }

  statsTable() {
    if (this.lines.curves.length) statsPanel(...this.lines.statistics(this.span));
  }

  async choose() {
    try {
      (await import("./linepanel.js")).linePanel(this);
    } catch (error) {
      toast(`No choice of lines: ${error.message}`, "error");
    }
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
      m: () => this.choose(),
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
  /** Datasets that are looked at. */
  datasets() {
    return this.lines.datasets;
  }

  close() {
    super.close();
    this.later.cancel();
  }
}
