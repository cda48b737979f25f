"""Exercises 5.6 to 5.8: perplexity, sampling with a temperature, and padded sequences.

Used in: Lab 05

Reference: Lecture 004, "RECURRENT NEURAL NETS" (predict the next word; variable-length sequences).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake

Array = np.ndarray


def perplexity(probabilities: Array, targets: Array) -> float:
    """exp of the mean surprise, -log p, over the characters that came."""
    return float(np.exp(-np.mean(np.log(probabilities[np.arange(len(targets)), targets]))))


def perplexity_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 0])))
    yield Case((np.full((3, 4), 0.25), np.array([0, 3, 1])), name="no idea: four equal chances")
    yield Case((np.eye(3), np.arange(3)), name="sure, and right")
    yield Case((np.array([[0.999, 0.001]]), np.array([1])), name="sure, and wrong")
    for length, symbols in ((4, 3), (5, 2), (6, 5), (8, 3)):
        yield Case((rng.dirichlet(np.ones(symbols), size=length), rng.integers(symbols, size=length)))


def perplexity_mistake(probabilities: Array, targets: Array, *, which: str) -> float:
    p = probabilities[np.arange(len(targets)), targets]
    if which == "bits":
        return float(2 ** -np.mean(np.log(p)))
    if which == "mean of 1/p":
        return float(np.mean(1 / p))
    if which == "1/mean":
        return float(1 / np.mean(p))
    if which == "product":
        return float(np.exp(-np.sum(np.log(p))))
    if which == "entropy":
        return float(np.exp(-np.mean(np.sum(probabilities * np.log(np.maximum(probabilities, 1e-300)), axis=1))))
    return float(-np.mean(np.log(p)))


def with_temperature(logits: Array, temperature: float) -> Array:
    """softmax(logits / temperature)."""
    z = logits / temperature
    weights = np.exp(z - z.max())
    return weights / weights.sum()


def temperature_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.0, 1.0]), 2.0))
    yield Case((np.array([2.0, -1.0, 0.5]), 1.0), name="temperature 1: plain softmax")
    yield Case((np.array([0.0, 0.0, 0.0, 0.0]), 0.1), name="equal logits stay equal")
    yield Case((np.array([3.0, 1.0]), 0.05), name="cold: nearly always the likeliest")
    yield Case((np.array([-4.0, 2.0, 4.0]), 100.0), name="hot: nearly equal")
    yield Case((np.array([900.0, 899.0]), 0.5), name="large logits")
    for symbols in (2, 3, 5):
        yield Case((rng.normal(scale=2, size=symbols), rng.uniform(0.3, 3.0)))


def temperature_mistake(logits: Array, temperature: float, *, which: str) -> Array:
    if which == "times":
        return with_temperature(logits * temperature, 1.0)
    if which == "after":
        return with_temperature(logits, 1.0) / temperature
    if which == "ignored":
        return with_temperature(logits, 1.0)
    if which == "power":
        weights = with_temperature(logits, 1.0) ** (1 / temperature)
        return weights
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.exp(logits / temperature)
        return weights / weights.sum()


def last_state(states: Array, mask: Array) -> Array:
    """For each sequence the state of its last step that counts; zeros where none does."""
    last = mask.shape[1] - 1 - np.argmax(mask[:, ::-1], axis=1)
    return states[np.arange(len(states)), last] * mask.any(axis=1)[:, None]


def state_cases(rng: np.random.Generator) -> Iterator[Case]:
    states = np.array([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]])
    yield Case((states, np.array([[True, True, False], [True, True, True]])))
    yield Case((states, np.array([[False, True, True], [False, False, True]])), name="padding in front")
    yield Case((states, np.array([[True, False, True], [True, False, False]])), name="a gap in the middle")
    yield Case((states, np.array([[True, True, True], [False, False, False]])), name="an empty sequence")
    yield Case((states[:1, :1], np.array([[True]])), name="one step")
    for sequences, length, units in ((3, 4, 2), (2, 5, 3), (4, 3, 1)):
        lengths = rng.integers(1, length + 1, size=sequences)
        yield Case((rng.normal(size=(sequences, length, units)), np.arange(length) < lengths[:, None]))


def state_mistake(states: Array, mask: Array, *, which: str) -> Array:
    rows = np.arange(len(states))
    if which == "end":
        return states[:, -1]
    if which == "count":
        return states[rows, np.maximum(mask.sum(axis=1) - 1, 0)] * mask.any(axis=1)[:, None]
    if which == "empty":
        return states[rows, mask.shape[1] - 1 - np.argmax(mask[:, ::-1], axis=1)]
    if which == "first":
        return states[rows, np.argmax(mask, axis=1)] * mask.any(axis=1)[:, None]
    if which == "zeroed":
        return states[:, -1] * mask[:, -1:]
    return (states * mask[:, :, None]).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)[:, None]


EXERCISES = (
    Exercise(
        number="5.6",
        title="Perplexity",
        reference=perplexity,
        cases=perplexity_cases,
        mistakes=(
            Mistake(
                "that is the mean surprise itself; perplexity is e to that power",
                lambda *inputs: perplexity_mistake(*inputs, which="surprise"),
            ),
            Mistake(
                "base and logarithm do not match: with the natural logarithm take np.exp",
                lambda *inputs: perplexity_mistake(*inputs, which="bits"),
            ),
            Mistake(
                "average the logarithms, then take the exponential; the mean of 1/p is something else",
                lambda *inputs: perplexity_mistake(*inputs, which="mean of 1/p"),
            ),
            Mistake(
                "take the logarithm of each probability before you average",
                lambda *inputs: perplexity_mistake(*inputs, which="1/mean"),
            ),
            Mistake(
                "that grows with the length of the text: average the surprise, do not add it up",
                lambda *inputs: perplexity_mistake(*inputs, which="product"),
            ),
            Mistake(
                "that is what the network expects; use the probability of the character that really came",
                lambda *inputs: perplexity_mistake(*inputs, which="entropy"),
            ),
        ),
        hint="pick the probability of each target, average minus its logarithm, take the exponential",
    ),
    Exercise(
        number="5.7",
        title="Sampling with a temperature",
        reference=with_temperature,
        cases=temperature_cases,
        mistakes=(
            Mistake(
                "divide by the temperature: a high one makes the chances more equal",
                lambda *inputs: temperature_mistake(*inputs, which="times"),
            ),
            Mistake(
                "divide the logits, before the softmax; these probabilities no longer add up to 1",
                lambda *inputs: temperature_mistake(*inputs, which="after"),
            ),
            Mistake("the temperature has no effect yet", lambda *inputs: temperature_mistake(*inputs, which="ignored")),
            Mistake(
                "these weights do not add up to 1: divide by their sum",
                lambda *inputs: temperature_mistake(*inputs, which="power"),
            ),
            Mistake(
                "e to the power of a large number overflows: first subtract the largest logit, which changes nothing",
                lambda *inputs: temperature_mistake(*inputs, which="overflow"),
            ),
        ),
        hint="divide the logits by the temperature, then take the softmax",
    ),
    Exercise(
        number="5.8",
        title="The last state that counts",
        reference=last_state,
        cases=state_cases,
        mistakes=(
            Mistake(
                "a sequence without any step that counts has seen nothing: its state is zero",
                lambda *inputs: state_mistake(*inputs, which="empty"),
            ),
            Mistake(
                "the last column may be padding: look at the mask", lambda *inputs: state_mistake(*inputs, which="end")
            ),
            Mistake(
                "how many steps count is not where the last one stands: padding may come first, or in between",
                lambda *inputs: state_mistake(*inputs, which="count"),
            ),
            Mistake("that is the first step that counts", lambda *inputs: state_mistake(*inputs, which="first")),
            Mistake(
                "padding does not set the state to zero, it leaves it as it was",
                lambda *inputs: state_mistake(*inputs, which="zeroed"),
            ),
            Mistake("that is the mean of all states that count", lambda *inputs: state_mistake(*inputs, which="mean")),
        ),
        hint="for each row find the largest t with mask[row, t] true; take states[row, t]; zeros if there is none",
    ),
)
