// SPDX-License-Identifier: BSD-3-Clause
// A table, or a plane of an array as numbers. Sort, filter and fields are the server's work and the address's.
import { Cache, encode, json, query } from "./api.js";
import { SPECIAL, dressed, unitsOf } from "./cells.js";
import { Grid } from "./grid.js";
import { Slicer } from "./slicer.js";
import { sliceOf } from "./state.js";
import { filterError, tableHeads, tableTools } from "./tabletools.js";
import { clamp, errorCard, h } from "./ui.js";
import { View } from "./view.js";

const WINDOW = 100; // rows
const WINDOWS = 60; // kept
const COLUMNS = 60; // of a plane at a time
const KEYS = [
  ["← → ↑ ↓", "move in the grid"],
  ["PgUp PgDn", "a screen of rows"],
  ["Ctrl-Home Ctrl-End", "first, last row"],
  ["g", "go to a row"],
  ["[ ]", "slice back, forward"],
  ["Ctrl-C", "copy the cell"],
  ["s", "statistics of a column"],
];

/* How many rows there are, and in which units. */
function countText({ total, nrows }, units) {
  const all = nrows.toLocaleString("en");
  const found = total === nrows ? `${all} rows` : `${total.toLocaleString("en")} of ${all} rows`;
  return found + (units ? `, in ${units}` : "");
}

/* The rows that are here: windows of a hundred, asked for when in sight, given up when out of it. */
class Rows {
  /** url(from, to) of a window; taken(page) and failed(error) when it came or did not. */
  constructor(url, taken, failed) {
    Object.assign(this, { url, taken, failed, waiting: new Map() });
  }

  /** Another order, filter or dataset: what is here or on its way is of another table. */
  restart(row) {
    this.stop();
    this.cache = new Cache(WINDOWS);
    this.window(Math.floor(row / WINDOW));
  }

  /** {cells, label, special: of columns} of a row; undefined until it is here. */
  get(row) {
    const page = this.cache.get(Math.floor(row / WINDOW));
    const i = row - (page?.first ?? 0);
    if (!page?.rows[i]) return undefined;
    return {
      cells: page.rows[i],
      label: page.index?.length ? page.index[i] : row,
      special: (column) => page.special.get(`${i},${column}`),
    };
  }

  /** Rows from, up to to, are in sight. */
  want(from, to) {
    const first = Math.floor(from / WINDOW);
    const last = Math.floor((to - 1) / WINDOW);
    for (let n = first; n <= last; n++) this.window(n);
    for (const [n, control] of this.waiting)
      if (n < first - 1 || n > last + 1) {
        control.abort();
        this.waiting.delete(n);
      }
  }

  async window(n) {
    if (this.cache.get(n) || this.waiting.has(n)) return;
    const control = new AbortController();
    this.waiting.set(n, control);
    try {
      const page = await json(this.url(n * WINDOW, (n + 1) * WINDOW), { signal: control.signal });
      if (control.signal.aborted) return;
      const special = page.special.map(([row, column, what]) => [`${row},${column}`, SPECIAL[what] || what]);
      this.cache.set(n, { ...page, special: new Map(special) }, 1);
      this.waiting.delete(n);
      this.taken(page);
    } catch (error) {
      if (control.signal.aborted) return;
      this.waiting.delete(n);
      this.failed(error);
    }
  }

  /** What is on its way is not wanted any more; false when nothing was. */
  stop() {
    const any = this.waiting.size > 0;
    for (const control of this.waiting.values()) control.abort();
    this.waiting.clear();
    return any;
  }
}

export class TableView extends View {
  constructor(page, box) {
    super(page, box);
    this.matrix = this.ds.shape.length > 1;
    this.slicer = new Slicer(this, (final, axes) => this.sliced(axes), { two: this.matrix, quiet: !this.matrix });
    this.plane = this.slicer.plane;
    this.rows = new Rows(
      (from, to) => this.url(from, to),
      (rows) => this.taken(rows),
      (error) => this.fail(error),
    );
    this.grid = new Grid(`Values of ${this.ds.path}`, this.rows, {
      heads: (columns) => tableHeads(this, columns, this.matrix && this.ncols > COLUMNS),
      moved: () => this.moved(),
    });
    this.grid.first = Math.max(0, Math.floor(Number(this.state.row)) || 0);
    const last = this.matrix ? Math.max(0, this.ds.shape[this.plane.x] - COLUMNS) : 0;
    this.column0 = clamp(Math.floor(Number(this.state.col) || 0), 0, last);
    this.problem = h("div", { class: "problem", hidden: true });
    this.whereError = h("p", { class: "whereerror", role: "alert", hidden: true });
    this.count = h("output", { class: "readout", "aria-live": "polite" }, " ");
    this.frame = h("div", { class: "frame table" }, this.grid.box, this.problem);
    box.replaceChildren(
      tableTools(this),
      ...(this.matrix ? [this.slicer.box] : []),
      this.whereError,
      this.frame,
      h("div", { class: "under" }, this.count, this.grid.full),
    );
    this.start();
    if (page.main.querySelector("#attrs tr")) this.learn(); // else nothing says what the numbers mean
  }

