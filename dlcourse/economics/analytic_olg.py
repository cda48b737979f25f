"""The economy whose equilibrium can be written down: the truth that a network is measured against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from dlcourse.economics.markov import MarkovChain
from dlcourse.economics.olg import OLGEconomy


def analytic_olg(
    cohorts: int = 6,
    capital_share: float = 0.3,
    discount: float = 0.7,
    productivity: Sequence[float] = (0.95, 1.05),
    depreciation: Sequence[float] = (0.5, 0.9),
    shocks: MarkovChain | None = None,
) -> OLGEconomy:
    """Logarithmic utility, labour in the first age alone: each age saves a fixed share of its income, whatever comes.

    Args:
        cohorts: A, at least 2.
        capital_share: alpha.
        discount: beta.
        productivity: eta in its states, all equally likely.
        depreciation: delta in its states, all equally likely and independent of eta.
        shocks: a chain of your own instead of the two; the closed form holds for any.

    Returns:
        The economy, without a borrowing limit: nobody wants debt.

    Raises:
        ValueError: for an impossible calibration.

    Example:
        >>> economy = analytic_olg()
        >>> savings_shares(economy).round(3)
        array([0.66 , 0.639, 0.605, 0.543, 0.412])

    Used in: Lab 08

    Reference: Huffman (1987), A dynamic equilibrium model of asset prices and transaction volume; Krueger and Kubler
    (2004), Computing equilibrium in OLG models with stochastic production.
    """
    if cohorts < 2:
        raise ValueError(f"cohorts={cohorts}: generations overlap from 2 on")
    if shocks is None:
        shocks = _even("depreciation", depreciation) @ _even("productivity", productivity)
    return OLGEconomy(shocks, np.eye(1, cohorts)[0], capital_share, discount, risk_aversion=1.0, borrowing_limit=None)


def savings_shares(economy: OLGEconomy) -> np.ndarray:
    """The share of its income that each age saves in equilibrium.

    a^h = beta_h income^h,   beta_h = beta (1 - beta^(A-h)) / (1 - beta^(A-h+1)),   h = 1 .. A-1

    A household with a logarithmic utility and no labour to come spends in proportion to the utility that is left to
    live: the future's share of it is (beta + ... + beta^(A-h)) / (1 + beta + ... + beta^(A-h)), which is beta_h.

    Args:
        economy: logarithmic utility, labour in the first age alone, no borrowing limit above 0.

    Returns:
        beta_h, shape (A - 1,), strictly between 0 and 1.

    Raises:
        ValueError: for an economy to which the closed form does not apply.

    Used in: Lab 08

    Reference: Krueger and Kubler (2004), section on the economy with a closed-form solution.
    """
    if economy.risk_aversion != 1:
        raise ValueError(f"the closed form needs logarithmic utility, risk_aversion=1, got {economy.risk_aversion}")
    if np.count_nonzero(economy.labour[1:]):
        raise ValueError("the closed form needs labour in the first age alone: later wages change what is saved")
    weights = economy.discount ** np.arange(economy.cohorts)
    future = np.cumsum(weights)[::-1][:-1] - 1
    return future / (1 + future)


def equilibrium_path(
    economy: OLGEconomy, shocks: ArrayLike, start: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The exact equilibrium along a path of shocks.

    Args:
        economy: one that `savings_shares` accepts.
        shocks: z_t, integers, shape (T,).
        start: k_0 by age, shape (A,), with k_0^1 = 0 and a positive sum; None starts with equal capital, 1 in all.

    Returns:
        Capital and savings: k_t, shape (T, A), and a_t, shape (T, A - 1).

    Raises:
        ValueError: for a start that is no state of this economy, or another economy.
    """
    shares = savings_shares(economy)
    states = np.asarray(shocks)
    if start is None:
        capital = np.full(economy.cohorts, 1 / (economy.cohorts - 1))
        capital[0] = 0.0
    else:
        capital = np.asarray(start, dtype=np.float64)
    if capital.shape != (economy.cohorts,) or capital[0] != 0 or not capital.sum() > 0:
        raise ValueError(
            f"start={capital.tolist()}: {economy.cohorts} ages, the newborn with 0, and together more than 0"
        )
    capitals = np.empty((len(states), economy.cohorts))
    savings = np.empty((len(states), economy.cohorts - 1))
    for period, shock in enumerate(states):
        capitals[period] = capital
        savings[period] = shares * economy.income(shock, capital)[:-1]
        capital = economy.next_capital(savings[period])
    return capitals, savings


def _even(name: str, values: Sequence[float]) -> MarkovChain:
    count = len(values)
    return MarkovChain(np.full((count, count), 1 / count), {name: values})
