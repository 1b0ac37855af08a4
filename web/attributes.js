// SPDX-License-Identifier: BSD-3-Clause
// Metadata and attributes of a dataset, as the server wrote them: buttons to copy, structure, what is cached.
import { encode, json } from "./api.js";
import { button, copy, h } from "./ui.js";

const ENTRIES = 500; // shown of one list or object

function jsonTree(value, open) {
  if (!value || typeof value !== "object") return h("code", {}, JSON.stringify(value));
  if (Array.isArray(value) && value.every((one) => !one || typeof one !== "object"))
    return h("code", {}, JSON.stringify(value));
  const entries = Object.entries(value);
  const inside = Array.isArray(value) ? `list of ${value.length}` : `${entries.length} keys`;
  const more = entries.length - ENTRIES;
  return h(
    "details",
    { open },
    h("summary", {}, inside),
    h(
      "ul",
      { class: "json" },
      entries
        .slice(0, ENTRIES)
        .map(([key, one]) => h("li", {}, h("span", { class: "jkey" }, key), ": ", jsonTree(one, false))),
      more > 0 ? h("li", { class: "small" }, `${more} more`) : null,
    ),
  );
}

export function dressAttributes(main) {
  for (const row of main.querySelectorAll("#attrs tr")) {
    const { firstElementChild: name, lastElementChild: value } = row;
    const text = value.textContent.trim();
    for (const code of value.querySelectorAll("code")) {
      try {
        const parsed = JSON.parse(code.textContent);
        if (parsed && typeof parsed === "object") code.replaceWith(jsonTree(parsed, true));
      } catch {
        /* stays text */
      }
    }
    value.append(
      " ",
      button("copy", `Copy ${name.textContent}`, () => copy(text, "Attribute")),
    );
  }
}

/** How much of a dataset is here; asked when somebody looks. */
export async function addCachedRow(main, path) {
  const body = main.querySelector("#meta tbody");
  if (body.querySelector(".cached")) return;
  const cell = h("td", { class: "cached" }, "…");
  body.append(h("tr", {}, h("th", { scope: "row" }, "Cached here"), cell));
  try {
    const { cached, partial, nchunks, special } = await json(`/api/chunks/${encode(path)}`);
    const partly = partial ? `, ${partial} partly` : "";
    const free = special ? `; ${special} need no storage` : "";
    cell.textContent = `${cached} of ${nchunks - special} chunks${partly}${free}`;
  } catch (error) {
    cell.textContent = error.message;
  }
}