  url(from, to) {
    const { state, plane, column0 } = this;
    const part = this.matrix
      ? { axes: `${plane.x},${plane.y}`, at: sliceOf(plane, true), cols: `${column0}:${column0 + COLUMNS}` }
      : { fields: state.f, sort: state.sort, where: state.where };
    return `/api/table/${encode(this.ds.path)}${query({ rows: `${from}:${to}`, ...part, v: this.ds.etag })}`;
  }

  /* ---- what the columns mean ---- */

  async learn() {
    try {
      const { meaningOf } = await import("./columns.js");
      this.told = await meaningOf(this.ds, this.signal);
      if (!this.known) return;
      this.grid.mean(this.columns(this.grid.columns));
      this.tell();
    } catch {
      /* the numbers alone, then */
    }
  }

  columns(columns) {
    return dressed(columns, this.told, this);
  }

  async statistics() {
    (await import("./columns.js")).askStatistics(this);
  }

  /* ---- what comes ---- */

  start() {
    this.known = false;
    clearTimeout(this.slow);
    this.slow = setTimeout(() => {
      if (!this.known && this.whereError.hidden && this.problem.hidden) this.frame.classList.add("busy");
    }, 150);
    this.grid.wait();
    this.rows.restart(this.grid.first);
  }

  taken({ total, columns, ncols, nrows }) {
    this.problem.hidden = true;
    this.whereError.hidden = true;
    this.frame.classList.remove("busy");
    if (this.known) {
      this.grid.render();
      return;
    }
    this.known = true;
    this.ncols = ncols;
    this.grid.show(total, this.columns(columns), this.state.where ? "No row matches" : "0 elements");
    this.go.max = Math.max(0, total - 1);
    this.found = { total, nrows };
    this.tell();
  }

  tell() {
    this.count.textContent = countText(this.found, this.matrix ? unitsOf(this.grid.columns[0] || {}) : "");
  }

  fail(error) {
    const position = error.body?.position;
    this.frame.classList.remove("busy");
    if (position != null || (error.status === 400 && this.state.where)) {
      this.whereError.hidden = false;
      this.whereError.replaceChildren(...filterError(error.message, this.state.where, position));
      this.where.setAttribute("aria-invalid", "true");
      return;
    }
    this.problem.hidden = false;
    this.problem.replaceChildren(
      errorCard(error, () => {
        this.problem.hidden = true;
        this.start();
      }),
    );
  }

  moved() {
    this.state.row = this.grid.first ? String(this.grid.first) : "";
    this.page.write();
  }

  /** Another order of the rows, "" as stored. */
  sortBy(list) {
    this.state.sort = list;
    this.again();
  }

  /** Other columns of a plane. */
  stepColumns(by) {
    this.column0 = clamp(this.column0 + by * COLUMNS, 0, Math.max(0, this.ncols - COLUMNS));
    this.state.col = this.column0 ? String(this.column0) : "";
    this.page.write();
    this.start();
  }

  /* ---- changes ---- */

  filter(text) {
    this.state.where = text;
    this.where.removeAttribute("aria-invalid");
    this.again();
  }

  /** Other rows, from the first. */
  again() {
    this.grid.first = 0;
    this.state.row = "";
    this.page.write(true);
    this.start();
  }

  sliced(axes) {
    this.slicer.note();
    if (axes) {
      this.grid.first = 0;
      this.column0 = 0;
    }
    this.page.write(axes);
    this.start();
  }

  /** The dataset has another generation; follow: its last row is shown. */
  refresh(follow) {
    this.slicer.reshape(this.ds.shape);
    const nrows = this.ds.shape[this.matrix ? this.plane.y : 0];
    if (follow) this.grid.first = Math.max(0, nrows - 1);
    this.page.write();
    this.start();
  }

  /** Esc: what is on its way is not wanted any more. */
  cancel() {
    if (!this.rows.stop()) return false;
    this.frame.classList.remove("busy");
    if (!this.known) this.fail(new Error("stopped before all of it was here"));
    return true;
  }

  actions() {
    return { ...this.slicer.actions(), g: () => this.go.focus(), s: () => this.statistics() };
  }
  keys() {
    return [["Table", KEYS]];
  }
  slice() {
    return this.matrix ? sliceOf(this.plane, true) : ":";
  }

  /** Which rows and fields of a table, in which order: downloads are of those. */
  picked() {
    const { sort, where, f } = this.state;
    return this.matrix ? {} : { fields: f, sort, where };
  }

  close() {
    super.close();
    clearTimeout(this.slow);
    this.rows.stop();
    this.grid.close();
  }
}
