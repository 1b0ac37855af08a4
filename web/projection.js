// SPDX-License-Identifier: BSD-3-Clause
// Projections: the greatest, the mean or the least of so many slices, made by the server.
import { Plane } from "./tiles.js";
import { clamp, h, numberField, select } from "./ui.js";

const WAYS = ["", "max", "mean", "min"];
const NAMES = WAYS.map((how) => [how, { "": "None", max: "Greatest", mean: "Mean", min: "Least" }[how]]);

/** "max:0:20" of a state: {how, axis, slices}; slices: 0 is all. null: none, or what cannot be. */
function parse(text, free) {
  const [how, axis, slices] = text.split(":");
  if (!how || !WAYS.includes(how) || !free.length) return null;
  return { how, axis: free.includes(Number(axis)) ? Number(axis) : free[0], slices: Math.floor(Number(slices)) || 0 };
}

export class Projection {
  /** view: the picture, with a slicer; changed(): other planes are to be shown. */
  constructor(view, changed) {
    Object.assign(this, { view, changed });
    this.box = h("div", { class: "projection" });
    this.build();
  }

  /** {how, axis, slices}, null. */
  get now() {
    return parse(this.view.state.over, this.view.slicer.free());
  }

  build() {
    const { now, view } = this;
    const free = view.slicer.free();
    this.box.hidden = !free.length;
    if (!free.length) return;
    const set = (change) => this.set({ axis: view.slicer.active, slices: 0, ...this.now, ...change });
    const most = now ? view.ds.shape[now.axis] : 1;
    const slices = numberField("Slices", {
      id: "slices",
      min: 1,
      max: most,
      value: now?.slices || most,
      title: "From the slice that is chosen on",
      onchange: (event) => {
        const n = clamp(Math.round(Number(event.target.value)) || most, 1, most);
        set({ slices: n < most ? n : 0 });
      },
    });
    const axes = free.map((axis) => [axis, String(axis)]);
    this.box.replaceChildren(
      select("Projection", NAMES, now?.how || "", (how) => set({ how })),
      ...(now && axes.length > 1 ? [select("along", axes, now.axis, (axis) => set({ axis, slices: 0 }))] : []),
      ...(now ? [slices.box] : []),
    );
  }

  set({ how, axis, slices }) {
    this.view.state.over = how ? `${how}:${axis}${slices ? `:${slices}` : ""}` : "";
    this.build();
    this.view.page.write(true);
    this.changed();
  }

  /** The next way, for a key. */
  next() {
    const { now, view } = this;
    if (!view.slicer.free().length) return;
    const how = WAYS[(WAYS.indexOf(now?.how || "") + 1) % WAYS.length];
    this.set({ axis: view.slicer.active, slices: 0, ...now, how });
  }

  /** The plane at this index, with a range of it on the axis that is projected. */
  plane(plane, how) {
    const { now, view } = this;
    if (!now) return new Plane(view.ds, plane, how);
    const n = view.ds.shape[now.axis];
    const slices = now.slices || n;
    const from = clamp(plane.index[now.axis], 0, Math.max(0, n - slices));
    const range = `${slices < n ? from : 0}:${slices < n ? from + slices : n}`;
    return new Plane(
      view.ds,
      { ...plane, index: plane.index.map((at, i) => (i === now.axis ? range : at)) },
      { ...how, projected: now.how },
    );
  }
}
