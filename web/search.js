// SPDX-License-Identifier: BSD-3-Clause
// The search field: what it finds takes the place of the tree.
import { Latest, encode, json, query } from "./api.js";
import * as tree from "./tree.js";
import { debounce, h, icon } from "./ui.js";

const OF_A_ROOT = 50;
const SHOWN = 100;
const flight = new Latest();
const input = document.getElementById("search");
const box = h("div", { id: "found", hidden: true });

async function ofRoot(name, text, signal) {
  try {
    return await json(`/api/tree/${encodeURIComponent(name)}${query({ q: text, limit: OF_A_ROOT })}`, { signal });
  } catch (error) {
    return { root: name, error, entries: [], total: 0 };
  }
}

function link({ root, entry }) {
  const path = entry.path ? `${root}/${entry.path}` : root;
  return h(
    "li",
    { class: entry.error ? "bad" : null },
    h(
      "a",
      { href: `/roots/${encode(path)}`, title: entry.error || path },
      icon(tree.kindIcon(entry)),
      h("span", { class: "name" }, path),
    ),
  );
}

async function find(text) {
  const signal = flight.next();
  tree.hide(text !== "");
  box.hidden = text === "";
  if (!text) return;
  const wait = setTimeout(() => box.replaceChildren(h("p", { class: "note" }, "Searching…")), 150);
  signal.addEventListener("abort", () => clearTimeout(wait));
  const pages = await Promise.all(tree.names().map((name) => ofRoot(name, text, signal)));
  clearTimeout(wait);
  if (!signal.aborted) show(text, pages);
}

function clear() {
  input.value = "";
  find("");
  input.focus();
}

function show(text, pages) {
  const found = pages.flatMap(({ root, entries }) => entries.map((entry) => ({ root, entry }))).slice(0, SHOWN);
  const total = pages.reduce((sum, page) => sum + page.total, 0);
  const first = total > found.length ? `, the first ${found.length} shown` : "";
  const note = total ? `${total} found${first}` : `No match for “${text}”`;
  const left = pages.reduce((sum, page) => sum + (page.unsearched || 0), 0);
  const failed = pages.filter((page) => page.error);
  box.replaceChildren(
    h("p", { class: "note" }, note, " ", h("button", { type: "button", class: "clear", onclick: clear }, "Clear")),
    h("ul", { class: "found" }, found.map(link)),
    left ? h("p", { class: "note" }, `Attributes of ${left} groups are not searched yet`) : "",
    ...failed.map(({ root, error }) => h("p", { class: "note bad" }, `${root}: ${error.message}`)),
  );
}

/** Take over the search field. */
export function start() {
  document.getElementById("tree").after(box);
  const soon = debounce(() => find(input.value.trim()), 150);
  input.addEventListener("input", soon);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      soon.cancel();
      clear();
      input.blur();
    }
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    if (box.hidden) tree.enter();
    else box.querySelector("a")?.focus();
  });
  if (input.value !== input.defaultValue) soon(); // typed while this module came
}
