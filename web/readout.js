// SPDX-License-Identifier: BSD-3-Clause
// The value under the pointer of a picture: at once what its tiles say, soon the exact one.
import { Latest, encode, json, query } from "./api.js";
import { debounce, h, number, throttle } from "./ui.js";

export class Readout {
  /** view: the heat map. */
  constructor(view) {
    Object.assign(this, { view, cursor: null, flight: new Latest() });
    this.box = h("output", { class: "readout", "aria-live": "polite" }, " ");
    this.soon = throttle(() => this.say(), 40);
    this.later = debounce(() => this.exact(), 250);
  }

  /** at: {row, column}; null when the pointer left. */
  hover(at) {
    this.cursor = at;
    if (at) this.soon();
    else this.say();
  }

  say() {
    const { cursor, view } = this;
    this.flight.stop();
    this.later.cancel();
    if (!cursor || !view.inside(cursor)) {
      this.box.textContent = " ";
      return;
    }
    const found = view.panes.map((pane) => pane.value(cursor.row, cursor.column));
    const values = found.map((one) => (one ? `${one.exact ? "" : "≈ "}${number(one.value, 9)}` : "…"));
    this.write(values.join(" | "));
    if (found[0] && !found[0].exact && found.length === 1) this.later();
  }

  write(value) {
    const { row, column } = this.cursor;
    this.box.textContent = `[${this.view.source.slice(row, column)}] = ${value}`;
  }

  /* Tiles of whole planes hold averages: the server knows the item. */
  async exact() {
    const { cursor, view } = this;
    const { source } = view;
    if (source.common.field) return;
    const slice = source.slice(cursor.row, cursor.column);
    const url = `/api/fetch/${encode(view.ds.path)}${query({ slice_: slice, format: "json", v: view.ds.etag })}`;
    try {
      const value = await json(url, { signal: this.flight.next() });
      if (cursor === this.cursor && source === view.source && typeof value === "number") this.write(number(value, 9));
    } catch {
      /* the value of the tile stays */
    }
  }

  close() {
    this.soon.cancel();
    this.later.cancel();
    this.flight.stop();
  }
}
