// SPDX-License-Identifier: BSD-3-Clause
// Which colours the pictures of a heat map have: the range of what is shown, the scale, the map; and their bar.
import { Cache, GREY, Latest, colormaps, encode, json, numbers } from "./api.js";
import { Bar, scaler, table } from "./colour.js";
import { meaningOf } from "./meaning.js";
import { digitsOf } from "./ticks.js";
import { statsHere, statsOf } from "./tiles.js";
import { adopt } from "./toolbars.js";
import { h, number, toast } from "./ui.js";

/* The tiles under the window that are here. */
function loaded(pane, source) {
  return pane
    .tiles(source)
    .map(({ z, x, y }) => source.get(z, x, y))
    .filter(Boolean);
}

/* A palette of n colours as a table of 256, in which the i-th of n values finds the i-th colour. */
function paletteOf({ data, shape }) {
  const [n, channels] = shape;
  if (shape.length !== 2 || channels < 3 || n < 2 || n > 256) return null;
  const out = Uint8Array.from({ length: 768 }, (_, i) => {
    const colour = Math.round((Math.floor(i / 3) * (n - 1)) / 255);
    return data[colour * channels + (i % 3)];
  });
  return { table: out, range: [0, n - 1] };
}

/* {palette: {table, range}, range: [lo, hi], inverted} of an HDF5 image; null: it is none. */
async function imageOf(ds) {
  await meaningOf(ds).ready;
  const { image } = meaningOf(ds);
  if (!image) return null;
  const range = image.range?.every(Number.isFinite) && image.range[0] < image.range[1] ? image.range : null;
  const found = { palette: null, range, inverted: Number(image.white_is_zero) === 1 };
  if (!image.palette) return found;
  try {
    found.palette = paletteOf(await numbers(`/api/tile/${encode(`${ds.path.split("/")[0]}/${image.palette}`)}`));
  } catch {
    /* then the colours of others */
  }
  return found;
}

export class Colouring {
  /** view: the heat map. */
  constructor(view) {
    Object.assign(this, { view, state: view.state, maps: null, last: null, remark: "" });
    this.stats = new Cache(256); // of planes, by their key; {asked} while they are on their way
    this.flight = new Latest();
    this.bar = new Bar((lo, hi, final) => this.setRange(lo, hi, final));
  }

  async start() {
    try {
      this.maps = await colormaps();
    } catch (error) {
      if (this.view.closed) return;
      toast(`Only grey: the colour maps did not come (${error.message})`, "warn");
      this.maps = {};
    }
    await this.dress();
    if (!this.view.closed) this.view.aim();
  }

  /* The colours that the file says: a palette, grey from white to black. */
  async dress() {
    const image = this.view.ds.image === null ? null : await imageOf(this.view.ds).catch(() => null);
    this.image = image;
    if (!image || this.view.closed) return;
    if (image.palette) {
      this.maps = { ...this.maps, palette: image.palette.table };
      this.view.choices.cm.querySelector("select").append(h("option", { value: "palette" }, "palette"));
      adopt(this.view, { cm: this.state.cm });
    }
    const given = new URLSearchParams(location.search);
    if (image.palette && !given.has("cm")) adopt(this.view, { cm: "palette" });
    else if (image.inverted && !given.has("cm") && !given.has("inv")) adopt(this.view, { cm: "grey", inv: "1" });
  }

  /* What is known of the values: indices of a palette, angles, what the file says. */
  ownRange() {
    const { image, state } = this;
    if (state.cm === "palette" && image?.palette) return image.palette.range;
    if (state.part === "phase") return [-Math.PI, Math.PI];
    return image?.range;
  }

  /** Between least and greatest, or percentiles; a range that was set by hand is given up first. */
  autoscale() {
    const { state } = this;
    const manual = state.lo !== "" || state.hi !== "";
    state.lo = state.hi = "";
    if (!manual) state.auto = state.auto ? "" : "robust";
    const robust = "Colours from the 1st to the 99th percentile";
    toast(state.auto ? robust : "Colours from the least to the greatest", "", [], 2);
    this.view.option("auto", state.auto);
  }

