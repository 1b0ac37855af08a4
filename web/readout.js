// SPDX-License-Identifier: BSD-3-Clause
// The value under the pointer of a picture: at once what its tiles say, soon the exact one.
import { Latest, encode, exactJson, query } from "./api.js";
import { meaningOf, tellItem } from "./meaning.js";
import { digitsOf } from "./ticks.js";
import { debounce, h, number, throttle } from "./ui.js";

export class Readout {
  /** view: the heat map. */
  constructor(view) {
    Object.assign(this, { view, cursor: null, flight: new Latest() });
    this.box = h("output", { class: "readout", "aria-live": "polite" }, " ");
    this.soon = throttle(() => this.say(), 40);
    this.later = debounce(() => this.exact(), 250);
    meaningOf(view.ds).ready.then(() => view.closed || this.say()); // with coordinates
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
    const values = found.map((one) => (one ? `${one.exact ? "" : "≈ "}${this.text(one.value)}` : "…"));
    this.write(values.join(" | ") + (found.length === 1 ? this.stored(found[0]) : ""));
    if (found[0] && !found[0].exact && found.length === 1) this.later();
  }

  text(value) {
    const { lo, hi } = this.view.colouring.bar.range || {};
    return this.view.source.quantity.text(value, digitsOf(lo, hi, 9));
  }

  /* What is in the file, where that is another number. */
  stored(found) {
    return found?.exact && this.view.source.quantity.scaled ? ` (stored ${number(found.raw, 9)})` : "";
  }

  /* With the coordinates of all axes that have some. */
  write(value) {
    const { row, column } = this.cursor;
    const { source } = this.view;
    this.box.textContent = tellItem(source.ds, source.slice(row, column).split(","), value);
  }

  /* Tiles of whole planes hold averages: the server knows the item. */
  async exact() {
    const { cursor, view } = this;
    const { source } = view;
    if (source.common.field) return;
    const slice = source.slice(cursor.row, cursor.column);
    const url = `/api/fetch/${encode(view.ds.path)}${query({ slice_: slice, format: "json", v: view.ds.etag })}`;
    try {
      const value = await exactJson(url, { signal: this.flight.next() });
      if (cursor !== this.cursor || source !== view.source || !/number|bigint/.test(typeof value)) return;
      this.write(source.quantity.textOf(value, this.digits) + this.stored({ exact: true, raw: value }));
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
