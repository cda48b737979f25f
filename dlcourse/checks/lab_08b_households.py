"""The exercises of Lab 08b on the households: the secured bond, the budget, the two multipliers, the capital wanted.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), Deep equilibrium nets, section 5.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def bond_terms(saved: np.ndarray, gross_return: np.ndarray, collateral: float) -> tuple[np.ndarray, np.ndarray]:
    r"""What a secured bond pays next year, and how far below zero the holdings of bonds may go.

    $$y' = \min(\kappa R', 1), \qquad \underline b = -\frac{k'}{\kappa}$$

    Args:
        saved: k', at least 0, shape (n,).
        gross_return: R' in the shocks that may come, shape (Z,).
        collateral: kappa > 0, the capital that stands behind one bond.

    Returns:
        y', shape (Z,), and the lowest b' that k' allows, shape (n,).

    Example:
        >>> payoff, lowest = bond_terms(np.array([2.0]), np.array([0.7, 1.1]), 1.25)
        >>> payoff.tolist(), lowest.tolist()
        ([0.875, 1.0], [-1.6])

    Used in: Lab 08b

    Reference: Azinovic, Gaegauf and Scheidegger (2022), section 5.1.
    """
    return np.minimum(collateral * gross_return, 1.0), -saved / collateral


def consumption(
    income: np.ndarray,
    capital: np.ndarray,
    gross_return: float,
    saved: np.ndarray,
    bonds: np.ndarray,
    price: float,
    cost: float,
) -> np.ndarray:
    r"""What is left to eat after both assets are bought and capital is moved.

    $$c = \text{income} - k' - p\, b' - \frac{\zeta}{2} (k' - R k)^2$$

    Args:
        income: R k + y b + w l by age, shape (A,).
        capital: k by age, shape (A,).
        gross_return: R.
        saved: k' by age, shape (A,).
        bonds: b' by age, below zero for a debtor, shape (A,).
        price: p.
        cost: zeta.

    Returns:
        c by age, shape (A,).

    Example:
        >>> one = np.ones(1)
        >>> consumption(3 * one, one, 1.1, 1.5 * one, -0.5 * one, 0.9, 0.5).round(3).tolist()
        [1.91]

    Used in: Lab 08b

    Reference: Azinovic, Gaegauf and Scheidegger (2022), section 5.1.
    """
    return income - saved - price * bonds - cost / 2 * (saved - gross_return * capital) ** 2


def multipliers(
    marginal: np.ndarray,
    price: float,
    adjustment: np.ndarray,
    worth_of_capital: np.ndarray,
    worth_of_bond: np.ndarray,
    collateral: float,
    cost: float,
) -> tuple[np.ndarray, np.ndarray]:
    r"""What the two Euler equations leave over: the prices of the two limits.

    $$\mu = \frac{p\, u'(c) - \beta \mathrm{E}[y' u'(c')]}{\kappa}, \qquad
    \lambda = (1 + \zeta\, \mathit{adj})\, u'(c) - \beta \mathrm{E}[R' (1 + \zeta\, \mathit{adj}') u'(c')] - \mu$$

    Args:
        marginal: u'(c) by age, shape (n,).
        price: p.
        adjustment: k' - R k by age, shape (n,).
        worth_of_capital: beta E[R' (1 + zeta adj') u'(c')], shape (n,).
        worth_of_bond: beta E[y' u'(c')], shape (n,).
        collateral: kappa.
        cost: zeta.

    Returns:
        lambda of k' >= 0 and mu of q >= 0, each of shape (n,), in units of utility; below zero where a household would
        like more of the asset than it has.

    Example:
        >>> lambda_, mu = multipliers(np.array([2.0]), 0.9, np.array([0.1]), np.array([1.5]), np.array([1.2]), 1.2, 0.5)
        >>> lambda_.round(3).tolist(), mu.round(3).tolist()
        ([0.1], [0.5])

    Used in: Lab 08b

    Reference: Azinovic, Gaegauf and Scheidegger (2022), section 5.2.
    """
    mu = (price * marginal - worth_of_bond) / collateral
    return (1 + cost * adjustment) * marginal - worth_of_capital - mu, mu


def wanted_capital(
    held: np.ndarray,
    price: float,
    worth_of_capital: np.ndarray,
    worth_of_bond: np.ndarray,
    marginal: np.ndarray,
    collateral: float,
    cost: float,
) -> np.ndarray:
    r"""The capital that a household would choose if k' >= 0 did not bind; mu has cancelled.

    $$k^* = R k + \frac{1}{\zeta} \left( \frac{\beta \mathrm{E}[R' (1 + \zeta\, \mathit{adj}') u'(c')]
    - \beta \mathrm{E}[y' u'(c')] / \kappa}{u'(c)} + \frac{p}{\kappa} - 1 \right)$$

    Args:
        held: R k by age, shape (n,).
        price: p.
        worth_of_capital: beta E[R' (1 + zeta adj') u'(c')], shape (n,).
        worth_of_bond: beta E[y' u'(c')], shape (n,).
        marginal: u'(c), shape (n,).
        collateral: kappa.
        cost: zeta.

    Returns:
        k*, shape (n,); below zero where the household would like to own less than nothing.

    Example:
        >>> one = np.ones(1)
        >>> wanted_capital(one, 0.9, 1.05 * one, 0.9 * one, one, 1.2, 0.5).round(3).tolist()
        [1.1]

    Used in: Lab 08b

    Reference: Azinovic, Gaegauf and Scheidegger (2022), section 5.2, solved for k'.
    """
    joint = worth_of_capital - worth_of_bond / collateral
    return held + (joint / marginal + price / collateral - 1) / cost


def bond_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([2.0]), np.array([0.7, 1.1]), 1.25))
    yield Case((np.array([0.0, 1.0]), np.array([1.2]), 1.0), name="who owns no capital")
    yield Case((np.array([1.0]), np.array([0.9, 0.6]), 0.8), name="a bond that is never paid in full")
    yield Case((np.array([0.5]), np.array([0.8]), 1.25), name="the pledge is worth just the promise")
    for households, shocks in ((1, 3), (3, 2), (4, 4)):
        yield Case(
            (rng.uniform(0.1, 3, households), rng.uniform(0.5, 1.3, shocks), float(rng.uniform(0.8, 1.4))),
        )


def budget_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([3.0]), np.array([1.0]), 1.1, np.array([1.5]), np.array([-0.5]), 0.9, 0.5), name="a debtor")
    yield Case(
        (np.array([3.0]), np.array([2.0]), 1.1, np.array([2.2]), np.array([0.4]), 0.9, 0.5), name="nothing moves"
    )
    yield Case(
        (np.array([2.0]), np.array([1.0]), 1.2, np.array([0.0]), np.array([0.0]), 0.95, 1.0), name="the last age"
    )
    for ages in (2, 3, 5):
        yield Case(
            (
                rng.uniform(2, 5, ages),
                rng.uniform(0, 3, ages),
                float(rng.uniform(0.9, 1.3)),
                rng.uniform(0, 3, ages),
                rng.uniform(-1, 1, ages),
                float(rng.uniform(0.8, 1)),
                float(rng.uniform(0.2, 2)),
            )
        )


def multiplier_cases(rng: np.random.Generator) -> Iterator[Case]:
    one = np.array([1.0])
    yield Case((2 * one, 0.9, 0.1 * one, 1.5 * one, 1.2 * one, 1.2, 0.5))
    yield Case((one, 0.9, 0.2 * one, 1.1 * one, 0.9 * one, 1.25, 0.5), name="no limit binds: both are zero")
    yield Case((one, 0.9, 0.0 * one, 1.2 * one, 1.1 * one, 1.1, 1.0), name="who would like more of both")
    for households in (1, 3, 4):
        yield Case(
            (
                rng.uniform(0.5, 3, households),
                float(rng.uniform(0.8, 1)),
                rng.uniform(-0.4, 0.4, households),
                rng.uniform(0.5, 3, households),
                rng.uniform(0.5, 3, households),
                float(rng.uniform(1.1, 1.5)),
                float(rng.uniform(0.3, 2)),
            )
        )


def wanted_cases(rng: np.random.Generator) -> Iterator[Case]:
    one = np.array([1.0])
    yield Case((one, 0.9, 1.05 * one, 0.9 * one, one, 1.2, 0.5))
    yield Case((2 * one, 0.9, 2 * one, 1.8 * one, 2 * one, 1.25, 0.5), name="who likes what is there")
    yield Case((0 * one, 0.9, 0.8 * one, 0.9 * one, one, 1.2, 0.5), name="less than nothing")
    for households in (1, 3, 4):
        yield Case(
            (
                rng.uniform(0, 3, households),
                float(rng.uniform(0.8, 1)),
                rng.uniform(0.5, 3, households),
                rng.uniform(0.5, 3, households),
                rng.uniform(0.5, 3, households),
                float(rng.uniform(1.1, 1.5)),
                float(rng.uniform(0.3, 2)),
            )
        )


EXERCISES = (
    Exercise(
        number="8b.1",
        title="A promise and its pledge",
        reference=bond_terms,
        cases=bond_cases,
        mistakes=(
            Mistake(
                "a debtor hands over the pledge when it is worth *less* than the promise: the smaller of the two",
                lambda k, r, a: (np.maximum(a * r, 1.0), -k / a),
            ),
            Mistake(
                "the pledge for one bond is kappa units of capital, and each is worth R' next year",
                lambda k, r, a: (np.minimum(r, 1.0), -k / a),
            ),
            Mistake(
                "the pledge for one bond is kappa units of capital, and each is worth R' next year",
                lambda k, r, a: (np.minimum(r / a, 1.0), -k / a),
            ),
            Mistake(
                "kappa is the capital behind one bond: k' holds k'/kappa of them",
                lambda k, r, a: (np.minimum(a * r, 1.0), -k * a),
            ),
            Mistake(
                "debt is a negative number of bonds: the lowest b' is below zero",
                lambda k, r, a: (np.minimum(a * r, 1.0), k / a),
            ),
        ),
        hint="the smaller of kappa R' and 1; and q = k' + kappa b' = 0, solved for b'",
    ),
    Exercise(
        number="8b.2",
        title="The budget with two assets",
        reference=consumption,
        cases=budget_cases,
        mistakes=(
            Mistake(
                "a bond costs p, not 1",
                lambda m, k, r, s, b, p, z: m - s - b - z / 2 * (s - r * k) ** 2,
            ),
            Mistake(
                "the sign of the bonds: who buys pays p b', who owes (b' < 0) receives",
                lambda m, k, r, s, b, p, z: m - s + p * b - z / 2 * (s - r * k) ** 2,
            ),
            Mistake(
                "the cost is half of zeta times the square",
                lambda m, k, r, s, b, p, z: m - s - p * b - z * (s - r * k) ** 2,
            ),
            Mistake(
                "moved is what differs from R k, the capital with its return, not from k",
                lambda m, k, r, s, b, p, z: m - s - p * b - z / 2 * (s - k) ** 2,
            ),
            Mistake(
                "moving capital costs something: (zeta/2) (k' - R k)^2 is missing",
                lambda m, k, r, s, b, p, z: m - s - p * b,
            ),
            Mistake(
                "the cost grows with the square of what is moved, and is never negative",
                lambda m, k, r, s, b, p, z: m - s - p * b - z / 2 * (s - r * k),
            ),
        ),
        hint="income, minus k', minus p b', minus (zeta/2) times the square of k' - R k",
    ),
    Exercise(
        number="8b.3",
        title="The prices of two limits",
        reference=multipliers,
        cases=multiplier_cases,
        mistakes=(
            Mistake(
                "in the bond's equation mu is multiplied by kappa: divide by it",
                lambda u, p, a, vk, vb, k, z: ((1 + z * a) * u - vk - (p * u - vb), p * u - vb),
            ),
            Mistake(
                "in the bond's equation mu is multiplied by kappa: divide by it",
                lambda u, p, a, vk, vb, k, z: ((1 + z * a) * u - vk - (p * u - vb) * k, (p * u - vb) * k),
            ),
            Mistake(
                "capital serves as a pledge too: subtract mu from what its equation leaves over",
                lambda u, p, a, vk, vb, k, z: ((1 + z * a) * u - vk, (p * u - vb) / k),
            ),
            Mistake(
                "capital serves as a pledge: that is worth mu, and it makes lambda smaller",
                lambda u, p, a, vk, vb, k, z: ((1 + z * a) * u - vk + (p * u - vb) / k, (p * u - vb) / k),
            ),
            Mistake(
                "one more unit of capital costs 1 + zeta adj today, because it has to be moved",
                lambda u, p, a, vk, vb, k, z: (u - vk - (p * u - vb) / k, (p * u - vb) / k),
            ),
            Mistake(
                "do not cut at zero here: a number below zero says that the household wants more",
                lambda u, p, a, vk, vb, k, z: tuple(
                    np.maximum(part, 0.0) for part in multipliers(u, p, a, vk, vb, k, z)
                ),
            ),
            Mistake(
                "the order: lambda first, then mu",
                lambda u, p, a, vk, vb, k, z: multipliers(u, p, a, vk, vb, k, z)[::-1],
            ),
        ),
        hint="solve the bond's equation for mu first, then the capital's equation for lambda",
    ),
    Exercise(
        number="8b.4",
        title="The capital that a household wants",
        reference=wanted_capital,
        cases=wanted_cases,
        mistakes=(
            Mistake(
                "divide the worths by u'(c): the equation holds in units of the good",
                lambda h, p, vk, vb, u, k, z: h + (vk - vb / k + p / k - 1) / z,
            ),
            Mistake(
                "the worth of the pledge is missing: p/kappa today, and y'/kappa taken away tomorrow",
                lambda h, p, vk, vb, u, k, z: h + (vk / u - 1) / z,
            ),
            Mistake(
                "tomorrow the debt has to be paid: subtract the bond's worth over kappa",
                lambda h, p, vk, vb, u, k, z: h + (vk / u + p / k - 1) / z,
            ),
            Mistake(
                "a pledged unit brings p/kappa today: add it",
                lambda h, p, vk, vb, u, k, z: h + ((vk - vb / k) / u - p / k - 1) / z,
            ),
            Mistake(
                "that is what has to be moved; add what is held, R k",
                lambda h, p, vk, vb, u, k, z: ((vk - vb / k) / u + p / k - 1) / z,
            ),
            Mistake(
                "divide by zeta: the dearer moving is, the less is moved",
                lambda h, p, vk, vb, u, k, z: h + z * ((vk - vb / k) / u + p / k - 1),
            ),
            Mistake(
                "leave it below zero where it is: the limit comes later",
                lambda h, p, vk, vb, u, k, z: np.maximum(wanted_capital(h, p, vk, vb, u, k, z), 0.0),
            ),
        ),
        hint="set lambda = 0, divide by u'(c), solve for adj, and add R k",
    ),
)
