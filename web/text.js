// SPDX-License-Identifier: BSD-3-Clause
// Bytes: as text, as rendered markdown (the server's work), as a hex dump; a page of them at a time.
import { Latest, at, encode, get, query } from "./api.js";
import { coloursAxis } from "./describe.js";
import { meaningOf } from "./meaning.js";
import { button, clamp, errorCard, h, nbytes, select } from "./ui.js";
import { View } from "./view.js";

const TEXT = 256 << 10;
const HEX = 4096;

/* Sixteen bytes a line: offset, two digits a byte, printable ASCII. */
function hex(bytes, offset) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const row = [...bytes.subarray(i, i + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const half = (from) =>
      digits
        .slice(from, from + 8)
        .join(" ")
        .padEnd(23);
    const text = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${(offset + i).toString(16).padStart(8, "0")}  ${half(0)}  ${half(8)}  ${text}`);
  }
  return lines.join("\n");
}

export class BytesView extends View {
  constructor(page, box, how) {
    super(page, box);
    Object.assign(this, { how, flight: new Latest(), nbytes: page.ds.shape[0] * page.ds.itemsize });
    this.step = how === "hex" ? HEX : TEXT;
    this.offset = Math.floor((Number(page.state.row) || 0) / this.step) * this.step;
    this.content = h("div", { class: "bytes" });
    this.place = h("span", { class: "small" });
    this.bar = h(
      "div",
      { class: "toolbar", role: "group", "aria-label": "Pages", hidden: this.nbytes <= this.step },
      button("left", "Page back", () => this.go(-1), "["),
      button("right", "Page forward", () => this.go(1), "]"),
      this.place,
    );
    box.replaceChildren(this.bar, this.content);
    if (how === "markdown" && page.rendered) this.content.append(page.rendered);
    else this.load();
  }

  go(by) {
    this.offset = clamp(
      this.offset + by * this.step,
      0,
      Math.floor(Math.max(0, this.nbytes - 1) / this.step) * this.step,
    );
    this.state.row = this.offset ? String(this.offset) : "";
    this.page.write();
    this.load();
  }

  async load() {
    const signal = this.flight.next();
    this.content.classList.add("busy");
    try {
      const shown = await (this.how === "markdown" ? this.markdown(signal) : this.bytes(signal));
      if (!signal.aborted) this.content.replaceChildren(...shown);
    } catch (error) {
      if (!signal.aborted) this.content.replaceChildren(errorCard(error, () => this.load()));
    } finally {
      if (!signal.aborted) this.content.classList.remove("busy");
    }
  }

  async markdown(signal) {
    const answer = await get(`/markdown/${encode(this.ds.path)}`, { signal });
    return document.adoptNode(new DOMParser().parseFromString(await answer.text(), "text/html").body).childNodes;
  }

  async bytes(signal) {
    const { itemsize, path } = this.ds;
    const { offset } = this;
    const slice = `${Math.floor(offset / itemsize)}:${Math.ceil((offset + this.step) / itemsize)}`;
    const answer = await get(`/api/fetch/${encode(path)}${query({ slice_: slice, format: "raw" })}`, { signal });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (signal.aborted) return [];
    const count = (n) => n.toLocaleString("en");
    this.place.textContent = `bytes ${count(offset)} to ${count(offset + bytes.length)} of ${nbytes(this.nbytes)}`;
    if (!bytes.length) return [h("p", { class: "empty" }, "0 bytes")];
    const text = this.how === "hex" ? hex(bytes, offset) : new TextDecoder().decode(bytes);
    return [h("pre", { class: this.how === "hex" ? "hex" : "text", tabindex: "0" }, text)];
  }

  refresh() {
    this.page.rendered = null;
    this.nbytes = this.ds.shape[0] * this.ds.itemsize;
    this.bar.hidden = this.nbytes <= this.step;
    this.go(0);
  }
  actions() {
    return { "[": () => this.go(-1), "]": () => this.go(1) };
  }
  keys() {
    return [["Text", [["[ ]", "page back, forward"]]]];
  }
}

/** Pixels that are colours already: the server's PNG, at the size of the window. */
export class ColourView extends View {
  constructor(page, box) {
    super(page, box);
    this.stack = this;
    this.img = h("img", { class: "rgb", alt: `Picture of ${this.ds.path}` });
    this.problem = h("div", { class: "problem", hidden: true });
    this.img.addEventListener("error", () => {
      this.problem.hidden = false;
      const retry = () => this.load(`${this.ds.etag}.${Date.now()}`);
      this.problem.replaceChildren(errorCard(new Error("the picture could not be loaded"), retry));
    });
    const fromFile = /\bBGR\b/.test(this.ds.image) ? "bgr" : "rgb";
    this.order = this.state.order || fromFile;
    const orders = ["rgb", "bgr"].map((name) => [name, name.toUpperCase()]);
    const choice = select("Order", orders, this.order, (order) => {
      this.order = order;
      this.state.order = order === fromFile ? "" : order;
      this.page.write(true);
      this.refresh();
    });
    const tools = h("div", { class: "toolbar", role: "group", "aria-label": "Colours" }, choice);
    box.replaceChildren(tools, h("div", { class: "frame rgb" }, this.img, this.problem));
    this.refresh();
  }
  /* version: what makes the address another one. */
  load(version) {
    this.problem.hidden = true;
    this.how = { order: this.order, colours: coloursAxis(this.ds) };
    const url = query({ format: "png", width: 2048, ...this.how, v: version });
    this.img.src = at(`/api/fetch/${encode(this.ds.path)}${url}`);
  }
  refresh() {
    this.load(this.ds.etag);
  }
  /* What is saved as a file. */
  get size() {
    return { width: this.img.naturalWidth, height: this.img.naturalHeight };
  }
  get title() {
    return this.ds.path;
  }
  paint(context) {
    const { width, height } = this.size;
    const canvas = h("canvas", this.size);
    canvas.getContext("2d").drawImage(this.img, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, width, height);
  }
  slice() {
    return ":,:,:";
  }
}

/** One value, large. */
export class ValueView extends View {
  constructor(page, box) {
    super(page, box);
    this.flight = new Latest();
    this.refresh();
  }
  async refresh() {
    const signal = this.flight.next();
    try {
      const value = await (await get(`/api/fetch/${encode(this.ds.path)}?format=json`, { signal })).text();
      const text = value === "null" ? "NaN" : value.replace(/^"|"$/g, "");
      await meaningOf(this.ds).known;
      if (!signal.aborted) this.box.replaceChildren(h("p", { class: "scalar" }, this.meant(text)));
    } catch (error) {
      if (!signal.aborted) this.box.replaceChildren(errorCard(error, () => this.refresh()));
    }
  }
  /* With its unit, as a date, or as it is made of the stored number. */
  meant(text) {
    const { signal } = meaningOf(this.ds);
    if (Number.isNaN(Number(text))) return text;
    const made = signal.textOf(/^-?\d+$/.test(text) ? BigInt(text) : Number(text));
    return signal.clock || signal.how ? `${made} (stored ${text})` : text + (signal.units && ` ${signal.units}`);
  }
  slice() {
    return "";
  }
}
