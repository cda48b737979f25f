"""The slides' benchmark economy: sixty cohorts, a life of work, a limit on debt. It has no closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dlcourse.economics.markov import MarkovChain
from dlcourse.economics.olg import OLGEconomy


def benchmark_olg(
    cohorts: int = 60,
    borrowing_limit: float = 0.0,
    *,
    capital_share: float = 0.3,
    discount: float | None = None,
    risk_aversion: float = 2.0,
    labour: ArrayLike | None = None,
    shocks: MarkovChain | None = None,
) -> OLGEconomy:
    """The lecture's economy, at 60 cohorts or any other number.

    With A = 60 a period is a year. With fewer or more cohorts the same adult life is cut into A periods: the labour
    profile keeps its shape, and a period's discount factor is .95^(60/A).

    Args:
        cohorts: A, at least 3 (N in the slides).
        borrowing_limit: least savings, 0 or below; the slides show 0 and -1.
        capital_share: alpha.
        discount: beta of one period; None for .95^(60/A).
        risk_aversion: gamma.
        labour: l^h by age, shape (A,); None for the slides' profile.
        shocks: chain of z; None for the slides' four states.

    Returns:
        The economy.

    Raises:
        ValueError: for an impossible calibration; the message says what cannot be.

    Example:
        >>> economy = benchmark_olg()
        >>> economy.cohorts, round(economy.total_labour, 2), economy.shocks.transition[0].tolist()
        (60, 65.45, [0.49, 0.49, 0.01, 0.01])

    Used in: Lab 08

    Reference: Lecture 004, "BENCHMARK OLG MODEL AS EXAMPLE" to "FIRMS AND MARKETS"; Azinovic, Gaegauf and Scheidegger
    (2019), Deep equilibrium nets, working paper.
    """
    if cohorts < 3:
        raise ValueError(f"cohorts={cohorts}: a life of youth, work and old age takes at least 3")
    profile = labour_profile(cohorts) if labour is None else np.asarray(labour, dtype=np.float64)
    if profile.shape != (cohorts,):
        raise ValueError(f"labour has shape {profile.shape}: one number for each of the {cohorts} cohorts")
    beta = 0.95 ** (60 / cohorts) if discount is None else discount
    chain = benchmark_shocks() if shocks is None else shocks
    return OLGEconomy(chain, profile, capital_share, beta, risk_aversion, borrowing_limit)


def labour_profile(cohorts: int = 60) -> np.ndarray:
    """Labour by age: .6 at 21, up to 1.4 at 41, flat to 61, down to .7 at 71, flat to 80; straight lines between.

    Args:
        cohorts: A, the ages at which the profile is read: 60 of them are the years 21 to 80.

    Returns:
        l^h, shape (A,).
    """
    return np.interp(np.linspace(21, 80, cohorts), [21, 41, 61, 71, 80], [0.6, 1.4, 1.4, 0.7, 0.7])


def benchmark_shocks() -> MarkovChain:
    """The slides' shocks: productivity .85 or 1.15 by the toss of a coin, depreciation .5 or, seldom, .9."""
    depreciation = MarkovChain([[0.98, 0.02], [0.25, 0.75]], {"depreciation": [0.5, 0.9]})
    return depreciation @ MarkovChain([[0.5, 0.5], [0.5, 0.5]], {"productivity": [0.85, 1.15]})
