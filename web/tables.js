// SPDX-License-Identifier: BSD-3-Clause
// Charts as tables: the numbers behind a line, a histogram, a map of chunks.
import { exactJson } from "./api.js";
import { button, errorCard, h, number, panel } from "./ui.js";

const ROWS_MOST = 2000;

function rowsOf(title, names, rows) {
  return [
    rows.length > ROWS_MOST ? h("p", { class: "small" }, `The first ${ROWS_MOST} of ${rows.length} rows.`) : null,
    h(
      "div",
      { class: "scroll tall", tabindex: "0", role: "region", "aria-label": title },
      h(
        "table",
        { class: "values" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            names.map((name) => h("th", { scope: "col" }, name)),
          ),
        ),
        h(
          "tbody",
          {},
          rows.slice(0, ROWS_MOST).map(([first, ...rest]) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, String(first)),
              rest.map((cell) => h("td", {}, String(cell))),
            ),
          ),
        ),
      ),
    ),
  ];
}

export const tablePanel = (title, names, rows) => panel(title, h("div", {}, rowsOf(title, names, rows)));

/** A button that opens the table of a chart. */
export const tableButton = (open) => button("table", "View as table", open);

const named = (name, units) => (units ? `${name} (${units})` : name);

/* Columns of a curve: items, values, coordinates, errors. */
function columnsOf(curve, axis, several) {
  const { y, x, spread, label } = curve;
  const { units } = curve.source.quantity;
  const heads = y.pairs
    ? ["From item", named("Least", units), named("Greatest", units)]
    : ["Item", named("Value", units)];
  const names = [...heads, x && named("x", axis.axis.units), spread && "Error"].filter(Boolean);
  const cells = (i) => [
    curve.item(i),
    ...curve.told(i, 9, ""),
    ...(x ? [curve.xTold(i, axis, 9, "")] : []),
    ...(spread ? [number(curve.error(i), 9)] : []),
  ];
  return {
    names: names.map((name) => (several ? `${label}: ${name}` : name)),
    cells: (i) => (i < y.n ? cells(i) : names.map(() => "")),
    n: y.n,
  };
}

/** The points of all curves of a plot. */
export function plotTable({ curves, x, label }, title = label || "Line") {
  const columns = curves.map((curve) => columnsOf(curve, x, curves.length > 1));
  const most = Math.min(Math.max(...columns.map(({ n }) => n)), ROWS_MOST + 1);
  const rows = Array.from({ length: most }, (_, i) => columns.flatMap(({ cells }) => cells(i)));
  tablePanel(
    title,
    columns.flatMap(({ names }) => names),
    rows,
  );
}

const FACTS = [
  ["count", "Items"],
  ["finite", "Finite"],
  ["nan", "NaN"],
  ["inf", "Infinite"],
  ["min", "Least"],
  ["p1", "1st percentile"],
  ["mean", "Mean"],
  ["p99", "99th percentile"],
  ["max", "Greatest"],
  ["std", "Standard deviation"],
  ["min_positive", "Least above 0"],
];

const DATED = ["min", "p1", "mean", "p99", "max"];

function facts(all, labels, dated) {
  const known = FACTS.filter(
    ([key]) => all.some((stats) => stats[key] != null) && !(dated && key === "min_positive"),
  );
  const say = (stats, key) => {
    if (!dated || !DATED.includes(key)) return number(stats[key], 9);
    const exact = stats.dates?.mean; // finer than a double
    return key === "mean" && exact?.includes(".") ? exact.replace("T", " ") : dated(stats[key]);
  };
  const row = ([key, name]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      all.map((stats) => h("td", {}, say(stats, key))),
    );
  const names = labels.map((label) => h("th", { scope: "col" }, label));
  const head = labels.length > 1 ? h("thead", {}, h("tr", {}, h("td", {}), names)) : null;
  return h("table", { class: "facts" }, head, h("tbody", {}, known.map(row)));
}

function histogram({ counts, lo, hi }, label, say) {
  const large = typeof lo === "bigint" || typeof hi === "bigint";
  const wide = large ? Number(BigInt(hi) - BigInt(lo)) : hi - lo;
  const above = (i) => (wide * i) / counts.length;
  const edge = (i) => say(large ? BigInt(lo) + BigInt(Math.round(above(i))) : lo + above(i), 5);
  const rows = counts.map((n, i) => [edge(i), edge(i + 1), n]);
  return [
    h("h3", {}, label ? `Histogram of ${label}` : "Histogram"),
    rowsOf("Histogram", ["From", "To", "Items"], rows),
  ];
}

/** Statistics and histograms; of: the URL of /api/stats/…, or several [{label, url}]; note: what is to be
 * known of them; dated: values as dates. Who closes the panel does not want them any more. */
export async function statsPanel(title, of, note = "", dated = null) {
  const content = h("div", {}, h("p", { class: "empty" }, "Loading…"));
  const control = new AbortController();
  const parts = typeof of === "string" ? [{ label: "", url: of }] : of;
  const sample = ({ sampled, fraction }) =>
    sampled ? h("p", { class: "small" }, `Of a sample: ${number(100 * fraction, 3)} % of the items.`) : null;
  const fill = async () => {
    try {
      const all = await Promise.all(parts.map(({ url }) => exactJson(url, { signal: control.signal })));
      const labels = parts.map(({ label }) => (parts.length > 1 ? label : ""));
      const histograms = all.map((stats, i) =>
        stats.histogram?.counts?.length ? histogram(stats.histogram, labels[i], dated || number) : null,
      );
      const said = note ? h("p", { class: "small" }, note) : null;
      content.replaceChildren(h("div", {}, facts(all, labels, dated), said, all.map(sample), histograms));
    } catch (error) {
      if (!control.signal.aborted) content.replaceChildren(errorCard(error, fill));
    }
  };
  panel(title, content).addEventListener("close", () => control.abort());
  await fill();
}
