// SPDX-License-Identifier: BSD-3-Clause
// The buttons at the head of a dataset's page; links to what it shows.
import { pin, pinned } from "./home.js";
import { format } from "./state.js";
import { button, copy, h, toast } from "./ui.js";

export function addActions(page) {
  const { main, path } = page;
  const isPinned = () => pinned().includes(path);
  const mark = () => pinButton.setAttribute("aria-pressed", isPinned());
  const pinButton = button("pin", "Pin to the first page", () => {
    pin(path, !isPinned());
    mark();
  });
  mark();
  main.querySelector(".trail")?.append(button("copy", "Copy the path", () => copy(path, "Path")));
  const actions = main.querySelector(".actions");
  const viewer = actions.querySelector("a[href*='/h5web/?']");
  actions.replaceChildren(
    ...(viewer ? [viewer] : []),
    pinButton,
    button("download", "Download", () => page.download(), "d", "Download"),
    button("link", "Link, embedding", () => share(page), null, "Share"),
  );
}

/** Datasets that are looked at, that of the page first. */
export const datasets = (page) => [...new Set([page.ds, ...(page.view?.datasets?.() || [])])];

/** The address of what is shown; it tells of which generations. */
export function linkTo(page, more) {
  const etags = datasets(page).map(({ etag }) => etag);
  const state = { ...page.state, g: etags.join(","), ...more };
  return location.origin + format(location.pathname, state, location.search);
}

async function share(page) {
  try {
    (await import("./share.js")).sharePanel(page);
  } catch (error) {
    toast(`Nothing to share: ${error.message}`, "error");
  }
}

/** Say which data have changed since the link was made that led here. */
export function tellChanges(page) {
  const shared = page.state.g.split(",");
  const changed = datasets(page).filter(({ etag }, i) => shared[i] && shared[i] !== etag);
  page.main.querySelector(".older")?.remove();
  if (!changed.length) return;
  const dismiss = () => {
    page.state.g = "";
    page.write();
    note.remove();
  };
  const names = changed.map(({ path }) => path).join(", ");
  const note = h(
    "p",
    { class: "card warn older", role: "status" },
    `Changed since this link was made: ${names}. What is shown is what the data are now. `,
    h("button", { type: "button", onclick: dismiss }, "Dismiss"),
  );
  page.main.prepend(note);
}
