// SPDX-License-Identifier: BSD-3-Clause
// The tree of roots, folders and datasets: one level at a time, 200 entries at a time.
import { encode, json, query } from "./api.js";
import { h, icon, nbytes, remember, select } from "./ui.js";

const PAGE = 200;
let root = null;
let onOpen = null;
let current = "";
let sort = remember("sort") || "name";

export function kindIcon(entry) {
  if (entry.error) return "bad";
  if (entry.kind === "folder") return "folder";
  if (entry.kind !== "array") return "text";
  if (entry.dtype.startsWith("[")) return "table";
  return ["scalar", "line", "array"][entry.shape.length] || "cube";
}

function detail(entry) {
  if (entry.error) return "cannot be served";
  if (entry.kind === "folder") return `${entry.datasets}`;
  if (entry.kind === "file") return nbytes(entry.nbytes);
  return entry.shape.join("×");
}

/* An item: li[role=treeitem] > span.row, ul[role=group] when it can open. */
function item(name, path, entry, level) {
  const opens = entry.kind === "folder" || entry.kind === "root";
  const it = h(
    "li",
    {
      role: "treeitem",
      tabindex: "-1",
      "aria-level": level,
      "aria-expanded": opens ? "false" : null,
      "data-path": path,
      "aria-selected": !opens && path === current ? "true" : opens ? null : "false",
      class: entry.error ? "bad" : null,
      "aria-label": `${name}, ${entry.kind === "root" ? "root" : detail(entry)}`,
    },
    h(
      "span",
      { class: "row", title: entry.error || `${path}${entry.nbytes ? ` · ${nbytes(entry.nbytes)}` : ""}` },
      opens ? h("span", { class: "twist", "aria-hidden": "true" }, icon("right")) : null,
      icon(entry.kind === "root" ? "root" : kindIcon(entry)),
      h("span", { class: "name" }, name),
      h("span", { class: "more" }, entry.kind === "root" ? "" : detail(entry)),
    ),
  );
  it.entry = entry;
  return it;
}

/* List a folder, from an entry on. Who asks while it is on its way waits for the same answer. */
function fill(it, offset = 0) {
  it.filling ||= list(it, offset).finally(() => {
    it.filling = null;
  });
  return it.filling;
}

async function list(it, offset) {
  const asked = sort;
  const [name, ...rest] = it.dataset.path.split("/");
  let group = it.querySelector(":scope > ul");
  if (!group) it.append((group = h("ul", { role: "group" })));
  const wait = setTimeout(() => group.append(h("li", { role: "none", class: "note wait" }, "Loading…")), 150);
  try {
    const how = { dir: rest.join("/"), offset: offset || null, limit: PAGE, sort: asked === "name" ? null : asked };
    const page = await json(`/api/tree/${encodeURIComponent(name)}${query(how)}`);
    group.querySelectorAll(":scope > .note, :scope > .next").forEach((old) => old.remove());
    const level = Number(it.getAttribute("aria-level")) + 1;
    group.append(...page.entries.map((entry) => item(entry.name, `${name}/${entry.path}`, entry, level)));
    if (page.next != null) {
      const more = h(
        "li",
        { role: "treeitem", tabindex: "-1", "aria-level": level, class: "next" },
        h("span", { class: "row" }, `Show more (${page.total - page.next} left)`),
      );
      more.more = () => fill(it, page.next);
      group.append(more);
    }
    if (!page.total) group.append(h("li", { role: "none", class: "note" }, "Empty root"));
    it.filled = asked;
  } catch (error) {
    group.querySelectorAll(":scope > .note").forEach((old) => old.remove());
    const again = h(
      "li",
      { role: "treeitem", tabindex: "-1", "aria-level": 9, class: "note bad" },
      h("span", { class: "row" }, `${error.message} – Retry`),
    );
    again.more = () => {
      group.remove();
      return fill(it);
    };
    group.append(again);
  } finally {
    clearTimeout(wait);
  }
}

async function expand(it, open) {
  if (!it.hasAttribute("aria-expanded")) return;
  it.setAttribute("aria-expanded", open);
  if (open && !it.filled) await fill(it);
}

function visible() {
  return [...root.querySelectorAll("[role=treeitem]")].filter(
    (it) => !it.parentElement.closest("[aria-expanded=false]"),
  );
}

/* Tab leads to one item of the tree: to this. */
function reach(it) {
  root.querySelectorAll("[tabindex='0']").forEach((old) => old.setAttribute("tabindex", "-1"));
  it.setAttribute("tabindex", "0");
}

function focus(it) {
  if (!it) return;
  reach(it);
  it.focus();
}

function activate(it) {
  if (it.more) {
    it.more();
    return;
  }
  if (it.hasAttribute("aria-expanded")) expand(it, it.getAttribute("aria-expanded") === "false");
  else onOpen(`/roots/${encode(it.dataset.path)}`);
}

