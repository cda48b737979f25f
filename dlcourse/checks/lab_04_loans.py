"""Exercises 4.6 to 4.9: words as columns, the ROC curve, decisions by cost, and the settings of a search.

Used in: Lab 04

Reference: Lecture 004, "A SEMI-COMPREHENSIVE TF TOUR" (the loans) and the "ACTION REQUIRED" after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def one_hot_lookup(values: Sequence[str], vocabulary: Sequence[str]) -> np.ndarray:
    """A row a value: a one in the column of its word, in column 0 for a word that the vocabulary does not have."""
    columns = {word: column for column, word in enumerate(vocabulary, start=1)}
    result = np.zeros((len(values), 1 + len(vocabulary)))
    for row, value in enumerate(values):
        result[row, columns.get(value, 0)] = 1.0
    return result


def lookup_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((["car"], ["car", "radio"]))
    yield Case((["radio", "boat"], ["car", "radio"]), name="a word that is not in the vocabulary")
    yield Case((["boat"], []), name="an empty vocabulary")
    yield Case(([], ["car", "radio"]), name="no values")
    yield Case((["b", "a"], ["b", "a"]), name="a vocabulary that is not sorted")
    words = ["car", "radio", "boat", "house", "bike"]
    for size in (3, 5, 7):
        vocabulary = [words[i] for i in rng.permutation(5)[:3]]
        yield Case(([words[int(i)] for i in rng.integers(0, 5, size=size)], vocabulary))


def lookup_unknown_last(values: Sequence[str], vocabulary: Sequence[str]) -> np.ndarray:
    return np.roll(one_hot_lookup(values, vocabulary), -1, axis=1)


def lookup_without_unknown(values: Sequence[str], vocabulary: Sequence[str]) -> np.ndarray:
    return one_hot_lookup(values, vocabulary)[:, 1:]


def lookup_zeros(values: Sequence[str], vocabulary: Sequence[str]) -> np.ndarray:
    result = one_hot_lookup(values, vocabulary)
    result[:, 0] = 0.0
    return result


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Share of the pairs, one of class 1 and one of class 0, in which the one of class 1 scores higher; ties half."""
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    difference = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def auc_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0, 1, 1]), np.array([0.2, 0.6, 0.1])))
    yield Case((np.array([0, 0, 1]), np.array([0.1, 0.2, 0.9])), name="every bad one above every good one")
    yield Case((np.array([1, 0, 1, 0]), np.full(4, 0.3)), name="the same score for all")
    yield Case((np.array([0, 1, 0, 1]), np.array([0.5, 0.5, 0.1, 0.4])), name="a tie")
    for size in (5, 6, 9, 12):
        labels = np.concatenate([[0, 1], rng.integers(0, 2, size=size - 2)])
        yield Case((labels, rng.normal(size=size).round(1)))


def auc_without_ties(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(np.mean(scores[labels == 1][:, None] > scores[labels == 0][None, :]))


def auc_over_all(labels: np.ndarray, scores: np.ndarray) -> float:
    return roc_auc(labels, scores) * float(np.sum(labels == 1) * np.sum(labels == 0)) / len(labels) ** 2


def refusal_threshold(costs: np.ndarray) -> float:
    """The probability of a bad credit above which refusing is the cheaper decision; costs[true class, decision]."""
    (good_granted, good_refused), (bad_granted, bad_refused) = np.asarray(costs, dtype=np.float64)
    lost, saved = good_refused - good_granted, bad_granted - bad_refused
    return float(lost / (lost + saved))


def threshold_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.0, 1.0], [5.0, 0.0]]),))
    yield Case((np.array([[0.0, 1.0], [1.0, 0.0]]),), name="both errors cost the same")
    yield Case((np.array([[0.0, 4.0], [1.0, 0.0]]),), name="refusing a good one is dear")
    yield Case((np.array([[-1.0, 1.0], [5.0, 0.5]]),), name="right decisions have a price too")
    for _ in range(4):
        right, wrong = rng.uniform(-1.0, 1.0, size=2).round(1), rng.integers(2, 9, size=2)
        yield Case((np.array([[right[0], float(wrong[0])], [float(wrong[1]), right[1]]]),))


