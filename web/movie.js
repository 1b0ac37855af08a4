// SPDX-License-Identifier: BSD-3-Clause
// A movie along an axis: rate, loop, first and last slice; saved as WebM by the browser's own recorder.
import { give } from "./save.js";
import { rateOf } from "./slicer.js";
import { button, clamp, h, number, numberField, panel, select, token } from "./ui.js";

const LOOPS = [
  ["", "Again and again"],
  ["once", "Once"],
  ["swing", "Back and forth"],
];
const TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
const CAPTION = 24; // px above the pictures
const LATE = 2000; // ms

/* Indices of a movie, in their order. */
function framesOf({ first, last, stride, swing }) {
  const up = Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, i) => first + i * stride);
  return swing ? [...up, ...up.slice(1, -1).reverse()] : up;
}

/* When the slice that was asked for is drawn, all of it. */
function drawn(view, signal) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const failed = view.panes.find((pane) => pane.failed)?.failed;
      const done = view.panes.every((pane) => pane.shown === pane.target && !pane.flights.size);
      if (signal.aborted || view.closed) reject(new DOMException("stopped", "AbortError"));
      else if (failed) reject(failed);
      else if (done) requestAnimationFrame(resolve);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

/* The pictures beside each other, the third of a volume below, under what they are of. */
class Film {
  constructor(view) {
    this.view = view;
    const { panes } = view;
    this.rows = view.sections ? [panes.slice(0, 2), panes.slice(2)] : [panes];
    this.canvas = document.createElement("canvas");
    this.caption = CAPTION * devicePixelRatio;
    const width = this.rows[0].reduce((sum, { canvas }) => sum + canvas.width, 0);
    this.canvas.width = width + (width % 2);
    const height = this.rows.reduce((sum, [{ canvas }]) => sum + canvas.height, this.caption);
    this.canvas.height = height + (height % 2);
    this.context = this.canvas.getContext("2d", { alpha: false });
  }

  take() {
    const { canvas, caption, context, view } = this;
    context.fillStyle = token("--bg");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = token("--fg");
    context.font = `${13 * devicePixelRatio}px ${token("--font") || "sans-serif"}`;
    context.textBaseline = "middle";
    context.fillText(
      `${view.ds.path} [${view.sections ? view.at : view.source.at}]`,
      6 * devicePixelRatio,
      caption / 2,
      canvas.width - 8,
    );
    let top = caption;
    for (const row of this.rows) {
      let left = 0;
      for (const pane of row) {
        context.drawImage(pane.canvas, left, top);
        left += pane.canvas.width;
      }
      top += row[0].canvas.height;
    }
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/*
 * When the next picture is among the pieces, or should be long since. Firefox writes a picture when the next one
 * comes: there, when it has come through the stream to those who watch it.
 */
async function arrival(recorder, pieces, watcher) {
  const { length } = pieces;
  let seen;
  watcher?.requestVideoFrameCallback(() => (seen = true));
  for (let waited = 0; !seen && pieces.length === length && waited < LATE; waited += 10) {
    if (!watcher) recorder.requestData();
    await pause(10);
  }
}

/**
 * The slices of an axis as a Blob. Each picture is complete before it is taken; while it is waited for, the recorder
 * rests, so that each is shown as long as the others. A recorder that rests takes no picture, so it does not rest
 * before the last one is there. progress(frames so far).
 */
async function record(view, { axis, frames, rate, signal, progress }) {
  const mimeType = TYPES.find((type) => globalThis.MediaRecorder?.isTypeSupported(type));
  if (!mimeType) throw new Error("this browser records no movies");
  const film = new Film(view);
  const stream = film.canvas.captureStream(0);
  const [track] = stream.getVideoTracks();
  let watcher;
  if (!track.requestFrame) {
    watcher = Object.assign(document.createElement("video"), { muted: true, srcObject: stream });
    watcher.play().catch(() => {}); // it is stopped before its first picture
  }
  const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: 12e6 });
  const pieces = [];
  recorder.ondataavailable = ({ data }) => data.size && pieces.push(data);
  const ended = new Promise((done) => {
    recorder.onstop = done;
  });
  try {
    for (const [i, at] of frames.entries()) {
      view.slicer.set(axis, at, false);
      await drawn(view, signal);
      film.take();
      if (i) recorder.resume();
      else recorder.start();
      (watcher ? stream : track).requestFrame();
      await Promise.all([arrival(recorder, pieces, watcher), pause(1000 / rate)]);
      recorder.pause();
      progress(i + 1);
    }
  } finally {
    if (recorder.state !== "inactive") recorder.stop();
    track.stop();
  }
  await ended;
  return new Blob(pieces, { type: mimeType.split(";")[0] });
}

/** The panel of a picture's movie. */
export function moviePanel(view) {
  const { slicer, state, page } = view;
  const axis = slicer.active;
  const most = view.ds.shape[axis] - 1;
  const note = (name, value) => {
    state[name] = value;
    page.write(true);
    slicer.retime();
  };
  const onchange = () => {
    rate.input.value = rateOf({ fps: rate.input.value });
    note("fps", rate.input.value);
  };
  const fps = { id: "fps", value: rateOf(state), min: 0.1, max: 60, step: "any", onchange };
  const rate = numberField("Slices a second", fps);
  const ends = { min: 0, max: most, step: "any" };
  const first = numberField("First", { id: "first", value: 0, ...ends });
  const last = numberField("Last", { id: "last", value: most, ...ends });
  const said = h("p", { class: "small", role: "status" }, " ");
  const control = new AbortController();
  const whole = ({ input }) => clamp(Math.round(Number(input.value)) || 0, 0, most);
  const run = async () => {
    const [low, high] = [whole(first), whole(last)].sort((a, b) => a - b);
    const frames = framesOf({ first: low, last: high, stride: slicer.stride, swing: state.loop === "swing" });
    const progress = (n) => {
      said.textContent = `${n} of ${frames.length} slices`;
    };
    slicer.stop();
    make.disabled = true;
    try {
      const blob = await record(view, { axis, frames, rate: rateOf(state), signal: control.signal, progress });
      give(blob, `${view.ds.path.split("/").pop()}-axis${axis}.${blob.type.split("/")[1]}`);
      said.textContent = `${frames.length} slices at ${number(rateOf(state))} a second, saved`;
    } catch (error) {
      if (error.name !== "AbortError") said.textContent = `Not saved: ${error.message}`;
    }
    make.disabled = false;
  };
  const make = button("download", "Save", run, null, "Save the movie");
  const loops = select("Loop", LOOPS, state.loop, (value) => note("loop", value));
  const play = button("play", "Play", () => slicer.play(axis), "Space", "Play or stop");
  const dialog = panel(
    `Movie along axis ${axis}`,
    h("p", { class: "movie" }, rate.box, loops),
    h("p", { class: "movie" }, first.box, last.box),
    h("p", { class: "movie" }, play, make),
    said,
  );
  dialog.addEventListener("close", () => control.abort());
}
