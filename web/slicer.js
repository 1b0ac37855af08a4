// SPDX-License-Identifier: BSD-3-Clause
// Which axes are drawn, and where on the others: choices, sliders, steps, playing.
import { button, clamp, h, icon, select } from "./ui.js";

export class Slicer {
  /** two: axes x and y, else x alone. change(final) is called when plane was changed. */
  constructor(shape, plane, { two, change, stride = 1, strides }) {
    Object.assign(this, {
      shape,
      plane,
      two,
      change,
      strides,
      stride: Math.max(1, Math.floor(stride) || 1),
      timer: 0,
    });
    this.active = this.free()[0] ?? -1;
    this.box = h("div", { class: "slicer" });
    this.build();
  }

  free() {
    return this.shape.map((_, i) => i).filter((i) => i !== this.plane.x && i !== this.plane.y);
  }

  build() {
    const names = this.shape.map((n, i) => [i, `${i} (${n})`]);
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
    for (const axis of this.free()) rows.push(this.row(axis));
    if (this.strides && this.free().length) rows.push(this.strideField());
    this.box.replaceChildren(...rows);
    this.box.hidden = !rows.length;
  }

  row(axis) {
    const last = Math.max(this.shape[axis] - 1, 0);
    const at = this.plane.index[axis];
    const id = `axis${axis}`;
    const set = (value, final) => this.set(axis, value, final);
    const range = h("input", {
      type: "range",
      min: 0,
      max: last,
      value: at,
      "aria-label": `Axis ${axis}`,
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
    const play = button("play", `Play axis ${axis}`, () => this.play(axis), "Space");
    const row = h(
      "div",
      {
        class: "axis",
        "data-axis": axis,
        onfocusin: () => this.activate(axis),
        onpointerdown: () => this.activate(axis),
      },
      h("label", { for: id }, `Axis ${axis}`),
      button("left", `Axis ${axis} back`, () => this.step(-1, axis), "["),
      range,
      button("right", `Axis ${axis} forward`, () => this.step(1, axis), "]"),
      number,
      h("span", { class: "small" }, `of ${this.shape[axis]}`),
      play,
    );
    row.classList.toggle("active", axis === this.active);
    Object.assign(row, { range, number, playButton: play });
    return row;
  }

  strideField() {
    const take = (event) => {
      this.stride = Math.max(1, Math.round(+event.target.value) || 1);
      event.target.value = this.stride;
      this.strides(this.stride);
    };
    return h(
      "span",
      { class: "pair stride" },
      h("label", { for: "stride" }, "Step"),
      h("input", {
        type: "number",
        id: "stride",
        min: 1,
        value: this.stride,
        title: "How far a step of the arrows, of [ ] and of playing goes",
        onchange: take,
      }),
    );
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
    this.change(final);
  }

  step(by, axis = this.active) {
    if (axis >= 0) this.set(axis, this.plane.index[axis] + by * this.stride, false);
  }

  nextAxis(by) {
    const all = this.free();
    if (all.length) this.activate(all[(all.indexOf(this.active) + by + all.length) % all.length]);
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

  play(axis = this.active) {
    if (axis < 0) return;
    this.activate(axis);
    const stop = this.timer;
    clearInterval(this.timer);
    this.timer = 0;
    for (const row of this.box.querySelectorAll(".axis")) row.playButton.replaceChildren(icon("play"));
    if (stop) {
      this.change(true);
      return;
    }
    this.rowOf(axis)?.playButton.replaceChildren(icon("pause"));
    this.timer = setInterval(() => {
      if (!this.busy?.()) this.set(axis, (this.plane.index[axis] + this.stride) % this.shape[axis], false);
    }, 100);
  }

  close() {
    clearInterval(this.timer);
  }
}