  setRange(lo, hi, final) {
    const digits = digitsOf(lo, hi, 7);
    this.state.lo = String(+lo.toPrecision(digits));
    this.state.hi = String(+hi.toPrecision(digits));
    this.view.page.write(final);
    this.view.schedule();
  }

  rangeOf(stats) {
    const { state } = this;
    const robust = state.auto === "robust" && stats;
    const value = (text, auto) => (text !== "" && Number.isFinite(Number(text)) ? Number(text) : auto);
    const [least, most] = (!robust && this.ownRange()) || [stats?.min ?? 0, stats?.max ?? 1];
    let lo = value(state.lo, robust ? stats.p1 : least);
    let hi = value(state.hi, robust ? stats.p99 : most);
    if (state.sc === "log" && state.lo === "" && stats?.min_positive > 0) lo = Math.max(lo, stats.min_positive);
    if (lo > hi) [lo, hi] = [hi, lo];
    return { lo, hi };
  }

  /* Of the whole plane: from its tiles when all are here, else asked for. Until then the last ones, or those
     of the tiles here. */
  statistics(source) {
    const ready = this.stats.get(source.key);
    if (ready && !ready.asked) return ready;
    const here = statsHere(source);
    if (here) {
      this.stats.set(source.key, here, 1);
      return here;
    }
    const pane = this.view.panes[0];
    if (!ready && !source.over && pane.ready(source)) this.ask(source);
    const tiles = loaded(pane, source);
    if (source.over && tiles.length) return statsOf(tiles);
    return this.last || (tiles.length ? statsOf(tiles) : null);
  }

  ask(source) {
    this.stats.set(source.key, { asked: true }, 1);
    json(source.statsUrl(), { signal: this.flight.next() }).then(
      async (stats) => {
        await meaningOf(source.ds).known;
        this.stats.set(source.key, source.quantity.statistics(stats), 1);
        this.view.schedule();
      },
      () => this.stats.set(source.key, undefined, 0),
    );
  }

  /** {key, of: value to 0…1, palette} of the planes; the bar shows the same. */
  colours() {
    const { state, bar } = this;
    const shown = this.view.panes[0].shown || this.view.source;
    const stats = this.statistics(shown);
    const whole = Boolean(stats) && !this.stats.get(shown.key)?.asked;
    if (whole) this.last = stats;
    this.remark = whole ? this.remarkOn(stats, shown.quantity) : "";
    bar.box.classList.toggle("unknown", !stats || stats.min === null);
    const range = this.rangeOf(stats);
    const key = JSON.stringify([state.cm, state.sc, state.inv, state.raw, range]);
    if (key !== this.made?.key) {
      const palette = table(this.maps[state.cm] || this.maps.viridis || GREY, state.inv);
      this.made = { key, of: scaler(state.sc, range), palette };
    }
    if (key !== this.shownKey || stats !== this.shownStats) {
      Object.assign(this, { shownKey: key, shownStats: stats });
      bar.show(range, stats, this.made, state.sc, shown.quantity.axis);
    }
    return this.made;
  }

  /* What the colours of a plane do not show. */
  remarkOn({ min, max, sampled }, quantity) {
    const all = sampled ? "all of the sample" : "all finite values";
    if (min === null) return sampled ? "no finite values in the sample" : "no finite values";
    if (min === max) return `${all} are ${Math.abs(min) < 2 ** 53 ? "" : "about "}${quantity.text(min)}`;
    return this.state.sc === "log" && max <= 0 ? "no value above 0 for the log scale" : "";
  }

  /** A difference has nought in the middle. */
  difference(pane) {
    const stats = statsOf(loaded(pane, pane.target));
    const most = Math.max(Math.abs(stats.min ?? 0), Math.abs(stats.max ?? 0)) || 1;
    pane.caption.textContent = `difference, ±${number(most)}`;
    const palette = table(this.maps.rdbu || GREY, false);
    return { key: `difference${most}`, of: scaler("linear", { lo: -most, hi: most }), palette };
  }

  close() {
    this.flight.stop();
    this.bar.close();
  }
}
