"""Gradient descent that keeps a record: batch, stochastic and mini-batch, on any differentiable objective.

Used in: Lab 01

Reference: Lecture 004, "Gradient descent algorithm", "Stochastic gradient descent" and "Mini-batches while training".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlcourse.foundations._arrays import FloatArray, as_float
from dlcourse.foundations.objectives import FiniteSum, Objective
from dlcourse.foundations.optimizers import Optimizer, get_optimizer

Function = Callable[[FloatArray], ArrayLike]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Where a descent has been. Row t of each array is the state after t steps; row 0 is the start.

    A descent that runs off to infinity is no error here, but something to look at: the record ends at the last point
    where the value and the gradient were finite, and `diverged_at` names the step that left it.

    Args:
        parameters: theta, shape (steps + 1, d).
        values: J(theta), shape (steps + 1,).
        gradient_norms: Euclidean norm of the full gradient of J, shape (steps + 1,).
        sample_gradients: How many gradients of single samples the steps so far have used, shape (steps + 1,), integers.
            A step on an objective that is not a sum counts as one.
        converged: Whether the gradient's norm came down to the tolerance.
        diverged_at: The number of the step that met NaN or infinity, counted from 1; None if none did.

    Example:
        >>> from dlcourse.foundations.objectives import QuadraticBowl
        >>> path = gradient_descent(QuadraticBowl((1.0,)), [8.0], "gradient_descent", steps=3, learning_rate=0.5)
        >>> path.parameters[:, 0], path.values[-1].item()
        (array([8., 4., 2., 1.]), 0.5)

    Used in: Lab 01

    Reference: Lecture 004, "Gradient descent in weight space".
    """

    parameters: NDArray[np.float64]
    values: NDArray[np.float64]
    gradient_norms: NDArray[np.float64]
    sample_gradients: NDArray[np.int64]
    converged: bool = False
    diverged_at: int | None = None

    @property
    def steps(self) -> int:
        """The number of steps on record."""
        return len(self.values) - 1

    @property
    def diverged(self) -> bool:
        """Whether the descent met NaN or infinity."""
        return self.diverged_at is not None

    @property
    def message(self) -> str:
        """How the descent ended, in a sentence."""
        if self.diverged:
            return f"diverged at step {self.diverged_at}: the value or the gradient is no longer finite"
        if self.converged:
            return f"converged after {self.steps} steps: gradient norm {self.gradient_norms[-1]:.3g}"
        return f"stopped after {self.steps} steps: gradient norm {self.gradient_norms[-1]:.3g}"


def gradient_descent(
    objective: Objective | tuple[Function, Function],
    start: ArrayLike,
    optimizer: str | Optimizer,
    steps: int,
    tolerance: float = 0.0,
    **settings: float,
) -> Trajectory:
    """Descend along the full ("batch") gradient, and record every point.

    For plain descent each step is  theta <- theta - eta grad J(theta).

    Args:
        objective: What to minimise: an object with `value(theta)` and `gradient(theta)`, or the pair of functions
            (value, gradient). Both are called with theta of shape (d,).
        start: theta at step 0, shape (d,), finite.
        optimizer: An `Optimizer`, which is reset first, or the name of one.
        steps: How many steps to take at most; >= 0.
        tolerance: Stop as soon as the gradient's norm is this small; >= 0. With 0 only a gradient of exactly 0 stops.
        **settings: With an optimizer's name, its settings, such as `learning_rate`.

    Returns:
        The `Trajectory`. It is shorter than asked for if the descent converged or diverged.

    Raises:
        TypeError: If `objective` is neither of the two forms.
        ValueError: If `start`, `steps` or `tolerance` is out of its range, the gradient has the wrong shape, or value
            or gradient is not finite at the start.

    Example:
        >>> parabola = (lambda w: (w[0] - 3) ** 2, lambda w: 2 * (w - 3))
        >>> path = gradient_descent(parabola, [0.0], "gradient_descent", 100, tolerance=1e-6, learning_rate=0.25)
        >>> path.message
        'converged after 23 steps: gradient norm 7.15e-07'

    Used in: Lab 01

    Reference: Lecture 004, "Gradient descent algorithm".
    """
    value, gradient = _as_pair(objective)
    optimizer = _fresh(optimizer, settings)
    theta = _as_start(start)
    _check_count("steps", steps, minimum=0)
    step_gradients = ((gradient, getattr(objective, "n_samples", 1)) for _ in range(steps))
    return _descend(value, gradient, theta, optimizer, step_gradients, tolerance)


