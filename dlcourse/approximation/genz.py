"""Genz's six families of test functions on the unit cube, their exact integrals, and points to sample them at.

Each family has one difficulty (waves, a peak, a kink, a jump) in any number of dimensions, which makes it a
good place to watch a network learn, and to watch it fail.

Used in: Lab 03b

Reference: Genz (1987), "A package for testing multiple integration subroutines"; Barthelmann, Novak and Ritter
(2000); lecture 004, "ACTION REQUIRED", Thursday.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, exprel, gammaln
from scipy.stats import qmc

from dlcourse.arguments import check_count, check_name

Floats = NDArray[np.float64]

# Sum of the c_i for each family; None stands for "the dimension".
DIFFICULTY = MappingProxyType(
    {
        "oscillatory": 1.5,
        "product_peak": None,
        "corner_peak": 1.85,
        "gaussian": 7.03,
        "continuous": 20.4,
        "discontinuous": 4.3,
    }
)
FAMILIES: tuple[str, ...] = tuple(DIFFICULTY)
SCHEMES = ("uniform", "sobol", "latin_hypercube")


@dataclass(frozen=True, eq=False)
class GenzFunction:
    """One test function: a family, and the parameters that set how hard it is and where it is hard.

    oscillatory    f1(x) = cos(2 pi w_1 + sum_i c_i x_i)
    product_peak   f2(x) = prod_i 1 / (c_i^-2 + (x_i - w_i)^2)
    corner_peak    f3(x) = (1 + sum_i c_i x_i)^-(d + 1)
    gaussian       f4(x) = exp(-sum_i c_i^2 (x_i - w_i)^2)
    continuous     f5(x) = exp(-sum_i c_i |x_i - w_i|)
    discontinuous  f6(x) = 0 if x_1 > w_1 or x_2 > w_2, else exp(sum_i c_i x_i)

    In one dimension f6 has only the condition on x_1. Where c_i is 0, f2 takes its limit, 0.

    Args:
        family: One of `FAMILIES`.
        dimension: d in the slides; an integer of at least 1.
        c: Difficulty of each coordinate, shape (d,), finite, >= 0: larger means faster waves or sharper peaks.
        w: Place of each coordinate's peak, kink or jump, shape (d,), finite.

    Raises:
        TypeError: If `family` is no string, `dimension` no integer, or `c` or `w` hold no real numbers.
        ValueError: If the family is unknown, or a shape or a value is out of its range.

    Example:
        >>> f = GenzFunction("gaussian", 2, c=[1.0, 2.0], w=[0.5, 0.5])
        >>> f(np.array([[0.5, 0.5], [0.0, 0.5]])).round(4)
        array([1.    , 0.7788])
        >>> round(f.integral(), 4)
        0.689

    Used in: Lab 03b

    Reference: Genz (1987); lecture 004, "ACTION REQUIRED", Thursday.
    """

    family: str
    dimension: int
    c: Floats
    w: Floats

    def __post_init__(self) -> None:
        check_name("family", self.family, FAMILIES)
        object.__setattr__(self, "dimension", check_count("dimension", self.dimension))
        for name in ("c", "w"):
            object.__setattr__(self, name, _parameter(name, getattr(self, name), self.dimension))
        if (self.c < 0).any():
            raise ValueError(f"c must not be negative; got {self.c.min():g}. Its signs are no part of the families.")

    @classmethod
    def random(cls, family: str, dimension: int, seed: int) -> GenzFunction:
        """Draws one function of a family as the slides do.

        c and w are uniform on [0, 1], then scaled: sum_i c_i = b_j (1.5, d, 1.85, 7.03, 20.4 and 4.3 for
        j = 1, ..., 6) and sum_i w_i = 1. In one dimension that leaves nothing to chance: every seed gives the same one.

        Args:
            family: One of `FAMILIES`.
            dimension: d in the slides; an integer of at least 1.
            seed: Integer >= 0; the same seed gives the same function.

        Returns:
            The function.

        Raises:
            TypeError: If `family` is no string, or `dimension` or `seed` no integer.
            ValueError: If the family is unknown, or a number is out of its range.

        Example:
            >>> f = GenzFunction.random("continuous", 5, seed=0)
            >>> f.c.sum().round(6).item(), f.w.sum().round(6).item()
            (20.4, 1.0)

        Used in: Lab 03b

        Reference: Lecture 004, "ACTION REQUIRED", Thursday (table of b_j).
        """
        check_name("family", family, FAMILIES)
        dimension = check_count("dimension", dimension)
        # The family is part of the stream: the six functions of one seed do not share their parameters.
        rng = np.random.default_rng([check_count("seed", seed, minimum=0), FAMILIES.index(family)])
        c, w = rng.random(dimension), rng.random(dimension)
        total = DIFFICULTY[family] or dimension
        return cls(family, dimension, c=total * (c / c.sum()), w=w / w.sum())

    def __call__(self, x: ArrayLike) -> Floats:
        """The function's values at n points of the unit cube.

        Args:
            x: Points, shape (n, d), real numbers in [0, 1].

        Returns:
            Values, shape (n,), float64.

        Raises:
            TypeError: If `x` does not hold real numbers.
            ValueError: If its shape is not (n, d), or a value is not finite or lies outside [0, 1].
        """
        formula, _ = _FORMULAS[self.family]
        return formula(_points(x, self.dimension), self.c, self.w)

    def integral(self) -> float:
        """The exact integral over [0, 1]^d, to rounding.

        Five families are products of one-dimensional closed forms. The corner peak has one as well, a sum over the 2^d
        corners with alternating signs, but that loses all its digits for a small c_i; see `_corner_peak_integral`.

        Returns:
            The integral.

        Example:
            >>> round(GenzFunction("oscillatory", 1, c=[1.0], w=[0.0]).integral(), 6)  # sin(1)
            0.841471
        """
        _, formula = _FORMULAS[self.family]
        return float(formula(self.c, self.w))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GenzFunction):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return self.family, self.dimension, tuple(self.c), tuple(self.w)


def sample(n: int, dimension: int, scheme: str = "uniform", seed: int = 0) -> Floats:
    """Draws n points from the unit cube.

    Args:
        n: Number of points, at least 1.
        dimension: d in the slides, at least 1.
        scheme: "uniform" (independent points, as in the slides), "sobol" (scrambled Sobol points, which leave fewer
            gaps) or "latin_hypercube" (one point in each of n slices along every axis).
        seed: Integer >= 0; the same seed gives the same points.

    Returns:
        Points, shape (n, d), float64, in [0, 1).

    Raises:
        TypeError: If a number is no integer, or `scheme` no string.
        ValueError: If a number is out of its range or the scheme is unknown.

    Example:
        >>> sample(4, 2, "latin_hypercube", seed=0).shape
        (4, 2)

    Used in: Lab 03b

    Reference: Sobol (1967); McKay, Beckman and Conover (1979); lecture 004, "ACTION REQUIRED", Thursday.
    """
    n, dimension = check_count("n", n), check_count("dimension", dimension)
    check_name("scheme", scheme, SCHEMES)
    rng = np.random.default_rng(check_count("seed", seed, minimum=0))
    if scheme == "uniform":
        return rng.random((n, dimension))
    engine = qmc.Sobol if scheme == "sobol" else qmc.LatinHypercube
    # SciPy renamed the argument in 1.15, and the course runs on both sides of that.
    points = engine(dimension, **{"rng" if "rng" in signature(engine).parameters else "seed": rng})
    if scheme == "sobol":
        # The first n points of a sequence that is drawn up to a power of two, the only lengths it is balanced at.
        return points.random_base2((n - 1).bit_length())[:n]
    return points.random(n)


def _parameter(name: str, values: ArrayLike, dimension: int) -> Floats:
    array = np.array(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}. Give a list of floats.")
    if array.shape != (dimension,):
        raise ValueError(f"{name} must have shape ({dimension},), one number a dimension; got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got {array}.")
    array = array.astype(np.float64)
    array.flags.writeable = False
    return array


def _points(x: ArrayLike, dimension: int) -> Floats:
    points = np.asarray(x)
    if points.dtype.kind not in "iuf":
        raise TypeError(f"x must hold real numbers, got dtype {points.dtype}. Convert it with x.astype(float).")
    if points.ndim != 2 or points.shape[1] != dimension:
        hint = " Use x.reshape(1, -1) for a single point." if points.shape == (dimension,) else ""
        raise ValueError(f"x must have shape (n, {dimension}), got {points.shape}.{hint}")
    if not np.isfinite(points).all():
        row = int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])
        raise ValueError(f"x must be finite; row {row} is {points[row]}. Drop or repair such rows.")
    outside = ((points < 0) | (points > 1)).any(axis=1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise ValueError(f"x must lie in [0, 1]^{dimension}; row {row} is {points[row]}. Rescale the inputs first.")
    return points.astype(np.float64, copy=False)


def _oscillatory(x: Floats, c: Floats, w: Floats) -> Floats:
    return np.cos(2 * np.pi * w[0] + x @ c)


def _product_peak(x: Floats, c: Floats, w: Floats) -> Floats:
    # Numerator and denominator times c^2, so that c = 0 needs no division.
    return np.prod(c**2 / (1 + (c * (x - w)) ** 2), axis=1)


def _corner_peak(x: Floats, c: Floats, w: Floats) -> Floats:
    return (1 + x @ c) ** -(len(c) + 1.0)


def _gaussian(x: Floats, c: Floats, w: Floats) -> Floats:
    return np.exp(-((x - w) ** 2) @ c**2)


def _continuous(x: Floats, c: Floats, w: Floats) -> Floats:
    return np.exp(-np.abs(x - w) @ c)


def _discontinuous(x: Floats, c: Floats, w: Floats) -> Floats:
    return np.where((x[:, :2] > w[:2]).any(axis=1), 0.0, np.exp(x @ c))


def _oscillatory_integral(c: Floats, w: Floats) -> float:
    # The cosine is the real part of a product of complex exponentials, and each factor integrates to
    # exp(i c / 2) sin(c / 2) / (c / 2).
    return np.cos(2 * np.pi * w[0] + c.sum() / 2) * np.prod(np.sinc(c / (2 * np.pi)))


def _product_peak_integral(c: Floats, w: Floats) -> float:
    return np.prod(c * (np.arctan(c * (1 - w)) + np.arctan(c * w)))


def _corner_peak_integral(c: Floats, w: Floats) -> float:
    # With (1 + s)^-(d + 1) = 1/d! times the integral of t^d exp(-t (1 + s)) over t > 0, the cube splits into factors
    # exprel(-c_i t) = (1 - exp(-c_i t)) / (c_i t). All terms are positive, so nothing cancels. In log t the integrand
    # is analytic and dies out at both ends, where the trapezoidal rule converges exponentially: a step of 0.1 is
    # already at rounding.
    d = len(c)
    low, high = -np.log1p(c.sum()) - 45 / (d + 1), np.log(d + 60 + 10 * np.sqrt(d))
    steps = int(np.ceil((high - low) / 0.1))
    log_t, spacing = np.linspace(low, high, steps + 1, retstep=True)
    t = np.exp(log_t)
    log_factors = np.log(exprel(-np.outer(t, c))).sum(axis=1)
    return np.exp((d + 1) * log_t - t - gammaln(d + 1) + log_factors).sum() * spacing


def _gaussian_integral(c: Floats, w: Floats) -> float:
    def from_peak(length: Floats) -> Floats:
        # Integral of exp(-(c u)^2) from 0 to `length`, of either sign; erf(z) / z tends to 2 / sqrt(pi) as z does to 0.
        z = c * length
        tiny = np.abs(z) < 1e-9
        return length * np.where(tiny, 1.0, np.sqrt(np.pi) / 2 * erf(z) / np.where(tiny, 1.0, z))

    return np.prod(from_peak(1 - w) + from_peak(w))


def _continuous_integral(c: Floats, w: Floats) -> float:
    def from_kink(length: Floats) -> Floats:
        # Integral of exp(-c |u|) from 0 to `length`, of either sign.
        return length * exprel(-c * np.abs(length))

    return np.prod(from_kink(1 - w) + from_kink(w))


def _discontinuous_integral(c: Floats, w: Floats) -> float:
    end = np.ones_like(c)
    end[:2] = np.clip(w[:2], 0, 1)
    return np.prod(end * exprel(c * end))


_FORMULAS: MappingProxyType[str, tuple[Callable[..., Floats], Callable[..., float]]] = MappingProxyType(
    {
        "oscillatory": (_oscillatory, _oscillatory_integral),
        "product_peak": (_product_peak, _product_peak_integral),
        "corner_peak": (_corner_peak, _corner_peak_integral),
        "gaussian": (_gaussian, _gaussian_integral),
        "continuous": (_continuous, _continuous_integral),
        "discontinuous": (_discontinuous, _discontinuous_integral),
    }
)
