"""A participant's formulas in the real training, tried on tensors first, so that nobody is stuck."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from dlcourse.reinforcement.ddpg import Rules

_PAIR = tf.constant([1.0, 2.0])
_TRIALS: dict[str, tuple[tuple[Any, ...], tuple[int, ...]]] = {
    "critic_target": ((_PAIR, tf.constant([0.0, 1.0]), _PAIR, 0.9), (2,)),
    "actor_loss": ((_PAIR,), ()),
    "polyak_average": ((_PAIR, _PAIR, 0.1), (2,)),
}


def tried_rules(**formulas: Callable[..., Any]) -> Rules:
    """Puts formulas into `Rules`; one that TensorFlow cannot follow gives way to the course's own.

    A function may be right for arrays and still fail in the compiled training, for example because it calls
    `np.where`. It is tried there once, on two numbers.

    Args:
        **formulas: `critic_target`, `actor_loss`, `polyak_average`, each as in `dlcourse.reinforcement.ddpg`.

    Returns:
        The rules to train with.

    Raises:
        TypeError: if there is no formula of that name.

    Example:
        >>> import numpy as np
        >>> rules = tried_rules(polyak_average=lambda target, online, tau: np.where(True, target, online))
        polyak_average is right for arrays, but TensorFlow cannot follow it (NotImplementedError): ...
        >>> rules == Rules()
        True

    Used in: Lab 06
    """
    unknown = sorted(set(formulas) - set(_TRIALS))
    if unknown:
        raise TypeError(f"no formula is called {', '.join(unknown)}; there are {', '.join(_TRIALS)}")
    usable = {}
    for name, formula in formulas.items():
        arguments, shape = _TRIALS[name]
        try:
            result = tf.function(formula)(*arguments)
            if not (tf.is_tensor(result) and result.shape == shape and result.dtype == tf.float32):
                raise TypeError(f"gave {result!r}")
        except Exception as error:  # whatever a participant's function does, the lab goes on
            reason = type(error).__name__
            print(f"{name} is right for arrays, but TensorFlow cannot follow it ({reason}): the course's own trains")
            print("instead. Plain arithmetic (+ - * /) works for both.")
        else:
            usable[name] = formula
    return Rules(**usable)
