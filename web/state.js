// SPDX-License-Identifier: BSD-3-Clause
// The address is the state: what is shown follows from it, and changes are written back.
import { encodeValue } from "./api.js";
import { clamp, throttle } from "./ui.js";

const DEFAULTS = {
  tab: "view",
  v: "",
  x: "",
  y: "",
  s: "",
  cm: "viridis",
  sc: "linear",
  inv: "",
  auto: "",
  lo: "",
  hi: "",
  box: "",
  row: "",
  f: "",
  sort: "",
  where: "",
  part: "",
  agg: "",
  field: "",
  prof: "",
  cmp: "",
  st: "1",
  raw: "",
  col: "",
  xof: "",
  err: "",
  add: "",
  mk: "",
  apart: "",
  embed: "",
  g: "",
  over: "",
  roi: "",
  fps: "",
  loop: "",
  at: "",
  z: "",
  order: "",
};
const WORDS = {
  tab: ["view", "table", "meta", "chunks"],
  v: ["", "heat", "line", "matrix", "table", "rgb", "tomo", "text", "hex", "value", "volume"],
  sc: ["linear", "log", "symlog", "sqrt"],
  part: ["", "abs", "re", "im", "phase"],
  agg: ["", "mean", "max", "min", "nearest"],
  auto: ["", "robust"],
  inv: ["", "1"],
  prof: ["", "1"],
  raw: ["", "1"],
  mk: ["", "points", "both"],
  apart: ["", "1"],
  embed: ["", "1"],
  loop: ["", "once", "swing"],
  order: ["", "rgb", "bgr"],
};

/** State of an address; what it cannot mean is left out and named in notes. */
export function parse(search, hash = "") {
  const state = { ...DEFAULTS };
  const notes = [];
  const params = new URLSearchParams(search);
  for (const key of Object.keys(DEFAULTS)) {
    const value = params.get(key);
    if (value == null) continue;
    if (WORDS[key] && !WORDS[key].includes(value)) notes.push(`${key}=${value} is not known`);
    else state[key] = value;
  }
  if (hash === "#metadata") state.tab = "meta"; // the tabs of old links
  return { state, notes, roots: params.getAll("roots"), search: params.get("search") || "" };
}

/** Address of a state, defaults left out. */
export function format(path, state, keep = "") {
  const parts = Object.keys(DEFAULTS)
    .filter((key) => state[key] !== "" && state[key] != null && String(state[key]) !== DEFAULTS[key])
    .map((key) => `${key}=${encodeValue(state[key])}`);
  const kept = new URLSearchParams(keep);
  for (const key of [...kept.keys()]) if (key !== "roots" && key !== "search") kept.delete(key);
  const query = [...parts, kept.toString()].filter(Boolean).join("&");
  return path + (query ? `?${query}` : "");
}

const replace = throttle((url) => history.replaceState(null, "", url), 200);

/** What waits to be written is of a page that is left: it is not written. */
export function forget() {
  replace.cancel();
}
/** Write what waits to be written. */
export function settle() {
  replace.flush();
}

/** Write the state to the address; big steps are ones to go back to. */
export function write(state, step = false) {
  const url = format(location.pathname, state, location.search);
  if (step && url !== location.pathname + location.search) {
    replace.cancel();
    history.pushState(null, "", url);
  } else replace(url);
}

/** Axes and indices of a view of ndim axes: {x, y, index[]}; notes when something had to give. */
export function plane(state, shape, two) {
  const ndim = shape.length;
  const notes = [];
  const axis = (text, fallback) => {
    if (text === "" || text == null) return fallback;
    const n = Number(text);
    if (Number.isInteger(n) && n >= 0 && n < ndim) return n;
    notes.push(`there is no axis ${text}`);
    return fallback;
  };
  let x = axis(state.x, ndim - 1);
  let y = two ? axis(state.y, x === ndim - 1 ? ndim - 2 : ndim - 1) : -1;
  if (two && x === y) {
    notes.push("one axis cannot be both");
    x = ndim - 1;
    y = ndim - 2;
  }
  const parts = state.s ? state.s.split(",") : [];
  if (state.s && parts.length !== ndim) notes.push(`the slice ${state.s} does not have ${ndim} axes`);
  const index = shape.map((n, i) => {
    const text = parts.length === ndim ? parts[i].trim() : "";
    if (i === x || i === y || text === "" || text === ":") return 0;
    const value = Number(text);
    if (!Number.isInteger(value)) {
      notes.push(`${text} is not an index`);
      return 0;
    }
    const at = clamp(value < 0 ? value + n : value, 0, Math.max(n - 1, 0));
    if (at !== (value < 0 ? value + n : value)) notes.push(`axis ${i} has ${n} items: ${value} became ${at}`);
    return at;
  });
  return { x, y, index, notes };
}

/** "5,:,:" of a plane; "" when all indices are 0. */
export function sliceOf({ x, y, index }, always = false) {
  if (!always && index.every((at, i) => at === 0 || i === x || i === y)) return "";
  return index.map((at, i) => (i === x || i === y ? ":" : at)).join(",");
}
