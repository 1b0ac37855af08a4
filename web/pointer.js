// SPDX-License-Identifier: BSD-3-Clause
// Mouse, pen and fingers on a heat map: wheel and pinch zoom, drags pan, Shift draws a box, a click pins.
import { clamp, h } from "./ui.js";

export class Pointer {
  /** view: the heat map, with viewport, readout, pin(). */
  constructor(view) {
    Object.assign(this, { view, held: new Map() });
  }

  listen(canvas) {
    const { view } = this;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        view.viewport.zoom(Math.exp(clamp(event.deltaY, -200, 200) / 400), this.place(event, canvas));
      },
      { passive: false },
    );
    canvas.addEventListener("dblclick", (event) => view.viewport.zoom(0.5, this.place(event, canvas)));
    canvas.addEventListener("pointerdown", (event) => this.down(event, canvas));
    canvas.addEventListener("pointermove", (event) => this.move(event, canvas));
    canvas.addEventListener("pointerleave", (event) => {
      const stays = this.held.size || event.pointerType === "touch"; // what a tap asked for stays
      if (!stays) view.readout.hover(null);
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, (event) => this.up(event, canvas));
  }

  /* Where an event is, in items, and how many items a pixel has. */
  place(event, canvas) {
    const box = canvas.getBoundingClientRect();
    const { x0, x1, y0, y1 } = this.view.window;
    return {
      x: x0 + ((event.clientX - box.left) / box.width) * (x1 - x0),
      y: y0 + ((event.clientY - box.top) / box.height) * (y1 - y0),
      sx: (x1 - x0) / box.width,
      sy: (y1 - y0) / box.height,
    };
  }

  down(event, canvas) {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    this.held.set(event.pointerId, event);
    this.start = { at: this.place(event, canvas), x: event.clientX, y: event.clientY, still: true };
    if (event.shiftKey) {
      this.rubber = h("div", { class: "rubber" });
      canvas.parentElement.append(this.rubber);
    }
  }

  move(event, canvas) {
    const at = this.place(event, canvas);
    const old = this.held.get(event.pointerId);
    this.view.readout.hover({ row: Math.floor(at.y), column: Math.floor(at.x) });
    if (!old) return;
    if (Math.hypot(event.clientX - this.start.x, event.clientY - this.start.y) > 4) this.start.still = false;
    if (this.rubber) this.stretch(event, canvas);
    else if (this.held.size === 2) this.pinch(event, old, at);
    else if (!this.start.still)
      this.view.viewport.pan((old.clientX - event.clientX) * at.sx, (old.clientY - event.clientY) * at.sy);
    this.held.set(event.pointerId, event);
  }

  stretch(event, canvas) {
    const frame = canvas.parentElement.getBoundingClientRect();
    const { x, y } = this.start;
    Object.assign(this.rubber.style, {
      left: `${Math.min(event.clientX, x) - frame.left}px`,
      top: `${Math.min(event.clientY, y) - frame.top}px`,
      width: `${Math.abs(event.clientX - x)}px`,
      height: `${Math.abs(event.clientY - y)}px`,
    });
  }

  pinch(event, old, at) {
    const other = [...this.held.values()].find((one) => one.pointerId !== event.pointerId);
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    this.view.viewport.zoom(apart(old) / Math.max(apart(event), 1), at);
  }

  up(event, canvas) {
    const at = this.place(event, canvas);
    const from = this.start?.at;
    this.held.delete(event.pointerId);
    if (this.rubber) {
      this.rubber.remove();
      this.rubber = null;
      if (!this.start.still)
        this.view.viewport.frame({
          x0: Math.min(at.x, from.x),
          x1: Math.max(at.x, from.x),
          y0: Math.min(at.y, from.y),
          y1: Math.max(at.y, from.y),
        });
    } else if (this.start?.still && event.type === "pointerup") {
      const item = { row: Math.floor(at.y), column: Math.floor(at.x) };
      this.view.readout.hover(item);
      this.view.pin(item);
    }
  }
}
