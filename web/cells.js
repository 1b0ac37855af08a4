// SPDX-License-Identifier: BSD-3-Clause
// Cells and columns of a table: values as text, widths, names in lists as the server reads them.
import { number } from "./ui.js";

export const SPECIAL = { nan: "NaN", inf: "∞", "-inf": "−∞", nat: "NaT" };
const WIDTHS = { bool: 64, int: 96, float: 110, complex: 170, time: 170, text: 150 };

/** What a number stands for, as text: a name, a moment, a packed number; null: for itself. */
export function meant(value, { kind, names, told }) {
  if (names) return names[value] ?? null;
  if (!told || value == null || (kind !== "int" && kind !== "float")) return null;
  const stored = typeof value === "string" ? BigInt(value) : value; // an integer that no other number holds
  if (told.isNone(stored)) return "–";
  return told.clock || told.scaled ? told.textOf(stored, 6, "") : null;
}

/** A cell as text: integers plain, six digits of reals, a+bi, names, dates, text as text. */
export function cellText(value, column) {
  const { kind } = column;
  if (value == null) return "";
  if (kind === "complex" && value.length === 2)
    return `${number(value[0])}${value[1] < 0 ? "−" : "+"}${number(Math.abs(value[1] ?? 0))}i`;
  if (Array.isArray(value)) return `[${value.map((one) => cellText(one, column)).join(", ")}]`;
  if (kind === "int" || kind === "float")
    return meant(value, column) ?? (kind === "float" ? number(value) : String(value));
  if (kind === "bool") return value ? "true" : "false";
  if (kind === "time") return String(value).replace("T", " ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Columns with what is told of them, by name; those of a plane have the names of the first, and what "" means. */
export function dressed(columns, told, { matrix, ds }) {
  const names = matrix && columns[0]?.names;
  const of = ({ name }) => told?.get(ds.fields.length ? name : "");
  return columns.map((column) => ({ ...column, names: names || column.names, told: of(column) }));
}

/** Units of a column, as they stand in its head; "" none. */
export function unitsOf({ dtype, told }) {
  if (told?.clock) return "";
  return told?.units || /timedelta64\[(.+)\]/.exec(dtype)?.[1] || "";
}

/** Pixels for a column: its values, or its name, an arrow and units. */
export function columnWidth(column) {
  const { kind, name, shape, names, told } = column;
  const longest = names ? Math.min(40, Math.max(...Object.values(names).map((one) => one.length))) * 8 + 20 : 0;
  const values = Math.max(told?.clock ? WIDTHS.time : WIDTHS[kind] || 150, longest);
  const units = unitsOf(column).length;
  return Math.max(values * (shape?.length ? 1.6 : 1), name.length * 8 + 34 + (units ? 7 * units + 8 : 0));
}

/** A name in a list: what is not one plain word stands in backticks. */
export const listed = (name) => (/^[\w.\u0080-\uffff]+$/.test(name) ? name : `\`${name}\``);

/** The names of a list: [{name, down}]; down: with a minus before it. */
export function namesOf(list) {
  return [...list.matchAll(/\s*(-?)\s*(?:`([^`]*)`|([^,`]+))/g)].map(([, minus, quoted, plain]) => ({
    name: quoted ?? plain.trim(),
    down: minus === "-",
  }));
}
