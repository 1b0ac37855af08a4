// SPDX-License-Identifier: BSD-3-Clause
// Mouse, pen and fingers on the canvas of a line: the wheel zooms, drags pan, the value under the pointer is told.
import { clamp, h } from "./ui.js";

export class PlotPointer {
  /** view: the line, with plot, span, source, zoom(), moved(). */
  constructor(view) {
    Object.assign(this, { view, drag: null });
    this.readout = h("output", { class: "readout", "aria-live": "polite" }, " ");
  }

  listen(canvas) {
    const { view } = this;
    const at = (event) => view.plot.at(event.clientX)?.x;
    const listen = (name, act) => canvas.addEventListener(name, act, { passive: false });
    listen("wheel", (event) => {
      event.preventDefault();
      view.zoom(Math.exp(clamp(event.deltaY, -200, 200) / 300), at(event));
    });
    listen("dblclick", (event) => view.zoom(0.5, at(event)));
    listen("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.move(event); // a tap tells, too
      this.drag = { x: event.clientX, x0: view.span.x0, x1: view.span.x1 };
    });
    listen("pointermove", (event) => this.move(event));
    listen("lostpointercapture", () => {
      this.drag = null;
    });
    listen("pointerleave", (event) => {
      if (event.pointerType !== "touch") this.readout.textContent = " ";
    });
  }

  move(event) {
    const { plot, source, span } = this.view;
    const found = plot.at(event.clientX);
    const at = found && plot.x.tell(found.index);
    this.readout.textContent = found ? `[${source.part(found.index)}] = ${found.text}${at && ` · ${at}`}` : " ";
    if (!this.drag) return;
    const { left, right } = plot.frame.box;
    const { x, x0, x1 } = this.drag;
    const by = ((x - event.clientX) / (right - left)) * (x1 - x0);
    span.move(x0 + by, x1 + by);
    this.view.moved();
  }
}
