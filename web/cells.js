// SPDX-License-Identifier: BSD-3-Clause
// Cells and columns of a table: values as text, widths, names in lists as the server reads them.
import { number } from "./ui.js";

export const SPECIAL = { nan: "NaN", inf: "∞", "-inf": "−∞", nat: "NaT" };
const WIDTHS = { bool: 64, int: 96, float: 110, complex: 170, time: 170, text: 150 };

/** A cell as text: integers plain, six digits of reals, a+bi, text as text. */
export function cellText(value, kind) {
  if (value == null) return "";
  if (kind === "complex" && value.length === 2)
    return `${number(value[0])}${value[1] < 0 ? "−" : "+"}${number(Math.abs(value[1] ?? 0))}i`;
  if (Array.isArray(value)) return `[${value.map((one) => cellText(one, kind)).join(", ")}]`;
  if (kind === "float") return number(value);
  if (kind === "bool") return value ? "true" : "false";
  if (kind === "time") return String(value).replace("T", " ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Pixels for a column: its values, or its name and an arrow. */
export function columnWidth({ kind, name, shape }) {
  return Math.max((WIDTHS[kind] || 150) * (shape?.length ? 1.6 : 1), name.length * 8 + 34);
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
