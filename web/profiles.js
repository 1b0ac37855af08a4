// SPDX-License-Identifier: BSD-3-Clause
// Lines along both axes of a picture, through one of its points.
import { Latest, numbers } from "./api.js";
import { meaningOf } from "./meaning.js";
import { Plot } from "./plot.js";
import { plotTable, tableButton } from "./tables.js";
import { h } from "./ui.js";

const PX = 600;

export class Profiles {
  constructor() {
    this.box = h("div", { class: "profiles", hidden: true });
    this.plots = [];
    this.flight = new Latest();
  }

  /** source: the plane; at: {row, column}. */
  async show(source, at) {
    const signal = this.flight.next();
    const axes = [source.x, source.y];
    const meaning = meaningOf(source.ds);
    await meaning.ready;
    const lines = await Promise.all(
      axes.map((axis) => numbers(source.lineUrl(axis, at.row, at.column, PX), { signal }).catch(() => null)),
    );
    if (signal.aborted) return;
    this.box.hidden = false;
    this.plots = axes
      .map(
        (axis, i) =>
          lines[i] &&
          new Plot(
            `Axis ${axis} through [${source.slice(at.row, at.column)}]`,
            lines[i],
            i ? source.rows : source.columns,
            0,
            { x: meaning.axes[axis], y: source.quantity },
          ),
      )
      .filter(Boolean);
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
    if (!this.box.hidden) this.plots.forEach((plot) => plot.draw());
  }
  close() {
    this.flight.stop();
  }
}
