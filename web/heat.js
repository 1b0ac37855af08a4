// SPDX-License-Identifier: BSD-3-Clause
// The heat map: its parts, what is drawn, what keys and choices change.
import { Colouring } from "./colouring.js";
import { Compare } from "./compare.js";
import { KEYS, heatActions, heatKey } from "./heatkeys.js";
import { Extras } from "./extras.js";
import { storedChoice } from "./meaning.js";
import { Pointer } from "./pointer.js";
import { Profiles } from "./profiles.js";
import { Readout } from "./readout.js";
import { Slicer } from "./slicer.js";
import { Stage } from "./stage.js";
import { statsPanel } from "./tables.js";
import { adopt, pictureTools } from "./toolbars.js";
import { debounce, h } from "./ui.js";
import { View } from "./view.js";
import { Viewport } from "./viewport.js";

export class HeatView extends View {
  constructor(page, box) {
    super(page, box);
    this.slicer = new Slicer(this, (final, axes) => this.sliced(axes), { two: true });
    this.slicer.busy = () => this.panes.some((pane) => pane.flights.size > 0);
    this.plane = this.slicer.plane;
    this.stage = new Stage(this);
    this.viewport = new Viewport(() => this.moved());
    this.pointer = new Pointer(this);
    this.readout = new Readout(this);
    this.profiles = new Profiles(this);
    this.extras = new Extras(this);
    this.profileSoon = debounce(() => this.profile(), 150);
    this.colouring = new Colouring(this);
    this.comparison = new Compare(this, () => {
      this.makePanes();
      this.aim();
      this.stage.resize();
    });
    this.build();
    this.makePanes();
    this.onSize(this.stage.box, () => {
      this.stage.resize();
      this.colouring.bar.draw();
    });
    this.onTheme(() => {
      this.schedule();
      this.colouring.bar.draw();
      this.profiles.draw();
      this.extras.redraw();
    });
    this.stage.resize();
    this.colouring.start();
    this.aim();
    this.profile();
    if (this.state.cmp) this.comparison.start(this.state.cmp);
  }

  build() {
    const { stage } = this;
    this.box.replaceChildren(
      pictureTools(this),
      this.slicer.box,
      this.comparison.note,
      h("div", { class: "frame" }, stage.box, stage.problem),
      this.colouring.bar.box,
      h("div", { class: "under" }, this.readout.box, stage.badge),
      storedChoice(this),
      this.extras.region.numbers.box,
      this.profiles.box,
    );
  }

  get panes() {
    return this.stage.panes;
  }
  get source() {
    return this.stage.source;
  }
  get window() {
    return this.viewport.window;
  }
  draw() {
    this.stage.draw();
  }

  /* ---- where it looks ---- */

  makePanes() {
    this.stage.make([this.ds.path, ...this.comparison.labels]);
    this.extras.listen();
  }

  planeAt(index) {
    const field = this.state.field || this.ds.fields[0]?.name;
    return this.extras.projection.plane({ ...this.plane, index }, { ...this.state, field });
  }

  /* Look at the plane of the state. */
  aim() {
    const source = this.planeAt(this.plane.index);
    this.stage.aim([source, ...this.comparison.beside(source)]);
    this.viewport.look(source.rows, source.columns, this.state.box);
    this.extras.look();
  }

  moved() {
    this.state.box = this.viewport.text;
    this.page.write();
    this.profiles.draw();
    if (this.state.prof) this.profileSoon();
    this.schedule();
  }

  inside({ row, column }) {
    return row >= 0 && column >= 0 && row < this.source.rows && column < this.source.columns;
  }

  /** Esc */
  cancel() {
    return this.stage.cancel();
  }

  /* ---- other looks ---- */

  /* The numbers in sight, in the grid. */
  asTable() {
    const { x0, y0 } = this.window;
    this.state.row = y0 > 0 ? String(Math.floor(y0)) : "";
    this.state.col = x0 > 0 ? String(Math.floor(x0)) : "";
    this.page.show("table");
  }

  /* Of the items in sight. */
  statsTable() {
    const { source } = this;
    const slice = source.part(this.window);
    const what = source.quantity.scaled ? ", of the stored numbers" : "";
    statsPanel(`Statistics of [${slice}]${what}`, source.statsUrl(slice));
  }

  pin(at) {
    this.pinned = at;
    this.profile();
  }

  profile() {
    const at = this.pinned || { row: Math.floor(this.source.rows / 2), column: Math.floor(this.source.columns / 2) };
    if (!this.state.prof) this.profiles.hide();
    else if (this.inside(at)) this.profiles.show(this.source, at);
  }

  /* ---- changes ---- */

  sliced(axes) {
    const before = this.at;
    this.slicer.note();
    if (axes) {
      this.state.box = "";
      this.extras.axes();
    }
    this.at = this.plane.index[this.slicer.active];
    this.direction = this.at > before ? 1 : this.at < before ? -1 : this.direction || 1;
    this.page.write(axes);
    this.aim();
    this.profileSoon();
  }

  option(name, value) {
    adopt(this, { [name]: value });
    if (name === "prof") this.profile();
    this.page.write(true);
    this.aim();
  }
  next(name, list) {
    this.option(name, list[(list.indexOf(this.state[name]) + 1) % list.length]);
  }

  /** The dataset has another generation; follow: the axis that grew stays at its end. */
  refresh(follow) {
    this.slicer.reshape(this.ds.shape, follow);
    if (this.state.cmp) this.comparison.start(this.state.cmp);
    this.page.write();
    this.aim();
    this.profileSoon();
  }

  actions() {
    return heatActions(this);
  }
  key(event) {
    return super.key(event) || heatKey(this, event);
  }
  keys() {
    return [["Picture", KEYS]];
  }
  slice() {
    return this.source.at;
  }
  /** Datasets that are looked at. */
  datasets() {
    return [this.ds, this.comparison.other?.ds].filter(Boolean);
  }
  close() {
    super.close();
    this.profileSoon.cancel();
    for (const part of [this.extras, this.stage, this.readout, this.colouring, this.comparison, this.profiles])
      part.close();
  }
}
