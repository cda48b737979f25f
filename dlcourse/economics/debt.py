"""How deep in debt each age may be: the limit of the economy, or what it could still repay."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlcourse.economics.olg import OLGEconomy

_STRESS = 0.85
_REPAYABLE = 0.8


class DebtFloors(NamedTuple):
    """The least savings that a policy considers.

    Attributes:
        value: by age that saves, shape (A - 1,).
        binding: where the floor is the economy's borrowing limit, which a household may want to hit; elsewhere it only
            keeps a policy from promises that nobody could keep.
    """

    value: np.ndarray
    binding: np.ndarray


def reference_intensity(economy: OLGEconomy) -> float:
    """K/L at which capital returns 1/beta on average: where a simulation starts.

    alpha E[eta] (K/L)^(alpha-1) + 1 - E[delta] = 1/beta
    """
    weights = economy.shocks.stationary()
    product = economy.capital_share * float(weights @ economy.productivity)
    cost = max(1 / economy.discount - 1 + float(weights @ economy.depreciation), 0.05)
    return (product / cost) ** (1 / (1 - economy.capital_share))


def debt_floors(economy: OLGEconomy) -> DebtFloors:
    """The borrowing limit, raised for those ages whose wages to come could not repay it in bad times.

    Bad times: the lowest productivity for ever, with capital 15 % below the reference. Of the wages' present value at
    the return 1/beta, 80 % count. An economy without a limit gets the floor 0, binding nowhere.

    Args:
        economy: whose households they are.

    Returns:
        Floors and where they bind.

    Example:
        >>> from dlcourse.economics.benchmark_olg import benchmark_olg
        >>> floors = debt_floors(benchmark_olg(borrowing_limit=-1.0))
        >>> floors.value[:2], bool(floors.value[-1] > -0.5), floors.binding[[0, -1]]
        (array([-1., -1.]), True, array([ True, False]))
    """
    savers = economy.cohorts - 1
    limit = economy.borrowing_limit
    if limit is None:
        return DebtFloors(np.zeros(savers), np.zeros(savers, dtype=bool))
    share = economy.capital_share
    wage = (1 - share) * economy.productivity.min() * (_STRESS * reference_intensity(economy)) ** share
    gross_return = max(1 / economy.discount, 1.0)
    worth = np.zeros(economy.cohorts)
    for age in range(savers - 1, -1, -1):
        worth[age] = (worth[age + 1] + wage * economy.labour[age + 1]) / gross_return
    repayable = -_REPAYABLE * worth[:-1]
    return DebtFloors(np.maximum(limit, repayable), limit >= repayable)
