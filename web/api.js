// SPDX-License-Identifier: BSD-3-Clause
// Requests: errors with their reason, a few at a time, numbers as typed arrays.

export class ApiError extends Error {
  constructor(message, status, url, body) {
    super(message);
    Object.assign(this, { status, url, body });
  }
}

/** What a proxy put in front of this site, "" or "/cat2"; and an address of this site with that. */
export const BASE = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
export const at = (url) => (url.startsWith("/") ? BASE + url : url);

/** A path inside a URL. */
export const encode = (path) => path.split("/").map(encodeURIComponent).join("/");

/** A value inside a query; what slices and paths are made of stays readable. */
export const encodeValue = (value) =>
  encodeURIComponent(value).replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%2F/g, "/");

export function query(params) {
  const given = Object.entries(params).filter(([, value]) => value != null && value !== "");
  return given.length ? `?${given.map(([key, value]) => `${key}=${encodeValue(value)}`).join("&")}` : "";
}

/* A text, or FastAPI's list of what is wrong with the request. */
const wordsOf = (detail) => (Array.isArray(detail) ? detail.map((fault) => fault.msg).join("; ") : detail);

async function reason(answer, url) {
  let body = null;
  try {
    body = await answer.json();
  } catch {
    /* not JSON */
  }
  return new ApiError(wordsOf(body?.detail) || `${answer.status} ${answer.statusText}`, answer.status, url, body);
}

const PATIENCE = 10000; // ms in which a request is sent again, while the server answers 503

function pause(ms, signal) {
  return new Promise((done, fail) => {
    const stop = () => {
      clearTimeout(timer);
      fail(new DOMException("stale", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      done();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** fetch() that throws unless 2xx. Asks again when the connection broke, once, and when the server says to. */
export async function get(url, options = {}) {
  const start = performance.now();
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await fetch(at(url), options);
      const wait = answer.status === 503 ? 1000 * answer.headers.get("Retry-After") : 0;
      if (wait > 0 && performance.now() + wait - start < PATIENCE) {
        await pause(wait, options.signal);
        attempt = -1;
        continue;
      }
      if (!answer.ok) throw await reason(answer, url);
      return answer;
    } catch (error) {
      if (error.name === "AbortError" || error instanceof ApiError) throw error;
      if (attempt) throw new ApiError("The server cannot be reached", 0, url);
      await pause(300, options.signal);
    }
  }
}

export async function json(url, options) {
  return (await get(url, options)).json();
}

/** As json(): integers that other numbers cannot hold are bigints, where the browser shows them whole. */
export async function exactJson(url, options) {
  const large = (value) => Number.isInteger(value) && !Number.isSafeInteger(value);
  return JSON.parse(await (await get(url, options)).text(), (_, value, context) =>
    large(value) && /^-?\d+$/.test(context?.source) ? BigInt(context.source) : value,
  );
}

const ARRAYS = {
  i1: Int8Array,
  u1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
  f4: Float32Array,
  f8: Float64Array,
  b1: Uint8Array,
};

/** {data, shape, headers}: little-endian numbers, big-endian ones turned round. */
export async function numbers(url, options) {
  let answer = await get(url, options);
  while (answer.status === 202) answer = await get(url, options); // some of it is made, and kept: ask for the rest
  const dtype = answer.headers.get("X-Dtype");
  const shape = (answer.headers.get("X-Shape") || "").split(",").filter(Boolean).map(Number);
  const kind = ARRAYS[dtype.slice(1)];
  if (!kind) throw new ApiError(`numbers of type ${dtype} cannot be shown`, 0, url);
  const bytes = await answer.arrayBuffer();
  if (dtype[0] === ">") {
    const size = kind.BYTES_PER_ELEMENT;
    const all = new Uint8Array(bytes);
    for (let i = 0; i < all.length; i += size) all.subarray(i, i + size).reverse();
  }
  return { data: new kind(bytes), shape, headers: answer.headers };
}

/** Numbers to calculate with: of 64-bit integers all but the last bits. */
export function asNumbers(data) {
  return data instanceof BigInt64Array || data instanceof BigUint64Array ? Float64Array.from(data, Number) : data;
}

/** Requests of which only the newest counts. */
export class Latest {
  /** The signal of another request; the one before is given up. */
  next() {
    this.stop();
    this.control = new AbortController();
    return this.control.signal;
  }
  stop() {
    this.control?.abort();
  }
}

/** At most n at a time, in the order they came; those given up meanwhile are passed over. */
export class Queue {
  constructor(n) {
    this.n = n;
    this.waiting = [];
    this.busy = 0;
  }
  run(task, signal) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ task, signal, resolve, reject });
      this.next();
    });
  }
  next() {
    while (this.busy < this.n && this.waiting.length) {
      const { task, signal, resolve, reject } = this.waiting.shift();
      if (signal?.aborted) {
        reject(new DOMException("stale", "AbortError"));
        continue;
      }
      this.busy++;
      task()
        .then(resolve, reject)
        .finally(() => {
          this.busy--;
          this.next();
        });
    }
  }
}

/** Least recently used things go when they weigh too much together. */
export class Cache {
  constructor(most) {
    this.most = most;
    this.map = new Map();
    this.weight = 0;
  }
  get(key) {
    const it = this.map.get(key);
    if (it) {
      this.map.delete(key);
      this.map.set(key, it);
    }
    return it?.value;
  }
  set(key, value, weight) {
    this.weight += weight - (this.map.get(key)?.weight || 0);
    this.map.delete(key);
    this.map.set(key, { value, weight });
    for (const [old, it] of this.map) {
      if (this.weight <= this.most || old === key) break;
      this.map.delete(old);
      this.weight -= it.weight;
    }
  }
}

let maps = null;
/** Shades of grey need no table of the server. */
export const GREY = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));

/** Colour maps by name: 256 RGB triples, the ones the server's pictures use. */
export function colormaps() {
  maps ||= json("/api/colormaps").then((all) =>
    Object.fromEntries(
      Object.entries(all).map(([name, hex]) => [
        name,
        Uint8Array.from({ length: 768 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16)),
      ]),
    ),
  );
  maps.catch(() => {
    maps = null;
  });
  return maps;
}
