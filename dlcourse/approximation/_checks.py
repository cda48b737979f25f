"""What the files of this chapter check alike before any work starts."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral


def check_name(argument: str, value: object, known: Iterable[str]) -> str:
    """Returns `value` if it is one of the known names.

    Args:
        argument: Name of the argument, for the message.
        value: What the caller gave.
        known: The names that are allowed.

    Raises:
        TypeError: If `value` is no string.
        ValueError: If it is not among the known names; the message gives them and the closest one.

    Example:
        >>> check_name("family", "gaussian", ["gaussian", "continuous"])
        'gaussian'

    Used in: Lab 03b
    """
    known = list(known)
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be a string, got {type(value).__name__}. Known: {', '.join(known)}.")
    if value not in known:
        close = get_close_matches(value, known, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"{argument} must be one of {', '.join(known)}; got {value!r}.{hint}")
    return value


def check_count(argument: str, value: object, minimum: int = 1) -> int:
    """Returns `value` as an `int` of at least `minimum`.

    Args:
        argument: Name of the argument, for the message.
        value: What the caller gave.
        minimum: Smallest value that makes sense.

    Raises:
        TypeError: If `value` is no integer.
        ValueError: If it is below `minimum`.

    Example:
        >>> check_count("n", 3)
        3

    Used in: Lab 03b
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{argument} must be an integer, got {value!r} ({type(value).__name__}).")
    if value < minimum:
        raise ValueError(f"{argument} must be at least {minimum}, got {value}.")
    return int(value)
