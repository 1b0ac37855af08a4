// SPDX-License-Identifier: BSD-3-Clause
// Links to what is shown: with the generations of its data, for other people and for pages that embed it.
import { linkTo } from "./actions.js";
import { at } from "./api.js";
import { escaped } from "./svg.js";
import { button, copy, h, panel } from "./ui.js";

/* Which pages may embed this one, by the policy that the server sends. */
async function ancestors() {
  const answer = await fetch(at("/"), { method: "HEAD" });
  const policy = answer.headers.get("Content-Security-Policy") || "";
  return /frame-ancestors ([^;]*)/.exec(policy)?.[1].trim() || "*";
}

function told(who) {
  if (who === "*") return "Every page may embed it.";
  const setting = "The operator changes that by the setting frame-ancestors.";
  if (who === "'none'") return `No page may embed it. ${setting}`;
  return `Pages of ${who.replace("'self'", "this site")} may embed it. ${setting}`;
}

const part = (title, text, ...notes) => [
  h(
    "h3",
    {},
    title,
    " ",
    button("copy", `Copy: ${title}`, () => copy(text, title)),
  ),
  h("pre", { tabindex: "0" }, text),
  notes,
];

export async function sharePanel(page) {
  const frame = `<iframe src="${escaped(linkTo(page, { embed: "1", g: "" }))}" title="${escaped(page.path)}"`;
  const who = h("p", { class: "small" });
  const generation = "The link tells which generation of the data it shows. If they change, the page says so.";
  panel(
    "Share",
    part("Link", linkTo(page, { embed: "" }), h("p", { class: "small" }, generation)),
    part("Embedded view", `${frame} width="800" height="500"></iframe>`, who),
  );
  who.textContent = told(await ancestors().catch(() => "'self'"));
}
