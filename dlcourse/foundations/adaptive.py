"""Optimizers with a learning rate for each parameter: AdaGrad, RMSProp, Adam.

All three divide by the root of accumulated squared gradients, and add an epsilon that keeps a division by zero away.
The slides print it inside the root for all three; Keras puts it inside for AdaGrad and RMSProp and outside for Adam, as
Adam's paper does. `epsilon_inside` chooses; by default it is what Keras does.

Used in: Lab 01, Lab 02

Reference: Lecture 004, "Few variants of SGD".
"""

from math import sqrt

import numpy as np

from dlcourse.foundations._arrays import FloatArray
from dlcourse.foundations.optimizer import Optimizer, check_fraction, check_non_negative, check_positive


class _ScaledBySquares(Optimizer):
    """What AdaGrad and RMSProp share: each parameter's step is divided by the root of its accumulated squares A."""

    def __init__(self, learning_rate: float, epsilon: float, epsilon_inside: bool) -> None:
        super().__init__(learning_rate)
        self.epsilon = check_positive("epsilon", epsilon)
        self.epsilon_inside = bool(epsilon_inside)

    def _start(self, parameters: FloatArray) -> None:
        super()._start(parameters)
        self._squares = np.zeros_like(parameters)

    def _descend(self, parameters: FloatArray, gradient: FloatArray) -> None:
        """w <- w - eta g / sqrt(A + epsilon), or / (sqrt(A) + epsilon)."""
        work = self._work
        if self.epsilon_inside:
            np.add(self._squares, self.epsilon, out=work)
            np.sqrt(work, out=work)
        else:
            np.sqrt(self._squares, out=work)
            work += self.epsilon
        np.divide(gradient, work, out=work)
        work *= self.learning_rate
        parameters -= work


