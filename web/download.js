// SPDX-License-Identifier: BSD-3-Clause
// The panel of downloads: the dataset, the slice that is shown, the picture; and how programs get the same.
import { BASE, encode, query } from "./api.js";
import { button, copy, h, panel, toast } from "./ui.js";

/* One word of a shell, whatever is in it. */
const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`;

const link = (text, url, note) =>
  h("li", {}, h("a", { href: url, download: "" }, text), " ", h("span", { class: "small" }, note));

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

/* Rows of a table that were picked: by their address. */
function pythonOf(url) {
  return [
    "import io, urllib.request, numpy\n",
    `url = ${JSON.stringify(url)}`,
    "rows = numpy.load(io.BytesIO(urllib.request.urlopen(url).read()))",
  ].join("\n");
}

function python(path, slice) {
  const [root, ...rest] = path.split("/");
  const text = JSON.stringify;
  return [
    "import caterva2\n",
    `root = caterva2.Root(${text(root)}, host=${text(location.host)})`,
    `dataset = root[${text(rest.join("/"))}]`,
    `values = dataset[${slice || "..."}]`,
  ].join("\n");
}

/* What the server is asked for, to make the same picture as a heat map, in the range that is shown. */
function asked({ state, plane, source: { agg, over, quantity }, colouring: { last, bar } }) {
  const falls = quantity.scale < 0; // the server draws stored numbers
  const [lo, hi] = last ? [bar.range.lo, bar.range.hi].map((value) => quantity.stored(value)) : [];
  return {
    cmap: (Boolean(state.inv) === falls ? "" : "-") + state.cm,
    scale: state.sc,
    lo: falls ? hi : lo,
    hi: falls ? lo : hi,
    fill: quantity.fill,
    part: state.part,
    agg,
    over,
    axes: over || plane.x < plane.y ? `${plane.x},${plane.y}` : null,
  };
}

async function saved(view, kind, name) {
  try {
    (await import("./save.js")).save(view, kind, name);
  } catch (error) {
    toast(`Not saved: ${error.message}`, "error");
  }
}

/* What is shown, as a file: by the server in all its pixels, as it is drawn here. */
function pictures(view, name, address) {
  const more = view.window ? asked(view) : view.how; // the server makes no picture of a volume, or a line
  const drawn = (kind, note) => [
    h("button", { type: "button", class: "link", onclick: () => saved(view, kind, name) }, `View as .${kind}`),
    " ",
    h("span", { class: "small" }, note),
  ];
  return [
    more ? link("Picture as .png", address("png", more), "with the colours shown") : null,
    h("li", {}, drawn("png", "what is on the screen, with axes and labels")),
    h("li", {}, drawn("svg", "the same, to be enlarged and edited")),
  ];
}

/* Filter, order and fields of a table; null: it is shown as it is. */
function pickedBy(view) {
  const picked = view?.picked?.() ?? {};
  return Object.values(picked).some(Boolean) ? picked : null;
}

function slices(address, what, note) {
  return [
    link(`${what} as .b2nd`, address("b2nd"), `${note}, compressed`),
    link(`${what} as .npy`, address("npy"), "for NumPy"),
    link(`${what} as .csv`, address("csv"), "for spreadsheets"),
    link(`${what} as .json`, address("json"), "up to 16 MiB"),
  ];
}

/** Of the dataset and what its view shows. */
export function downloadPanel({ path, ds, view }) {
  const array = ds.kind === "array";
  const slice = view?.slice() ?? "";
  const picked = pickedBy(view);
  const base = `/api/fetch/${encode(path)}`;
  const part = picked ?? { slice_: slice };
  const address = (format, more = {}) => `${base}${query({ ...part, format, download: 1, ...more })}`;
  const itself = ds.kind === "file" ? link("The file", `${base}?format=raw`, "as it is") : null;
  const stored = ds.kind === "file" ? `/files/${encode(path)}.b2` : `/api/download/${encode(path)}`;
  const whole = link("As stored", stored, "the whole dataset, a Blosc2 frame");
  const files = picked
    ? slices(address, "Rows", "as they are shown: filter, order, fields")
    : slices(address, "Slice", `[${slice || "..."}]`);
  const shown = view?.stage || view?.stack ? pictures(view, path.split("/").pop(), address) : [];
  const plain = `${location.origin}${BASE}${base}${query({ ...part, format: "npy" })}`;
  const item = quoted(path + (slice && array ? `[${slice}]` : ""));
  panel(
    "Download",
    h("ul", { class: "links" }, itself, whole, array ? files : null, shown),
    snippet("Python", picked ? pythonOf(plain) : python(path, slice)),
    snippet("curl", `curl -o data.npy ${quoted(plain)}`),
    picked ? null : snippet("cat2cli", `cat2cli --host ${location.host} show ${item}`),
  );
}
