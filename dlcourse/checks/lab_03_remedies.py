"""The exercises of Lab 03 on what works against over-fitting: dropout, batch normalisation, the L2 penalty.

Used in: Lab 03

Reference: Lecture 004, from "Notes on regularization" to "Remark: batch normalization".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def dropout(activations: np.ndarray, uniform: np.ndarray, rate: float) -> np.ndarray:
    """Inverted dropout: silences a share of the activations and enlarges the others, so that the mean stays.

    Args:
        activations: shape `(n, units)`.
        uniform: random numbers from [0, 1) of the same shape; where one is below `rate` the activation is dropped.
        rate: share to drop, in [0, 1).

    Returns:
        The activations after dropout, same shape.

    Example:
        >>> dropout(np.array([[1.0, 2.0, 3.0]]), np.array([[0.7, 0.1, 0.5]]), rate=0.5).tolist()
        [[2.0, 0.0, 6.0]]

    Used in: Lab 03

    Reference: Srivastava et al., "Dropout" (2014); lecture 004, "Regularization in NN: dropout".
    """
    return np.where(uniform >= rate, activations, 0.0) / (1 - rate)


def batch_normalize(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> np.ndarray:
    r"""Batch normalisation as in training: with the mean and the variance of this batch.

    $$y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$$

    Args:
        x: inputs of the layer, shape `(n, units)`.
        gamma: scale of each unit, shape `(units,)`.
        beta: shift of each unit, shape `(units,)`.
        epsilon: keeps the root from zero, positive; 0.001 in Keras.

    Returns:
        The normalised batch, same shape.

    Example:
        >>> batch_normalize(np.array([[0.0], [2.0]]), np.ones(1), np.zeros(1), epsilon=0.0).tolist()
        [[-1.0], [1.0]]

    Used in: Lab 03

    Reference: Ioffe and Szegedy, "Batch normalization" (2015); lecture 004, "Remark: batch normalization".
    """
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon) + beta


def l2_penalty(weights: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
    r"""Keras' L2 penalty $\lambda \sum w^2$ and its gradient.

    Args:
        weights: any shape.
        strength: lambda, 0 or more.

    Returns:
        The penalty and its gradient, which has the shape of the weights.

    Example:
        >>> penalty, gradient = l2_penalty(np.array([3.0, -1.0]), strength=0.5)
        >>> penalty, gradient.tolist()
        (5.0, [3.0, -1.0])

    Used in: Lab 03

    Reference: lecture 004, "Notes on regularization"; `keras.regularizers.L2`.
    """
    return float(strength * np.sum(weights**2)), 2 * strength * weights


def dropout_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[1.0, 2.0, 3.0]]), np.array([[0.7, 0.1, 0.9]]), 0.5))
    yield Case((np.array([[1.0, 2.0, 3.0]]), np.array([[0.7, 0.1, 0.9]]), 0.0), name="rate 0: nothing is dropped")
    yield Case((np.array([[1.0, 4.0]]), np.array([[0.1, 0.2]]), 0.8), name="everything is dropped")
    for n, units, rate in ((2, 4, 0.25), (3, 5, 0.2), (5, 3, 0.75), (4, 6, 0.4)):
        yield Case((rng.uniform(0.5, 2.0, size=(n, units)), rng.random((n, units)), rate))


def batch_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.0, 1.0], [2.0, 5.0], [4.0, 0.0]]), np.ones(2), np.zeros(2), 1e-3))
    yield Case((np.array([[3.0], [3.0]]), np.array([2.0]), np.array([1.0]), 1e-3), name="a unit that never varies")
    yield Case((np.array([[1.0, -2.0]]), np.ones(2), np.array([0.5, 1.0]), 1e-3), name="a batch of one")
    # Small spread, so that it matters where epsilon stands.
    yield Case((0.1 * rng.normal(size=(4, 2)), np.ones(2), np.zeros(2), 1e-2), name="little variance")
    for n, units in ((5, 2), (4, 3), (8, 4)):
        x = rng.normal(rng.uniform(-2, 2, size=units), rng.uniform(0.3, 3.0, size=units), size=(n, units))
        yield Case((x, rng.uniform(0.5, 2.0, size=units), rng.normal(size=units), 1e-3))


def weight_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[3.0, -1.0]]), 0.5))
    yield Case((np.array([[3.0, -1.0]]), 0.0), name="strength 0")
    yield Case((np.zeros((2, 2)), 0.1), name="all weights zero")
    for shape in ((2, 3), (4, 2), (5, 5), (3, 1)):
        yield Case((rng.normal(size=shape), rng.uniform(0.01, 0.2)))


def normalize(x, gamma, beta, epsilon, *, axis=0, ddof=0, root=True, inside=True):
    """Batch normalisation with one thing changed."""
    variance = x.var(axis=axis, ddof=ddof, keepdims=True)
    power = 0.5 if root else 1.0
    scale = (variance + epsilon) ** power if inside else variance**power + epsilon
    return gamma * (x - x.mean(axis=axis, keepdims=True)) / scale + beta


def normalize_unbiased(x, gamma, beta, epsilon):
    with np.errstate(all="ignore"):  # a batch of one divides zero by zero
        return gamma * (x - x.mean(axis=0)) / np.sqrt(((x - x.mean(axis=0)) ** 2).sum(axis=0) / (len(x) - 1) + epsilon)


REMEDIES = (
    Exercise(
        number="3.7",
        title="Inverted dropout",
        reference=dropout,
        cases=dropout_cases,
        mistakes=(
            Mistake(
                "the ones that stay must grow: divide them by the share that is kept, 1 - rate",
                lambda activations, uniform, rate: np.where(uniform >= rate, activations, 0.0),
            ),
            Mistake(
                "the wrong ones go: drop where the random number is below `rate`, so that a share `rate` is dropped",
                lambda activations, uniform, rate: np.where(uniform < rate, activations, 0.0) / (1 - rate),
            ),
            Mistake(
                "multiplying by 1 - rate makes them smaller; dividing by it makes up for those that are missing",
                lambda activations, uniform, rate: np.where(uniform >= rate, activations, 0.0) * (1 - rate),
            ),
            Mistake(
                "divide by the share that is kept, 1 - rate, and not by the share that is dropped",
                lambda activations, uniform, rate: np.where(uniform >= rate, activations, 0.0) / max(rate, 1e-12),
            ),
        ),
        hint="a mask of zeros and ones from uniform >= rate, times the activations, divided by the share kept",
    ),
    Exercise(
        number="3.8",
        title="Batch normalisation",
        reference=batch_normalize,
        cases=batch_cases,
        mistakes=(
            Mistake(
                "gamma and beta are missing: scale by gamma and shift by beta at the end",
                lambda x, gamma, beta, epsilon: normalize(x, np.ones_like(gamma), np.zeros_like(beta), epsilon),
            ),
            Mistake(
                "divide by the standard deviation, the root of the variance, and not by the variance",
                lambda *inputs: normalize(*inputs, root=False),
            ),
            Mistake(
                "epsilon stands under the root, beside the variance",
                lambda *inputs: normalize(*inputs, inside=False),
            ),
            Mistake(
                "each unit is normalised over the batch, axis 0; you normalise each sample over its units",
                lambda *inputs: normalize(*inputs, axis=1),
            ),
            Mistake(
                "divide the squares by n, not by n - 1: the layer takes the batch as it is, like x.var(axis=0)",
                lambda x, gamma, beta, epsilon: normalize_unbiased(x, gamma, beta, epsilon) + beta,
            ),
        ),
        hint="subtract each column's mean, divide by the root of its variance plus epsilon, then gamma and beta",
    ),
    Exercise(
        number="3.9",
        title="L2 penalty and its gradient",
        reference=l2_penalty,
        cases=weight_cases,
        mistakes=(
            Mistake(
                "Lab 02's penalty has a 1/2 in front, Keras' has none: the sum of squares times lambda",
                lambda weights, strength: (0.5 * strength * np.sum(weights**2), strength * weights),
            ),
            Mistake(
                "the penalty is right; differentiating the square brings down a 2",
                lambda weights, strength: (strength * np.sum(weights**2), strength * weights),
            ),
            Mistake(
                "the sign of the gradient is reversed: the penalty grows as a weight moves away from zero",
                lambda weights, strength: (strength * np.sum(weights**2), -2 * strength * weights),
            ),
            Mistake(
                "this is the mean of the squares; Keras adds them up",
                lambda weights, strength: (strength * np.mean(weights**2), 2 * strength * weights / weights.size),
            ),
            Mistake(
                "this is L1, with absolute values; L2 has squares",
                lambda weights, strength: (strength * np.abs(weights).sum(), strength * np.sign(weights)),
            ),
        ),
        hint="lambda times the sum of all squared weights; differentiate that sum by one weight at a time",
    ),
)
