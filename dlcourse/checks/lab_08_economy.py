"""The exercises of Lab 08 on the economy: what saving is worth, prices, the budget, the closed form.

Used in: Lab 08

Reference: Lecture 004, "BENCHMARK OLG MODEL AS EXAMPLE" to "FIRMS AND MARKETS".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from dlcourse.checks.exercise import Case, Exercise, Mistake


def value_of_saving(
    discount: float, probability: np.ndarray, gross_return: np.ndarray, consumption: np.ndarray, risk_aversion: float
) -> np.ndarray:
    r"""What one more unit saved is worth today, in utility.

    $$\beta\, \mathrm{E}[R' u'(c')] = \beta \sum_{z'} p_{z'} R_{z'} c_{z'}^{-\gamma}$$

    Args:
        discount: beta.
        probability: p of each shock z' to come, shape (..., Z); the last axis sums to 1.
        gross_return: R' in each of them, shape (..., Z).
        consumption: c' in each of them, shape (..., Z), positive.
        risk_aversion: gamma > 0.

    Returns:
        Shape (...): the shocks are summed over.

    Example:
        >>> value_of_saving(0.9, np.array([0.5, 0.5]), np.array([1.0, 2.0]), np.array([1.0, 2.0]), 2.0).round(3)
        np.float64(0.675)

    Used in: Lab 08

    Reference: Lecture 004, "FUNCTIONAL RATIONAL EXPECTATIONS EQUILIBRIUM".
    """
    return discount * np.sum(probability * gross_return * consumption**-risk_aversion, axis=-1)


def factor_prices(
    capital: ArrayLike, labour: float, productivity: ArrayLike, depreciation: ArrayLike, share: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""The prices that the firm pays: the derivatives of its output.

    $$R = \alpha \eta (K/L)^{\alpha-1} + 1 - \delta, \qquad w = (1-\alpha)\, \eta (K/L)^\alpha$$

    Args:
        capital: K > 0, a number or an array.
        labour: L > 0.
        productivity: eta.
        depreciation: delta, 0 to 1.
        share: alpha, between 0 and 1.

    Returns:
        R and w.

    Example:
        >>> [float(price) for price in factor_prices(1.0, 1.0, 1.0, 0.5, 0.3)]
        [0.8, 0.7]

    Used in: Lab 08

    Reference: Lecture 004, "FIRMS AND MARKETS".
    """
    intensity = np.asarray(capital) / labour
    return (
        share * productivity * intensity ** (share - 1) + 1 - depreciation,
        (1 - share) * productivity * intensity**share,
    )


def consumption(
    capital: np.ndarray, savings: np.ndarray, gross_return: ArrayLike, wage: ArrayLike, labour: np.ndarray
) -> np.ndarray:
    r"""What each age eats: the budget, solved for consumption.

    $$c^h = R k^h + w l^h - a^h, \qquad a^A = 0$$

    Args:
        capital: k by age, shape (n, A), for n states of the economy.
        savings: a by age, shape (n, A - 1): the oldest saves nothing.
        gross_return: R of each state, shape (n,), or one number for all.
        wage: w of each state, shape (n,), or one number.
        labour: l by age, shape (A,).

    Returns:
        c by age, shape (n, A).

    Example:
        >>> consumption(np.array([[0.0, 2.0]]), np.array([[0.5]]), 1.1, 1.0, np.array([1.0, 0.5])).round(3).tolist()
        [[0.5, 2.7]]

    Used in: Lab 08

    Reference: Lecture 004, "HOUSEHOLDS (II)".
    """
    price, pay = np.reshape(gross_return, (-1, 1)), np.reshape(wage, (-1, 1))
    eaten = price * capital + pay * labour
    eaten[:, :-1] -= savings
    return eaten


def savings_shares(discount: float, cohorts: int) -> np.ndarray:
    r"""The share of its income that each age saves where utility is logarithmic and only the newborn work.

    $$\beta_h = \frac{\beta + \dots + \beta^{A-h}}{1 + \beta + \dots + \beta^{A-h}}, \qquad h = 1, \dots, A-1$$

    Args:
        discount: beta.
        cohorts: A, at least 2.

    Returns:
        Shape (A - 1,), youngest first.

    Example:
        >>> savings_shares(0.7, 6).round(3).tolist()
        [0.66, 0.639, 0.605, 0.543, 0.412]

    Used in: Lab 08

    Reference: Krueger and Kubler (2004), section on the economy with a closed-form solution.
    """
    future = np.array([np.sum(discount ** np.arange(1, cohorts - age + 1)) for age in range(1, cohorts)])
    return future / (1 + future)


def value_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((0.9, np.array([0.5, 0.5]), np.array([0.8, 1.3]), np.array([0.4, 1.1]), 2.0))
    yield Case((0.7, np.array([0.25, 0.75]), np.array([0.9, 1.2]), np.array([0.5, 0.8]), 1.0), name="logarithm")
    yield Case((0.95, np.array([0.0, 1.0]), np.array([0.6, 1.1]), np.array([0.3, 0.7]), 2.0), name="one sure shock")
    for shape in ((2,), (3, 2), (2, 3, 4)):
        probability = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
        yield Case(
            (
                float(rng.uniform(0.6, 0.95)),
                probability,
                rng.uniform(0.7, 1.3, size=shape),
                rng.uniform(0.3, 1.5, size=shape),
                float(rng.uniform(1.2, 3)),
            )
        )
    # As in the lab: a probability for each state, consumption for each state and age.
    yield Case(
        (
            0.9,
            rng.dirichlet(np.ones(4), size=(2, 1)),
            rng.uniform(0.7, 1.3, size=(2, 1, 4)),
            rng.uniform(0.3, 1.5, size=(2, 3, 4)),
            2.0,
        ),
        name="two states, three ages, four shocks",
    )


def price_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((2.0, 1.0, 1.1, 0.5, 0.3))
    yield Case((1.0, 1.0, 1.0, 0.9, 0.3), name="as much capital as labour")
    yield Case((3.0, 2.0, 0.85, 1.0, 0.3), name="all capital wears out")
    yield Case((3.0, 2.0, 1.15, 0.0, 0.25), name="no capital wears out")
    for count in (1, 3, 4):
        yield Case(
            (
                rng.uniform(0.5, 5, size=count),
                float(rng.uniform(1.5, 4)),
                rng.uniform(0.8, 1.2, size=count),
                rng.uniform(0.2, 0.9, size=count),
                float(rng.uniform(0.2, 0.45)),
            )
        )


def budget_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.0, 2.0]]), np.array([[0.4]]), np.array([1.1]), np.array([0.7]), np.array([1.0, 0.5])))
    yield Case(
        (np.array([[0.0, -0.5]]), np.array([[-0.5]]), np.array([1.2]), np.array([0.8]), np.array([0.6, 0.9])),
        name="a household in debt",
    )
    for states, ages in ((1, 3), (2, 3), (3, 3), (4, 3), (2, 5)):
        capital = rng.uniform(0.1, 1.5, size=(states, ages))
        capital[:, 0] = 0.0
        yield Case(
            (
                capital,
                rng.uniform(0.1, 0.5, size=(states, ages - 1)),
                rng.uniform(0.8, 1.4, size=states),
                rng.uniform(0.5, 0.9, size=states),
                rng.uniform(0.5, 1.5, size=ages),
            )
        )


