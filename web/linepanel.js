// SPDX-License-Identifier: BSD-3-Clause
// What is drawn beside a line, and against what: more datasets, x, errors.
// What is offered lies in the same folder.
import { encode, json, query } from "./api.js";
import { CURVES_MOST, listOf, parseSpec, specText, typedSpec } from "./lines.js";
import { button, h, panel } from "./ui.js";

const LISTED = 100; // names that are offered

/* Datasets beside this one, and fields of it, that may fit. */
async function offers({ ds }, signal) {
  const [root, ...rest] = ds.path.split("/");
  const dir = rest.slice(0, -1).join("/");
  const own = ds.fields.map(({ name }) => `@${name}`);
  try {
    const { entries } = await json(`/api/tree/${encode(root)}${query({ dir, limit: LISTED })}`, { signal });
    const near = entries.filter(({ kind, shape }) => kind === "array" && shape?.length);
    return [...own, ...near.map(({ path }) => `${root}/${path}`).filter((path) => path !== ds.path)];
  } catch {
    return own; // then names are typed
  }
}

const say = (text) => {
  const { path, slice, field } = parseSpec(text);
  return path + (slice ? `[${slice}]` : "") + (field ? `@${field}` : "");
};

/* A place for a name, with names to choose from; take(text): "" nothing. */
function entry(id, label, value, hint, take) {
  const input = h("input", { type: "text", id, list: "offers", placeholder: hint, value, autocomplete: "off" });
  const set = (text) => {
    input.value = text;
    take(text);
  };
  return h(
    "form",
    {
      class: "find",
      onsubmit: (event) => {
        event.preventDefault();
        take(input.value.trim());
      },
    },
    h("label", { for: id }, label),
    input,
    h("button", {}, "Set"),
    value ? button("close", `${label}: by what the data mean`, () => set("")) : null,
  );
}

function curveList(view, redo) {
  const list = listOf(view.state.add);
  const without = (i) => list.filter((_, other) => other !== i).join(";");
  const remove = (text, i) => button("close", `Remove ${say(text)}`, () => redo("add", without(i)));
  const rows = list.map((text, i) => h("li", {}, h("code", {}, say(text)), " ", remove(text, i)));
  return h("ul", { class: "links" }, h("li", {}, h("code", {}, view.ds.path)), rows);
}

/* One word, or what somebody typed, as it stands in the address. */
const spec = (text) => (text === "items" || text === "none" || !text ? text : specText(typedSpec(text)));

/** view: the line. */
export function linePanel(view) {
  const control = new AbortController();
  const names = h("datalist", { id: "offers" });
  const content = h("div", { class: "lines" });
  const redo = (name, value) => {
    view.option(name, value);
    fill();
  };
  const shown = (text) => (["", "items", "none"].includes(text) ? text : say(text));
  const add = (text) => {
    const list = listOf(view.state.add);
    if (text && list.length < CURVES_MOST - 1) redo("add", [...list, spec(text)].join(";"));
  };
  const apart = () =>
    h("input", {
      type: "checkbox",
      checked: Boolean(view.state.apart),
      onchange: (event) => redo("apart", event.target.checked ? "1" : ""),
    });
  const fill = () => {
    const { state } = view;
    const hint = "root/path[0,:] or @field";
    const full = listOf(state.add).length >= CURVES_MOST - 1;
    content.replaceChildren(
      h("h3", {}, "Lines"),
      curveList(view, redo),
      full ? h("p", { class: "small" }, `At most ${CURVES_MOST} lines.`) : entry("add", "One more", "", hint, add),
      h("label", {}, apart(), " Each in its own plot; they zoom together"),
      h("h3", {}, "Against"),
      entry("xof", "x", shown(state.xof), "by what the data mean; or items", (text) => redo("xof", spec(text))),
      entry("err", "Errors", shown(state.err), "by what the data mean; or none", (text) => redo("err", spec(text))),
      names,
    );
  };
  fill();
  panel("Lines, x and errors", content).addEventListener("close", () => control.abort());
  offers(view, control.signal).then((all) => names.replaceChildren(...all.map((value) => h("option", { value }))));
}
