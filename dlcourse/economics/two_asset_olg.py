"""An economy with two assets: capital that is costly to move, and a bond that is a promise of the young to the old.

A household of age h owns capital k^h and bonds b^h. The bond pays y = min(kappa R, 1): who sold it hands over its
capital if that is worth less than the promise. Bonds are in zero net supply; their price p makes their sum zero.

    K = sum_h k^h,   R = alpha xi (K/L)^(alpha-1) + 1 - delta,   w = (1-alpha) xi (K/L)^alpha
    income^h = R k^h + y b^h + w l^h
    adj^h = k'^h - R k^h                                    what has to be moved into or out of capital
    c^h = income^h - k'^h - p b'^h - (zeta/2) (adj^h)^2
    k'^h >= 0  (multiplier lambda^h),   q^h = k'^h + kappa b'^h >= 0  (multiplier mu^h): debt needs capital behind it
    (1 + zeta adj^h) u'(c^h) = beta E[R' (1 + zeta adj'^{h+1}) u'(c'^{h+1})] + lambda^h + mu^h
    p u'(c^h) = beta E[y' u'(c'^{h+1})] + kappa mu^h
    sum_h b'^h = 0

The newborn owns nothing; the last age leaves nothing. A household of age h becomes h + 1 with k' and b'.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), Deep equilibrium nets, International Economic Review 63(4),
sections 4 and 5; lecture 004, "DYNAMIC STOCHASTIC ECONOMIC MODELS".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlcourse.arguments import check_count, check_finite, check_positive
from dlcourse.economics.markov import MarkovChain
from dlcourse.economics.steady_state import Solution, fischer_burmeister, solve_steady_state

Floats = NDArray[np.float64]


class Choices(NamedTuple):
    """What the ages decide, and the price that makes them fit.

    Attributes:
        capital: k' of the ages that save, shape (..., A - 1).
        collateral: q = k' + kappa b' of the same ages, shape (..., A - 1).
        bond_price: p, shape (...).
    """

    capital: Floats
    collateral: Floats
    bond_price: Floats


class Period(NamedTuple):
    """One period's accounts, by age.

    Attributes:
        gross_return: R, shape (...).
        wage: w, shape (...).
        bond_payoff: y = min(kappa R, 1), shape (...).
        income: R k + y b + w l, shape (..., A).
        adjustment: k' - R k, shape (..., A).
        consumption: shape (..., A).
    """

    gross_return: Floats
    wage: Floats
    bond_payoff: Floats
    income: Floats
    adjustment: Floats
    consumption: Floats


@dataclass(frozen=True, eq=False)
class TwoAssetEconomy:
    """A calibration of the model above.

    Args:
        shocks: chain of z with the values "productivity" (xi > 0) and "depreciation" (delta, 0 to 1).
        labour: l by age, shape (A,), at least 0, the newborn's positive.
        capital_share: alpha, strictly between 0 and 1.
        discount: beta > 0, of one period.
        risk_aversion: gamma > 0.
        adjustment_cost: zeta > 0.
        collateral: kappa > 0: units of capital that must stand behind each bond sold; less of it is a looser limit.

    Raises:
        ValueError: for a calibration in which somebody could not live.

    Used in: Lab 08b
    """

    shocks: MarkovChain
    labour: Floats
    capital_share: float
    discount: float
    risk_aversion: float
    adjustment_cost: float
    collateral: float

    def __post_init__(self) -> None:
        labour = np.array(self.labour, dtype=np.float64)
        missing = sorted({"productivity", "depreciation"} - set(self.shocks.values))
        if missing:
            raise ValueError(f"the shocks say nothing about {' and '.join(missing)}: give both as values of the chain")
        if labour.ndim != 1 or len(labour) < 3 or not np.isfinite(labour).all() or labour.min() < 0 or labour[0] == 0:
            raise ValueError(
                f"labour={labour.tolist()}: give one finite number, at least 0, for each of at least three ages; the "
                "newborn owns nothing and needs more than 0"
            )
        if not 0 < check_finite("capital_share", self.capital_share) < 1:
            raise ValueError(f"capital_share={self.capital_share}: alpha lies strictly between 0 and 1")
        for name in ("discount", "risk_aversion", "adjustment_cost", "collateral"):
            check_positive(name, getattr(self, name))
        wear, shock = self.shocks.values["depreciation"], self.shocks.values["productivity"]
        if (wear < 0).any() or (wear > 1).any() or (shock <= 0).any():
            raise ValueError(f"depreciation {wear} must be shares from 0 to 1, productivity {shock} positive")
        labour.setflags(write=False)
        object.__setattr__(self, "labour", labour)

    @property
    def cohorts(self) -> int:
        """A: ages that live side by side."""
        return len(self.labour)

    @property
    def identity(self) -> dict[str, object]:
        """What tells this economy from another one, as JSON values."""
        return {
            "labour": self.labour.tolist(),
            "transition": self.shocks.transition.tolist(),
            "shocks": {name: values.tolist() for name, values in self.shocks.values.items()},
            "preferences": [self.capital_share, self.discount, self.risk_aversion],
            "constraints": [self.adjustment_cost, self.collateral],
        }

    @property
    def total_labour(self) -> float:
        """L, the same in every period."""
        return float(self.labour.sum())

    def mean_shock(self) -> Floats:
        """(delta, xi) on average, shape (2,)."""
        weights = self.shocks.stationary()
        return np.array([weights @ self.shocks.values[name] for name in ("depreciation", "productivity")])

    def shock_variance(self) -> Floats:
        """Long-run variances of (delta, xi), shape (2,)."""
        weights, mean = self.shocks.stationary(), self.mean_shock()
        values = np.stack([self.shocks.values[name] for name in ("depreciation", "productivity")])
        return ((values - mean[:, None]) ** 2) @ weights

    def persistence(self) -> Floats:
        """Correlation of (delta, xi) with their own next values, shape (2,): the AR(1) coefficients of the chain."""
        weights, mean = self.shocks.stationary(), self.mean_shock()
        found = []
        for name, centre in zip(("depreciation", "productivity"), mean, strict=True):
            deviation = self.shocks.values[name] - centre
            expected = self.shocks.transition @ deviation
            variance = weights @ deviation**2
            found.append(weights @ (deviation * expected) / variance if variance > 0 else 0.0)
        return np.array(found)

    def holdings(self, choices: Choices) -> tuple[Floats, Floats]:
        """(k, b) by age of the next period, each of shape (..., A): everybody is older, the newborn owns nothing."""
        capital = _after_birth(choices.capital)
        return capital, (_after_birth(choices.collateral) - capital) / self.collateral

    def period(self, capital: Floats, bonds: Floats, shock: Floats, choices: Choices) -> Period:
        """The accounts of a period.

        Args:
            capital: k by age, shape (..., A).
            bonds: b by age, shape (..., A).
            shock: (delta, xi), shape (..., 2).
            choices: of the ages that save.
        """
        wear, xi = shock[..., 0], shock[..., 1]
        with np.errstate(invalid="ignore", divide="ignore"):
            intensity = capital.sum(axis=-1) / self.total_labour
            gross_return = self.capital_share * xi * intensity ** (self.capital_share - 1) + 1 - wear
            wage = (1 - self.capital_share) * xi * intensity**self.capital_share
        payoff = np.minimum(self.collateral * gross_return, 1.0)
        income = gross_return[..., None] * capital + payoff[..., None] * bonds + wage[..., None] * self.labour
        saved, pledged = (_before_death(part) for part in (choices.capital, choices.collateral))
        adjustment = saved - gross_return[..., None] * capital
        bought = (pledged - saved) / self.collateral
        spent = saved + choices.bond_price[..., None] * bought + self.adjustment_cost / 2 * adjustment**2
        return Period(gross_return, wage, payoff, income, adjustment, income - spent)

    def multipliers(self, now: Period, bond_price: Floats, after: list[tuple[float, Period]]) -> tuple[Floats, Floats]:
        """lambda and mu of the ages that save, in units of u'(c): what the two Euler equations leave over.

        mu / u'(c) = (p - beta E[y' u'(c')] / u'(c)) / kappa
        lambda / u'(c) = 1 + zeta adj - beta E[R' (1 + zeta adj') u'(c')] / u'(c) - mu / u'(c)

        Args:
            now: today's accounts.
            bond_price: p, shape (...).
            after: probability and accounts of each of tomorrow's shocks.

        Returns:
            Both of shape (..., A - 1); NaN where somebody has nothing to eat.
        """
        gamma, zeta = self.risk_aversion, self.adjustment_cost
        with np.errstate(invalid="ignore", divide="ignore"):
            worth_of_capital = worth_of_bond = 0.0
            for probability, then in after:
                growth = (then.consumption[..., 1:] / now.consumption[..., :-1]) ** -gamma
                growth = np.where((then.consumption[..., 1:] > 0) & (now.consumption[..., :-1] > 0), growth, np.nan)
                weight = self.discount * probability * growth
                move = 1 + zeta * then.adjustment[..., 1:]
                worth_of_capital = worth_of_capital + weight * then.gross_return[..., None] * move
                worth_of_bond = worth_of_bond + weight * then.bond_payoff[..., None]
        mu = (bond_price[..., None] - worth_of_bond) / self.collateral
        return 1 + zeta * now.adjustment[..., :-1] - worth_of_capital - mu, mu

    def conditions(
        self, before: Floats, now: Floats, after: Floats, shock: Floats, shock_after: Floats, smoothing: float
    ) -> dict[str, Floats]:
        """Residuals of the equilibrium with tomorrow's shock known, in the unknowns x = (k', q, p) of three periods.

        Args:
            before: yesterday's x, which is what the households own today, shape (..., 2 (A - 1) + 1).
            now: today's x.
            after: tomorrow's x.
            shock: (delta, xi) of today, shape (..., 2).
            shock_after: of tomorrow.
            smoothing: of the Fischer-Burmeister function.

        Returns:
            "capital" and "bond" by age that saves, shape (..., A - 1), and "bond market", shape (..., 1).
        """
        today, tomorrow = self.split(now), self.split(after)
        accounts = self.period(*self.holdings(self.split(before)), shock, today)
        then = self.period(*self.holdings(today), shock_after, tomorrow)
        capital_multiplier, collateral_multiplier = self.multipliers(accounts, today.bond_price, [(1.0, then)])
        excess = (today.collateral - today.capital).sum(axis=-1, keepdims=True) / self.collateral
        return {
            "capital": fischer_burmeister(today.capital, capital_multiplier, smoothing),
            "bond": fischer_burmeister(today.collateral, collateral_multiplier, smoothing),
            "bond market": excess,
        }

    def split(self, unknowns: Floats) -> Choices:
        """x of shape (..., 2 (A - 1) + 1) as choices."""
        savers = self.cohorts - 1
        return Choices(unknowns[..., :savers], unknowns[..., savers : 2 * savers], unknowns[..., -1])

    def steady_state(self) -> Solution:
        """The equilibrium that repeats itself for ever at the mean shock: x = (k', q, p).

        Raises:
            NoSteadyStateError: if Newton's method does not find it.
        """
        shock = self.mean_shock()
        return solve_steady_state(
            lambda x, epsilon: self.conditions(x, x, x, shock, shock, epsilon), self.first_guess()
        )

    def first_guess(self) -> Floats:
        """x where everybody owns capital in the shape of a life's savings and nobody owes; R is then about 1/beta."""
        savers, shock = self.cohorts - 1, self.mean_shock()
        cost = max(1 / self.discount - 1 + shock[0], 0.02)
        intensity = (self.capital_share * shock[1] / cost) ** (1 / (1 - self.capital_share))
        hump = np.sin(np.pi * np.arange(1, savers + 1) / (savers + 1)) ** 2
        capital = intensity * self.total_labour * hump / hump.sum()
        return np.concatenate([capital, capital, [self.discount]])


def two_asset_olg(
    cohorts: int = 56,
    *,
    adjustment_cost: float = 0.5,
    risk_aversion: float = 2.0,
    collateral: float = 1 / (1 - 0.11),
    capital_share: float = 0.3,
    discount: float | None = None,
    labour: ArrayLike | None = None,
    shocks: MarkovChain | None = None,
) -> TwoAssetEconomy:
    """The article's economy, at 56 cohorts or any other number from 12 up.

    With 56 cohorts a period is a year. With another number the same adult life is cut into A periods: the labour
    profile keeps its shape and beta is .95^(56/A).

    Args:
        cohorts: A, at least 12.
        adjustment_cost: zeta.
        risk_aversion: gamma.
        collateral: kappa; with 1 / (1 - .11) a bond needs 1.12 units of capital behind it.
        capital_share: alpha.
        discount: beta of one period; None for .95^(56/A).
        labour: l by age, shape (A,); None for the article's profile.
        shocks: chain of z; None for the article's four states.

    Raises:
        ValueError: for an impossible calibration.

    Example:
        >>> economy = two_asset_olg()
        >>> economy.cohorts, round(economy.total_labour, 3), economy.mean_shock().round(5).tolist()
        (56, 57.777, [0.08256, 1.0])

    Used in: Lab 08b

    Reference: Azinovic, Gaegauf and Scheidegger (2022), section 5.1.
    """
    count = check_count("cohorts", cohorts, 12)
    profile = two_asset_labour(count) if labour is None else np.asarray(labour, dtype=np.float64)
    if profile.shape != (count,):
        raise ValueError(f"labour has shape {profile.shape}: one number for each of the {count} cohorts")
    beta = 0.95 ** (56 / count) if discount is None else discount
    chain = two_asset_shocks() if shocks is None else shocks
    return TwoAssetEconomy(chain, profile, capital_share, beta, risk_aversion, adjustment_cost, collateral)


def two_asset_labour(cohorts: int = 56) -> Floats:
    """Labour by age: a hump to the age of 37 years of work, a fall in the next nine, half of it afterwards.

    l(a) = .6 + .762 (28^2 - (a - 28)^2) / 28^2 for a < 37;  t - (t/2) (a - 37) / 8 for 37 <= a < 46;  t/2 afterwards,
    with t = 1.2833.

    Args:
        cohorts: A; other numbers than 56 read the same curve at A ages.

    Returns:
        Shape (A,).
    """
    age = np.arange(56) if cohorts == 56 else np.linspace(0, 55, cohorts)
    top = 1.2833
    hump = 0.6 + 0.762 * (28**2 - (age - 28) ** 2) / 28**2
    return np.select([age < 37, age < 46], [hump, top - top / 2 * (age - 37) / 8], top / 2)


def two_asset_shocks() -> MarkovChain:
    """The article's shocks: depreciation .08, seldom .11; productivity .978 or 1.022, each of them lasting."""
    depreciation = MarkovChain([[0.972, 0.028], [0.3, 0.7]], {"depreciation": [0.08, 0.11]})
    return depreciation @ MarkovChain([[0.905, 0.095], [0.095, 0.905]], {"productivity": [0.978, 1.022]})


def _after_birth(choices: Floats) -> Floats:
    """Choices of the ages that save, as the next period's holdings by age: a zero for the newborn in front."""
    return np.concatenate([np.zeros((*choices.shape[:-1], 1)), choices], axis=-1)


def _before_death(choices: Floats) -> Floats:
    """The same with a zero for the last age behind."""
    return np.concatenate([choices, np.zeros((*choices.shape[:-1], 1))], axis=-1)
