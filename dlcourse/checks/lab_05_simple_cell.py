"""Exercises 5.1 to 5.4: the simple cell, back-propagation through time and clipping.

Everything is for one sequence, a row of inputs a step: `x` has shape (inputs,), the weights shape (inputs, units) and
(units, units), as in Keras; the slides write the transposed matrices in front of column vectors.

Used in: Lab 05

Reference: Lecture 004, "RNN"; Lecture 001, 5.2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake

Array = np.ndarray
SIZES = ((1, 2), (2, 1), (2, 3), (3, 2), (2, 4))


def rnn_step(x: Array, h: Array, W_xh: Array, W_hh: Array, b: Array) -> Array:
    """The state after input x: h_t = tanh(x W_xh + h W_hh + b)."""
    return np.tanh(x @ W_xh + h @ W_hh + b)


def cell_weights(rng: np.random.Generator, inputs: int, units: int) -> tuple[Array, Array, Array]:
    """W_xh, W_hh and b of a simple cell."""
    return rng.normal(size=(inputs, units)), rng.normal(size=(units, units)), rng.normal(size=units)


def step_cases(rng: np.random.Generator) -> Iterator[Case]:
    one = np.ones((1, 1))
    yield Case((np.array([1.0]), np.array([0.5]), 0.8 * one, 0.4 * one, np.array([0.1])), name="one input, one unit")
    yield Case((np.zeros(2), np.zeros(3), *cell_weights(rng, 2, 3)), name="nothing yet: only the bias speaks")
    yield Case((np.zeros(2), rng.normal(size=2), *cell_weights(rng, 2, 2)), name="input zero")
    yield Case((np.full(2, 40.0), np.ones(2), np.ones((2, 2)), np.eye(2), np.zeros(2)), name="saturated")
    for inputs, units in SIZES:
        yield Case((rng.normal(size=inputs), rng.uniform(-1, 1, size=units), *cell_weights(rng, inputs, units)))


def unroll(X: Array, h_0: Array, W_xh: Array, W_hh: Array, b: Array) -> Array:
    """All states h_1 ... h_T of a sequence, one row each."""
    states, h = np.empty((len(X), len(h_0))), h_0
    for t, x in enumerate(X):
        h = rnn_step(x, h, W_xh, W_hh, b)
        states[t] = h
    return states


def sequence_cases(rng: np.random.Generator) -> Iterator[Case]:
    one = np.ones((1, 1))
    yield Case((np.array([[1.0], [0.0]]), np.zeros(1), one, 0.5 * one, np.zeros(1)), name="a pulse, then silence")
    yield Case((rng.normal(size=(1, 2)), rng.uniform(-1, 1, size=2), *cell_weights(rng, 2, 2)), name="a single step")
    yield Case((np.zeros((3, 1)), np.array([0.9]), one, one, np.zeros(1)), name="no input: the first state fades")
    for length, (inputs, units) in zip((3, 4, 5, 3, 6), SIZES, strict=True):
        h_0 = rng.uniform(-1, 1, size=units)
        yield Case((rng.normal(size=(length, inputs)), h_0, *cell_weights(rng, inputs, units)))


def unroll_mistake(X: Array, h_0: Array, W_xh: Array, W_hh: Array, b: Array, *, which: str) -> Array:
    if which == "first state kept":
        return np.stack([rnn_step(x, h_0, W_xh, W_hh, b) for x in X])
    if which == "zero":
        return unroll(X, np.zeros_like(h_0), W_xh, W_hh, b)
    states = unroll(X, h_0, W_xh, W_hh, b)
    return states[-1] if which == "last" else np.vstack([h_0, states[:-1] if which == "late" else states])


def recurrent_gradient(states: Array, upstream: Array, W_hh: Array) -> Array:
    """dL/dW_hh by back-propagation through time.

    Args:
        states: h_0 ... h_T, shape (T + 1, units).
        upstream: what each state does to the loss directly, row t for h_{t+1}, shape (T, units).
        W_hh: the recurrent matrix, shape (units, units).

    Returns:
        The gradient, shape (units, units).
    """
    gradient, from_later = np.zeros_like(W_hh), np.zeros(len(W_hh))
    for t in range(len(upstream), 0, -1):
        delta = (upstream[t - 1] + from_later) * (1 - states[t] ** 2)
        gradient = gradient + np.outer(states[t - 1], delta)
        from_later = delta @ W_hh.T
    return gradient


def gradient_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.0], [0.5], [0.8]]), np.array([[0.0], [1.0]]), np.array([[2.0]])), name="one unit")
    yield Case((rng.uniform(-1, 1, size=(2, 2)), np.ones((1, 2)), rng.normal(size=(2, 2))), name="a single step")
    for length, units, loss in ((3, 2, "last"), (4, 2, "all"), (3, 3, "all"), (5, 2, "last"), (6, 3, "all")):
        upstream = rng.normal(size=(length, units))
        if loss == "last":
            upstream[:-1] = 0.0
        name = "only the last state meets the loss" if loss == "last" else ""
        states = rng.uniform(-0.9, 0.9, size=(length + 1, units))
        yield Case((states, upstream, rng.normal(size=(units, units))), name=name)


def gradient_mistake(states: Array, upstream: Array, W_hh: Array, *, which: str) -> Array:
    gradient, from_later = np.zeros_like(W_hh), np.zeros(len(W_hh))
    for t in range(len(upstream), 0, -1):
        slope = 1 - states[t - 1 if which == "slope before" else t] ** 2
        if which == "no slope":
            slope = np.ones_like(slope)
        delta = (upstream[t - 1] + (0 if which == "no time" else from_later)) * slope
        gradient = gradient + np.outer(states[t if which == "state after" else t - 1], delta)
        from_later = delta @ (W_hh if which == "not transposed" else W_hh.T)
    return gradient / len(upstream) if which == "mean" else gradient


def clip_by_norm(gradients: list[Array], limit: float) -> list[Array]:
    """All gradients scaled by one factor, so that their joint norm is at most `limit`."""
    norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))
    return [gradient * limit / norm if norm > limit else gradient.copy() for gradient in gradients]


def clip_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(([np.array([3.0]), np.array([4.0])], 1.0))
    yield Case(([np.array([0.3]), np.array([0.4])], 1.0), name="short enough: leave it alone")
    yield Case(([np.zeros(2), np.zeros((1, 2))], 1.0), name="all gradients zero")
    yield Case(([np.array([6.0, -8.0])], 5.0), name="one array")
    for shapes, limit in ((((2, 2), (2,)), 0.5), (((3, 1), (2, 3), (4,)), 2.0), (((2,), (3, 2)), 100.0)):
        yield Case(([3 * rng.normal(size=shape) for shape in shapes], limit))


def clip_mistake(gradients: list[Array], limit: float, *, which: str) -> list[Array]:
    if which == "each array":
        return [clip_by_norm([gradient], limit)[0] for gradient in gradients]
    if which == "each entry":
        return [np.clip(gradient, -limit, limit) for gradient in gradients]
    power = 1.0 if which == "no root" else 0.5
    norm = max(sum(np.sum(gradient**2) for gradient in gradients) ** power, 1e-12)
    return [gradient * (limit / norm if norm > limit or which == "always" else 1.0) for gradient in gradients]


EXERCISES = (
    Exercise(
        number="5.1",
        title="One step of the simple cell",
        reference=rnn_step,
        cases=step_cases,
        mistakes=(
            Mistake("the bias is missing", lambda x, h, W_xh, W_hh, b: np.tanh(x @ W_xh + h @ W_hh)),
            Mistake(
                "the old state is missing: that cell has no memory", lambda x, h, W_xh, W_hh, b: np.tanh(x @ W_xh + b)
            ),
            Mistake("the tanh around the sum is missing", lambda x, h, W_xh, W_hh, b: x @ W_xh + h @ W_hh + b),
            Mistake(
                "the state is a row here: write h @ W_hh, not W_hh @ h",
                lambda x, h, W_xh, W_hh, b: np.tanh(x @ W_xh + W_hh @ h + b),
            ),
            Mistake(
                "one tanh around the whole sum, not one for each part",
                lambda x, h, W_xh, W_hh, b: np.tanh(x @ W_xh) + np.tanh(h @ W_hh) + b,
            ),
        ),
        hint="add three things, x @ W_xh, h @ W_hh and b, and take the tanh of the sum",
    ),
    Exercise(
        number="5.2",
        title="The cell unrolled",
        reference=unroll,
        cases=sequence_cases,
        mistakes=(
            Mistake(
                "every step starts from h_0: hand the new state on to the next step",
                lambda *inputs: unroll_mistake(*inputs, which="first state kept"),
            ),
            Mistake(
                "the sequence starts from h_0, not from zero", lambda *inputs: unroll_mistake(*inputs, which="zero")
            ),
            Mistake(
                "keep all states, one row each, not only the last",
                lambda *inputs: unroll_mistake(*inputs, which="last"),
            ),
            Mistake(
                "these are the states before each input; keep the one after it",
                lambda *inputs: unroll_mistake(*inputs, which="late"),
            ),
            Mistake(
                "h_0 does not belong to the result: T inputs, T rows",
                lambda *inputs: unroll_mistake(*inputs, which="h_0"),
            ),
        ),
        hint="a loop over the rows of X: make the new state from x and the old one, put it on the list, go on with it",
    ),
    Exercise(
        number="5.3",
        title="Back-propagation through time",
        reference=recurrent_gradient,
        cases=gradient_cases,
        mistakes=(
            Mistake(
                "each step sees its own loss only: add what comes back from the step after it",
                lambda *inputs: gradient_mistake(*inputs, which="no time"),
            ),
            Mistake(
                "the matrix is shared by all steps, so its gradient is the sum over the steps, not their mean",
                lambda *inputs: gradient_mistake(*inputs, which="mean"),
            ),
            Mistake(
                "going back a step, the gradient passes W_hh the other way round: transpose it",
                lambda *inputs: gradient_mistake(*inputs, which="not transposed"),
            ),
            Mistake(
                "W_hh multiplied the state before the step: states[t - 1], not states[t]",
                lambda *inputs: gradient_mistake(*inputs, which="state after"),
            ),
            Mistake(
                "the slope of the tanh in step t is 1 - states[t]**2, with the state after the step",
                lambda *inputs: gradient_mistake(*inputs, which="slope before"),
            ),
            Mistake(
                "the slope of the tanh, 1 - states[t]**2, is missing",
                lambda *inputs: gradient_mistake(*inputs, which="no slope"),
            ),
        ),
        hint="from t = T to 1: delta = (direct + from later) * slope; add outer(state before, delta); hand delta back",
    ),
    Exercise(
        number="5.4",
        title="Clipping by the norm",
        reference=clip_by_norm,
        cases=clip_cases,
        mistakes=(
            Mistake(
                "this clips each array on its own and so turns the step; use one norm for all of them",
                lambda *inputs: clip_mistake(*inputs, which="each array"),
            ),
            Mistake(
                "this cuts entries off and so turns the step; scale all of them by one factor",
                lambda *inputs: clip_mistake(*inputs, which="each entry"),
            ),
            Mistake(
                "gradients that are short enough stay as they are",
                lambda *inputs: clip_mistake(*inputs, which="always"),
            ),
            Mistake(
                "the norm is the square root of the sum of squares",
                lambda *inputs: clip_mistake(*inputs, which="no root"),
            ),
        ),
        hint="one norm over all entries of all arrays; if it exceeds the limit, multiply every array by limit / norm",
    ),
)
