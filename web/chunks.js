// SPDX-License-Identifier: BSD-3-Clause
// The chunk map: what is cached, what is special, how well it is compressed. A cell leads to its slice.
import { Latest, encode, json } from "./api.js";
import { tableButton, tablePanel } from "./tables.js";
import { clamp, contextOf, errorCard, h, number, token } from "./ui.js";
import { View } from "./view.js";

const WORDS = { c: "cached", p: "partly cached", ".": "not cached", z: "zeros", n: "NaN", u: "uninitialised" };
const TOKENS = { c: "--accent", p: "--accent", z: "--line", n: "--warn", u: "--soft" };
const KEYS = [
  ["← → ↑ ↓", "move on the map"],
  ["Enter", "show the slice"],
];

/** The map on a canvas. say(cell), go(cell): a cell is pointed at, chosen. */
class ChunkMap {
  constructor(map, { say, go }) {
    Object.assign(this, { map, say, go, at: 0 });
    const many = map.state.length;
    const last = map.grid[map.grid.length - 1] || 1;
    const asGrid = map.group === 1 && last <= 96 && map.grid.length > 1;
    this.columns = asGrid ? last : Math.min(64, Math.ceil(Math.sqrt(many * 2)) || 1);
    this.side = many > 1500 ? 8 : many > 300 ? 14 : 22;
    const counts = `${map.cached} cached, ${map.partial} partly, ${map.absent} not cached, ${map.special} special`;
    const label = `Map of ${map.nchunks} chunks: ${counts}`;
    this.canvas = h("canvas", { class: "chunks", tabindex: "0", role: "img", "aria-label": label });
    this.canvas.addEventListener("pointermove", (event) => say(this.under(event)));
    this.canvas.addEventListener("click", (event) => go(this.under(event)));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  draw() {
    const { map, columns, side, canvas } = this;
    const width = columns * side;
    const height = Math.ceil(map.state.length / columns) * side;
    const context = contextOf(canvas, width, height);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    context.font = `${Math.min(side - 6, 12)}px sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    this.best = Math.log(map.ratio.reduce((most, ratio) => Math.max(most, ratio ?? 0), 2));
    for (let i = 0; i < map.state.length; i++) this.drawCell(context, i);
  }

  drawCell(context, i) {
    const { map, side } = this;
    const x = (i % this.columns) * side;
    const y = Math.floor(i / this.columns) * side;
    const letter = map.state[i];
    const ratio = map.ratio[i];
    const share = ratio == null ? 0.35 : 0.25 + (0.75 * Math.max(0, Math.log(ratio))) / this.best;
    context.globalAlpha = letter === "c" ? share : letter === "p" ? share * 0.6 : 1;
    context.fillStyle = token(TOKENS[letter] || "--bg");
    context.fillRect(x, y, side - 1, side - 1);
    context.globalAlpha = 1;
    context.strokeStyle = token(i === this.at ? "--fg" : "--line");
    context.strokeRect(x + 0.5, y + 0.5, side - 2, side - 2);
    if (side <= 12 || !"pznu".includes(letter)) return;
    context.fillStyle = token("--fg");
    context.fillText(letter, x + side / 2, y + side / 2);
  }

  /* The cell of an event, -1 beside the map. */
  under(event) {
    const i = Math.floor(event.offsetY / this.side) * this.columns + Math.floor(event.offsetX / this.side);
    return event.offsetX < this.columns * this.side && i < this.map.state.length ? i : -1;
  }

  /** Coordinates of the first chunk of a cell, in items. */
  origin(i) {
    const { grid, chunks, group } = this.map;
    const out = [];
    let left = i * group;
    for (let axis = grid.length - 1; axis >= 0; axis--) {
      out[axis] = (left % grid[axis]) * chunks[axis];
      left = Math.floor(left / grid[axis]);
    }
    return out;
  }

  onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    if (event.key === "Enter") this.go(this.at);
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    this.at = clamp(this.at + by, 0, this.map.state.length - 1);
    this.draw();
    this.say(this.at);
  }
}

export class ChunksView extends View {
  constructor(page, box) {
    super(page, box);
    this.flight = new Latest();
    this.onTheme(() => this.cells?.draw());
    this.refresh();
  }

  async refresh() {
    const signal = this.flight.next();
    try {
      const map = await json(`/api/chunks/${encode(this.ds.path)}`, { signal });
      if (!signal.aborted) this.build(map);
    } catch (error) {
      if (!signal.aborted) this.box.replaceChildren(errorCard(error, () => this.refresh()));
    }
  }

  build(map) {
    this.map = map;
    this.cells = new ChunkMap(map, { say: (i) => this.say(i), go: (i) => this.go(i) });
    this.readout = h("output", { class: "readout", "aria-live": "polite" }, " ");
    const row = (name, value) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value));
    const partly = map.partial ? `, ${map.partial} partly` : "";
    const facts = [
      row("Chunks", `${map.nchunks.toLocaleString("en")} (${map.grid.join(" × ") || 1})`),
      row("Cached here", `${map.cached} of ${map.nchunks - map.special}${partly}`),
      row("Special", String(map.special)),
    ];
    const swatch = (letter) => {
      const look = { class: "swatch", "data-state": letter };
      return h("li", {}, h("span", look, letter === "." ? "" : letter), WORDS[letter]);
    };
    const used = Object.keys(WORDS).filter((letter) => map.state.includes(letter));
    this.box.replaceChildren(
      h("h2", {}, "Chunks"),
      h("table", { class: "facts" }, h("tbody", {}, facts)),
      h("ul", { class: "legend" }, used.map(swatch)),
      h("div", { class: "chunkmap" }, this.cells.canvas),
      this.readout,
      h(
        "p",
        { class: "small" },
        map.group > 1 ? `A cell is ${map.group} chunks. ` : "",
        "Darker means better compressed. A click leads to the slice. ",
        tableButton(() => this.asTable()),
      ),
    );
    this.cells.draw();
  }

  say(i) {
    const { group, ratio, state } = this.map;
    if (i < 0) {
      this.readout.textContent = " ";
      return;
    }
    const name = group > 1 ? `Chunks ${i * group}…` : `Chunk ${i}`;
    const compressed = ratio[i] ? `, ratio ${number(ratio[i], 3)}` : "";
    this.readout.textContent = `${name} at [${this.cells.origin(i).join(",")}]: ${WORDS[state[i]]}${compressed}`;
  }

  asTable() {
    const { group, ratio, state } = this.map;
    const names = [group > 1 ? "From chunk" : "Chunk", "At item", "State", "Ratio"];
    const row = (letter, i) => [
      i * group,
      this.cells.origin(i).join(", "),
      WORDS[letter],
      ratio[i] == null ? "–" : number(ratio[i], 4),
    ];
    tablePanel("Chunks", names, [...state].map(row));
  }

  /* Show the slice of a cell. */
  go(i) {
    const { shape, kind } = this.ds;
    if (i < 0 || kind !== "array" || !shape.length) return;
    const { state } = this.page;
    const { chunks } = this.map;
    const at = this.cells.origin(i);
    const last = shape.length - 1;
    const sides = (axis) => [at[axis], at[axis] + chunks[axis]];
    if (!last) {
      state.box = `${at[0]},${Math.min(at[0] + chunks[0], shape[0])}`;
      state.row = String(at[0]);
    } else {
      state.x = state.y = "";
      state.s = last > 1 ? at.map((value, axis) => (axis < last - 1 ? value : ":")).join(",") : "";
      state.box = [...sides(last), ...sides(last - 1)].join(",");
    }
    this.page.show(this.page.views[0].name);
  }

  keys() {
    return [["Chunks", KEYS]];
  }
}
