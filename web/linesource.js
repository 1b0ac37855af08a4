// SPDX-License-Identifier: BSD-3-Clause
// Where the numbers of a line come from: one axis of a dataset, the others at an index.
import { encode, query } from "./api.js";
import { Quantity, meaningOf } from "./meaning.js";

export class LineSource {
  constructor({ ds, state, plane }) {
    Object.assign(this, { ds, state, plane });
  }

  get length() {
    return this.ds.shape[this.plane.x];
  }

  /** The slice with this part of the axis. */
  part(text) {
    return this.plane.index.map((at, i) => (i === this.plane.x ? text : at)).join(",");
  }

  common() {
    const { fields, etag } = this.ds;
    const numeric = fields.find((one) => /int|float|bool|^[<>|]?[iufb]/.test(one.dtype))?.name;
    const fill = fields.length ? null : meaningOf(this.ds).signal.fill;
    return { v: etag, fill, part: this.state.part, field: fields.length ? this.state.field || numeric : null };
  }

  /** What its numbers are: those of the whole dataset, or of the field of records. */
  quantity(whole) {
    const field = this.ds.fields.find(({ name }) => name === this.common().field);
    return field ? new Quantity({ label: field.name }, field.dtype) : whole;
  }

  /** Least and greatest for each of px pixels. */
  url({ from, count }, px) {
    const slice = this.part(count === this.length ? ":" : `${from}:${from + count}`);
    return `/api/line/${encode(this.ds.path)}${query({ slice_: slice, px, ...this.common() })}`;
  }

  statsUrl() {
    return `/api/stats/${encode(this.ds.path)}${query({ slice_: this.part(":"), ...this.common() })}`;
  }
}
