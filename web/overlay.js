// SPDX-License-Identifier: BSD-3-Clause
// What lies over the canvas of a picture, in its items: made once for a pane, placed when the canvas is drawn.
import { h } from "./ui.js";

export class Overlay {
  /** view: has a window of items; pane: with a canvas. */
  constructor(view, pane, ...children) {
    Object.assign(this, { view, pane });
    this.box = h("div", { class: "over" }, children);
    pane.box.append(this.box);
  }

  place() {
    const { offsetLeft, offsetTop, clientWidth, clientHeight } = this.pane.canvas;
    const { style } = this.box;
    style.left = `${offsetLeft}px`;
    style.top = `${offsetTop}px`;
    style.width = `${clientWidth}px`;
    style.height = `${clientHeight}px`;
  }

  /** Pixels from the left and the top of what is at an item. */
  px(x) {
    const { x0, x1 } = this.view.window;
    return ((x - x0) / (x1 - x0)) * this.pane.canvas.clientWidth;
  }
  py(y) {
    const { y0, y1 } = this.view.window;
    return ((y - y0) / (y1 - y0)) * this.pane.canvas.clientHeight;
  }
  /** Style of what reaches to these sides of the picture, as far as it is in sight. */
  reach(box, ...sides) {
    const { clientWidth, clientHeight } = this.pane.canvas;
    const { columns, rows } = this.view.source;
    const at = { left: this.px(0), top: this.py(0) };
    Object.assign(at, { right: clientWidth - this.px(columns), bottom: clientHeight - this.py(rows) });
    for (const side of sides) box.style[side] = `${Math.max(at[side], 0)}px`;
  }
  /** Put a box where these items are. */
  put({ style }, { x0, x1, y0, y1 }) {
    const [left, top] = [this.px(x0), this.py(y0)];
    style.left = `${left}px`;
    style.top = `${top}px`;
    style.width = `${this.px(x1) - left}px`;
    style.height = `${this.py(y1) - top}px`;
  }
  /** Items at an event of the pointer: {x, y}. */
  at({ clientX, clientY }) {
    const box = this.pane.canvas.getBoundingClientRect();
    const { x0, x1, y0, y1 } = this.view.window;
    return {
      x: x0 + ((clientX - box.left) / box.width) * (x1 - x0),
      y: y0 + ((clientY - box.top) / box.height) * (y1 - y0),
    };
  }
}
