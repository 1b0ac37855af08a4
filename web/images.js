// SPDX-License-Identifier: BSD-3-Clause
// What /api/meaning says of an HDF5 image: its palette and its range.
import { encode, numbers } from "./api.js";
import { meaningOf } from "./meaning.js";

/* A palette of n colours as a table of 256, in which the i-th of n values finds the i-th colour. */
function table({ data, shape }) {
  const [n, channels] = shape;
  if (shape.length !== 2 || channels < 3 || n < 2 || n > 256) return null;
  const out = Uint8Array.from({ length: 768 }, (_, i) => {
    const colour = Math.round((Math.floor(i / 3) * (n - 1)) / 255);
    return data[colour * channels + (i % 3)];
  });
  return { table: out, range: [0, n - 1] };
}

/** {palette: {table, range}, range: [lo, hi], inverted} of an HDF5 image; null: it is none. */
export async function imageOf(ds) {
  await meaningOf(ds).ready;
  const { image } = meaningOf(ds);
  if (!image) return null;
  const range = image.range?.every(Number.isFinite) && image.range[0] < image.range[1] ? image.range : null;
  const found = { palette: null, range, inverted: Number(image.white_is_zero) === 1 };
  if (!image.palette) return found;
  try {
    found.palette = table(await numbers(`/api/tile/${encode(`${ds.path.split("/")[0]}/${image.palette}`)}`));
  } catch {
    /* then the colours of others */
  }
  return found;
}
