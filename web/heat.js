// SPDX-License-Identifier: BSD-3-Clause
// The heat map: tiles under a window that zooms and pans, colours made here, several panes side by side.
import { GREY, colormaps, encode, json, query } from "./api.js";
import { Bar, SCALES, scaler, table } from "./colour.js";
import { Compare } from "./compare.js";
import { Pane } from "./pane.js";
import { Pointer } from "./pointer.js";
import { Profiles } from "./profiles.js";
import { Slicer } from "./slicer.js";
import { plane, sliceOf } from "./state.js";
import { statsPanel, tableButton } from "./tables.js";
import { Plane, statsHere, statsOf } from "./tiles.js";
import { button, clamp, debounce, errorCard, h, number, select, throttle, toast } from "./ui.js";

const MAPS = ["viridis", "magma", "inferno", "plasma", "cividis", "turbo", "grey", "rdbu"];

export class HeatView {
  constructor(page, box) {
    Object.assign(this, {
      page,
      ds: page.ds,
      state: page.state,
      frame: 0,
      stats: new Map(),
      cursor: null,
      pointer: new Pointer(this),
      profiles: new Profiles(),
    });
    this.plane = plane(this.state, this.ds.shape, true);
    page.notices(this.plane.notes);
    if (this.plane.notes.length) this.state.s = sliceOf(this.plane);
    this.slicer = new Slicer(this.ds.shape, this.plane, {
      two: true,
      change: (final, axes) => this.sliced(final, axes),
      stride: Number(this.state.st),
      strides: (value) => this.option("st", String(value)),
    });
    this.comparison = new Compare(this, () => {
      this.makePanes();
      this.aim();
      this.resize();
    });
    this.slicer.busy = () => this.panes.some((pane) => pane.flights.size > 0);
    this.bar = new Bar((lo, hi, final) => this.setRange(lo, hi, final));
    this.readout = h("output", { class: "readout", "aria-live": "polite" }, " ");
    this.badge = h(
      "span",
      { class: "badge", hidden: true, title: "Too much data for one look: a sample is shown" },
      "approximate",
    );
    this.stage = h("div", { class: "stage" });
    this.problem = h("div", { class: "problem", hidden: true });
    box.replaceChildren(
      this.toolbar(),
      this.slicer.box,
      this.comparison.note,
      h("div", { class: "frame" }, this.stage, this.problem),
      this.bar.box,
      h("div", { class: "under" }, this.readout, this.badge),
      this.profiles.box,
    );
    this.makePanes();
    this.watch = new ResizeObserver(() => {
      this.resize();
      this.bar.draw();
    });
    this.watch.observe(this.stage);
    this.onTheme = () => {
      this.bar.draw();
      this.profiles.draw();
    };
    document.addEventListener("theme", this.onTheme);
    this.resize();
    colormaps()
      .catch((error) => {
        toast(`Only grey: the colour maps did not come (${error.message})`, "warn");
        return {};
      })
      .then((maps) => {
        this.maps = maps;
        this.schedule();
      });
    this.aim();
    this.profile();
    if (this.state.cmp) this.comparison.start(this.state.cmp);
    if (this.plane.notes.length) page.write();
  }

