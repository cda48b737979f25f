"""The exercises of Lab 08b: they hold together, agree with SciPy and the package, and know usual mistakes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import eig
from scipy.optimize import brentq, root

from dlcourse.checks import exercises, find_exercise, lab_08b_households, lab_08b_solution, validate
from dlcourse.checks.judging import judge
from dlcourse.economics import two_asset_net
from dlcourse.economics.perturbation import linear_time_iteration, linearise
from dlcourse.economics.steady_state import fischer_burmeister
from dlcourse.economics.two_asset_olg import Choices, two_asset_olg

NUMBERS = [f"8b.{place}" for place in range(1, 9)]


def test_the_lab_has_eight_exercises() -> None:
    assert [exercise.number for exercise in exercises("08b")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


def test_bonds_budget_and_multipliers_are_those_of_the_economy() -> None:
    rng, economy = np.random.default_rng(0), two_asset_olg(12, collateral=0.95)
    k, b = np.pad(rng.uniform(1, 3, 11), (1, 0)), np.pad(rng.uniform(-0.3, 0.3, 11), (1, 0))
    choices = Choices(rng.uniform(1, 3, 11), rng.uniform(1, 3, 11), np.float64(0.9))
    now = economy.period(k, b, np.array([0.11, 0.98]), choices)
    R, y = float(now.gross_return), float(now.bond_payoff)
    payoff, lowest = lab_08b_households.bond_terms(choices.capital, np.array([R]), economy.collateral)
    assert payoff.tolist() == [y]
    held = economy.holdings(Choices(choices.capital, np.zeros(11), choices.bond_price))[1]
    np.testing.assert_allclose(lowest, held[1:], rtol=1e-14)

    next_k, next_b = economy.holdings(choices)
    saved, bought = np.append(next_k[1:], 0.0), np.append(next_b[1:], 0.0)
    income = R * k + y * b + float(now.wage) * economy.labour
    eaten = lab_08b_households.consumption(income, k, R, saved, bought, 0.9, economy.adjustment_cost)
    np.testing.assert_allclose(eaten, now.consumption, rtol=1e-13)

    later = economy.period(next_k, next_b, np.array([0.08, 1.02]), choices)
    meal, marginal = np.full(12, 1.3), 1.1**-economy.risk_aversion * np.ones(11)
    now, later = now._replace(consumption=np.full(12, 1.1)), later._replace(consumption=meal)
    weight = economy.discount * meal[1:] ** -economy.risk_aversion
    worth = weight * later.gross_return * (1 + economy.adjustment_cost * later.adjustment[1:])
    ours = lab_08b_households.multipliers(
        marginal,
        0.9,
        now.adjustment[:-1],
        worth,
        weight * later.bond_payoff,
        economy.collateral,
        economy.adjustment_cost,
    )
    for mine, theirs in zip(ours, economy.multipliers(now, choices.bond_price, [(1.0, later)]), strict=True):
        np.testing.assert_allclose(mine, marginal * theirs, rtol=1e-12)


@given(st.integers(0, 10**6))
def test_at_the_wanted_capital_lambda_is_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    held, of_capital, of_bond, marginal = rng.uniform(0.5, 3, (4, 5))
    price, kappa, zeta = rng.uniform(0.8, 1), rng.uniform(0.9, 1.5), rng.uniform(0.2, 2)
    wanted = lab_08b_households.wanted_capital(held, price, of_capital, of_bond, marginal, kappa, zeta)
    lambda_, _ = lab_08b_households.multipliers(marginal, price, wanted - held, of_capital, of_bond, kappa, zeta)
    np.testing.assert_allclose(lambda_, 0.0, atol=1e-12)


@given(st.floats(-3, 3), st.floats(1e-3, 2))
def test_the_smoothed_function_is_the_package_s_and_zero_on_a_hyperbola(a: float, epsilon: float) -> None:
    ours = lab_08b_solution.smoothed_complementarity(np.float64(a), np.float64(0.7), epsilon)
    assert ours == pytest.approx(float(fischer_burmeister(a, 0.7, epsilon)), abs=1e-14)
    if abs(a) > 1e-2:
        on = lab_08b_solution.smoothed_complementarity(np.float64(abs(a)), np.float64(epsilon**2 / 2 / abs(a)), epsilon)
        assert on == pytest.approx(0.0, abs=1e-10 * (1 + epsilon**2 / abs(a)))


def test_newton_s_steps_lead_to_the_root_that_scipy_finds() -> None:
    def function(x: np.ndarray) -> np.ndarray:
        return np.array([x[0] ** 2 + x[1] - 3, 2 * x[0] - x[1] ** 3])

    point = np.array([1.0, 1.0])
    for _ in range(8):
        slopes = np.array([[2 * point[0], 1.0], [2.0, -3 * point[1] ** 2]])
        point = lab_08b_solution.newton_step(point, function(point), slopes)
    np.testing.assert_allclose(point, root(function, [1.0, 1.0], tol=1e-13).x, rtol=1e-10)


def test_iterating_the_policy_gives_the_stable_eigenvalues_and_the_package_s_policy() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.normal(scale=0.4, size=(2, 3, 3))
    now = rng.normal(scale=0.4, size=(3, 3)) + 3 * np.eye(3)
    policy = np.zeros((3, 3))
    for _ in range(300):
        policy = lab_08b_solution.next_policy(before, now, after, policy)
    np.testing.assert_allclose(before + now @ policy + after @ policy @ policy, 0.0, atol=1e-12)
    left = np.block([[np.zeros((3, 3)), np.eye(3)], [-before, -now]])
    right = np.block([[np.eye(3), np.zeros((3, 3))], [np.zeros((3, 3)), after]])
    stable = sorted(np.abs(eig(left, right)[0]))[:3]
    np.testing.assert_allclose(sorted(np.abs(np.linalg.eigvals(policy))), stable, rtol=1e-8)
    equations = linearise(
        lambda a, b, c, z, _: (before @ a[..., None] + now @ b[..., None] + after @ c[..., None])[..., 0] + z,
        np.zeros(3),
        np.zeros(3),
    )
    found = linear_time_iteration(equations, np.zeros((3, 3)))
    np.testing.assert_allclose(found.transition, policy, atol=1e-7)


@given(st.integers(1, 12), st.integers(0, 10**6))
def test_the_clearing_factor_is_the_root_and_that_of_the_package(ages: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    wish, most = rng.uniform(0.5, 1.5, ages), rng.uniform(0.8, 2.0, ages)
    needed = float(0.999 * np.minimum(rng.uniform(0.6, 1.4) * wish, most).sum())

    def gap(s: float) -> float:
        return float(np.minimum(s * wish, most).sum() - needed)

    found = lab_08b_solution.clearing_factor(wish, most, needed)
    assert found == pytest.approx(brentq(gap, 0, 5, xtol=1e-14), rel=1e-9)
    if 0.5 < found < 2:
        theirs = two_asset_net.clearing_factor(wish[None], most[None], np.array([needed]))
        assert found == pytest.approx(theirs[0], rel=1e-9)


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("8b.1", lambda k, r, a: (np.where(a * r < 1, a * r, 1.0), -(k / a))),
        (
            "8b.2",
            lambda m, k, r, s, b, p, z: m - (s + p * b + 0.5 * z * (s**2 - 2 * s * r * k + (r * k) ** 2)),
        ),
        (
            "8b.3",
            lambda u, p, a, vk, vb, k, z: [u * (1 + z * a - p / k) - vk + vb / k, p * u / k - vb / k],
        ),
        ("8b.4", lambda h, p, vk, vb, u, k, z: (h * z + vk / u - vb / (u * k) + p / k - 1) / z),
        ("8b.5", lambda a, m, e: a + m - np.hypot(np.hypot(a, m), e)),
        ("8b.6", lambda x, r, j: x - np.linalg.inv(j) @ r),
        ("8b.7", lambda b, n, a, p: np.linalg.inv(n + a @ p) @ -b),
        (
            "8b.8",
            lambda w, m, c: float(
                np.interp(c, *(lambda s: (np.minimum(np.outer(s, w), m).sum(axis=1), s))(np.sort(np.append(m / w, 0))))
            ),
        ),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("8b.1", lambda k, r, a: (np.minimum(a * r, 1.0), -a * k), "behind one bond"),
        ("8b.2", lambda m, k, r, s, b, p, z: m - s - p * b - z / 2 * (s - k) ** 2, "not from k"),
        ("8b.3", lambda u, p, a, vk, vb, k, z: ((1 + z * a) * u - vk, (p * u - vb) / k), "serves as a pledge"),
        ("8b.4", lambda h, p, vk, vb, u, k, z: h + (vk / u - 1) / z, "worth of the pledge"),
        ("8b.5", lambda a, m, e: a + m - np.sqrt(a**2 + m**2 + e), "as a square"),
        ("8b.6", lambda x, r, j: x - j.T @ r, "gradient descent"),
        ("8b.7", lambda b, n, a, p: -np.linalg.inv(n + p @ a) @ b, "left of P"),
        ("8b.8", lambda w, m, c: float(c / w.sum()), "others have to eat more"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text
