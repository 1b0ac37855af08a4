// SPDX-License-Identifier: BSD-3-Clause
// The chunk map: what is cached, what is special, how well it is compressed. A cell leads to its slice.
import { encode, json } from "./api.js";
import { tableButton, tablePanel } from "./tables.js";
import { errorCard, h, number, token } from "./ui.js";

const WORDS = { c: "cached", p: "partly cached", ".": "not cached", z: "zeros", n: "NaN", u: "uninitialised" };

export class ChunksView {
  constructor(page, box) {
    Object.assign(this, { page, ds: page.ds, box });
    this.onTheme = () => this.draw();
    document.addEventListener("theme", this.onTheme);
    this.refresh();
  }

  async refresh() {
    try {
      this.map = await json(`/api/chunks/${encode(this.ds.path)}`);
      this.build();
    } catch (error) {
      this.box.replaceChildren(errorCard(error, () => this.refresh()));
    }
  }

  build() {
    const { map } = this;
    const n = map.state.length;
    const last = map.grid[map.grid.length - 1] || 1;
    this.columns =
      map.group === 1 && last <= 96 && map.grid.length > 1 ? last : Math.min(64, Math.ceil(Math.sqrt(n * 2)) || 1);
    this.side = n > 1500 ? 8 : n > 300 ? 14 : 22;
    this.canvas = h("canvas", {
      class: "chunks",
      tabindex: "0",
      role: "img",
      "aria-label": `Map of ${map.nchunks} chunks: ${map.cached} cached, ${map.partial} partly, ${map.absent} not cached, ${map.special} special`,
    });
    this.readout = h("output", { class: "readout", "aria-live": "polite" }, " ");
    this.at = 0;
    this.canvas.addEventListener("pointermove", (event) => this.say(this.under(event)));
    this.canvas.addEventListener("click", (event) => this.go(this.under(event)));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    const row = (name, value) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value));
    const used = Object.keys(WORDS).filter((letter) => map.state.includes(letter));
    this.box.replaceChildren(
      h("h2", {}, "Chunks"),
      h(
        "table",
        { class: "facts" },
        h(
          "tbody",
          {},
          row("Chunks", `${map.nchunks.toLocaleString("en")} (${map.grid.join(" × ") || 1})`),
          row(
            "Cached here",
            `${map.cached} of ${map.nchunks - map.special}${map.partial ? `, ${map.partial} partly` : ""}`,
          ),
          row("Special", String(map.special)),
        ),
      ),
      h(
        "ul",
        { class: "legend" },
        used.map((letter) =>
          h(
            "li",
            {},
            h("span", { class: `swatch s${letter === "." ? "absent" : letter}` }, letter === "." ? "" : letter),
            WORDS[letter],
          ),
        ),
      ),
      h("div", { class: "chunkmap" }, this.canvas),
      this.readout,
      h(
        "p",
        { class: "small" },
        map.group > 1 ? `A cell is ${map.group} chunks. ` : "",
        "Darker means better compressed. A click leads to the slice. ",
        tableButton(() => this.asTable()),
      ),
    );
    this.draw();
  }

  draw() {
    if (!this.map) return;
    const { map, columns, side, canvas } = this;
    const n = map.state.length;
    const ratio = devicePixelRatio;
    const g = canvas.getContext("2d");
    const width = columns * side;
    const height = Math.ceil(n / columns) * side;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    g.scale(ratio, ratio);
    const best = Math.log(Math.max(2, ...map.ratio.filter((value) => value != null)));
    g.font = `${Math.min(side - 6, 12)}px sans-serif`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    for (let i = 0; i < n; i++) {
      const x = (i % columns) * side;
      const y = Math.floor(i / columns) * side;
      const letter = map.state[i];
      const share = map.ratio[i] == null ? 0.35 : 0.25 + (0.75 * Math.max(0, Math.log(map.ratio[i]))) / best;
      g.globalAlpha = letter === "c" ? share : letter === "p" ? share * 0.6 : 1;
      g.fillStyle =
        { c: token("--accent"), p: token("--accent"), z: token("--line"), n: token("--warn"), u: token("--soft") }[
          letter
        ] || token("--bg");
      g.fillRect(x, y, side - 1, side - 1);
      g.globalAlpha = 1;
      g.strokeStyle = i === this.at ? token("--fg") : token("--line");
      g.strokeRect(x + 0.5, y + 0.5, side - 2, side - 2);
      if (side > 12 && "pznu".includes(letter)) {
        g.fillStyle = token("--fg");
        g.fillText(letter, x + side / 2, y + side / 2);
      }
    }
  }

  under(event) {
    const i = Math.floor(event.offsetY / this.side) * this.columns + Math.floor(event.offsetX / this.side);
    return event.offsetX < this.columns * this.side && i < this.map.state.length ? i : -1;
  }

  /* Coordinates of the first chunk of a cell, in items. */
  origin(i) {
    let n = i * this.map.group;
    return [...this.map.grid.keys()].reverse().reduce((out, axis) => {
      out[axis] = (n % this.map.grid[axis]) * this.map.chunks[axis];
      n = Math.floor(n / this.map.grid[axis]);
      return out;
    }, []);
  }

  say(i) {
    if (i < 0) {
      this.readout.textContent = " ";
      return;
    }
    const ratio = this.map.ratio[i];
    const name = this.map.group > 1 ? `Chunks ${i * this.map.group}…` : `Chunk ${i}`;
    this.readout.textContent = `${name} at [${this.origin(i).join(",")}]: ${WORDS[this.map.state[i]]}${ratio ? `, ratio ${number(ratio, 3)}` : ""}`;
  }

  asTable() {
    const { map } = this;
    tablePanel(
      "Chunks",
      [map.group > 1 ? "From chunk" : "Chunk", "At item", "State", "Ratio"],
      [...map.state].map((letter, i) => [
        i * map.group,
        this.origin(i).join(", "),
        WORDS[letter],
        map.ratio[i] == null ? "–" : number(map.ratio[i], 4),
      ]),
    );
  }

  go(i) {
    if (i < 0 || this.ds.kind !== "array" || !this.ds.shape.length) return;
    const { state } = this.page;
    const at = this.origin(i);
    const shape = this.ds.shape;
    const ndim = shape.length;
    if (ndim === 1) {
      state.box = `${at[0]},${Math.min(at[0] + this.map.chunks[0], shape[0])}`;
      state.row = String(at[0]);
    } else {
      state.x = state.y = "";
      state.s = ndim > 2 ? at.map((value, axis) => (axis < ndim - 2 ? value : ":")).join(",") : "";
      state.box = [
        at[ndim - 1],
        at[ndim - 1] + this.map.chunks[ndim - 1],
        at[ndim - 2],
        at[ndim - 2] + this.map.chunks[ndim - 2],
      ].join(",");
    }
    this.page.show(this.page.views[0].name);
  }

  onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    if (event.key === "Enter") this.go(this.at);
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    this.at = Math.min(Math.max(this.at + by, 0), this.map.state.length - 1);
    this.draw();
    this.say(this.at);
  }

  key() {
    return false;
  }
  keys() {
    return [
      [
        "Chunks",
        [
          ["← → ↑ ↓", "move on the map"],
          ["Enter", "show the slice"],
        ],
      ],
    ];
  }
  slice() {
    return ":";
  }
  close() {
    document.removeEventListener("theme", this.onTheme);
  }
}