def stochastic_gradient_descent(
    objective: FiniteSum,
    start: ArrayLike,
    optimizer: str | Optimizer,
    epochs: int,
    batch_size: int | None = 1,
    seed: int = 0,
    tolerance: float = 0.0,
    **settings: float,
) -> Trajectory:
    """Descend on J = sum_i J_i along gradients of a few samples at a time, and record every point.

    Each epoch deals the n samples out in random order, B at a time. A step uses

        g = n / B  sum_(i in batch) grad J_i(theta),

    whose mean over the batches is grad J, so that one learning rate serves all batch sizes and `batch_size=None` is
    `gradient_descent`. (The slides divide by B alone, as their J is the mean over the samples and not the sum.)

    The record holds the full objective and its full gradient at every point. They serve the pictures, not the steps; a
    real run would not pay for them, and `sample_gradients` does not count them.

    Args:
        objective: A sum over samples, with `value`, `gradient`, `n_samples` and `sample_gradient(theta, indices)`.
        start: theta at step 0, shape (d,), finite.
        optimizer: An `Optimizer`, which is reset first, or the name of one.
        epochs: How many passes over all samples; >= 0.
        batch_size: B, from 1 (stochastic) to n; None for all n (batch). The last batch of an epoch may be smaller.
        seed: Seed of the random order.
        tolerance: Stop as soon as the full gradient's norm is this small; >= 0.
        **settings: With an optimizer's name, its settings, such as `learning_rate`.

    Returns:
        The `Trajectory`, a row for each step. It is shorter than asked for if the descent converged or diverged.

    Raises:
        TypeError: If `objective` is not a sum over samples.
        ValueError: If `start`, `epochs`, `batch_size` or `tolerance` is out of its range, a gradient has the wrong
            shape, or value or gradient is not finite at the start.

    Example:
        >>> from dlcourse.foundations.objectives import HousingRegression
        >>> housing = HousingRegression()
        >>> path = stochastic_gradient_descent(
        ...     housing, [0.0, 0.0], "gradient_descent", epochs=2, batch_size=2, learning_rate=0.1
        ... )
        >>> path.sample_gradients
        array([ 0,  2,  4,  5,  7,  9, 10])

    Used in: Lab 01

    Reference: Lecture 004, "Stochastic gradient descent" and "Mini-batches while training".
    """
    if not isinstance(objective, FiniteSum):
        raise TypeError(
            "objective must have value, gradient, n_samples and sample_gradient, as HousingRegression does; "
            f"got {type(objective).__name__}. Without samples, use gradient_descent."
        )
    n = objective.n_samples
    batch_size = n if batch_size is None else batch_size
    optimizer = _fresh(optimizer, settings)
    theta = _as_start(start)
    _check_count("epochs", epochs, minimum=0)
    _check_count("batch_size", batch_size, minimum=1, maximum=n)
    batches = _deal(n, epochs, batch_size, np.random.default_rng(seed))
    step_gradients = ((_batch_gradient(objective, batch), len(batch)) for batch in batches)
    return _descend(objective.value, objective.gradient, theta, optimizer, step_gradients, tolerance)


def _deal(n: int, epochs: int, batch_size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    for _ in range(epochs):
        order = rng.permutation(n)
        for first in range(0, n, batch_size):
            yield order[first : first + batch_size]


def _batch_gradient(objective: FiniteSum, batch: NDArray[np.int64]) -> Function:
    return lambda theta: objective.sample_gradient(theta, batch).mean(axis=0) * objective.n_samples


def _descend(
    value: Function,
    gradient: Function,
    theta: NDArray[np.float64],
    optimizer: Optimizer,
    step_gradients: Iterator[tuple[Function, int]],
    tolerance: float,
) -> Trajectory:
    """Take a step along each of the given gradients, each with the number of samples that it costs."""
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be zero or positive; got {tolerance!r}.")
    points, values, norms, costs = [], [], [], [0]
    diverged_at = None
    # Overflow is expected of a descent that diverges; it is caught below by looking at the numbers.
    with np.errstate(over="ignore", invalid="ignore"):
        while True:
            value_here, norm_here = float(np.asarray(value(theta))), float(np.linalg.norm(_at(gradient, theta)))
            if not (np.isfinite(value_here) and np.isfinite(norm_here)):
                diverged_at = len(points)
                break
            points.append(theta.copy())
            values.append(value_here)
            norms.append(norm_here)
            if norm_here <= tolerance:
                break
            step_gradient, cost = next(step_gradients, (None, 0))
            if step_gradient is None:
                break
            optimizer.step(theta, _at(step_gradient, theta))
            costs.append(costs[-1] + cost)
    if not points:
        raise ValueError(f"value or gradient is not finite at the start, {theta}; start elsewhere.")
    return Trajectory(
        parameters=np.array(points),
        values=np.array(values),
        gradient_norms=np.array(norms),
        sample_gradients=np.array(costs[: len(points)], dtype=np.int64),
        converged=norms[-1] <= tolerance,
        diverged_at=diverged_at,
    )


def _at(gradient: Function, theta: NDArray[np.float64]) -> NDArray[np.float64]:
    # A copy each way, so that neither the caller's function nor the optimizer can change what the other holds.
    result = np.array(gradient(theta.copy()), dtype=np.float64)
    if result.shape != theta.shape:
        raise ValueError(f"the gradient must have the shape of the parameters, {theta.shape}; got {result.shape}.")
    return result


def _as_pair(objective: Objective | tuple[Function, Function]) -> tuple[Function, Function]:
    if isinstance(objective, Objective):
        return objective.value, objective.gradient
    if isinstance(objective, tuple) and len(objective) == 2 and all(map(callable, objective)):
        return objective
    raise TypeError(
        "objective must be an object with the methods value and gradient, or a tuple of two functions "
        f"(value, gradient); got {objective!r}."
    )


def _fresh(optimizer: str | Optimizer, settings: dict[str, float]) -> Optimizer:
    optimizer = get_optimizer(optimizer, **settings)
    optimizer.reset()
    return optimizer


def _as_start(start: ArrayLike) -> NDArray[np.float64]:
    theta = as_float(start, "start").astype(np.float64)
    if theta.ndim != 1 or not theta.size or not np.isfinite(theta).all():
        raise ValueError(f"start must be a list of finite numbers, shape (d,); got {start!r}.")
    return theta


def _check_count(name: str, count: int, minimum: int, maximum: int | None = None) -> None:
    if not isinstance(count, Integral) or count < minimum or (maximum is not None and count > maximum):
        upper = "" if maximum is None else f" and <= {maximum}"
        raise ValueError(f"{name} must be an integer >= {minimum}{upper}; got {count!r}.")
