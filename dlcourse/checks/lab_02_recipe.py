"""Exercises of lab 02 on data and loss: standardise, softmax, cross-entropy (2.11 to 2.13).

The references are the functions of `dlcourse.foundations.mlp_steps`; here are the inputs to try and the mistakes that
people make.

Used in: Lab 02

Reference: Lecture 004, "Recipe for using MLP (II)", "Different activation function" and "Cross entropy loss function".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake
from dlcourse.foundations._softmax import softmax as softmax_along
from dlcourse.foundations.activations import sigmoid
from dlcourse.foundations.mlp_steps import (
    cross_entropy,
    standardize,
)


def softmax(z: np.ndarray) -> np.ndarray:
    """Each row of `z`, shape (n, k), as probabilities that sum to 1."""
    return softmax_along(z, axis=1)


def standardize_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[1.0], [3.0]]), np.array([[5.0]])), name="one feature, a single new row")
    yield Case((np.array([[0.0, 10.0], [4.0, 50.0]]), np.array([[2.0, 30.0]])), name="a row that is the mean")
    for rows, features, others in ((8, 2, 3), (20, 4, 5), (50, 3, 1), (6, 1, 4)):
        scale, shift = rng.uniform(2, 9, size=features), rng.normal(0, 5, size=features)
        yield Case(
            (rng.normal(size=(rows, features)) * scale + shift, rng.normal(size=(others, features)) * scale + shift)
        )


def softmax_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.zeros((1, 4)),), name="no preference")
    yield Case((np.array([[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]]),), name="two rows that differ by a constant")
    yield Case((np.array([[1000.0, 1001.0, 1002.0]]),), name="large scores")
    yield Case((np.array([[-1000.0, -1001.0, -1002.0]]),), name="very negative scores")
    for rows, classes in ((1, 2), (3, 3), (5, 10)):
        yield Case((rng.normal(0, 3, size=(rows, classes)),))


def cross_entropy_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0]), np.array([[0.5, 0.5]])), name="a coin toss: log 2")
    yield Case((np.array([1, 1]), np.array([[0.9, 0.1], [0.01, 0.99]])), name="one confident mistake")
    yield Case((np.array([2]), np.full((1, 3), 1 / 3)), name="three equal chances: log 3")
    for rows, classes in ((4, 2), (5, 3), (8, 10)):
        yield Case((rng.integers(0, classes, size=rows), rng.dirichlet(np.ones(classes), size=rows)))


def _naive_softmax(z: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


RECIPE = (
    Exercise(
        number="2.11",
        title="Standardise with the training statistics",
        reference=standardize,
        cases=standardize_cases,
        rtol=1e-7,
        atol=1e-9,
        mistakes=(
            Mistake(
                "the other rows must use the mean and deviation of the training rows, not their own or a common one",
                lambda train, other: (
                    standardize(train, other)[0],
                    (other - np.vstack([train, other]).mean(axis=0)) / np.vstack([train, other]).std(axis=0),
                ),
            ),
            Mistake(
                "divide by the standard deviation, not by the variance (a slip in the slides)",
                lambda train, other: (
                    (train - train.mean(axis=0)) / train.var(axis=0),
                    (other - train.mean(axis=0)) / train.var(axis=0),
                ),
            ),
            Mistake(
                "take the statistics column by column: axis=0",
                lambda train, other: ((train - train.mean()) / train.std(), (other - train.mean()) / train.std()),
            ),
            Mistake(
                "subtract the mean first", lambda train, other: (train / train.std(axis=0), other / train.std(axis=0))
            ),
        ),
        hint="mean and standard deviation of train along axis 0, used for both arrays",
    ),
    Exercise(
        number="2.12",
        title="Softmax",
        reference=softmax,
        cases=softmax_cases,
        rtol=1e-7,
        atol=1e-12,
        mistakes=(
            Mistake(
                "exp overflows for large scores: subtract each row's maximum first, which changes no probability",
                _naive_softmax,
            ),
            Mistake(
                "every row must sum to 1: sum along axis 1, not along axis 0",
                lambda z: softmax_along(z, axis=0),
            ),
            Mistake(
                "divide by the sum of each row, not of the whole array",
                lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
            ),
            Mistake("one sigmoid a class does not make the row sum to 1", sigmoid),
        ),
        hint="subtract the row's maximum, take exp, divide by the row's sum; keepdims=True keeps the shapes in step",
    ),
    Exercise(
        number="2.13",
        title="Cross-entropy",
        reference=cross_entropy,
        cases=cross_entropy_cases,
        rtol=1e-7,
        atol=1e-12,
        mistakes=(
            Mistake(
                "the minus is missing: a loss grows when the answer gets worse",
                lambda labels, probabilities: -cross_entropy(labels, probabilities),
            ),
            Mistake(
                "average over the rows instead of summing them",
                lambda labels, probabilities: len(labels) * cross_entropy(labels, probabilities),
            ),
            Mistake(
                "only the probability of the true class counts, and the average is over rows, not over all entries",
                lambda labels, probabilities: cross_entropy(labels, probabilities) / probabilities.shape[1],
            ),
            Mistake(
                "use the natural logarithm, np.log",
                lambda labels, probabilities: cross_entropy(labels, probabilities) / np.log(2),
            ),
            Mistake(
                "take the logarithm of the probability, not the probability itself",
                lambda labels, probabilities: -np.mean(probabilities[np.arange(len(labels)), labels]),
            ),
        ),
        hint="pick probabilities[np.arange(n), labels], take -log, average",
    ),
)
