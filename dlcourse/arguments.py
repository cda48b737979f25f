"""What functions check alike about their arguments before any work starts."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_count(name: str, value: object, minimum: int = 1) -> int:
    """Returns `value` as an `int` of at least `minimum`.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.
        minimum: Smallest value that makes sense.

    Raises:
        TypeError: If `value` is no integer.
        ValueError: If it is below `minimum`.

    Example:
        >>> check_count("units", 3)
        3

    Used in: Labs 03b, 04, 05
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r} ({type(value).__name__}).")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}.")
    return int(value)


def check_positive(name: str, value: object) -> float:
    """Returns `value` as a finite `float` above zero.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.

    Raises:
        TypeError: If `value` is not a real number.
        ValueError: If it is not above zero, or not finite.

    Example:
        >>> check_positive("learning_rate", 0.01)
        0.01

    Used in: Labs 03b, 04, 05
    """
    number = check_finite(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}.")
    return number


def check_name(name: str, value: object, known: Iterable[str]) -> str:
    """Returns `value` if it is one of the known names.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.
        known: The names that are allowed.

    Raises:
        TypeError: If `value` is no string.
        ValueError: If it is not among the known names; the message gives them and the closest one.

    Example:
        >>> check_name("kind", "zeros", ["zeros", "learned"])
        'zeros'

    Used in: Labs 03b, 04, 05
    """
    known = list(known)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {type(value).__name__}. Known: {', '.join(known)}.")
    if value not in known:
        close = get_close_matches(value, known, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}.{hint}")
    return value


def check_array(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
    """Returns `value` as a finite float64 array of a given shape.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.
        shape: The length of each axis; None stands for any length of at least 1.

    Raises:
        TypeError: If `value` does not hold real numbers.
        ValueError: If its shape does not fit, or a value is not finite.

    Example:
        >>> check_array("h_0", [0, 1], (2,))
        array([0., 1.])

    Used in: Labs 03b, 04, 05
    """
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}.")
    if array.ndim != len(shape) or any(
        length != wanted if wanted is not None else length < 1
        for length, wanted in zip(array.shape, shape, strict=True)
    ):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity.")
    return array.astype(np.float64)


def check_finite(name: str, value: object) -> float:
    """Returns `value` as a finite `float`.

    Args:
        name: Name of the argument, for the message.
        value: What the caller gave.

    Raises:
        TypeError: If `value` is not a real number.
        ValueError: If it is NaN or infinite.

    Example:
        >>> check_finite("forget_bias", 1)
        1.0

    Used in: Labs 03b, 04, 05
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}.")
    return float(value)
