// SPDX-License-Identifier: BSD-3-Clause
// What draws like the context of a canvas, and makes an SVG of it: as much as axes, curves and pictures need.
const NAMES = { left: "start", center: "middle", right: "end" };
const BASELINES = { top: 0.8, middle: 0.35, alphabetic: 0, bottom: -0.2 }; // of the size of the font

const STATE = "fillStyle strokeStyle lineWidth globalAlpha font textAlign textBaseline clipped".split(" ");

/** Text as it stands in markup. */
export const escaped = (text) => String(text).replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
const short = (value) => +value.toFixed(2);

export class SvgContext {
  constructor(width, height) {
    Object.assign(this, { width, height, out: [], clips: 0, stack: [], path: "" });
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1 });
    Object.assign(this, { font: "10px sans-serif", textAlign: "left", textBaseline: "alphabetic" });
    Object.assign(this, { matrix: new DOMMatrix(), clipped: "" });
    this.ruler = document.createElement("canvas").getContext("2d");
  }

  /* ---- state ---- */

  save() {
    const kept = STATE.map((name) => [name, this[name]]);
    this.stack.push({ ...Object.fromEntries(kept), matrix: DOMMatrix.fromMatrix(this.matrix) });
  }
  restore() {
    Object.assign(this, this.stack.pop());
  }
  translate(x, y) {
    this.matrix.translateSelf(x, y);
  }
  rotate(angle) {
    this.matrix.rotateSelf((angle * 180) / Math.PI);
  }
  scale(x, y) {
    this.matrix.scaleSelf(x, y);
  }
  measureText(text) {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  /* ---- paths ---- */

  beginPath() {
    this.path = "";
  }
  moveTo(x, y) {
    this.path += `M${short(x)} ${short(y)}`;
  }
  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${short(x)} ${short(y)}`;
  }
  rect(x, y, width, height) {
    this.path += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
  }
  /** Whole circles: nothing else is drawn. */
  arc(x, y, radius) {
    const half = `a${radius} ${radius} 0 1 0`;
    this.path += `M${short(x + radius)} ${short(y)}${half} ${-2 * radius} 0${half} ${2 * radius} 0Z`;
  }

  /* An element with what holds for all of them. */
  put(name, attrs, content = "") {
    const { a, b, c, d, e, f, isIdentity } = this.matrix;
    const all = {
      ...attrs,
      transform: isIdentity ? null : `matrix(${[a, b, c, d, e, f].map((one) => +one.toFixed(6)).join(" ")})`,
      opacity: this.globalAlpha < 1 ? this.globalAlpha : null,
    };
    const given = Object.entries(all).filter(([, value]) => value != null);
    const text = `<${name} ${given.map(([key, value]) => `${key}="${escaped(value)}"`).join(" ")}`;
    const whole = content ? `${text}>${content}</${name}>` : `${text}/>`;
    this.out.push(this.clipped ? `<g clip-path="url(#${this.clipped})">${whole}</g>` : whole);
  }
  stroke() {
    const how = { fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth };
    if (this.path) this.put("path", { d: this.path, ...how, "stroke-linejoin": "round" });
  }
  fill() {
    if (this.path) this.put("path", { d: this.path, fill: this.fillStyle });
  }
  clip() {
    const id = `clip${++this.clips}`;
    this.clipped = "";
    const at = this.out.length;
    this.fill();
    this.out.push(`<clipPath id="${id}">${this.out.splice(at).join("")}</clipPath>`);
    this.clipped = id;
  }

  /* ---- things ---- */

  clearRect() {
    /* nothing is below */
  }
  fillRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.fill();
  }
  strokeRect(x, y, width, height) {
    this.beginPath();
    this.rect(x, y, width, height);
    this.stroke();
  }
  fillText(text, x, y, most) {
    const [, weight, size, family] = /^(.*?)([\d.]+)px (.*)$/.exec(this.font);
    const wide = most && this.measureText(text).width > most ? short(most) : null;
    const how = {
      "font-size": size,
      "font-family": family,
      "font-weight": weight.trim() || null,
      fill: this.fillStyle,
    };
    const place = { x: short(x), y: short(y + size * (BASELINES[this.textBaseline] ?? 0)) };
    const fit = { textLength: wide, lengthAdjust: wide && "spacingAndGlyphs" };
    this.put("text", { ...place, ...how, "text-anchor": NAMES[this.textAlign] || "start", ...fit }, escaped(text));
  }
  /** A whole canvas, as a PNG inside. */
  drawImage(canvas, x, y, width, height) {
    const place = { x: short(x), y: short(y), width: short(width), height: short(height) };
    const how = { preserveAspectRatio: "none", style: "image-rendering: pixelated" };
    this.put("image", { ...place, ...how, href: canvas.toDataURL("image/png") });
  }

  /** The whole file. */
  text(title) {
    const { width, height } = this;
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    const content = `<title>${escaped(title)}</title>${this.out.join("\n")}`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${content}</svg>\n`;
  }
}
