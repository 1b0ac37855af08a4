// SPDX-License-Identifier: BSD-3-Clause
// Three planes of a volume, linked by a crosshair: what is chosen in one moves the others.
import { Colouring } from "./colouring.js";
import { tellItem } from "./meaning.js";
import { Overlay } from "./overlay.js";
import { Pane } from "./pane.js";
import { Pointer } from "./pointer.js";
import { Region } from "./region.js";
import { Slicer } from "./slicer.js";
import { Plane } from "./tiles.js";
import { adopt, volumeTools } from "./toolbars.js";
import { ARROWS, clamp, errorCard, h } from "./ui.js";
import { View } from "./view.js";
import { Viewport } from "./viewport.js";

/* One of the planes: what Pane, Pointer and Region ask of a picture. */
class Section {
  /** axes(): across, down, and the one it is a slice of. */
  constructor(volume, nth, name, axes) {
    const { state, page } = volume;
    Object.assign(this, { volume, nth, name, axes, state, page, readout: this, stage: this });
    this.viewport = new Viewport(() => volume.schedule());
    this.pane = new Pane(this, name);
    this.panes = [this.pane];
    this.lines = ["x", "y"].map((which) => h("span", { class: `cross ${which}` }));
    this.region = new Region(this, this);
    this.overlay = new Overlay(this, this.pane, this.lines, this.region.frame);
    this.box.classList.add(name);
    this.box.addEventListener("focusin", () => (volume.focused = this));
    const { canvas } = this.pane;
    const pointer = new Pointer(this);
    canvas.addEventListener("keydown", (event) => this.key(event));
    // a drag moves the crosshair, as a click does; two fingers and the wheel zoom
    const follow = (event) => pointer.held.size && this.follow(event);
    canvas.addEventListener("pointermove", follow, { capture: true });
    pointer.listen(canvas);
  }

  get window() {
    return this.viewport.window;
  }
  get box() {
    return this.pane.box;
  }
  get source() {
    return this.pane.target;
  }
  /** The curve of a region goes along the axis that is not drawn. */
  get slicer() {
    return { active: this.axes()[2] };
  }
  get closed() {
    return this.volume.closed;
  }
  schedule() {
    this.volume.schedule();
  }
  /** Room for the axis at the left; true when there was less. */
  reserve(pixels) {
    if (pixels <= (this.left || 0)) return false;
    this.left = Math.ceil(pixels / 8) * 8;
    this.box.style.setProperty("--left", `${this.left}px`);
    this.resize();
    return true;
  }
  hover() {}
  follow(event) {
    if (!event.isPrimary || event.shiftKey) return;
    event.stopImmediatePropagation();
    const { x, y } = this.overlay.at(event);
    this.pin({ row: Math.floor(y), column: Math.floor(x) });
  }
  pin({ row, column }) {
    const [x, y] = this.axes();
    this.volume.move({ [x]: column, [y]: row });
  }
  key(event) {
    const by = ARROWS[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const far = event.shiftKey ? 10 : 1;
    const [x, y] = this.axes();
    const { at } = this.volume;
    this.volume.move({ [x]: at[x] + by[0] * far, [y]: at[y] + by[1] * far });
  }

  aim() {
    const [x, y] = this.axes();
    const { at, ds, state } = this.volume;
    const plane = new Plane(ds, { x, y, index: at }, state);
    this.pane.aim(plane);
    this.pane.canvas.setAttribute("aria-label", `${this.name}, axes ${x} and ${y} at [${plane.at}]; arrows move it`);
    this.viewport.look(plane.rows, plane.columns, "");
    this.region.look();
  }
  resize() {
    this.pane.resize();
    const { canvas } = this.pane;
    this.viewport.resize(canvas.width, canvas.height);
  }
  draw(colours) {
    const { pane, overlay } = this;
    pane.sides.draw();
    pane.want();
    pane.draw(colours);
    overlay.place();
    this.region.place();
    const [x, y] = this.axes();
    const { at } = this.volume;
    overlay.reach(this.lines[0], "top", "bottom");
    overlay.reach(this.lines[1], "left", "right");
    this.lines[0].style.left = `${overlay.px(at[x] + 0.5)}px`;
    this.lines[1].style.top = `${overlay.py(at[y] + 0.5)}px`;
    if (pane.shown === pane.target) pane.canvas.dataset.drawn = pane.shown.at;
  }
}

/* One range of colours for all three: that of the volume. */
class VolumeColouring extends Colouring {
  statistics(source) {
    const { ds, source: first } = this.view;
    const key = `${ds.etag} ${this.view.part()} ${first.common.part}`;
    const known = this.stats.get(key);
    if (!known)
      this.ask(
        Object.create(first, { key: { value: key }, statsUrl: { value: () => first.statsUrl(this.view.part()) } }),
      );
    return known?.asked === undefined && known ? known : this.last || super.statistics(source);
  }
}

export class VolumeView extends View {
  constructor(page, box) {
    super(page, box);
    this.slicer = new Slicer(this, (final, axes) => this.sliced(axes), { two: true });
    this.plane = this.slicer.plane;
    this.aimThird();
    this.at = this.start();
    const { plane } = this;
    this.sections = [
      new Section(this, 0, "xy", () => [plane.x, plane.y, this.third]),
      new Section(this, 1, "zy", () => [this.third, plane.y, plane.x]),
      new Section(this, 2, "xz", () => [plane.x, this.third, plane.y]),
    ];
    [this.focused] = this.sections;
    this.colouring = new VolumeColouring(this);
    this.problem = h("div", { class: "problem", hidden: true });
    this.readout = h("output", { class: "readout", "aria-live": "polite" }, " ");
    this.planes = h(
      "div",
      { class: "stage volume" },
      this.sections.map(({ pane }) => pane.box),
    );
    this.box.replaceChildren(
      volumeTools(this),
      this.slicer.box,
      h("div", { class: "frame" }, this.planes, this.problem),
      this.colouring.bar.box,
      h("div", { class: "under" }, this.readout),
      ...this.regions.map(({ numbers }) => numbers.box),
    );
    this.onSize(this.planes, () => this.resize());
    this.onTheme(() => {
      this.colouring.bar.draw();
      this.regions.forEach((region) => region.redraw());
    });
    this.slicer.show(this.at);
    this.aim();
    this.resize();
    this.colouring.start();
  }

