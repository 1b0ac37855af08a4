// SPDX-License-Identifier: BSD-3-Clause
// Elements, notices and numbers: small words that every module uses.
import { at } from "./api.js";

/** Arrow keys: steps across and down. */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** An element. Attributes: on* are listeners; class and names with a dash as they are; not false and null. */
export function h(tag, attrs, ...children) {
  const [name, space] = tag.startsWith("svg:") ? [tag.slice(4), "http://www.w3.org/2000/svg"] : [tag, null];
  const it = space ? document.createElementNS(space, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attrs || {})) {
    if (key.startsWith("on")) it.addEventListener(key.slice(2), value);
    else if (key === "value") it.value = value;
    else if (value === true) it.setAttribute(key, "");
    else if (key === "href" || key === "src" || key === "action") it.setAttribute(key, at(value));
    else if (value !== false && value != null) it.setAttribute(key, value);
  }
  it.append(...children.flat(4).filter((child) => child != null && child !== false));
  return it;
}

const SHAPES = {
  pin: "M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v6",
  sum: "M17 5H7l6 7-6 7h10",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 18v.01",
  menu: "M4 6h16M4 12h16M4 18h16",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  play: "M7 5l12 7-12 7z",
  pause: "M8 5v14M16 5v14",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  link: "M10 14l4-4M8 12l-2 2a3 3 0 0 0 4 4l2-2M16 12l2-2a3 3 0 0 0-4-4l-2 2",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  full: "M9 4H4v5M15 20h5v-5M4 4l6 6M20 20l-6-6",
  profile: "M3 17l5-9 4 6 3-4 6 5",
  region: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M9 9h6v6H9z",
  movie: "M4 5h16v14H4zM8 5v14M16 5v14M4 12h4M16 12h4",
  swap: "M7 4v15M4 7l3-3 3 3M17 20V5M14 17l3 3 3-3",
  auto: "M4 18V9M9 18V5M14 18v-7M19 18v-4",
  compare: "M4 5h7v14H4zM13 5h7v14h-7z",
  invert: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  copy: "M9 9h11v11H9zM5 15V4h11",
  close: "M6 6l12 12M18 6L6 18",
  folder: "M3 6h6l2 2h10v11H3z",
  array: "M4 4h16v16H4zM4 12h16M12 4v16",
  line: "M3 17l5-9 4 6 3-4 6 5",
  table: "M4 5h16v14H4zM4 10h16M10 5v14",
  text: "M6 4h12v16H6zM9 9h6M9 13h6",
  cube: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  scalar: "M12 8v8M8 12h8",
  bad: "M12 4l9 16H3zM12 10v4M12 17v.01",
  root: "M4 6c0-3 16-3 16 0v12c0 3-16 3-16 0zM4 6c0 3 16 3 16 0M4 12c0 3 16 3 16 0",
};
export function icon(name) {
  return h(
    "svg:svg",
    { viewBox: "0 0 24 24", width: 18, height: 18, class: "icon", "aria-hidden": "true" },
    h("svg:path", { d: SHAPES[name] }),
  );
}

/** A button of an icon; its name is read aloud, its key is in the tooltip. */
export function button(name, label, onclick, key, text) {
  return h(
    "button",
    {
      type: "button",
      class: text ? "tool" : "tool bare",
      title: key ? `${label} (${key})` : label,
      "aria-label": text ? null : label,
      onclick,
    },
    icon(name),
    text ? h("span", {}, text) : null,
  );
}

export function select(label, options, value, onchange, hidden) {
  const id = `id${++select.n}`;
  const it = h(
    "select",
    { id, onchange: () => onchange(it.value) },
    options.map(([key, text]) => h("option", { value: key, selected: String(key) === String(value) }, text)),
  );
  return h("span", { class: "pair" }, h("label", { for: id, class: hidden ? "hidden" : null }, label), it);
}
select.n = 0;

/** Say something for a while, also to screen readers. kind: "", "warn", "error"; actions: [[text, fn]]. */
export function toast(text, kind = "", actions = [], seconds = 6) {
  const box = document.getElementById("status");
  const it = h(
    "div",
    { class: `toast ${kind}` },
    h("span", {}, text),
    actions.map(([name, fn]) =>
      h(
        "button",
        {
          type: "button",
          onclick: () => {
            it.remove();
            fn();
          },
        },
        name,
      ),
    ),
    h(
      "button",
      { type: "button", class: "bare", "aria-label": "Dismiss", onclick: () => it.remove() },
      icon("close"),
    ),
  );
  while (box.children.length > 2) box.firstChild.remove();
  box.append(it);
  if (seconds) setTimeout(() => it.remove(), seconds * 1000);
  return it;
}

