// SPDX-License-Identifier: BSD-3-Clause
// A grid of any number of rows, of which only those in sight are elements: scrolling, the marked cell, keys.
import { cellText, columnWidth, meant, unitsOf } from "./cells.js";
import { clamp, copy, h, throttle } from "./ui.js";

const ROW = 24; // pixels
const TALLEST = 8_000_000; // pixels; browsers stop at 33 554 432
const LABEL = 84; // pixels of the first column

export class Grid {
  /** rows: where they come from; heads(columns): the cells of the head; moved(): another row is in sight first. */
  constructor(label, rows, { heads, moved }) {
    Object.assign(this, { rows, heads, first: 0, total: 0, columns: [], active: { row: 0, column: 0 } });
    this.head = h("div", { class: "thead", role: "rowgroup" });
    this.body = h("div", { class: "tbody", role: "rowgroup" });
    this.space = h("div", { class: "space" }, this.body);
    const how = { class: "grid", role: "grid", tabindex: "0", "aria-label": label, "aria-multiselectable": "false" };
    this.box = h("div", how, this.head, this.space);
    this.full = h("output", { class: "readout" }, " ");
    this.remember = throttle(moved, 250);
    this.box.addEventListener("scroll", () => this.scrolled());
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("click", (event) => this.clicked(event));
    this.box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.watch = new ResizeObserver(() => this.render());
    this.watch.observe(this.box);
  }

  /** Another table is on its way: what is in sight stays until show(). */
  wait() {
    this.waiting = true;
  }

  /** Another table: this many rows, these columns; note stands in place of none. */
  show(total, columns, note) {
    Object.assign(this, { total, columns, waiting: false });
    const tall = total * ROW;
    this.scale = Math.max(1, tall / TALLEST);
    this.space.style.height = `${Math.min(tall, TALLEST)}px`;
    this.drawHead();
    this.box.setAttribute("aria-rowcount", total + 1);
    this.box.setAttribute("aria-colcount", columns.length + 1);
    this.goTo(Math.min(this.first, Math.max(0, total - 1)), false);
    if (!total)
      this.body.replaceChildren(h("div", { class: "empty", role: "row" }, h("div", { role: "gridcell" }, note)));
  }

  /** The same columns: what they mean is known now. */
  mean(columns) {
    this.columns = columns;
    this.drawHead();
    this.render();
  }

  /** Numbers of the first and last row in sight. */
  labels() {
    const last = Math.min(this.first + this.inSight, this.total) - 1;
    return [this.first, Math.max(last, 0)].map((row) => this.rows.get(row)?.label ?? row);
  }

  drawHead() {
    const widths = this.columns.map(columnWidth);
    this.box.style.setProperty("--columns", `${LABEL}px ${widths.map((width) => `${width}px`).join(" ")}`);
    this.box.style.setProperty("--wide", `${LABEL + widths.reduce((sum, width) => sum + width, 0)}px`);
    this.head.replaceChildren(h("div", { class: "tr", role: "row", "aria-rowindex": 1 }, this.heads(this.columns)));
  }

  /* ---- what is in sight ---- */

  get inSight() {
    return Math.max(1, Math.floor((this.box.clientHeight - this.head.offsetHeight) / ROW));
  }

  goTo(row, note = true) {
    this.first = clamp(Math.round(row), 0, Math.max(0, this.total - this.inSight));
    const top = (this.first * ROW) / this.scale;
    this.silent = Math.abs(this.box.scrollTop - top) >= 1;
    this.box.scrollTop = top;
    if (note) this.remember();
    this.render();
  }

  /* Above the tallest, a pixel of the bar is many rows: the wheel goes by rows. */
  wheel(event) {
    if (!(this.scale > 1) || event.ctrlKey) return;
    event.preventDefault();
    this.goTo(this.first + Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / ROW)));
  }

  scrolled() {
    if (this.silent) {
      this.silent = false;
      return;
    }
    const first = (this.box.scrollTop * this.scale) / ROW;
    const most = this.space.offsetHeight - (this.box.clientHeight - this.head.offsetHeight);
    const atEnd = this.box.scrollTop >= most - 1 && most > 0;
    this.first = atEnd
      ? Math.max(0, this.total - this.inSight)
      : clamp(Math.round(first), 0, Math.max(0, this.total - 1));
    this.remember();
    this.render();
  }

  render() {
    if (this.waiting || !this.total) return;
    const from = Math.max(0, this.first - 4);
    const to = Math.min(this.total, this.first + this.inSight + 8);
    this.rows.want(from, to);
    this.body.style.transform = `translateY(${this.box.scrollTop - (this.first - from) * ROW}px)`;
    this.body.replaceChildren(...Array.from({ length: to - from }, (_, i) => this.row(from + i)));
  }

  row(n) {
    const row = this.rows.get(n);
    return h(
      "div",
      { class: row ? "tr" : "tr wait", role: "row", "aria-rowindex": n + 2 },
      h("div", { class: "th", role: "rowheader" }, String(row?.label ?? n)),
      this.columns.map((column, i) => this.cell(n, i, column, row)),
    );
  }

  cell(n, column, what, row) {
    const special = row?.special(column);
    const active = this.active.row === n && this.active.column === column;
    return h(
      "div",
      {
        class: `td ${what.names ? "text" : what.kind}${special ? " special" : ""}${active ? " active" : ""}`,
        role: "gridcell",
        "aria-colindex": column + 2,
        id: active ? "cell" : null,
        "data-r": n,
        "data-c": column,
      },
      special || (row ? cellText(row.cells[column], what) : "…"),
    );
  }

  /* ---- the marked cell ---- */

  clicked(event) {
    const cell = event.target.closest(".td");
    if (cell) this.mark(+cell.dataset.r, +cell.dataset.c);
  }

  mark(toRow, toColumn) {
    const row = clamp(toRow, 0, Math.max(0, this.total - 1));
    const column = clamp(toColumn, 0, Math.max(0, this.columns.length - 1));
    this.active = { row, column };
    const found = this.rows.get(row);
    const value = found?.cells[column];
    const stored = typeof value === "object" ? JSON.stringify(value) : value;
    const what = this.columns[column] || {};
    const said = found && meant(value, what);
    this.value = found?.special(column) || (said ?? stored);
    const more = said == null ? ` ${unitsOf(what)}` : ` (stored: ${stored})`;
    this.full.textContent = found ? `${what.name}[${found.label}] = ${this.value}${more}`.trimEnd() : " ";
    this.box.setAttribute("aria-activedescendant", "cell");
    if (row < this.first) this.goTo(row);
    else if (row >= this.first + this.inSight) this.goTo(row - this.inSight + 1);
    else this.render();
    document.getElementById("cell")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  onKey(event) {
    if (event.target !== this.box) return;
    const far = this.inSight;
    const { row, column } = this.active;
    if (event.key === "c" && event.ctrlKey && !String(getSelection())) {
      copy(String(this.value ?? ""), "Cell");
      return;
    }
    const to = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + far, column],
      PageUp: [row - far, column],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? this.total - 1 : row, this.columns.length - 1],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    this.mark(...to);
  }

  /** What is in sight, with tabs between. */
  get text() {
    const rows = [...this.box.querySelectorAll("[role=row]")];
    return rows.map((row) => [...row.children].map((cell) => cell.textContent.trim()).join("\t")).join("\n");
  }

  close() {
    this.remember.cancel();
    this.watch.disconnect();
  }
}
