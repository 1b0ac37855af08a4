// SPDX-License-Identifier: BSD-3-Clause
// One canvas of a heat map: tiles of the plane it aims at, the last complete one shown until then.
import { painted } from "./colour.js";
import { Sides } from "./sides.js";
import { SIDE } from "./tiles.js";
import { clamp, h } from "./ui.js";

export class Pane {
  constructor(view, label) {
    Object.assign(this, { view, label, flights: new Map(), aimed: [], shown: null, failed: null, serial: 0 });
    this.canvas = h("canvas", { class: "heat", tabindex: "0", role: "img", "aria-label": label });
    this.caption = h("p", { class: "caption" }, label);
    this.sides = new Sides(this);
    this.box = h("div", { class: "pane" }, this.sides.canvas, this.canvas, this.caption);
  }

  aim(source) {
    if (this.target?.key === source.key) return;
    this.target?.refine([]);
    source.serial = ++this.serial;
    this.target = source;
    this.failed = null;
    this.sides.meaning.ready.then(() => this.view.schedule());
    this.aimed = [...this.aimed.filter((old) => old.serial > (this.shown?.serial || 0)).slice(-3), source];
    const oldest = Math.min(...[...this.flights.values()].map((flight) => flight.source.serial));
    for (const flight of this.flights.values())
      if (flight.source !== source && flight.source.serial !== oldest) flight.control.abort();
  }

  /** As many pixels as there is room for. */
  resize() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) =>
      Math.max(1, Math.round(side * devicePixelRatio)),
    );
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  }

  /* Tiles under the window at the level that fits the screen. */
  tiles(source) {
    const { x0, x1, y0, y1 } = this.view.window;
    const items = Math.max((x1 - x0) / this.canvas.width, (y1 - y0) / this.canvas.height);
    const most = Math.max(0, Math.ceil(Math.log2(Math.max(source.rows, source.columns, 1) / SIDE)));
    const z = clamp(Math.round(Math.log2(items)), 0, most);
    const size = SIDE * 2 ** z;
    const out = [];
    const last = (n) => Math.ceil(n / size) - 1;
    for (let y = Math.max(0, Math.floor(y0 / size)); y <= Math.min(last(source.rows), Math.floor(y1 / size)); y++)
      for (
        let x = Math.max(0, Math.floor(x0 / size));
        x <= Math.min(last(source.columns), Math.floor(x1 / size));
        x++
      )
        out.push({ z, x, y });
    const mx = (x0 + x1) / 2 / size - 0.5;
    const my = (y0 + y1) / 2 / size - 0.5;
    return out.sort((a, b) => Math.hypot(a.x - mx, a.y - my) - Math.hypot(b.x - mx, b.y - my));
  }

  want() {
    const source = this.target;
    const wanted = this.tiles(source);
    const keys = new Set(wanted.map(({ z, x, y }) => `${source.key}/${z}/${x}/${y}`));
    for (const [key, flight] of this.flights) if (flight.source === source && !keys.has(key)) flight.control.abort();
    if (this.failed) return;
    for (const { z, x, y } of wanted) {
      const key = `${source.key}/${z}/${x}/${y}`;
      if (source.get(z, x, y) || this.flights.has(key)) continue;
      const control = new AbortController();
      this.flights.set(key, { control, source });
      source
        .load(z, x, y, control.signal)
        .catch((error) => {
          if (error.name !== "AbortError" && source === this.target) this.failed = error;
        })
        .finally(() => {
          this.flights.delete(key);
          this.view.schedule();
        });
    }
    source.refine(this.flights.size ? [] : wanted, () => this.view.schedule());
  }

  ready(source) {
    return this.tiles(source).every(({ z, x, y }) => source.get(z, x, y));
  }

  draw(colours) {
    const best = [...this.aimed].reverse().find((source) => this.ready(source));
    if (best && best.serial > (this.shown?.serial || 0)) this.shown = best;
    const source =
      this.shown?.rows === this.target.rows && this.shown?.columns === this.target.columns ? this.shown : this.target;
    const context = this.canvas.getContext("2d");
    const { x0, x1, y0, y1 } = this.view.window;
    const sx = this.canvas.width / (x1 - x0);
    const sy = this.canvas.height / (y1 - y0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.save();
    context.beginPath();
    context.rect(
      Math.round(-x0 * sx),
      Math.round(-y0 * sy),
      Math.round(source.columns * sx),
      Math.round(source.rows * sy),
    );
    context.clip();
    context.imageSmoothingEnabled = sx < 1 && sy < 1 && this.view.state.cm !== "palette";
    for (const want of this.tiles(source))
      this.drawTile(
        context,
        source,
        want,
        colours,
        (x) => Math.round((x - x0) * sx),
        (y) => Math.round((y - y0) * sy),
      );
    context.restore();
    this.box.classList.toggle("busy", this.flights.size > 0);
  }

  drawTile(context, source, { z, x, y }, colours, px, py) {
    const size = SIDE * 2 ** z;
    const left = px(x * size);
    const top = py(y * size);
    for (let up = 0; z + up < 24; up++) {
      const tile = source.get(z + up, x >> up, y >> up);
      if (!tile) continue;
      const image = painted(tile, colours);
      const side = SIDE / 2 ** up;
      const fx = (x % 2 ** up) * side;
      const fy = (y % 2 ** up) * side;
      const wide = Math.min(side, tile.w - fx);
      const tall = Math.min(side, tile.h - fy);
      const texel = 2 ** (z + up);
      if (wide > 0 && tall > 0)
        context.drawImage(
          image,
          fx,
          fy,
          wide,
          tall,
          left,
          top,
          px(x * size + wide * texel) - left,
          py(y * size + tall * texel) - top,
        );
      return;
    }
  }

  /* The number at an item, exact or of its texel: {value, raw, exact}; raw: as it is stored. */
  value(row, column) {
    const source = this.target;
    for (let z = 0; z < 24; z++) {
      const size = SIDE * 2 ** z;
      const tile = source.get(z, Math.floor(column / size), Math.floor(row / size));
      if (!tile) continue;
      const i = (Math.floor(row / 2 ** z) % SIDE) * tile.w + (Math.floor(column / 2 ** z) % SIDE);
      const raw = tile.raw[i];
      return {
        value: typeof raw === "bigint" && Number(raw) === tile.data[i] ? raw : tile.data[i],
        raw,
        exact: z === 0,
      };
    }
    return null;
  }

  close() {
    for (const flight of this.flights.values()) flight.control.abort();
    this.target?.refine([]);
  }
}
