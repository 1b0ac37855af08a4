// SPDX-License-Identifier: BSD-3-Clause
// Ticks of an axis: round values between its ends and their labels, on every scale. A tick is int × 10^power: its
// label is exact, and its value is that of the label.
import { dateTicks } from "./dates.js";

const PLAIN = { least: -4, most: 7 }; // from 0.0001, and up to so many characters, numbers have no exponent
const DIGITS = { index: 10, alike: 5 }; // labels with more than alike have a part in common, which is said once

const tick = (int, power) => ({ int, power, value: Number(`${int}e${power}`) });
const inside = (lo, hi, list) => list.filter(({ value }) => value >= lo && value <= hi);

/* At most so many multiples of 1, 2 or 5 times a power of ten; whole: of integers. */
function linear(lo, hi, most, whole) {
  const fine = Math.max(Math.abs(lo), Math.abs(hi)) * 2 ** -50; // steps that doubles can tell apart
  const rough = Math.max(hi / most - lo / most, fine, 1e-321, whole ? 1 : 0);
  for (let n = 3 * Math.floor(Math.log10(rough)); ; n++) {
    const power = Math.floor(n / 3);
    const by = [1, 2, 5][n - 3 * power];
    const step = by * 10 ** power;
    if (step < rough * 0.4) continue;
    const list = [];
    const last = Math.floor(hi / step) + 2; // the quotient may be rounded
    for (let i = Math.ceil(lo / step) - 2; i <= last; i++) list.push(tick(i * by, power));
    const out = inside(lo, hi, list);
    if (out.length <= most) return out;
  }
}

/* Of groups, the most important first, those that are 1/(most − 1) of the axis apart; of: value to 0…1. */
function thinned(groups, of, most) {
  const gap = 0.999999 / (most - 1);
  const out = [];
  for (const one of groups.flat()) {
    const at = of(one.value);
    if (at - at === 0 && out.every((other) => Math.abs(other.at - at) >= gap)) out.push({ ...one, at });
  }
  return out.sort((a, b) => a.value - b.value);
}

/* Where values are not evenly spread: round numbers, and finer ones where half of the room is empty. */
function bent(lo, hi, most, of) {
  const groups = [];
  let out = [];
  for (const n of [1, 3, 10]) {
    if (2 * out.length >= most) break;
    groups.push(linear(lo, hi, n * most));
    out = thinned(groups, of, most);
  }
  return out;
}

/* Powers of ten, and where there is room 2, 5, 3 times those. */
function log(lo, hi, most, of) {
  const from = Math.floor(Math.log10(lo));
  const powers = Array.from({ length: Math.ceil(Math.log10(hi)) - from + 1 }, (_, i) => from + i);
  const rough = (Math.log10(hi) - Math.log10(lo)) / most;
  const stride = [1, 2, 5, 10, 20, 50, 100, 200].find((n) => n >= rough);
  const times = (by) =>
    inside(
      lo,
      hi,
      by.flatMap((one) => powers.map((power) => tick(one, power))),
    );
  const decades = times([1]).filter(({ power }) => power % stride === 0);
  const out = hi / lo < 10 ? [] : thinned(stride > 1 ? [decades] : [decades, times([2, 5]), times([3])], of, most);
  return out.length > 1 ? out : bent(lo, hi, most, of);
}

/* 0, powers of ten of both signs, the greatest first, then 5 and 2 times those. */
function symlog(lo, hi, most, of) {
  const top = Math.floor(Math.log10(Math.max(Math.abs(lo), Math.abs(hi))));
  const times = (by) => [0, 1, 2, 3].flatMap((n) => [tick(by, top - n), tick(-by, top - n)]);
  const out = thinned(inside(lo, hi, [tick(0, 0), ...times(1), ...times(5), ...times(2)]), of, most);
  return out.length > 2 ? out : bent(lo, hi, most, of);
}

/* Are values evenly spread by their logarithms rather than by themselves? */
function looksLog(lo, hi, of) {
  const off = (value) => Math.abs(of(value) - 0.5);
  return lo > 0 && hi > 10 * lo && off(Math.sqrt(lo) * Math.sqrt(hi)) < off(lo / 2 + hi / 2);
}

function chosen(lo, hi, most, { scale, whole, of }) {
  if (scale === "log" && lo > 0) {
    const span = Math.log(hi) - Math.log(lo);
    return log(lo, hi, most, of || ((value) => (Math.log(value) - Math.log(lo)) / span));
  }
  if (!of) return linear(lo, hi, most, whole);
  if (scale === "symlog") return symlog(lo, hi, most, of);
  return looksLog(lo, hi, of) ? log(lo, hi, most, of) : bent(lo, hi, most, of);
}

