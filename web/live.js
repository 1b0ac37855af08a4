// SPDX-License-Identifier: BSD-3-Clause
// Events of the server, over one connection; where that fails, a look every ten seconds.
import { at, json } from "./api.js";

const target = new EventTarget();
const HIDDEN_MS = 2000; // browsers hold six connections to a server: tabs nobody sees give theirs back
let source = null;
let polling = 0;
let roots = "";
let failures = 0;
let last = "";
let hiding = 0;
let status = "";

/** on("hello" | "dataset" | "root" | "resync" | "status", fn(detail)): what the server says; is it heard? */
export function on(name, fn) {
  target.addEventListener(name, (event) => fn(event.detail));
}
function tell(name, detail) {
  target.dispatchEvent(new CustomEvent(name, { detail }));
}
function say(what) {
  if (status === what) return;
  status = what;
  tell("status", what);
}

async function poll() {
  try {
    const now = JSON.stringify(await json("/api/roots"));
    if (!polling) return; // connected meanwhile, or nobody looks
    if (roots && now !== roots) tell("resync", {});
    roots = now;
    say("polling");
  } catch {
    if (!polling) return;
    say("offline");
  }
  if (++failures % 3 === 0) connect();
}

export function connect() {
  source?.close();
  source = new EventSource(at(last ? `/api/events?last=${encodeURIComponent(last)}` : "/api/events"));
  source.addEventListener("open", () => {
    failures = 0;
    clearInterval(polling);
    polling = 0;
    say("live");
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CONNECTING && failures++ < 3) {
      say("offline");
      return;
    }
    if (!polling) polling = setInterval(poll, 10000);
    poll();
  });
  for (const name of ["hello", "root", "dataset", "resync"])
    source.addEventListener(name, (event) => {
      last = event.lastEventId || last;
      tell(name, JSON.parse(event.data));
    });
}
addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.visibilityState === "visible") {
    if (source?.readyState === EventSource.CLOSED) connect();
    return;
  }
  hiding = setTimeout(() => {
    source?.close();
    clearInterval(polling);
    polling = 0;
  }, HIDDEN_MS);
});
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) connect();
});
