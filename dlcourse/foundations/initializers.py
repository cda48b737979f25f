"""Where the weights of a layer start: small random numbers, whose spread decides whether signals survive depth.

Each function draws the weights of one dense layer, shape (fan_in, fan_out): fan_in inputs to each unit, fan_out units.
Biases start at zero and need no initializer.

Used in: Lab 01, Lab 02

Reference: Lecture 004, "Weight initialization" and "Vanishing gradients".
"""

from collections.abc import Callable
from math import isfinite, sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dlcourse.foundations._names import look_up

Initializer = Callable[[tuple[int, int], np.random.Generator], NDArray[np.float64]]


def _check(shape: tuple[int, int], rng: np.random.Generator) -> None:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator; got {type(rng).__name__}. Use np.random.default_rng(seed)."
        )
    pair = isinstance(shape, tuple | list) and len(shape) == 2
    if not (pair and all(isinstance(fan, int | np.integer) and fan is not True and fan > 0 for fan in shape)):
        raise ValueError(f"shape must be (fan_in, fan_out), two positive integers; got {shape!r}.")


def _symmetric_uniform(shape: tuple[int, int], rng: np.random.Generator, variance: float) -> NDArray[np.float64]:
    # U(-a, a) has the variance a^2 / 3.
    limit = sqrt(3 * variance)
    return rng.uniform(-limit, limit, shape)


def normal(shape: tuple[int, int], rng: np.random.Generator, stddev: float = 0.05) -> NDArray[np.float64]:
    """Normal weights of a fixed spread, whatever the size of the layer; step 1 of the slides' descent algorithm.

    w ~ N(0, stddev^2)

    Args:
        shape: (fan_in, fan_out), positive integers.
        rng: The random generator.
        stddev: sigma in the slides; >= 0. 0.05 is Keras' default.

    Returns:
        Array of that shape, float64.

    Raises:
        TypeError: If `rng` is not a NumPy random generator.
        ValueError: If `shape` or `stddev` is out of its range.

    Example:
        >>> normal((2, 3), np.random.default_rng(0)).shape
        (2, 3)

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Gradient descent algorithm" and "Weight initialization".
    """
    _check(shape, rng)
    if not (isfinite(stddev) and stddev >= 0):
        raise ValueError(f"stddev must be zero or a positive, finite number; got {stddev!r}.")
    return rng.normal(0.0, stddev, shape)


def glorot_uniform(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Glorot's (Xavier's) uniform weights, for tanh, sigmoid, softmax and linear units.

    w ~ U(-a, a),  a = sqrt(6 / (fan_in + fan_out)),  so Var(w) = 2 / (fan_in + fan_out)

    The variance is a compromise: 1 / fan_in would keep the spread of the signals on the way forward, 1 / fan_out that
    of the gradients on the way back.

    Args:
        shape: (fan_in, fan_out), positive integers.
        rng: The random generator.

    Returns:
        Array of that shape, float64.

    Raises:
        TypeError: If `rng` is not a NumPy random generator.
        ValueError: If `shape` is out of its range.

    Example:
        >>> bool(np.abs(glorot_uniform((2, 4), np.random.default_rng(0))).max() <= 1)
        True

    Used in: Lab 01, Lab 02

    Reference: Glorot and Bengio (2010), equation 16; lecture 004, "Weight initialization".
    """
    _check(shape, rng)
    return _symmetric_uniform(shape, rng, variance=2 / sum(shape))


def glorot_normal(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Glorot's (Xavier's) variance with normal weights.

    w ~ N(0, 2 / (fan_in + fan_out))

    Keras draws from a normal that is cut at two standard deviations and widened to the same variance.

    Args:
        shape: (fan_in, fan_out), positive integers.
        rng: The random generator.

    Returns:
        Array of that shape, float64.

    Raises:
        TypeError: If `rng` is not a NumPy random generator.
        ValueError: If `shape` is out of its range.

    Example:
        >>> glorot_normal((2, 3), np.random.default_rng(0)).shape
        (2, 3)

    Used in: Lab 01, Lab 02

    Reference: Glorot and Bengio (2010), equation 12; lecture 004, "Weight initialization".
    """
    _check(shape, rng)
    return rng.normal(0.0, sqrt(2 / sum(shape)), shape)


def he_uniform(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """He's uniform weights, for ReLU and its relatives.

    w ~ U(-a, a),  a = sqrt(6 / fan_in),  so Var(w) = 2 / fan_in

    The 2 makes up for ReLU, which silences about half of the units.

    Args:
        shape: (fan_in, fan_out), positive integers.
        rng: The random generator.

    Returns:
        Array of that shape, float64.

    Raises:
        TypeError: If `rng` is not a NumPy random generator.
        ValueError: If `shape` is out of its range.

    Example:
        >>> bool(np.abs(he_uniform((6, 4), np.random.default_rng(0))).max() <= 1)
        True

    Used in: Lab 01, Lab 02

    Reference: He et al. (2015), arXiv:1502.01852, section 2.2; lecture 004, "Weight initialization".
    """
    _check(shape, rng)
    return _symmetric_uniform(shape, rng, variance=2 / shape[0])


def he_normal(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """He's variance with normal weights, for ReLU and its relatives.

    w ~ N(0, 2 / fan_in)

    Keras draws from a normal that is cut at two standard deviations and widened to the same variance.

    Args:
        shape: (fan_in, fan_out), positive integers.
        rng: The random generator.

    Returns:
        Array of that shape, float64.

    Raises:
        TypeError: If `rng` is not a NumPy random generator.
        ValueError: If `shape` is out of its range.

    Example:
        >>> he_normal((2, 3), np.random.default_rng(0)).shape
        (2, 3)

    Used in: Lab 01, Lab 02

    Reference: He et al. (2015), arXiv:1502.01852, equation 10; lecture 004, "Weight initialization".
    """
    _check(shape, rng)
    return rng.normal(0.0, sqrt(2 / shape[0]), shape)


INITIALIZERS: MappingProxyType[str, Initializer] = MappingProxyType(
    {
        "normal": normal,
        "glorot_uniform": glorot_uniform,
        "glorot_normal": glorot_normal,
        "he_uniform": he_uniform,
        "he_normal": he_normal,
    }
)


def get_initializer(name: str) -> Initializer:
    """Find an initializer by its name.

    Args:
        name: "normal", "glorot_uniform", "glorot_normal", "he_uniform" or "he_normal".

    Returns:
        The function, called as initializer(shape, rng).

    Raises:
        TypeError: If `name` is not a string.
        ValueError: If no initializer has that name; the message lists the valid ones and the closest.

    Example:
        >>> get_initializer("he_normal")((2, 3), np.random.default_rng(0)).shape
        (2, 3)

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Weight initialization".
    """
    return look_up("initializer", name, INITIALIZERS)
