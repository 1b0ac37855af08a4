// SPDX-License-Identifier: BSD-3-Clause
// The page of a dataset: its views and the one shown, its address, what is done when it changed.
import { Latest } from "./api.js";
import { addActions, datasets, linkTo, tellChanges } from "./actions.js";
import { addCachedRow, dressAttributes } from "./attributes.js";
import { Changes } from "./changes.js";
import { describe, viewsOf } from "./describe.js";
import { forget, format, parse, settle, write } from "./state.js";
import { copy, errorCard, h, toast } from "./ui.js";

const VIEWS = {
  heat: ["Picture", () => import("./heat.js").then((it) => it.HeatView)],
  line: ["Line", () => import("./line.js").then((it) => it.LineView)],
  table: ["Table", () => import("./table.js").then((it) => it.TableView)],
  volume: ["Volume", () => import("./volume.js").then((it) => it.VolumeView)],
  rgb: ["Colours", () => import("./text.js").then((it) => it.ColourView)],
  value: ["Value", () => import("./text.js").then((it) => it.ValueView)],
  markdown: ["Text", () => import("./text.js").then((it) => it.BytesView)],
  text: ["Source", () => import("./text.js").then((it) => it.BytesView)],
  hex: ["Hex", () => import("./text.js").then((it) => it.BytesView)],
  meta: ["Metadata"],
  chunks: ["Chunks", () => import("./chunks.js").then((it) => it.ChunksView)],
};

/* The row of tabs: one a view. */
class Tabs {
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

export class DatasetPage {
  constructor(main) {
    this.main = main;
    this.ds = describe(main);
    this.path = this.ds.path;
    this.address = location.pathname;
    this.rendered = main.querySelector("#view .markdown");
    this.showing = new Latest();
    this.changes = new Changes(this);
    const names = viewsOf(this.ds);
    const label = (name) => (name === "text" && !names.includes("markdown") ? "Text" : VIEWS[name][0]);
    this.views = [...names, "meta", "chunks"].map((name) => ({ name, label: label(name) }));
    this.tabs = new Tabs(this.views, (name) => this.show(name));
    this.panelBox = main.querySelector("#view");
    this.panelBox.setAttribute("role", "tabpanel");
    this.panelBox.removeAttribute("aria-label");
    this.panelBox.before(this.tabs.box);
    this.sections = h("div", { id: "about", role: "tabpanel", "aria-labelledby": "tab-meta", tabindex: "-1" });
    this.sections.append(...main.querySelectorAll("#meta, #attrs"));
    this.panelBox.after(this.sections);
    addActions(this);
    dressAttributes(main);
    this.restore();
  }

  /* ---- state ---- */

  /** Show what the address says. */
  restore() {
    const { state, notes } = parse(location.search, location.hash);
    const chosen = new URLSearchParams(location.search).has("cm");
    if (!chosen && this.ds.contenttype === "tomography") state.cm = "grey";
    this.state = state;
    this.notices(notes);
    tellChanges(this);
    this.show(this.viewOf(state), false);
  }

  viewOf({ tab, v: view }) {
    const wanted =
      tab !== "view" && tab ? tab : { matrix: "table", tomo: "heat" }[view] || view || this.views[0].name;
    if (this.views.some(({ name }) => name === wanted)) return wanted;
    if (wanted !== "text") this.notices([`this dataset has no view “${wanted}”`]);
    return this.views[0].name;
  }

  notices(notes) {
    if (notes.length) toast(notes.join("; "), "warn");
  }

  /** Write the address now: the page is about to be left. */
  settle() {
    settle();
  }

  /** step: something to go back to. */
  write(step) {
    if (!this.closed) write(this.state, step);
  }

  /** Address for another dataset: what fits it is taken along. */
  carry(target, main) {
    if (!main || main.dataset.page !== "dataset" || target.search)
      return target.pathname + target.search + target.hash;
    const like = main.dataset.shape === this.main.dataset.shape && main.dataset.kind === this.ds.kind;
    const { cm, sc, inv, auto } = this.state;
    const kept = { cm: this.ds.contenttype ? "viridis" : cm, sc, inv, auto };
    const own = { cmp: "", where: "", sort: "", f: "", row: "", col: "", xof: "", err: "", add: "", g: "" };
    const all = { ...this.state, ...own };
    return format(target.pathname, like ? all : kept);
  }

  /* ---- views ---- */

  /* The state that shows this view. */
  note(name) {
    const { state } = this;
    const first = this.views[0].name;
    const special = name === "meta" || name === "chunks";
    state.tab = special || (name === "table" && first !== "table") ? name : "view";
    if (!special) state.v = name === first || name === "table" ? "" : name === "markdown" ? "text" : name;
  }

  async show(name, step = true) {
    const signal = this.showing.next();
    this.note(name);
    if (step) {
      if (this.shown !== name && this.shown !== "chunks") this.state.box = "";
      this.write(true);
    }
    this.tabs.mark(name);
    this.view?.close();
    this.view = null;
    this.shown = name;
    this.sections.hidden = name !== "meta";
    this.panelBox.hidden = name === "meta";
    this.panelBox.setAttribute("aria-labelledby", `tab-${name}`);
    if (name === "meta") {
      addCachedRow(this.main, this.path);
      return;
    }
    if (!step || !this.panelBox.children.length) this.panelBox.classList.add("busy");
    try {
      const View = await VIEWS[name][1]();
      if (!signal.aborted) this.view = new View(this, this.panelBox, name);
    } catch (error) {
      if (!signal.aborted) this.panelBox.replaceChildren(errorCard(error, () => this.show(name, false)));
    } finally {
      if (!signal.aborted) this.panelBox.classList.remove("busy");
    }
  }

  key(event) {
    const number = Number(event.key);
    if (number >= 1 && number <= this.views.length) {
      this.show(this.views[number - 1].name);
      return true;
    }
    const act = {
      y: () => this.copyLink(),
      d: () => this.download(),
      r: () => this.reload(),
      f: () => this.fullScreen(),
    }[event.key];
    if (act) {
      act();
      return true;
    }
    if (event.key === "Escape") return Boolean(this.view?.cancel?.());
    return Boolean(this.view?.key(event));
  }

  keyList() {
    const keys = [
      [`1 … ${this.views.length}`, this.views.map((view) => view.label).join(", ")],
      ["y", "copy the link"],
      ["d", "download"],
      ["r", "reload"],
      ["f", "full screen"],
    ];
    return [["Dataset", keys], ...(this.view?.keys() || [])];
  }

  /* ---- actions ---- */

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.panelBox.requestFullscreen?.().catch(() => toast("The browser refused full screen", "warn"));
  }

  copyLink() {
    copy(linkTo(this), "Link");
  }

  async download() {
    try {
      const { downloadPanel } = await import("./download.js");
      if (!this.closed) downloadPanel(this);
    } catch (error) {
      toast(`No downloads: ${error.message}`, "error");
    }
  }

  /* ---- changes ---- */

  /** Is a dataset looked at? */
  shows(path) {
    return datasets(this).some((one) => one.path === path);
  }
  changed() {
    this.changes.tell();
  }
  resync() {
    this.changes.check();
  }
  reload() {
    this.changes.reload();
  }

  /** Show the view anew, errors forgotten. */
  again() {
    this.show(this.shown, false);
  }

  close() {
    this.closed = true;
    forget();
    this.showing.stop();
    this.changes.close();
    this.view?.close();
  }
}
