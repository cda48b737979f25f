"""A participant's formulas in the real training of a DQN, tried first, so that nobody is stuck.

Used in: Lab 07
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from dlcourse.reinforcement.dqn import DQNRules

_PAIR, _TABLE = tf.constant([1.0, 2.0]), tf.constant([[1.0, 3.0], [2.0, 0.0]])
_LINE = (10, 1.0, 0.1, 100)


def tried_dqn_rules(
    *,
    target: Callable[..., Any] | None = None,
    loss: Callable[..., Any] | None = None,
    epsilon: Callable[..., Any] | None = None,
) -> DQNRules:
    """Puts the formulas of Lab 07 into `DQNRules`; one that training cannot use gives way to the course's own.

    The target needs no gradient: it may be written in NumPy, and is then called from TensorFlow. The loss is
    differentiated, so that it must be made of operations that tensors know, such as `abs(e)` and plain arithmetic.

    Args:
        target: (rewards, terminated, next_values, discount) to targets, shape (B,), as in exercise 7.1.
        loss: errors to losses, as in exercise 7.4.
        epsilon: (step, first, last, steps) to a probability, as in exercise 7.2.

    Returns:
        The rules to train with.

    Example:
        >>> rules = tried_dqn_rules(epsilon=lambda step, first, last, steps: first)
        >>> rules.epsilon(50, 1.0, 0.0, 100)
        1.0

    Used in: Lab 07
    """
    own = DQNRules()
    rules = {
        "target": own.target if target is None else _tried("target", _on_tensors(target), own, _PAIR, _PAIR, _TABLE),
        "loss": own.loss if loss is None else _tried("loss", loss, own, _PAIR),
        "epsilon": own.epsilon if epsilon is None else _tried_number(epsilon, own),
    }
    return DQNRules(**rules)


def _on_tensors(formula: Callable[..., Any]) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
    """The target of exercise 7.1 as `DQNRules` calls it: d is gamma where the task went on, and 0 where it ended."""

    def on_arrays(rewards: Any, discounts: Any, next_values: Any) -> Any:
        ended = (discounts == 0).astype("float32")
        return formula(rewards, ended, next_values, discounts).astype("float32")

    def target(rewards: tf.Tensor, discounts: tf.Tensor, next_values: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(on_arrays, (rewards, discounts, next_values), tf.float32, stateful=False)
        return tf.ensure_shape(found, rewards.shape)

    return target


def _tried(name: str, formula: Callable[..., Any], own: DQNRules, *arguments: tf.Tensor) -> Callable[..., Any]:
    try:
        found = tf.function(formula)(*arguments)
        if not (tf.is_tensor(found) and found.shape == _PAIR.shape and found.dtype == tf.float32):
            raise TypeError(f"gave {found!r}")
    except Exception as error:  # whatever a participant's function does, the lab goes on
        print(f"{name} is right for arrays, but TensorFlow cannot train with it ({type(error).__name__}): the course's")
        print("own takes its place. abs(e) and plain arithmetic (+ - * /) work for both.")
        return getattr(own, name)
    return formula


def _tried_number(formula: Callable[..., Any], own: DQNRules) -> Callable[..., Any]:
    try:
        if not 0 <= float(formula(*_LINE)) <= 1:
            raise ValueError("it is no probability")
    except Exception as error:  # as above
        print(f"epsilon fails in training ({type(error).__name__}): the course's own takes its place.")
        return own.epsilon
    return formula
