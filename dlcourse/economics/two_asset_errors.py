"""How wrong a policy of the two-asset economy is: every condition along a free simulation, in float64 NumPy.

Like `euler_errors.py` it knows nothing of networks: it asks the policy for k', q and p, and checks all else itself. A
training loss certifies nothing here. A policy that does not answer to wealth can follow an exploding path on which
every Euler equation holds: what gives it away is where the economy goes, so the simulation runs freely from the steady
state and must stay near it.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), section 5.3; Judd (1998), chapter 17.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlcourse.economics.euler_errors import BrokenEconomyError, ErrorStatistics
from dlcourse.economics.two_asset_base import SteadyState
from dlcourse.economics.two_asset_olg import Choices, TwoAssetEconomy

Floats = NDArray[np.float64]
TwoAssetPolicy = Callable[[NDArray[np.integer], Floats, Floats], Choices]
"""Choices from the shock, shape (n,), and from capital and bonds by age, each of shape (n, A)."""

_TOLERANCE = 1e-9
_BINDING = 1e-3
"""A household whose k' or q is below this holds it at its limit, in the metric that decides by a threshold."""

_REGION = (0.5, 2.0)
"""Aggregate capital must stay between these multiples of the steady state's."""

_BLOCK = 1000
"""Periods whose conditions are checked in one go: 4 shocks, 56 ages and so many periods are 14 MB an array."""


@dataclass(frozen=True, eq=False)
class TwoAssetPath:
    """A simulated path.

    Attributes:
        shocks: z_t, shape (T,).
        capital: k_t by age, shape (T, A).
        bonds: b_t by age, shape (T, A).
        choices: k'_t and q_t of shape (T, A - 1), p_t of shape (T,).
    """

    shocks: NDArray[np.integer]
    capital: Floats
    bonds: Floats
    choices: Choices


@dataclass(frozen=True, eq=False)
class TwoAssetErrors:
    """What `two_asset_errors` finds; errors as fractions of consumption, 0.0001 is .01 percent.

    Attributes:
        capital: one-residual metric of the capital choice:  (zeta/gamma) |max(0, k*) - k'| / (1 + zeta adj),  k* the
            capital that solves the Euler equation at today's marginal utility.
        bond: one-residual metric of the bond:  |min((beta E[y' u'(c')] / p)^(-1/gamma), c_max) / c - 1|,  c_max what
            can be eaten when q = 0.
        capital_euler, bond_euler: the article's metric: |c^* / c - 1| with c^* from the Euler equation where the
            constraint is slack (k' or q above .001), and where it binds only what a multiplier below zero would be;
            capital is credited with its worth as collateral, mu, where q binds.
        kkt: lambda k' and mu q in units of u'(c), multipliers cut at zero: the larger of the two.
        capital_by_age, bond_by_age: means of the first two by age that saves, shape (A - 1,).
        market: largest |sum_h b'^h|.
        resources: largest gap between what is produced and what is used, as a share of output.
        aggregate_capital: mean and standard deviation of K_t.
        capital_range: smallest and largest K_t.
        path: what was examined.
    """

    capital: ErrorStatistics
    bond: ErrorStatistics
    capital_euler: ErrorStatistics
    bond_euler: ErrorStatistics
    kkt: ErrorStatistics
    capital_by_age: Floats
    bond_by_age: Floats
    market: float
    resources: float
    aggregate_capital: tuple[float, float]
    capital_range: tuple[float, float]
    path: TwoAssetPath