  toolbar() {
    const { state } = this;
    this.mapChoice = select(
      "Colours",
      MAPS.map((name) => [name, name]),
      state.cm,
      (value) => this.option("cm", value),
    );
    this.scaleChoice = select("Scale", SCALES, state.sc, (value) => this.option("sc", value));
    const complex = /complex|c8|c16/.test(this.ds.dtype);
    return h(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Picture" },
      this.mapChoice,
      this.scaleChoice,
      complex
        ? select(
            "Part",
            [
              ["abs", "Magnitude"],
              ["phase", "Phase"],
              ["re", "Real"],
              ["im", "Imaginary"],
            ],
            state.part || "abs",
            (value) => this.option("part", value),
          )
        : null,
      this.ds.fields.length
        ? select(
            "Field",
            this.ds.fields.map((field) => [field.name, field.name]),
            state.field,
            (value) => this.option("field", value),
          )
        : null,
      button("invert", "Invert colours", () => this.option("inv", state.inv ? "" : "1"), "i"),
      button("auto", "Autoscale", () => this.autoscale(), "a"),
      h("span", { class: "gap" }),
      button("minus", "Zoom out", () => this.zoom(1.5), "-"),
      button("plus", "Zoom in", () => this.zoom(1 / 1.5), "+"),
      button("fit", "Fit", () => this.fit(), "0"),
      h(
        "button",
        { type: "button", class: "tool bare", title: "One item a pixel (1:1)", onclick: () => this.oneToOne() },
        "1:1",
      ),
      button("profile", "Profiles through a point", () => this.option("prof", state.prof ? "" : "1"), "p"),
      button("swap", "Swap the axes", () => this.slicer.setAxis("x", this.plane.y), "x"),
      this.comparison.button(),
      button("sum", "Statistics and histogram", () => this.statsTable(), "s"),
      tableButton(() => this.asTable()),
      button("full", "Full screen", () => this.page.fullScreen(), "f"),
    );
  }

  /* ---- panes ---- */

  makePanes() {
    this.panes?.forEach((pane) => pane.close());
    this.panes = [this.ds.path, ...this.comparison.labels].map((label) => new Pane(this, label));
    this.stage.replaceChildren(...this.panes.map((pane) => pane.box));
    this.stage.classList.toggle("several", this.panes.length > 1);
    for (const pane of this.panes) this.pointer.listen(pane.canvas);
  }

  /* Look at the plane of the state. */
  aim() {
    const a = new Plane(this.ds, this.plane, { ...this.state, field: this.state.field || this.ds.fields[0]?.name });
    const size = `${a.rows},${a.columns}`;
    this.panes[0].aim(a);
    this.comparison.beside(a).forEach((source, i) => this.panes[i + 1]?.aim(source));
    if (size !== this.size) {
      this.size = size;
      this.window = null;
    }
    if (!this.window) this.initialWindow();
    this.schedule();
  }

  initialWindow() {
    const box = this.state.box.split(",").map(Number);
    this.fitWindow();
    if (box.length !== 4 || !box.every(Number.isFinite) || box[1] <= box[0] || box[3] <= box[2]) return;
    this.window = this.shaped({ x0: box[0], x1: box[1], y0: box[2], y1: box[3] });
    this.fitted = false;
  }

  /* ---- the window ---- */

  get source() {
    return this.panes[0].target;
  }

  resize() {
    for (const { canvas } of this.panes) {
      const width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
      const height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
      if (canvas.width === width && canvas.height === height) continue;
      canvas.width = width;
      canvas.height = height;
    }
    if (this.window && this.fitted) this.fitWindow();
    else if (this.window) this.window = this.shaped(this.window);
    if (this.source) this.schedule();
  }

  /* Items are square unless that would leave a sliver. */
  stretched() {
    const ratio = this.source.columns / this.source.rows;
    return ratio > 6 || ratio < 1 / 6;
  }

  shaped({ x0, x1, y0, y1 }) {
    if (this.stretched()) return { x0, x1, y0, y1 };
    const { width, height } = this.panes[0].canvas;
    const scale = Math.max((x1 - x0) / width, (y1 - y0) / height);
    const mx = (x0 + x1) / 2;
    const my = (y0 + y1) / 2;
    return {
      x0: mx - (scale * width) / 2,
      x1: mx + (scale * width) / 2,
      y0: my - (scale * height) / 2,
      y1: my + (scale * height) / 2,
    };
  }

  fitWindow() {
    this.window = this.shaped({
      x0: 0,
      x1: Math.max(this.source.columns, 1),
      y0: 0,
      y1: Math.max(this.source.rows, 1),
    });
    this.fitted = true;
  }

  fit() {
    this.fitWindow();
    this.moved();
  }

