"""What a value network should have said: the learning targets of the Q-learning family, as pure functions.

    Q-learning:        y = r + d max_a Q'(s', a)
    double DQN:        y = r + d Q'(s', argmax_a Q(s', a))
    n steps:           y = r_0 + gamma r_1 + ... + gamma^(m-1) r_(m-1) + d max_a Q'(s_m, a)
    DQV, for V and Q:  y = r + d V'(s')
    DQV-Max:           y = r + d max_a Q'(s', a) for V,  y = r + d V(s') for Q

A prime on Q or V marks a target network, s' is the successor. d is gamma^m, and 0 where the task ended (`terminated`),
because nothing follows there; where the clock ran out (`truncated`) the future still counts. The functions take NumPy
arrays and answer with them, or take tensors and answer with tensors, also inside a `tf.function`. `n_step_returns`,
which prepares rewards and discounts for them, takes arrays alone.

Used in: Lab 07

Reference: Lecture 001, sections 6.1 and 6.2; lecture 000, "A Novel Family of Deep Reinforcement Learning Algorithms".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from dlcourse.arguments import check_count, check_finite
from dlcourse.reinforcement.n_step import NStep, n_step


class DQVMaxTargets(NamedTuple):
    """What DQV-Max's two networks should have said: `state_values` for V(s), `action_values` for Q(s, a)."""

    state_values: Any
    action_values: Any


def bootstrap_discounts(terminated: Any, discount: float) -> Any:
    """How much of the successor's value a one-step target counts: d = gamma (1 - terminated).

    Args:
        terminated: whether the task ended, shape (B,), bool or 0 and 1. Truncation does not belong here.
        discount: gamma, 0 to 1.

    Returns:
        d, shape (B,), float32.

    Raises:
        ValueError: if gamma is not between 0 and 1, or the shape has not one axis.

    Example:
        >>> bootstrap_discounts(np.array([False, True]), 0.9)
        array([0.9, 0. ], dtype=float32)

    Used in: Lab 07
    """
    _check_shapes(terminated=(terminated, 1))
    return _checked_discount(discount) * (1 - _float32(terminated))


def q_learning_target(rewards: Any, discounts: Any, next_values: Any) -> Any:
    """The target of Q-learning and of DQN: y = r + d max_a Q'(s', a).

    The maximum over noisy estimates is too large on average; `double_q_target` is the remedy.

    Args:
        rewards: r, or an n-step return, shape (B,).
        discounts: d, from `bootstrap_discounts` or `n_step_returns`, shape (B,).
        next_values: Q'(s', .) by the target network, shape (B, A).

    Returns:
        y, shape (B,).

    Raises:
        ValueError: if the shapes do not fit. Rewards of shape (B, 1) would silently make a target of shape (B, B).

    Example:
        >>> rewards, discounts = np.array([1.0, 1.0]), np.array([0.5, 0.0])
        >>> q_learning_target(rewards, discounts, np.array([[2.0, 4.0], [2.0, 4.0]]))
        array([3., 1.])

    Used in: Lab 07

    Reference: Lecture 001, section 6.2, "Fixed Q-targets"; Mnih et al. 2015, "Human-level control through deep
    reinforcement learning", algorithm 1.
    """
    _check_shapes(rewards=(rewards, 1), discounts=(discounts, 1), next_values=(next_values, 2))
    return rewards + discounts * _largest(next_values)


