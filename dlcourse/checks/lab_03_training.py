"""The exercises of Lab 03 on how training is watched: early stopping, learning-rate schedule.

Used in: Lab 03

Reference: Lecture 004, "Early stopping" and "Setting the learning rate".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def early_stopping(losses: Sequence[float], patience: int) -> tuple[int, int]:
    """When early stopping ends a training run, and which epoch was the best by then.

    Training ends after the first epoch that is the `patience`-th in a row without a new lowest loss, or with the last.

    Args:
        losses: the validation loss after each epoch, at least one.
        patience: epochs to wait for a new lowest loss, at least 1.

    Returns:
        `(last_epoch, best_epoch)`, both counted from 1.

    Example:
        >>> early_stopping([0.5, 0.3, 0.4, 0.35, 0.2], patience=2)
        (4, 2)

    Used in: Lab 03

    Reference: Prechelt, "Early stopping - but when?" (1998); `keras.callbacks.EarlyStopping`.
    """
    best_epoch = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss < losses[best_epoch - 1]:
            best_epoch = epoch
        if epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(losses), best_epoch


def cosine_rate(step: float, steps: int, highest: float, lowest: float) -> float:
    r"""Learning rate that falls along half a cosine, and stays at its lowest afterwards.

    $$\eta(s) = \eta_{\min} + \frac{\eta_{\max} - \eta_{\min}}{2} \left(1 + \cos \frac{\pi s}{S}\right)$$

    Args:
        step: s, 0 or more.
        steps: S, the step at which the lowest rate is reached, positive.
        highest: the rate at step 0.
        lowest: the rate from step S on.

    Returns:
        The learning rate.

    Example:
        >>> [round(cosine_rate(step, 10, 0.1, 0.0), 3) for step in (0, 5, 10, 11)]
        [0.1, 0.05, 0.0, 0.0]

    Used in: Lab 03

    Reference: Loshchilov and Hutter, "SGDR" (2017); `keras.optimizers.schedules.CosineDecay`.
    """
    share = min(step / steps, 1.0)
    return lowest + (highest - lowest) * (1 + math.cos(math.pi * share)) / 2


def loss_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(([0.5, 0.3, 0.4, 0.35, 0.2], 2))
    yield Case(([0.9, 0.7, 0.6, 0.5], 3), name="the loss falls to the end")
    yield Case(([0.4, 0.3, 0.3, 0.3, 0.3, 0.2], 2), name="equal is no improvement")
    yield Case(([0.3, 0.4, 0.5, 0.6], 1), name="the first epoch is the best")
    yield Case(([0.5, 0.6, 0.4, 0.5, 0.45, 0.42, 0.1], 3), name="the loss goes up and down")
    for epochs, patience in ((8, 2), (12, 3), (15, 4)):
        curve = np.linspace(-1, 1.5, epochs) ** 2 + rng.normal(0, 0.2, epochs)
        yield Case((curve.round(2).tolist(), patience))


def step_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((5, 10, 0.1, 0.0), name="half way")
    yield Case((0, 10, 0.1, 0.01), name="the first step")
    yield Case((10, 10, 0.1, 0.01), name="the last step")
    yield Case((15, 10, 0.1, 0.01), name="after the last step")
    for _ in range(5):
        steps = int(rng.integers(20, 200))
        yield Case((int(rng.integers(1, steps)), steps, rng.uniform(0.05, 0.5), rng.uniform(0.001, 0.02)))


def stop_one_later(losses: Sequence[float], patience: int) -> tuple[int, int]:
    return early_stopping(losses, patience + 1)


def stop_with_ties(losses: Sequence[float], patience: int) -> tuple[int, int]:
    best_epoch = 1
    for epoch, loss in enumerate(losses, start=1):
        if loss <= losses[best_epoch - 1]:
            best_epoch = epoch
        if epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(losses), best_epoch


def stop_on_rises(losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Counts epochs that are worse than the one before, instead of worse than the best."""
    rises = 0
    for epoch in range(2, len(losses) + 1):
        rises = rises + 1 if losses[epoch - 1] >= losses[epoch - 2] else 0
        if rises >= patience:
            return epoch, 1 + int(np.argmin(losses[:epoch]))
    return len(losses), 1 + int(np.argmin(losses))


TRAINING = (
    Exercise(
        number="3.5",
        title="Early stopping",
        reference=early_stopping,
        cases=loss_cases,
        mistakes=(
            Mistake(
                "stops one epoch too late: the run ends as soon as `patience` epochs have brought nothing",
                stop_one_later,
            ),
            Mistake("an equal loss is no improvement: only a lower one starts the waiting anew", stop_with_ties),
            Mistake("compare each loss with the best so far, not with the epoch before", stop_on_rises),
            Mistake(
                "epochs are counted from 1 here",
                lambda losses, patience: tuple(epoch - 1 for epoch in early_stopping(losses, patience)),
            ),
            Mistake(
                "an epoch after the stop is never trained, so it cannot be the best one",
                lambda losses, patience: (early_stopping(losses, patience)[0], 1 + int(np.argmin(losses))),
            ),
        ),
        hint="walk through the epochs, remember the best one, and stop when it lies `patience` epochs back",
    ),
    Exercise(
        number="3.6",
        title="Cosine schedule",
        reference=cosine_rate,
        cases=step_cases,
        mistakes=(
            Mistake(
                "after the last step the rate stays at its lowest; yours climbs again with the cosine",
                lambda step, steps, highest, lowest: (
                    lowest + (highest - lowest) * (1 + math.cos(math.pi * step / steps)) / 2
                ),
            ),
            Mistake(
                "1 + cos goes from 2 to 0: halve it, else the rate starts at nearly twice the highest",
                lambda step, steps, highest, lowest: 2 * cosine_rate(step, steps, highest, lowest) - lowest,
            ),
            Mistake(
                "the rate should fall: it starts at the highest and ends at the lowest",
                lambda step, steps, highest, lowest: cosine_rate(step, steps, lowest, highest),
            ),
            Mistake(
                "the cosine spans the difference highest - lowest; with lowest on top the start is too high",
                lambda step, steps, highest, lowest: cosine_rate(step, steps, highest, 0.0) + lowest,
            ),
            Mistake(
                "this is the straight line from highest to lowest; let the cosine bend it",
                lambda step, steps, highest, lowest: highest + (lowest - highest) * min(step / steps, 1.0),
            ),
        ),
        hint="(1 + cos(pi s / S)) / 2 falls from 1 to 0; stretch it to run from highest to lowest, and mind s > S",
    ),
)
