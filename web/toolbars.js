// SPDX-License-Identifier: BSD-3-Clause
// The buttons and choices above pictures and lines.
import { SCALES } from "./colour.js";
import { tableButton } from "./tables.js";
import { button, h, select } from "./ui.js";

export const MAPS = ["viridis", "magma", "inferno", "plasma", "cividis", "turbo", "grey", "rdbu", "phase"];
const PARTS = [
  ["abs", "Magnitude"],
  ["phase", "Phase"],
  ["re", "Real"],
  ["im", "Imaginary"],
];
const MARKS = [
  ["", "Lines"],
  ["points", "Points"],
  ["both", "Both"],
];

const toolbar = (label, ...tools) => h("div", { class: "toolbar", role: "toolbar", "aria-label": label }, tools);

/** Which number of complex ones, which field of records; take(name of the state, value). */
function valueChoices({ ds, state }, take) {
  const fields = ds.fields.map((field) => [field.name, field.name]);
  return [
    /complex|c8|c16/.test(ds.dtype)
      ? select("Part", PARTS, state.part || "abs", (value) => take("part", value))
      : null,
    fields.length ? select("Field", fields, state.field, (value) => take("field", value)) : null,
  ];
}

const statistics = (view) => button("sum", "Statistics and histogram", () => view.statsTable(), "s");
const fullScreen = (view) => button("full", "Full screen", () => view.page.fullScreen(), "f");

/** Values of a picture's state that are no step to go back to. */
export function adopt(view, values) {
  Object.assign(view.state, values);
  for (const [name, value] of Object.entries(values)) {
    const choice = view.choices[name]?.querySelector("select");
    if (choice) choice.value = value;
  }
  view.page.write();
}

/* view.choices are the lists that keys change too, by the name of their state. */
function colourChoices(view, take) {
  const { cm, sc } = view.state;
  const maps = MAPS.map((name) => [name, name]);
  view.choices = {
    cm: select("Colours", maps, cm, (value) => take("cm", value)),
    sc: select("Scale", SCALES, sc, (value) => take("sc", value)),
  };
  return [...Object.values(view.choices), valueChoices(view, take)];
}

/** Above the three planes of a volume. */
export function volumeTools(view) {
  const { slicer } = view;
  const take = (name, value) => view.option(name, value);
  const free = slicer.free().map((axis) => [axis, String(axis)]);
  return toolbar(
    "Volume",
    colourChoices(view, take),
    free.length > 1 ? select("Depth", free, view.third, (value) => take("z", value)) : null,
    button("invert", "Invert colours", () => view.toggle("inv"), "i"),
    button("auto", "Autoscale", () => view.colouring.autoscale(), "a"),
    button("fit", "Fit", () => view.fit(), "0"),
    button("region", "Region of interest", () => view.region(), "o"),
    button("movie", "Movie", () => view.movie(), "v"),
    fullScreen(view),
  );
}

/** Above a picture. */
export function pictureTools(view) {
  const { state, slicer, viewport } = view;
  const take = (name, value) => {
    if (name === "part")
      adopt(view, { cm: value === "phase" ? "phase" : state.cm === "phase" ? "viridis" : state.cm });
    view.option(name, value);
  };
  const exact = { type: "button", class: "tool bare", title: "One item a pixel (1:1)" };
  return toolbar(
    "Picture",
    colourChoices(view, take),
    button("invert", "Invert colours", () => view.toggle("inv"), "i"),
    button("auto", "Autoscale", () => view.colouring.autoscale(), "a"),
    h("span", { class: "gap" }),
    button("minus", "Zoom out", () => viewport.zoom(1.5), "-"),
    button("plus", "Zoom in", () => viewport.zoom(1 / 1.5), "+"),
    button("fit", "Fit", () => viewport.fit(), "0"),
    h("button", { ...exact, onclick: () => viewport.oneToOne() }, "1:1"),
    button("profile", "Profiles through a point", () => view.toggle("prof"), "p"),
    button("region", "Region of interest", () => view.extras.region.toggle(), "o"),
    button("movie", "Movie", () => view.extras.movie(), "v"),
    button("swap", "Swap the axes", () => slicer.swap(), "x"),
    view.comparison.button(),
    statistics(view),
    tableButton(() => view.asTable()),
    fullScreen(view),
  );
}

/** Above a line. */
export function lineTools(view) {
  const { state } = view;
  const scales = SCALES.slice(0, 2);
  view.scaleChoice = select("Scale", scales, state.sc === "log" ? "log" : "linear", (value) => view.scale(value));
  return toolbar(
    "Line",
    view.scaleChoice,
    valueChoices(view, (name, value) => view.option(name, value)),
    select("Draw", MARKS, state.mk, (value) => view.option("mk", value)),
    button("compare", "More lines, x, errors", () => view.choose(), "m"),
    h("span", { class: "gap" }),
    button("minus", "Zoom out", () => view.zoom(2), "-"),
    button("plus", "Zoom in", () => view.zoom(0.5), "+"),
    button("fit", "Whole line", () => view.fit(), "0"),
    statistics(view),
    tableButton(() => view.stack.table()),
    fullScreen(view),
  );
}
