// SPDX-License-Identifier: BSD-3-Clause
// Which axes are drawn, and where on the others: choices, sliders, steps, playing.
import { meaningOf } from "./meaning.js";
import { plane, sliceOf } from "./state.js";
import { button, clamp, h, icon, numberField, say, select } from "./ui.js";

/* What an axis is called; where on it the slice is, with the coordinate where it has some: "of 40 · 2024-02-27". */
const nameOf = ({ view }, axis) => meaningOf(view.ds).axes[axis].name;
function placeOf({ view, plane: { index }, shape }, axis) {
  const at = meaningOf(view.ds).axes[axis].coordinate(index[axis]);
  return `of ${shape[axis]}${at && ` · ${at}`}`;
}
const told = (slicer, axis) => `${nameOf(slicer, axis)}: ${slicer.plane.index[axis]} ${placeOf(slicer, axis)}`;

/* Slider, steps and number of an axis that is not drawn. */
function axisRow(slicer, axis) {
  const last = Math.max(slicer.shape[axis] - 1, 0);
  const at = slicer.plane.index[axis];
  const id = `axis${axis}`;
  const name = nameOf(slicer, axis);
  const place = h("span", { class: "small" }, placeOf(slicer, axis));
  const set = (value, final) => slicer.set(axis, value, final);
  const range = h("input", {
    type: "range",
    min: 0,
    max: last,
    value: at,
    "aria-label": name,
    oninput: (event) => set(+event.target.value, false),
    onchange: (event) => set(+event.target.value, true),
  });
  const number = h("input", {
    type: "number",
    id,
    min: 0,
    max: last,
    value: at,
    onchange: (event) => set(Math.round(+event.target.value) || 0, true),
  });
  const play = button("play", `Play ${name.replace("Axis", "axis")}`, () => slicer.play(axis), "Space");
  const row = h(
    "div",
    {
      class: "axis",
      "data-axis": axis,
      onfocusin: () => slicer.activate(axis),
      onpointerdown: () => slicer.activate(axis),
    },
    h("label", { for: id }, name),
    button("left", `${name} back`, () => slicer.step(-1, axis), "["),
    range,
    button("right", `${name} forward`, () => slicer.step(1, axis), "]"),
    number,
    place,
    play,
  );
  row.classList.toggle("active", axis === slicer.active);
  Object.assign(row, { range, number, place, playButton: play });
  return row;
}

/* How far a step goes. */
function strideField(slicer) {
  const take = (event) => {
    slicer.stride = Math.max(1, Math.round(+event.target.value) || 1);
    event.target.value = slicer.stride;
    slicer.view.state.st = String(slicer.stride);
    slicer.view.page.write(true);
  };
  const title = "How far a step of the arrows, of [ ] and of playing goes";
  const { box } = numberField("Step", { id: "stride", min: 1, value: slicer.stride, title, onchange: take });
  box.classList.add("stride");
  return box;
}

/** Slices a second, by the state. */
export const rateOf = ({ fps }) => clamp(Number(fps) || 10, 0.1, 60);

export class Slicer {
  /** Of a view, by its state. two: axes x and y, else x alone. change(final, axes) when this.plane was changed. */
  constructor(view, change, { two = false, quiet = false } = {}) {
    const { ds, state } = view;
    Object.assign(this, { view, change, two, shape: ds.shape, playing: -1, timer: 0, more: [] });
    this.plane = plane(state, ds.shape, two);
    this.stride = Math.max(1, Math.floor(Number(state.st)) || 1);
    if (this.plane.notes.length && !quiet) {
      view.page.notices(this.plane.notes);
      state.s = sliceOf(this.plane);
      view.page.write();
    }
    this.active = this.free()[0] ?? -1;
    this.box = h("div", { class: "slicer" });
    this.build();
    // names and coordinates come later; what somebody uses is left as it is
    meaningOf(ds).ready.then(() => view.closed || this.box.contains(document.activeElement) || this.build());
  }

  free() {
    return this.shape.map((_, i) => i).filter((i) => i !== this.plane.x && i !== this.plane.y);
  }

  build() {
    const names = this.shape.map((n, i) => [i, `${nameOf(this, i).replace(/^Axis (?=\d+$)/, "")} (${n})`]);
    const rows = [];
    if (names.length > (this.two ? 2 : 1)) {
      rows.push(
        h(
          "div",
          { class: "axes" },
          select(this.two ? "Across" : "Along", names, this.plane.x, (value) => this.setAxis("x", value)),
          this.two ? select("Down", names, this.plane.y, (value) => this.setAxis("y", value)) : null,
        ),
      );
    }
    for (const axis of this.free()) rows.push(axisRow(this, axis));
    if (this.free().length) rows.push(strideField(this), ...this.more);
    this.box.replaceChildren(...rows);
    this.box.hidden = !rows.length;
    if (this.playing >= 0 && !this.free().includes(this.playing)) this.stop();
    this.markPlaying();
  }

