"""The exercises of Lab 08 on learning an equilibrium: the residual, the loss, one step of the simulation.

Used in: Lab 08

Reference: Lecture 004, "DEEP EQUILIBRIUM NETS".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def euler_residual(value: np.ndarray, consumption: np.ndarray, risk_aversion: float) -> np.ndarray:
    r"""By which share a household should eat more than it does.

    $$\frac{\left(\beta\, \mathrm{E}[R' u'(c')]\right)^{-1/\gamma}}{c} - 1$$

    Args:
        value: beta E[R' u'(c')], positive, shape (...).
        consumption: c, positive, shape (...).
        risk_aversion: gamma > 0.

    Returns:
        Shape (...): 0 where the Euler equation holds, 0.01 for one percent too little eaten.

    Example:
        >>> float(euler_residual(np.float64(4.0), np.float64(0.4), 2.0))
        0.25

    Used in: Lab 08

    Reference: Lecture 004, "DEEP EQUILIBRIUM NETS"; Judd (1998), chapter 17.
    """
    return value ** (-1 / risk_aversion) / consumption - 1


def loss(residuals: np.ndarray) -> float:
    r"""The loss of a batch of states: the mean of the squared residuals.

    $$\ell = \frac{1}{n (A-1)} \sum_{i=1}^n \sum_{h=1}^{A-1} G_{ih}^2$$

    Args:
        residuals: G, shape (n, A - 1): a row for each state, a column for each age that saves.

    Returns:
        A number, 0 in equilibrium.

    Example:
        >>> loss(np.array([[0.1, -0.1], [0.0, 0.0]])).round(6).item()
        0.005

    Used in: Lab 08

    Reference: Lecture 004, "DEEP EQUILIBRIUM NETS".
    """
    return np.mean(residuals**2)


def next_state(
    shock: np.ndarray, savings: np.ndarray, uniforms: np.ndarray, transition: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    r"""The states that follow: everybody is a year older, and a new shock is drawn.

    $$k'^{\,1} = 0, \qquad k'^{\,h+1} = a^h, \qquad z' = \#\{j : u \ge P_{z0} + \dots + P_{zj}\}$$

    Args:
        shock: z, integers from 0 to Z - 1, shape (n,).
        savings: a by age, shape (n, A - 1).
        uniforms: u, numbers from [0, 1), shape (n,).
        transition: P[i, j], the probability of shock j after shock i, shape (Z, Z).

    Returns:
        z', integers, shape (n,), and k', shape (n, A).

    Example:
        >>> shock, capital = next_state(
        ...     np.array([0]), np.array([[0.3, 0.2]]), np.array([0.7]), np.array([[0.6, 0.4], [0.5, 0.5]])
        ... )
        >>> shock.tolist(), capital.tolist()
        ([1], [[0.0, 0.3, 0.2]])

    Used in: Lab 08

    Reference: Lecture 004, "HOUSEHOLDS" and "DEEP EQUILIBRIUM NETS".
    """
    below = np.cumsum(transition[shock], axis=1)[:, :-1]
    return (uniforms[:, None] >= below).sum(axis=1), np.pad(savings, ((0, 0), (1, 0)))


def residual_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([3.0]), np.array([0.5]), 2.0))
    yield Case((np.array([2.5]), np.array([0.4]), 1.0), name="logarithm")
    yield Case((np.array([4.0, 4.0]), np.array([0.5, 0.8]), 2.0), name="the first is in equilibrium")
    for shape in ((2,), (4,), (2, 3)):
        yield Case((rng.uniform(0.5, 5, size=shape), rng.uniform(0.3, 1.5, size=shape), float(rng.uniform(1.3, 3))))


def loss_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[0.2, -0.1]]),))
    yield Case((np.zeros((2, 3)),), name="equilibrium")
    yield Case((np.array([[0.5], [-0.5]]),), name="too much here, too little there")
    for shape in ((1, 5), (3, 2), (4, 5)):
        yield Case((rng.normal(scale=0.3, size=shape),))


def state_cases(rng: np.random.Generator) -> Iterator[Case]:
    two = np.array([[0.9, 0.1], [0.3, 0.7]])
    yield Case((np.array([0]), np.array([[0.3, 0.2]]), np.array([0.95]), two))
    yield Case((np.array([1]), np.array([[0.3, 0.2]]), np.array([0.2]), two), name="the shock changes back")
    yield Case((np.array([0, 1]), np.array([[0.3], [0.4]]), np.array([0.5, 0.5]), two), name="both shocks stay")
    yield Case((np.array([0]), np.array([[-0.5, 0.9]]), np.array([0.05]), two), name="a household in debt")
    for paths, ages, shocks in ((3, 3, 3), (5, 4, 4), (8, 3, 4)):
        yield Case(
            (
                rng.integers(shocks, size=paths),
                rng.uniform(0.1, 1, size=(paths, ages - 1)),
                rng.random(paths),
                rng.dirichlet(np.ones(shocks), size=shocks),
            )
        )


def shock_by(
    shock: np.ndarray, savings: np.ndarray, uniforms: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The next state with thresholds of one's own, shape (n, Z)."""
    return (uniforms[:, None] >= rows[:, :-1]).sum(axis=1), np.pad(savings, ((0, 0), (1, 0)))


def inverse(value: np.ndarray, risk_aversion: float) -> np.ndarray:
    return value ** (-1 / risk_aversion)


EXERCISES = (
    Exercise(
        number="8.5",
        title="The Euler residual",
        reference=euler_residual,
        cases=residual_cases,
        mistakes=(
            Mistake(
                "that compares marginal utilities; turn the value back into consumption first, with the power -1/gamma",
                lambda v, c, g: v / c**-g - 1,
            ),
            Mistake(
                "that compares marginal utilities; turn the value back into consumption first, with the power -1/gamma",
                lambda v, c, g: c**-g / v - 1,
            ),
            Mistake(
                "turned round: what should be eaten stands above what is eaten",
                lambda v, c, g: c / inverse(v, g) - 1,
            ),
            Mistake(
                "that is a difference in units of the good; divide by c to have a share of it",
                lambda v, c, g: inverse(v, g) - c,
            ),
            Mistake(
                "the inverse of c^(-gamma) is the power -1/gamma, with the minus",
                lambda v, c, g: v ** (1 / g) / c - 1,
            ),
            Mistake(
                "the inverse of c^(-gamma) is the power -1/gamma, not -gamma",
                lambda v, c, g: v**-g / c - 1,
            ),
            Mistake("take 1 away, so that equilibrium is 0", lambda v, c, g: inverse(v, g) / c),
        ),
        hint="the consumption whose marginal utility is `value`, divided by the consumption that is there, minus 1",
    ),
    Exercise(
        number="8.6",
        title="The loss",
        reference=loss,
        cases=loss_cases,
        mistakes=(
            Mistake(
                "square first: positive and negative residuals must not cancel",
                lambda g: np.mean(g) ** 2,
            ),
            Mistake("the slides square the residuals, they do not take absolute values", lambda g: np.mean(np.abs(g))),
            Mistake("that is the root of the loss", lambda g: np.sqrt(np.mean(g**2))),
            Mistake("the residuals are to be squared", lambda g: np.mean(g)),
            Mistake("one number for the whole batch: the mean over states and ages", lambda g: np.mean(g**2, axis=1)),
            Mistake("one number for the whole batch: the mean over states and ages", lambda g: np.mean(g**2, axis=0)),
            Mistake(
                "the mean over ages too, so that economies with many cohorts can be compared",
                lambda g: np.sum(g**2) / len(g),
            ),
        ),
        hint="np.mean of the squares, over both axes",
    ),
    Exercise(
        number="8.7",
        title="One step of the simulation",
        reference=next_state,
        cases=state_cases,
        mistakes=(
            Mistake(
                "everybody grows older: the savings of age h are the capital of age h + 1; the newborn stands first, "
                "with 0",
                lambda z, a, u, p: (next_state(z, a, u, p)[0], np.pad(a, ((0, 0), (0, 1)))),
            ),
            Mistake(
                "the shock moves on too: draw z' from row z of the transition matrix",
                lambda z, a, u, p: (z, next_state(z, a, u, p)[1]),
            ),
            Mistake(
                "the probabilities after shock z stand in row z, not in column z",
                lambda z, a, u, p: shock_by(z, a, u, np.cumsum(p.T[z], axis=1)),
            ),
            Mistake(
                "compare u with the cumulative probabilities: P[z, 0], then P[z, 0] + P[z, 1], and so on",
                lambda z, a, u, p: shock_by(z, a, u, p[z]),
            ),
            Mistake(
                "shocks are counted from 0: a u below the first probability gives shock 0",
                lambda z, a, u, p: (next_state(z, a, u, p)[0] + 1, next_state(z, a, u, p)[1]),
            ),
            Mistake(
                "each path has its own shock: take its own row of the matrix",
                lambda z, a, u, p: shock_by(z, a, u, np.cumsum(np.repeat(p[:1], len(z), 0), axis=1)),
            ),
        ),
        hint="np.cumsum(transition[shock], axis=1): z' is how many of these thresholds u has passed, the last left out",
    ),
)
