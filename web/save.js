// SPDX-License-Identifier: BSD-3-Clause
// What a view draws, with its axes and labels, as a file.
import { SvgContext } from "./svg.js";
import { h, token } from "./ui.js";

const TITLE = 28; // px above
const GAP = 8; // px above the colours
const SCALE = 2; // pixels of a PNG for one of the screen

/** Let the browser keep it under this name. */
export function give(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function paint(context, { size, title }, draw) {
  context.fillStyle = token("--bg");
  context.fillRect(0, 0, size.width, size.height + TITLE);
  context.font = `14px ${token("--font") || "sans-serif"}`;
  context.fillStyle = token("--fg");
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(title, 10, TITLE / 2 + 2, size.width - 20);
  context.translate(0, TITLE);
  draw();
}

/* The panes of a heat map or a volume, their colours below. */
function pictureOf({ ds, source, stage, panes, colouring: { bar }, window, at }) {
  const { clientWidth: width, clientHeight: tall } = stage.box;
  const draw = (context, { box, canvas, sides, caption }) => {
    const { offsetLeft: left, offsetTop: top, clientWidth, clientHeight } = canvas;
    context.save();
    context.translate(box.offsetLeft - panes[0].box.offsetLeft, box.offsetTop - panes[0].box.offsetTop);
    sides.paint(context);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, left, top, clientWidth, clientHeight);
    context.textAlign = "left";
    if (panes.length > 1) context.fillText(caption.textContent, left + 4, top + 4);
    context.restore();
  };
  return {
    size: { width, height: tall + GAP + bar.canvas.clientHeight },
    title: `${ds.path} [${window ? source.part(window) : at}]`,
    paint(context) {
      for (const pane of panes) draw(context, pane);
      context.translate(2 * GAP, tall + GAP);
      bar.paint(context, width - 4 * GAP);
    },
  };
}

/** view: a line or a heat map; kind: "png" or "svg". */
export function save(view, kind, name) {
  const drawing = view.stack || pictureOf(view);
  const { size, title } = drawing;
  const height = size.height + TITLE;
  const draw = (context) => paint(context, { size, title }, () => drawing.paint(context));
  if (kind === "svg") {
    const context = new SvgContext(size.width, height);
    draw(context);
    give(new Blob([context.text(title)], { type: "image/svg+xml" }), `${name}.svg`);
    return;
  }
  const canvas = h("canvas", { width: size.width * SCALE, height: height * SCALE });
  const context = canvas.getContext("2d");
  context.scale(SCALE, SCALE);
  draw(context);
  canvas.toBlob((blob) => give(blob, `${name}.png`));
}