def setting(space: dict[str, list], index: int) -> dict[str, object]:
    """Combination number `index`; the last hyperparameter changes fastest."""
    result: dict[str, object] = {}
    for name in reversed(list(space)):
        index, place = divmod(index, len(space[name]))
        result[name] = space[name][place]
    return {name: result[name] for name in space}


def setting_cases(rng: np.random.Generator) -> Iterator[Case]:
    small = {"layers": [1, 2], "activation": ["relu", "tanh", "swish"]}
    yield Case((small, 1))
    yield Case((small, 0), name="the first")
    yield Case((small, 5), name="the last")
    yield Case((small, 3), name="the first with two layers")
    yield Case(({"units": [8, 16, 32]}, 2), name="one hyperparameter")
    large = {"layers": [1, 2, 3], "units": [16, 64], "optimizer": ["adam", "sgd"]}
    for index in rng.permutation(12)[:4]:
        yield Case((large, int(index)))


def setting_first_fastest(space: dict[str, list], index: int) -> dict[str, object]:
    backwards = setting(dict(reversed(list(space.items()))), index)
    return {name: backwards[name] for name in space}


def setting_same_place(space: dict[str, list], index: int) -> dict[str, object]:
    return {name: values[index % len(values)] for name, values in space.items()}


EXERCISES = (
    Exercise(
        number="4.6",
        title="One column for each word",
        reference=one_hot_lookup,
        cases=lookup_cases,
        mistakes=(
            Mistake("the unknown words' column comes first, the vocabulary after it", lookup_unknown_last),
            Mistake("there is one column more than words: column 0, for unknown words", lookup_without_unknown),
            Mistake("a word that is not in the vocabulary gets a one too, in column 0", lookup_zeros),
        ),
        hint="start from zeros with 1 + len(vocabulary) columns; word k of the vocabulary has column k + 1",
    ),
    Exercise(
        number="4.7",
        title="Area under the ROC curve",
        reference=roc_auc,
        cases=auc_cases,
        mistakes=(
            Mistake("a tie counts one half", auc_without_ties),
            Mistake("divide by the number of pairs of one bad and one good, not by all pairs", auc_over_all),
            Mistake("the two classes are exchanged: class 1 should score higher", lambda y, s: roc_auc(1 - y, s)),
        ),
        hint="compare every score of class 1 with every score of class 0; which share of the comparisons is right?",
    ),
    Exercise(
        number="4.8",
        title="From costs to a threshold",
        reference=refusal_threshold,
        cases=threshold_cases,
        mistakes=(
            Mistake("one half is the threshold only where both errors cost the same", lambda costs: 0.5),
            Mistake(
                "that is where granting becomes the cheaper one: the two decisions are exchanged",
                lambda costs: 1 - refusal_threshold(costs),
            ),
            Mistake(
                "a right decision may have a cost too: use all four numbers",
                lambda costs: costs[0, 1] / (costs[0, 1] + costs[1, 0]),
            ),
            Mistake(
                "a ratio of costs is odds, p / (1 - p); the question is p",
                lambda costs: (costs[0, 1] - costs[0, 0]) / (costs[1, 0] - costs[1, 1]),
            ),
        ),
        hint="a decision costs (1 - p) times its entry for good plus p times that for bad; where are the two equal?",
    ),
    Exercise(
        number="4.9",
        title="Setting number k",
        reference=setting,
        cases=setting_cases,
        mistakes=(
            Mistake(
                "here the first hyperparameter changes fastest; it is the last one that should", setting_first_fastest
            ),
            Mistake("the same remainder for all misses most combinations: divide before you go on", setting_same_place),
        ),
        hint="from the last hyperparameter to the first: divmod(index, len(values)) gives what is left and the place",
    ),
)
