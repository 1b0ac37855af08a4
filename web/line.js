// SPDX-License-Identifier: BSD-3-Clause
// A line along one axis: the server sends least and greatest of each pixel, zooming asks anew.
import { encode, numbers, query } from "./api.js";
import { Plot } from "./plot.js";
import { Slicer } from "./slicer.js";
import { plane, sliceOf } from "./state.js";
import { plotTable, statsPanel, tableButton } from "./tables.js";
import { button, clamp, debounce, errorCard, h, select } from "./ui.js";

export class LineView {
  constructor(page, box) {
    Object.assign(this, { page, ds: page.ds, state: page.state });
    this.plane = plane(this.state, this.ds.shape, false);
    page.notices(this.plane.notes);
    this.slicer = new Slicer(this.ds.shape, this.plane, {
      two: false,
      change: (final, axes) => this.sliced(axes),
      stride: Number(this.state.st),
      strides: (value) => {
        this.state.st = String(value);
        this.page.write(true);
      },
    });
    this.slicer.busy = () => Boolean(this.run);
    this.frame = h("div", { class: "frame line" });
    this.problem = h("div", { class: "problem", hidden: true });
    this.readout = h("output", { class: "readout", "aria-live": "polite" }, " ");
    this.badge = h(
      "span",
      { class: "badge", hidden: true, title: "Too much data for one look: a sample is shown" },
      "approximate",
    );
    this.frame.append(this.problem);
    box.replaceChildren(
      this.toolbar(),
      this.slicer.box,
      this.frame,
      h("div", { class: "under" }, this.readout, this.badge),
    );
    const n = this.length();
    const [a, b] = this.state.box.split(",").map(Number);
    this.window = b > a ? { x0: a, x1: b } : { x0: 0, x1: Math.max(n, 1) };
    this.watch = new ResizeObserver(() => {
      if (this.plot && this.width !== this.frame.clientWidth) {
        this.width = this.frame.clientWidth;
        this.plot.draw();
        this.later();
      }
    });
    this.watch.observe(this.frame);
    this.onTheme = () => this.plot?.draw();
    document.addEventListener("theme", this.onTheme);
    this.later = debounce(() => this.load(), 120);
    this.load();
  }

  length() {
    return this.ds.shape[this.plane.x];
  }

  toolbar() {
    const complex = /complex/.test(this.ds.dtype);
    this.scaleChoice = select(
      "Scale",
      [
        ["linear", "Linear"],
        ["log", "Log"],
      ],
      this.state.sc === "log" ? "log" : "linear",
      (value) => this.scale(value),
    );
    return h(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Line" },
      this.scaleChoice,
      complex
        ? select(
            "Part",
            [
              ["abs", "Magnitude"],
              ["phase", "Phase"],
              ["re", "Real"],
              ["im", "Imaginary"],
            ],
            this.state.part || "abs",
            (value) => {
              this.state.part = value;
              this.page.write(true);
              this.load();
            },
          )
        : null,
      this.ds.fields.length
        ? select(
            "Field",
            this.ds.fields.map((field) => [field.name, field.name]),
            this.state.field,
            (value) => {
              this.state.field = value;
              this.page.write(true);
              this.load();
            },
          )
        : null,
      h("span", { class: "gap" }),
      button("minus", "Zoom out", () => this.zoom(2), "-"),
      button("plus", "Zoom in", () => this.zoom(0.5), "+"),
      button("fit", "Whole line", () => this.fit(), "0"),
      button("sum", "Statistics and histogram", () => this.statsTable(), "s"),
      tableButton(() => this.plot && plotTable(this.plot, `Line of [${this.part(":")}]`)),
      button("full", "Full screen", () => this.page.fullScreen(), "f"),
    );
  }

  url(px) {
    const { x0, x1 } = this.window;
    const n = this.length();
    const pad = this.window.x1 - this.window.x0 < n ? 1 : 0;
    this.from = clamp(Math.floor(x0) - pad, 0, n);
    this.count = clamp(Math.ceil(x1) + pad, 0, n) - this.from;
    const slice = this.part(this.count === n ? ":" : `${this.from}:${this.from + this.count}`);
    return `/api/line/${encode(this.ds.path)}${query({ slice_: slice, px, ...this.common() })}`;
  }

  /* The slice with this part of the axis. */
  part(text) {
    return this.plane.index.map((at, i) => (i === this.plane.x ? text : at)).join(",");
  }

  common() {
    const field =
      this.state.field || this.ds.fields.find((one) => /int|float|bool|^[<>|]?[iufb]/.test(one.dtype))?.name;
    return { v: this.ds.etag, part: this.state.part, field: this.ds.fields.length ? field : null };
  }

  async load() {
    this.run?.abort();
    this.problem.hidden = true;
    const run = (this.run = new AbortController());
    this.frame.classList.add("busy");
    try {
      const px = clamp(Math.round((this.frame.clientWidth - 72) * Math.min(devicePixelRatio, 2)), 100, 4096);
      const url = this.url(px);
      const { from, count } = this;
      const line = await numbers(url, { signal: run.signal });
      if (run !== this.run) return;
      this.problem.hidden = true;
      this.badge.hidden = !line.headers.get("X-Approx");
      if (this.plot) this.plot.take(line, count, from);
      else this.makePlot(line, count, from);
      this.plot.window = { ...this.window };
      this.plot.log = this.state.sc === "log";
      this.plot.draw();
      const label = `Line of ${this.ds.path} [${sliceOf(this.plane, true)}], items ${from} to ${from + count}, values from ${this.plot.lo} to ${this.plot.hi}`;
      this.plot.canvas.setAttribute("aria-label", label);
      this.plot.canvas.dataset.drawn = sliceOf(this.plane, true);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.problem.hidden = false;
      this.problem.replaceChildren(errorCard(error, () => this.load()));
    } finally {
      if (run === this.run) {
        this.run = null;
        this.frame.classList.remove("busy");
      }
    }
  }

