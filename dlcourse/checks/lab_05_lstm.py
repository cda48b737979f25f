"""Exercise 5.5: the LSTM cell.

Used in: Lab 05

Reference: Lecture 001, 5.2.1; Lecture 004, "LONG SHORT-TERM MEMORY" to "LSTM OUTPUT".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake

Array = np.ndarray
SIZES = ((1, 2), (2, 1), (2, 3), (3, 2), (2, 4))


def sigmoid(z: Array) -> Array:
    return (1 + np.tanh(z / 2)) / 2


Gates = dict[str, Array]


def lstm_step(x: Array, h: Array, C: Array, W: Gates, b: Gates) -> tuple[Array, Array]:
    """One step of the LSTM: the new h_t and C_t.

    Args:
        x: the input x_t, shape (inputs,).
        h: the output before, h_{t-1}, shape (units,).
        C: the memory before, C_{t-1}, shape (units,).
        W: the four weight matrices under "f", "i", "C" and "o", each of shape (units + inputs, units).
        b: the four biases under the same names, each of shape (units,).
    """
    both = np.concatenate([h, x])
    f, i, o = (sigmoid(both @ W[gate] + b[gate]) for gate in "fio")
    C = f * C + i * np.tanh(both @ W["C"] + b["C"])
    return o * np.tanh(C), C


def gate_weights(rng: np.random.Generator, inputs: int, units: int) -> tuple[Gates, Gates]:
    shapes = (units + inputs, units), (units,)
    return tuple({gate: rng.normal(size=shape) for gate in "fiCo"} for shape in shapes)


def lstm_cases(rng: np.random.Generator) -> Iterator[Case]:
    W, b = gate_weights(rng, 1, 1)
    yield Case((np.array([1.0]), np.array([0.5]), np.array([2.0]), W, b), name="one input, one unit")
    W, _ = gate_weights(rng, 2, 2)
    keep = {"f": np.full(2, 30.0), "i": np.full(2, -30.0), "C": np.zeros(2), "o": np.zeros(2)}
    yield Case(
        (rng.normal(size=2), rng.normal(size=2), np.array([1.5, -2.0]), W, keep), name="remember, let nothing in"
    )
    reset = {"f": np.full(2, -30.0), "i": np.full(2, 30.0), "C": np.zeros(2), "o": np.full(2, 30.0)}
    yield Case((rng.normal(size=2), rng.normal(size=2), np.array([1.5, -2.0]), W, reset), name="forget, start afresh")
    yield Case((np.zeros(2), np.zeros(3), np.zeros(3), *gate_weights(rng, 2, 3)), name="the first step of all zeros")
    for inputs, units in SIZES:
        x, h, C = rng.normal(size=inputs), rng.uniform(-1, 1, size=units), rng.normal(size=units)
        yield Case((x, h, C, *gate_weights(rng, inputs, units)))


def lstm_mistake(x: Array, h: Array, C: Array, W: Gates, b: Gates, *, which: str) -> tuple[Array, Array]:
    both = np.concatenate([x, h] if which == "order" else [h, x])
    f, i, o, candidate = (both @ W[gate] + b[gate] for gate in "fioC")
    f, i, o, candidate = sigmoid(f), sigmoid(i), sigmoid(o), (sigmoid if which == "sigmoid" else np.tanh)(candidate)
    if which == "swapped":
        f, i = i, f
    new = (f * C + i * candidate) if which != "one gate" else (f * C + (1 - f) * candidate)
    if which == "old memory":
        return o * np.tanh(C), new
    return o * new if which == "no tanh" else o * np.tanh(new), new


EXERCISES = (
    Exercise(
        number="5.5",
        title="One step of the LSTM",
        reference=lstm_step,
        cases=lstm_cases,
        mistakes=(
            Mistake(
                "f and i have changed places: f multiplies the old memory, i the candidate",
                lambda *inputs: lstm_mistake(*inputs, which="swapped"),
            ),
            Mistake(
                "the order in the bracket is [h, x]: the state first",
                lambda *inputs: lstm_mistake(*inputs, which="order"),
            ),
            Mistake(
                "the candidate comes from a tanh; it may be negative",
                lambda *inputs: lstm_mistake(*inputs, which="sigmoid"),
            ),
            Mistake(
                "h looks at the new memory, not at the old one",
                lambda *inputs: lstm_mistake(*inputs, which="old memory"),
            ),
            Mistake("h = o * tanh(C): the tanh is missing", lambda *inputs: lstm_mistake(*inputs, which="no tanh")),
            Mistake(
                "the input gate has weights of its own; it is not 1 - f",
                lambda *inputs: lstm_mistake(*inputs, which="one gate"),
            ),
        ),
        hint="join h and x; three sigmoids f, i, o and one tanh from it; then the new C, then h from the new C",
    ),
)
