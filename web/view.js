// SPDX-License-Identifier: BSD-3-Clause
// What every view of a dataset has: its page, its state, keys, and an end.

export class View {
  constructor(page, box) {
    Object.assign(this, { page, box, ds: page.ds, state: page.state, life: new AbortController() });
  }

  /** Aborted when the view is left: requests and listeners that have it end then. */
  get signal() {
    return this.life.signal;
  }
  get closed() {
    return this.signal.aborted;
  }
  /** Draw again in the colours of another theme. */
  onTheme(draw) {
    document.addEventListener("theme", draw, { signal: this.signal });
  }
  /** When a box has another size. */
  onSize(box, act) {
    const watch = new ResizeObserver(() => act());
    watch.observe(box);
    this.signal.addEventListener("abort", () => watch.disconnect());
  }
  /** Soon draw(), once for many calls. */
  schedule() {
    this.scheduled ||= requestAnimationFrame(() => {
      this.scheduled = 0;
      if (!this.closed) this.draw();
    });
  }

  /** An option that is on or off. */
  toggle(name) {
    this.option(name, this.state[name] ? "" : "1");
  }

  /** What keys do: {key: function}. */
  actions() {
    return {};
  }
  /** True when the key was this view's. */
  key(event) {
    const act = this.actions()[event.key];
    act?.();
    return Boolean(act);
  }
  /** Keys for the list of them: [[title, [[keys, what they do]]]]. */
  keys() {
    return [];
  }
  /** What of the dataset is shown, for downloads. */
  slice() {
    return ":";
  }
  close() {
    this.life.abort();
    this.flight?.stop();
    this.slicer?.close();
  }
}
