"""Exercises of lab 02 on the MLP algorithm, equation by equation (2.4 to 2.10).

The references are the functions of `dlcourse.foundations.mlp_steps`; here are the inputs to try and the mistakes that
people make.

Used in: Lab 02

Reference: Lecture 004, "The Multi-layer Perceptron Algorithm", (4.4)-(4.11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake
from dlcourse.foundations.activations import sigmoid
from dlcourse.foundations.mlp_steps import (
    forward,
    hidden_delta,
    numerical_gradient,
    output_delta,
    sigmoid_slope,
    training_step,
    weight_gradients,
    with_bias,
)


def sigmoid_slope_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.5]),), name="the middle, where the slope is largest")
    yield Case((np.array([0.0, 1.0]),), name="saturated")
    yield Case((np.array([0.1, 0.9]),), name="two mirrored values")
    for shape in ((4,), (3, 2), (5, 1)):
        yield Case((rng.uniform(size=shape),))


def network(rng: np.random.Generator, rows: int, inputs: int, hidden: int, outputs: int) -> tuple[np.ndarray, ...]:
    """Inputs, targets and both weight matrices of a random network."""
    return (
        rng.normal(size=(rows, inputs)),
        rng.integers(0, 2, size=(rows, outputs)).astype(float),
        rng.normal(size=(inputs + 1, hidden)),
        rng.normal(size=(hidden + 1, outputs)),
    )


SIZES = ((1, 2, 2, 1), (4, 2, 2, 1), (4, 2, 3, 2), (5, 3, 4, 2), (7, 4, 3, 3), (3, 1, 1, 1))


def forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    for sizes in SIZES:
        X, _, V, W = network(rng, *sizes)
        yield Case((X, V, W))
    yield Case((np.zeros((2, 2)), np.ones((3, 2)), np.ones((3, 1))), name="all inputs zero: only the biases are left")


def output_delta_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.5]]), np.array([[1.0]])), name="undecided, target 1")
    yield Case((np.array([[0.999]]), np.array([[0.0]])), name="surely wrong")
    yield Case((np.array([[0.25, 0.75]]), np.array([[0.25, 0.75]])), name="no error at all")
    for rows, outputs in ((1, 3), (4, 1), (4, 2), (6, 3)):
        yield Case((rng.uniform(size=(rows, outputs)), rng.integers(0, 2, size=(rows, outputs)).astype(float)))


def hidden_delta_cases(rng: np.random.Generator) -> Iterator[Case]:
    for sizes in SIZES:
        X, t, V, W = network(rng, *sizes)
        a, y = forward(X, V, W)
        yield Case((a, W, output_delta(y, t)))


def weight_gradients_cases(rng: np.random.Generator) -> Iterator[Case]:
    for sizes in SIZES:
        X, t, V, W = network(rng, *sizes)
        a, y = forward(X, V, W)
        delta_o = output_delta(y, t)
        yield Case((X, a, delta_o, hidden_delta(a, W, delta_o)))


def training_step_cases(rng: np.random.Generator) -> Iterator[Case]:
    for sizes in SIZES:
        yield Case((*network(rng, *sizes), float(rng.uniform(0.1, 2.0))))


def sum_of_squares(w: np.ndarray) -> float:
    return float(np.sum(w**2))


def sum_of_sines(w: np.ndarray) -> float:
    return float(np.sum(np.sin(3 * w)))


def sum_of_exponentials(w: np.ndarray) -> float:
    return float(np.sum(np.exp(w)))


def product(w: np.ndarray) -> float:
    return float(np.prod(w))


def numerical_gradient_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((sum_of_squares, np.array([1.0, -2.0]), 0.5), name="a bowl, whose gradient is 2 w")
    yield Case((sum_of_sines, np.array([0.3, -0.7]), 0.1), name="a large h, where the kind of difference shows")
    yield Case((sum_of_exponentials, rng.normal(size=3), 0.1))
    yield Case((product, rng.uniform(0.5, 1.5, size=(2, 2)), 0.05), name="a matrix of weights")
    yield Case((sum_of_sines, rng.normal(size=(3, 2)), 0.2))
    yield Case((sum_of_squares, np.zeros(2)), name="the bottom of the bowl")


def _forward_without_bias(X: np.ndarray, V: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = sigmoid(X @ V[1:])
    return a, sigmoid(a @ W[1:])


def _forward_bias_minus_one(X: np.ndarray, V: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = sigmoid(X @ V[1:] - V[0])
    return a, sigmoid(a @ W[1:] - W[0])


def _forward_linear_hidden(X: np.ndarray, V: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = with_bias(X) @ V
    return a, sigmoid(with_bias(a) @ W)


def _forward_linear_output(X: np.ndarray, V: np.ndarray, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a = sigmoid(with_bias(X) @ V)
    return a, with_bias(a) @ W


def _step_with_new_W(
    X: np.ndarray, t: np.ndarray, V: np.ndarray, W: np.ndarray, eta: float
) -> tuple[np.ndarray, np.ndarray]:
    a, y = forward(X, V, W)
    delta_o = output_delta(y, t)
    W = W - eta * with_bias(a).T @ delta_o
    return V - eta * with_bias(X).T @ hidden_delta(a, W, delta_o), W


def _step_along_gradient(
    X: np.ndarray, t: np.ndarray, V: np.ndarray, W: np.ndarray, eta: float
) -> tuple[np.ndarray, np.ndarray]:
    return training_step(X, t, V, W, -eta)


def _step_averaged(
    X: np.ndarray, t: np.ndarray, V: np.ndarray, W: np.ndarray, eta: float
) -> tuple[np.ndarray, np.ndarray]:
    return training_step(X, t, V, W, eta / len(X))


def _forward_difference(function: Callable[[np.ndarray], float], w: np.ndarray, h: float = 1e-5) -> np.ndarray:
    gradient = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = h
        gradient[index] = (function(w + step) - function(w)) / h
    return gradient


def _all_at_once(function: Callable[[np.ndarray], float], w: np.ndarray, h: float = 1e-5) -> np.ndarray:
    return np.full_like(w, (function(w + h) - function(w - h)) / (2 * h))


BACKPROPAGATION = (
    Exercise(
        number="2.4",
        title="The slope of the sigmoid from its value",
        reference=sigmoid_slope,
        cases=sigmoid_slope_cases,
        rtol=1e-9,
        atol=1e-12,
        mistakes=(
            Mistake(
                "a is already the value of the sigmoid; do not apply it again",
                lambda a: sigmoid(a) * (1 - sigmoid(a)),
            ),
            Mistake("1 - a^2 is the slope of tanh", lambda a: 1 - a**2),
            Mistake("the factor a is missing", lambda a: 1 - a),
        ),
        hint="differentiate 1 / (1 + exp(-h)) and write the result with a = g(h) alone",
    ),
    Exercise(
        number="2.5",
        title="The forward phase (4.4)-(4.7)",
        reference=forward,
        cases=forward_cases,
        rtol=1e-7,
        atol=1e-10,
        mistakes=(
            Mistake("row 0 of V and of W is the bias, and it is not used", _forward_without_bias),
            Mistake("the bias enters with the input +1 here, not -1", _forward_bias_minus_one),
            Mistake("the hidden units need the sigmoid, (4.5)", _forward_linear_hidden),
            Mistake("the outputs need the sigmoid, (4.7)", _forward_linear_output),
            Mistake("return (a, y), in this order", lambda X, V, W: forward(X, V, W)[::-1]),
            Mistake("return both a and y", lambda X, V, W: forward(X, V, W)[1]),
        ),
        hint="a = sigmoid(with_bias(X) @ V), and the second layer does the same to a",
    ),
    Exercise(
        number="2.6",
        title="The error at the output (4.8)",
        reference=output_delta,
        cases=output_delta_cases,
        rtol=1e-7,
        atol=1e-12,
        mistakes=(
            Mistake(
                "the sign is reversed: (4.8) has y - t (the slides' code has t - y and adds the update instead)",
                lambda y, t: (t - y) * y * (1 - y),
            ),
            Mistake("the slope of the sigmoid, y (1 - y), is missing", lambda y, t: y - t),
            Mistake("the slope belongs to the output y, not to the target t", lambda y, t: (y - t) * t * (1 - t)),
        ),
        hint="error (y - t) times the slope of the sigmoid at the output",
    ),
    Exercise(
        number="2.7",
        title="The error in the hidden layer (4.9)",
        reference=hidden_delta,
        cases=hidden_delta_cases,
        rtol=1e-7,
        atol=1e-12,
        mistakes=(
            Mistake("the slope of the sigmoid, a (1 - a), is missing", lambda a, W, delta_o: delta_o @ W[1:].T),
            Mistake(
                "leave out row 0 of W, the bias, not its last row",
                lambda a, W, delta_o: a * (1 - a) * (delta_o @ W[:-1].T),
            ),
            Mistake(
                "the sum over the outputs weighs each delta_o with its own w",
                lambda a, W, delta_o: a * (1 - a) * (delta_o.sum(axis=1, keepdims=True) * W[1:].sum(axis=1)),
            ),
            Mistake(
                "leave out row 0 of W: no hidden unit stands behind the bias",
                lambda a, W, delta_o: with_bias(a) * (1 - with_bias(a)) * (delta_o @ W.T),
            ),
        ),
        hint="send delta_o back through W[1:] with a matrix product, then multiply by the slope a (1 - a)",
    ),
    Exercise(
        number="2.8",
        title="The gradients of both layers (4.10)-(4.11)",
        reference=weight_gradients,
        cases=weight_gradients_cases,
        rtol=1e-7,
        atol=1e-12,
        mistakes=(
            Mistake(
                "return the gradient of V first, then that of W",
                lambda X, a, delta_o, delta_h: weight_gradients(X, a, delta_o, delta_h)[::-1],
            ),
            Mistake(
                "the bias row is missing: put the input 1 in front of X and of a",
                lambda X, a, delta_o, delta_h: (X.T @ delta_h, a.T @ delta_o),
            ),
            Mistake(
                "sum over the rows of the batch, do not average them",
                lambda X, a, delta_o, delta_h: tuple(
                    gradient / len(X) for gradient in weight_gradients(X, a, delta_o, delta_h)
                ),
            ),
            Mistake(
                "the gradient needs no minus; the update subtracts it",
                lambda X, a, delta_o, delta_h: tuple(
                    -gradient for gradient in weight_gradients(X, a, delta_o, delta_h)
                ),
            ),
        ),
        hint="a weight's gradient is the activation before it times the delta after it; a matrix product sums the rows",
    ),
    Exercise(
        number="2.9",
        title="The gradient by central differences",
        reference=numerical_gradient,
        cases=numerical_gradient_cases,
        rtol=1e-5,
        atol=1e-8,
        mistakes=(
            Mistake("this is the one-sided difference: step by h both ways and divide by 2 h", _forward_difference),
            Mistake(
                "the two points are 2 h apart: divide by 2 h",
                lambda function, w, h=1e-5: 2 * numerical_gradient(function, w, h),
            ),
            Mistake("move one weight at a time and leave the others where they are", _all_at_once),
        ),
        hint="loop over np.ndindex(w.shape); for each entry take f at w + step and at w - step",
    ),
    Exercise(
        number="2.10",
        title="One step of the MLP algorithm",
        reference=training_step,
        cases=training_step_cases,
        rtol=1e-7,
        atol=1e-12,
        mistakes=(
            Mistake("the step goes uphill: subtract eta times the gradient", _step_along_gradient),
            Mistake("find delta_h with the old W, before W is updated", _step_with_new_W),
            Mistake("sum over the rows of the batch, do not average them", _step_averaged),
        ),
        hint="forward, output_delta, hidden_delta, weight_gradients, then subtract eta times each gradient",
    ),
)
