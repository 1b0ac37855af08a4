// SPDX-License-Identifier: BSD-3-Clause
// What stands above a table: filter, row to go to, fields, and the place of an error in the filter; and its head:
// names that sort, units, or steps over the columns of a plane.
import { listed, namesOf, unitsOf } from "./cells.js";
import { button, copy, h, panel } from "./ui.js";

const submitted = (act) => (event) => {
  event.preventDefault();
  act();
};

function whereForm(view) {
  const { fields } = view.ds;
  view.where = h("input", {
    type: "text",
    id: "where",
    value: view.state.where,
    placeholder: fields.length ? `e.g. ${listed(fields[0].name)} > 10 & …` : "value > 10",
    spellcheck: "false",
    autocomplete: "off",
  });
  const clear = () => {
    view.where.value = "";
    view.filter("");
  };
  return h(
    "form",
    { class: "pair where", onsubmit: submitted(() => view.filter(view.where.value.trim())) },
    h("label", { for: "where" }, "Where"),
    view.where,
    h("button", {}, "Filter"),
    h("button", { type: "button", class: "bare", onclick: clear }, "Clear"),
  );
}

function rowForm(view) {
  view.go = h("input", { type: "number", id: "row", min: 0, value: view.state.row || 0 });
  return h(
    "form",
    { class: "pair", onsubmit: submitted(() => view.grid.goTo(Number(view.go.value) || 0)) },
    h("label", { for: "row" }, "Row"),
    view.go,
    h("button", {}, "Go"),
  );
}

/* Which fields are shown. */
function fieldPanel({ ds, state, again }) {
  const all = ds.fields.map((field) => field.name);
  const shown = state.f ? namesOf(state.f).map(({ name }) => name) : all;
  const boxes = ds.fields.map((field, i) =>
    h(
      "li",
      {},
      h("input", { type: "checkbox", id: `field${i}`, value: field.name, checked: shown.includes(field.name) }),
      h("label", { for: `field${i}` }, `${field.name} `, h("span", { class: "small" }, field.dtype)),
    ),
  );
  const take = (event) => {
    const picked = [...event.target.querySelectorAll("input:checked")].map((one) => one.value);
    state.f = picked.length === all.length ? "" : picked.map(listed).join(",");
    again();
  };
  const form = { method: "dialog", onsubmit: take };
  panel("Fields", h("form", form, h("ul", { class: "fields" }, boxes), h("button", {}, "Show")));
}

/** Above a table; planes of an array are neither filtered nor have fields. */
export function tableTools(view) {
  const { matrix, ds, state } = view;
  const again = () => view.again();
  const fields = { type: "button", class: "tool", onclick: () => fieldPanel({ ds, state, again }) };
  return h(
    "div",
    { class: "toolbar", role: "group", "aria-label": "Table" },
    matrix ? null : whereForm(view),
    rowForm(view),
    !matrix && ds.fields.length ? h("button", fields, "Fields") : null,
    h("span", { class: "gap" }),
    button("sum", "Statistics and histogram", () => view.statistics(), "s"),
    button("copy", "Copy what is shown (TSV)", () => copy(view.grid.text, "Rows")),
    button("full", "Full screen", () => view.page.fullScreen(), "f"),
  );
}

/** A filter with the place where it ends to be one; position counts its bytes. */
export function filterError(message, text, position) {
  if (position == null) return [message];
  const before = new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, position));
  const [wrong = " "] = text.slice(before.length);
  const rest = text.slice(before.length + wrong.length);
  return [message, h("code", {}, before, h("mark", {}, wrong), rest, "\n", `${" ".repeat([...before].length)}^`)];
}

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
