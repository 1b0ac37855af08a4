// SPDX-License-Identifier: BSD-3-Clause
// Lines along both axes of a picture, through one of its points.
import { Latest, numbers } from "./api.js";
import { meaningOf } from "./meaning.js";
import { Plot } from "./plot.js";
import { itemsOf } from "./lineaxis.js";
import { plotTable, tableButton } from "./tables.js";
import { clamp, h } from "./ui.js";

const PX = 600;

export class Profiles {
  /** view: the heat map; each profile shows the part of its axis that the picture shows. */
  constructor(view) {
    this.view = view;
    this.box = h("div", { class: "profiles", hidden: true });
    this.plots = [];
    this.flight = new Latest();
  }

  /* The axes of a plane, and from where to where they are in sight. */
  sides({ x, y, rows, columns }) {
    const { x0, x1, y0, y1 } = this.view.window;
    const part = (axis, n, from, to) => ({ axis, n, from: clamp(from, 0, n), to: clamp(to, 0, n) });
    return [part(x, columns, x0, x1), part(y, rows, y0, y1)];
  }

  async plot(source, at, { axis, n, from: first, to }, signal) {
    const { from, count } = itemsOf(first, to, n);
    const range = count === n ? ":" : `${from}:${from + count}`;
    const line = await numbers(source.lineUrl(axis, at.row, at.column, PX, range), { signal });
    const means = { x: meaningOf(source.ds).axes[axis], y: source.quantity };
    const made = new Plot(`Axis ${axis} through [${source.slice(at.row, at.column)}]`, line, count, from, means);
    return Object.assign(made, { source, axis });
  }

  /** source: the plane; at: {row, column}. */
  async show(source, at) {
    const signal = this.flight.next();
    await meaningOf(source.ds).ready;
    const made = this.sides(source).map((side) => this.plot(source, at, side, signal).catch(() => null));
    const plots = await Promise.all(made);
    if (signal.aborted) return;
    this.box.hidden = false;
    this.plots = plots.filter(Boolean);
    this.box.replaceChildren(
      ...this.plots.map((plot) => {
        plot.box.lastChild.append(
          " ",
          tableButton(() => plotTable(plot)),
        );
        return plot.box;
      }),
    );
    this.draw();
  }

  hide() {
    this.flight.stop();
    this.box.hidden = true;
  }
  draw() {
    for (const plot of this.box.hidden ? [] : this.plots) {
      const { from, to } = this.sides(plot.source).find(({ axis }) => axis === plot.axis);
      plot.look(from - 0.5, to - 0.5); // a picture has items beside their places, a line at them
      plot.canvas.setAttribute("aria-label", `${plot.label}, items ${Math.floor(from)} to ${Math.ceil(to)}`);
      plot.draw();
    }
  }
  close() {
    this.flight.stop();
  }
}
