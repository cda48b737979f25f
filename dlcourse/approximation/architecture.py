"""What a network looks like and how it is trained: the settings that an ensemble shares.

Used in: Lab 03b, Lab 04

Reference: Lecture 004, "ACTION REQUIRED (II)", Thursday: play with layers, activations and the optimizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from dlcourse.arguments import check_count, check_name

ACTIVATIONS = ("relu", "tanh", "swish", "sigmoid", "elu", "softplus", "linear")
OPTIMIZERS = ("sgd", "momentum", "adagrad", "rmsprop", "adam")
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True)
class Architecture:
    """A multilayer perceptron with one linear output, and the recipe that trains it on the mean squared error.

    Args:
        hidden: Units of each hidden layer, each at least 1; `()` gives a linear model.
        activation: Activation of the hidden layers, one of `ACTIVATIONS`.
        optimizer: One of `OPTIMIZERS`, with the constants of Keras (momentum: 0.9).
        learning_rate: eta in the slides; at the first step, > 0.
        schedule: "constant", or "cosine": from `learning_rate` down to zero along half a cosine.
        batch_size: Points in each gradient step, at least 1; a smaller data set is used whole.
        steps: Number of gradient steps, at least 1.
        weight_decay: Every step first shrinks all parameters by this share times the learning rate, >= 0 (AdamW).

    Raises:
        TypeError: If a setting has the wrong type.
        ValueError: If a name is unknown or a number is out of its range.

    Example:
        >>> Architecture(hidden=(32,), activation="tanh").learning_rates()[[0, 1000]].round(4)
        array([0.01 , 0.005], dtype=float32)

    Used in: Lab 03b, Lab 04

    Reference: Kingma and Ba (2015), Loshchilov and Hutter (2017, 2019); lecture 004, "ACTION REQUIRED (II)".
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: str = "swish"
    optimizer: str = "adam"
    learning_rate: float = 0.01
    schedule: str = "cosine"
    batch_size: int = 32
    steps: int = 2000
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.hidden, tuple | list):
            raise TypeError(f"hidden must be a tuple of layer sizes, as (64, 64); got {self.hidden!r}.")
        object.__setattr__(self, "hidden", tuple(check_count("each size in hidden", units) for units in self.hidden))
        check_name("activation", self.activation, ACTIVATIONS)
        check_name("optimizer", self.optimizer, OPTIMIZERS)
        check_name("schedule", self.schedule, SCHEDULES)
        for name in ("batch_size", "steps"):
            object.__setattr__(self, name, check_count(name, getattr(self, name)))
        for name in ("learning_rate", "weight_decay"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
            if not isfinite(value) or value < 0 or (name == "learning_rate" and value == 0):
                raise ValueError(
                    f"{name} must be finite and {'>' if name == 'learning_rate' else '>='} 0; got {value}."
                )
            object.__setattr__(self, name, float(value))

    def learning_rates(self) -> NDArray[np.float32]:
        """The learning rate of every step, shape (steps,), float32."""
        share = np.arange(self.steps) / self.steps
        factor = np.ones(self.steps) if self.schedule == "constant" else (1 + np.cos(np.pi * share)) / 2
        return (self.learning_rate * factor).astype(np.float32)

    def sizes(self, dimension: int) -> list[int]:
        """Units of each layer from the `dimension` inputs to the one output.

        Example:
            >>> Architecture(hidden=(64, 32)).sizes(5)
            [5, 64, 32, 1]
        """
        return [dimension, *self.hidden, 1]
