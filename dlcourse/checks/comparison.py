"""Is it the expected value, and if not, where does it differ?"""

from __future__ import annotations

import numpy as np

from dlcourse.checks.values import Opaque, Plain
from dlcourse.checks.wording import MAX_SHOWN, pair_text, value_text


def same(expected: Plain, got: Plain, rtol: float, atol: float) -> bool:
    """Whether two snapshots agree: same structure, and `|got - expected| <= atol + rtol * |expected|` throughout.

    Args:
        expected: Snapshot of the reference's result.
        got: Snapshot of the result to judge.
        rtol: Relative tolerance.
        atol: Absolute tolerance.

    Returns:
        True if they agree. NaN agrees with NaN, infinity with infinity of the same sign; whole numbers and strings must
        be equal. `Opaque` values never agree.

    Example:
        >>> same((1.0, [2]), [1.0 + 1e-9, (2,)], rtol=1e-6, atol=0.0)
        True

    Used in: every lab, through `check`.
    """
    return difference(expected, got, rtol, atol) is None


def difference(expected: Plain, got: Plain, rtol: float, atol: float) -> str | None:
    """Where two snapshots first differ, in words; None if they agree (see `same`).

    Args:
        expected: Snapshot of the reference's result.
        got: Snapshot of the result to judge.
        rtol: Relative tolerance.
        atol: Absolute tolerance.

    Returns:
        A clause such as "it returned 1.4, expected -1.4", or None.

    Example:
        >>> difference({"loss": 1.0, "step": 3}, {"loss": 2.0, "step": 3}, rtol=1e-6, atol=0.0)
        "result['loss'] is 2.0, expected 1.0"

    Used in: every lab, through `check`.
    """
    return _difference(expected, got, rtol, atol, path="")


def _difference(expected: Plain, got: Plain, rtol: float, atol: float, path: str) -> str | None:
    if isinstance(expected, list | tuple):
        if isinstance(got, np.ndarray) and _is_flat(expected):
            got = got.tolist()  # a list of numbers may come as a vector
        if not isinstance(got, list | tuple):
            return _clause(path, value_text(got), f"a {type(expected).__name__} of {len(expected)}")
        if len(expected) != len(got):
            return _clause(path, f"a {type(got).__name__} of {len(got)}", f"one of {len(expected)}")
        for i, (want, have) in enumerate(zip(expected, got, strict=True)):
            found = _difference(want, have, rtol, atol, f"{path}[{i}]")
            if found:
                return found
        return None
    if isinstance(expected, dict):
        return _dict_difference(expected, got, rtol, atol, path)
    if isinstance(expected, np.ndarray):
        return _array_difference(expected, got, rtol, atol, path)
    if expected is None or isinstance(expected, str | Opaque):
        agrees = type(expected) is type(got) and expected == got and not isinstance(expected, Opaque)
        return None if agrees else _clause(path, *pair_text(got, expected))
    if isinstance(got, bool | int | float | complex) and close(np.asarray(expected), np.asarray(got), rtol, atol).all():
        return None
    if isinstance(got, np.ndarray):
        return _clause(path, f"an array of shape {got.shape}", f"the number {value_text(expected)}")
    return _clause(path, *pair_text(got, expected))


def _dict_difference(expected: dict, got: Plain, rtol: float, atol: float, path: str) -> str | None:
    if not isinstance(got, dict):
        return _clause(path, value_text(got), f"a dict with the keys {_keys(expected)}")
    if set(expected) != set(got):
        return _clause(path, f"a dict with the keys {_keys(got)}", f"the keys {_keys(expected)}")
    for key in expected:
        found = _difference(expected[key], got[key], rtol, atol, f"{path}[{value_text(key)}]")
        if found:
            return found
    return None


def _array_difference(expected: np.ndarray, got: Plain, rtol: float, atol: float, path: str) -> str | None:
    if not isinstance(got, np.ndarray):
        what = f"the {type(got).__name__} {value_text(got)}" if isinstance(got, list | tuple) else value_text(got)
        return _clause(path, what, f"an array of shape {expected.shape}")
    if got.shape != expected.shape:
        return _clause(path, f"an array of shape {got.shape}", f"shape {expected.shape}")
    if (got.dtype.kind == "U") != (expected.dtype.kind == "U"):
        return _clause(path, *pair_text(got, expected))
    wrong = ~close(expected, got, rtol, atol)
    if not wrong.any():
        return None
    if expected.size <= MAX_SHOWN:
        return _clause(path, *pair_text(got, expected))
    where = tuple(int(i) for i in np.argwhere(wrong)[0])
    entry = pair_text(got[where].item(), expected[where].item())
    count = f"{int(wrong.sum())} of {expected.size} entries differ"
    return f"{_clause(path + '[' + ', '.join(map(str, where)) + ']', *entry)} ({count})"


def close(expected: np.ndarray, got: np.ndarray, rtol: float, atol: float) -> np.ndarray:
    """Entry by entry, whether `|got - expected| <= atol + rtol * |expected|`.

    Args:
        expected: Numbers or strings, any shape.
        got: The same shape.
        rtol: Relative tolerance.
        atol: Absolute tolerance.

    Returns:
        Booleans of that shape. Whole numbers, booleans and strings must be equal; NaN is close to NaN.

    Example:
        >>> close(np.array([1.0, 2.0]), np.array([1.1, 2.0]), rtol=0.01, atol=0.0)
        array([False,  True])

    Used in: every lab, through `check`.
    """
    exact_kinds = "biuU"
    if expected.dtype.kind in exact_kinds and got.dtype.kind in exact_kinds:
        return np.asarray(expected == got)
    if "O" in (expected.dtype.kind, got.dtype.kind):  # whole numbers beyond 64 bits
        return np.asarray(abs(complex(expected) - complex(got)) <= atol + rtol * abs(complex(expected)))
    kind = np.complex128 if "c" in (expected.dtype.kind, got.dtype.kind) else np.float64
    with np.errstate(all="ignore"):
        return np.asarray(np.isclose(got.astype(kind), expected.astype(kind), rtol=rtol, atol=atol, equal_nan=True))


def _is_flat(expected: list | tuple) -> bool:
    return all(isinstance(entry, bool | int | float | complex) for entry in expected)


def _keys(mapping: dict) -> str:
    names = [value_text(key) for key in list(mapping)[:MAX_SHOWN]]
    return ", ".join(names) + (", ..." if len(mapping) > MAX_SHOWN else "") if names else "(none)"


def _clause(path: str, got: str, expected: str) -> str:
    return f"result{path} is {got}, expected {expected}" if path else f"it returned {got}, expected {expected}"
