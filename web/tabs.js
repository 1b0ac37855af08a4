// SPDX-License-Identifier: BSD-3-Clause
// The row of tabs above a dataset: one a view.
import { h } from "./ui.js";

export class Tabs {
  /** views: [{name, label}]; show(name). */
  constructor(views, show) {
    const tab = ({ name, label }, i) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${name}`,
          "aria-controls": name === "meta" ? "about" : "view",
          title: `${label} (${i + 1})`,
          onclick: () => show(name),
        },
        label,
      );
    const how = { id: "tabs", role: "tablist", "aria-label": "Views", onkeydown: (event) => this.onKey(event) };
    this.box = h("div", how, views.map(tab));
  }

  mark(name) {
    for (const tab of this.box.children) {
      const on = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
    }
  }

  onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const all = [...this.box.children];
    const next = all[(all.indexOf(document.activeElement) + by + all.length) % all.length];
    event.preventDefault();
    event.stopPropagation();
    next.focus();
    next.click();
  }
}
