"""Objectives to descend on: three test surfaces with a known minimum, and the slides' housing regression.

Each has `value(theta)`, `gradient(theta)`, `minimum` and `bounds` (a window for a picture: a (low, high) pair for each
parameter). Parameters theta have shape (..., d), so that one call draws a whole surface.

Used in: Lab 01

Reference: Lecture 004, "Descent methods in general" and "Building an ML algorithm".
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlcourse.foundations._arrays import FloatArray, as_float

Bounds = tuple[tuple[float, float], ...]


@runtime_checkable
class Objective(Protocol):
    """A differentiable function J of d parameters: all that `gradient_descent` needs.

    Example:
        >>> isinstance(Beale(), Objective)
        True

    Used in: Lab 01

    Reference: Lecture 004, "Descent methods in general".
    """

    def value(self, theta: ArrayLike) -> FloatArray:
        """J(theta), shape (...) for theta of shape (..., d)."""

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """The partial derivatives of J at theta, shape (..., d)."""


@runtime_checkable
class FiniteSum(Objective, Protocol):
    """An objective that adds up over samples, J = sum_i J_i: what `stochastic_gradient_descent` needs.

    Example:
        >>> isinstance(HousingRegression(), FiniteSum), isinstance(Beale(), FiniteSum)
        (True, False)

    Used in: Lab 01

    Reference: Lecture 004, "Stochastic gradient descent".
    """

    n_samples: int

    def sample_gradient(self, theta: ArrayLike, indices: ArrayLike) -> FloatArray:
        """The gradients of the J_i at one theta, shape (len(indices), d)."""


def _check_theta(theta: ArrayLike, d: int) -> FloatArray:
    theta = as_float(theta, "theta")
    if theta.ndim == 0 or theta.shape[-1] != d:
        raise ValueError(f"theta must have shape (..., {d}), the parameters last; got {theta.shape}.")
    return theta


@dataclass(frozen=True)
class QuadraticBowl:
    """The simplest minimum: a bowl, round or stretched.

    J(theta) = 1/2 sum_i c_i theta_i^2

    Plain descent multiplies theta_i by (1 - eta c_i) at each step. So it converges for eta < 2 / max(c), and the
    flattest direction sets the pace: the larger max(c) / min(c), the slower.

    Args:
        curvatures: c, one positive number for each parameter.

    Raises:
        ValueError: If there is no curvature, or one is not positive and finite.

    Example:
        >>> bowl = QuadraticBowl(curvatures=(1.0, 10.0))
        >>> bowl.value([2.0, 1.0]).item(), bowl.gradient([2.0, 1.0])
        (7.0, array([ 2., 10.]))

    Used in: Lab 01

    Reference: Lecture 004, "Setting the learning rate".
    """

    curvatures: tuple[float, ...] = (1.0, 10.0)

    def __post_init__(self) -> None:
        curvatures = np.asarray(self.curvatures, dtype=float)
        if curvatures.ndim != 1 or not curvatures.size or not (np.isfinite(curvatures) & (curvatures > 0)).all():
            raise ValueError(f"curvatures must be positive, finite numbers, one a parameter; got {self.curvatures!r}.")
        object.__setattr__(self, "curvatures", tuple(curvatures.tolist()))

    def value(self, theta: ArrayLike) -> FloatArray:
        """J(theta), shape (...) for theta of shape (..., d)."""
        return 0.5 * (np.asarray(self.curvatures) * _check_theta(theta, len(self.curvatures)) ** 2).sum(axis=-1)

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """c_i theta_i, shape (..., d)."""
        return np.asarray(self.curvatures) * _check_theta(theta, len(self.curvatures))

    @property
    def minimum(self) -> NDArray[np.float64]:
        """The origin, shape (d,)."""
        return np.zeros(len(self.curvatures))

    @property
    def bounds(self) -> Bounds:
        """(-5, 5) for each parameter."""
        return ((-5.0, 5.0),) * len(self.curvatures)


@dataclass(frozen=True)
class Rosenbrock:
    """A curved, narrow valley: easy to enter, slow to follow to its end.

    J(x, y) = (a - x)^2 + b (y - x^2)^2

    Args:
        a: Where the minimum is: at (a, a^2).
        b: How steep the valley's walls are; positive.

    Raises:
        ValueError: If `b` is not positive and finite, or `a` not finite.

    Example:
        >>> Rosenbrock().value([[1.0, 1.0], [0.0, 0.0]])
        array([0., 1.])

    Used in: Lab 01

    Reference: Rosenbrock (1960), "An automatic method for finding the greatest or least value of a function"; lecture
        004, "Loss function: can be difficult to optimize".
    """

    a: float = 1.0
    b: float = 100.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.a) and np.isfinite(self.b) and self.b > 0):
            raise ValueError(f"a must be finite, b positive and finite; got a={self.a!r}, b={self.b!r}.")

    def value(self, theta: ArrayLike) -> FloatArray:
        """J(theta), shape (...) for theta of shape (..., 2)."""
        x, y = np.moveaxis(_check_theta(theta, 2), -1, 0)
        return (self.a - x) ** 2 + self.b * (y - x**2) ** 2

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """(dJ/dx, dJ/dy), shape (..., 2)."""
        x, y = np.moveaxis(_check_theta(theta, 2), -1, 0)
        above_valley = y - x**2
        return np.stack([-2 * (self.a - x) - 4 * self.b * x * above_valley, 2 * self.b * above_valley], axis=-1)

    @property
    def minimum(self) -> NDArray[np.float64]:
        """(a, a^2), where J is 0."""
        return np.array([self.a, self.a**2])

    @property
    def bounds(self) -> Bounds:
        """A window that holds the bend of the valley and the minimum."""
        width = max(1.0, abs(self.a))
        return ((-2 * width, 2 * width), (-(width**2), 3 * width**2))


@dataclass(frozen=True)
class Beale:
    """A wide plain with steep corners and one shallow minimum.

    J(x, y) = sum_k (c_k - x + x y^k)^2,  k = 1, 2, 3,  c = (1.5, 2.25, 2.625)

    Example:
        >>> Beale().value([[3.0, 0.5], [0.0, 0.0]])
        array([ 0.        , 14.203125])

    Used in: Lab 01

    Reference: Beale (1958), "On an iterative method for finding a local minimum of a function of more than one
        variable"; lecture 004, "Loss function: can be difficult to optimize".
    """

    def value(self, theta: ArrayLike) -> FloatArray:
        """J(theta), shape (...) for theta of shape (..., 2)."""
        x, y = np.moveaxis(_check_theta(theta, 2), -1, 0)
        return sum((c - x + x * y**k) ** 2 for k, c in self._terms)

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """(dJ/dx, dJ/dy), shape (..., 2)."""
        x, y = np.moveaxis(_check_theta(theta, 2), -1, 0)
        residuals = [c - x + x * y**k for k, c in self._terms]
        dx = sum(2 * r * (y**k - 1) for r, (k, _) in zip(residuals, self._terms, strict=True))
        dy = sum(2 * r * k * x * y ** (k - 1) for r, (k, _) in zip(residuals, self._terms, strict=True))
        return np.stack([dx, dy], axis=-1)

    @property
    def _terms(self) -> tuple[tuple[int, float], ...]:
        return (1, 1.5), (2, 2.25), (3, 2.625)

    @property
    def minimum(self) -> NDArray[np.float64]:
        """(3, 1/2), where J is 0."""
        return np.array([3.0, 0.5])

    @property
    def bounds(self) -> Bounds:
        """The square on which the function is usually drawn."""
        return ((-4.5, 4.5), (-4.5, 4.5))


@dataclass(frozen=True, eq=False)
class HousingRegression:
    """The slides' first model: the price of a house from its living area, by a straight line.

    h_theta(x) = theta_0 + theta_1 x,  J(theta) = 1/2 sum_i (h_theta(x_i) - y_i)^2

    The areas are in the thousands while the intercept's input is 1, so J over raw areas is a bowl whose curvatures
    differ by a factor of 70 million, and descent on it crawls. Standardised areas (mean 0, standard deviation 1) make
    both curvatures m.

    Args:
        standardize: Whether x is the standardised area; then theta_1 is the price of one standard deviation of area.
        areas: Living areas in square feet, at least two different ones; the slides' five houses by default.
        prices: Prices in 1000 dollars, as many.

    Raises:
        ValueError: If areas and prices differ in length, hold a NaN or infinity, or all areas are equal.

    Example:
        >>> housing = HousingRegression(standardize=False)
        >>> housing.minimum.round(4)
        array([26.7899,  0.1651])
        >>> housing.sample_gradient(theta=[0.0, 0.0], indices=[3]).tolist()
        [[-232.0, -328512.0]]

    Used in: Lab 01

    Reference: Lecture 004, "Building an ML algorithm", parts II to IV.
    """

    standardize: bool = True
    areas: ArrayLike = (2104.0, 1600.0, 2400.0, 1416.0, 3000.0)
    prices: ArrayLike = (400.0, 330.0, 369.0, 232.0, 540.0)

    def __post_init__(self) -> None:
        areas, prices = np.array(self.areas, dtype=float), np.array(self.prices, dtype=float)
        if areas.ndim != 1 or areas.shape != prices.shape:
            raise ValueError(f"areas and prices must be two lists of one length; got {areas.shape} and {prices.shape}.")
        if not (np.isfinite(areas).all() and np.isfinite(prices).all()):
            raise ValueError("areas and prices must be finite; got NaN or infinity. Leave those houses out.")
        if areas.size < 2 or np.ptp(areas) == 0:
            raise ValueError(f"a line needs at least two different areas; got {areas.tolist()}.")
        for name, array in (("areas", areas), ("prices", prices)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def n_samples(self) -> int:
        """The number of houses, m in the slides."""
        return len(self.areas)

    @cached_property
    def inputs(self) -> NDArray[np.float64]:
        """x: the areas, standardised if so chosen; shape (m,)."""
        if not self.standardize:
            return self.areas
        inputs = (self.areas - self.areas.mean()) / self.areas.std()
        inputs.flags.writeable = False
        return inputs

    def predict(self, theta: ArrayLike) -> FloatArray:
        """h_theta(x), the prices that the line gives to the houses, shape (..., m) for theta of shape (..., 2)."""
        theta = _check_theta(theta, 2)
        return theta[..., :1] + theta[..., 1:] * self.inputs

    def value(self, theta: ArrayLike) -> FloatArray:
        """J(theta), shape (...) for theta of shape (..., 2)."""
        return 0.5 * ((self.predict(theta) - self.prices) ** 2).sum(axis=-1)

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """(sum_i r_i, sum_i r_i x_i) with r = h_theta(x) - y, shape (..., 2)."""
        residuals = self.predict(theta) - self.prices
        return np.stack([residuals.sum(axis=-1), residuals @ self.inputs], axis=-1)

    def sample_gradient(self, theta: ArrayLike, indices: ArrayLike) -> FloatArray:
        """The gradient of each chosen house's own J_i = 1/2 (h_theta(x_i) - y_i)^2, at one theta.

        Args:
            theta: Shape (2,).
            indices: Which houses, integers, shape (B,).

        Returns:
            Array of shape (B, 2). Over all houses the rows add up to `gradient(theta)`.
        """
        theta = _check_theta(theta, 2)
        x = self.inputs[indices]
        residuals = theta[0] + theta[1] * x - self.prices[indices]
        return np.stack([residuals, residuals * x], axis=-1)

    @property
    def minimum(self) -> NDArray[np.float64]:
        """The least-squares line (theta_0, theta_1), exactly: no descent needed for so small a problem."""
        design = np.stack([np.ones(self.n_samples), self.inputs], axis=-1)
        return np.linalg.lstsq(design, self.prices, rcond=None)[0]

    @property
    def bounds(self) -> Bounds:
        """A window around the minimum that also holds theta = 0."""
        # The root mean square of its input is what a parameter is worth in price. One width in price for both makes a
        # round bowl look round.
        scale = np.array([1.0, np.sqrt(np.mean(self.inputs**2))])
        reach = 1.2 * np.abs(self.minimum * scale).max() / scale
        return tuple(zip((self.minimum - reach).tolist(), (self.minimum + reach).tolist(), strict=True))
