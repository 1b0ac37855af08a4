// SPDX-License-Identifier: BSD-3-Clause
// What a dataset is, by the page the server wrote of it, and which views it has.
import { encode, get } from "./api.js";

/** The <main> of a dataset's page. */
export async function pageOf(path, signal) {
  const answer = await get(`/roots/${encode(path)}`, { headers: { "X-Caterva2-Part": "main" }, signal });
  const main = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  if (main?.dataset.page !== "dataset") throw new Error(`${path} is not a dataset`);
  return main;
}

/** What the data attributes of <main> say. */
export function describe(main) {
  const { path, kind, dtype, etag, shape, chunks, fields, contenttype } = main.dataset;
  const list = (text) => (text ? text.split(",").map(Number) : []);
  return {
    path,
    kind,
    dtype,
    etag,
    shape: list(shape),
    chunks: list(chunks),
    fields: fields ? JSON.parse(fields) : [],
    contenttype: contenttype || "",
    itemsize: kind === "frame" ? Number(dtype.replace(/\D/g, "")) || 1 : 1,
  };
}

const numeric = (dtype) => /^[<>|=]?(u?int|float|bool|complex|[biufc]\d)/.test(dtype);

function viewsOfBytes({ kind, path }) {
  const name = path.toLowerCase();
  if (kind === "file" && /\.(md|markdown)$/.test(name)) return ["markdown", "text", "hex"];
  return /\.(bin|h5|png|jpg|gz|zip|tif|b2frame)$/.test(name) ? ["hex", "text"] : ["text", "hex"];
}

/** Names of the views a dataset has, the one it opens with first. */
export function viewsOf(ds) {
  const { dtype, fields, shape } = ds;
  if (ds.kind !== "array") return viewsOfBytes(ds);
  if (!shape.length) return ["value"];
  const flat = shape.length === 1;
  if (fields.length) {
    const line = flat && fields.some((field) => numeric(field.dtype) && !field.shape.length);
    return line ? ["table", "line"] : ["table"];
  }
  if (flat) return numeric(dtype) || /datetime|timedelta/.test(dtype) ? ["line", "table"] : ["table"];
  const colours = shape.length === 3 && [3, 4].includes(shape[2]) && /^[<>|=]?(uint8|u1)$/.test(dtype);
  return [...(colours ? ["rgb"] : []), ...(numeric(dtype) ? ["heat", "line"] : []), "table"];
}
