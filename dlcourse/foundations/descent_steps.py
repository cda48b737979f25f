"""The steps of gradient descent as plain functions, one formula each: what the exercises of Lab 01 build.

`optimizers.py` has the same formulas as objects that move parameters in place; here every function takes what its
formula shows and returns something new.

Symbols of the slides: w (or theta) the parameters, eta the learning rate, mu the momentum, B the batch size, J the
cost.

Used in: Lab 01

Reference: Lecture 004, from "Building an ML algorithm (IV)" to "Weight initialization".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


def numerical_derivative(f: Callable[[float], float], w: float, h: float) -> float:
    """Central difference: the slope of the chord from w - h to w + h.

    (f(w + h) - f(w - h)) / (2 h), whose error shrinks like h squared

    Args:
        f: A function of one number.
        w: Where the slope is wanted.
        h: Half the length of the chord, positive.

    Returns:
        The estimated slope of `f` at `w`.

    Example:
        >>> numerical_derivative(lambda w: w**2, 3.0, 0.5)
        6.0

    Used in: Lab 01

    Reference: Lecture 003, section 2.3.2, which uses the one-sided difference.
    """
    return (f(w + h) - f(w - h)) / (2 * h)


def gradient_descent_step(w: FloatArray, gradient: FloatArray, learning_rate: float) -> FloatArray:
    """One step of gradient descent: against the gradient, as far as the learning rate says.

    w - eta dJ/dw

    Args:
        w: The parameters, any shape.
        gradient: dJ/dw at `w`, same shape.
        learning_rate: eta in the slides; positive.

    Returns:
        The new parameters, a new array.

    Example:
        >>> gradient_descent_step(np.array([1.0, 2.0]), np.array([10.0, -10.0]), 0.1)
        array([0., 3.])

    Used in: Lab 01

    Reference: Lecture 004, "Gradient descent algorithm". Lecture 001, section 2.1, prints a plus.
    """
    return w - learning_rate * gradient


def largest_stable_rate(hessian: FloatArray) -> float:
    """The learning rate beyond which gradient descent on a bowl moves away from the minimum.

    2 / lambda_max

    Along the direction of curvature lambda every step multiplies the error by 1 - eta lambda, which shrinks it as long
    as eta < 2 / lambda; the steepest direction gives way first.

    Args:
        hessian: Second derivatives of J, shape (d, d), symmetric, all curvatures positive.

    Returns:
        The largest stable learning rate.

    Example:
        >>> largest_stable_rate(np.diag([1.0, 4.0]))
        0.5

    Used in: Lab 01

    Reference: Goodfellow, Bengio and Courville (2016), section 4.3; lecture 004, "Setting the learning rate".
    """
    return float(2 / np.linalg.eigvalsh(hessian).max())


def housing_gradient(theta: FloatArray, X: FloatArray, y: FloatArray) -> FloatArray:
    """Gradient of the slides' cost of a straight line through the houses.

    J(theta) = 1/2 sum_i (h_theta(x_i) - y_i)^2, dJ/dtheta = sum_i (h_theta(x_i) - y_i) x_i = X^T (X theta - y)

    Args:
        theta: theta_0 and theta_1, shape (2,).
        X: One row a house, shape (m, 2): a one (for theta_0) and the living area.
        y: The prices, shape (m,).

    Returns:
        The gradient, shape (2,).

    Example:
        >>> housing_gradient(np.array([0.0, 1.0]), np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([1.0, 5.0]))
        array([-1., -4.])

    Used in: Lab 01

    Reference: Lecture 004, "Building an ML algorithm (IV)".
    """
    return X.T @ (X @ theta - y)


def mini_batch_gradient(theta: FloatArray, X: FloatArray, y: FloatArray, batch: NDArray[np.integer]) -> FloatArray:
    """Gradient estimated from a few samples: the mean of their gradients.

    1/B sum_k dJ_k/dtheta over the batch, with J_k = 1/2 (h_theta(x_k) - y_k)^2

    Args:
        theta: The parameters, shape (d,).
        X: One row a sample, shape (m, d).
        y: The targets, shape (m,).
        batch: Which samples to use, shape (B,), integers; a sample may be drawn twice and then counts twice.

    Returns:
        The estimate of the gradient of the mean cost, shape (d,).

    Example:
        >>> X, y = np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([1.0, 5.0])
        >>> mini_batch_gradient(np.array([0.0, 1.0]), X, y, np.array([1]))
        array([-2., -6.])

    Used in: Lab 01

    Reference: Lecture 004, "Stochastic gradient descent" (second slide).
    """
    return X[batch].T @ (X[batch] @ theta - y[batch]) / len(batch)


def momentum_step(
    w: FloatArray, previous_w: FloatArray, gradient: FloatArray, learning_rate: float, momentum: float
) -> FloatArray:
    """One step of gradient descent with momentum: part of the last step is taken again.

    w(t+1) = w(t) + mu (w(t) - w(t-1)) - eta dJ/dw

    Args:
        w: The parameters w(t), any shape.
        previous_w: The parameters one step before, w(t-1), same shape.
        gradient: dJ/dw at `w`, same shape.
        learning_rate: eta in the slides; positive.
        momentum: mu in the slides, in [0, 1).

    Returns:
        The new parameters w(t+1), a new array.

    Example:
        >>> momentum_step(np.array([2.0]), np.array([3.0]), np.array([1.0]), 0.5, 0.5)
        array([1.])

    Used in: Lab 01

    Reference: Qian (1999); lecture 004, "Few variants of SGD".
    """
    return w + momentum * (w - previous_w) - learning_rate * gradient


def adam_step(
    w: FloatArray,
    gradient: FloatArray,
    mean: FloatArray,
    mean_square: FloatArray,
    t: int,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One step of Adam, with the bias correction of both running averages.

    m <- beta_1 m + (1 - beta_1) g,  v <- beta_2 v + (1 - beta_2) g^2
    w <- w - eta m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Args:
        w: The parameters, any shape.
        gradient: g, same shape.
        mean: m, the running mean of the gradient after t - 1 steps; M(1) in the slides.
        mean_square: v, the running mean of its square after t - 1 steps; M(2) in the slides.
        t: The number of this step: 1 for the first.
        learning_rate: eta in the slides; positive.
        beta_1: Share of `mean` that is kept, in [0, 1).
        beta_2: Share of `mean_square` that is kept, in [0, 1).
        epsilon: Keeps the division away from zero; positive.

    Returns:
        The new parameters, mean and mean square; the two averages uncorrected, ready for the next step.

    Example:
        >>> w, m, v = adam_step(np.ones(1), np.full(1, 4.0), np.zeros(1), np.zeros(1), 1, 0.5, 0.9, 0.999, 1e-8)
        >>> w.round(6), m.round(6), v.round(6)
        (array([0.5]), array([0.4]), array([0.016]))

    Used in: Lab 01

    Reference: Kingma and Ba (2015), algorithm 1; lecture 004, "Few variants of SGD".
    """
    mean = beta_1 * mean + (1 - beta_1) * gradient
    mean_square = beta_2 * mean_square + (1 - beta_2) * gradient**2
    corrected_mean = mean / (1 - beta_1**t)
    corrected_square = mean_square / (1 - beta_2**t)
    return w - learning_rate * corrected_mean / (np.sqrt(corrected_square) + epsilon), mean, mean_square


def initial_weights(noise: FloatArray, rule: str) -> FloatArray:
    """Scales standard normal numbers to the spread that the Glorot or the He rule asks for.

    Glorot: standard deviation sqrt(2 / (fan_in + fan_out)). He: sqrt(2 / fan_in).

    Args:
        noise: Standard normal numbers, shape (fan_in, fan_out).
        rule: "glorot" or "he".

    Returns:
        The weights of the layer, shape (fan_in, fan_out).

    Raises:
        ValueError: If `rule` is another word.

    Example:
        >>> initial_weights(np.ones((2, 6)), "he")[0]
        array([1., 1., 1., 1., 1., 1.])
        >>> initial_weights(np.ones((2, 6)), "glorot")[0]
        array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])

    Used in: Lab 01

    Reference: Glorot and Bengio (2010); He et al. (2015); lecture 004, "Weight initialization".
    """
    fan_in, fan_out = noise.shape
    if rule == "glorot":
        return noise * np.sqrt(2 / (fan_in + fan_out))
    if rule == "he":
        return noise * np.sqrt(2 / fan_in)
    raise ValueError(f"rule is {rule!r}, expected 'glorot' or 'he'")
