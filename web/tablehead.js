// SPDX-License-Identifier: BSD-3-Clause
// The head of a table: names that sort, units; or steps over the columns of a plane.
import { listed, namesOf, unitsOf } from "./cells.js";
import { button, h } from "./ui.js";

/* Rising, falling, as stored. */
function sortButton(view, name, down) {
  const next = { undefined: listed(name), false: `-${listed(name)}`, true: "" }[down];
  const arrow = { true: " ▼", false: " ▲" }[down];
  return h("button", { type: "button", class: "bare", onclick: () => view.sortBy(next) }, name, arrow);
}

const columnSteps = (view) =>
  h(
    "span",
    {},
    button("left", "Columns before", () => view.stepColumns(-1)),
    button("right", "Columns after", () => view.stepColumns(1)),
  );

/** The cells of the head of a TableView; steps: not all columns of its plane are there. */
export function tableHeads(view, columns, steps) {
  const sorts = new Map(namesOf(view.state.sort).map(({ name, down }) => [name, down]));
  const head = (column, i) => {
    const { name, dtype } = column;
    const units = view.matrix ? "" : unitsOf(column);
    const down = sorts.get(name);
    const order = down == null ? null : down ? "descending" : "ascending";
    const how = { class: "th", role: "columnheader", "aria-colindex": i + 2, "aria-sort": order, title: dtype };
    const note = units ? [" ", h("span", { class: "units" }, units)] : null;
    return h("div", how, view.matrix ? name : sortButton(view, name, down), note);
  };
  const first = h("div", { class: "th", role: "columnheader" }, steps ? columnSteps(view) : "Row");
  return [first, ...columns.map(head)];
}