def double_q_target(rewards: Any, discounts: Any, next_online_values: Any, next_target_values: Any) -> Any:
    """The target of double DQN: y = r + d Q'(s', argmax_a Q(s', a)).

    One network chooses the action, the other says what it is worth, so that an estimate that is too large by chance is
    rarely the one that counts. Lecture 001 prints the older rule with two equal networks that take turns, writes max
    where argmax is meant, and leaves out gamma.

    Args:
        rewards: r, or an n-step return, shape (B,).
        discounts: d, shape (B,).
        next_online_values: Q(s', .) by the network in training, which chooses, shape (B, A).
        next_target_values: Q'(s', .) by the target network, which judges, shape (B, A).

    Returns:
        y, shape (B,).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> online, target = np.array([[5.0, 1.0]]), np.array([[2.0, 4.0]])
        >>> double_q_target(np.array([1.0]), np.array([0.5]), online, target)
        array([2.])

    Used in: Lab 07

    Reference: Lecture 001, section 6.2.1, "Double Q-learning"; van Hasselt et al. 2016, "Deep reinforcement learning
    with double Q-learning".
    """
    _check_shapes(
        rewards=(rewards, 1),
        discounts=(discounts, 1),
        next_online_values=(next_online_values, 2),
        next_target_values=(next_target_values, 2),
    )
    return rewards + discounts * _value_of_best(next_online_values, next_target_values)


def n_step_returns(
    rewards: np.ndarray, terminated: np.ndarray, truncated: np.ndarray, discount: float, steps: int
) -> NStep:
    """R and d of an n-step target, from every step of a trajectory that may run through several episodes.

    R_t = sum over k < m of gamma^k r_(t+k),   d_t = gamma^m (1 - terminated_(t+m-1)),   y_t = R_t + d_t V(s_(t+m))

    m is n, or fewer where an episode ends before. The trajectory's own end counts as a truncation: the last steps look
    less far ahead and bootstrap sooner. A replay that draws single steps cuts its own windows, with `n_step`.

    Args:
        rewards: r_t for T steps that followed each other, shape (T,).
        terminated: whether the task ended in that step, shape (T,), bool.
        truncated: whether the clock ran out in that step, shape (T,), bool.
        discount: gamma, 0 to 1.
        steps: n, at least 1.

    Returns:
        R as `rewards`, d as `discounts` and m as `steps`, each of shape (T,). They take the place of r and d in the
        other targets, with s_(t+m) in that of s'.

    Raises:
        TypeError: if `steps` is no integer, or an argument no array.
        ValueError: if the shapes do not fit, there is no step, `steps` is below 1, or gamma is not between 0 and 1.

    Example:
        >>> ended = np.array([False, False, True, False])
        >>> found = n_step_returns(np.ones(4), ended, np.zeros(4, dtype=bool), 0.5, steps=2)
        >>> found.rewards.tolist(), found.discounts.tolist(), found.steps.tolist()
        ([1.5, 1.5, 1.0, 1.0], [0.25, 0.0, 0.0, 0.5], [2, 2, 1, 1])

    Used in: Lab 07

    Reference: Sutton and Barto 2018, section 7.1; Hessel et al. 2018, "Rainbow", "Multi-step learning".
    """
    _check_shapes(rewards=(rewards, 1), terminated=(terminated, 1), truncated=(truncated, 1))
    count, gamma = len(rewards), _checked_discount(discount)
    if count < 1:
        raise ValueError("rewards have shape (0,): give a trajectory of at least one step.")
    # Past the end the last step is repeated: it is a stop, so that no repetition counts.
    stops = terminated.astype(bool) | truncated.astype(bool) | (np.arange(count) == count - 1)
    windows = np.minimum(np.arange(count)[:, None] + np.arange(min(check_count("steps", steps), count)), count - 1)
    return n_step(rewards[windows], stops[windows], terminated.astype(bool)[windows], gamma)


