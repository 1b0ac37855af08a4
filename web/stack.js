// SPDX-License-Identifier: BSD-3-Clause
// The plots of a line view: all curves in one, or each in its own below the others; they show the same part of x.
import { Curve } from "./curves.js";
import { Quantity } from "./meaning.js";
import { Plot } from "./plot.js";
import { PlotPointer } from "./plotpointer.js";
import { sliceOf } from "./state.js";
import { plotTable } from "./tables.js";
import { h } from "./ui.js";

/* What the values of all curves are: where they differ, the axis has no name, or no unit. */
function common(curves) {
  const all = curves.map(({ source }) => source.quantity);
  const alike = (name) => all.every((one) => one[name] === all[0][name]);
  if (alike("label") && alike("units")) return all[0];
  const clock = all.every((one) => one.clock) ? all[0].clock : null;
  return Object.assign(new Quantity({ units: alike("units") ? all[0].units : "" }), { clock, ownClock: clock });
}

/* What is taken from all values, where they are close to each other and large; 0n: nothing. */
function baseOf(curves) {
  const all = curves.map(({ source, y }) => source.baseOf(y.data));
  return all.every((one) => one) ? all[0] : 0n;
}

export class Stack {
  /** view: the line, with lines, span, state. */
  constructor(view) {
    Object.assign(this, { view, plots: [] });
    this.frame = h("div", { class: "frame line" });
    this.pointer = new PlotPointer(view, this);
  }

  /** Curves as lines.load() gives them. */
  take(shown = this.shown) {
    this.shown = shown;
    const { lines, state } = this.view;
    const curves = shown.map((one, nth) => new Curve({ ...one, nth, sorted: one.axis.sorted }));
    const groups = state.apart ? curves.map((one) => [one]) : [curves];
    if (groups.length !== this.plots.length) this.make(groups.length);
    groups.forEach((group, i) => {
      const base = state.sc === "log" ? 0n : baseOf(group);
      for (const { y, source } of group)
        if (y.base !== base) Object.assign(y, { values: source.values(y.data, base), base });
      this.plots[i].show(group, { x: lines.axis, y: common(group).from(base) });
    });
    this.draw();
    this.plots.forEach((plot) => this.tell(plot));
  }

  make(count) {
    this.plots.forEach(({ canvas }) => canvas.remove());
    this.plots = Array.from({ length: count }, () => new Plot(""));
    this.frame.prepend(...this.plots.map(({ canvas }) => canvas));
    this.frame.classList.toggle("several", count > 1);
    this.width = this.frame.clientWidth;
    for (const plot of this.plots) {
      plot.canvas.tabIndex = 0;
      this.pointer.listen(plot);
    }
  }

  draw() {
    const { lines, span, state } = this.view;
    const window = this.plots.length ? lines.window(span) : null;
    for (const plot of this.plots) {
      Object.assign(plot, { window, log: state.sc === "log", mark: state.mk, left: 0 });
      plot.draw();
    }
    if (this.plots.length < 2) return;
    const left = Math.max(...this.plots.map(({ frame }) => frame.box.left));
    for (const plot of this.plots) {
      plot.left = left;
      plot.draw();
    }
  }

  /** Draw again where there is another width; false: it is the same. */
  resized() {
    const { clientWidth } = this.frame;
    if (!this.plots.length || this.width === clientWidth) return false;
    this.width = clientWidth;
    this.draw();
    return true;
  }

  /* What is drawn, for those who do not see it. */
  tell(plot) {
    const { canvas, curves, x } = plot;
    const { ds, plane, source: main } = this.view;
    const slice = sliceOf(plane, true);
    const { from, count } = curves[0].y;
    const names = curves.map(({ label, source }) => (source === main ? `${ds.path} [${slice}]` : label)).join(", ");
    const { x0, x1 } = this.view.lines.window(this.view.span);
    const along = x.source ? `, ${x.axis.label} from ${x.text(x0, 6)} to ${x.text(x1, 6)}` : "";
    const what = `Line of ${names}, items ${from} to ${from + count}${along}, ${plot.description()}`;
    canvas.setAttribute("aria-label", what);
    canvas.dataset.drawn = slice;
  }

  /** The points that are drawn. */
  table() {
    if (!this.plots.length) return;
    const { x, y } = this.plots[0];
    const curves = this.plots.flatMap((plot) => plot.curves);
    plotTable({ curves, x, y }, `Line of [${this.view.source.part(":")}]`);
  }

  /* ---- as a file ---- */

  get size() {
    const sizes = this.plots.map(({ size }) => size);
    return { width: sizes[0]?.width || 0, height: sizes.reduce((sum, { height }) => sum + height, 0) };
  }
  get title() {
    const { ds, source } = this.view;
    return `${ds.path} [${source.slice(this.view.span.items(0))}]`;
  }
  paint(context) {
    for (const plot of this.plots) {
      context.save();
      plot.paint(context, plot.size);
      context.restore();
      context.translate(0, plot.size.height);
    }
  }
}
