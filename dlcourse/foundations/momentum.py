"""Optimizers with one learning rate for all parameters: plain descent, a rate that falls, momentum, Nesterov.

Used in: Lab 01, Lab 02

Reference: Lecture 004, "Few variants of SGD".
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlcourse.foundations._arrays import FloatArray
from dlcourse.foundations.optimizer import Optimizer, check_fraction, check_non_negative, check_positive


class GradientDescent(Optimizer):
    """Plain descent with a fixed learning rate; the first row of the table.

    w <- w - eta g

    Args:
        learning_rate: eta in the slides; positive.

    Raises:
        ValueError: If `learning_rate` is not positive and finite.

    Example:
        >>> w = np.array([1.0])
        >>> GradientDescent(learning_rate=0.25).step(w, np.array([2.0]))
        >>> w
        array([0.5])

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Gradient descent algorithm" and "Few variants of SGD".
    """

    def __init__(self, learning_rate: float = 0.01) -> None:
        super().__init__(learning_rate)

    def _update(self, parameters: FloatArray, gradient: FloatArray) -> None:
        np.multiply(gradient, self.learning_rate, out=self._work)
        parameters -= self._work


@dataclass(frozen=True)
class InverseTimeDecay:
    """A learning rate that falls like one over time.

    eta_t = eta_0 / (1 + decay t)

    The rates add up to infinity while their squares do not: far enough to reach any point, quiet enough to stay there
    (the condition of Robbins and Monro for stochastic descent to converge).

    Args:
        initial: eta_0, the rate of the first step, t = 0; positive.
        decay: How fast it falls, per step; >= 0. After 1 / decay steps the rate has halved.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> schedule = InverseTimeDecay(initial=0.5, decay=0.1)
        >>> schedule(0), schedule(10)
        (0.5, 0.25)

    Used in: Lab 01

    Reference: Robbins and Monro (1951); lecture 004, "Setting the learning rate".
    """

    initial: float
    decay: float

    def __post_init__(self) -> None:
        check_positive("initial", self.initial)
        check_non_negative("decay", self.decay)

    def __call__(self, step: int) -> float:
        """The rate of step t, counted from 0."""
        return self.initial / (1 + self.decay * step)


class AdaptiveLearningRate(GradientDescent):
    """Plain descent with a rate that changes over time; the second row of the table.

    w <- w - eta_t g

    Args:
        learning_rate: A number, eta_0 of an `InverseTimeDecay`; or any function t -> eta_t, with t counted from 0.
            Later the attribute `learning_rate` is the rate last used.
        decay: The decay of that `InverseTimeDecay`, per step, >= 0; 0.01 unless given. Not with a function.

    Raises:
        ValueError: If a setting is out of its range, or `decay` comes with a function.

    Example:
        >>> w = np.array([1.0])
        >>> optimizer = AdaptiveLearningRate(lambda t: 0.5**t)
        >>> for _ in range(3):
        ...     optimizer.step(w, np.array([1.0]))
        >>> w, optimizer.learning_rate
        (array([-0.75]), 0.25)

    Used in: Lab 01

    Reference: Lecture 004, "Setting the learning rate" and "Few variants of SGD".
    """

    def __init__(self, learning_rate: float | Callable[[int], float] = 0.01, decay: float | None = None) -> None:
        if callable(learning_rate):
            if decay is not None:
                raise ValueError(f"decay={decay!r} has no use when learning_rate is a function of t; leave it out.")
            self.schedule = learning_rate
        else:
            self.schedule = InverseTimeDecay(learning_rate, 0.01 if decay is None else decay)
        super().__init__(self.schedule(0))

    def reset(self) -> None:
        """Forget the past: the schedule starts again from t = 0."""
        super().reset()
        self.learning_rate = float(self.schedule(0))

    def _update(self, parameters: FloatArray, gradient: FloatArray) -> None:
        self.learning_rate = float(self.schedule(self.iterations))
        super()._update(parameters, gradient)


class Momentum(Optimizer):
    """Descent with inertia: the step remembers the steps before it, like a heavy ball.

    v <- mu v - eta g
    w <- w + v

    The slides write the velocity as the last step, v = w(t) - w(t-1); it is the same rule.

    Args:
        learning_rate: eta in the slides; positive.
        momentum: mu in the slides, the share of the velocity that is kept; in [0, 1).

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> w, g = np.array([0.0]), np.array([-1.0])
        >>> optimizer = Momentum(learning_rate=1.0, momentum=0.5)
        >>> optimizer.step(w, g)
        >>> optimizer.step(w, g)
        >>> w
        array([2.5])

    Used in: Lab 01, Lab 02

    Reference: Polyak (1964); Qian (1999); lecture 004, "Few variants of SGD".
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = check_fraction("momentum", momentum)

    def _start(self, parameters: FloatArray) -> None:
        super()._start(parameters)
        self._velocity = np.zeros_like(parameters)

    def _accelerate(self, gradient: FloatArray) -> None:
        """v <- mu v - eta g; leaves eta g in the work array."""
        np.multiply(gradient, self.learning_rate, out=self._work)
        self._velocity *= self.momentum
        self._velocity -= self._work

    def _update(self, parameters: FloatArray, gradient: FloatArray) -> None:
        self._accelerate(gradient)
        parameters += self._velocity


class Nesterov(Momentum):
    """Momentum that looks ahead: the gradient is taken where the velocity is about to carry the parameters.

    In Nesterov's own terms, with position w and velocity v,

        v <- mu v - eta grad l(w + mu v)
        w <- w + v

    The slides print grad l(w - mu v), which looks behind: their v already points downhill, so the sign must be plus.
    They also add v(t) to w before v(t+1) is made, one step late.

    A caller of `step` hands over the gradient at the parameters that it holds, and not at some other point. So, as in
    Keras, `parameters` here is the look-ahead point x = w + mu v itself. Writing the two lines above for x gives

        v <- mu v - eta grad l(x)
        x <- x + mu v - eta grad l(x)

    where mu v is the next look-ahead and the rest is the step of w. The two agree at every step through w = x - mu v,
    and meet where they come to rest, as v is then zero.

    Args:
        learning_rate: eta in the slides; positive.
        momentum: mu in the slides, the share of the velocity that is kept; in [0, 1).

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> w = np.array([0.0])
        >>> Nesterov(learning_rate=1.0, momentum=0.5).step(w, np.array([-1.0]))
        >>> w
        array([1.5])

    Used in: Lab 01, Lab 02

    Reference: Nesterov (1983); Sutskever et al. (2013), "On the importance of initialization and momentum in deep
        learning"; lecture 004, "Few variants of SGD".
    """

    def _update(self, parameters: FloatArray, gradient: FloatArray) -> None:
        self._accelerate(gradient)
        parameters -= self._work
        np.multiply(self._velocity, self.momentum, out=self._work)
        parameters += self._work
