// SPDX-License-Identifier: BSD-3-Clause
// What a picture has besides its colours: a projection, a region, a scale bar, a movie.
import { meaningOf } from "./meaning.js";
import { Overlay } from "./overlay.js";
import { Projection } from "./projection.js";
import { Region } from "./region.js";
import { h, number, toast } from "./ui.js";

/* The roundest length of up to most: 1, 2 or 5 times a power of ten. */
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].find((one) => one * power <= most * (1 + 1e-9)) * power;
}

/* A bar of a round length, where it is known how far items are apart. */
class ScaleBar {
  constructor(view) {
    this.view = view;
    this.line = h("span", { class: "length" });
    this.text = h("span", {});
    this.box = h("p", { class: "scalebar", hidden: true }, this.line, this.text);
  }

  /** In the picture as it is now; none where items have no even distance in a unit, as those of longitudes. */
  place(overlay) {
    const { window, panes, source } = this.view;
    const axis = meaningOf(source.ds).axes[source.x];
    this.box.hidden =
      !axis.values || !axis.even || !axis.units || Boolean(axis.clock) || /^degrees?_/.test(axis.units);
    if (this.box.hidden) return;
    const { clientWidth } = panes[0].canvas;
    const pixel = clientWidth / (window.x1 - window.x0) / Math.abs(axis.at(1) - axis.at(0));
    const length = roundLength((clientWidth * 0.25) / pixel);
    this.line.style.width = `${length * pixel}px`;
    this.text.textContent = `${number(length)} ${axis.units}`;
    overlay.reach(this.box, "left", "bottom");
  }
}

export class Extras {
  /** view: the picture, with a slicer and a stage. */
  constructor(view) {
    this.view = view;
    this.projection = new Projection(view, () => view.aim());
    view.slicer.more = [this.projection.box];
    view.slicer.build();
    this.region = new Region(view, this);
    this.scalebar = new ScaleBar(view);
  }

  /** There are other panes. */
  listen() {
    this.overlay = new Overlay(this.view, this.view.panes[0], this.region.frame, this.scalebar.box);
  }
  /** Other axes are drawn. */
  axes() {
    this.view.state.roi = "";
    this.projection.build();
  }
  /** There is a plane to look at. */
  look() {
    this.region.look();
  }
  /** The canvas was drawn: what lies over it goes where it belongs. */
  place() {
    for (const part of [this.overlay, this.region, this.scalebar]) part.place(this.overlay);
  }
  redraw() {
    this.region.redraw();
  }

  async movie() {
    if (this.view.slicer.active < 0) toast("There is no axis to step along", "warn");
    else (await import("./movie.js")).moviePanel(this.view);
  }

  close() {
    this.region.close();
  }
}
