"""The interface that all optimizers share.

Used in: Lab 01, Lab 02

Reference: Lecture 004, "Few variants of SGD".
"""

from abc import ABC, abstractmethod
from math import isfinite
from numbers import Real

import numpy as np

from dlcourse.foundations._arrays import FloatArray


def check_positive(name: str, value: float) -> float:
    """Return `value` as a float; raise unless it is a positive, finite number."""
    if not (isinstance(value, Real) and isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive, finite number; got {value!r}.")
    return float(value)


def check_non_negative(name: str, value: float) -> float:
    """Return `value` as a float; raise unless it is zero or a positive, finite number."""
    if not (isinstance(value, Real) and isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be zero or a positive, finite number; got {value!r}.")
    return float(value)


def check_fraction(name: str, value: float) -> float:
    """Return `value` as a float; raise unless it is a number in [0, 1)."""
    if not (isinstance(value, Real) and 0 <= value < 1):
        raise ValueError(f"{name} must be a number in [0, 1), the share of the past that is kept; got {value!r}.")
    return float(value)


class Optimizer(ABC):
    """What all optimizers share: `learning_rate`, `step` and `reset`.

    A subclass gives `_start`, which makes its memory in the likeness of the parameters, and `_update`, its formula.

    Args:
        learning_rate: eta in the slides; positive. It may be changed between steps.

    Raises:
        ValueError: If `learning_rate` is not positive and finite.

    Example:
        >>> w = np.array([1.0, 2.0])
        >>> from dlcourse.foundations.momentum import GradientDescent
        >>> GradientDescent(learning_rate=0.5).step(w, gradient=np.array([2.0, 2.0]))
        >>> w
        array([0., 1.])

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few variants of SGD".
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = check_positive("learning_rate", learning_rate)
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next `step` is a first step, and may be given parameters of another shape or dtype."""
        self.iterations = 0
        self._layout: tuple[tuple[int, ...], np.dtype] | None = None

    def step(self, parameters: FloatArray, gradient: FloatArray) -> None:
        """Move the parameters one step, in place.

        The values of the gradient are not checked, for speed: watch the loss for NaN.

        Args:
            parameters: w, any shape, float32 or float64; changed in place.
            gradient: g at `parameters`, same shape and dtype; left as it is.

        Raises:
            TypeError: If either is not an array of floats.
            ValueError: If the two differ in shape or dtype, or differ from those of the steps before.
        """
        if not isinstance(parameters, np.ndarray) or parameters.dtype.kind != "f":
            given = parameters.dtype if isinstance(parameters, np.ndarray) else type(parameters).__name__
            raise TypeError(
                f"parameters must be a NumPy array of floats, as it is changed in place; got {given}. "
                "Make it with np.array(values, dtype=float)."
            )
        if not isinstance(gradient, np.ndarray):
            raise TypeError(f"gradient must be a NumPy array; got {type(gradient).__name__}. Use np.asarray(gradient).")
        layout = (parameters.shape, parameters.dtype)
        if (gradient.shape, gradient.dtype) != layout:
            raise ValueError(
                "gradient must have the shape and dtype of parameters, "
                f"{parameters.shape} {parameters.dtype}; got {gradient.shape} {gradient.dtype}."
            )
        if self._layout is None:
            self._start(parameters)
            self._layout = layout
        elif self._layout != layout:
            raise ValueError(
                f"this optimizer has been moving parameters of shape {self._layout[0]} and dtype {self._layout[1]}; "
                f"got {parameters.shape} and {parameters.dtype}. Call reset() first, or use an optimizer for each."
            )
        self._update(parameters, gradient)
        self.iterations += 1

    def _start(self, parameters: FloatArray) -> None:
        self._work = np.empty_like(parameters)

    @abstractmethod
    def _update(self, parameters: FloatArray, gradient: FloatArray) -> None:
        """Apply the formula. `self.iterations` counts the steps already taken."""

    def __repr__(self) -> str:
        settings = (f"{name}={value!r}" for name, value in vars(self).items() if not name.startswith("_"))
        return f"{type(self).__name__}({', '.join(s for s in settings if not s.startswith('iterations='))})"
