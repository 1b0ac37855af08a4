// SPDX-License-Identifier: BSD-3-Clause
// What is done when the dataset of a page changed: it is said, reloaded, followed.
import { tellChanges } from "./actions.js";
import { Latest, encode, get } from "./api.js";
import { addCachedRow, dressAttributes } from "./attributes.js";
import { describe, pageOf } from "./describe.js";
import { toast } from "./ui.js";

export class Changes {
  constructor(page) {
    Object.assign(this, { page, followed: false, flight: new Latest() });
  }

  /** The dataset has another generation. */
  tell() {
    if (this.followed) {
      this.reload();
      return;
    }
    const follow = () => {
      this.followed = true;
      this.reload();
    };
    const choices = [
      ["Reload (r)", () => this.reload()],
      ["Follow", follow],
    ];
    this.toast?.remove();
    this.toast = toast("The data changed.", "", choices, 0);
  }

  /** Events were missed: look whether it changed. */
  async check() {
    const { path, ds } = this.page;
    try {
      const answer = await get(`/api/info/${encode(path)}`, { method: "HEAD" });
      const etag = answer.headers.get("ETag")?.replace(/"/g, "");
      if (etag !== ds.etag && !this.page.closed) this.tell();
    } catch {
      /* the connection dot says it */
    }
  }

  async reload() {
    const signal = this.flight.next();
    this.toast?.remove();
    try {
      const main = await pageOf(this.page.path, signal);
      if (!signal.aborted) this.take(main);
    } catch (error) {
      if (!signal.aborted) toast(`Not reloaded: ${error.message}`, "error");
    }
  }

  /* The page as the server writes it now. */
  take(fresh) {
    const { page } = this;
    const { main, ds } = page;
    const now = describe(fresh);
    const like = now.shape.length === ds.shape.length && now.dtype === ds.dtype;
    const rendered = fresh.querySelector("#view .markdown");
    for (const part of ["#meta", "#attrs", "#head .facts"])
      main.querySelector(part).replaceWith(document.adoptNode(fresh.querySelector(part)));
    dressAttributes(main);
    if (page.shown === "meta") addCachedRow(main, page.path);
    page.rendered = rendered;
    Object.assign(ds, now);
    Object.assign(main.dataset, fresh.dataset);
    tellChanges(page);
    if (like && page.view?.refresh) page.view.refresh(this.followed);
    else page.again();
  }

  close() {
    this.flight.stop();
    this.toast?.remove();
  }
}
