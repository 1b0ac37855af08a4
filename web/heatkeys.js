// SPDX-License-Identifier: BSD-3-Clause
// What keys do to a heat map.
import { SCALES } from "./colour.js";
import { MAPS } from "./toolbars.js";
import { ARROWS } from "./ui.js";

export const KEYS = [
  ["[ ]", "slice back, forward on the marked axis"],
  ["PgUp PgDn", "ten slices"],
  ["{ }", "mark another axis"],
  ["Space", "play"],
  ["+ - 0", "zoom in, out, fit"],
  ["← → ↑ ↓", "pan (Shift: far)"],
  ["c l i a", "colours, scale, invert, autoscale"],
  ["p", "profiles"],
  ["Enter", "profiles through the middle"],
  ["o", "region of interest (arrows move it, with Shift its size, Delete)"],
  ["j", "projection: greatest, mean, least"],
  ["v", "movie"],
  ["x", "swap axes"],
  ["m", "compare"],
  ["s", "statistics"],
  ["Shift-drag", "zoom into a box"],
];

/** Keys that do the same wherever the focus is. */
export function heatActions(view) {
  const { slicer, viewport } = view;
  const scales = SCALES.map(([name]) => name);
  return {
    ...slicer.actions(),
    PageUp: () => slicer.step(-10),
    PageDown: () => slicer.step(10),
    "+": () => viewport.zoom(1 / 1.5),
    "=": () => viewport.zoom(1 / 1.5),
    "-": () => viewport.zoom(1.5),
    0: () => viewport.fit(),
    l: () => view.next("sc", scales),
    c: () => view.next("cm", MAPS),
    a: () => view.colouring.autoscale(),
    i: () => view.toggle("inv"),
    p: () => view.toggle("prof"),
    o: () => view.extras.region.toggle(),
    j: () => view.extras.projection.next(),
    v: () => view.extras.movie(),
    x: () => slicer.swap(),
    m: () => view.comparison.ask(),
    s: () => view.statsTable(),
  };
}

/** Keys that are the picture's, unless the focus is at something that has a use for them; true when it was one. */
export function heatKey(view, { key, shiftKey, target }) {
  const onCanvas = target.closest?.("canvas.heat");
  if (key === " " && !target.closest?.("button, a, input, select")) {
    view.slicer.play();
    return true;
  }
  if (key === "Enter" && onCanvas) {
    view.pin(view.viewport.middle);
    if (!view.state.prof) view.toggle("prof");
    return true;
  }
  const arrow = ARROWS[key];
  if (!arrow || !(onCanvas || target === document.body || target.id === "main")) return false;
  const { x0, x1, y0, y1 } = view.window;
  const far = shiftKey ? 0.5 : 0.05;
  view.viewport.pan(arrow[0] * far * (x1 - x0), arrow[1] * far * (y1 - y0));
  view.readout.hover(view.viewport.middle);
  return true;
}
