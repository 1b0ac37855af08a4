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
  const { path, kind, dtype, etag, shape, chunks, fields, contenttype, image } = main.dataset;
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
    image: image ?? null,
    itemsize: kind === "frame" ? Number(dtype.replace(/\D/g, "")) || 1 : 1,
  };
}

const numeric = (dtype) => /^[<>|=]?(u?int|float|bool|complex|[biufc]\d)/.test(dtype);

function viewsOfBytes({ kind, path }) {
  const name = path.toLowerCase();
  if (kind === "file" && /\.(md|markdown)$/.test(name)) return ["markdown", "text", "hex"];
  return /\.(bin|h5|png|jpg|gz|zip|tif|b2frame)$/.test(name) ? ["hex", "text"] : ["text", "hex"];
}

/** The axis of red, green, blue (and alpha) of a picture, as an HDF5 image has it, else the last; -1: it is none. */
export function coloursAxis({ dtype, shape, image }) {
  if (shape.length !== 3 || !/^[<>|=]?(uint8|u1)$/.test(dtype)) return -1;
  const axis = /INTERLACE_PLANE/.test(image) ? 0 : /INTERLACE_LINE/.test(image) ? 1 : 2;
  return [3, 4].includes(shape[axis]) ? axis : -1;
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
  const volume = shape.length > 2 && numeric(dtype);
  const first = [...(coloursAxis(ds) >= 0 ? ["rgb"] : []), ...(numeric(dtype) ? ["heat", "line"] : [])];
  return [...first, "table", ...(volume ? ["volume"] : [])];
}