function onKey(event) {
  const it = event.target.closest("[role=treeitem]");
  if (!it || event.ctrlKey || event.altKey || event.metaKey) return;
  const all = visible();
  const at = all.indexOf(it);
  const open = it.getAttribute("aria-expanded");
  const step = {
    ArrowDown: () => focus(all[at + 1]),
    ArrowUp: () => focus(all[at - 1]),
    Home: () => focus(all[0]),
    End: () => focus(all[all.length - 1]),
    ArrowRight: () => {
      if (open === "false") expand(it, true);
      else if (open) focus(all[at + 1]);
    },
    ArrowLeft: () => {
      if (open === "true") expand(it, false);
      else focus(it.parentElement.closest("[role=treeitem]"));
    },
    Enter: () => activate(it),
    " ": () => activate(it),
  }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  step();
}

/** Open the way to a path and mark it. */
export async function reveal(path) {
  current = path;
  root.querySelectorAll("[aria-selected=true]").forEach((it) => it.setAttribute("aria-selected", "false"));
  const parts = path.split("/");
  for (let n = 1; n <= parts.length; n++) {
    const it = [...root.querySelectorAll("[role=treeitem]")].find(
      (one) => one.dataset.path === parts.slice(0, n).join("/"),
    );
    if (!it) return;
    if (n < parts.length || it.hasAttribute("aria-expanded")) await expand(it, true);
    else {
      it.setAttribute("aria-selected", "true");
      reach(it);
      const box = root.closest("nav");
      const top = it.getBoundingClientRect().top - box.getBoundingClientRect().top;
      if (top < 0 || top > box.clientHeight - 30) box.scrollTop += top - box.clientHeight / 2;
    }
  }
}

/** A dataset changed: a mark until it is looked at. */
export function mark(path, change) {
  const it = [...root.querySelectorAll("[role=treeitem]")].find((one) => one.dataset.path === path);
  if (it && path !== current) it.classList.add("changed");
  if (change === "changed") return;
  const folders = [...root.querySelectorAll("[aria-expanded]")];
  const parts = path.split("/");
  for (let n = parts.length - 1; n > 0; n--) {
    // the nearest that is here; it may be in a folder as new as itself
    const folder = folders.find((one) => one.dataset.path === parts.slice(0, n).join("/"));
    if (!folder) continue;
    if (folder.filled) refill(folder);
    return;
  }
}

/* Read a folder again; what was open in it opens again, what had the focus keeps it. */
async function refill(folder) {
  while (folder.filling) await folder.filling;
  const open = [...folder.querySelectorAll("ul [aria-expanded=true]")].map((it) => it.dataset.path);
  const old = folder.querySelector("ul");
  const marked = old.querySelector("[tabindex='0']");
  const focused = marked && marked === document.activeElement;
  old.before(h("ul", { role: "group" }));
  await fill(folder);
  old.remove();
  for (const path of open) {
    const it = [...folder.querySelectorAll("[aria-expanded=false]")].find((one) => one.dataset.path === path);
    if (it) await expand(it, true);
  }
  if (!marked) return;
  const same = [...folder.querySelectorAll("[role=treeitem]")].find((it) => it.dataset.path === marked.dataset.path);
  reach(same || folder);
  if (focused) (same || folder).focus();
}

/* The order of all folders that are open. */
function order(by) {
  sort = by;
  remember("sort", by);
  for (const it of root.querySelectorAll(":scope > [aria-expanded]")) if (it.filled || it.filling) refill(it);
}

/** Of all roots. */
export const names = () => [...root.querySelectorAll("[aria-level='1'][data-path]")].map((it) => it.dataset.path);

/** Take over the list of roots and the search field. */
export function start(open) {
  onOpen = open;
  const old = document.getElementById("tree");
  const all = [...old.querySelectorAll("a")].map((a) => a.textContent);
  root = h(
    "ul",
    { id: "tree", role: "tree", "aria-label": "Datasets" },
    all.map((name) => item(name, name, { kind: "root" }, 1)),
  );
  root.firstChild?.setAttribute("tabindex", "0");
  if (!all.length) {
    root.removeAttribute("role");
    root.removeAttribute("aria-label");
  }
  old.replaceWith(root);
  root.addEventListener("keydown", onKey);
  root.addEventListener("click", (event) => {
    const it = event.target.closest("[role=treeitem]");
    if (!it) return;
    focus(it);
    activate(it);
  });
  root.before(
    h(
      "div",
      { class: "sort" },
      select(
        "Sort by",
        [
          ["name", "by name"],
          ["-size", "largest first"],
          ["-mtime", "latest first"],
        ],
        sort,
        order,
        true,
      ),
    ),
  );
}

/** Hidden while there is something else to choose from. */
export function hide(on) {
  root.hidden = on;
}
/** Go there by keyboard. */
export function enter() {
  root.querySelector("[tabindex='0']")?.focus();
}

/** A root came: put it into the list. */
export function addRoot(name) {
  if (names().includes(name)) return;
  root.setAttribute("role", "tree");
  root.setAttribute("aria-label", "Datasets");
  root.parentElement.querySelector(".empty")?.remove();
  root.append(item(name, name, { kind: "root" }, 1));
  if (!root.querySelector("[tabindex='0']")) root.firstChild.setAttribute("tabindex", "0");
}
