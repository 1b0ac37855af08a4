// SPDX-License-Identifier: BSD-3-Clause
// A bar of a round length on a picture, where it is known how far its items are apart.
import { meaningOf } from "./meaning.js";
import { h, number } from "./ui.js";

/** The roundest length of up to most: 1, 2 or 5 times a power of ten. */
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].find((one) => one * power <= most * (1 + 1e-9)) * power;
}

export class ScaleBar {
  constructor(view) {
    this.view = view;
    this.line = h("span", { class: "length" });
    this.text = h("span", {});
    this.box = h("p", { class: "scalebar", hidden: true }, this.line, this.text);
  }

  /** Beside the picture as it is now; none where items have no even distance in a unit. */
  place() {
    const { window, panes, source } = this.view;
    const axis = meaningOf(source.ds).axes[source.x];
    this.box.hidden = !axis.values || !axis.even || !axis.units || Boolean(axis.clock);
    if (this.box.hidden) return;
    const { clientWidth } = panes[0].canvas;
    const pixel = clientWidth / (window.x1 - window.x0) / Math.abs(axis.at(1) - axis.at(0));
    const length = roundLength((clientWidth * 0.25) / pixel);
    this.line.style.width = `${length * pixel}px`;
    this.text.textContent = `${number(length)} ${axis.units}`;
  }
}
