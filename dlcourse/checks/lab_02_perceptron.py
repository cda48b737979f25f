"""Exercises of lab 02 on one unit: the neuron, and the perceptron that learns (2.1 to 2.3).

The references are the functions of `dlcourse.foundations.mlp_steps`; here are the inputs to try and the mistakes that
people make.

Used in: Lab 02

Reference: Lecture 004, "Perceptron - an example" and "Building an MLP from scratch", (3.4)-(3.6).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake
from dlcourse.foundations.activations import sigmoid
from dlcourse.foundations.mlp_steps import (
    neuron,
    perceptron_predict,
    perceptron_update,
    with_bias,
)


def neuron_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([-1.0, 2.0]), 1.0, np.array([3.0, -2.0])), name="the slides' example")
    yield Case((np.array([0.5, -0.5]), 0.7, np.zeros(2)), name="all weights zero, so that the bias alone speaks")
    yield Case((np.array([1.0]), 0.0, np.array([2.0])), name="one input, no bias")
    for inputs in (2, 3, 5, 8):
        yield Case((rng.normal(size=inputs), float(rng.normal()), rng.normal(size=inputs)))


def perceptron_predict_cases(rng: np.random.Generator) -> Iterator[Case]:
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    yield Case((corners, np.array([-0.5, 1.0, 1.0])), name="weights that compute OR")
    yield Case((corners, np.array([-1.5, 1.0, 1.0])), name="weights that compute AND")
    yield Case((corners, np.zeros(3)), name="all weights zero, so that every sum is exactly 0")
    yield Case((corners, np.array([-1.0, 1.0, 1.0])), name="two points exactly on the line")
    for inputs, rows in ((1, 6), (2, 9), (4, 12)):
        yield Case((rng.normal(size=(rows, inputs)), rng.normal(size=inputs + 1)))


def perceptron_update_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.5, 1.0, 1.0]), np.array([0.0, 0.0]), 0, 0.25), name="fires although the target is 0")
    yield Case((np.array([-0.5, 0.2, 0.1]), np.array([1.0, 1.0]), 1, 0.25), name="is silent although the target is 1")
    yield Case((np.array([-0.5, 1.0, 1.0]), np.array([1.0, 0.0]), 1, 0.25), name="already right: nothing may change")
    yield Case((np.zeros(3), np.array([1.0, 2.0]), 1, 0.1), name="all weights zero")
    for t, inputs in ((0, 2), (1, 2), (0, 3), (1, 4), (0, 5), (1, 6)):
        yield Case((rng.normal(size=inputs + 1), rng.normal(size=inputs), t, float(rng.uniform(0.05, 1.0))))


def _update_by(weights: np.ndarray, x: np.ndarray, change: float) -> np.ndarray:
    return weights + change * np.concatenate([[1.0], x])


def _fires(weights: np.ndarray, x: np.ndarray) -> int:
    return int(perceptron_predict(x[np.newaxis], weights)[0])


PERCEPTRON = (
    Exercise(
        number="2.1",
        title="The output of a neuron",
        reference=neuron,
        cases=neuron_cases,
        rtol=1e-6,
        atol=1e-9,
        mistakes=(
            Mistake("the bias w0 is missing from the sum", lambda x, w0, w: sigmoid(x @ w)),
            Mistake("this is the weighted sum z; send it through the sigmoid", lambda x, w0, w: w0 + x @ w),
            Mistake(
                "add the bias, do not subtract it (in this lab its input is +1)",
                lambda x, w0, w: sigmoid(x @ w - w0),
            ),
            Mistake("add the bias before the sigmoid, not after it", lambda x, w0, w: sigmoid(x @ w) + w0),
        ),
        hint="first the sum z = w0 + x_1 w_1 + x_2 w_2 + ..., then sigmoid(z)",
    ),
    Exercise(
        number="2.2",
        title="What the perceptron answers (3.4)",
        reference=perceptron_predict,
        cases=perceptron_predict_cases,
        rtol=0.0,
        atol=0.0,
        mistakes=(
            Mistake(
                "a sum of exactly 0 must give 0: compare with >, not with >=",
                lambda X, weights: (with_bias(X) @ weights >= 0).astype(int),
            ),
            Mistake("the bias weights[0] is not used", lambda X, weights: (X @ weights[1:] > 0).astype(int)),
            Mistake(
                "the bias enters with the input +1 here, not -1",
                lambda X, weights: (X @ weights[1:] - weights[0] > 0).astype(int),
            ),
            Mistake(
                "the bias is weights[0]: put the column of ones in front, not at the end",
                lambda X, weights: (np.column_stack([X, np.ones(len(X))]) @ weights > 0).astype(int),
            ),
            Mistake("these are the weighted sums; threshold them", lambda X, weights: with_bias(X) @ weights),
        ),
        hint="put a column of ones in front of X, multiply by the weights, compare the sums with 0",
    ),
    Exercise(
        number="2.3",
        title="How the perceptron learns (3.5)",
        reference=perceptron_update,
        cases=perceptron_update_cases,
        rtol=1e-9,
        atol=1e-12,
        mistakes=(
            Mistake(
                "the weights move the wrong way: it is minus eta (y - t) x",
                lambda weights, x, t, eta: _update_by(weights, x, eta * (_fires(weights, x) - t)),
            ),
            Mistake(
                "the bias does not learn: its input is x_0 = 1",
                lambda weights, x, t, eta: weights - eta * (_fires(weights, x) - t) * np.concatenate([[0.0], x]),
            ),
            Mistake(
                "the learning rate eta is missing",
                lambda weights, x, t, eta: _update_by(weights, x, t - _fires(weights, x)),
            ),
            Mistake(
                "the threshold is missing: y is 0 or 1, not the weighted sum",
                lambda weights, x, t, eta: _update_by(weights, x, -eta * (weights[0] + x @ weights[1:] - t)),
            ),
        ),
        hint="find y with perceptron_predict, then subtract eta * (y - t) times the input with x_0 = 1 in front",
    ),
)
