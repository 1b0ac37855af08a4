// SPDX-License-Identifier: BSD-3-Clause
// The buttons at the head of a dataset's page.
import { pin, pinned } from "./home.js";
import { button, copy } from "./ui.js";

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
    button("link", "Copy the link", () => page.copyLink(), "y", "Share"),
  );
}
