// SPDX-License-Identifier: BSD-3-Clause
// The panes of a heat map beside each other: made, aimed, sized, drawn; and what is said when they cannot be.
import { Pane } from "./pane.js";
import { digitsOf } from "./ticks.js";
import { approximate, clamp, errorCard, h } from "./ui.js";

export class Stage {
  /** view: the heat map. */
  constructor(view) {
    Object.assign(this, { view, panes: [], left: 0, titled: false });
    this.badge = approximate();
    this.empty = h("p", { class: "empty", hidden: true }, "0 elements");
    this.remark = h("p", { class: "remark", hidden: true });
    this.box = h("div", { class: "stage" });
    this.problem = h("div", { class: "problem", hidden: true });
  }

  /** Panes with these labels, instead of those there are. */
  make(labels) {
    this.panes.forEach((pane) => pane.close());
    this.panes = labels.map((label) => new Pane(this.view, label));
    this.box.replaceChildren(...this.panes.map((pane) => pane.box), this.empty);
    this.panes[0].box.append(this.remark);
    this.box.classList.toggle("several", this.panes.length > 1);
    for (const pane of this.panes) this.view.pointer.listen(pane.canvas);
    this.empty.hidden = true;
  }

  /** The plane that the first pane aims at. */
  get source() {
    return this.panes[0].target;
  }

  /** The first pane looks at the first plane, the second at the second. */
  aim(planes) {
    planes.forEach((plane, i) => this.panes[i]?.aim(plane));
    this.view.schedule();
  }

  resize() {
    for (const pane of this.panes) pane.resize();
    const { canvas } = this.panes[0];
    this.view.viewport.resize(canvas.width, canvas.height);
    this.view.schedule();
  }

  /** Leave so many pixels at the left of pictures, and a line above for a title; true when that was not so. */
  reserve(pixels, titled) {
    const left = Math.max(Math.ceil(pixels / 8) * 8, this.left);
    if (left === this.left && titled === this.titled) return false;
    Object.assign(this, { left, titled });
    this.box.style.setProperty("--left", `${left}px`);
    this.box.classList.toggle("titled", titled);
    this.resize();
    return true;
  }

  draw() {
    const { colouring, comparison, window } = this.view;
    const { panes, source } = this;
    if (!colouring.maps || !window || this.isEmpty()) return;
    panes.forEach((pane) => pane.sides.draw());
    panes.forEach((pane) => pane.want());
    panes[0].draw(colouring.colours());
    const colours = colouring.colours(); // what became complete just now may have another range
    panes.forEach((pane, i) => {
      if (pane.target) pane.draw(i === 2 ? colouring.difference(pane) : colours);
    });
    if (comparison.other?.fixed) panes[0].caption.textContent = `[${source.at}]`;
    const failed = panes.find((one) => one.failed)?.failed;
    if (failed) this.fail(failed);
    else this.problem.hidden = true;
    this.view.extras.place();
    this.tell();
    if (panes[0].shown === source && !panes[0].flights.size) this.ahead();
  }

  /* A plane without items has a note instead of pictures. */
  isEmpty() {
    const empty = !this.source.rows || !this.source.columns;
    if (empty !== this.empty.hidden) return empty;
    this.empty.hidden = !empty;
    this.view.colouring.bar.box.hidden = empty;
    for (const pane of this.panes) pane.box.hidden = empty;
    this.resize();
    return empty;
  }

  /* What is drawn, for those who do not see it. */
  tell() {
    const { source } = this;
    const [pane] = this.panes;
    const { lo, hi } = this.view.colouring.bar.range;
    const size = `${source.rows} rows by ${source.columns} columns`;
    const { quantity } = source;
    const [low, high] = [lo, hi].map((value) => quantity.text(value, digitsOf(lo, hi)));
    const range = `colours from ${low} to ${high}`;
    const along = ["x", "y"].map((which) =>
      pane.sides.meaning.axes[source[which]].span(0, source.ds.shape[source[which]] - 1),
    );
    const names = along.some(Boolean) ? `, ${along[0] || "index"} across, ${along[1] || "index"} down` : "";
    const { remark } = this.view.colouring;
    const text = `Heat map of ${source.ds.path} [${source.at}], ${size}${names}, ${range}${remark && `, ${remark}`}`;
    this.remark.textContent = remark;
    this.remark.hidden = !remark;
    this.badge.hidden = !pane.tiles(source).some(({ z, x, y }) => source.get(z, x, y)?.approx);
    if (pane.canvas.getAttribute("aria-label") !== text) pane.canvas.setAttribute("aria-label", text);
    const at = pane.shown === source ? source.at : "";
    if (pane.canvas.dataset.drawn === at) return;
    pane.canvas.dataset.drawn = at;
    this.view.readout.say();
  }

  /* The next slice in the direction of travel is likely to be asked for. */
  ahead() {
    const { view, source } = this;
    const axis = view.slicer.active;
    if (!view.direction || axis < 0 || this.fetched === source.key) return;
    this.fetched = source.key;
    const index = [...view.plane.index];
    index[axis] = clamp(index[axis] + view.direction, 0, view.ds.shape[axis] - 1);
    const next = view.planeAt(index);
    const tiles = this.panes[0].tiles(next).slice(0, 12);
    for (const { z, x, y } of tiles) next.load(z, x, y, view.signal).catch(() => {});
  }

  fail(error) {
    if (!this.problem.hidden && this.told.message === error.message) return; // a button pressed must stay where it is
    this.told = error;
    this.problem.hidden = false;
    this.problem.replaceChildren(
      errorCard(error, () => {
        for (const pane of this.panes) pane.failed = null;
        this.problem.hidden = true;
        this.view.schedule();
      }),
    );
  }

  /** What is on its way is not wanted any more; false when nothing was. */
  cancel() {
    const waiting = this.panes.filter((pane) => pane.flights.size);
    for (const pane of waiting) {
      pane.failed = new Error("stopped before all of it was here");
      pane.close();
    }
    this.view.schedule();
    return waiting.length > 0;
  }

  close() {
    this.panes.forEach((pane) => pane.close());
  }
}
