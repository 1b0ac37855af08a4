// SPDX-License-Identifier: BSD-3-Clause
// Charts as tables: the numbers behind a line, a histogram, a map of chunks.
import { json } from "./api.js";
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

export function plotTable(plot, title = plot.label || "Line") {
  const { values, pairs, n, count, from } = plot;
  const step = count / n;
  tablePanel(
    title,
    pairs ? ["From item", "Least", "Greatest"] : ["Item", "Value"],
    Array.from({ length: n }, (_, i) =>
      pairs
        ? [Math.floor(from + i * step), number(values[2 * i], 9), number(values[2 * i + 1], 9)]
        : [from + i, number(values[i], 9)],
    ),
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

function facts(stats) {
  const known = FACTS.filter(([key]) => stats[key] != null);
  const row = ([key, name]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, number(stats[key], 9)));
  return h("table", { class: "facts" }, h("tbody", {}, known.map(row)));
}

function histogram({ counts, lo, hi }) {
  const edge = (i) => number(lo + ((hi - lo) * i) / counts.length, 5);
  const rows = counts.map((n, i) => [edge(i), edge(i + 1), n]);
  return [h("h3", {}, "Histogram"), rowsOf("Histogram", ["From", "To", "Items"], rows)];
}

/** Statistics and histogram of a slice; url: /api/stats/…. Who closes the panel does not want them any more. */
export async function statsPanel(title, url) {
  const content = h("div", {}, h("p", { class: "empty" }, "Loading…"));
  const control = new AbortController();
  const fill = async () => {
    try {
      const stats = await json(url, { signal: control.signal });
      const sample = `Of a sample: ${number(100 * stats.fraction, 3)} % of the items.`;
      const parts = [
        facts(stats),
        stats.sampled ? h("p", { class: "small" }, sample) : null,
        stats.histogram?.counts?.length ? histogram(stats.histogram) : null,
      ];
      content.replaceChildren(h("div", {}, parts));
    } catch (error) {
      if (!control.signal.aborted) content.replaceChildren(errorCard(error, fill));
    }
  };
  panel(title, content).addEventListener("close", () => control.abort());
  await fill();
}