def simulate_two_assets(
    economy: TwoAssetEconomy,
    policy: TwoAssetPolicy,
    periods: int,
    *,
    seed: int = 0,
    steady: SteadyState | None = None,
    start: float = 1.0,
) -> TwoAssetPath:
    """Lets the economy run freely from its steady state.

    Args:
        economy: who lives there.
        policy: choices from shock and holdings.
        periods: T, at least 1.
        seed: fixes the path of shocks, which starts in the stationary distribution.
        steady: the steady state; None finds it.
        start: multiple of the steady state's capital to begin with; its bonds are left as they are.

    Raises:
        BrokenEconomyError: if somebody cannot eat, a constraint is broken, choices are not finite, or capital leaves
            the region between half and twice the steady state's: with the period and the numbers.
        ValueError: if there is no period to simulate.

    Used in: Lab 08b
    """
    if periods < 1:
        raise ValueError(f"periods={periods}: a path has at least one")
    centre = SteadyState.of(economy) if steady is None else steady
    shocks = economy.shocks.simulate(periods, np.random.default_rng(seed))
    savers, reference = economy.cohorts - 1, float(centre.capital.sum())
    capitals, bonds = np.empty((2, periods, economy.cohorts))
    choices = Choices(np.empty((periods, savers)), np.empty((periods, savers)), np.empty(periods))
    k, b = start * centre.capital, centre.bonds.copy()
    for period in range(periods):
        capitals[period], bonds[period] = k, b
        made = policy(shocks[period : period + 1], k[None], b[None])
        for kept, part in zip(choices, made, strict=True):
            kept[period] = np.asarray(part, dtype=np.float64)[0]
        today = Choices(*(kept[period : period + 1] for kept in choices))
        _refuse_broken(economy, period, int(shocks[period]), k, b, today, reference)
        k, b = (part[0] for part in economy.holdings(today))
    return TwoAssetPath(shocks, capitals, bonds, choices)


def two_asset_errors(
    economy: TwoAssetEconomy,
    policy: TwoAssetPolicy,
    periods: int = 10_000,
    burn_in: int = 2_000,
    seed: int = 0,
    steady: SteadyState | None = None,
) -> TwoAssetErrors:
    """Measures how far a policy is from equilibrium on the states that it leads the economy to.

    Args:
        economy: who lives there.
        policy: choices from shock and holdings.
        periods: T that are measured.
        burn_in: periods before them that are not.
        seed: fixes the path.
        steady: the steady state; None finds it.

    Raises:
        BrokenEconomyError: if the path leaves the region where the economy lives.
        ValueError: for a negative burn-in, or no periods.

    Used in: Lab 08b
    """
    if burn_in < 0:
        raise ValueError(f"burn_in={burn_in}: 0 or more")
    whole = simulate_two_assets(economy, policy, burn_in + periods, seed=seed, steady=steady)
    path = TwoAssetPath(
        whole.shocks[burn_in:],
        whole.capital[burn_in:],
        whole.bonds[burn_in:],
        Choices(*(part[burn_in:] for part in whole.choices)),
    )
    blocks = [_check(economy, policy, path, slice(at, at + _BLOCK)) for at in range(0, periods, _BLOCK)]
    found = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    total = path.capital.sum(axis=1)
    return TwoAssetErrors(
        *(ErrorStatistics.of(found[name]) for name in ("capital", "bond", "capital_euler", "bond_euler", "kkt")),
        found["capital"].mean(axis=0),
        found["bond"].mean(axis=0),
        float(found["market"].max()),
        float(found["resources"].max()),
        (float(total.mean()), float(total.std())),
        (float(total.min()), float(total.max())),
        path,
    )


