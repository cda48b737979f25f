"""Progress bars for long work, in a terminal and in a notebook alike."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress_enabled() -> bool:
    """Whether bars are drawn: yes in a terminal or a notebook, never where `DLCOURSE_PROGRESS=0`.

    The notebook gate sets that variable, so that no bar ends in a stored output.
    """
    if os.environ.get("DLCOURSE_PROGRESS", "1") == "0":
        return False
    return _in_kernel() or sys.stderr.isatty()


def track(items: Iterable[Item], description: str, total: int | None = None, unit: str = "it") -> tqdm[Item]:
    """Iterates over `items` behind a progress bar.

    Args:
        items: what to loop over.
        description: what is being done, shown before the bar.
        total: number of items, where `items` has no length.
        unit: name of one item, for the rate ("epoch/s").

    Returns:
        A `tqdm` bar: an iterable, with `set_postfix(loss=...)` for figures beside the bar.

    Example:
        >>> [epoch for epoch in track(range(3), "training", unit="epoch")]
        [0, 1, 2]
    """
    # JupyterLab paints stderr red, as if something had gone wrong.
    stream = sys.stdout if _in_kernel() else sys.stderr
    enabled = progress_enabled()
    return tqdm(items, desc=description, total=total, unit=unit, leave=False, disable=not enabled, file=stream)


def _in_kernel() -> bool:
    return "ipykernel" in sys.modules
