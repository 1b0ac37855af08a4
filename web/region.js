// SPDX-License-Identifier: BSD-3-Clause
// A region of interest on a picture: drawn, moved and resized by mouse, finger and keys; in whole items.
import { RegionNumbers } from "./regionnumbers.js";
import { ARROWS, clamp, debounce, h } from "./ui.js";

const GRIPS = ["nw", "ne", "sw", "se"];

/** "x0,x1,y0,y1" within a plane; null: it is none, as "". */
function parseRegion(text, { rows, columns }) {
  const sides = text.split(",").map(Number);
  if (sides.length !== 4 || !sides.every(Number.isInteger)) return null;
  const [x0, x1, y0, y1] = sides;
  const box = {
    x0: clamp(x0, 0, columns),
    x1: clamp(x1, 0, columns),
    y0: clamp(y0, 0, rows),
    y1: clamp(y1, 0, rows),
  };
  return box.x1 > box.x0 && box.y1 > box.y0 ? box : null;
}

/* From one corner to the other, at least one item of the plane. */
function between(a, b, { rows, columns }) {
  const side = (one, two, n) => {
    const low = clamp(Math.floor(Math.min(one, two)), 0, n - 1);
    return [low, clamp(Math.ceil(Math.max(one, two)), low + 1, n)];
  };
  const [x0, x1] = side(a.x, b.x, columns);
  const [y0, y1] = side(a.y, b.y, rows);
  return { x0, x1, y0, y1 };
}

function moved({ x0, x1, y0, y1 }, byX, byY, { rows, columns }) {
  const x = clamp(byX, -x0, columns - x1);
  const y = clamp(byY, -y0, rows - y1);
  return { x0: x0 + x, x1: x1 + x, y0: y0 + y, y1: y1 + y };
}

export class Region {
  /** view: the picture, of several the nth; extras: have the overlay of its first pane. */
  constructor(view, extras) {
    Object.assign(this, { view, extras, nth: view.nth || 0, box: null, drawing: false });
    this.frame = h(
      "button",
      {
        type: "button",
        class: "region",
        hidden: true,
        onkeydown: (event) => this.key(event),
        onpointerdown: (event) => this.down(event),
        onpointermove: (event) => this.hover(event),
        onwheel: (event) => this.wheel(event),
      },
      GRIPS.map((name) => h("span", { class: `grip ${name}` })),
    );
    this.numbers = new RegionNumbers(view, () => this.remove());
    view.stage.box.addEventListener("pointerdown", (event) => this.draw(event), { capture: true });
    this.soon = debounce(() => this.ask(), 150);
  }

  get overlay() {
    return this.extras.overlay;
  }
  get plane() {
    return this.view.source;
  }

  /* The regions of the state: of a picture one, of a volume one for each plane. */
  get all() {
    return this.view.state.roi.split(";");
  }

  /** There is a plane, with the region of the state. */
  look() {
    this.box = parseRegion(this.all[this.nth] || "", this.plane);
  }

  /** Put one into the middle of what is in sight, which a drag replaces; or remove it. */
  toggle() {
    if (this.box) {
      this.remove();
      return;
    }
    const { x0, x1, y0, y1 } = this.view.window;
    const { rows, columns } = this.plane;
    if (!rows || !columns) return;
    const [left, right, top, bottom] = [Math.max(x0, 0), Math.min(x1, columns), Math.max(y0, 0), Math.min(y1, rows)];
    const at = (low, high, share) => low + (high - low) * share;
    const corner = (share) => ({ x: Math.round(at(left, right, share)), y: Math.round(at(top, bottom, share)) });
    this.set(between(corner(0.375), corner(0.625), this.plane), true);
    this.drawing = true;
    this.place();
    this.frame.focus();
  }

  remove() {
    this.drawing = false;
    this.set(null, true);
    this.view.panes[0].canvas.focus();
  }