class AdaGrad(_ScaledBySquares):
    """A learning rate for each parameter, which shrinks with all the squared gradients that it has seen.

    A <- A + g^2
    w <- w - eta g / sqrt(A + epsilon)

    Good where some features are rare; on a long run the sum only grows and the steps fade.

    Args:
        learning_rate: eta in the slides; positive.
        epsilon: epsilon in the slides; positive.
        epsilon_inside: True: sqrt(A + epsilon), as in the slides and in Keras. False: sqrt(A) + epsilon.
        initial_accumulator: A before the first step; 0 in the slides and the paper, 0.1 by default in Keras.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> w = np.array([1.0, 1.0])
        >>> AdaGrad(learning_rate=0.5).step(w, np.array([3.0, 0.01]))
        >>> w.round(3)
        array([0.5, 0.5])

    Used in: Lab 01

    Reference: Duchi, Hazan and Singer (2011); lecture 004, "Few variants of SGD".
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        epsilon: float = 1e-7,
        epsilon_inside: bool = True,
        initial_accumulator: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, epsilon, epsilon_inside)
        self.initial_accumulator = check_non_negative("initial_accumulator", initial_accumulator)

    def _start(self, parameters: FloatArray) -> None:
        super()._start(parameters)
        self._squares += self.initial_accumulator

    def _update(self, parameters: FloatArray, gradient: FloatArray) -> None:
        np.multiply(gradient, gradient, out=self._work)
        self._squares += self._work
        self._descend(parameters, gradient)


class RMSProp(_ScaledBySquares):
    """AdaGrad that forgets: the squares are averaged over the recent past, so the steps do not fade.

    A <- rho A + (1 - rho) g^2
    w <- w - eta g / sqrt(A + epsilon)

    Args:
        learning_rate: eta in the slides; positive.
        rho: beta in the slides, the share of the average that is kept; in [0, 1).
        epsilon: epsilon in the slides; positive.
        epsilon_inside: True: sqrt(A + epsilon), as in the slides and in Keras. False: sqrt(A) + epsilon.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> w = np.array([1.0])
        >>> RMSProp(learning_rate=0.25, rho=0.75).step(w, np.array([8.0]))
        >>> w.round(3)
        array([0.5])

    Used in: Lab 01

    Reference: Tieleman and Hinton (2012), Neural Networks for Machine Learning, lecture 6.5; lecture 004, "Few variants
        of SGD".
    """

    def __init__(
        self, learning_rate: float = 0.001, rho: float = 0.9, epsilon: float = 1e-7, epsilon_inside: bool = True
    ) -> None:
        super().__init__(learning_rate, epsilon, epsilon_inside)
        self.rho = check_fraction("rho", rho)

    def _update(self, parameters: FloatArray, gradient: FloatArray) -> None:
        np.multiply(gradient, gradient, out=self._work)
        self._work *= 1 - self.rho
        self._squares *= self.rho
        self._squares += self._work
        self._descend(parameters, gradient)


class Adam(Optimizer):
    """Momentum and RMSProp together, with both averages corrected for their start at zero.

    M1 <- beta_1 M1 + (1 - beta_1) g
    M2 <- beta_2 M2 + (1 - beta_2) g^2
    w  <- w - eta_t M1 / (sqrt(M2) + epsilon),  eta_t = eta sqrt(1 - beta_2^t) / (1 - beta_1^t),  t = 1, 2, ...

    eta_t holds the bias correction of both averages, which is cheaper than correcting each (the paper's remark before
    its section 2.1, and what Keras does). With `epsilon_inside` the last line is the slides' own,

    w  <- w - eta M1c / sqrt(M2c + epsilon),  Mmc = Mm / (1 - beta_m^t).

    The slides feed the corrected averages back into the recursion, which is a slip: for a constant gradient of 1 their
    M1 would be 1, 5.3, 17.8 ... in the first steps, in place of 1, 1, 1. The paper corrects a copy, as here.

    Args:
        learning_rate: eta in the slides; positive. Far from the minimum no step is much longer than it.
        beta_1: beta_1 in the slides, the share of the mean gradient that is kept; in [0, 1).
        beta_2: beta_2 in the slides, the share of the mean square that is kept; in [0, 1).
        epsilon: epsilon in the slides; positive.
        epsilon_inside: False: outside the root, as in the paper and in Keras. True: the slides' line above.

    Raises:
        ValueError: If a setting is out of its range.

    Example:
        >>> w = np.array([1.0, 1.0])
        >>> Adam(learning_rate=0.5).step(w, np.array([3.0, 0.01]))
        >>> w.round(3)
        array([0.5, 0.5])

    Used in: Lab 01, Lab 02

    Reference: Kingma and Ba (2015), arXiv:1412.6980; lecture 004, "Few variants of SGD".
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        epsilon_inside: bool = False,
    ) -> None:
        super().__init__(learning_rate)
        self.beta_1 = check_fraction("beta_1", beta_1)
        self.beta_2 = check_fraction("beta_2", beta_2)
        self.epsilon = check_positive("epsilon", epsilon)
        self.epsilon_inside = bool(epsilon_inside)

    def _start(self, parameters: FloatArray) -> None:
        super()._start(parameters)
        self._mean = np.zeros_like(parameters)
        self._mean_square = np.zeros_like(parameters)

    def _update(self, parameters: FloatArray, gradient: FloatArray) -> None:
        t, work = self.iterations + 1, self._work
        np.multiply(gradient, 1 - self.beta_1, out=work)
        self._mean *= self.beta_1
        self._mean += work

        np.multiply(gradient, gradient, out=work)
        work *= 1 - self.beta_2
        self._mean_square *= self.beta_2
        self._mean_square += work

        correction_1, correction_2 = 1 - self.beta_1**t, 1 - self.beta_2**t
        if self.epsilon_inside:
            # sqrt(M2 / c + epsilon) = sqrt(M2 + c epsilon) / sqrt(c), so the factor taken out of it is the same.
            np.add(self._mean_square, correction_2 * self.epsilon, out=work)
            np.sqrt(work, out=work)
        else:
            np.sqrt(self._mean_square, out=work)
            work += self.epsilon
        np.divide(self._mean, work, out=work)
        work *= self.learning_rate * sqrt(correction_2) / correction_1
        parameters -= work