  oneToOne() {
    const { width, height } = this.panes[0].canvas;
    const { x0, x1, y0, y1 } = this.window;
    const mx = Math.round((x0 + x1) / 2);
    const my = Math.round((y0 + y1) / 2);
    this.window = {
      x0: mx - Math.floor(width / 2),
      x1: mx + Math.ceil(width / 2),
      y0: my - Math.floor(height / 2),
      y1: my + Math.ceil(height / 2),
    };
    this.moved();
  }

  zoom(factor, at) {
    const { x0, x1, y0, y1 } = this.window;
    const mx = at?.x ?? (x0 + x1) / 2;
    const my = at?.y ?? (y0 + y1) / 2;
    const least = 4;
    const most = 4 * Math.max(this.source.rows, this.source.columns, 8);
    if (
      (factor < 1 && Math.min(x1 - x0, y1 - y0) * factor < least) ||
      (factor > 1 && Math.max(x1 - x0, y1 - y0) * factor > most)
    )
      return;
    this.window = {
      x0: mx - (mx - x0) * factor,
      x1: mx + (x1 - mx) * factor,
      y0: my - (my - y0) * factor,
      y1: my + (y1 - my) * factor,
    };
    this.moved();
  }

  pan(dx, dy) {
    const { x0, x1, y0, y1 } = this.window;
    const w = x1 - x0;
    const hh = y1 - y0;
    const left = clamp(x0 + dx, -w * 0.9, this.source.columns - w * 0.1);
    const top = clamp(y0 + dy, -hh * 0.9, this.source.rows - hh * 0.1);
    this.window = { x0: left, x1: left + w, y0: top, y1: top + hh };
    this.moved();
  }

  moved() {
    const { x0, x1, y0, y1 } = this.window;
    const fit = this.shaped({ x0: 0, x1: this.source.columns, y0: 0, y1: this.source.rows });
    this.fitted = Math.abs(fit.x0 - x0) < 0.5 && Math.abs(fit.x1 - x1) < 0.5 && Math.abs(fit.y0 - y0) < 0.5;
    this.state.box = this.fitted
      ? ""
      : [x0, x1, y0, y1].map((value) => +value.toFixed(x1 - x0 < 50 ? 2 : 0)).join(",");
    this.page.write();
    this.schedule();
  }

  /* ---- pointer and readout ---- */

  frameBox(box) {
    this.window = this.shaped(box);
    this.moved();
  }
  pin(at) {
    this.pinned = at;
    this.profile();
  }
  hover(at) {
    this.cursor = at;
    if (at) this.tell();
    else this.say(null);
  }

  tell = throttle(() => this.say(this.cursor), 40);
  exact = debounce(async (cursor) => {
    const source = this.panes[0].target;
    if (!cursor || !this.inside(cursor) || source.common.field) return;
    try {
      const value = await json(
        `/api/fetch/${encode(this.ds.path)}${query({ slice_: source.slice(cursor.row, cursor.column), format: "json", v: this.ds.etag })}`,
      );
      if (cursor === this.cursor && typeof value === "number")
        this.readout.textContent = this.words(cursor, number(value, 9));
    } catch {
      /* the texel's value stays */
    }
  }, 250);

  inside({ row, column }) {
    return row >= 0 && column >= 0 && row < this.source.rows && column < this.source.columns;
  }
  words({ row, column }, value) {
    return `[${this.source.slice(row, column)}] = ${value}`;
  }

  say(cursor) {
    if (!cursor || !this.inside(cursor)) {
      this.readout.textContent = " ";
      return;
    }
    const found = this.panes.map((pane) => pane.value(cursor.row, cursor.column));
    const values = found.map((one) => (one ? `${one.exact ? "" : "≈ "}${number(one.value, 9)}` : "…"));
    this.readout.textContent = this.words(cursor, values.join(" | "));
    if (found[0] && !found[0].exact && this.panes.length === 1) this.exact(cursor);
  }

  /* ---- colours ---- */