def share_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((0.5, 3))
    yield Case((0.5, 2), name="two ages")
    yield Case((1.0, 4), name="patience: beta is 1")
    yield Case((0.7, 6), name="the lab's economy")
    for cohorts in (4, 5, 8):
        yield Case((float(rng.uniform(0.6, 0.95)), cohorts))


def expectations_apart(
    discount: float, probability: np.ndarray, gross_return: np.ndarray, eaten: np.ndarray, gamma: float
) -> np.ndarray:
    """E[R'] E[u'(c')]: wrong, because returns and consumption move together."""
    return discount * np.sum(probability * gross_return, -1) * np.sum(probability * eaten**-gamma, -1)


def utility_of_the_mean(
    discount: float, probability: np.ndarray, gross_return: np.ndarray, eaten: np.ndarray, gamma: float
) -> np.ndarray:
    """E[R'] u'(E[c']): plans for the average and forgets the risk."""
    return discount * np.sum(probability * gross_return, -1) * np.sum(probability * eaten, -1) ** -gamma


def shifted_budget(
    capital: np.ndarray, savings: np.ndarray, gross_return: ArrayLike, wage: ArrayLike, labour: np.ndarray
) -> np.ndarray:
    """Takes the savings from the next age up: the youngest saves nothing."""
    saved = np.pad(savings, ((0, 0), (1, 0)))
    return np.reshape(gross_return, (-1, 1)) * capital + np.reshape(wage, (-1, 1)) * labour - saved