  makePlot(line, count, from) {
    this.plot = new Plot("", line, count, from);
    const { canvas } = this.plot;
    canvas.tabIndex = 0;
    canvas.classList.add("main");
    this.frame.prepend(canvas);
    this.width = this.frame.clientWidth;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(clamp(event.deltaY, -200, 200) / 300), this.plot.at(event.clientX)?.x);
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, ...this.window, box: event.shiftKey };
    });
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => {
      this.drag = null;
    });
    canvas.addEventListener("dblclick", (event) => this.zoom(0.5, this.plot.at(event.clientX)?.x));
    canvas.addEventListener("pointerleave", () => {
      this.readout.textContent = " ";
    });
  }

  move(event) {
    const found = this.plot.at(event.clientX);
    this.readout.textContent = found
      ? `[${this.plane.index.map((at, i) => (i === this.plane.x ? found.index : at)).join(",")}] = ${found.text}`
      : " ";
    if (!this.drag) return;
    const { left, right } = this.plot.frame.box;
    const by = ((this.drag.x - event.clientX) / (right - left)) * (this.drag.x1 - this.drag.x0);
    this.show(this.drag.x0 + by, this.drag.x1 + by);
  }

  zoom(factor, at = (this.window.x0 + this.window.x1) / 2) {
    const { x0, x1 } = this.window;
    this.show(at - (at - x0) * factor, at + (x1 - at) * factor);
  }

  show(x0, x1) {
    const n = this.length();
    const wide = clamp(x1 - x0, Math.min(4, n), n);
    const left = clamp(x0, 0, n - wide);
    this.window = { x0: left, x1: left + wide };
    this.state.box = wide >= n ? "" : `${Math.round(left)},${Math.round(left + wide)}`;
    this.page.write();
    if (this.plot) {
      this.plot.window = { ...this.window };
      this.plot.draw();
    }
    this.later();
  }

  fit() {
    this.show(0, this.length());
  }
  scale(value) {
    this.state.sc = value;
    this.scaleChoice.querySelector("select").value = value;
    this.page.write(true);
    if (this.plot) {
      this.plot.log = value === "log";
      this.plot.draw();
    }
  }

  sliced(axes) {
    this.state.x = this.plane.x === this.ds.shape.length - 1 ? "" : String(this.plane.x);
    this.state.s = sliceOf(this.plane);
    if (axes) {
      this.state.box = "";
      this.window = { x0: 0, x1: this.length() };
    }
    this.page.write(axes);
    this.load();
  }

  refresh(follow) {
    const whole = this.state.box === "";
    const wide = this.window.x1 - this.window.x0;
    this.slicer.shape = this.ds.shape;
    this.plane.index = this.plane.index.map((at, i) => clamp(at, 0, this.ds.shape[i] - 1));
    this.slicer.build();
    if (whole) this.window = { x0: 0, x1: this.length() };
    else if (follow) this.window = { x0: this.length() - wide, x1: this.length() };
    this.load();
  }

  statsTable() {
    statsPanel(
      `Statistics of [${this.part(":")}]`,
      `/api/stats/${encode(this.ds.path)}${query({ slice_: this.part(":"), ...this.common() })}`,
    );
  }

  /** Esc: what is on its way is not wanted any more. */
  cancel() {
    if (!this.run) return false;
    this.run.abort();
    this.problem.hidden = false;
    this.problem.replaceChildren(errorCard(new Error("stopped before all of it was here"), () => this.load()));
    return true;
  }

  key(event) {
    const wide = this.window.x1 - this.window.x0;
    const act = {
      "[": () => this.slicer.step(-1),
      "]": () => this.slicer.step(1),
      "{": () => this.slicer.nextAxis(-1),
      "}": () => this.slicer.nextAxis(1),
      PageUp: () => this.slicer.step(-10),
      PageDown: () => this.slicer.step(10),
      "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5),
      "-": () => this.zoom(2),
      0: () => this.fit(),
      l: () => this.scale(this.state.sc === "log" ? "linear" : "log"),
      s: () => this.statsTable(),
    }[event.key];
    if (act) {
      act();
      return true;
    }
    const pan = { ArrowLeft: -0.1, ArrowRight: 0.1 }[event.key];
    if (
      !pan ||
      !(event.target.matches?.("canvas.plot") || event.target === document.body || event.target.id === "main")
    )
      return false;
    this.show(this.window.x0 + pan * wide, this.window.x1 + pan * wide);
    return true;
  }

  keys() {
    return [
      [
        "Line",
        [
          ["[ ]", "slice back, forward"],
          ["+ - 0", "zoom in, out, whole line"],
          ["← →", "pan"],
          ["l", "linear or log"],
          ["s", "statistics"],
        ],
      ],
    ];
  }
  slice() {
    return sliceOf(this.plane, true);
  }
  close() {
    this.run?.abort();
    this.slicer.close();
    this.watch.disconnect();
    document.removeEventListener("theme", this.onTheme);
  }
}