  autoscale() {
    const { state } = this;
    const manual = state.lo !== "" || state.hi !== "";
    state.lo = state.hi = "";
    if (!manual) state.auto = state.auto ? "" : "robust";
    toast(
      state.auto ? "Colours from the 1st to the 99th percentile" : "Colours from the least to the greatest",
      "",
      [],
      2,
    );
    this.option("auto", state.auto);
  }

  setRange(lo, hi, final) {
    this.state.lo = String(+lo.toPrecision(7));
    this.state.hi = String(+hi.toPrecision(7));
    this.page.write(final);
    this.schedule();
  }

  rangeOf(stats) {
    const { state } = this;
    const robust = state.auto === "robust" && stats;
    const value = (text, auto) => (text !== "" && Number.isFinite(Number(text)) ? Number(text) : auto);
    let lo = value(state.lo, robust ? stats.p1 : (stats?.min ?? 0));
    let hi = value(state.hi, robust ? stats.p99 : (stats?.max ?? 1));
    if (state.sc === "log" && state.lo === "" && stats?.min_positive > 0) lo = Math.max(lo, stats.min_positive);
    if (lo > hi) [lo, hi] = [hi, lo];
    return { lo, hi };
  }

  /* Statistics of what is shown: from the tiles when all are here, else asked for. */
  statistics(source) {
    const ready = this.stats.get(source.key);
    if (ready && !ready.asked) return ready;
    const here = statsHere(source);
    if (here) {
      this.stats.set(source.key, here);
      return here;
    }
    if (!ready && source.statsUrl && this.panes[0].ready(source)) {
      this.stats.set(source.key, { asked: true });
      json(source.statsUrl()).then(
        (stats) => {
          this.stats.set(source.key, stats);
          this.schedule();
        },
        () => this.stats.delete(source.key),
      );
    }
    const tiles = this.panes[0]
      .tiles(source)
      .map(({ z, x, y }) => source.get(z, x, y))
      .filter(Boolean);
    return this.last || (tiles.length ? statsOf(tiles) : null);
  }

  colours() {
    const { state } = this;
    const shown = this.panes[0].shown || this.source;
    const stats = this.statistics(shown);
    if (stats && !stats.asked) this.last = this.stats.get(shown.key)?.asked ? this.last : stats;
    this.bar.box.classList.toggle("unknown", !stats && !this.last);
    const range = this.rangeOf(stats);
    const key = JSON.stringify([state.cm, state.sc, state.inv, range]);
    if (key !== this.colourKey) {
      this.colourKey = key;
      this.made = {
        key,
        of: scaler(state.sc, range),
        lut: table(this.maps[state.cm] || this.maps.viridis || GREY, state.inv),
      };
    }
    if (key !== this.barKey || stats !== this.barStats) {
      this.barKey = key;
      this.barStats = stats;
      this.bar.show(range, stats, this.made);
    }
    return this.made;
  }

  /* A difference has nought in the middle. */
  differenceColours(pane) {
    const tiles = pane
      .tiles(pane.target)
      .map(({ z, x, y }) => pane.target.get(z, x, y))
      .filter(Boolean);
    const stats = statsOf(tiles);
    const most = Math.max(Math.abs(stats.min ?? 0), Math.abs(stats.max ?? 0)) || 1;
    const range = { lo: -most, hi: most };
    pane.caption.textContent = `difference, ±${number(most)}`;
    return { key: `difference${most}`, of: scaler("linear", range), lut: table(this.maps.rdbu || GREY, false) };
  }

  /* ---- drawing ---- */

