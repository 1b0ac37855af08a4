// SPDX-License-Identifier: BSD-3-Clause
// The first page: which roots are followed, what is pinned, what was looked at and what changes now.
import { encode, get } from "./api.js";
import { button, h, panel, remember, toast } from "./ui.js";

const link = (path) => h("a", { href: `/roots/${encode(path)}` }, path);

/** Pinned datasets, newest first. */
export const pinned = () => remember("pinned") || [];
export function pin(path, on) {
  remember("pinned", [...(on ? [path] : []), ...pinned().filter((one) => one !== path)].slice(0, 50));
}

/** again: read the page anew. */
export function start(main, again) {
  for (const row of main.querySelectorAll("tr[data-root]"))
    row.querySelector(".state").prepend(followSwitch(row, again));
  const box = main.querySelector("#recent");
  if (!box) return;
  const draw = () => {
    const pins = pinned();
    const recent = (remember("recent") || []).filter((path) => !pins.includes(path));
    box.replaceChildren(...lists(pins, recent, draw), box.querySelector("#changes") || h("div", { id: "changes" }));
  };
  draw();
}

function lists(pins, recent, draw) {
  const out = [];
  if (pins.length)
    out.push(
      h("h2", {}, "Pinned"),
      h(
        "ul",
        { class: "links" },
        pins.map((path) =>
          h(
            "li",
            {},
            link(path),
            " ",
            button("close", `Unpin ${path}`, () => {
              pin(path, false);
              draw();
            }),
          ),
        ),
      ),
    );
  if (recent.length)
    out.push(
      h("h2", {}, "Looked at lately"),
      h(
        "ul",
        { class: "links" },
        recent.map((path) => h("li", {}, link(path))),
      ),
    );
  if (!out.length)
    out.push(
      h(
        "p",
        { class: "empty" },
        "Open a dataset from the tree, or press / and type a part of its name. ? lists the keys.",
      ),
    );
  return out;
}

function followSwitch(row, again) {
  const name = row.dataset.root;
  const on = row.dataset.followed === "1";
  return h(
    "button",
    {
      type: "button",
      class: "switch",
      role: "switch",
      "aria-checked": String(on),
      "aria-label": `Follow ${name}`,
      title: on ? "Followed: its datasets are listed and cached" : "Not followed",
      onclick: () => (on ? askToStop(name, again) : change(name, "subscribe", again)),
    },
    h("span", {}),
  );
}

function askToStop(name, again) {
  const it = panel(
    `Follow ${name} no more?`,
    h("p", {}, "Its datasets leave the lists, and what is cached of them here is removed. The publisher keeps them."),
    h(
      "p",
      { class: "find" },
      h(
        "button",
        {
          type: "button",
          class: "danger",
          onclick: () => {
            it.close();
            change(name, "unsubscribe", again);
          },
        },
        "Stop following",
      ),
      h("button", { type: "button", onclick: () => it.close() }, "Cancel"),
    ),
  );
}

async function change(name, what, again) {
  try {
    // On our pages alone, for who has signed in.
    const csrf = document.querySelector("#account input[name=csrf]")?.value;
    const headers = csrf ? { "X-Caterva2-CSRF": csrf } : {};
    await get(`/api/${what}/${encodeURIComponent(name)}`, { method: "POST", headers });
  } catch (error) {
    toast(`${name}: ${error.message}`, "error");
  }
  await again();
  document.querySelector(`tr[data-root="${CSS.escape(name)}"] .switch`)?.focus();
}

/** Say at the first page that a dataset changed. */
export function changed(path, how) {
  const list = document.getElementById("changes");
  if (!list) return;
  if (!list.firstChild) list.append(h("h2", {}, "Changed now"), h("ul", { class: "links" }));
  list.querySelector(`[data-path="${CSS.escape(path)}"]`)?.remove();
  list.lastChild.prepend(h("li", { "data-path": path }, how === "removed" ? `${path} (removed)` : link(path)));
  while (list.lastChild.children.length > 8) list.lastChild.lastChild.remove();
}
