// SPDX-License-Identifier: BSD-3-Clause
// The rows of a table that are here: windows of a hundred, asked for when in sight, given up when out of it.
import { Cache, json } from "./api.js";
import { SPECIAL } from "./cells.js";

const WINDOW = 100;
const WINDOWS = 60; // kept

export class Rows {
  /** url(from, to) of a window; taken(page) and failed(error) when it came or did not. */
  constructor(url, taken, failed) {
    Object.assign(this, { url, taken, failed, waiting: new Map() });
  }

  /** Another order, filter or dataset: what is here or on its way is of another table. */
  restart(row) {
    this.stop();
    this.cache = new Cache(WINDOWS);
    this.window(Math.floor(row / WINDOW));
  }

  /** {cells, label, special: of columns} of a row; undefined until it is here. */
  get(row) {
    const page = this.cache.get(Math.floor(row / WINDOW));
    const i = row - (page?.first ?? 0);
    if (!page?.rows[i]) return undefined;
    return {
      cells: page.rows[i],
      label: page.index?.length ? page.index[i] : row,
      special: (column) => page.special.get(`${i},${column}`),
    };
  }

  /** Rows from, up to to, are in sight. */
  want(from, to) {
    const first = Math.floor(from / WINDOW);
    const last = Math.floor((to - 1) / WINDOW);
    for (let n = first; n <= last; n++) this.window(n);
    for (const [n, control] of this.waiting)
      if (n < first - 1 || n > last + 1) {
        control.abort();
        this.waiting.delete(n);
      }
  }

  async window(n) {
    if (this.cache.get(n) || this.waiting.has(n)) return;
    const control = new AbortController();
    this.waiting.set(n, control);
    try {
      const page = await json(this.url(n * WINDOW, (n + 1) * WINDOW), { signal: control.signal });
      if (control.signal.aborted) return;
      const special = page.special.map(([row, column, what]) => [`${row},${column}`, SPECIAL[what] || what]);
      this.cache.set(n, { ...page, special: new Map(special) }, 1);
      this.waiting.delete(n);
      this.taken(page);
    } catch (error) {
      if (control.signal.aborted) return;
      this.waiting.delete(n);
      this.failed(error);
    }
  }

  /** What is on its way is not wanted any more; false when nothing was. */
  stop() {
    const any = this.waiting.size > 0;
    for (const control of this.waiting.values()) control.abort();
    this.waiting.clear();
    return any;
  }
}