  set(box, final = false) {
    const { all, view } = this;
    this.box = box;
    for (let i = 0; i <= this.nth; i++) all[i] ||= "";
    all[this.nth] = box ? [box.x0, box.x1, box.y0, box.y1].join(",") : "";
    view.state.roi = all.join(";").replace(/;+$/, "");
    view.page.write(final);
    this.place();
    this.soon();
  }

  /** Where the picture has it now. */
  place() {
    const { box, frame, view } = this;
    frame.hidden = !box;
    view.stage.box.classList.toggle("drawing", this.drawing);
    if (box) {
      this.overlay.put(frame, box);
      const { x0, x1, y0, y1 } = box;
      const what = `Region: rows ${y0} to ${y1}, columns ${x0} to ${x1}`;
      frame.setAttribute("aria-label", `${what}; arrows move it, with Shift they resize it, Delete removes it`);
    }
    if (this.numbers.key !== this.numbers.of(box)) this.soon();
  }

  ask() {
    if (!this.view.closed) this.numbers.show(this.box);
  }

  /* ---- mouse, pen and fingers ---- */

  /* While one is to be drawn, a drag on the picture draws it. */
  draw(event) {
    const { canvas } = this.view.panes[0];
    if (!this.drawing || event.button || event.target !== canvas) return;
    event.stopPropagation();
    const from = this.overlay.at(event);
    this.follow(event, (at) => between(from, at, this.plane));
    this.drawing = false;
  }

  down(event) {
    if (event.button) return;
    event.stopPropagation();
    this.drawing = false;
    const { box, plane } = this;
    const from = this.overlay.at(event);
    const grip = GRIPS.find((name) => event.target.classList.contains(name));
    if (!grip) {
      this.follow(event, (at) => moved(box, Math.round(at.x - from.x), Math.round(at.y - from.y), plane));
      return;
    }
    const fixed = { x: grip.endsWith("w") ? box.x1 : box.x0, y: grip.startsWith("n") ? box.y1 : box.y0 };
    this.follow(event, (at) => between(fixed, { x: Math.round(at.x), y: Math.round(at.y) }, plane));
  }

  /* As long as the pointer is down, the region is what boxOf() makes of its place. */
  follow(event, boxOf) {
    const { target } = event;
    const end = new AbortController();
    const on = { signal: end.signal };
    target.setPointerCapture(event.pointerId);
    target.addEventListener("pointermove", (move) => this.set(boxOf(this.overlay.at(move))), on);
    const done = () => {
      end.abort();
      this.set(this.box, true);
      this.frame.focus({ preventScroll: true });
    };
    for (const name of ["pointerup", "pointercancel"]) target.addEventListener(name, done, on);
  }

  hover(event) {
    const { x, y } = this.overlay.at(event);
    this.view.readout.hover({ row: Math.floor(y), column: Math.floor(x) });
  }
  wheel(event) {
    event.preventDefault();
    this.view.panes[0].canvas.dispatchEvent(new WheelEvent("wheel", event));
  }

  /* ---- keys ---- */

  key(event) {
    const { box, plane } = this;
    const arrow = ARROWS[event.key];
    const far = event.ctrlKey || event.metaKey ? 10 : 1;
    if (event.key === "Delete" || event.key === "Backspace") this.remove();
    else if (!arrow) return;
    else if (event.shiftKey) {
      const corner = { x: box.x1 + arrow[0] * far, y: box.y1 + arrow[1] * far };
      this.set(
        between(
          { x: box.x0, y: box.y0 },
          { x: Math.max(corner.x, box.x0 + 1), y: Math.max(corner.y, box.y0 + 1) },
          plane,
        ),
      );
    } else this.set(moved(box, arrow[0] * far, arrow[1] * far, plane));
    event.preventDefault();
    event.stopPropagation();
  }

  redraw() {
    this.numbers.redraw();
  }
  close() {
    this.soon.cancel();
    this.numbers.close();
  }
}
