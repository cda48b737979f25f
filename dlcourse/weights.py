"""Networks that this project trained and ships: one `.npz` file each, with the command that made it.

The files lie in `data/weights/` of a checkout and inside the installed package. `data/weights/README.md` lists for each
the command, the learning curve and the result.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).resolve().parent


def weights_folder() -> Path:
    """The folder of the shipped networks: the checkout's, or the copy inside an installed package.

    Raises:
        FileNotFoundError: if neither is there.
    """
    for folder in (PACKAGE.parent / "data" / "weights", PACKAGE / "_weights"):
        if any(folder.glob("*.npz")):
            return folder
    places = f"{PACKAGE.parent / 'data' / 'weights'} or {PACKAGE / '_weights'}"
    raise FileNotFoundError(f"no shipped networks in {places}: install dlcourse again")


def load_weights(name: str) -> dict[str, np.ndarray]:
    """The arrays of one shipped network.

    Args:
        name: file name without `.npz`, for example "weather_lstm".

    Returns:
        Name and array; half-precision arrays come back as float32, ready to compute with.

    Raises:
        FileNotFoundError: if there is no such network; the message names the close ones.

    Used in: Labs 05b, 07, 08
    """
    folder = weights_folder()
    path = folder / f"{name}.npz"
    if not path.is_file():
        shipped = sorted(file.stem for file in folder.glob("*.npz"))
        close = difflib.get_close_matches(name, shipped) or shipped
        raise FileNotFoundError(f"no shipped network {name!r} in {folder}; there are {', '.join(close)}")
    with np.load(path, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    return {key: array.astype(np.float32) if array.dtype == np.float16 else array for key, array in arrays.items()}
