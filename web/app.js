// SPDX-License-Identifier: BSD-3-Clause
// The start: the server's page is taken over; links change only what is inside <main>.
import { ApiError, BASE, at } from "./api.js";
import * as live from "./live.js";
import * as tree from "./tree.js";
import { button, closePanel, errorCard, h, isDark, remember, setTheme, toast } from "./ui.js";

const embedded = document.body.classList.contains("embed"); // only the view is seen
let page = null; // the dataset page at hand, when there is one
let loading = null;
let home = null; // its module, once it was shown

const reveal = (path) => embedded || tree.reveal(path);

async function startPage() {
  const main = document.getElementById("main");
  page?.close();
  page = null;
  if (main.dataset.page === "dataset") {
    const { DatasetPage } = await import("./dataset.js");
    if (main !== document.getElementById("main")) return;
    page = new DatasetPage(main);
    const recent = (remember("recent") || []).filter((path) => path !== main.dataset.path);
    remember("recent", [main.dataset.path, ...recent].slice(0, 8));
    reveal(main.dataset.path);
  } else if (main.dataset.page === "folder") {
    reveal(main.dataset.path);
  } else if (main.dataset.page === "home") {
    home = await import("./home.js");
    home.start(main, () => open(location.href, false));
  }
}

/* The page of an address as a document; throws when it is none of ours. */
async function pageAt(target, signal) {
  const answer = await fetch(target.pathname + target.search, { headers: { "X-Caterva2-Part": "main" }, signal });
  if (answer.status === 401) location.assign(target.href); // the server has a page to sign in with
  const text = await answer.text();
  const next = new DOMParser().parseFromString(text, "text/html");
  if ((answer.headers.get("Content-Type") || "").startsWith("text/html") && next.getElementById("main")) return next;
  throw new ApiError(`${answer.status} ${answer.statusText}`, answer.status, target.pathname);
}

/* Put another page in the place of this one. step: something to go back to. */
function take(next, target, step) {
  const main = next.getElementById("main");
  if (step) {
    page?.settle();
    const plain = target.pathname + target.search + target.hash;
    history.pushState(null, "", page ? page.carry(target, main) : plain);
  }
  document.title = next.title;
  document.getElementById("main").replaceWith(document.adoptNode(main));
  document.body.classList.remove("drawer");
}

function notLoaded(error, retry) {
  page?.close();
  page = null;
  document.getElementById("main").replaceChildren(h("h1", {}, "Not loaded"), errorCard(error, retry));
}

/* Show an address of this site without leaving the page. */
async function open(url, step = true) {
  const target = new URL(at(url), location.href);
  loading?.abort();
  loading = null;
  if (page && target.pathname === page.address && !step) {
    closePanel();
    page.restore();
    return;
  }
  const run = (loading = new AbortController());
  const wait = setTimeout(() => document.getElementById("main").classList.add("waiting"), 150);
  try {
    const next = await pageAt(target, run.signal);
    if (run !== loading) return;
    closePanel();
    take(next, target, step);
  } catch (error) {
    if (run.signal.aborted) return;
    const unreached = new ApiError("The server cannot be reached", 0, target.pathname);
    notLoaded(error instanceof ApiError ? error : unreached, () => open(url, false));
    return;
  } finally {
    clearTimeout(wait);
    if (!loading || run === loading) document.getElementById("main").classList.remove("waiting");
  }
  await startPage();
  scrollTo(0, 0);
  if (step && !document.activeElement?.closest("#side, #top"))
    document.getElementById("main").focus({ preventScroll: true });
}

/* Does this address lead to a page of ours, other than to a place on the page at hand? */
function isOurs(url) {
  if (url.origin !== location.origin || (url.hash && url.pathname === location.pathname)) return false;
  return url.pathname === `${BASE}/` || url.pathname.startsWith(`${BASE}/roots`);
}

addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const elsewhere = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  if (!link || event.defaultPrevented || elsewhere || link.hasAttribute("download")) return;
  if (!isOurs(new URL(link.href))) return;
  event.preventDefault();
  open(link.href);
});
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "get" && new URL(form.action).pathname === `${BASE}/` && !event.defaultPrevented) {
    event.preventDefault();
    open(`/?${new URLSearchParams(new FormData(form))}`);
  }
});
addEventListener("popstate", () => open(location.href, false));