  schedule() {
    if (this.frame || this.closed) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    if (!this.maps || !this.window) return;
    if (!this.source.rows || !this.source.columns) {
      this.stage.replaceChildren(h("p", { class: "empty" }, "0 elements"));
      this.bar.box.hidden = true;
      return;
    }
    this.panes.forEach((pane) => pane.want());
    this.panes[0].draw(this.colours());
    const colours = this.colours(); // what became complete just now may have another range
    this.panes.forEach((pane, i) => {
      if (pane.target) pane.draw(i === 2 ? this.differenceColours(pane) : colours);
    });
    if (this.comparison.other?.fixed) this.panes[0].caption.textContent = `[${this.source.at}]`;
    const pane = this.panes[0];
    const failed = this.panes.find((one) => one.failed)?.failed;
    if (failed) this.fail(failed);
    else this.problem.hidden = true;
    this.badge.hidden = !pane.tiles(this.source).some(({ z, x, y }) => this.source.get(z, x, y)?.approx);
    const text = `Heat map of ${this.ds.path} [${this.source.at}], ${this.source.rows} rows by ${this.source.columns} columns, colours from ${number(this.bar.range?.lo)} to ${number(this.bar.range?.hi)}`;
    if (pane.canvas.getAttribute("aria-label") !== text) pane.canvas.setAttribute("aria-label", text);
    pane.canvas.dataset.drawn = pane.shown === this.source ? this.source.at : "";
    if (pane.shown === this.source && !pane.flights.size) this.ahead();
  }

  /* The next slice in the direction of travel is likely to be asked for. */
  ahead() {
    const axis = this.slicer.active;
    const by = this.direction;
    if (!by || axis < 0 || this.fetched === this.source.key) return;
    this.fetched = this.source.key;
    const index = [...this.plane.index];
    index[axis] = clamp(index[axis] + by, 0, this.ds.shape[axis] - 1);
    const next = new Plane(
      this.ds,
      { ...this.plane, index },
      { ...this.state, field: this.state.field || this.ds.fields[0]?.name },
    );
    for (const { z, x, y } of this.panes[0].tiles(next).slice(0, 12)) next.load(z, x, y).catch(() => {});
  }

  fail(error) {
    if (!this.problem.hidden && this.told.message === error.message) return; // a button pressed must stay where it is
    this.told = error;
    this.problem.hidden = false;
    this.problem.replaceChildren(
      errorCard(error, () => {
        this.panes.forEach((pane) => {
          pane.failed = null;
        });
        this.problem.hidden = true;
        this.schedule();
      }),
    );
  }

  /** Esc: what is on its way is not wanted any more. */
  cancel() {
    const waiting = this.panes.filter((pane) => pane.flights.size);
    for (const pane of waiting) {
      pane.failed = new Error("stopped before all of it was here");
      pane.close();
    }
    this.schedule();
    return waiting.length > 0;
  }

  /* ---- other looks ---- */

  /* The numbers in sight, in the grid. */
  asTable() {
    const { x0, y0 } = this.window;
    const { state } = this;
    state.row = y0 > 0 ? String(Math.floor(y0)) : "";
    state.col = x0 > 0 ? String(Math.floor(x0)) : "";
    this.page.show("table");
  }

  statsTable() {
    statsPanel(`Statistics of [${this.source.at}]`, this.source.statsUrl());
  }

  profile() {
    const at = this.pinned || { row: Math.floor(this.source.rows / 2), column: Math.floor(this.source.columns / 2) };
    if (!this.state.prof) this.profiles.hide();
    else if (this.inside(at)) this.profiles.show(this.source, at);
  }

  /* ---- changes ---- */

  sliced(final, axes) {
    const before = this.at;
    this.state.x = this.plane.x === this.ds.shape.length - 1 ? "" : String(this.plane.x);
    this.state.y = String(this.plane.y);
    if (plane({ ...this.state, y: "" }, this.ds.shape, true).y === this.plane.y) this.state.y = "";
    this.state.s = sliceOf(this.plane);
    if (axes) this.state.box = "";
    this.at = this.plane.index[this.slicer.active];
    this.direction = this.at > before ? 1 : this.at < before ? -1 : this.direction || 1;
    this.page.write(axes);
    this.aim();
    if (final) this.profile();
  }

  option(name, value, step = true) {
    this.state[name] = value;
    if (name === "cm") this.mapChoice.querySelector("select").value = value;
    if (name === "sc") this.scaleChoice.querySelector("select").value = value;
    if (name === "prof") this.profile();
    this.page.write(step);
    this.aim();
  }

  next(name, list) {
    this.option(name, list[(list.indexOf(this.state[name]) + 1) % list.length]);
  }

