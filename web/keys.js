// SPDX-License-Identifier: BSD-3-Clause
// The list of keys, shown by "?".
import { h, panel } from "./ui.js";

const EVERYWHERE = [
  ["/", "search"],
  ["?", "this list"],
  ["t", "light or dark"],
  ["b", "show or hide the tree"],
  ["↑ ↓ → ←", "move in the tree, open and close folders"],
  ["Enter", "open what is marked in the tree"],
  ["Esc", "close, cancel"],
];

export function help(page) {
  const lists = [["Everywhere", EVERYWHERE], ...(page ? page.keyList() : [])];
  panel(
    "Keys",
    h(
      "div",
      { class: "keys" },
      lists.map(([title, rows]) =>
        h(
          "section",
          {},
          h("h3", {}, title),
          h(
            "dl",
            {},
            rows.map(([key, what]) => [
              h(
                "dt",
                {},
                key.split(" ").map((one) => h("kbd", {}, one)),
              ),
              h("dd", {}, what),
            ]),
          ),
        ),
      ),
    ),
  );
}
