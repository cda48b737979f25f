"""Policies to start from in the two-asset economy: what a network later corrects.

A base gives, for a state that strays by dk, db from the steady state and a shock that strays by (d delta, d xi) from
its mean, first guesses  k~  of capital,  c~  of consumption and  p  of the bond price, all linear in the deviations:

- "perturbation": the first-order solution around the steady state.
- "wealth": c~ = c_ss (1 + (d xi)/2 + .15 dK/K_ss) + mpc_h (R_ss dk + db),  k~ = k'_ss + .9 dk,  p = p_ss, with the
  share mpc_h = (1 - g)/(1 - g^(A-h)), g = (beta/p)^(1/gamma) p, that a household without shocks would eat.
- "constant": the steady state's choices, whatever the state. It does not answer to wealth, and that is its ruin.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), section 5; Judd (1998), chapter 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dlcourse.economics.perturbation import LinearPolicy, linear_time_iteration, linearise
from dlcourse.economics.steady_state import SMOOTHING, jacobian, solve_steady_state
from dlcourse.economics.two_asset_olg import Period, TwoAssetEconomy

Floats = NDArray[np.float64]
BaseName = Literal["perturbation", "wealth", "constant"]

_PERTURBED = 3e-3
"""Smoothing of the constraints around which the economy is linearised: a kink has no derivative."""


@dataclass(frozen=True, eq=False)
class SteadyState:
    """The steady state in the quantities that a policy works with, all by age.

    Attributes:
        unknowns: x = (k', q, p), shape (2 (A - 1) + 1,).
        capital: k, shape (A,).
        bonds: b, shape (A,).
        saved: k' of the ages that save, shape (A - 1,).
        price: p.
        period: its accounts.
    """

    unknowns: Floats
    capital: Floats
    bonds: Floats
    saved: Floats
    price: float
    period: Period

    @classmethod
    def of(cls, economy: TwoAssetEconomy) -> SteadyState:
        """Finds the steady state of an economy.

        Raises:
            NoSteadyStateError: if there is none to be found.
        """
        unknowns = economy.steady_state().values
        choices = economy.split(unknowns)
        capital, bonds = economy.holdings(choices)
        accounts = economy.period(capital, bonds, economy.mean_shock(), choices)
        return cls(unknowns, capital, bonds, choices.capital, float(choices.bond_price), accounts)


@dataclass(frozen=True, eq=False)
class BasePolicy:
    """(k~, c~, p) = steady + response @ (dk, db, d delta, d xi), holdings of the newborn left out.

    Attributes:
        name: which one.
        steady: shape (2 (A - 1) + 1,): k' and c of the ages that save, and p.
        response: shape (2 (A - 1) + 1, 2 (A - 1) + 2).
        spread: long-run standard deviations of k and of the income from assets R k + y b by age, each of shape (A - 1,)
            for the ages that hold any, from the first-order solution and at the steady state's R and y: scales for a
            network's inputs and outputs.
        capital_spread: that of K.
        linear: the first-order solution.
    """

    name: BaseName
    steady: Floats
    response: Floats
    spread: tuple[Floats, Floats]
    capital_spread: float
    linear: LinearPolicy


def base_policy(economy: TwoAssetEconomy, steady: SteadyState, name: BaseName = "perturbation") -> BasePolicy:
    """Makes a base.

    Args:
        economy: whose policy it is.
        steady: its steady state.
        name: "perturbation", "wealth" or "constant".

    Raises:
        ValueError: for another name.
        NoSteadyStateError, NoLinearPolicyError: if the economy cannot be linearised.

    Used in: Lab 08b
    """
    if name not in get_args(BaseName):
        raise ValueError(f"name={name!r}: choose one of {', '.join(get_args(BaseName))}")
    smooth, linear = first_order(economy)
    savers = economy.cohorts - 1
    centre = np.concatenate([steady.saved, steady.period.consumption[:-1], [steady.price]])
    if name == "perturbation":
        response = _linear_response(economy, smooth, linear)
    else:
        response = np.zeros((2 * savers + 1, 2 * savers + 2))
        if name == "wealth":
            _fill_wealth_response(response, economy, steady)
    return BasePolicy(name, centre, response, *_spreads(economy, steady, linear), linear)


def first_order(economy: TwoAssetEconomy) -> tuple[Floats, LinearPolicy]:
    """The steady state x = (k', q, p) with slightly smoothed constraints, and the linear policy around it.

    delta and xi follow AR(1) processes with the chains' own persistence.

    Raises:
        NoSteadyStateError, NoLinearPolicyError: if one of them is not found.

    Used in: Lab 08b
    """
    shock = economy.mean_shock()
    stages = [*(epsilon for epsilon in SMOOTHING if epsilon > _PERTURBED), _PERTURBED]
    smooth = solve_steady_state(
        lambda x, epsilon: economy.conditions(x, x, x, shock, shock, epsilon),
        economy.first_guess(),
        smoothing=stages,
    ).values

    def conditions(*points: Floats) -> Floats:
        return np.concatenate(list(economy.conditions(*points, _PERTURBED).values()), axis=-1)

    return smooth, linear_time_iteration(linearise(conditions, smooth, shock), np.diag(economy.persistence()))


def _linear_response(economy: TwoAssetEconomy, smooth: Floats, linear: LinearPolicy) -> Floats:
    """From responses to yesterday's (k', q) to responses to today's (k, b), with consumption beside them."""
    savers, kappa = economy.cohorts - 1, economy.collateral
    by_capital, by_collateral = linear.transition[:, :savers], linear.transition[:, savers : 2 * savers]
    # q = k' + kappa b': a unit of capital alone moves both, a bond only q.
    policy = np.concatenate([by_capital + by_collateral, kappa * by_collateral, linear.response], axis=1)
    shock = economy.mean_shock()
    capital, bonds = economy.holdings(economy.split(smooth))

    def eaten(point: Floats) -> Floats:
        cuts = np.cumsum([savers, savers, 2])
        k, b, z, x = np.split(point, cuts, axis=-1)
        own_k, own_b = (np.concatenate([np.zeros((*part.shape[:-1], 1)), part], axis=-1) for part in (k, b))
        return economy.period(own_k, own_b, z, economy.split(x)).consumption[..., :-1]

    slope = jacobian(eaten, np.concatenate([capital[1:], bonds[1:], shock, smooth]))
    state = 2 * savers + 2
    consumption = slope[:, :state] + slope[:, state:] @ policy
    return np.concatenate([policy[:savers], consumption, policy[-1:]])


def _fill_wealth_response(response: Floats, economy: TwoAssetEconomy, steady: SteadyState) -> None:
    savers = economy.cohorts - 1
    growth = (economy.discount / steady.price) ** (1 / economy.risk_aversion) * steady.price
    left = economy.cohorts - np.arange(savers)
    share = (1 - growth) / (1 - growth**left)
    eaten = steady.period.consumption[:-1]
    for age in range(1, savers):
        response[age, age - 1] = 0.9
        response[savers + age, age - 1] = share[age] * steady.period.gross_return
        response[savers + age, savers + age - 1] = share[age]
    response[savers : 2 * savers, :savers] += 0.15 * eaten[:, None] / steady.capital.sum()
    response[savers : 2 * savers, -1] = 0.5 * eaten


def _spreads(
    economy: TwoAssetEconomy, steady: SteadyState, linear: LinearPolicy
) -> tuple[tuple[Floats, Floats], float]:
    savers, kappa = economy.cohorts - 1, economy.collateral
    covariance = linear.covariance(np.diag(economy.shock_variance()))
    capital = covariance[:savers, :savers]
    rows = np.zeros((savers, len(covariance)))
    # Income from assets R k + y b at the steady state's prices, with b = (q - k') / kappa.
    payoff = float(steady.period.bond_payoff)
    rows[:, :savers] = (float(steady.period.gross_return) - payoff / kappa) * np.eye(savers)
    rows[:, savers : 2 * savers] = payoff / kappa * np.eye(savers)
    income = rows @ covariance @ rows.T
    deviations = (np.sqrt(np.diag(capital)), np.sqrt(np.maximum(np.diag(income), 0.0)))
    return deviations, float(np.sqrt(capital.sum()))
