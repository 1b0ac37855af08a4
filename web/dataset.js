// SPDX-License-Identifier: BSD-3-Clause
// The page of a dataset: which views it has, the one shown, what may be downloaded, what changed.
import { BASE, encode, get, json, query } from "./api.js";
import { pin, pinned } from "./home.js";
import { forget, format, parse, settle, write } from "./state.js";
import { button, copy, errorCard, h, panel, toast } from "./ui.js";

const VIEWS = {
  heat: ["Picture", () => import("./heat.js").then((it) => it.HeatView)],
  line: ["Line", () => import("./line.js").then((it) => it.LineView)],
  table: ["Table", () => import("./table.js").then((it) => it.TableView)],
  rgb: ["Colours", () => import("./text.js").then((it) => it.ColourView)],
  value: ["Value", () => import("./text.js").then((it) => it.ValueView)],
  markdown: ["Text", () => import("./text.js").then((it) => it.BytesView)],
  text: ["Source", () => import("./text.js").then((it) => it.BytesView)],
  hex: ["Hex", () => import("./text.js").then((it) => it.BytesView)],
};

/** What main's data attributes say. */
function describe(main) {
  const { path, kind, dtype, etag, shape, chunks, fields, contenttype, image } = main.dataset;
  const list = (text) => (text ? text.split(",").map(Number) : []);
  return {
    path,
    kind,
    dtype,
    etag,
    shape: list(shape),
    chunks: list(chunks),
    fields: fields ? JSON.parse(fields) : [],
    contenttype: contenttype || "",
    image: Boolean(image),
    itemsize: kind === "frame" ? Number(dtype.replace(/\D/g, "")) || 1 : 1,
  };
}

/** Views a dataset has, the one it opens with first. */
function viewsOf(ds) {
  const ndim = ds.shape.length;
  const last = ds.shape[ndim - 1];
  const name = ds.path.toLowerCase();
  if (ds.kind !== "array")
    return /\.(md|markdown)$/.test(name) && ds.kind === "file"
      ? ["markdown", "text", "hex"]
      : /\.(bin|h5|png|jpg|gz|zip|tif|b2frame)$/.test(name)
        ? ["hex", "text"]
        : ["text", "hex"];
  if (!ndim) return ["value"];
  const numeric = (dtype) => /^[<>|=]?(u?int|float|bool|complex|[biufc]\d)/.test(dtype);
  if (ds.fields.length)
    return ndim === 1
      ? ["table", ...(ds.fields.some((field) => numeric(field.dtype) && !field.shape.length) ? ["line"] : [])]
      : ["table"];
  const numbers = numeric(ds.dtype);
  if (ndim === 1) return numbers || /datetime|timedelta/.test(ds.dtype) ? ["line", "table"] : ["table"];
  const colours = ndim === 3 && (last === 3 || last === 4) && /^[<>|=]?(uint8|u1)$/.test(ds.dtype);
  return [...(colours ? ["rgb"] : []), ...(numbers ? ["heat", "line"] : []), "table"];
}

export class DatasetPage {
  constructor(main) {
    this.main = main;
    this.ds = describe(main);
    this.path = this.ds.path;
    this.address = location.pathname;
    this.rendered = main.querySelector("#view .markdown");
    const names = viewsOf(this.ds);
    this.views = [
      ...names.map((name) => ({
        name,
        label: name === "text" && !names.includes("markdown") ? "Text" : VIEWS[name][0],
      })),
      { name: "meta", label: "Metadata" },
      { name: "chunks", label: "Chunks" },
    ];
    this.panelBox = main.querySelector("#view");
    this.sections = h("div", { id: "about", role: "tabpanel", "aria-labelledby": "tab-meta", tabindex: "-1" });
    this.sections.append(...main.querySelectorAll("#meta, #attrs"));
    this.panelBox.after(this.sections);
    this.tabs = h(
      "div",
      { id: "tabs", role: "tablist", "aria-label": "Views", onkeydown: (event) => this.tabKey(event) },
      this.views.map((view, i) =>
        h(
          "button",
          {
            type: "button",
            role: "tab",
            id: `tab-${view.name}`,
            "aria-controls": view.name === "meta" ? "about" : "view",
            title: `${view.label} (${i + 1})`,
            onclick: () => this.show(view.name),
          },
          view.label,
        ),
      ),
    );
    this.panelBox.before(this.tabs);
    this.panelBox.setAttribute("role", "tabpanel");
    this.panelBox.removeAttribute("aria-label");
    this.actions();
    this.copyButtons();
    this.restore();
  }

  /* ---- state ---- */

  restore() {
    const { state, notes } = parse(location.search, location.hash);
    if (
      state.cm === "viridis" &&
      !new URLSearchParams(location.search).has("cm") &&
      this.ds.contenttype === "tomography"
    )
      state.cm = "grey";
    this.state = state;
    this.notices(notes);
    this.show(this.viewOf(state), false);
  }

