// SPDX-License-Identifier: BSD-3-Clause
// The axes of a picture: on a canvas behind it, along the part of the plane that is in sight.
import { axis, drawAxis, prepare, room } from "./axes.js";
import { meaningOf } from "./meaning.js";
import { clamp, contextOf, h } from "./ui.js";

export class Sides {
  constructor(pane) {
    Object.assign(this, { pane, key: "", drawn: null });
    this.canvas = h("canvas", { class: "axes", "aria-hidden": "true" });
  }

  /* The plane that is looked at; of a difference the first. */
  get plane() {
    const { target } = this.pane;
    return target.a || target;
  }
  /** What it means. */
  get meaning() {
    return meaningOf(this.plane.ds);
  }

  /* Along one axis of the plane, of n items, from start over so many pixels, for axis(). */
  along(side, i, [from, to], n, start, pixels) {
    const coordinate = this.meaning.axes[i];
    const place = (item) => start + ((item - from) / (to - from)) * pixels;
    const low = clamp(from, 0, n);
    const high = clamp(to, 0, n);
    return {
      ...coordinate.axis,
      side,
      from: place(low),
      to: place(high),
      lo: coordinate.at(low - 0.5), // items have their coordinate in the middle
      hi: coordinate.at(high - 0.5),
      at: (value) => place(coordinate.place(value) + 0.5),
    };
  }

  /** Draw them where they changed. */
  draw() {
    const { canvas, meaning, plane } = this;
    const { view, canvas: picture } = this.pane;
    const { x0, x1, y0, y1 } = view.window;
    const { theme } = document.documentElement.dataset;
    const key = JSON.stringify([x0, x1, y0, y1, picture.width, picture.height, plane.x, plane.y, theme]);
    if (!meaning.told || (key === this.key && meaning === this.drawn)) return;
    Object.assign(this, { key, drawn: meaning });
    if (this.paint(contextOf(canvas, canvas.clientWidth, canvas.clientHeight))) return;
    this.key = ""; // there may be other room on a canvas of the same size
    this.draw();
  }

  /** On anything that draws like a canvas; false: there is other room now. */
  paint(context) {
    const { meaning, plane } = this;
    const { view, canvas: picture } = this.pane;
    const { x0, x1, y0, y1 } = view.window;
    prepare(context);
    const { offsetLeft: left, offsetTop: top, clientWidth: width, clientHeight: height } = picture;
    const y = axis(context, this.along("left", plane.y, [y0, y1], plane.rows, top, height));
    if (view.stage.reserve(room(y), Boolean(meaning.title))) return false;
    const x = axis(context, this.along("bottom", plane.x, [x0, x1], plane.columns, left, width));
    context.strokeRect(x.from - 0.5, y.from - 0.5, x.to - x.from + 1, y.to - y.from + 1);
    drawAxis(context, y, x.from);
    drawAxis(context, x, y.to);
    context.textAlign = "center";
    context.textBaseline = "top";
    context.fillText(meaning.title, (x.from + x.to) / 2, 4, x.to - x.from);
    return true;
  }
}
