// SPDX-License-Identifier: BSD-3-Clause
// Rows of any number: only those in sight exist. Sort, filter and fields are the server's work and the address's.
import { Cache, encode, json, query } from "./api.js";
import { Slicer } from "./slicer.js";
import { plane, sliceOf } from "./state.js";
import { button, clamp, copy, errorCard, h, number, panel, throttle } from "./ui.js";

const ROW = 24;
const WINDOW = 100;
const TALLEST = 8_000_000;
const COLUMNS = 60; // browsers stop at 33 554 432 pixels; 60 columns of a plane at a time
const SPECIAL = { nan: "NaN", inf: "∞", "-inf": "−∞", nat: "NaT" };

/** A cell as text: integers plain, six digits of reals, a+bi, text as text. */
export function cellText(value, kind) {
  if (value == null) return "";
  if (kind === "complex" && value.length === 2)
    return `${number(value[0])}${value[1] < 0 ? "−" : "+"}${number(Math.abs(value[1] ?? 0))}i`;
  if (Array.isArray(value)) return `[${value.map((one) => cellText(one, kind)).join(", ")}]`;
  if (kind === "float") return number(value);
  if (kind === "bool") return value ? "true" : "false";
  if (kind === "time") return String(value).replace("T", " ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export class TableView {
  constructor(page, box) {
    Object.assign(this, {
      page,
      ds: page.ds,
      state: page.state,
      first: 0,
      total: 0,
      column0: 0,
      cache: new Cache(60),
      waiting: new Map(),
      active: { row: 0, column: 0 },
    });
    this.matrix = this.ds.shape.length > 1;
    this.plane = plane(this.state, this.ds.shape, this.matrix);
    if (this.matrix) page.notices(this.plane.notes);
    this.slicer = new Slicer(this.ds.shape, this.plane, {
      two: this.matrix,
      change: (final, axes) => this.sliced(axes),
      stride: Number(this.state.st),
      strides: (value) => {
        this.state.st = String(value);
        page.write(true);
      },
    });
    this.head = h("div", { class: "thead", role: "rowgroup" });
    this.body = h("div", { class: "tbody", role: "rowgroup" });
    this.space = h("div", { class: "space" }, this.body);
    this.grid = h(
      "div",
      {
        class: "grid",
        role: "grid",
        tabindex: "0",
        "aria-label": `Values of ${this.ds.path}`,
        "aria-multiselectable": "false",
      },
      this.head,
      this.space,
    );
    this.problem = h("div", { class: "problem", hidden: true });
    this.count = h("output", { class: "readout", "aria-live": "polite" }, " ");
    this.full = h("output", { class: "readout" }, " ");
    const tools = this.toolbar();
    box.replaceChildren(
      tools,
      ...(this.matrix ? [this.slicer.box] : []),
      this.whereError,
      h("div", { class: "frame table" }, this.grid, this.problem),
      h("div", { class: "under" }, this.count, this.full),
    );
    this.grid.addEventListener("scroll", () => this.scrolled());
    this.grid.addEventListener("keydown", (event) => this.onKey(event));
    this.grid.addEventListener("click", (event) => this.clicked(event));
    this.grid.addEventListener(
      "wheel",
      (event) => {
        if (this.scale > 1 && !event.ctrlKey) {
          event.preventDefault();
          this.goTo(this.first + Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / ROW)));
        }
      },
      { passive: false },
    );
    this.watch = new ResizeObserver(() => this.render());
    this.watch.observe(this.grid);
    this.remember = throttle(() => {
      this.state.row = this.first ? String(this.first) : "";
      page.write();
    }, 250);
    this.first = Math.max(0, Math.floor(Number(this.state.row)) || 0);
    if (this.matrix)
      this.column0 = clamp(
        Math.floor(Number(this.state.col) || 0),
        0,
        Math.max(0, this.ds.shape[this.plane.x] - COLUMNS),
      );
    this.start();
  }

  toolbar() {
    const table = !this.matrix;
    this.whereError = h("p", { class: "whereerror", role: "alert", hidden: true });
    this.where = h("input", {
      type: "text",
      id: "where",
      value: this.state.where,
      placeholder: this.ds.fields.length ? `e.g. ${this.ds.fields[0].name} > 10 & …` : "value > 10",
      spellcheck: "false",
      autocomplete: "off",
    });
    this.go = h("input", { type: "number", id: "row", min: 0, value: this.state.row || 0 });
    return h(
      "div",
      { class: "toolbar", role: "group", "aria-label": "Table" },
      table
        ? h(
            "form",
            {
              class: "pair where",
              onsubmit: (event) => {
                event.preventDefault();
                this.filter(this.where.value.trim());
              },
            },
            h("label", { for: "where" }, "Where"),
            this.where,
            h("button", {}, "Filter"),
            h(
              "button",
              {
                type: "button",
                class: "bare",
                onclick: () => {
                  this.where.value = "";
                  this.filter("");
                },
              },
              "Clear",
            ),
          )
        : null,
      h(
        "form",
        {
          class: "pair",
          onsubmit: (event) => {
            event.preventDefault();
            this.goTo(Number(this.go.value) || 0);
          },
        },
        h("label", { for: "row" }, "Row"),
        this.go,
        h("button", {}, "Go"),
      ),
      table && this.ds.fields.length
        ? h("button", { type: "button", class: "tool", onclick: () => this.fieldMenu() }, "Fields")
        : null,
      h("span", { class: "gap" }),
      button("copy", "Copy what is shown (TSV)", () => this.copyShown()),
      button("full", "Full screen", () => this.page.fullScreen(), "f"),
    );
  }

  /* ---- windows of rows ---- */

  url(window) {
    const plane2 = this.matrix
      ? {
          axes: `${this.plane.x},${this.plane.y}`,
          at: sliceOf(this.plane, true),
          cols: `${this.column0}:${this.column0 + COLUMNS}`,
        }
      : { fields: this.state.f, sort: this.state.sort, where: this.state.where };
    return `/api/table/${encode(this.ds.path)}${query({ rows: `${window * WINDOW}:${(window + 1) * WINDOW}`, ...plane2, v: this.ds.etag })}`;
  }

  window(n) {
    const ready = this.cache.get(n);
    if (ready || this.waiting.has(n)) return ready;
    const control = new AbortController();
    const generation = this.generation;
    this.waiting.set(n, control);
    json(this.url(n), { signal: control.signal })
      .then((page) => {
        if (generation !== this.generation) return;
        const special = new Map(page.special.map(([r, c, what]) => [`${r},${c}`, SPECIAL[what] || what]));
        this.cache.set(n, { ...page, special }, 1);
        this.problem.hidden = true;
        this.taken(page);
      })
      .catch((error) => {
        if (error.name !== "AbortError" && generation === this.generation) this.fail(error);
      })
      .finally(() => {
        if (this.waiting.get(n) === control) this.waiting.delete(n);
      });
    return null;
  }

  start() {
    this.generation = (this.generation || 0) + 1;
    for (const control of this.waiting.values()) control.abort();
    this.waiting.clear();
    this.cache = new Cache(60);
    this.known = false;
    clearTimeout(this.slow);
    this.slow = setTimeout(() => {
      if (!this.known && this.whereError.hidden && this.problem.hidden) this.grid.parentElement.classList.add("busy");
    }, 150);
    this.window(Math.floor(this.first / WINDOW));
  }

  taken(page) {
    const fresh = !this.known;
    this.known = true;
    this.grid.parentElement.classList.remove("busy");
    this.total = page.total;
    this.columns = page.columns;
    this.ncols = page.ncols;
    this.whereError.hidden = true;
    if (fresh) {
      this.size();
      this.drawHead();
      this.goTo(Math.min(this.first, Math.max(0, this.total - 1)), false);
      this.go.max = Math.max(0, this.total - 1);
      this.grid.setAttribute("aria-rowcount", this.total + 1);
      this.grid.setAttribute("aria-colcount", this.columns.length + 1);
      const all = page.nrows;
      this.count.textContent =
        this.total === all
          ? `${all.toLocaleString("en")} rows`
          : `${this.total.toLocaleString("en")} of ${all.toLocaleString("en")} rows`;
      if (!this.total)
        this.body.replaceChildren(
          h(
            "div",
            { class: "empty", role: "row" },
            h("div", { role: "gridcell" }, this.state.where ? "No row matches" : "0 elements"),
          ),
        );
    }
    this.render();
  }

  fail(error) {
    this.grid.parentElement.classList.remove("busy");
    const position = error.body?.position;
    if (position != null || (error.status === 400 && this.state.where)) {
      const text = this.state.where;
      this.whereError.hidden = false;
      this.whereError.replaceChildren(
        error.message,
        ...(position != null
          ? [
              h(
                "code",
                {},
                text.slice(0, position),
                h("mark", {}, text.slice(position, position + 1) || " "),
                text.slice(position + 1),
                "\n",
                " ".repeat(position) + "^",
              ),
            ]
          : []),
      );
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

  /* ---- what is in sight ---- */

  size() {
    const tall = this.total * ROW;
    this.scale = Math.max(1, tall / TALLEST);
    this.space.style.height = `${Math.min(tall, TALLEST)}px`;
  }

  rowsInSight() {
    return Math.max(1, Math.floor((this.grid.clientHeight - this.head.offsetHeight) / ROW));
  }

  goTo(row, note = true) {
    this.first = clamp(Math.round(row), 0, Math.max(0, this.total - this.rowsInSight()));
    const top = (this.first * ROW) / this.scale;
    this.silent = Math.abs(this.grid.scrollTop - top) >= 1;
    this.grid.scrollTop = top;
    if (note) this.remember();
    this.render();
  }

  scrolled() {
    if (this.silent) {
      this.silent = false;
      return;
    }
    const first = (this.grid.scrollTop * this.scale) / ROW;
    const most = this.space.offsetHeight - (this.grid.clientHeight - this.head.offsetHeight);
    this.first =
      this.grid.scrollTop >= most - 1 && most > 0
        ? Math.max(0, this.total - this.rowsInSight())
        : clamp(Math.round(first), 0, Math.max(0, this.total - 1));
    this.remember();
    this.render();
  }

  render() {
    if (!this.known || !this.total) return;
    const from = Math.max(0, this.first - 4);
    const to = Math.min(this.total, this.first + this.rowsInSight() + 8);
    for (let n = Math.floor(from / WINDOW); n <= Math.floor((to - 1) / WINDOW); n++) this.window(n);
    for (const [n, control] of this.waiting)
      if (n < Math.floor(from / WINDOW) - 1 || n > Math.floor(to / WINDOW) + 1) {
        control.abort();
        this.waiting.delete(n);
      }
    this.body.style.transform = `translateY(${this.grid.scrollTop - (this.first - from) * ROW}px)`;
    const rows = [];
    for (let r = from; r < to; r++) rows.push(this.row(r));
    this.body.replaceChildren(...rows);
  }

  row(r) {
    const page = this.cache.get(Math.floor(r / WINDOW));
    const i = page ? r - page.first : -1;
    const cells = page?.rows[i];
    const label = page?.index?.length ? page.index[i] : r;
    return h(
      "div",
      { class: cells ? "tr" : "tr wait", role: "row", "aria-rowindex": r + 2 },
      h("div", { class: "th", role: "rowheader" }, String(label ?? "")),
      this.columns.map((column, c) => {
        const special = page?.special.get(`${i},${c}`);
        const value = cells?.[c];
        const active = this.active.row === r && this.active.column === c;
        return h(
          "div",
          {
            class: `td ${column.kind}${special ? " special" : ""}${active ? " active" : ""}`,
            role: "gridcell",
            "aria-colindex": c + 2,
            id: active ? "cell" : null,
            "data-r": r,
            "data-c": c,
          },
          special || (cells ? cellText(value, column.kind) : "…"),
        );
      }),
    );
  }

  drawHead() {
    const sorts = Object.fromEntries(
      this.state.sort
        .split(",")
        .filter(Boolean)
        .map((one) => [one.replace(/^-/, ""), one[0] === "-" ? "descending" : "ascending"]),
    );
    const widths = this.columns.map(
      (column) =>
        (({ bool: 64, int: 96, float: 110, complex: 170, time: 170, text: 150 })[column.kind] || 150) *
        Math.min(column.shape?.length ? 1.6 : 1, 2),
    );
    const fits = this.columns.map((column, i) => Math.max(widths[i], column.name.length * 8 + 34));
    this.grid.style.setProperty("--columns", `84px ${fits.map((w) => `${w}px`).join(" ")}`);
    this.grid.style.setProperty("--wide", `${84 + fits.reduce((a, b) => a + b, 0)}px`);
    const more = this.matrix && this.ncols > COLUMNS;
    this.head.replaceChildren(
      h(
        "div",
        { class: "tr", role: "row", "aria-rowindex": 1 },
        h("div", { class: "th", role: "columnheader" }, more ? this.columnSteps() : "Row"),
        this.columns.map((column, c) =>
          h(
            "div",
            {
              class: "th",
              role: "columnheader",
              "aria-colindex": c + 2,
              "aria-sort": sorts[column.name] || null,
              title: column.dtype,
            },
            this.matrix
              ? column.name
              : h(
                  "button",
                  { type: "button", class: "bare", onclick: () => this.sortBy(column.name, sorts[column.name]) },
                  column.name,
                  sorts[column.name] ? (sorts[column.name] === "ascending" ? " ▲" : " ▼") : "",
                ),
          ),
        ),
      ),
    );
  }

  columnSteps() {
    const step = (by) => {
      this.column0 = clamp(this.column0 + by, 0, Math.max(0, this.ncols - COLUMNS));
      this.state.col = this.column0 ? String(this.column0) : "";
      this.page.write();
      this.start();
    };
    return h(
      "span",
      {},
      button("left", "Columns before", () => step(-COLUMNS)),
      button("right", "Columns after", () => step(COLUMNS)),
    );
  }

  /* ---- sort, filter, fields ---- */

  sortBy(name, now) {
    const quoted = /[,\s`]/.test(name) ? `\`${name}\`` : name;
    this.state.sort = now === "ascending" ? `-${quoted}` : now ? "" : quoted;
    this.again();
  }

  filter(text) {
    this.state.where = text;
    this.where.removeAttribute("aria-invalid");
    this.again();
  }

  again() {
    this.first = 0;
    this.state.row = "";
    this.page.write(true);
    this.start();
  }

  fieldMenu() {
    const shown = this.state.f ? this.state.f.split(",") : this.ds.fields.map((field) => field.name);
    const boxes = this.ds.fields.map((field, i) =>
      h(
        "li",
        {},
        h("input", { type: "checkbox", id: `field${i}`, value: field.name, checked: shown.includes(field.name) }),
        h("label", { for: `field${i}` }, `${field.name} `, h("span", { class: "small" }, field.dtype)),
      ),
    );
    panel(
      "Fields",
      h(
        "form",
        {
          method: "dialog",
          onsubmit: (event) => {
            const picked = [...event.target.querySelectorAll("input:checked")].map((one) => one.value);
            this.state.f = picked.length === this.ds.fields.length ? "" : picked.join(",");
            this.again();
          },
        },
        h("ul", { class: "fields" }, boxes),
        h("button", {}, "Show"),
      ),
    );
  }

  /* ---- cells ---- */

  clicked(event) {
    const cell = event.target.closest(".td");
    if (!cell) return;
    this.active = { row: +cell.dataset.r, column: +cell.dataset.c };
    this.mark();
  }

  mark() {
    const { row, column } = this.active;
    const page = this.cache.get(Math.floor(row / WINDOW));
    const value = page?.rows[row - page.first]?.[column];
    this.full.textContent = page
      ? `${this.columns[column]?.name}[${page.index?.length ? page.index[row - page.first] : row}] = ${page.special.get(`${row - page.first},${column}`) || (typeof value === "object" ? JSON.stringify(value) : value)}`
      : " ";
    this.grid.setAttribute("aria-activedescendant", "cell");
    if (row < this.first || row >= this.first + this.rowsInSight())
      this.goTo(row < this.first ? row : row - this.rowsInSight() + 1);
    else this.render();
    document.getElementById("cell")?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  onKey(event) {
    if (event.target !== this.grid) return;
    const far = this.rowsInSight();
    const { row, column } = this.active;
    const to = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + far, column],
      PageUp: [row - far, column],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? this.total - 1 : row, (this.columns?.length || 1) - 1],
    }[event.key];
    if (event.key === "c" && event.ctrlKey && !String(getSelection())) {
      copy(this.full.textContent.replace(/^.*? = /, ""), "Cell");
      return;
    }
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    this.active = {
      row: clamp(to[0], 0, Math.max(0, this.total - 1)),
      column: clamp(to[1], 0, Math.max(0, (this.columns?.length || 1) - 1)),
    };
    this.mark();
  }

  copyShown() {
    const lines = [...this.grid.querySelectorAll("[role=row]")].map((row) =>
      [...row.children].map((cell) => cell.textContent.trim()).join("\t"),
    );
    copy(lines.join("\n"), "Rows");
  }

  sliced(axes) {
    this.state.x = this.plane.x === this.ds.shape.length - 1 ? "" : String(this.plane.x);
    this.state.y =
      plane({ ...this.state, y: "" }, this.ds.shape, true).y === this.plane.y ? "" : String(this.plane.y);
    this.state.s = sliceOf(this.plane);
    if (axes) {
      this.first = 0;
      this.column0 = 0;
    }
    this.page.write(axes);
    this.start();
  }

  /** Esc: what is on its way is not wanted any more. */
  cancel() {
    if (!this.waiting.size) return false;
    for (const control of this.waiting.values()) control.abort();
    this.waiting.clear();
    this.grid.parentElement.classList.remove("busy");
    if (!this.known) this.fail(new Error("stopped before all of it was here"));
    return true;
  }

  refresh(follow) {
    this.slicer.shape = this.ds.shape;
    this.slicer.build();
    if (follow) this.first = Number.MAX_SAFE_INTEGER;
    this.start();
  }

  key(event) {
    const act = {
      "[": () => this.slicer.step(-1),
      "]": () => this.slicer.step(1),
      "{": () => this.slicer.nextAxis(-1),
      "}": () => this.slicer.nextAxis(1),
      g: () => this.go.focus(),
    }[event.key];
    if (act) act();
    return Boolean(act);
  }

  keys() {
    return [
      [
        "Table",
        [
          ["← → ↑ ↓", "move in the grid"],
          ["PgUp PgDn", "a screen of rows"],
          ["Ctrl-Home Ctrl-End", "first, last row"],
          ["g", "go to a row"],
          ["[ ]", "slice back, forward"],
          ["Ctrl-C", "copy the cell"],
        ],
      ],
    ];
  }
  slice() {
    return this.matrix ? sliceOf(this.plane, true) : ":";
  }
  close() {
    this.watch.disconnect();
    this.slicer.close();
    this.generation = -1;
    for (const control of this.waiting.values()) control.abort();
  }
}