def dqv_target(rewards: Any, discounts: Any, next_state_values: Any) -> Any:
    """The target of DQV for both its networks, V(s) and Q(s, a): y = r + d V'(s').

    Q learns from V, which learns from its own target network: no maximum is taken anywhere, so that none is too large.
    The slides write gamma where d stands and so bootstrap after a terminated episode too; the mask belongs there. What
    V converges to is the value of the policy that acted, not of the best one.

    Args:
        rewards: r, shape (B,).
        discounts: d, shape (B,).
        next_state_values: V'(s') by V's target network, shape (B,); cut a network's (B, 1) with [:, 0].

    Returns:
        y, shape (B,).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> dqv_target(np.array([1.0, 1.0]), np.array([0.5, 0.0]), np.array([4.0, 4.0]))
        array([3., 1.])

    Used in: Lab 07

    Reference: Lecture 000, "A Novel Family of Deep Reinforcement Learning Algorithms"; Sabatelli et al. 2018, "Deep
    quality-value (DQV) learning".
    """
    _check_shapes(rewards=(rewards, 1), discounts=(discounts, 1), next_state_values=(next_state_values, 1))
    return rewards + discounts * next_state_values


def dqv_max_targets(rewards: Any, discounts: Any, next_values: Any, next_state_values: Any) -> DQVMaxTargets:
    """The targets of DQV-Max: y_V = r + d max_a Q'(s', a) for V(s), and y_Q = r + d V(s') for Q(s, a).

    As in `dqv_target`, d stands for the slides' gamma, which lacks the mask of terminated episodes. The slides take V
    in training, without a target network of its own; pass those values to follow them, or a target network's for a
    target that holds still. Neither makes it Q-learning: V averages its maximum over the actions that were tried, so
    that even exact values depend on the policy that acted.

    Args:
        rewards: r, shape (B,).
        discounts: d, shape (B,).
        next_values: Q'(s', .) by Q's target network, shape (B, A).
        next_state_values: V(s'), shape (B,).

    Returns:
        The targets for V and for Q, each of shape (B,).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> dqv_max_targets(np.array([1.0]), np.array([0.5]), np.array([[2.0, 4.0]]), np.array([6.0]))
        DQVMaxTargets(state_values=array([3.]), action_values=array([4.]))

    Used in: Lab 07

    Reference: Lecture 000, "A Novel Family of Deep Reinforcement Learning Algorithms"; Sabatelli et al. 2019,
    "Approximating two value functions instead of one".
    """
    return DQVMaxTargets(
        q_learning_target(rewards, discounts, next_values), dqv_target(rewards, discounts, next_state_values)
    )


def _largest(values: Any) -> Any:
    return tf.reduce_max(values, axis=1) if tf.is_tensor(values) else np.max(values, axis=1)


def _value_of_best(choosing: Any, judging: Any) -> Any:
    if tf.is_tensor(judging):
        return tf.gather(judging, tf.argmax(choosing, axis=1), axis=1, batch_dims=1)
    return np.take_along_axis(judging, np.argmax(choosing, axis=1)[:, None], axis=1)[:, 0]


def _float32(values: Any) -> Any:
    return tf.cast(values, tf.float32) if tf.is_tensor(values) else values.astype(np.float32)


def _checked_discount(discount: float) -> float:
    if not 0 <= check_finite("discount", discount) <= 1:
        raise ValueError(f"discount must be between 0 and 1, got {discount}.")
    return float(discount)


def _check_shapes(**given: tuple[Any, int]) -> None:
    """Refuses what is no array, has another number of axes than is expected, or disagrees on an axis that is shared.

    Inside a `tf.function` the length of an axis may be unknown, None: it then fits.
    """
    known: dict[int, int] = {}
    for name, (array, axes) in given.items():
        if not (isinstance(array, np.ndarray) or tf.is_tensor(array)):
            raise TypeError(f"{name} must be a NumPy array or a tensor, got {type(array).__name__}.")
        shape = tuple(array.shape)
        fits = len(shape) == axes and all(
            length is None or known.setdefault(axis, length) == length for axis, length in enumerate(shape)
        )
        if not fits:
            shapes = ", ".join(f"{other} {tuple(value.shape)}" for other, (value, _) in given.items())
            raise ValueError(f"{name} must have {axes} axes that fit the other arguments; got shapes {shapes}.")
