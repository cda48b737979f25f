"""What a function could leave behind, put back: output, warnings, random states, print options, builtins."""

from __future__ import annotations

import builtins
import contextlib
import os
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

BUILTINS = vars(builtins)


@contextlib.contextmanager
def undisturbed(seed: int = 0) -> Iterator[None]:
    """Swallow output and warnings, seed the global random generators, and put everything back at the end.

    Args:
        seed: Seed of `random` and `np.random` while inside.

    Yields:
        Nothing.

    Example:
        >>> with undisturbed():
        ...     print("nobody sees this")

    Used in: every lab, through `check`.
    """
    # The old global generator: a participant may still use it, so it is part of what is put back.
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    print_options, recursion_limit = np.get_printoptions(), sys.getrecursionlimit()
    names = dict(BUILTINS)
    try:
        with (
            open(os.devnull, "w", encoding="utf-8", errors="replace") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
            _no_displays(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            builtins.input = _no_input
            np.random.seed(seed % 2**32)  # noqa: NPY002
            random.seed(seed)
            try:
                yield
            finally:
                BUILTINS.update(names)
                for added in BUILTINS.keys() - names.keys():
                    del BUILTINS[added]
    finally:
        sys.setrecursionlimit(recursion_limit)
        np.set_printoptions(**print_options)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


def _no_input(*_: object) -> NoReturn:
    raise RuntimeError("input() is not available while an exercise is checked")


def _no_displays() -> contextlib.AbstractContextManager[Any]:
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return contextlib.nullcontext()
    from IPython.utils.capture import capture_output

    return capture_output(stdout=False, stderr=False, display=True)
