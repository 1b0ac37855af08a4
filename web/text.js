// SPDX-License-Identifier: BSD-3-Clause
// Bytes: as text, as rendered markdown (the server's work), as a hex dump; a page of them at a time.
import { at, encode, get, query } from "./api.js";
import { button, clamp, errorCard, h, nbytes } from "./ui.js";

const TEXT = 256 << 10;
const HEX = 4096;

/** Does this look like text? */
export function isText(bytes) {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, Math.max(0, bytes.length - 4)));
    return true;
  } catch {
    return false;
  }
}

export class BytesView {
  constructor(page, box, how) {
    Object.assign(this, {
      page,
      ds: page.ds,
      state: page.state,
      how,
      nbytes: page.ds.shape[0] * (page.ds.itemsize || 1),
    });
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
    this.content.classList.add("busy");
    try {
      if (this.how === "markdown") {
        const text = await (await get(`/markdown/${encode(this.ds.path)}`)).text();
        this.content.replaceChildren(
          ...document.adoptNode(new DOMParser().parseFromString(text, "text/html").body).childNodes,
        );
        return;
      }
      const size = this.ds.itemsize || 1;
      const from = Math.floor(this.offset / size);
      const to = Math.ceil((this.offset + this.step) / size);
      const bytes = new Uint8Array(
        await (
          await get(`/api/fetch/${encode(this.ds.path)}${query({ slice_: `${from}:${to}`, format: "raw" })}`)
        ).arrayBuffer(),
      );
      this.place.textContent = `bytes ${this.offset.toLocaleString("en")} to ${(this.offset + bytes.length).toLocaleString("en")} of ${nbytes(this.nbytes)}`;
      this.content.replaceChildren(
        this.how === "hex"
          ? this.hex(bytes)
          : h("pre", { class: "text", tabindex: "0" }, new TextDecoder().decode(bytes)),
      );
      if (!bytes.length) this.content.replaceChildren(h("p", { class: "empty" }, "0 bytes"));
    } catch (error) {
      this.content.replaceChildren(errorCard(error, () => this.load()));
    } finally {
      this.content.classList.remove("busy");
    }
  }

  hex(bytes) {
    const lines = [];
    for (let at = 0; at < bytes.length; at += 16) {
      const row = [...bytes.subarray(at, at + 16)];
      const two = row.map((byte) => byte.toString(16).padStart(2, "0"));
      lines.push(
        `${(this.offset + at).toString(16).padStart(8, "0")}  ${two.slice(0, 8).join(" ").padEnd(23)}  ${two.slice(8).join(" ").padEnd(23)}  ${row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·")).join("")}`,
      );
    }
    return h("pre", { class: "hex", tabindex: "0" }, lines.join("\n"));
  }

  refresh() {
    this.page.rendered = null;
    this.load();
  }
  key(event) {
    if (event.key !== "[" && event.key !== "]") return false;
    this.go(event.key === "[" ? -1 : 1);
    return true;
  }
  keys() {
    return [["Text", [["[ ]", "page back, forward"]]]];
  }
  slice() {
    return ":";
  }
  close() {}
}

/** Pixels that are colours already: the server's PNG, at the size of the window. */
export class ColourView {
  constructor(page, box) {
    this.page = page;
    this.img = h("img", {
      class: "rgb",
      alt: `Picture of ${page.ds.path}`,
      src: `/api/fetch/${encode(page.ds.path)}${query({ format: "png", width: 2048, v: page.ds.etag })}`,
    });
    this.problem = h("div", { class: "problem", hidden: true });
    this.img.addEventListener("error", () => {
      this.problem.hidden = false;
      this.problem.replaceChildren(errorCard(new Error("the picture could not be loaded"), () => this.refresh()));
    });
    box.replaceChildren(h("div", { class: "frame rgb" }, this.img, this.problem));
  }
  refresh() {
    this.problem.hidden = true;
    this.img.src = at(
      `/api/fetch/${encode(this.page.ds.path)}${query({ format: "png", width: 2048, v: `${this.page.ds.etag}.${Date.now()}` })}`,
    );
  }
  key() {
    return false;
  }
  keys() {
    return [];
  }
  slice() {
    return ":,:,:";
  }
  close() {}
}

/** One value, large. */
export class ValueView {
  constructor(page, box) {
    this.page = page;
    this.box = box;
    this.refresh();
  }
  async refresh() {
    try {
      const value = await (await get(`/api/fetch/${encode(this.page.ds.path)}?format=json`)).text();
      this.box.replaceChildren(h("p", { class: "scalar" }, value === "null" ? "NaN" : value.replace(/^"|"$/g, "")));
    } catch (error) {
      this.box.replaceChildren(errorCard(error, () => this.refresh()));
    }
  }
  key() {
    return false;
  }
  keys() {
    return [];
  }
  slice() {
    return "";
  }
  close() {}
}
