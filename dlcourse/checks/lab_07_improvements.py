"""The exercises of Lab 07 on what makes DQN play: n steps, stacked frames, dueling heads, double targets.

Used in: Lab 07

Reference: Lecture 001, section 6.2.1; Mnih et al. (2015); Hessel et al. (2018), "Rainbow".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def n_step_target(rewards: np.ndarray, terminated: np.ndarray, last_value: float, discount: float) -> float:
    r"""The discounted rewards of n steps and what is expected behind them.

    $$y = \sum_{k=0}^{m-1} \gamma^k r_k + \gamma^m (1 - d_{m-1})\, V(s_m)$$

    m is n, or the number of steps up to and including the one that terminated.

    Args:
        rewards: r_0 to r_{n-1}, shape (n,).
        terminated: d_0 to d_{n-1}, 1.0 where the task ended in that step and 0.0 elsewhere, shape (n,). What stands
            behind the end belongs to the next game.
        last_value: V(s_n), for example the largest Q value there.
        discount: gamma, 0 to 1.

    Returns:
        y.

    Example:
        >>> n_step_target(np.array([1.0, 2.0, 4.0]), np.zeros(3), last_value=8.0, discount=0.5)
        4.0
        >>> n_step_target(np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 0.0]), last_value=8.0, discount=0.5)
        2.0

    Used in: Lab 07

    Reference: Sutton and Barto (2018), section 7.1.
    """
    target, weight = 0.0, 1.0
    for reward, ended in zip(rewards, terminated, strict=True):
        target += weight * float(reward)
        weight *= discount * (1 - float(ended))
    return target + weight * last_value


def frame_stack(frames: np.ndarray, first: int, now: int) -> np.ndarray:
    """The last four frames of this game, the newest last; what would lie before its first frame is black.

    Args:
        frames: of several games one after the other, shape (T, height, width).
        first: number of the first frame of this game.
        now: number of the newest frame, at least `first`.

    Returns:
        Shape (4, height, width), of the frames' type.

    Example:
        >>> film = np.arange(10).reshape(10, 1, 1)
        >>> frame_stack(film, first=6, now=7).ravel().tolist()
        [0, 0, 6, 7]

    Used in: Lab 07

    Reference: Mnih et al. (2015), "Methods: Preprocessing".
    """
    numbers = np.arange(now - 3, now + 1)
    stack = frames[np.maximum(numbers, 0)]
    stack[numbers < first] = 0
    return stack


def dueling(values: np.ndarray, advantages: np.ndarray) -> np.ndarray:
    """Two streams made one: Q(s, a) = V(s) + A(s, a) - mean_b A(s, b).

    Args:
        values: V(s), shape (B, 1).
        advantages: A(s, a), shape (B, A).

    Returns:
        Q(s, a), shape (B, A).

    Example:
        >>> dueling(np.array([[1.0]]), np.array([[0.0, 4.0]])).tolist()
        [[-1.0, 3.0]]

    Used in: Lab 07

    Reference: Wang et al. (2016), equation 9; lecture 001, section 6.2.1, "Mean aggregation".
    """
    return values + advantages - advantages.mean(axis=1, keepdims=True)


def double_target(
    rewards: np.ndarray,
    terminated: np.ndarray,
    next_online: np.ndarray,
    next_frozen: np.ndarray,
    discount: float,
) -> np.ndarray:
    r"""The target of double DQN: $y = r + \gamma (1 - d)\, Q^-(s', \operatorname{argmax}_{a'} Q(s', a'))$.

    Args:
        rewards: r, shape (B,).
        terminated: d, 1.0 where the task ended in this step and 0.0 elsewhere, shape (B,).
        next_online: Q(s', .) by the network in training, which chooses, shape (B, A).
        next_frozen: Q^-(s', .) by the target network, which judges, shape (B, A).
        discount: gamma, 0 to 1.

    Returns:
        y, shape (B,).

    Example:
        >>> online, frozen = np.array([[5.0, 1.0]]), np.array([[2.0, 4.0]])
        >>> double_target(np.array([1.0]), np.array([0.0]), online, frozen, 0.5).tolist()
        [2.0]

    Used in: Lab 07

    Reference: van Hasselt et al. (2016), equation 4.
    """
    best = next_online.argmax(axis=1)
    return rewards + discount * (1 - terminated) * next_frozen[np.arange(len(best)), best]


def n_step_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 2.0, 4.0]), np.zeros(3), 8.0, 0.5))
    yield Case((np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 0.0]), 8.0, 0.5), name="the second step ended it")
    yield Case((np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.0, 1.0]), 8.0, 0.5), name="the last step ended it")
    yield Case((np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 0.0]), 8.0, 0.5), name="the first step ended it")
    yield Case((np.array([3.0]), np.zeros(1), 10.0, 0.9), name="one step: Q-learning")
    yield Case((np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 1.0]), 8.0, 0.5), name="two ends in one window")
    for steps in (2, 3, 4):
        ended = np.zeros(steps)
        ended[int(rng.integers(steps))] = float(rng.random() < 0.5)
        yield Case((rng.normal(size=steps), ended, float(5 * rng.normal()), float(rng.uniform(0.5, 0.99))))


def stack_cases(rng: np.random.Generator) -> Iterator[Case]:
    film = np.arange(1, 11).reshape(10, 1, 1)
    yield Case((film, 0, 5))
    yield Case((film, 6, 6), name="the first frame of a game")
    yield Case((film, 6, 7), name="the second frame of a game")
    yield Case((film, 0, 2), name="the third frame of the film")
    yield Case((film, 4, 9), name="the newest frame of the film")
    for now in (4, 5, 7):
        first = int(rng.integers(1, now + 1))
        yield Case((rng.integers(1, 256, size=(8, 2, 2)), first, now))


def dueling_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[1.0]]), np.array([[0.0, 4.0]])))
    yield Case((np.array([[2.0], [-1.0]]), np.full((2, 3), 5.0)), name="no action is better than another")
    yield Case((np.zeros((2, 1)), np.array([[1.0, 2.0], [3.0, -3.0]])), name="a value of 0")
    for count, actions in ((1, 3), (2, 2), (3, 3), (4, 2)):
        yield Case((rng.normal(size=(count, 1)), rng.normal(size=(count, actions))))


def double_cases(rng: np.random.Generator) -> Iterator[Case]:
    online, frozen = np.array([[5.0, 1.0], [1.0, 5.0]]), np.array([[2.0, 4.0], [3.0, 7.0]])
    yield Case((np.array([1.0, 1.0]), np.array([0.0, 0.0]), online, frozen, 0.5))
    yield Case((np.array([1.0, -1.0]), np.array([1.0, 1.0]), online, frozen, 0.5), name="all ended")
    yield Case((np.array([0.0]), np.array([0.0]), np.array([[-1.0, -2.0]]), np.array([[-9.0, -3.0]]), 0.9))
    yield Case(
        (np.array([0.5]), np.array([0.0]), np.array([[1.0, 2.0]]), np.array([[3.0, 6.0]]), 0.0), name="discount 0"
    )
    for count, actions in ((3, 2), (3, 3), (4, 3), (5, 4)):
        ended = (rng.random(count) < 0.4).astype(float)
        tables = rng.normal(size=(2, count, actions))
        yield Case((rng.normal(size=count), ended, tables[0], tables[1], float(rng.uniform(0.6, 0.99))))


EXERCISES = (
    Exercise(
        number="7.5",
        title="Looking several steps ahead",
        reference=n_step_target,
        cases=n_step_cases,
        mistakes=(
            Mistake(
                "behind an end nothing counts any more, neither rewards nor the last value",
                lambda rewards, terminated, last_value, discount: (
                    float(np.sum(discount ** np.arange(len(rewards)) * rewards)) + discount ** len(rewards) * last_value
                ),
            ),
            Mistake(
                "the rewards of the next game get in: stop adding behind the step that ended it",
                lambda rewards, terminated, last_value, discount: (
                    float(np.sum(discount ** np.arange(len(rewards)) * rewards))
                    + discount ** len(rewards) * last_value * (1 - max(terminated))
                ),
            ),
            Mistake(
                "the step that ends the game brings its reward too",
                lambda rewards, terminated, last_value, discount: (
                    float(np.sum(discount ** np.arange(len(rewards)) * rewards * np.cumprod(1 - terminated)))
                    + discount ** len(rewards) * last_value * np.prod(1 - terminated)
                ),
            ),
            Mistake(
                "the last value is n steps away: discount it with gamma to the power n",
                lambda rewards, terminated, last_value, discount: (
                    float(np.sum(discount ** np.arange(len(rewards)) * rewards * before(terminated)))
                    + discount * last_value * np.prod(1 - terminated)
                ),
            ),
            Mistake(
                "the later rewards must be discounted: step k by gamma to the power k",
                lambda rewards, terminated, last_value, discount: (
                    float(np.sum(rewards * before(terminated)))
                    + discount ** len(rewards) * last_value * np.prod(1 - terminated)
                ),
            ),
            Mistake(
                "the reward of step 0 is not discounted: the first power is 0",
                lambda rewards, terminated, last_value, discount: (
                    float(np.sum(discount ** np.arange(1, len(rewards) + 1) * rewards * before(terminated)))
                    + discount ** len(rewards) * last_value * np.prod(1 - terminated)
                ),
            ),
        ),
        hint="walk through the steps with a weight that begins at 1, shrinks by gamma each time and is 0 after an end",
    ),
    Exercise(
        number="7.6",
        title="Four frames make an observation",
        reference=frame_stack,
        cases=stack_cases,
        mistakes=(
            Mistake(
                "the order is reversed: the newest frame comes last",
                lambda frames, first, now: frame_stack(frames, first, now)[::-1],
            ),
            Mistake(
                "frames of the game before get in: they must be black",
                lambda frames, first, now: frames[np.maximum(np.arange(now - 3, now + 1), 0)],
            ),
            Mistake(
                "frames of the game before get in: they must be black",
                lambda frames, first, now: frames[np.arange(now - 3, now + 1)],
            ),
            Mistake(
                "before the game's first frame the screen is black here; yours repeats that frame",
                lambda frames, first, now: frames[np.maximum(np.arange(now - 3, now + 1), first)],
            ),
            Mistake(
                "the newest frame is missing: the stack ends with frame number now",
                lambda frames, first, now: np.where(
                    (np.arange(now - 4, now) < first)[:, None, None], 0, frames[np.maximum(np.arange(now - 4, now), 0)]
                ),
            ),
        ),
        hint="which four frame numbers end with now? Those below first show a black screen",
    ),
    Exercise(
        number="7.7",
        title="A dueling head",
        reference=dueling,
        cases=dueling_cases,
        mistakes=(
            Mistake(
                "that is the naive sum, which cannot tell V from A: take the mean advantage away",
                lambda values, advantages: values + advantages,
            ),
            Mistake(
                "that takes the largest advantage away; here it is the mean",
                lambda values, advantages: values + advantages - advantages.max(axis=1, keepdims=True),
            ),
            Mistake(
                "each state has a mean of its own: take it over the actions, not over the whole batch",
                lambda values, advantages: values + advantages - advantages.mean(),
            ),
            Mistake(
                "that is the mean over the states: take it over the actions of each state",
                lambda values, advantages: values + advantages - advantages.mean(axis=0, keepdims=True),
            ),
            Mistake(
                "divide by the number of actions: it is the mean of the advantages, not their sum",
                lambda values, advantages: values + advantages - advantages.sum(axis=1, keepdims=True),
            ),
        ),
        hint="the value of the state, plus by how much the action beats the average action there",
    ),
    Exercise(
        number="7.8",
        title="The target of double DQN",
        reference=double_target,
        cases=double_cases,
        mistakes=(
            Mistake(
                "that is the plain target: let the online network choose the action",
                lambda rewards, terminated, next_online, next_frozen, discount: (
                    rewards + discount * (1 - terminated) * next_frozen.max(axis=1)
                ),
            ),
            Mistake(
                "the online network both chooses and judges: the value comes from the frozen one",
                lambda rewards, terminated, next_online, next_frozen, discount: (
                    rewards + discount * (1 - terminated) * next_online.max(axis=1)
                ),
            ),
            Mistake(
                "the roles are exchanged: the online network chooses, the frozen one judges",
                lambda rewards, terminated, next_online, next_frozen, discount: (
                    rewards
                    + discount
                    * (1 - terminated)
                    * np.take_along_axis(next_online, next_frozen.argmax(axis=1)[:, None], axis=1)[:, 0]
                ),
            ),
            Mistake(
                "where the task ended nothing follows: the next value must not count there",
                lambda rewards, terminated, next_online, next_frozen, discount: (
                    rewards
                    + discount * np.take_along_axis(next_frozen, next_online.argmax(axis=1)[:, None], axis=1)[:, 0]
                ),
            ),
            Mistake(
                "take the smaller of the two largest values only where both agree; here one chooses, one judges",
                lambda rewards, terminated, next_online, next_frozen, discount: (
                    rewards + discount * (1 - terminated) * np.minimum(next_online.max(axis=1), next_frozen.max(axis=1))
                ),
            ),
        ),
        hint="find the number of the best action by the online values, then read its value from the frozen ones",
    ),
)


def before(terminated: np.ndarray) -> np.ndarray:
    """1.0 for each step up to and including the first that terminated, 0.0 behind it."""
    return np.concatenate([[1.0], np.cumprod(1 - terminated)[:-1]])
