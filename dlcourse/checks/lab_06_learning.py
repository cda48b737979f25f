"""The exercises of Lab 06 on DDPG itself: actor, critic, target networks, exploration.

Used in: Lab 06

Reference: Lillicrap et al. (2015), "Continuous control with deep reinforcement learning"; lecture 004, "RL WITH
AVAILABLE TOOLS".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def actor_gradient(states: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    r"""The gradient of the actor's loss for a linear actor, a = W s.

    $$L(W) = -\frac1B \sum_i Q(s_i, W s_i), \qquad
    \frac{\partial L}{\partial W} = -\frac1B \sum_i \frac{\partial Q}{\partial a}(s_i)\, s_i^\top$$

    Args:
        states: s_i, shape (B, n).
        slopes: dQ/da at each state, for the actor's action there, shape (B, m).

    Returns:
        dL/dW, shape (m, n).

    Example:
        >>> actor_gradient(np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[1.0], [-1.0]])).tolist()
        [[1.0, -1.0]]

    Used in: Lab 06

    Reference: Silver et al. (2014), "Deterministic policy gradient algorithms", theorem 1.
    """
    return -slopes.T @ states / len(states)


def critic_target(rewards: Any, terminated: Any, next_values: Any, discount: float) -> Any:
    r"""What the critic should have said: $y = r + \gamma (1 - d)\, Q'(s', \mu'(s'))$.

    Args:
        rewards: r, shape (B,).
        terminated: d, 1.0 where the task ended in this step and 0.0 elsewhere, also where only the clock ran out,
            shape (B,).
        next_values: Q'(s', mu'(s')) by the target networks, shape (B,).
        discount: gamma, 0 to 1.

    Returns:
        y, shape (B,).

    Example:
        >>> critic_target(np.array([1.0, 1.0]), np.array([0.0, 1.0]), np.array([10.0, 10.0]), 0.9).tolist()
        [10.0, 1.0]

    Used in: Lab 06

    Reference: Lillicrap et al. (2015), algorithm 1; lecture 004, "EXAMPLE: RL & DNN".
    """
    return rewards + discount * (1 - terminated) * next_values


def polyak_average(target: Any, online: Any, tau: float) -> Any:
    r"""A target network's weights, moved a little towards the online ones: $\tau\theta + (1 - \tau)\theta'$.

    Args:
        target: theta', any shape.
        online: theta, the same shape.
        tau: share taken over, 0 to 1.

    Returns:
        The new theta', the same shape.

    Example:
        >>> polyak_average(np.array([0.0, 1.0]), np.array([1.0, 1.0]), 0.25).tolist()
        [0.25, 1.0]

    Used in: Lab 06

    Reference: Lillicrap et al. (2015), algorithm 1.
    """
    return tau * online + (1 - tau) * target


def ou_step(noise: np.ndarray, normal: np.ndarray, rate: float, scale: float, time_step: float) -> np.ndarray:
    r"""One step of Ornstein-Uhlenbeck noise around 0, by its exact transition.

    $$x' = e^{-\theta\, dt}\, x + \sigma \sqrt{\frac{1 - e^{-2 \theta\, dt}}{2 \theta}}\; \xi$$

    Args:
        noise: x, any shape.
        normal: xi, standard normal numbers, the same shape.
        rate: theta, above 0: how fast the noise returns to 0.
        scale: sigma, at least 0.
        time_step: dt, above 0.

    Returns:
        x', the same shape.

    Example:
        >>> ou_step(np.array([1.0]), np.array([0.0]), rate=1.0, scale=0.2, time_step=np.log(2)).tolist()
        [0.5]

    Used in: Lab 06

    Reference: Gillespie, "Exact numerical simulation of the Ornstein-Uhlenbeck process and its integral", 1996.
    """
    keep = np.exp(-rate * time_step)
    return keep * noise + scale * np.sqrt((1 - keep**2) / (2 * rate)) * normal


def gradient_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[1.0], [-1.0]])))
    yield Case((np.array([[1.0, -2.0]]), np.array([[0.5, 2.0]])), name="a batch of one")
    yield Case((np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros((2, 1))), name="the critic is flat")
    for count, size, actions in ((3, 2, 1), (4, 3, 2), (5, 2, 2), (6, 3, 3)):
        yield Case((rng.normal(size=(count, size)), rng.normal(size=(count, actions))))


def target_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 1.0]), np.array([0.0, 1.0]), np.array([10.0, 10.0]), 0.9))
    yield Case((np.array([-2.0, -3.0]), np.array([0.0, 0.0]), np.array([-50.0, -40.0]), 0.99), name="no episode ended")
    yield Case((np.array([-2.0, 5.0]), np.array([1.0, 1.0]), np.array([-50.0, 40.0]), 0.99), name="all ended")
    yield Case((np.array([4.0]), np.array([0.0]), np.array([7.0]), 0.0), name="discount 0")
    for count in (3, 5, 8):
        ended = (rng.random(count) < 0.5).astype(float)
        yield Case((rng.normal(size=count), ended, 10 * rng.normal(size=count), float(rng.uniform(0.8, 0.99))))


def average_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([0.0, 1.0]), np.array([1.0, 1.0]), 0.25))
    yield Case((np.array([2.0, -1.0]), np.array([4.0, 3.0]), 1.0), name="tau 1: a plain copy")
    yield Case((np.array([2.0, -1.0]), np.array([4.0, 3.0]), 0.0), name="tau 0: nothing moves")
    for shape in ((3,), (2, 3), (5,)):
        yield Case((rng.normal(size=shape), rng.normal(size=shape), float(rng.uniform(0.01, 0.4))))


def noise_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0]), np.array([1.0]), 0.15, 0.2, 1.0))
    yield Case((np.array([2.0, -1.0]), np.zeros(2), 0.5, 0.3, 1.0), name="no push: the noise dies down")
    yield Case((np.zeros(2), np.array([1.0, -2.0]), 0.15, 0.2, 1.0), name="from rest")
    yield Case((np.array([1.0]), np.array([0.5]), 2.0, 0.3, 3.0), name="a long step: the past is forgotten")
    for size in (1, 2, 3):
        rate, scale, step = rng.uniform(0.1, 1.0), rng.uniform(0.1, 0.5), rng.uniform(0.3, 2.0)
        yield Case((rng.normal(size=size), rng.normal(size=size), float(rate), float(scale), float(step)))


EXERCISES = (
    Exercise(
        number="6.5",
        title="The deterministic policy gradient",
        reference=actor_gradient,
        cases=gradient_cases,
        mistakes=(
            Mistake(
                "that is the gradient of the mean Q; the loss to be made small is minus the mean Q",
                lambda states, slopes: slopes.T @ states / len(states),
            ),
            Mistake("divide by the batch size: the loss is a mean", lambda states, slopes: -slopes.T @ states),
            Mistake(
                "it has the shape of W transposed: a row for each component of the action, a column for each of the "
                "state",
                lambda states, slopes: -states.T @ slopes / len(states),
            ),
            Mistake(
                "average the products of slope and state, not slope and state one by one: their product differs",
                lambda states, slopes: -np.outer(slopes.mean(axis=0), states.mean(axis=0)),
            ),
        ),
        hint="each state contributes the outer product of its slope (m,) and itself (n,); take minus their mean",
    ),
    Exercise(
        number="6.6",
        title="The critic's target",
        reference=critic_target,
        cases=target_cases,
        mistakes=(
            Mistake(
                "where the task ended nothing follows: the next value must not count there",
                lambda rewards, terminated, next_values, discount: rewards + discount * next_values,
            ),
            Mistake(
                "the wrong way round: the next value counts where the task did not end",
                lambda rewards, terminated, next_values, discount: rewards + discount * terminated * next_values,
            ),
            Mistake(
                "the reward was received all the same when the task ended: only the next value falls away",
                lambda rewards, terminated, next_values, discount: (
                    (1 - terminated) * (rewards + discount * next_values)
                ),
            ),
            Mistake(
                "the discount is missing: what follows is one step away",
                lambda rewards, terminated, next_values, discount: rewards + (1 - terminated) * next_values,
            ),
            Mistake(
                "the reward is now and is not discounted",
                lambda rewards, terminated, next_values, discount: (
                    discount * (rewards + (1 - terminated) * next_values)
                ),
            ),
        ),
        hint="the reward, plus the discounted next value wherever the task went on",
    ),
    Exercise(
        number="6.7",
        title="A target network that follows slowly",
        reference=polyak_average,
        cases=average_cases,
        mistakes=(
            Mistake(
                "the shares are exchanged: tau, the small one, belongs to the online weights",
                lambda target, online, tau: (1 - tau) * online + tau * target,
            ),
            Mistake(
                "the target keeps its share 1 - tau, so that the two shares add up to 1",
                lambda target, online, tau: target + tau * online,
            ),
            Mistake("a plain copy follows at once: take over the share tau alone", lambda target, online, tau: online),
            Mistake(
                "the sign of the step is reversed: move towards the online weights",
                lambda target, online, tau: target - tau * (online - target),
            ),
        ),
        hint="a weighted mean of both, with the small weight tau on the online weights",
    ),
    Exercise(
        number="6.8",
        title="Noise with inertia",
        reference=ou_step,
        cases=noise_cases,
        mistakes=(
            Mistake(
                "that is Euler's step, which is right only for tiny time steps; use the exact one above",
                lambda x, xi, rate, scale, dt: x - rate * x * dt + scale * np.sqrt(dt) * xi,
            ),
            Mistake(
                "the root is missing in front of xi",
                lambda x, xi, rate, scale, dt: (
                    np.exp(-rate * dt) * x + scale * (1 - np.exp(-2 * rate * dt)) / (2 * rate) * xi
                ),
            ),
            Mistake(
                "the exponent under the root is -2 theta dt: a variance shrinks twice as fast",
                lambda x, xi, rate, scale, dt: (
                    np.exp(-rate * dt) * x + scale * np.sqrt((1 - np.exp(-rate * dt)) / (2 * rate)) * xi
                ),
            ),
            Mistake(
                "the noise forgets at once: the old value keeps the share exp(-theta dt)",
                lambda x, xi, rate, scale, dt: scale * np.sqrt((1 - np.exp(-2 * rate * dt)) / (2 * rate)) * xi,
            ),
            Mistake(
                "the old value grows: the exponent is negative",
                lambda x, xi, rate, scale, dt: (
                    np.exp(rate * dt) * x + scale * np.sqrt((1 - np.exp(-2 * rate * dt)) / (2 * rate)) * xi
                ),
            ),
        ),
        hint="keep the share exp(-theta dt) of the old value, and add the normal number times its standard deviation",
    ),
)
