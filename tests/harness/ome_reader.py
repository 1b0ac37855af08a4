# SPDX-License-Identifier: BSD-3-Clause
"""Read with the real ome-zarr, the library of napari's reader: ome_reader.py URL FOLDER writes FOLDER/N.npy of each level and prints what it says of it."""
import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
from ome_zarr.io import parse_url  # noqa: E402
from ome_zarr.reader import Reader  # noqa: E402

url, folder = sys.argv[1], pathlib.Path(sys.argv[2])
(node,) = list(Reader(parse_url(url))())
for i, level in enumerate(node.data):
    np.save(folder / f"{i}.npy", level.compute())
told = {key: node.metadata[key] for key in ("axes", "coordinateTransformations", "name") if key in node.metadata}
print(json.dumps({"format": node.zarr.fmt.version, **told}, default=str))
