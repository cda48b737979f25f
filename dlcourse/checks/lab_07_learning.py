"""The exercises of Lab 07 on the parts of Q-learning: target, exploration, replay, loss.

Used in: Lab 07

Reference: Lecture 004, "EXAMPLE: RL & DNN"; lecture 001, sections 6.1 and 6.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def q_target(rewards: np.ndarray, terminated: np.ndarray, next_values: np.ndarray, discount: float) -> np.ndarray:
    r"""What Q(s, a) should have been: $y = r + \gamma (1 - d) \max_{a'} Q(s', a')$.

    Args:
        rewards: r, shape (B,).
        terminated: d, 1.0 where the task ended in this step and 0.0 elsewhere, shape (B,).
        next_values: Q(s', .), shape (B, A).
        discount: gamma, 0 to 1.

    Returns:
        y, shape (B,).

    Example:
        >>> q_target(np.array([1.0, 1.0]), np.array([0.0, 1.0]), np.array([[2.0, 10.0], [2.0, 10.0]]), 0.9).tolist()
        [10.0, 1.0]

    Used in: Lab 07

    Reference: Mnih et al. (2015), algorithm 1; lecture 001, section 6.1.1.
    """
    return rewards + discount * (1 - terminated) * next_values.max(axis=1)


def epsilon_at(step: int, first: float, last: float, steps: int) -> float:
    r"""Probability of a random action: a straight line from first to last, level afterwards.

    $$\varepsilon_t = \varepsilon_0 + (\varepsilon_1 - \varepsilon_0) \min(t / T, 1)$$

    Args:
        step: t, at least 0.
        first: $\varepsilon_0$.
        last: $\varepsilon_1$.
        steps: T, at least 1.

    Returns:
        A probability.

    Example:
        >>> [round(epsilon_at(step, 1.0, 0.1, 1000), 3) for step in (0, 500, 5000)]
        [1.0, 0.55, 0.1]

    Used in: Lab 07

    Reference: Mnih et al. (2015), "Methods: Training details".
    """
    return first + (last - first) * min(step / steps, 1.0)


def replay_sample(
    memory: tuple[np.ndarray, ...], filled: int, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """A random batch of remembered transitions.

    Args:
        memory: arrays with one row a transition, such as states, actions and rewards; all have the same length.
        filled: how many rows, from the first one on, hold transitions already.
        count: size of the batch; a transition may come twice.
        rng: draws the rows, with `rng.integers(filled, size=count)`.

    Returns:
        The same rows of every array, as a tuple.

    Example:
        >>> memory = (np.array([10, 11, 0, 0]), np.array([1.0, 2.0, 0.0, 0.0]))
        >>> states, rewards = replay_sample(memory, 2, 3, np.random.default_rng(0))
        >>> states.tolist(), rewards.tolist()
        ([11, 11, 11], [2.0, 2.0, 2.0])

    Used in: Lab 07

    Reference: Lin (1992); Mnih et al. (2015); lecture 001, section 6.1.1, "Experience replay".
    """
    rows = rng.integers(filled, size=count)
    return tuple(array[rows] for array in memory)


def huber(errors: Any) -> Any:
    r"""The Huber loss of each error: $e^2 / 2$ where $|e| \le 1$, and $|e| - 1/2$ beyond.

    Args:
        errors: e, any shape.

    Returns:
        The losses, the same shape.

    Example:
        >>> huber(np.array([0.5, -3.0])).tolist()
        [0.125, 2.5]

    Used in: Lab 07

    Reference: Huber (1964), "Robust estimation of a location parameter".
    """
    size = abs(errors)
    # The smaller of |e| and 1, in plain arithmetic, so that a tensor may come too.
    near = (size + 1 - abs(size - 1)) / 2
    return near**2 / 2 + size - near


def target_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 1.0]), np.array([0.0, 1.0]), np.array([[2.0, 10.0], [2.0, 10.0]]), 0.9))
    yield Case((np.array([0.0]), np.array([0.0]), np.array([[-3.0, -5.0, -4.0]]), 0.5), name="all values below 0")
    yield Case((np.array([1.0, -1.0]), np.array([1.0, 1.0]), np.array([[4.0, 5.0], [6.0, 1.0]]), 0.9), name="all ended")
    yield Case((np.array([1.0, 0.0]), np.array([0.0, 0.0]), np.array([[4.0, 5.0], [6.0, 1.0]]), 0.0), name="discount 0")
    for count, actions in ((3, 2), (3, 3), (4, 3), (6, 4)):
        ended = (rng.random(count) < 0.5).astype(float)
        values = 3 * rng.normal(size=(count, actions))
        yield Case((rng.normal(size=count), ended, values, float(rng.uniform(0.6, 0.99))))


def epsilon_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((0, 1.0, 0.1, 1000), name="the beginning")
    yield Case((250, 1.0, 0.1, 1000))
    yield Case((1000, 1.0, 0.1, 1000), name="the end of the way")
    yield Case((5000, 1.0, 0.1, 1000), name="long afterwards")
    yield Case((30, 0.5, 0.0, 60), name="down to 0")
    for _ in range(4):
        steps = int(rng.integers(10, 500))
        first, last = float(rng.uniform(0.5, 1)), float(rng.uniform(0, 0.4))
        yield Case((int(rng.integers(0, 2 * steps)), first, last, steps))


def memory_of(rng: np.random.Generator, capacity: int) -> tuple[np.ndarray, ...]:
    """States, actions, rewards and next states that are all different, so that a mixed-up row shows."""
    states = rng.permutation(capacity).astype(float)
    return states, rng.permutation(capacity), rng.normal(size=capacity), rng.normal(size=(capacity, 2))


def sample_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(((np.array([10, 11, 12]), np.array([0.1, 0.2, 0.3])), 3, 2, np.random.default_rng(1)))
    yield Case((memory_of(rng, 6), 2, 5, np.random.default_rng(2)), name="hardly filled")
    yield Case((memory_of(rng, 4), 1, 3, np.random.default_rng(3)), name="one transition so far")
    yield Case((memory_of(rng, 5), 5, 1, np.random.default_rng(4)), name="a batch of one")
    for seed, capacity in enumerate((6, 8, 10)):
        yield Case((memory_of(rng, capacity), capacity - 2, 4, np.random.default_rng(10 + seed)))


def huber_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.5, -3.0]),))
    yield Case((np.array([0.0, -0.25, 0.75]),), name="small errors")
    yield Case((np.array([40.0, -2.0]),), name="large errors")
    yield Case((np.array([1.0, -1.0]),), name="errors of size 1")
    for size in (3, 4, 5):
        yield Case((2 * rng.normal(size=size),))
    yield Case((2 * rng.normal(size=(2, 3)),), name="a table")


EXERCISES = (
    Exercise(
        number="7.1",
        title="The target of Q-learning",
        reference=q_target,
        cases=target_cases,
        mistakes=(
            Mistake(
                "where the task ended nothing follows: the next value must not count there",
                lambda rewards, terminated, next_values, discount: rewards + discount * next_values.max(axis=1),
            ),
            Mistake(
                "the wrong way round: the next value counts where the task did not end",
                lambda rewards, terminated, next_values, discount: (
                    rewards + discount * terminated * next_values.max(axis=1)
                ),
            ),
            Mistake(
                "take the largest of each row, one for each transition, not the largest of the whole table",
                lambda rewards, terminated, next_values, discount: (
                    rewards + discount * (1 - terminated) * next_values.max()
                ),
            ),
            Mistake(
                "that is the number of the best action; the target needs its value",
                lambda rewards, terminated, next_values, discount: (
                    rewards + discount * (1 - terminated) * next_values.argmax(axis=1)
                ),
            ),
            Mistake(
                "that is the mean over the actions: the best one will be taken, so the largest value counts",
                lambda rewards, terminated, next_values, discount: (
                    rewards + discount * (1 - terminated) * next_values.mean(axis=1)
                ),
            ),
            Mistake(
                "the discount is missing: what follows is one step away",
                lambda rewards, terminated, next_values, discount: rewards + (1 - terminated) * next_values.max(axis=1),
            ),
            Mistake(
                "the reward was received all the same when the task ended: only the next value falls away",
                lambda rewards, terminated, next_values, discount: (
                    (1 - terminated) * (rewards + discount * next_values.max(axis=1))
                ),
            ),
        ),
        hint="the reward, plus the discounted largest next value of its row wherever the task went on",
    ),
    Exercise(
        number="7.2",
        title="Exploration that fades",
        reference=epsilon_at,
        cases=epsilon_cases,
        mistakes=(
            Mistake(
                "the line goes on after the last step, below the end and at last below 0: let it stay level there",
                lambda step, first, last, steps: first + (last - first) * step / steps,
            ),
            Mistake(
                "it begins at the last value and rises: begin at the first",
                lambda step, first, last, steps: last + (first - last) * min(step / steps, 1.0),
            ),
            Mistake(
                "that falls as a power; in equal steps it is a straight line",
                lambda step, first, last, steps: first * (last / first) ** min(step / steps, 1.0),
            ),
            Mistake(
                "a straight line to 0, stopped at the last value, arrives there too early",
                lambda step, first, last, steps: max(last, first * (1 - step / steps)),
            ),
        ),
        hint="how far has the step come, as a share between 0 and 1? Go that share of the way from first to last",
    ),
    Exercise(
        number="7.3",
        title="A draw from the memory",
        reference=replay_sample,
        cases=sample_cases,
        mistakes=(
            Mistake(
                "these are the newest transitions, which resemble each other: draw from all of them",
                lambda memory, filled, count, rng: tuple(array[max(0, filled - count) : filled] for array in memory),
            ),
            Mistake(
                "rows that are not filled yet are drawn too: stop at filled",
                lambda memory, filled, count, rng: tuple(
                    array[rows] for rows in [rng.integers(len(memory[0]), size=count)] for array in memory
                ),
            ),
            Mistake(
                "each array gets rows of its own, so that rewards meet the wrong states: draw the rows once",
                lambda memory, filled, count, rng: tuple(array[rng.integers(filled, size=count)] for array in memory),
            ),
            Mistake(
                "those are the row numbers: return the rows themselves",
                lambda memory, filled, count, rng: rng.integers(filled, size=count),
            ),
        ),
        hint="draw the row numbers once, then pick those rows from every array",
    ),
    Exercise(
        number="7.4",
        title="A loss that keeps its temper",
        reference=huber,
        cases=huber_cases,
        mistakes=(
            Mistake(
                "that is the squared loss everywhere: beyond 1 the loss should grow as a straight line",
                lambda errors: errors**2 / 2,
            ),
            Mistake(
                "the two pieces must meet at size 1, where the squared loss is 1/2: the line is |e| - 1/2",
                lambda errors: np.where(np.abs(errors) <= 1, errors**2 / 2, np.abs(errors)),
            ),
            Mistake(
                "the two pieces must meet at size 1, where the squared loss is 1/2: the line is |e| - 1/2",
                lambda errors: np.where(np.abs(errors) < 1, errors**2 / 2, np.abs(errors)),
            ),
            Mistake(
                "the squared piece lacks its 1/2, so that the slope jumps at size 1",
                lambda errors: np.where(np.abs(errors) <= 1, errors**2, np.abs(errors) - 0.5),
            ),
            Mistake("that is the absolute loss: near 0 the loss is e^2 / 2", lambda errors: np.abs(errors)),
            Mistake(
                "negative errors count like positive ones: take the size before you compare with 1",
                lambda errors: np.where(errors <= 1, errors**2 / 2, errors - 0.5),
            ),
        ),
        hint="look at the size |e| first: up to 1 it is e^2 / 2, beyond that |e| - 1/2",
    ),
)
