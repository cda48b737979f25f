"""The exercises of Lab 03 on what a classifier is made of and how it is scored.

Used in: Lab 03

Reference: Lecture 004, "A gentle first example" and "Recipe for using MLP (IV)".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def parameter_count(units: Sequence[int]) -> int:
    r"""Weights and biases of a network of dense layers.

    $$\sum_{l=1}^{L} (n_{l-1} + 1)\, n_l$$

    Args:
        units: number of inputs, then the units of each layer, e.g. `[64, 32, 10]`.

    Returns:
        The number of parameters.

    Example:
        >>> parameter_count([64, 32, 10])
        2410

    Used in: Lab 03
    """
    return sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(units))


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """A row for each label that is 1 in the label's column and 0 elsewhere.

    Args:
        labels: integers from 0 to `classes - 1`, shape `(n,)`.
        classes: number of classes.

    Returns:
        Floats of shape `(n, classes)`.

    Example:
        >>> one_hot(np.array([2, 0]), 3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]

    Used in: Lab 03
    """
    return np.eye(classes)[labels]


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of the samples whose most probable class is the true one.

    Args:
        probabilities: shape `(n, k)`, rows sum to 1.
        labels: the true classes, integers, shape `(n,)`.

    Returns:
        A number from 0 to 1.

    Example:
        >>> accuracy(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
        0.5

    Used in: Lab 03
    """
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """How often each true class (row) was given each answer (column).

    Args:
        labels: the true classes, integers, shape `(n,)`.
        predictions: the predicted classes, integers, shape `(n,)`.
        classes: number of classes.

    Returns:
        Counts, integers of shape `(classes, classes)`.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
        [[1, 1], [0, 1]]

    Used in: Lab 03
    """
    return np.bincount(classes * labels + predictions, minlength=classes**2).reshape(classes, classes)


def unit_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(([2, 3, 1],))
    yield Case(([4, 1],), name="no hidden layer")
    yield Case(([64, 32, 10],))
    yield Case(([1, 5, 5, 5, 2],), name="three hidden layers")
    for layers in (3, 4, 5):
        yield Case((rng.integers(1, 12, size=layers).tolist(),))


def label_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([2, 0, 1]), 3))
    yield Case((np.array([0, 1]), 4), name="the last classes do not occur")
    yield Case((np.array([1]), 2), name="one label")
    for n, classes in ((5, 3), (8, 10), (6, 4)):
        yield Case((rng.integers(classes, size=n), classes))


def probability_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 1, 1])))
    yield Case((np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]), np.array([1, 2])), name="all right")
    yield Case((np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]), np.array([0, 1])), name="all wrong")
    for n, classes in ((6, 2), (9, 3), (12, 4), (25, 10)):
        probabilities = rng.dirichlet(np.ones(classes), size=n)
        # A third of the labels at random, so that neither right nor wrong answers are missing.
        labels = np.where(rng.random(n) < 0.33, rng.integers(classes, size=n), probabilities.argmax(axis=1))
        yield Case((probabilities, labels))


def answer_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 2))
    yield Case((np.array([0, 1, 2]), np.array([0, 1, 2]), 3), name="all right")
    yield Case((np.array([0, 1, 0]), np.array([1, 0, 1]), 4), name="classes 2 and 3 do not occur")
    for n, classes in ((10, 2), (20, 3), (30, 5)):
        labels = rng.integers(classes, size=n)
        yield Case((labels, np.where(rng.random(n) < 0.5, labels, rng.integers(classes, size=n)), classes))


def one_hot_as_wide_as_the_data(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(labels.max() + 1)[labels]


def confusion_by_assignment(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes), dtype=int)
    counts[labels, predictions] += 1
    return counts


def confusion_as_shares(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    counts = confusion_matrix(labels, predictions, classes)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


COUNTING = (
    Exercise(
        number="3.1",
        title="Parameters of a dense network",
        reference=parameter_count,
        cases=unit_cases,
        mistakes=(
            Mistake(
                "the biases are missing: every unit has one, besides a weight for each input",
                lambda units: sum(a * b for a, b in itertools.pairwise(units)),
            ),
            Mistake(
                "one bias too many or too few: a layer has one bias for each of its own units, not for each input",
                lambda units: sum(a * (b + 1) for a, b in itertools.pairwise(units)),
            ),
            Mistake(
                "the inputs are no layer and have no biases: only units that compute something do",
                lambda units: parameter_count(units) + units[0],
            ),
            Mistake("this counts units; count the numbers that training may change", lambda units: sum(units)),
        ),
        hint="a layer with a inputs and b units has a matrix of a times b weights and b biases; add up the layers",
    ),
    Exercise(
        number="3.2",
        title="One-hot rows",
        reference=one_hot,
        cases=label_cases,
        mistakes=(
            Mistake(
                "the rows must have `classes` columns, also when the last classes do not occur in the labels",
                one_hot_as_wide_as_the_data,
            ),
            Mistake(
                "labels count from 0: label 0 puts the 1 in the first column",
                lambda labels, classes: np.eye(classes)[(labels - 1) % classes],
            ),
            Mistake(
                "exactly one entry a row is 1; here every column up to the label is",
                lambda labels, classes: (np.arange(classes) <= labels[:, None]).astype(float),
            ),
        ),
        hint="the rows you need are rows of the identity matrix, np.eye(classes)",
    ),
    Exercise(
        number="3.3",
        title="Accuracy",
        reference=accuracy,
        cases=probability_cases,
        mistakes=(
            Mistake(
                "this counts the right answers; divide by the number of samples",
                lambda probabilities, labels: int(np.sum(probabilities.argmax(axis=1) == labels)),
            ),
            Mistake(
                "this is the share of wrong answers, the error rate",
                lambda probabilities, labels: float(np.mean(probabilities.argmax(axis=1) != labels)),
            ),
            Mistake(
                "this averages the probability of the true class; accuracy asks only whether it is the largest",
                lambda probabilities, labels: float(np.mean(probabilities[np.arange(len(labels)), labels])),
            ),
        ),
        hint="the answer to a row is the column of its largest probability; compare the answers with the labels",
    ),
    Exercise(
        number="3.4",
        title="Confusion matrix",
        reference=confusion_matrix,
        cases=answer_cases,
        mistakes=(
            Mistake(
                "matrix[labels, predictions] += 1 adds only once where a pair occurs twice: use a loop or np.add.at",
                confusion_by_assignment,
            ),
            Mistake(
                "rows are the true classes and columns the answers; yours are exchanged",
                lambda labels, predictions, classes: confusion_matrix(predictions, labels, classes),
            ),
            Mistake("these are shares of each row; give the counts", confusion_as_shares),
        ),
        hint="start from zeros and add 1 at [true class, answer] for every sample",
    ),
)
