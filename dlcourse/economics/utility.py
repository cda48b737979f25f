"""Utility of consumption with constant relative risk aversion; the logarithm is its case gamma = 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class CRRA:
    """u(c) = (c^(1-gamma) - 1) / (1 - gamma), and log c for gamma = 1.

    Args:
        risk_aversion: gamma > 0.

    Raises:
        ValueError: if gamma is not positive and finite; the methods raise it for consumption that is not positive.

    Example:
        >>> utility = CRRA(2.0)
        >>> float(utility.marginal(0.5)), float(utility.inverse_marginal(4.0))
        (4.0, 0.5)
        >>> float(CRRA(1.0)(np.e))
        1.0

    Used in: Lab 08

    Reference: Lecture 004, "HOUSEHOLDS"; Pratt (1964), Risk aversion in the small and in the large.
    """

    risk_aversion: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.risk_aversion) and self.risk_aversion > 0):
            raise ValueError(f"risk_aversion={self.risk_aversion}: gamma is a positive, finite number")

    def __call__(self, consumption: ArrayLike) -> np.ndarray:
        """u(c), in the shape of `consumption` (c > 0, units of the good)."""
        spent = _positive(consumption, "consumption")
        # expm1 keeps the digits where gamma is close to 1, at which the fraction turns into the logarithm.
        exponent = (1 - self.risk_aversion) * np.log(spent)
        return np.log(spent) if self.risk_aversion == 1 else np.expm1(exponent) / (1 - self.risk_aversion)

    def marginal(self, consumption: ArrayLike) -> np.ndarray:
        """u'(c) = c^(-gamma), in the shape of `consumption` (c > 0)."""
        return _positive(consumption, "consumption") ** -self.risk_aversion

    def inverse_marginal(self, marginal_utility: ArrayLike) -> np.ndarray:
        """The consumption at which one more unit is worth that much: u'^(-1)(m) = m^(-1/gamma), for m > 0."""
        return _positive(marginal_utility, "marginal_utility") ** (-1 / self.risk_aversion)


def _positive(value: ArrayLike, name: str) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if not (array > 0).all():
        raise ValueError(f"{name} must be positive everywhere; its smallest value is {np.min(array)}")
    return array
