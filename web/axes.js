// SPDX-License-Identifier: BSD-3-Clause
// Axes on a canvas: as many ticks as have room, labels, what the axis is called.
import { ticks } from "./ticks.js";
import { clamp, token } from "./ui.js";

const FONT = 12; // px
const MARK = 4;

/** For text of axes and of what stands beside them. */
export function prepare(context) {
  context.font = `${FONT}px ${token("--font") || "sans-serif"}`;
  context.lineWidth = 1;
  context.strokeStyle = token("--line");
  context.fillStyle = token("--muted");
}

/* Does each label have room beside the next? */
function fits(context, list, at, upright) {
  for (let i = 1; i < list.length; i++) {
    const room = Math.abs(at(list[i].value) - at(list[i - 1].value));
    const width = (one) => context.measureText(one.text).width;
    if (room < (upright ? FONT + 4 : (width(list[i]) + width(list[i - 1])) / 2 + 10)) return false;
  }
  return true;
}

/**
 * An axis with its ticks, measured with the font of prepare(): what was given, and {ticks, note, wide}.
 * side: "bottom" or "left"; from, to: the pixels of its ends; lo, hi: the values there, in any order; at: value to
 * pixel.
 * label, units: what it is called; scale, whole, clock as in ticks(); even: false, values are not spread evenly.
 * within: pixels between which labels of "bottom" must be. wide: pixels of the longest label.
 */
export function axis(context, given) {
  const { side, from, to, lo, hi, at, scale = "linear", even = true } = given;
  const length = Math.abs(to - from);
  const upright = side === "left";
  const of = even && scale === "linear" ? null : (value) => (at(value) - from) / (to - from);
  let found;
  for (let most = Math.max(Math.floor(length / (upright ? 34 : 44)), 2); ; most = Math.floor(most * 0.8)) {
    found = ticks(lo, hi, most, { ...given, scale, of });
    if (fits(context, found.ticks, at, upright)) break;
    if (most > 2) continue;
    found.ticks.length = 1;
    break;
  }
  const wide = Math.max(0, ...found.ticks.map((one) => context.measureText(one.text).width));
  return { ...given, ...found, wide: Math.ceil(wide) };
}

/** What an axis is called: "angle (degrees)"; of times their calendar, unless it is the one of all. */
export function nameOf({ label = "", units = "", clock = null }) {
  const more = clock ? clock.name : units;
  return label && more ? `${label} (${more})` : label || more;
}

/** Pixels that an axis of axis() needs beside the picture. */
export const room = (made) => {
  const beside = made.side === "left" ? made.wide : FONT;
  return beside + MARK + 6 + (nameOf(made) || made.note ? FONT + 6 : 0);
};

/** Draw an axis of axis(); edge: the pixel of its line; grid: lines through the picture up to there. */
export function drawAxis(context, made, edge, grid) {
  const { side, ticks: list, at, from, to } = made;
  const upright = side === "left";
  const point = (along, across) => (upright ? [across, along] : [along, across]);
  const out = upright ? -1 : 1;
  context.textAlign = upright ? "right" : "center";
  context.textBaseline = upright ? "middle" : "top";
  const lines = (end) => {
    context.beginPath();
    for (const one of list) {
      const along = Math.round(at(one.value)) + 0.5;
      context.moveTo(...point(along, edge));
      context.lineTo(...point(along, end));
    }
    context.stroke();
  };
  if (grid !== undefined) lines(grid);
  context.strokeStyle = token("--muted");
  lines(edge + out * MARK);
  context.strokeStyle = token("--line");
  const { within = [Math.max(Math.min(from, to) - 40, 0), Math.max(from, to) + 8] } = made;
  for (const one of list) {
    const half = context.measureText(one.text).width / 2;
    const kept = clamp(at(one.value), within[0] + half, within[1] - half);
    const along = upright ? at(one.value) : kept;
    context.fillText(one.text, ...point(along, edge + out * (MARK + 3)));
  }
  drawTitle(context, made, edge + out * (room(made) - FONT - 2));
}

/* Beside the labels: the name in the middle, the note at the end; upright from the bottom up. */
function drawTitle(context, made, across) {
  const { side, from, to, note } = made;
  const name = nameOf(made);
  const length = Math.abs(to - from);
  context.save();
  if (side === "left") {
    context.translate(across - FONT + 2, Math.max(from, to));
    context.rotate(-Math.PI / 2);
  } else context.translate(Math.min(from, to), across);
  context.textBaseline = "top";
  context.textAlign = "right";
  if (note) context.fillText(note, length, 0);
  const left = length - (note ? context.measureText(note).width + 12 : 0);
  context.textAlign = "center";
  if (name) context.fillText(name, Math.min(length, left) / 2, 0, Math.max(left, 20));
  context.restore();
}
