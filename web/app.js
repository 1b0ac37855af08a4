// SPDX-License-Identifier: BSD-3-Clause
// The start: the server's page is taken over; links change only what is inside <main>.
import { ApiError, BASE, at } from "./api.js";
import * as live from "./live.js";
import * as tree from "./tree.js";
import { button, errorCard, h, isDark, remember, setTheme, toast } from "./ui.js";

let page = null; // the dataset page at hand, when there is one
let loading = null;
let home = null; // its module, once it was shown

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
    tree.reveal(main.dataset.path);
  } else if (main.dataset.page === "folder") {
    tree.reveal(main.dataset.path);
  } else if (main.dataset.page === "home") {
    home = await import("./home.js");
    home.start(main, () => open(location.href, false));
  }
}

/** Show an address of this site without leaving the page. step: something to go back to. */
export async function open(url, step = true) {
  const target = new URL(at(url), location.href);
  if (page && target.pathname === page.address && !step) {
    page.restore();
    return;
  }
  loading?.abort();
  const run = (loading = new AbortController());
  const wait = setTimeout(() => document.getElementById("main").classList.add("waiting"), 150);
  try {
    const answer = await fetch(target.pathname + target.search, {
      headers: { "X-Caterva2-Part": "main" },
      signal: run.signal,
    });
    const text = await answer.text();
    if (!(answer.headers.get("Content-Type") || "").startsWith("text/html"))
      throw new ApiError(`${answer.status} ${answer.statusText}`, answer.status, target.pathname);
    const next = new DOMParser().parseFromString(text, "text/html");
    if (run !== loading) return;
    if (step) page?.settle();
    if (step)
      history.pushState(
        null,
        "",
        page ? page.carry(target, next.getElementById("main")) : target.pathname + target.search + target.hash,
      );
    document.title = next.title;
    document.getElementById("main").replaceWith(document.adoptNode(next.getElementById("main")));
  } catch (error) {
    if (error.name === "AbortError") return;
    const failed =
      error instanceof ApiError ? error : new ApiError("The server cannot be reached", 0, target.pathname);
    document.getElementById("main").replaceChildren(
      h("h1", {}, "Not loaded"),
      errorCard(failed, () => open(url, false)),
    );
    page?.close();
    page = null;
    return;
  } finally {
    clearTimeout(wait);
    document.getElementById("main").classList.remove("waiting");
  }
  document.body.classList.remove("drawer");
  await startPage();
  const main = document.getElementById("main");
  scrollTo(0, 0);
  if (step && !document.activeElement?.closest("#side, #top")) main.focus({ preventScroll: true });
}

addEventListener("click", (event) => {
  const a = event.target.closest?.("a[href]");
  if (
    !a ||
    event.defaultPrevented ||
    event.button ||
    event.ctrlKey ||
    event.metaKey ||
    event.shiftKey ||
    event.altKey ||
    a.hasAttribute("download")
  )
    return;
  const url = new URL(a.href);
  const ours =
    url.origin === location.origin && (url.pathname === `${BASE}/` || url.pathname.startsWith(`${BASE}/roots`));
  if (!ours || (url.hash && url.pathname === location.pathname)) return;
  event.preventDefault();
  open(url.href);
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

function tools() {
  const dot = h("span", { id: "live", role: "img", "aria-label": "Not connected", title: "Not connected" });
  const words = {
    live: "Live: changes show at once",
    polling: "Looking for changes every ten seconds",
    offline: "Offline: retrying",
  };
  live.on("status", (what) => {
    dot.className = what;
    dot.title = words[what];
    dot.setAttribute("aria-label", words[what]);
    document.getElementById("offline")?.remove();
    if (what === "offline")
      document
        .getElementById("body")
        .before(
          h("p", { id: "offline", role: "status" }, "The server is not reached; what was loaded stays. Retrying…"),
        );
  });
  document.getElementById("tools").append(
    dot,
    button("theme", "Change theme", theme, "t"),
    button("help", "Help and keys", () => keys().then((it) => it.help(page)), "?"),
  );
  const menu = button("menu", "Datasets", () => drawer(), "b");
  menu.id = "menu";
  document.getElementById("top").prepend(menu);
}

export function theme() {
  setTheme(isDark() ? "light" : "dark");
}

export function drawer(open = !document.body.classList.contains("drawer")) {
  const narrow = matchMedia("(max-width: 799px)").matches;
  document.body.classList.toggle(
    narrow ? "drawer" : "folded",
    narrow ? open : !document.body.classList.contains("folded"),
  );
  if (narrow && open) document.querySelector("#side [tabindex='0']")?.focus();
}

const keys = () => import("./keys.js");
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && document.body.classList.contains("drawer")) drawer(false);
  if (event.key === "Escape" && loading) loading.abort();
  if (event.target.closest?.("input:not([type=range]):not([type=checkbox]), select, textarea, dialog")) return;
  const plain = { "/": () => document.getElementById("search").focus(), t: theme, b: () => drawer() }[event.key];
  if (plain) {
    event.preventDefault();
    plain();
    return;
  }
  if (page?.key(event)) {
    event.preventDefault();
    return;
  }
  if (event.key === "?") {
    event.preventDefault();
    keys().then((it) => it.help(page));
  }
});

/* ---- events ---- */

function changed({ path, change }) {
  tree.mark(path, change);
  home?.changed(path, change);
  if (document.getElementById("main").dataset.page === "listing") {
    open(location.href, false);
    return;
  } // perhaps what it waits for
  if (page?.path !== path) return;
  if (change === "removed") toast("This dataset was removed; what is shown is what it was.", "warn", [], 0);
  else page.changed();
}

live.on("dataset", changed);
/* A publisher went or came back: say so, and try again what failed. */
function reached({ name, reached: here }) {
  const main = document.getElementById("main");
  const note = main.querySelector(".away");
  const ours = (main.dataset.path || "").split("/")[0] === name;
  if (!ours || here === Boolean(!note)) return;
  if (here) {
    note.remove();
    page?.again();
  } else
    main.prepend(
      h(
        "p",
        { class: "card warn away", role: "status" },
        `The publisher of ${name} is not reached. What is cached here can be seen; the rest comes when it is back.`,
      ),
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
tools();
tree.start(open);
addEventListener("click", (event) => {
  if (document.body.classList.contains("drawer") && !event.target.closest("#side, #menu")) drawer(false);
});
startPage();
live.connect();