EXERCISES = (
    Exercise(
        number="8.1",
        title="What one more unit saved is worth",
        reference=value_of_saving,
        cases=value_cases,
        mistakes=(
            Mistake(
                "the discount is missing: tomorrow counts beta", lambda b, p, r, c, g: value_of_saving(1, p, r, c, g)
            ),
            Mistake(
                "the return is missing: each unit saved comes back as R'",
                lambda b, p, r, c, g: value_of_saving(b, p, 1, c, g),
            ),
            Mistake(
                "returns and consumption move together: multiply them in each shock, and only then take the mean",
                expectations_apart,
            ),
            Mistake(
                "that is the marginal utility of average consumption; the average of the marginal utilities is larger",
                utility_of_the_mean,
            ),
            Mistake(
                "the shocks are not equally likely: weigh each with its probability",
                lambda b, p, r, c, g: b * np.mean(r * c**-g + 0 * p, axis=-1),
            ),
            Mistake(
                "marginal utility falls as consumption rises: c to the power of minus gamma",
                lambda b, p, r, c, g: value_of_saving(b, p, r, c, -g),
            ),
            Mistake(
                "sum over the shocks alone, which are the last axis, and keep the others",
                lambda b, p, r, c, g: float(np.sum(b * p * r * c**-g)),
            ),
        ),
        hint="p times R' times u'(c') in each shock, the sum of these over the last axis, times beta",
    ),
    Exercise(
        number="8.2",
        title="The firm's prices",
        reference=factor_prices,
        cases=price_cases,
        mistakes=(
            Mistake(
                "R is a gross return: what is left of the unit itself, 1 - delta, comes back too",
                lambda k, n, e, d, a: (factor_prices(k, n, e, d, a)[0] - 1, factor_prices(k, n, e, d, a)[1]),
            ),
            Mistake(
                "depreciation is missing: of each unit of capital only 1 - delta is left",
                lambda k, n, e, d, a: factor_prices(k, n, e, 0.0 * np.asarray(d), a),
            ),
            Mistake(
                "what is left of the capital, 1 - delta, is missing from R",
                lambda k, n, e, d, a: factor_prices(k, n, e, 1.0 + 0.0 * np.asarray(d), a),
            ),
            Mistake(
                "the prices depend on capital per unit of labour, K/L, and not on K alone",
                lambda k, n, e, d, a: factor_prices(k, 1.0, e, d, a),
            ),
            Mistake(
                "alpha and 1 - alpha are exchanged: capital earns the share alpha",
                lambda k, n, e, d, a: (
                    (1 - a) * e * (np.asarray(k) / n) ** (a - 1) + 1 - d,
                    a * e * (np.asarray(k) / n) ** a,
                ),
            ),
            Mistake(
                "the productivity eta multiplies both R's first term and w",
                lambda k, n, e, d, a: factor_prices(k, n, 1.0 + 0.0 * np.asarray(e), d, a),
            ),
        ),
        hint="first K/L; then the derivative of f with respect to K, and with respect to L",
    ),
    Exercise(
        number="8.3",
        title="The budget",
        reference=consumption,
        cases=budget_cases,
        mistakes=(
            Mistake(
                "each age pays for its own savings: a[:, 0] belongs to the youngest, and it is the oldest who saves "
                "nothing",
                shifted_budget,
            ),
            Mistake(
                "what is saved cannot be eaten: take it away",
                lambda k, a, r, w, n: consumption(k, -a, r, w, n),
            ),
            Mistake(
                "savings are missing: this is the income",
                lambda k, a, r, w, n: consumption(k, 0 * a, r, w, n),
            ),
            Mistake(
                "capital comes back with its return R",
                lambda k, a, r, w, n: consumption(k, a, 1.0, w, n),
            ),
            Mistake(
                "the wage is paid for each unit of labour: w times l, which differs from age to age",
                lambda k, a, r, w, n: consumption(k, a, r, w, np.ones_like(n)),
            ),
            Mistake("the wages are missing: w times l", lambda k, a, r, w, n: consumption(k, a, r, w, 0 * n)),
        ),
        hint="R[:, None] * capital + w[:, None] * labour is the income; take the savings of all but the oldest away",
    ),
    Exercise(
        number="8.4",
        title="The closed form",
        reference=savings_shares,
        cases=share_cases,
        mistakes=(
            Mistake(
                "that is the share that is eaten; the question is what is saved",
                lambda b, n: 1 - savings_shares(b, n),
            ),
            Mistake(
                "the order is reversed: the youngest, who has most of its life to come, stands first",
                lambda b, n: savings_shares(b, n)[::-1],
            ),
            Mistake(
                "age h has A - h periods to come after this one: yours is one too many",
                lambda b, n: savings_shares(b, n + 1)[:-1],
            ),
            Mistake(
                "age h has A - h periods to come after this one: yours is one too few",
                lambda b, n: np.append(savings_shares(b, n)[1:], 0.0),
            ),
            Mistake(
                "who lives for ever saves the share beta; these households know when their life ends",
                lambda b, n: np.full(n - 1, float(b)),
            ),
            Mistake(
                "the oldest saves nothing and is left out: A - 1 numbers",
                lambda b, n: np.append(savings_shares(b, n), 0.0),
            ),
        ),
        hint="for each age add up the weights of what is to come, s = beta + ... + beta^(A-h); it saves s of 1 + s",
    ),
)
