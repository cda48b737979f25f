"""What the estimators of this chapter check alike, before any arithmetic starts."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state


def generator_from(random_state: int | np.random.RandomState | None) -> np.random.Generator:
    """Turns scikit-learn's `random_state` into a NumPy generator.

    Args:
        random_state: integer seed, a `RandomState` (which moves on by one draw), or `None` for a fresh seed.

    Returns:
        A `numpy.random.Generator`; the same integer gives the same stream.

    Example:
        >>> bool(generator_from(3).random() == generator_from(3).random())
        True

    Used in: Lab 02
    """
    return np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))


def check_integer(name: str, value: object, minimum: int, hint: str = "") -> int:
    """Returns `value` as an `int` of at least `minimum`.

    Args:
        name: parameter name for the message.
        value: what the caller gave.
        minimum: smallest value that makes sense.
        hint: the fix, appended to the message.

    Raises:
        TypeError: if `value` is not an integer.
        ValueError: if it is below `minimum`.

    Example:
        >>> check_integer("max_epochs", 3, minimum=1)
        3

    Used in: Lab 02
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r} ({type(value).__name__}). {hint}".rstrip())
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}. {hint}".rstrip())
    return int(value)


def check_real(name: str, value: object, low: float, high: float = np.inf, *, open_low: bool = False) -> float:
    """Returns `value` as a `float` within `[low, high)`, or `(low, high)` where `open_low`.

    Args:
        name: parameter name for the message.
        value: what the caller gave.
        low: lower end.
        high: upper end, excluded.
        open_low: whether `low` itself is excluded.

    Raises:
        TypeError: if `value` is not a real number.
        ValueError: if it lies outside the interval.

    Example:
        >>> check_real("dropout", 0.5, 0.0, 1.0)
        0.5

    Used in: Lab 02
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    if not low <= value < high or (open_low and value == low):
        raise ValueError(f"{name} must lie in {'(' if open_low else '['}{low:g}, {high:g}), got {value!r}")
    return float(value)


def check_classes(y: np.ndarray) -> np.ndarray:
    """Returns the sorted classes in `y`, which must be at least two.

    Args:
        y: labels, shape `(n,)`, any dtype that sorts.

    Raises:
        ValueError: if `y` holds a single class.

    Example:
        >>> check_classes(np.array(["b", "a", "b"])).tolist()
        ['a', 'b']

    Used in: Lab 02
    """
    classes = np.unique(y)
    if classes.size < 2:
        raise ValueError(
            f"y holds one class ({classes.tolist()[0]!r}); a classifier needs at least two classes. "
            "Check the labels, or the split that they come from."
        )
    return classes