  /** The dataset has another generation; follow: the axis that grew stays at its end. */
  refresh(follow) {
    this.plane = Object.assign(this.slicer.plane, {
      index: this.plane.index.map((at, i) => clamp(at, 0, this.ds.shape[i] - 1)),
    });
    this.slicer.shape = this.ds.shape;
    const axis = this.slicer.free()[0];
    if (follow && axis !== undefined) this.plane.index[axis] = this.ds.shape[axis] - 1;
    this.slicer.build();
    this.state.s = sliceOf(this.plane);
    this.page.write();
    this.aim();
  }

  key(event) {
    const {
      window: { x0, x1, y0, y1 },
    } = this;
    const far = event.shiftKey ? 10 : 1;
    const focus = event.target.closest?.("canvas.heat");
    const act = {
      "[": () => this.slicer.step(-1),
      "]": () => this.slicer.step(1),
      "{": () => this.slicer.nextAxis(-1),
      "}": () => this.slicer.nextAxis(1),
      "+": () => this.zoom(1 / 1.5),
      "=": () => this.zoom(1 / 1.5),
      "-": () => this.zoom(1.5),
      0: () => this.fit(),
      l: () =>
        this.next(
          "sc",
          SCALES.map(([name]) => name),
        ),
      c: () => this.next("cm", MAPS),
      a: () => this.autoscale(),
      i: () => this.option("inv", this.state.inv ? "" : "1"),
      p: () => this.option("prof", this.state.prof ? "" : "1"),
      x: () => this.slicer.setAxis("x", this.plane.y),
      m: () => this.comparison.ask(),
      s: () => this.statsTable(),
    }[event.key];
    if (act) {
      act();
      return true;
    }
    if (event.key === "PageUp" || event.key === "PageDown") {
      this.slicer.step(event.key === "PageUp" ? -10 : 10);
      return true;
    }
    if (event.key === " " && !event.target.closest?.("button, a, input, select")) {
      this.slicer.play();
      return true;
    }
    if (event.key === "Enter" && focus) {
      this.pin({ row: Math.floor((y0 + y1) / 2), column: Math.floor((x0 + x1) / 2) });
      if (!this.state.prof) this.option("prof", "1");
      return true;
    }
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!arrow || !(focus || event.target === document.body || event.target.id === "main")) return false;
    this.pan((arrow[0] * far * (x1 - x0)) / 20, (arrow[1] * far * (y1 - y0)) / 20);
    this.cursor = {
      row: Math.floor((this.window.y0 + this.window.y1) / 2),
      column: Math.floor((this.window.x0 + this.window.x1) / 2),
    };
    this.say(this.cursor);
    return true;
  }

  keys() {
    return [
      [
        "Picture",
        [
          ["[ ]", "slice back, forward on the marked axis"],
          ["PgUp PgDn", "ten slices"],
          ["{ }", "mark another axis"],
          ["Space", "play"],
          ["+ - 0", "zoom in, out, fit"],
          ["← → ↑ ↓", "pan (Shift: far)"],
          ["c l i a", "colours, scale, invert, autoscale"],
          ["p", "profiles"],
          ["Enter", "profiles through the middle"],
          ["x", "swap axes"],
          ["m", "compare"],
          ["s", "statistics"],
          ["Shift-drag", "zoom into a box"],
        ],
      ],
    ];
  }

  slice() {
    return sliceOf(this.plane, true);
  }
  picture() {
    return {
      cmap: (this.state.inv ? "-" : "") + this.state.cm,
      scale: this.state.sc,
      lo: this.state.lo,
      hi: this.state.hi,
      part: this.state.part,
      agg: this.state.agg,
      axes: this.plane.x < this.plane.y ? `${this.plane.x},${this.plane.y}` : null,
    };
  }

  close() {
    this.closed = true;
    this.slicer.close();
    this.watch.disconnect();
    document.removeEventListener("theme", this.onTheme);
    this.panes.forEach((pane) => pane.close());
  }
}
