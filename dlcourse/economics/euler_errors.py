"""How wrong a policy is: the errors of the equilibrium conditions along a long path, in float64 NumPy.

This file knows nothing of networks or of how a policy was trained; it asks the policy for savings and checks every
condition itself. A small training loss certifies nothing; this does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlcourse.economics.olg import OLGEconomy

Policy = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Savings by age, shape (n, A - 1), from the shock, integers of shape (n,), and capital by age, shape (n, A)."""

_TOLERANCE = 1e-9


class BrokenEconomyError(ArithmeticError):
    """A simulation left the region in which the economy exists; the message names the period and the state."""


@dataclass(frozen=True, eq=False)
class Path:
    """A simulated path of an economy.

    Attributes:
        shocks: z_t, shape (T,).
        capital: k_t by age, shape (T, A).
        savings: a_t by age, shape (T, A - 1).
    """

    shocks: np.ndarray
    capital: np.ndarray
    savings: np.ndarray


@dataclass(frozen=True)
class ErrorStatistics:
    """Mean, quantiles and maximum of errors, as fractions (0.01 is one percent of consumption)."""

    mean: float
    p99: float
    p999: float
    maximum: float

    @classmethod
    def of(cls, errors: np.ndarray) -> ErrorStatistics:
        """Summarises errors of any shape, all at least 0."""
        p99, p999 = np.quantile(errors, [0.99, 0.999])
        return cls(float(errors.mean()), float(p99), float(p999), float(errors.max()))


@dataclass(frozen=True, eq=False)
class EulerErrors:
    """What `euler_errors` finds.

    Attributes:
        residual: the one-residual metric: |min(target, resources) / c - 1|.
        euler: the paper's: with the best multiplier, |(beta E[R' u'] + lambda)^(-1/gamma) / c - 1|.
        kkt: complementary slackness with the same multiplier, lambda (a - limit) / u'(c).
        by_age: mean of the one-residual metric for each age that saves, shape (A - 1,).
        maximum_by_age: its maximum, shape (A - 1,).
        capital: mean and standard deviation of aggregate capital K_t.
        consumption: mean consumption per household.
        path: the path that was examined.
    """

    residual: ErrorStatistics
    euler: ErrorStatistics
    kkt: ErrorStatistics
    by_age: np.ndarray
    maximum_by_age: np.ndarray
    capital: tuple[float, float]
    consumption: float
    path: Path


def simulate(economy: OLGEconomy, policy: Policy, periods: int, seed: int = 0, start: np.ndarray | None = None) -> Path:
    """Lets the economy run under a policy.

    Args:
        economy: who lives there.
        policy: savings by age from shock and capital.
        periods: T, at least 1.
        seed: fixes the path of shocks, which starts in the stationary distribution.
        start: k_0 by age, shape (A,); None gives every age but the newborn the same capital, L / A each.

    Returns:
        The path.

    Raises:
        BrokenEconomyError: if somebody cannot eat, savings fall below the limit or are not finite, or the households
            together own no capital: with the period, the age and the numbers.

    Used in: Lab 08
    """
    if periods < 1:
        raise ValueError(f"periods={periods}: a path has at least one")
    shocks = economy.shocks.simulate(periods, np.random.default_rng(seed))
    if start is None:
        capital = np.full(economy.cohorts, economy.total_labour / economy.cohorts)
        capital[0] = 0.0
    else:
        capital = np.array(start, dtype=np.float64)
    capitals = np.empty((periods, economy.cohorts))
    savings = np.empty((periods, economy.cohorts - 1))
    for period, shock in enumerate(shocks):
        capitals[period] = capital
        savings[period] = np.asarray(policy(shocks[period : period + 1], capital[None]), dtype=np.float64)[0]
        _refuse_broken(economy, period, int(shock), capital, savings[period])
        capital = economy.next_capital(savings[period])
    return Path(shocks, capitals, savings)


