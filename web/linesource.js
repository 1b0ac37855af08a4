// SPDX-License-Identifier: BSD-3-Clause
// Where the numbers of a line come from: one axis of a dataset, the others at an index; and what they are.
import { encode, numbers, query } from "./api.js";
import { Quantity } from "./meaning.js";

const NUMERIC = /^[<>|=]?(u?int|float|bool|[biuf]\d)/;

export class LineSource {
  /** plane: {x: its axis, index}; state: which part of complex numbers, which field. */
  constructor(ds, plane, state = {}) {
    Object.assign(this, { ds, plane, state });
    this.means(new Quantity({ label: ds.path.split("/").pop() }, ds.dtype));
  }

  /** What the numbers are; of a field, what its dtype says. */
  means(quantity) {
    const { field } = this;
    this.quantity = field ? new Quantity({ label: field.name }, field.dtype) : quantity;
  }
  get clock() {
    return this.quantity.clock;
  }
  get label() {
    return this.quantity.label || /([^/]*?)(\.b2nd)?$/.exec(this.ds.path)[1];
  }

  /** Times are counted as this quantity counts them. */
  count(other) {
    const { quantity } = this;
    if (JSON.stringify(other.clock) !== JSON.stringify(quantity.clock)) this.other = other;
  }

  get field() {
    const { fields } = this.ds;
    return fields.find(({ name }) => name === this.state.field) || fields.find(({ dtype }) => NUMERIC.test(dtype));
  }

  get length() {
    return this.ds.shape[this.plane.x];
  }

  /** The slice with this part of the axis. */
  part(text) {
    return this.plane.index.map((at, i) => (i === this.plane.x ? text : at)).join(",");
  }

  /** The slice with these items. */
  slice({ from, count }) {
    return this.part(count === this.length ? ":" : `${from}:${from + count}`);
  }

  common() {
    const { fields, etag, dtype } = this.ds;
    const part = /complex|c8|c16/.test(dtype) ? this.state.part : null;
    const { fill } = this.quantity;
    return { v: etag, fill, part, field: fields.length ? this.state.field || this.field?.name : null };
  }

  /** Items, or least and greatest for each of px pixels: {data, values, pairs, n, from, count, approx}. */
  async load({ from, count }, px, signal) {
    const slice = this.slice({ from, count });
    const common = this.common();
    if (count <= 2 * px) common.fill = null; // items come as they are
    const url = `/api/line/${encode(this.ds.path)}${query({ slice_: slice, px, ...common })}`;
    const { data, shape, headers } = await numbers(url, { signal });
    const pairs = shape.length === 2;
    if (pairs && this.quantity.scale < 0) for (let i = 0; i < data.length; i += 2) data.subarray(i, i + 2).reverse();
    const values = this.values(data);
    return { data, values, base: 0n, pairs, n: shape[0], from, count, approx: Boolean(headers.get("X-Approx")) };
  }

  /** A whole number to take from all values, and what they are without it. */
  baseOf(data) {
    return this.other ? 0n : this.quantity.baseOf(data);
  }
  values(data, base = 0n) {
    const { quantity, other } = this;
    if (!other) return quantity.of(data, base);
    const clock = other.clock.from(base);
    const near = quantity.clock.from(quantity.baseOf(data));
    const ms = (value) => near.ms(value) + (near.origin - clock.origin);
    return Float64Array.from(quantity.of(data, quantity.baseOf(data)), (value) => clock.value(ms(value)));
  }

  statsUrl(items) {
    return `/api/stats/${encode(this.ds.path)}${query({ slice_: this.slice(items), ...this.common() })}`;
  }
}
