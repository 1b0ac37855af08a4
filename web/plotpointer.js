// SPDX-License-Identifier: BSD-3-Clause
// Mouse, pen and fingers on the canvas of a line: the wheel zooms, drags pan, the value under the pointer is told.
import { clamp, h } from "./ui.js";

export class PlotPointer {
  /** view: the line, with lines, span, source, zoom(), moved(); stack: its plots. */
  constructor(view, stack) {
    Object.assign(this, { view, stack, drag: null });
    this.readout = h("output", { class: "readout", "aria-live": "polite" }, " ");
  }

  listen(plot) {
    const { view } = this;
    const { canvas } = plot;
    const at = (event) => view.lines.axis.toItem(plot.at(event).x);
    const listen = (name, act) => canvas.addEventListener(name, act, { passive: false });
    listen("wheel", (event) => {
      event.preventDefault();
      view.zoom(Math.exp(clamp(event.deltaY, -200, 200) / 300), at(event));
    });
    listen("dblclick", (event) => view.zoom(0.5, at(event)));
    listen("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, x0: view.span.x0, x1: view.span.x1 };
      this.tell(plot, event);
    });
    listen("pointermove", (event) => this.move(plot, event));
    listen("lostpointercapture", () => {
      this.drag = null;
    });
    listen("pointerleave", (event) => {
      if (event.pointerType !== "touch") this.readout.textContent = " "; // a tap stays told
    });
  }

  move(plot, event) {
    this.tell(plot, event);
    if (!this.drag) return;
    const { left, right } = plot.frame.box;
    const { x, x0, x1 } = this.drag;
    const sign = this.view.lines.axis.sign < 0 ? -1 : 1;
    const by = ((sign * (x - event.clientX)) / (right - left)) * (x1 - x0);
    this.view.span.move(x0 + by, x1 + by);
    this.view.moved();
  }

  /* The points of all plots that are nearest to the pointer. */
  tell(plot, event) {
    const { view } = this;
    const points = this.stack.plots.flatMap((one) => one.at(event).points);
    const [first] = points;
    if (!first) {
      this.readout.textContent = " ";
      return;
    }
    const { axis } = view.lines;
    const place = `[${view.source.part(first.curve.item(first.i))}]`;
    const x = axis.source ? ` · ${axis.axis.label} ${first.curve.xTold(first.i, axis, 7)}` : "";
    const more = points.slice(1).map(({ curve, i }) => ` · ${curve.label} = ${curve.text(i)}`);
    this.readout.textContent = `${place} = ${first.curve.text(first.i)}${more.join("")}${x}`;
  }
}