  get panes() {
    return this.sections.map(({ pane }) => pane);
  }
  get regions() {
    return this.sections.map(({ region }) => region);
  }
  get source() {
    return this.sections[0].source;
  }

  /** What is saved as a file. */
  get stage() {
    return { box: this.planes };
  }
  async movie() {
    (await import("./movie.js")).moviePanel(this);
  }

  /* The axis of depth: that of the state, else the first that is not drawn. */
  aimThird() {
    const free = this.slicer.free();
    this.third = free.find((axis) => String(axis) === this.state.z) ?? free[0];
  }

  /* The crosshair of the state, else the middle of what is drawn. */
  start() {
    const { shape } = this.ds;
    const given = this.state.at.split(",").map(Number);
    const fits = given.length === shape.length && given.every(Number.isInteger);
    const shown = [this.plane.x, this.plane.y, this.third];
    const at = shape.map((n, i) => (fits ? given[i] : this.plane.index[i] || (shown.includes(i) ? n >> 1 : 0)));
    return at.map((one, i) => clamp(one, 0, Math.max(shape[i] - 1, 0)));
  }

  /** What of the dataset the planes cut: all along their axes, an index along others. */
  part() {
    const shown = [this.plane.x, this.plane.y, this.third];
    return this.at.map((one, i) => (shown.includes(i) ? ":" : one)).join(",");
  }

  move(places) {
    const { shape } = this.ds;
    for (const [axis, at] of Object.entries(places)) this.at[axis] = clamp(at, 0, Math.max(shape[axis] - 1, 0));
    this.state.at = this.at.join(",");
    this.page.write();
    this.slicer.show(this.at);
    this.aim();
  }

  sliced(axes) {
    const { index } = this.plane;
    for (const axis of this.slicer.free()) this.at[axis] = index[axis];
    if (axes) this.state.z = this.state.roi = "";
    this.aimThird();
    this.slicer.note();
    this.move({});
  }

  aim() {
    this.sections.forEach((section) => section.aim());
    this.schedule();
  }
  resize() {
    this.sections.forEach((section) => section.resize());
    this.colouring.bar.draw();
    this.schedule();
  }
  draw() {
    if (!this.colouring.maps) return;
    const colours = this.colouring.colours();
    this.sections.forEach((section) => section.draw(colours));
    const { pane } = this.sections[0];
    const value = pane.value(this.at[this.plane.y], this.at[this.plane.x]);
    const text = value ? (value.exact ? "" : "≈ ") + this.source.quantity.text(value.value) : "…";
    this.readout.textContent = tellItem(this.ds, this.at, text);
    const failed = this.panes.find((one) => one.failed)?.failed;
    this.problem.hidden = !failed;
    if (failed && this.told !== failed) this.problem.replaceChildren(errorCard(failed, () => this.page.again()));
    this.told = failed;
  }

  option(name, value) {
    adopt(this, { [name]: value });
    if (name === "z") this.state.roi = "";
    this.page.write(true);
    this.aimThird();
    this.aim();
  }
  /** In the plane that has, or had, the focus. */
  region() {
    this.focused.region.toggle();
  }
  fit() {
    this.sections.forEach(({ viewport }) => viewport.fit());
  }
  refresh() {
    this.page.again();
  }

  actions() {
    return {
      ...this.slicer.actions(),
      i: () => this.toggle("inv"),
      a: () => this.colouring.autoscale(),
      0: () => this.fit(),
      o: () => this.region(),
      v: () => this.movie(),
    };
  }
  keys() {
    const rows = [
      ["← → ↑ ↓", "move the crosshair in the plane that has the focus (Shift: ten)"],
      ["[ ]", "move it along the marked axis"],
      ["0", "fit"],
      ["i a", "invert, autoscale"],
      ["o", "region in the plane that has the focus (arrows move it, with Shift its size, Delete)"],
      ["v", "movie along the marked axis"],
    ];
    return [["Volume", rows]];
  }
  slice() {
    return this.part();
  }

  close() {
    super.close();
    this.colouring.close();
    [...this.panes, ...this.regions].forEach((part) => part.close());
  }
}
