// SPDX-License-Identifier: BSD-3-Clause
// A second slice or dataset beside the picture, and their difference, under one window and one range.
import { Latest } from "./api.js";
import { button, clamp, h, panel } from "./ui.js";
import { describe, pageOf } from "./describe.js";
import { Difference, Plane } from "./tiles.js";

export class Compare {
  /** view: the heat map; changed(): the panes are other ones. */
  constructor(view, changed) {
    Object.assign(this, { view, changed, other: null, flight: new Latest() });
    this.note = h("div", { hidden: true });
  }

  get labels() {
    return this.other ? [this.other.label, "difference"] : [];
  }

  /** text: "3,:,:", or root/path of a dataset. */
  async start(text) {
    const { view } = this;
    const same = /^[-\d:,\s]+$/.test(text);
    const signal = this.flight.next();
    this.note.hidden = true;
    try {
      const ds = same ? view.ds : describe(await pageOf(text, signal));
      if (signal.aborted) return;
      this.fits(ds, same ? text.split(",") : null);
      this.other = { ds, label: same ? `[${text}]` : text, fixed: same ? text.split(",") : null };
      this.changed();
    } catch (error) {
      if (!signal.aborted) this.refuse(error);
    }
  }

  fits({ path, shape }, fixed) {
    const {
      ds,
      plane: { x, y },
    } = this.view;
    if (fixed && fixed.length !== shape.length)
      throw new Error(`the slice has ${fixed.length} axes, the dataset ${shape.length}`);
    if (shape.length !== ds.shape.length || shape[x] !== ds.shape[x] || shape[y] !== ds.shape[y])
      throw new Error(
        `shapes do not match: ${path} is ${shape.join(" × ") || "a scalar"}, this is ${ds.shape.join(" × ")}. ` +
          `Axes ${y} and ${x}, which are shown, must be as long in both`,
      );
  }

  refuse(error) {
    const { view } = this;
    view.state.cmp = "";
    view.page.write();
    this.note.hidden = false;
    this.note.replaceChildren(
      h(
        "div",
        { class: "card error", role: "alert" },
        h("p", {}, h("strong", {}, "Cannot compare: "), `${error.message}.`),
        h("button", { type: "button", onclick: () => this.ask() }, "Choose another"),
        " ",
        h(
          "button",
          {
            type: "button",
            onclick: () => {
              this.note.hidden = true;
            },
          },
          "Dismiss",
        ),
      ),
    );
  }

  stop() {
    this.flight.stop();
    this.other = null;
    this.view.option("cmp", "");
    this.changed();
  }

  ask() {
    const { view } = this;
    const many = view.ds.shape.length > 2;
    if (this.other) {
      this.stop();
      return;
    }
    this.note.hidden = true;
    const input = h("input", {
      type: "text",
      id: "cmp",
      placeholder: many ? "3,:,: or root/path.b2nd" : "root/path.b2nd",
      autocomplete: "off",
    });
    panel(
      "Compare with",
      h(
        "form",
        {
          method: "dialog",
          onsubmit: () => {
            const text = input.value.trim();
            if (text) {
              view.option("cmp", text);
              this.start(text);
            }
          },
        },
        h(
          "p",
          {},
          h(
            "label",
            { for: "cmp" },
            many
              ? "Another slice of this dataset, or another dataset of the same shape"
              : "Another dataset of the same shape",
          ),
        ),
        h("p", { class: "find" }, input, h("button", {}, "Compare")),
      ),
    );
    input.focus();
  }

  button() {
    return button("compare", "Compare", () => this.ask(), "m");
  }

  /** What the panes beside a aim at. */
  beside(a) {
    if (!this.other) return [];
    const { ds, fixed } = this.other;
    const { plane, state } = this.view;
    const index = plane.index.map((at, i) =>
      fixed ? clamp(Number(fixed[i]) || 0, 0, ds.shape[i] - 1) : clamp(at, 0, ds.shape[i] - 1),
    );
    const b = new Plane(ds, { ...plane, index }, state);
    return [b, new Difference(a, b)];
  }

  close() {
    this.flight.stop();
  }
}
