// SPDX-License-Identifier: BSD-3-Clause
// What a picture has besides its colours: a projection, a region, a scale bar, a movie.
import { Overlay } from "./overlay.js";
import { Projection } from "./projection.js";
import { Region } from "./region.js";
import { ScaleBar } from "./scalebar.js";
import { toast } from "./ui.js";

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
    for (const part of [this.overlay, this.region, this.scalebar]) part.place();
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