  rowOf(axis) {
    return this.box.querySelector(`[data-axis="${axis}"]`);
  }

  activate(axis) {
    this.active = axis;
    for (const row of this.box.querySelectorAll(".axis")) row.classList.toggle("active", +row.dataset.axis === axis);
  }

  set(axis, value, final = true) {
    const at = clamp(value, 0, Math.max(this.shape[axis] - 1, 0));
    const row = this.rowOf(axis);
    if (row) {
      row.range.value = at;
      row.number.value = at;
    }
    if (at === this.plane.index[axis] && !final) return;
    this.plane.index[axis] = at;
    if (row) row.place.textContent = placeOf(this, axis);
    this.change(final);
  }

  /** The indices were moved by something else. */
  show(index) {
    for (const axis of this.free()) {
      const { range, number, place } = this.rowOf(axis);
      range.value = number.value = this.plane.index[axis] = index[axis];
      place.textContent = placeOf(this, axis);
    }
  }

  step(by, axis = this.active) {
    if (axis < 0) return;
    this.set(axis, this.plane.index[axis] + by * this.stride, false);
    say(told(this, axis));
  }

  nextAxis(by) {
    const all = this.free();
    if (!all.length) return;
    this.activate(all[(all.indexOf(this.active) + by + all.length) % all.length]);
    say(told(this, this.active));
  }

  setAxis(which, value) {
    const axis = Number(value);
    const other = which === "x" ? "y" : "x";
    if (this.plane[other] === axis) this.plane[other] = this.plane[which];
    this.plane[which] = axis;
    this.active = this.free()[0] ?? -1;
    this.build();
    this.change(true, true);
  }

  swap() {
    if (this.two) this.setAxis("x", this.plane.y);
  }

  /** Axes and indices into the state, what is default left out. */
  note() {
    const { state } = this.view;
    state.x = this.plane.x === this.shape.length - 1 ? "" : String(this.plane.x);
    if (this.two) {
      state.y = "";
      if (plane(state, this.shape, true).y !== this.plane.y) state.y = String(this.plane.y);
    }
    state.s = sliceOf(this.plane);
  }

  /** The dataset has another length; follow: the first axis that is not drawn goes to its end. */
  reshape(shape, follow) {
    this.shape = shape;
    this.plane.index = this.plane.index.map((at, i) => clamp(at, 0, Math.max(shape[i] - 1, 0)));
    const axis = this.free()[0];
    if (follow && axis !== undefined) this.plane.index[axis] = Math.max(shape[axis] - 1, 0);
    this.build();
    this.note();
  }

  play(axis = this.active) {
    if (axis < 0) return;
    this.activate(axis);
    if (this.playing >= 0) {
      this.stop();
      this.change(true);
      return;
    }
    this.playing = axis;
    this.forth = 1;
    this.markPlaying();
    this.retime();
  }

  /** The rate of playing may be another one. */
  retime() {
    clearInterval(this.timer);
    if (this.playing < 0) return;
    this.timer = setInterval(() => this.busy?.() || this.tick(), 1000 / rateOf(this.view.state));
  }

  /* The next slice of a movie, by the loop of the state. */
  tick() {
    const axis = this.playing;
    const { loop } = this.view.state;
    const n = this.shape[axis];
    let next = this.plane.index[axis] + this.forth * this.stride;
    if (loop === "swing" && (next >= n || next < 0)) {
      this.forth = -this.forth;
      next = clamp(this.plane.index[axis] + this.forth * this.stride, 0, n - 1);
    }
    if (loop === "once" && next >= n) this.play(axis);
    else this.set(axis, next % n, false);
  }

  markPlaying() {
    for (const row of this.box.querySelectorAll(".axis"))
      row.playButton.replaceChildren(icon(Number(row.dataset.axis) === this.playing ? "pause" : "play"));
  }

  stop() {
    clearInterval(this.timer);
    this.playing = -1;
    this.markPlaying();
  }

  /** What keys do in every view that has slices. */
  actions() {
    return {
      "[": () => this.step(-1),
      "]": () => this.step(1),
      "{": () => this.nextAxis(-1),
      "}": () => this.nextAxis(1),
    };
  }

  close() {
    clearInterval(this.timer);
  }
}