/* ---- top bar ---- */

const CONNECTION = {
  live: "Live: changes show at once",
  polling: "Looking for changes every ten seconds",
  offline: "Offline: retrying",
};

function tools() {
  const dot = h("span", { id: "live", role: "img", "aria-label": "Not connected", title: "Not connected" });
  live.on("status", (what) => {
    dot.className = what;
    dot.title = CONNECTION[what];
    dot.setAttribute("aria-label", CONNECTION[what]);
    document.getElementById("offline")?.remove();
    const note = "The server is not reached; what was loaded stays. Retrying…";
    if (what === "offline") document.getElementById("body").before(h("p", { id: "offline", role: "status" }, note));
  });
  document
    .getElementById("tools")
    .append(dot, button("theme", "Change theme", theme, "t"), button("help", "Help and keys", help, "?"));
  const menu = button("menu", "Datasets", () => drawer(), "b");
  menu.id = "menu";
  document.getElementById("top").prepend(menu);
}

function theme() {
  setTheme(isDark() ? "light" : "dark");
}

async function help() {
  (await import("./keys.js")).help(page);
}

/* On narrow screens the tree is a drawer, elsewhere it is folded away. */
function drawer(on = !document.body.classList.contains("drawer")) {
  if (!matchMedia("(max-width: 799px), (max-height: 500px)").matches) {
    document.body.classList.toggle("folded");
    return;
  }
  document.body.classList.toggle("drawer", on);
  if (on) document.querySelector("#side [tabindex='0']")?.focus();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && document.body.classList.contains("drawer")) drawer(false);
  if (event.key === "Escape" && loading) loading.abort();
  if (event.target.closest?.("input:not([type=range]):not([type=checkbox]), select, textarea, dialog")) return;
  const search = () => document.getElementById("search").focus();
  const act = { "/": search, t: theme, b: () => drawer() }[event.key];
  if (act) act();
  else if (event.key === "?") help();
  else if (!page?.key(event)) return;
  event.preventDefault();
});

/* ---- events ---- */

live.on("dataset", ({ path, change }) => {
  tree.mark(path, change);
  home?.changed(path, change);
  // A page that waits for a dataset to be listed: perhaps for this one.
  if (document.getElementById("main").dataset.page === "listing") open(location.href, false);
  else if (!page?.shows(path)) return;
  else if (change === "removed" && page.path === path)
    toast("This dataset was removed; what is shown is what it was.", "warn", [], 0);
  else page.changed();
});

/* A publisher went or came back: say so, and try again what failed. */
function reached({ name, reached: here }) {
  const main = document.getElementById("main");
  const note = main.querySelector(".away");
  if ((main.dataset.path || "").split("/")[0] !== name || here === !note) return;
  if (here) {
    note.remove();
    page?.again();
    return;
  }
  const seen = "What is cached here can be seen; the rest comes when it is back.";
  main.prepend(
    h("p", { class: "card warn away", role: "status" }, `The publisher of ${name} is not reached. ${seen}`),
  );
}

live.on("root", (root) => {
  tree.addRoot(root.name);
  reached(root);
  const kind = document.getElementById("main").dataset.page;
  if (kind === "listing" || (kind === "home" && !document.activeElement.closest("#main form")))
    open(location.href, false);
});
live.on("hello", ({ roots }) => {
  for (const root of roots) {
    tree.addRoot(root.name);
    reached(root);
  }
  // Listed while the page came.
  if (document.querySelector("#main tr.waiting, #main[data-page=listing]")) open(location.href, false);
});
live.on("resync", () => page?.resync());

document.body.classList.add("js");
// Absolute from now on: they stay when the address gets another depth.
for (const a of document.querySelectorAll("#top a, #side a, link[rel=icon]")) a.setAttribute("href", a.href);
for (const form of document.querySelectorAll("#top form")) form.setAttribute("action", form.action);
if (!embedded) {
  tools();
  tree.start(open);
}
const search = document.getElementById("search");
search.addEventListener("focus", async () => (await import("./search.js")).start(), { once: true });
addEventListener("click", (event) => {
  if (document.body.classList.contains("drawer") && !event.target.closest("#side, #menu")) drawer(false);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  document.dispatchEvent(new Event("theme")),
);
startPage();
if (!embedded) live.connect(); // a browser has six connections to a server, a page may embed more views
