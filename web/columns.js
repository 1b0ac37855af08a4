// SPDX-License-Identifier: BSD-3-Clause
// What the columns of a table mean: units, times as dates, packed numbers; and statistics of one of them.
import { encode, exactJson, query } from "./api.js";
import { Quantity } from "./meaning.js";
import { statsPanel } from "./tables.js";
import { h, panel, select } from "./ui.js";

/** By column name, "" of an array without fields: a Quantity. */
export async function meaningOf(ds, signal) {
  const known = new Map();
  const { signal: plotted, columns = [], path } = await exactJson(`/api/meaning/${encode(ds.path)}`, { signal });
  for (const column of columns) known.set(column.name, new Quantity(column));
  if (!ds.fields.length && plotted?.path === path) known.set("", new Quantity(plotted, ds.dtype));
  return known;
}

const NUMBERS = ["int", "float", "bool", "span", "complex", "time"];

/** Of a TableView: statistics of a column of the rows that are shown, or of those in sight. */
export function askStatistics(view) {
  const { ds, state, grid } = view;
  const { columns } = grid;
  const base = `/api/stats/${encode(ds.path)}`;
  if (view.matrix) {
    statsPanel(`Statistics of [${view.slice()}]`, base + query({ slice_: view.slice(), v: ds.etag }));
    return;
  }
  const [first, last] = grid.labels();
  const active = columns[grid.active.column]?.name;
  const numbers = columns.filter(({ kind, shape }) => NUMBERS.includes(kind) && !shape?.length);
  const where = state.where ? ` where ${state.where}` : "";
  const show = (name, part) => {
    const { kind, dtype, told } = numbers.find((one) => one.name === name);
    const quantity = kind === "time" ? new Quantity({}, dtype) : told;
    const dated = quantity?.clock && ((value) => quantity.textOf(value));
    const spread = dated ? "The standard deviation is in the units of the stored numbers." : "";
    const title = `Statistics of ${name}${where}${part ? `, rows ${first} to ${last}` : ""}`;
    const slice_ = part ? `${first}:${last + 1}` : ":";
    const field = ds.fields.length ? name : null;
    statsPanel(title, base + query({ slice_, field, where: state.where || null, v: ds.etag }), spread, dated);
  };
  if (!numbers.length) {
    panel("Statistics", h("p", {}, "No column has numbers."));
    return;
  }
  const chosen = { name: (numbers.find(({ name }) => name === active) || numbers[0]).name, part: "" };
  const names = numbers.map(({ name }) => [name, name]);
  const parts = [["", state.where ? "All rows that match" : "All rows"]];
  if (!state.sort) parts.push(["sight", `Rows in sight, ${first} to ${last}`]);
  const how = {
    class: "find",
    onsubmit: (event) => {
      event.preventDefault();
      show(chosen.name, chosen.part);
    },
  };
  panel(
    "Statistics",
    h(
      "form",
      how,
      select("Column", names, chosen.name, (name) => Object.assign(chosen, { name })),
      select("Rows", parts, "", (part) => Object.assign(chosen, { part })),
      h("button", {}, "Show"),
    ),
  );
}