const said = h("p", { class: "hidden", role: "status", id: "said" });

/** Tell screen readers what keys have changed: of many changes the last. */
export const say = debounce((text) => {
  if (!said.isConnected) document.body.append(said);
  said.textContent = text;
}, 300);

/** A mark for what is drawn of a sample. */
export const approximate = () =>
  h("span", { class: "badge", hidden: true, title: "Too much data for one look: a sample is shown" }, "approximate");

/** The context of a canvas that is this large, in px of the page. */
export function contextOf(canvas, width, height) {
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  return context;
}

/** A number that can be typed: {input, with its label the box}. */
export function numberField(label, attrs) {
  const input = h("input", { type: "number", ...attrs });
  return { input, box: h("span", { class: "pair" }, h("label", { for: attrs.id }, label), input) };
}

/** What went wrong, in place of what should be there. */
export function errorCard(error, retry) {
  return h(
    "div",
    { class: "card error", role: "alert" },
    h("p", {}, h("strong", {}, "That did not work. "), error.message || String(error)),
    error.url ? h("p", { class: "small" }, h("code", {}, error.url)) : null,
    retry ? h("button", { type: "button", onclick: retry }, "Retry") : null,
  );
}

export function nbytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let value = n;
  while (value >= 1024 && unit < 5) {
    value /= 1024;
    unit++;
  }
  return `${unit && value < 100 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** A number as people read it: six digits, integers plain. */
export function number(value, digits = 6) {
  if (typeof value === "bigint" || typeof value === "string") return String(value);
  if (value == null) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const text = value.toPrecision(digits);
  return text.includes("e") ? text.replace(/\.?0+e/, "e") : text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** At most once in ms, and the last call always. */
export function throttle(fn, ms) {
  let timer = 0;
  let last = 0;
  let waiting = null;
  const call = (...args) => {
    call.cancel();
    const wait = last + ms - performance.now();
    waiting = () => {
      waiting = null;
      last = performance.now();
      fn(...args);
    };
    if (wait <= 0) waiting();
    else timer = setTimeout(waiting, wait);
  };
  call.cancel = () => {
    clearTimeout(timer);
    waiting = null;
  };
  call.flush = () => {
    clearTimeout(timer);
    waiting?.();
  };
  return call;
}

/** Once, ms after the last call. */
export function debounce(fn, ms) {
  let timer = 0;
  const call = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), ms);
  };
  call.cancel = () => clearTimeout(timer);
  return call;
}

/* Plain http has no clipboard. What is outside of an open dialog cannot be selected. */
function copySelected(text) {
  const area = h("textarea", { class: "hidden", value: text });
  (document.querySelector("dialog[open]") || document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

export async function copy(text, what) {
  const done = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  if (done || copySelected(text)) toast(`${what} copied`, "", [], 2);
  else toast(`${what} not copied: the browser refused`, "warn");
}

/** Close the panel that is open. */
export function closePanel() {
  document.querySelector("dialog[open]")?.close();
}

/** A modal panel; Escape closes it and gives the focus back. */
export function panel(title, ...content) {
  closePanel();
  const it = h(
    "dialog",
    { "aria-label": title },
    h(
      "header",
      {},
      h("h2", {}, title),
      button("close", "Close", () => it.close(), "Esc"),
    ),
    ...content,
  );
  it.addEventListener("close", () => it.remove());
  document.body.append(it);
  it.showModal();
  return it;
}

/** Read and keep small things between visits; private windows may refuse. */
export function remember(key, value) {
  try {
    if (value === undefined) return JSON.parse(localStorage.getItem(key));
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    /* then not */
  }
  return null;
}

/** Colour tokens of the theme at hand, for canvases. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function setTheme(name) {
  document.documentElement.dataset.theme = name;
  document.cookie = `theme=${name}; path=/; max-age=31536000; samesite=lax`;
  document.dispatchEvent(new Event("theme"));
}
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