def euler_errors(
    economy: OLGEconomy, policy: Policy, periods: int = 10_000, burn_in: int = 2_000, seed: int = 0
) -> EulerErrors:
    """Measures how far a policy is from equilibrium on the states that it leads the economy to.

    In equilibrium, for every age h that saves and every state:  u'(c) = beta E[R' u'(c')] + lambda,  lambda >= 0,
    a >= limit,  lambda (a - limit) = 0.  With  target = (beta E[R' u'(c')])^(-1/gamma)  and
    resources = income - limit,  all of that holds exactly when  c = min(target, resources).

    Two metrics, both in units of consumption. The one-residual metric |min(target, resources)/c - 1| holds the whole
    system. The paper's pair gives each household the multiplier that serves it best, lambda = max(0, u'(c) - beta
    E[R' u']), and reports what is left in the Euler equation and in complementary slackness apart.

    Args:
        economy: who lives there.
        policy: savings by age from shock and capital.
        periods: T that are measured.
        burn_in: periods before them that are not.
        seed: fixes the path.

    Returns:
        Statistics over all measured periods and ages that save, by age too.

    Raises:
        BrokenEconomyError: if the path, or a state one step off it, leaves the region where the economy exists.

    Used in: Lab 08

    Reference: Azinovic, Gaegauf and Scheidegger (2019), section on accuracy; Judd (1998), chapter 17.
    """
    if burn_in < 0:
        raise ValueError(f"burn_in={burn_in}: 0 or more")
    whole = simulate(economy, policy, burn_in + periods, seed)
    path = Path(*(array[burn_in:] for array in (whole.shocks, whole.capital, whole.savings)))
    income = economy.income(path.shocks, path.capital)
    consumption = income.copy()
    consumption[:, :-1] -= path.savings
    eaten = consumption[:, :-1]

    value_of_saving = _value_of_saving(economy, policy, path)
    target = economy.utility.inverse_marginal(value_of_saving)
    limit = economy.borrowing_limit
    resources = np.inf if limit is None else income[:, :-1] - limit
    residual = np.abs(np.minimum(target, resources) / eaten - 1)

    marginal = economy.utility.marginal(eaten)
    unconstrained = limit is None
    multiplier = np.zeros_like(marginal) if unconstrained else np.maximum(marginal - value_of_saving, 0.0)
    euler = np.abs(economy.utility.inverse_marginal(value_of_saving + multiplier) / eaten - 1)
    slack = np.zeros_like(marginal) if unconstrained else multiplier * (path.savings - limit) / marginal

    total = path.capital.sum(axis=1)
    return EulerErrors(
        ErrorStatistics.of(residual),
        ErrorStatistics.of(euler),
        ErrorStatistics.of(np.abs(slack)),
        residual.mean(axis=0),
        residual.max(axis=0),
        (float(total.mean()), float(total.std())),
        float(consumption.mean()),
        path,
    )


def _value_of_saving(economy: OLGEconomy, policy: Policy, path: Path) -> np.ndarray:
    """beta E[R' u'(c')] for each age that saves, shape (T, A - 1)."""
    capital = economy.next_capital(path.savings)
    expected = np.zeros_like(path.savings)
    for shock in range(len(economy.shocks)):
        states = np.full(len(capital), shock)
        savings = np.asarray(policy(states, capital), dtype=np.float64)
        consumption = economy.income(states, capital)
        consumption[:, :-1] -= savings
        if not (consumption[:, 1:] > 0).all():
            period, age = np.argwhere(~(consumption[:, 1:] > 0))[0]
            raise BrokenEconomyError(
                f"after period {period}, in shock {shock}, age {age + 2} would eat {consumption[period, age + 1]:.4g}"
            )
        gross_return = economy.prices(states, capital).gross_return[:, None]
        probability = economy.shocks.transition[path.shocks, shock][:, None]
        expected += probability * gross_return * economy.utility.marginal(consumption[:, 1:])
    return economy.discount * expected


def _refuse_broken(economy: OLGEconomy, period: int, shock: int, capital: np.ndarray, savings: np.ndarray) -> None:
    def broken(what: str) -> BrokenEconomyError:
        return BrokenEconomyError(f"period {period}, shock {shock}, K = {capital.sum():.6g}: {what}")

    if not np.isfinite(savings).all():
        raise broken(f"the savings of age {int(np.argmin(np.isfinite(savings))) + 1} are not finite")
    eaten = economy.income(shock, capital)
    eaten[:-1] -= savings
    if not (eaten > 0).all():
        raise broken(f"age {int(np.argmin(eaten)) + 1} would eat {eaten.min():.4g}")
    limit = economy.borrowing_limit
    if limit is not None and (savings < limit - _TOLERANCE).any():
        raise broken(f"age {int(np.argmin(savings)) + 1} saves {savings.min():.6g}, below the limit {limit}")
    if not savings.sum() > 0:
        raise broken(f"the households together save {savings.sum():.4g}: no capital would be left")
