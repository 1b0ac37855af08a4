// SPDX-License-Identifier: BSD-3-Clause
// The tree of roots, folders and datasets: one level at a time, 200 entries at a time; and what a search finds.
import { encode, json, query } from "./api.js";
import { debounce, h, icon, nbytes, remember, select } from "./ui.js";

const PAGE = 200;
let root = null;
let onOpen = null;
let current = "";
let searchRun = 0;
let sort = remember("sort") || "name";

function kindIcon(entry) {
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

async function fill(it, offset = 0) {
  const [name, ...rest] = it.dataset.path.split("/");
  let group = it.querySelector(":scope > ul");
  if (!group) it.append((group = h("ul", { role: "group" })));
  const wait = setTimeout(() => group.append(h("li", { role: "none", class: "note wait" }, "Loading…")), 150);
  try {
    const page = await json(
      `/api/tree/${encodeURIComponent(name)}${query({ dir: rest.join("/"), offset: offset || null, limit: PAGE, sort: sort === "name" ? null : sort })}`,
    );
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
    it.filled = true;
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

function focus(it) {
  if (!it) return;
  root.querySelectorAll("[tabindex='0']").forEach((old) => old.setAttribute("tabindex", "-1"));
  it.setAttribute("tabindex", "0");
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
      root.querySelectorAll("[tabindex='0']").forEach((old) => old.setAttribute("tabindex", "-1"));
      it.setAttribute("tabindex", "0");
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

/* Read a folder again; what was open in it opens again. */
async function refill(folder) {
  const open = [...folder.querySelectorAll("ul [aria-expanded=true]")].map((it) => it.dataset.path);
  const old = folder.querySelector("ul");
  const fresh = h("ul", { role: "group" });
  old.before(fresh);
  await fill(folder);
  old.remove();
  for (const path of open) {
    const it = [...folder.querySelectorAll("[aria-expanded=false]")].find((one) => one.dataset.path === path);
    if (it) await expand(it, true);
  }
}

/* The order of all folders that are open. */
function order(by) {
  sort = by;
  remember("sort", by);
  for (const it of root.querySelectorAll(":scope > [aria-expanded]")) if (it.filled) refill(it);
}

const names = () => [...root.querySelectorAll("[aria-level='1'][data-path]")].map((it) => it.dataset.path);

async function find(text, box) {
  const run = ++searchRun;
  root.hidden = text !== "";
  box.hidden = text === "";
  if (!text) return;
  const wait = setTimeout(() => {
    if (run === searchRun) box.replaceChildren(h("p", { class: "note" }, "Searching…"));
  }, 150);
  const pages = await Promise.all(
    names().map((name) =>
      json(`/api/tree/${encodeURIComponent(name)}${query({ q: text, limit: 50 })}`).catch((error) => ({
        root: name,
        error,
        entries: [],
        total: 0,
      })),
    ),
  );
  clearTimeout(wait);
  if (run !== searchRun) return;
  const found = pages.flatMap((page) => page.entries.map((entry) => [`${page.root}/${entry.path}`, entry]));
  const total = pages.reduce((sum, page) => sum + page.total, 0);
  const failed = pages.filter((page) => page.error);
  const list = h(
    "ul",
    { class: "found" },
    found
      .slice(0, 100)
      .map(([path, entry]) =>
        h(
          "li",
          { class: entry.error ? "bad" : null },
          h(
            "a",
            { href: `/roots/${encode(path)}`, title: entry.error || path },
            icon(kindIcon(entry)),
            h("span", { class: "name" }, path),
          ),
        ),
      ),
  );
  const clear = h(
    "button",
    {
      type: "button",
      class: "clear",
      onclick: () => {
        const input = document.getElementById("search");
        input.value = "";
        find("", box);
        input.focus();
      },
    },
    "Clear",
  );
  box.replaceChildren(
    h(
      "p",
      { class: "note" },
      total
        ? `${total} found${total > found.length ? `, the first ${found.length} shown` : ""}`
        : `No match for “${text}”`,
      " ",
      clear,
    ),
    list,
    ...failed.map((page) => h("p", { class: "note bad" }, `${page.root}: ${page.error.message}`)),
  );
}

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
  const box = h("div", { id: "found", hidden: true });
  const input = document.getElementById("search");
  root.after(box);
  const run = debounce(() => find(input.value.trim(), box), 150);
  input.addEventListener("input", run);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      input.value = "";
      find("", box);
      input.blur();
    }
    if (event.key === "ArrowDown") {
      event.preventDefault();
      (box.hidden ? root.querySelector("[tabindex='0']") : box.querySelector("a"))?.focus();
    }
  });
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