/* int × 10^power as text; plain: without an exponent. */
function decimal(int, power, plain) {
  if (!int) return "0";
  const [, digits, zeros] = /^-?(\d+?)(0*)$/.exec(int);
  const sign = int < 0 ? "-" : "";
  const exponent = power + zeros.length;
  const first = digits.length + exponent; // digits in front of the point
  if (!plain) return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ""}e${first - 1}`;
  if (exponent >= 0) return sign + digits + "0".repeat(exponent);
  return sign + (first > 0 ? `${digits.slice(0, first)}.${digits.slice(first)}` : `0.${"0".repeat(-first)}${digits}`);
}

const labels = (list, plain) => ({
  note: "",
  ticks: list.map(({ int, power, value }) => ({ value, text: decimal(int, power, plain) })),
});

/* What is to be added to all labels. */
function noteOf(offset, power) {
  const [plain, short] = [true, false].map((one) => decimal(offset, power, one));
  return (offset < 0 ? "" : "+") + (short.length < plain.length ? short : plain);
}

/* Of values that are less a whole number, base: ticks where the values themselves are round. */
function shifted(lo, hi, most, base, { of, ...how }) {
  const unit = 10n ** BigInt(Math.max(Math.ceil(Math.log10(hi - lo)), 0));
  const offset = ((base + BigInt(Math.floor(lo))) / unit) * unit;
  const by = Number(offset - base);
  const found = ticks(lo - by, hi - by, most, { ...how, of: of && ((value) => of(value + by)) });
  const list = found.ticks.map(({ value, text }) => ({ value: value + by, text }));
  return { ticks: list, note: offset ? noteOf(offset, 0) : found.note };
}

/* Labels of all ticks, alike. What they have in common, where they would be long, is said once. */
function labelled(list, whole) {
  const power = Math.min(...list.map((one) => one.power));
  const ints = list.map((one) => one.int && one.int * 10 ** (one.power - power));
  const big = Math.max(...ints.map(Math.abs));
  const digits = big ? Math.floor(Math.log10(big)) + 1 : 1;
  const most = whole ? DIGITS.index : PLAIN.most;
  const fits = Math.max(digits + power, 1) + Math.max(-power, 0) <= most && -power < most - 1;
  if (fits || !big) return labels(list, true);
  const least = ints.reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
  const spread = big - Math.abs(least);
  if (digits > DIGITS.alike && spread && spread <= big / 100 && Number.isSafeInteger(big)) {
    const unit = 10 ** Math.ceil(Math.log10(spread));
    const offset = Math.trunc(least / unit) * unit;
    const rest = labelled(ints.map((int, i) => ({ int: int - offset, power, value: list[i].value })));
    return { ...rest, note: noteOf(offset, power) };
  }
  const sizes = list.filter(({ int }) => int).map((one) => String(Math.abs(one.int)).length - 1 + one.power);
  return labels(list, Math.min(...sizes) >= PLAIN.least && Math.max(...sizes) < most - 1);
}

/**
 * Ticks between lo and hi, at most so many (2 or more), rising: {ticks: [{value, text}], note}. note is what all
 * labels have in common and do not say: "+1e9" to add, or "2024-03-01" of dates; "" nothing.
 * scale: "linear", "log", "symlog", "sqrt"; of: value to 0…1 along the axis, needed for symlog and sqrt and where
 * values are not spread evenly; whole: integers only; clock: values are times (dates.js); base: a bigint that all
 * values are less by.
 */
export function ticks(lo, hi, most, { scale = "linear", whole = false, clock = null, of = null, base = 0n } = {}) {
  if (lo > hi) return ticks(hi, lo, most, { scale, whole, clock, of, base });
  if (!Number.isFinite(lo) || !Number.isFinite(hi)) return { ticks: [], note: "" };
  const n = Math.max(Math.floor(most), 2);
  if (clock) return dateTicks(lo, hi, n, clock, of);
  if (base && lo < hi) return shifted(lo, hi, n, base, { scale, whole, of });
  const found = lo < hi || whole ? chosen(lo, hi, n, { scale, whole, of }) : [];
  if (found.length) return labelled(found, whole);
  return { ticks: whole ? [] : [{ value: lo, text: String(lo) }], note: "" };
}

/** How many significant digits tell values between lo and hi apart: least, or more where they begin alike. */
export function digitsOf(lo, hi, least = 6) {
  const alike = Math.ceil(Math.log10(Math.max(Math.abs(lo), Math.abs(hi)) / (hi - lo)));
  return alike > 0 && alike < Infinity ? Math.min(least + alike, 17) : least;
}
