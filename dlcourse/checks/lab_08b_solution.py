"""The exercises of Lab 08b on the solution: smoothed conditions, Newton's step, the linear policy, a cleared market.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), Deep equilibrium nets, section 5; Rendahl (2017), Linear time
iteration.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlcourse.checks.exercise import Case, Exercise, Mistake


def smoothed_complementarity(choice: np.ndarray, multiplier: np.ndarray, smoothing: float) -> np.ndarray:
    r"""The Fischer-Burmeister function with its corner rounded off.

    $$\psi_\varepsilon(a, m) = a + m - \sqrt{a^2 + m^2 + \varepsilon^2}$$

    Args:
        choice: a, shape (...).
        multiplier: m, shape (...).
        smoothing: epsilon, at least 0.

    Returns:
        Shape (...): zero where a and m are positive with a m = epsilon^2 / 2.

    Example:
        >>> smoothed_complementarity(np.array([3.0]), np.array([4.0]), 0.0).tolist()
        [2.0]

    Used in: Lab 08b

    Reference: Fischer (1992), A special Newton-type optimization method.
    """
    return choice + multiplier - np.sqrt(choice**2 + multiplier**2 + smoothing**2)


def newton_step(point: np.ndarray, residuals: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    r"""Where the residuals would be zero, if they were straight lines.

    $$x - J^{-1} r$$

    Args:
        point: x, shape (n,).
        residuals: r at x, shape (n,).
        slopes: J, shape (n, n): row i has the derivatives of residual i, one for each unknown.

    Returns:
        The new x, shape (n,).

    Example:
        >>> newton_step(np.array([3.0]), np.array([4.0]), np.array([[2.0]])).tolist()
        [1.0]

    Used in: Lab 08b

    Reference: Judd (1998), Numerical methods in economics, chapter 5.
    """
    return point - np.linalg.solve(slopes, residuals)


def next_policy(before: np.ndarray, now: np.ndarray, after: np.ndarray, policy: np.ndarray) -> np.ndarray:
    r"""One round of linear time iteration: today's answer, if tomorrow follows the policy.

    $$F_- y_{t-1} + F_0 y_t + F_+ y_{t+1} = 0, \quad y_{t+1} = P y_t
    \quad\Longrightarrow\quad y_t = -(F_0 + F_+ P)^{-1} F_-\, y_{t-1}$$

    Args:
        before: F_-, shape (n, n).
        now: F_0, shape (n, n).
        after: F_+, shape (n, n).
        policy: P of tomorrow, shape (n, n).

    Returns:
        P of today, shape (n, n).

    Example:
        >>> next_policy(np.array([[1.0]]), np.array([[-2.5]]), np.array([[1.0]]), np.array([[0.5]])).tolist()
        [[0.5]]

    Used in: Lab 08b

    Reference: Rendahl (2017), Linear time iteration.
    """
    return -np.linalg.solve(now + after @ policy, before)


def clearing_factor(wish: np.ndarray, most: np.ndarray, needed: float) -> float:
    r"""The one factor for all ages with which a market clears, although some of them are at their limit.

    $$\sum_h \min(s\, \tilde c_h,\; \bar c_h) = C$$

    Args:
        wish: c~ by age, positive, shape (A,).
        most: c-bar by age, the most that each can eat, positive, shape (A,).
        needed: C, what they eat together, positive and less than the sum of `most`.

    Returns:
        s.

    Example:
        >>> clearing_factor(np.array([1.0, 1.0]), np.array([5.0, 1.1]), 2.5)
        1.4

    Used in: Lab 08b

    Reference: Azinovic and Zemlicka (2023), Economics-inspired neural networks with stabilizing homotopies.
    """
    factor = 0.0
    # The sum rises in s and bends down only, so Newton's steps from the left never overshoot and arrive.
    for _ in range(len(wish) + 1):
        free = factor * wish < most
        gap = needed - np.minimum(factor * wish, most).sum()
        if not free.any() or abs(gap) <= 1e-14 * needed:
            break
        factor += gap / wish[free].sum()
    return float(factor)


def plane_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([3.0]), np.array([4.0]), 0.0), name="without smoothing")
    yield Case((np.array([1.0]), np.array([0.5]), 1.0), name="a zero of the smoothed function")
    yield Case((np.array([0.0]), np.array([0.0]), 0.2), name="the corner")
    yield Case((np.array([-1.0, 2.0]), np.array([3.0, -0.5]), 0.5), name="one is negative")
    for size in (2, 3, 5):
        yield Case((rng.normal(size=size), rng.normal(size=size), float(rng.uniform(0.1, 1.5))))


def newton_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([3.0]), np.array([4.0]), np.array([[2.0]])))
    yield Case((np.array([1.0, 2.0]), np.array([0.0, 0.0]), np.array([[2.0, 1.0], [0.0, 1.0]])), name="solved already")
    yield Case((np.array([0.0, 0.0]), np.array([1.0, 2.0]), np.array([[0.0, 2.0], [1.0, 0.0]])), name="crossed slopes")
    for size in (2, 3, 4):
        slopes = rng.normal(size=(size, size)) + 3 * np.eye(size)
        yield Case((rng.normal(size=size), rng.normal(size=size), slopes))


def policy_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([[1.0]]), np.array([[-2.5]]), np.array([[1.0]]), np.array([[0.0]])), name="the first round")
    yield Case((np.array([[1.0]]), np.array([[-2.5]]), np.array([[1.0]]), np.array([[0.5]])), name="it has arrived")
    yield Case((np.eye(2), 4 * np.eye(2), np.zeros((2, 2)), np.eye(2)), name="nobody looks ahead")
    for size in (2, 3, 4):
        before, after, policy = rng.normal(scale=0.5, size=(3, size, size))
        yield Case((before, rng.normal(scale=0.5, size=(size, size)) + 4 * np.eye(size), after, policy))


def clearing_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case((np.array([1.0, 1.0]), np.array([5.0, 1.1]), 2.5), name="one age reaches its limit")
    yield Case((np.array([1.0, 2.0]), np.array([5.0, 9.0]), 2.4), name="nobody reaches a limit")
    yield Case((np.array([1.0, 2.0]), np.array([0.5, 1.0]), 0.9), name="all wishes are out of reach")
    for ages in (2, 4, 7, 12):
        wish, most = rng.uniform(0.5, 1.5, ages), rng.uniform(0.6, 2.0, ages)
        yield Case((wish, most, float(np.minimum(rng.uniform(0.7, 1.3) * wish, most).sum() * 0.99)))


EXERCISES = (
    Exercise(
        number="8b.5",
        title="A corner rounded off",
        reference=smoothed_complementarity,
        cases=plane_cases,
        mistakes=(
            Mistake("epsilon stands under the root as a square", lambda a, m, e: a + m - np.sqrt(a**2 + m**2 + e)),
            Mistake("epsilon belongs under the root", lambda a, m, e: a + m - np.sqrt(a**2 + m**2) - e),
            Mistake("epsilon belongs under the root", lambda a, m, e: a + m - np.sqrt(a**2 + m**2) + e),
            Mistake("epsilon is missing", lambda a, m, e: a + m - np.sqrt(a**2 + m**2)),
            Mistake("the root is taken away, not added", lambda a, m, e: a + m + np.sqrt(a**2 + m**2 + e**2)),
            Mistake("that is a product form", lambda a, m, e: a * m - e**2 / 2),
            Mistake(
                "the root is taken of all three squares together",
                lambda a, m, e: a + m - np.abs(a) - np.abs(m) - e,
            ),
        ),
        hint="the sum of the two minus the length of the vector (a, m, epsilon)",
    ),
    Exercise(
        number="8b.6",
        title="A step of Newton's method",
        reference=newton_step,
        cases=newton_cases,
        mistakes=(
            Mistake("the step goes against the residuals: subtract", lambda x, r, j: x + np.linalg.solve(j, r)),
            Mistake(
                "that is the step alone: add the point from which it starts", lambda x, r, j: -np.linalg.solve(j, r)
            ),
            Mistake("that is gradient descent: solve J d = r instead of multiplying", lambda x, r, j: x - j.T @ r),
            Mistake("solve J d = r instead of multiplying by J", lambda x, r, j: x - j @ r),
            Mistake(
                "row i of J belongs to residual i: do not transpose",
                lambda x, r, j: x - np.linalg.solve(j.T, r),
            ),
            Mistake(
                "every unknown moves every residual: the diagonal of J is not enough",
                lambda x, r, j: x - r / np.where(np.diag(j) == 0, 1.0, np.diag(j)),
            ),
        ),
        hint="np.linalg.solve(slopes, residuals) is how far to go; subtract it from the point",
    ),
    Exercise(
        number="8b.7",
        title="A round of linear time iteration",
        reference=next_policy,
        cases=policy_cases,
        mistakes=(
            Mistake(
                "the minus: F_- y stands on the other side of the equation",
                lambda b, n, a, p: np.linalg.solve(n + a @ p, b),
            ),
            Mistake(
                "tomorrow's answer is P y, so that F_+ stands left of P",
                lambda b, n, a, p: -np.linalg.solve(n + p @ a, b),
            ),
            Mistake("tomorrow is missing: F_0 + F_+ P", lambda b, n, a, p: -np.linalg.solve(n, b)),
            Mistake(
                "the inverse stands left of F_-: solve, do not divide from the right",
                lambda b, n, a, p: -b @ np.linalg.inv(n + a @ p),
            ),
            Mistake("F_+ P is added to F_0", lambda b, n, a, p: -np.linalg.solve(n - a @ p, b)),
            Mistake(
                "F_- belongs to yesterday, F_+ to tomorrow: they changed places",
                lambda b, n, a, p: -np.linalg.solve(n + b @ p, a),
            ),
        ),
        hint="np.linalg.solve(F_0 + F_+ P, F_-), with a minus",
    ),
    Exercise(
        number="8b.8",
        title="A market that clears exactly",
        reference=clearing_factor,
        cases=clearing_cases,
        mistakes=(
            Mistake(
                "who is at the limit stays there when s rises: the others have to eat more",
                lambda w, m, c: float(c / w.sum()),
            ),
            Mistake(
                "one step is not enough: with the new s, others reach their limit",
                lambda w, m, c: float(c / np.minimum(w, m).sum()),
            ),
            Mistake(
                "it is c~ that is multiplied by s, not the limit",
                lambda w, m, c: float(c / m.sum()),
            ),
            Mistake(
                "that is the gap; s is what closes it",
                lambda w, m, c: float(c - np.minimum(w, m).sum()),
            ),
        ),
        hint="start at s = 0; the ages below their limit close the gap together: s grows by gap / (sum of their c~); "
        "repeat",
        rtol=1e-6,
    ),
)