def _check(economy: TwoAssetEconomy, policy: TwoAssetPolicy, path: TwoAssetPath, rows: slice) -> dict[str, Floats]:
    """Every condition in some of the periods."""
    gamma, zeta, kappa = economy.risk_aversion, economy.adjustment_cost, economy.collateral
    shocks, k, b = path.shocks[rows], path.capital[rows], path.bonds[rows]
    choices = Choices(*(part[rows] for part in path.choices))
    now = economy.period(k, b, _shock_values(economy, shocks), choices)
    worth_of_capital, worth_of_bond = _worth(economy, policy, shocks, choices)
    eaten, adjustment, price = now.consumption[:, :-1], now.adjustment[:, :-1], choices.bond_price[:, None]
    marginal, move = eaten**-gamma, 1 + zeta * adjustment

    most = eaten + price / kappa * choices.collateral
    bond_target = (worth_of_bond / price) ** (-1 / gamma)
    loaded = worth_of_capital - worth_of_bond / kappa
    wanted = now.gross_return[:, None] * k[:, :-1] + (price / kappa + loaded / marginal - 1) / zeta
    mu = np.maximum(price * marginal - worth_of_bond, 0.0) / kappa
    capital_multiplier = np.maximum(move * marginal - worth_of_capital - mu, 0.0)

    bond_gap = bond_target / eaten - 1
    backing = np.where(choices.collateral > _BINDING, 0.0, mu)
    capital_gap = ((worth_of_capital + backing) / move) ** (-1 / gamma) / eaten - 1
    output = (now.gross_return * k.sum(axis=1)) + now.wage * economy.total_labour
    used = choices.capital.sum(axis=1) + now.consumption.sum(axis=1) + zeta / 2 * (now.adjustment**2).sum(axis=1)
    return {
        "capital": zeta / gamma * np.abs(np.maximum(wanted, 0.0) - choices.capital) / move,
        "bond": np.abs(np.minimum(bond_target, most) / eaten - 1),
        # Where a constraint binds, wanting to eat more than one may is no error.
        "capital_euler": np.where(choices.capital > _BINDING, np.abs(capital_gap), np.maximum(-capital_gap, 0.0)),
        "bond_euler": np.where(choices.collateral > _BINDING, np.abs(bond_gap), np.maximum(-bond_gap, 0.0)),
        "kkt": np.maximum(capital_multiplier * choices.capital, mu * choices.collateral) / marginal,
        "market": np.abs((choices.collateral - choices.capital).sum(axis=1)) / kappa,
        "resources": np.abs(used / output - 1),
    }


def _worth(
    economy: TwoAssetEconomy, policy: TwoAssetPolicy, shocks: NDArray[np.integer], choices: Choices
) -> tuple[Floats, Floats]:
    """beta E[R' (1 + zeta adj') u'(c')] and beta E[y' u'(c')] of the ages that save, each of shape (n, A - 1)."""
    k, b = economy.holdings(choices)
    capital, bond = np.zeros_like(choices.capital), np.zeros_like(choices.capital)
    for shock in range(len(economy.shocks)):
        states = np.full(len(k), shock)
        then = economy.period(k, b, _shock_values(economy, states), policy(states, k, b))
        eaten = then.consumption[:, 1:]
        if not (eaten > 0).all():
            period, age = np.argwhere(~(eaten > 0))[0]
            raise BrokenEconomyError(
                f"after period {period}, in shock {shock}, age {age + 1} would eat {eaten.min():.4g}"
            )
        weight = economy.shocks.transition[shocks, shock][:, None] * eaten**-economy.risk_aversion
        capital += weight * then.gross_return[:, None] * (1 + economy.adjustment_cost * then.adjustment[:, 1:])
        bond += weight * then.bond_payoff[:, None]
    return economy.discount * capital, economy.discount * bond


def _shock_values(economy: TwoAssetEconomy, shocks: NDArray[np.integer]) -> Floats:
    return np.stack([economy.shocks.values[name][shocks] for name in ("depreciation", "productivity")], axis=-1)


def _refuse_broken(
    economy: TwoAssetEconomy, period: int, shock: int, k: Floats, b: Floats, made: Choices, reference: float
) -> None:
    total = k.sum()

    def broken(what: str) -> BrokenEconomyError:
        return BrokenEconomyError(f"period {period}, shock {shock}, K = {total:.6g}: {what}")

    low, high = (share * reference for share in _REGION)
    if not low < total < high:
        raise broken(f"capital left the region from {low:.4g} to {high:.4g} around the steady state's {reference:.4g}")
    if not all(np.isfinite(part).all() for part in made):
        raise broken("the choices are not finite")
    for name, part in (("k'", made.capital), ("q", made.collateral)):
        if part.min() < -_TOLERANCE:
            raise broken(f"age {int(part.argmin())} chooses {name} = {part.min():.4g}, below zero")
    eaten = economy.period(k[None], b[None], _shock_values(economy, np.array([shock])), made).consumption[0]
    if not eaten.min() > 0:
        raise broken(f"age {int(np.argmin(eaten))} would eat {eaten.min():.4g}")
