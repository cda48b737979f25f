"""The optimizers of the slides' table "Few variants of SGD", by name.

An optimizer owns the rule that turns a gradient into a step, and the memory (velocity, mean squares ...) that the rule
needs. It knows nothing of networks: `step` moves one array of parameters, of any shape, in place.

    optimizer = get_optimizer("adam", learning_rate=0.1)
    for _ in range(100):
        optimizer.step(w, gradient(w))

Symbols of the slides: w the parameters, g = grad l(w, z) the gradient, eta the learning rate, mu the momentum, A the
accumulated squares, M(1) and M(2) the first two moments. The interface is in optimizer.py, the rules are in momentum.py
and adaptive.py.

Used in: Lab 01, Lab 02

Reference: Lecture 004, "Few variants of SGD".
"""

from types import MappingProxyType
from typing import Any

from dlcourse.foundations._names import look_up
from dlcourse.foundations.adaptive import AdaGrad, Adam, RMSProp
from dlcourse.foundations.momentum import AdaptiveLearningRate, GradientDescent, InverseTimeDecay, Momentum, Nesterov
from dlcourse.foundations.optimizer import Optimizer

__all__ = [
    "OPTIMIZERS",
    "AdaGrad",
    "Adam",
    "AdaptiveLearningRate",
    "GradientDescent",
    "InverseTimeDecay",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "get_optimizer",
]

OPTIMIZERS: MappingProxyType[str, type[Optimizer]] = MappingProxyType(
    {
        "gradient_descent": GradientDescent,
        "adaptive_learning_rate": AdaptiveLearningRate,
        "momentum": Momentum,
        "nesterov": Nesterov,
        "adagrad": AdaGrad,
        "rmsprop": RMSProp,
        "adam": Adam,
    }
)


def get_optimizer(optimizer: str | Optimizer, **settings: Any) -> Optimizer:
    """Make an optimizer from its name and settings; one that is made already is handed back as it is.

    Args:
        optimizer: "gradient_descent", "adaptive_learning_rate", "momentum", "nesterov", "adagrad", "rmsprop" or "adam";
            or an `Optimizer`.
        **settings: The arguments of that optimizer's class, such as `learning_rate`.

    Returns:
        The optimizer.

    Raises:
        TypeError: If settings come with a ready optimizer, or are not settings of the named one.
        ValueError: If no optimizer has that name (the message lists the valid ones), or a setting is out of range.

    Example:
        >>> get_optimizer("momentum", learning_rate=0.1)
        Momentum(learning_rate=0.1, momentum=0.9)

    Used in: Lab 01, Lab 02

    Reference: Lecture 004, "Few variants of SGD".
    """
    if not isinstance(optimizer, Optimizer):
        return look_up("optimizer", optimizer, OPTIMIZERS)(**settings)
    if settings:
        raise TypeError(
            f"settings ({', '.join(settings)}) belong with an optimizer's name; got the ready {optimizer!r}. "
            "Set them where it is made."
        )
    return optimizer
