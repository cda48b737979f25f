"""The firm: Cobb-Douglas production, and the prices that it pays in a competitive market."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class FactorPrices(NamedTuple):
    """What one unit of each factor earns in a period.

    Attributes:
        gross_return: R, units of the good at the end of the period for one unit of capital, depreciation taken off.
        wage: w, units of the good for one unit of labour.
    """

    gross_return: np.ndarray
    wage: np.ndarray


def output(
    capital: ArrayLike, labour: ArrayLike, productivity: ArrayLike, depreciation: ArrayLike, capital_share: float
) -> np.ndarray:
    """What the firm has at the end of a period: its product, and the capital that did not wear out.

    f(K, L, z) = eta(z) K^alpha L^(1-alpha) + (1 - delta(z)) K

    Args:
        capital: K > 0.
        labour: L > 0.
        productivity: eta > 0 (xi in the article).
        depreciation: delta, share of capital, from 0 to 1.
        capital_share: alpha, strictly between 0 and 1.

    Returns:
        Units of the good, in the arguments' common shape.

    Raises:
        ValueError: for an argument outside its range.

    Used in: Lab 08

    Reference: Lecture 004, "FIRMS AND MARKETS".
    """
    stock, hours, shock, wear = _checked(capital, labour, productivity, depreciation, capital_share)
    return shock * stock**capital_share * hours ** (1 - capital_share) + (1 - wear) * stock


def factor_prices(
    capital: ArrayLike, labour: ArrayLike, productivity: ArrayLike, depreciation: ArrayLike, capital_share: float
) -> FactorPrices:
    """The prices at which the firm wants all capital and labour that there are: the derivatives of `output`.

    R = alpha eta (K/L)^(alpha-1) + 1 - delta,    w = (1-alpha) eta (K/L)^alpha

    Args:
        capital: K > 0.
        labour: L > 0.
        productivity: eta > 0.
        depreciation: delta, from 0 to 1.
        capital_share: alpha, strictly between 0 and 1.

    Returns:
        R and w, each in the arguments' common shape. Capital and labour together earn all of `output`.

    Raises:
        ValueError: for an argument outside its range.

    Example:
        >>> prices = factor_prices(1.0, 1.0, productivity=1.0, depreciation=0.5, capital_share=0.3)
        >>> float(prices.gross_return), float(prices.wage)
        (0.8, 0.7)

    Used in: Lab 08

    Reference: Lecture 004, "FIRMS AND MARKETS" and "FUNCTIONAL RATIONAL EXPECTATIONS EQUILIBRIUM".
    """
    stock, hours, shock, wear = _checked(capital, labour, productivity, depreciation, capital_share)
    intensity = stock / hours
    return FactorPrices(
        capital_share * shock * intensity ** (capital_share - 1) + 1 - wear,
        (1 - capital_share) * shock * intensity**capital_share,
    )


def _checked(
    capital: ArrayLike, labour: ArrayLike, productivity: ArrayLike, depreciation: ArrayLike, capital_share: float
) -> tuple[np.ndarray, ...]:
    if not 0 < capital_share < 1:
        raise ValueError(f"capital_share={capital_share}: alpha lies strictly between 0 and 1")
    arrays = []
    for name, value in (("capital", capital), ("labour", labour), ("productivity", productivity)):
        array = np.asarray(value, dtype=np.float64)
        if not (array > 0).all():
            raise ValueError(f"{name} must be positive everywhere; its smallest value is {np.min(array)}")
        arrays.append(array)
    wear = np.asarray(depreciation, dtype=np.float64)
    if not ((wear >= 0) & (wear <= 1)).all():
        raise ValueError(f"depreciation is a share from 0 to 1, got {wear.tolist()}")
    return (*arrays, wear)