  viewOf({ tab, v }) {
    const wanted = tab !== "view" && tab ? tab : { matrix: "table", tomo: "heat" }[v] || v || this.views[0].name;
    if (this.views.some((view) => view.name === wanted)) return wanted;
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
    return format(
      target.pathname,
      like ? { ...this.state, cmp: "", where: "", sort: "", f: "", row: "", col: "" } : kept,
    );
  }

  /* ---- views ---- */

  async show(name, step = true) {
    const special = name === "meta" || name === "chunks";
    this.state.tab = special ? name : name === "table" && this.views[0].name !== "table" ? "table" : "view";
    if (!special)
      this.state.v = name === this.views[0].name || name === "table" ? "" : name === "markdown" ? "text" : name;
    if (step) {
      if (this.shown !== name && this.shown) this.state.box = this.shown === "chunks" ? this.state.box : "";
      this.write(true);
    }
    for (const tab of this.tabs.children) {
      const on = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
    }
    this.view?.close();
    this.view = null;
    this.shown = name;
    this.sections.hidden = name !== "meta";
    this.panelBox.hidden = name === "meta";
    this.panelBox.setAttribute("aria-labelledby", `tab-${name}`);
    if (name === "meta") {
      this.cachedRow();
      return;
    }
    if (!step || !this.panelBox.children.length) this.panelBox.classList.add("busy");
    try {
      const View = name === "chunks" ? (await import("./chunks.js")).ChunksView : await VIEWS[name][1]();
      if (this.shown === name && !this.closed) this.view = new View(this, this.panelBox, name);
    } catch (error) {
      this.panelBox.replaceChildren(errorCard(error, () => this.show(name, false)));
    } finally {
      this.panelBox.classList.remove("busy");
    }
  }

  tabKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const all = [...this.tabs.children];
    const next = all[(all.indexOf(document.activeElement) + by + all.length) % all.length];
    event.preventDefault();
    event.stopPropagation();
    next.focus();
    next.click();
  }

  key(event) {
    const n = Number(event.key);
    if (n >= 1 && n <= this.views.length) {
      this.show(this.views[n - 1].name);
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
    return [
      [
        "Dataset",
        [
          [`1 … ${this.views.length}`, this.views.map((view) => view.label).join(", ")],
          ["y", "copy the link"],
          ["d", "download"],
          ["r", "reload"],
          ["f", "full screen"],
        ],
      ],
      ...(this.view?.keys() || []),
    ];
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.panelBox.requestFullscreen?.().catch(() => toast("The browser refused full screen", "warn"));
  }

  /** Another dataset, by its path. */
  async dataset(path) {
    const page = new DOMParser()
      .parseFromString(
        await (await get(`/roots/${encode(path)}`, { headers: { "X-Caterva2-Part": "main" } })).text(),
        "text/html",
      )
      .getElementById("main");
    if (page?.dataset.page !== "dataset") throw new Error(`${path} is not a dataset`);
    return describe(page);
  }

  /* ---- actions ---- */

  actions() {
    const pinButton = button("pin", "Pin to the first page", () => {
      pin(this.path, !isPinned());
      mark();
    });
    const isPinned = () => pinned().includes(this.path);
    const mark = () => pinButton.setAttribute("aria-pressed", isPinned());
    mark();
    this.main.querySelector(".trail")?.append(button("copy", "Copy the path", () => copy(this.path, "Path")));
    const actions = this.main.querySelector(".actions");
    const viewer = actions.querySelector("a[href*='/h5web/?']");
    actions.replaceChildren(
      ...(viewer ? [viewer] : []),
      pinButton,
      button("download", "Download", () => this.download(), "d", "Download"),
      button("link", "Copy the link", () => this.copyLink(), "y", "Share"),
    );
  }

  copyLink() {
    this.write();
    setTimeout(() => copy(location.href, "Link"), 250);
  }

  download() {
    const slice = this.view?.slice() ?? "";
    const base = `/api/fetch/${encode(this.path)}`;
    const whole = this.ds.kind !== "array";
    const numeric = this.view?.picture;
    const link = (text, url, note) =>
      h("li", {}, h("a", { href: url, download: "" }, text), " ", h("span", { class: "small" }, note));
    const of = (fmt, more = {}) => `${base}${query({ slice_: slice, format: fmt, download: 1, ...more })}`;
    const picture = numeric ? this.view.picture() : null;
    const ordered = picture && this.ds.shape.length >= 2;
    const snippet = (name, text) =>
      h(
        "section",
        {},
        h(
          "h3",
          {},
          name,
          " ",
          button("copy", `Copy ${name}`, () => copy(text, name)),
        ),
        h("pre", { tabindex: "0" }, text),
      );
    const origin = location.origin + BASE;
    const shown = slice || "...";
    panel(
      "Download",
      h(
        "ul",
        { class: "links" },
        link("As stored", `/api/download/${encode(this.path)}`, "the whole dataset, a Blosc2 frame"),
        ...(whole
          ? []
          : [
              link("Slice as .b2nd", of("b2nd"), `[${shown}], compressed`),
              link("Slice as .npy", of("npy"), "for NumPy"),
              link("Slice as .csv", of("csv"), "for spreadsheets"),
              link("Slice as .json", of("json"), "up to 16 MiB"),
            ]),
        ...(ordered
          ? [
              link("Picture as .png", of("png", picture), "with the colours shown"),
              h(
                "li",
                {},
                h(
                  "button",
                  { type: "button", class: "link", onclick: () => this.savePicture() },
                  "What is on the screen as .png",
                ),
              ),
            ]
          : []),
      ),
      snippet(
        "Python",
        `import caterva2\n\nroot = caterva2.Root(${JSON.stringify(this.path.split("/")[0])}, host=${JSON.stringify(location.host)})\ndataset = root[${JSON.stringify(this.path.split("/").slice(1).join("/"))}]\nvalues = dataset[${slice || "..."}]`,
      ),
      snippet("curl", `curl -o data.npy '${origin}${base}?slice_=${slice}&format=npy'`),
      snippet("cat2cli", `cat2cli --host ${location.host} show '${this.path}${slice && !whole ? `[${slice}]` : ""}'`),
    );
  }

  savePicture() {
    const canvas = this.view?.panes?.[0]?.canvas;
    if (!canvas) return;
    canvas.toBlob((blob) => {
      const url = URL.createObjectURL(blob);
      const a = h("a", { href: url, download: `${this.path.split("/").pop()}.png` });
      a.click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
  }

  copyButtons() {
    for (const row of this.main.querySelectorAll("#attrs tr"))
      row.lastElementChild.append(
        " ",
        button("copy", `Copy ${row.firstElementChild.textContent}`, () =>
          copy(row.lastElementChild.textContent.trim(), "Attribute"),
        ),
      );
    for (const code of this.main.querySelectorAll("#attrs td code")) {
      try {
        const value = JSON.parse(code.textContent);
        if (value && typeof value === "object") code.replaceWith(this.jsonTree(value, true));
      } catch {
        /* stays text */
      }
    }
  }

  jsonTree(value, open) {
    if (!value || typeof value !== "object") return h("code", {}, JSON.stringify(value));
    const entries = Object.entries(value).slice(0, 500);
    const inside = Array.isArray(value) ? `list of ${value.length}` : `${Object.keys(value).length} keys`;
    if (Array.isArray(value) && value.every((one) => !one || typeof one !== "object"))
      return h("code", {}, JSON.stringify(value));
    return h(
      "details",
      { open },
      h("summary", {}, inside),
      h(
        "ul",
        { class: "json" },
        entries.map(([key, one]) => h("li", {}, h("span", { class: "jkey" }, key), ": ", this.jsonTree(one, false))),
      ),
    );
  }

  /* How much of it is here; told when somebody looks. */
  async cachedRow() {
    const body = this.main.querySelector("#meta tbody");
    if (body.querySelector(".cached")) return;
    const cell = h("td", { class: "cached" }, "…");
    body.append(h("tr", {}, h("th", { scope: "row" }, "Cached here"), cell));
    try {
      const { cached, partial, nchunks, special } = await json(`/api/chunks/${encode(this.path)}`);
      cell.textContent = `${cached} of ${nchunks - special} chunks${partial ? `, ${partial} partly` : ""}${special ? `; ${special} need no storage` : ""}`;
    } catch (error) {
      cell.textContent = error.message;
    }
  }

  /* ---- changes ---- */

  changed() {
    if (this.follow) {
      this.reload();
      return;
    }
    this.toast?.remove();
    this.toast = toast(
      "The data changed.",
      "",
      [
        ["Reload (r)", () => this.reload()],
        [
          "Follow",
          () => {
            this.follow = true;
            this.reload();
          },
        ],
      ],
      0,
    );
  }

  resync() {
    this.checkEtag();
  }

  async checkEtag() {
    try {
      const answer = await get(`/api/info/${encode(this.path)}`, { method: "HEAD" });
      if (answer.headers.get("ETag")?.replace(/"/g, "") !== this.ds.etag) this.changed();
    } catch {
      /* the connection dot says it */
    }
  }

  async reload() {
    this.toast?.remove();
    try {
      const answer = await get(`/roots/${encode(this.path)}`, { headers: { "X-Caterva2-Part": "main" } });
      const main = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      const fresh = describe(main);
      if (this.closed) return;
      const shape = fresh.shape.length === this.ds.shape.length && fresh.dtype === this.ds.dtype;
      for (const id of ["meta", "attrs"])
        this.main.querySelector(`#${id}`).replaceWith(document.adoptNode(main.querySelector(`#${id}`)));
      this.main.querySelector("#head .facts").replaceWith(document.adoptNode(main.querySelector("#head .facts")));
      this.copyButtons();
      if (this.shown === "meta") this.cachedRow();
      this.rendered = main.querySelector("#view .markdown");
      Object.assign(this.ds, fresh);
      Object.assign(this.main.dataset, main.dataset);
      if (shape && this.view?.refresh) this.view.refresh(this.follow);
      else this.show(this.shown, false);
    } catch (error) {
      toast(`Not reloaded: ${error.message}`, "error");
    }
  }

  /** Show the view anew, errors forgotten. */
  again() {
    this.show(this.shown, false);
  }

  close() {
    this.closed = true;
    forget();
    this.toast?.remove();
    this.view?.close();
  }
}
