"""Values in messages: short, on one line, the same on every machine."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dlcourse.checks.values import Opaque, Plain, snapshot

MAX_SHOWN = 6
MAX_TEXT = 60
MAX_INPUTS = 240


def number_text(number: bool | int | float | complex, digits: int = 6) -> str:
    """A number with at most so many significant digits.

    Args:
        number: A number of an exact built-in type.
        digits: Significant digits, 1 to 17.

    Example:
        >>> number_text(1.0), number_text(2 / 3), number_text(12), number_text(1e-9), number_text(-0.0)
        ('1.0', '0.666667', '12', '1e-09', '0.0')

    Used in: every lab, through `check`.
    """
    if isinstance(number, bool | int):
        return _clipped(str(number))
    if isinstance(number, complex):
        sign = "-" if number.imag < 0 else "+"
        return f"({number_text(number.real, digits)} {sign} {number_text(abs(number.imag), digits)}j)"
    if not math.isfinite(number):
        return str(number)
    text = f"{number + 0.0:.{digits}g}"  # adding 0.0 turns -0.0 into 0.0
    return text if any(mark in text for mark in ".e") else text + ".0"


def value_text(value: Plain, digits: int = 6) -> str:
    """A snapshot in a few words.

    Args:
        value: A snapshot.
        digits: Significant digits for floats.

    Returns:
        One line of printable ASCII: small arrays and lists whole, larger ones by their first row and their shape.

    Example:
        >>> value_text(np.arange(3.0)), value_text(np.zeros((20, 3)))
        ('[0.0, 1.0, 2.0]', '[[0.0, 0.0, 0.0], ...] of shape (20, 3)')

    Used in: every lab, through `check`.
    """
    if value is None:
        return "None"
    if isinstance(value, Opaque):
        return value.what
    if isinstance(value, str):
        return _clipped(ascii(value))
    if isinstance(value, np.ndarray):
        return _array_text(value, digits)
    if isinstance(value, dict):
        if len(value) > MAX_SHOWN:
            return f"a dict of {len(value)} entries"
        entries = (f"{value_text(key)}: {value_text(entry, digits)}" for key, entry in value.items())
        return _whole_or("{" + ", ".join(entries) + "}", f"a dict of {len(value)} entries")
    if isinstance(value, list | tuple):
        kind = type(value).__name__
        if len(value) > MAX_SHOWN:
            return f"a {kind} of {len(value)} entries"
        inside = ", ".join(value_text(entry, digits) for entry in value)
        comma = "," if kind == "tuple" and len(value) == 1 else ""
        text = f"[{inside}]" if kind == "list" else f"({inside}{comma})"
        return _whole_or(text, f"a {kind} of {len(value)} entries", limit=2 * MAX_TEXT)
    return number_text(value, digits)


def pair_text(got: Plain, expected: Plain) -> tuple[str, str]:
    """Two snapshots with as many digits as it takes to tell them apart.

    Args:
        got: The value returned.
        expected: The value that it should be.

    Returns:
        Both texts.

    Example:
        >>> pair_text(0.1000001, 0.1)
        ('0.1000001', '0.1')

    Used in: every lab, through `check`.
    """
    texts = value_text(got), value_text(expected)
    for digits in (9, 12, 17):
        if texts[0] != texts[1]:
            break
        texts = value_text(got, digits), value_text(expected, digits)
    return texts


def inputs_text(reference: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """The inputs of one call, with the names that the reference gives them.

    Args:
        reference: The course's function, whose parameter names are used.
        args: Positional inputs.
        kwargs: Keyword inputs.

    Returns:
        E.g. "x = [1.0, 2.0], b = 0.1"; empty when there are no inputs.

    Example:
        >>> inputs_text(lambda x, b: x + b, (np.array([1.0, 2.0]), 0.1), {})
        'x = [1.0, 2.0], b = 0.1'

    Used in: every lab, through `check`.
    """
    parts = [f"{name} = {_input_text(value)}" for name, value in named_inputs(reference, args, kwargs).items()]
    text = ", ".join(parts)
    while len(text) > MAX_INPUTS and len(parts) > 1:
        parts.pop()
        text = ", ".join(parts) + ", ..."
    return text


def named_inputs(reference: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of one call by the names that the reference gives them.

    Args:
        reference: The course's function.
        args: Positional inputs.
        kwargs: Keyword inputs.

    Returns:
        Name to input; "input 1", "input 2" where the reference's signature is unknown or does not take them.

    Example:
        >>> named_inputs(lambda a, *more: a, (1, 2, 3), {})
        {'a': 1, 'more[0]': 2, 'more[1]': 3}

    Used in: every lab, through `check`.
    """
    try:
        signature = inspect.signature(reference)
        bound = signature.bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return {f"input {i + 1}": value for i, value in enumerate(args)} | dict(kwargs)
    named: dict[str, Any] = {}
    for name, value in bound.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            named |= {f"{name}[{i}]": entry for i, entry in enumerate(value)}
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        else:
            named[name] = value
    return named


def _input_text(value: Any) -> str:
    plain = snapshot(value)
    if isinstance(plain, Opaque):
        name = getattr(value, "__name__", "")
        if callable(value) and isinstance(name, str) and name.isidentifier():
            return name
        return plain.what if name != "<lambda>" else "a function"
    return value_text(plain)


def _array_text(array: np.ndarray, digits: int) -> str:
    if array.size == 0:
        return f"an empty array of shape {array.shape}"
    if array.size <= MAX_SHOWN:
        return _nested_text(array.tolist(), digits)
    row = array
    while row.ndim > 1:
        row = row[0]
    first = [_entry_text(entry, digits) for entry in row[:4].tolist()]
    inside = ", ".join(first) + (", ..." if row.size > 4 else "")
    text = f"[{inside}]"
    for length in reversed(array.shape[:-1]):
        text = f"[{text}, ...]" if length > 1 else f"[{text}]"
    return f"{text} of shape {array.shape}"


def _nested_text(value: Any, digits: int) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_nested_text(entry, digits) for entry in value) + "]"
    return _entry_text(value, digits)


def _entry_text(entry: Any, digits: int) -> str:
    return _clipped(ascii(entry)) if isinstance(entry, str) else number_text(entry, digits)


def _whole_or(text: str, summary: str, limit: int = 2 * MAX_TEXT) -> str:
    return text if len(text) <= limit else summary


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 4] + "..." + text[-1]
