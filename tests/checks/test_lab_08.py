"""The exercises of Lab 08: they hold together, agree with derivatives and the package, and know usual mistakes.

The oracles are `tf.GradientTape`, `scipy.optimize`, `keras.losses`, and the functions with which the package trains and
checks.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar

from dlcourse.checks import exercises, find_exercise, lab_08_economy, lab_08_equilibrium, lab_08_limits, validate
from dlcourse.checks.judging import judge
from dlcourse.economics import analytic_olg as analytic
from dlcourse.economics import production
from dlcourse.economics.benchmark_olg import benchmark_olg
from dlcourse.economics.equilibrium_net import EquilibriumNet
from dlcourse.economics.equilibrium_residuals import EquilibriumConditions, Residuals, State
from dlcourse.economics.euler_errors import euler_errors

NUMBERS = [f"8.{place}" for place in range(1, 11)]


def test_the_lab_has_ten_exercises() -> None:
    assert [exercise.number for exercise in exercises("08")] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_accepts_its_reference_and_rejects_its_mistakes(number: str) -> None:
    assert validate(find_exercise(number)) == []


@pytest.mark.parametrize("risk_aversion", [1.0, 2.0, 3.5])
def test_the_value_of_saving_is_the_slope_of_expected_utility(risk_aversion: float) -> None:
    rng = np.random.default_rng(0)
    probability, returns, wages = rng.dirichlet(np.ones(3)), rng.uniform(0.7, 1.3, 3), rng.uniform(0.3, 0.6, 3)
    savings = tf.Variable(0.4, dtype=tf.float64)
    with tf.GradientTape() as tape:
        meals = returns * savings + wages
        utility = tf.math.log(meals) if risk_aversion == 1 else meals ** (1 - risk_aversion) / (1 - risk_aversion)
        worth = 0.9 * tf.reduce_sum(probability * utility)
    ours = lab_08_economy.value_of_saving(0.9, probability, returns, meals.numpy(), risk_aversion)
    assert ours == pytest.approx(tape.gradient(worth, savings).numpy(), rel=1e-12)


def test_the_prices_are_the_slopes_of_output_and_those_of_the_package() -> None:
    capital, labour = tf.Variable(3.0, dtype=tf.float64), tf.Variable(2.0, dtype=tf.float64)
    with tf.GradientTape() as tape:
        made = 1.15 * capital**0.3 * labour**0.7 + (1 - 0.9) * capital
    slopes = [slope.numpy() for slope in tape.gradient(made, [capital, labour])]
    np.testing.assert_allclose(lab_08_economy.factor_prices(3.0, 2.0, 1.15, 0.9, 0.3), slopes, rtol=1e-12)
    np.testing.assert_allclose(production.factor_prices(3.0, 2.0, 1.15, 0.9, 0.3), slopes, rtol=1e-12)


@given(st.integers(1, 6), st.integers(2, 9), st.integers(0, 10**6))
def test_what_is_eaten_and_saved_is_what_is_produced(states: int, ages: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    capital, savings = rng.uniform(0.1, 2, (states, ages)), rng.uniform(-0.2, 0.5, (states, ages - 1))
    labour, eta, delta = rng.uniform(0.5, 1.5, ages), rng.uniform(0.8, 1.2, states), rng.uniform(0.3, 0.9, states)
    prices = lab_08_economy.factor_prices(capital.sum(axis=1), labour.sum(), eta, delta, 0.3)
    eaten = lab_08_economy.consumption(capital, savings, *prices, labour)
    made = production.output(capital.sum(axis=1), labour.sum(), eta, delta, 0.3)
    np.testing.assert_allclose(eaten.sum(axis=1) + savings.sum(axis=1), made, rtol=1e-10)


def test_the_closed_form_is_the_best_way_to_cut_a_cake() -> None:
    weights = 0.7 ** np.arange(4)

    def waste(logits: np.ndarray) -> float:
        parts = np.exp(logits) / np.exp(logits).sum()
        return -float(weights @ np.log(parts))

    logits = minimize(waste, np.zeros(4), tol=1e-12).x
    today = np.exp(logits[0]) / np.exp(logits).sum()
    assert lab_08_economy.savings_shares(0.7, 4)[0] == pytest.approx(1 - today, abs=1e-5)
    for cohorts in (2, 6, 24):
        economy = analytic.analytic_olg(cohorts)
        expected = analytic.savings_shares(economy)
        np.testing.assert_allclose(lab_08_economy.savings_shares(0.7, cohorts), expected, rtol=1e-12)


def test_the_loss_is_the_mean_squared_error_against_zero() -> None:
    residuals = np.random.default_rng(1).normal(size=(5, 3))
    expected = keras.losses.MeanSquaredError()(np.zeros((5, 3)), residuals)
    assert lab_08_equilibrium.loss(residuals) == pytest.approx(float(expected), rel=1e-6)


def test_the_next_state_is_that_of_the_training_and_has_the_chain_s_frequencies() -> None:
    economy, rng = benchmark_olg(4), np.random.default_rng(2)
    shock, savings, uniforms = rng.integers(4, size=40_000), rng.uniform(size=(40_000, 3)), rng.random(40_000)
    state = State(tf.constant(shock, tf.int32), tf.constant(savings, tf.float32))
    theirs = EquilibriumConditions(EquilibriumNet(economy, hidden=(2,))).next_state(
        state, Residuals(tf.constant(0.0), state.capital, state.capital), tf.constant(uniforms, tf.float32)
    )
    following, capital = lab_08_equilibrium.next_state(shock, savings, uniforms, economy.shocks.transition)
    # In single precision a number next to a threshold may fall on its other side.
    assert (following != theirs.shock.numpy()).mean() < 1e-3
    np.testing.assert_allclose(capital, theirs.capital.numpy(), rtol=1e-6)
    for row in range(4):
        counts = np.bincount(following[shock == row], minlength=4) / (shock == row).sum()
        np.testing.assert_allclose(counts, economy.shocks.transition[row], atol=0.02)


def test_the_multiplier_is_what_a_looser_limit_is_worth() -> None:
    chance, returns, wages = np.array([0.5, 0.5]), np.array([0.8, 1.3]), np.array([0.9, 1.3])

    def best_utility(limit: float) -> float:
        found = minimize_scalar(
            lambda a: 1 / (0.8 - a) + 0.95 * chance @ (1 / (returns * a + wages)),
            bounds=(limit, 0.7),
            method="bounded",
            options={"xatol": 1e-12},
        )
        return -float(found.fun)

    gained = (best_utility(-1e-4) - best_utility(1e-4)) / 2e-4
    expected = lab_08_economy.value_of_saving(1.0, chance, returns, wages, 2.0)
    assert lab_08_limits.multiplier(expected, 0.95, np.float64(0.8), 2.0) == pytest.approx(gained, rel=1e-4)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_fischer_burmeister_is_zero_where_the_minimum_is(x: float, y: float) -> None:
    value, lowest = lab_08_limits.fischer_burmeister(np.float64(x), np.float64(y)), min(x, y)
    # Known bounds (Tseng 1996): both measure the same distance, up to a factor of 2 + sqrt(2).
    assert abs(lowest) * (2 - np.sqrt(2)) - 1e-9 <= abs(value) <= abs(lowest) * (2 + np.sqrt(2)) + 1e-9


@pytest.mark.parametrize("limit", [0.0, -0.01])
def test_the_residuals_are_those_of_the_training_and_of_the_check(limit: float) -> None:
    economy = benchmark_olg(5, limit)
    net = EquilibriumNet(economy, hidden=(4,))
    found = euler_errors(economy, net.policy, periods=40, burn_in=0)
    shocks, capital = found.path.shocks, found.path.capital
    eaten = economy.income(shocks, capital)
    resources = eaten[:, :-1] - limit
    eaten[:, :-1] -= found.path.savings
    after = economy.next_capital(found.path.savings)
    returns, meals = [], []
    for z in range(4):
        states = np.full(40, z)
        prices = lab_08_economy.factor_prices(
            after.sum(axis=1), economy.total_labour, economy.productivity[z], economy.depreciation[z], 0.3
        )
        returns.append(prices[0])
        later = lab_08_economy.consumption(after, net.policy(states, after), *prices, economy.labour)
        meals.append(later[:, 1:])
    value = lab_08_economy.value_of_saving(
        economy.discount,
        economy.shocks.transition[shocks][:, None],
        np.stack(returns, axis=-1)[:, None],
        np.stack(meals, axis=-1),
        2.0,
    )
    ours = lab_08_limits.min_residual(value, resources, eaten[:, :-1], 2.0)
    np.testing.assert_allclose(np.abs(ours).mean(axis=0), found.by_age, rtol=1e-10)
    free = lab_08_equilibrium.euler_residual(value, eaten[:, :-1], 2.0)
    np.testing.assert_allclose(ours, np.minimum(free, resources / eaten[:, :-1] - 1), rtol=1e-10, atol=1e-14)
    state = State(tf.constant(shocks, tf.int32), tf.constant(capital, tf.float32))
    compiled = EquilibriumConditions(net).residuals([tf.constant(w) for w in net.weights], state)
    binding = net.floors.binding
    np.testing.assert_allclose(compiled.errors.numpy()[:, binding], np.abs(ours)[:, binding], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("8.1", lambda b, p, r, c, g: b * np.einsum("...z,...z->...", *np.broadcast_arrays(p * r, c**-g))),
        ("8.2", lambda k, n, e, d, a: (a * e * (n / k) ** (1 - a) + (1 - d), (1 - a) * e * (k / n) ** a)),
        (
            "8.3",
            lambda k, a, r, w, n: (k.T * r).T + np.outer(w, n) - np.concatenate([a, np.zeros((len(a), 1))], axis=1),
        ),
        (
            "8.4",
            lambda b, n: np.array(
                [1 - 1 / np.sum(b ** np.arange(n - age)) for age in range(n - 1)],
            ),
        ),
        ("8.5", lambda v, c, g: (np.exp(-np.log(v) / g) - c) / c),
        ("8.6", lambda g: np.sum(np.square(g)) / g.size),
        (
            "8.7",
            lambda z, a, u, p: (
                np.array([np.searchsorted(np.cumsum(p[i])[:-1], x, side="right") for i, x in zip(z, u, strict=True)]),
                np.hstack([np.zeros((len(a), 1)), a]),
            ),
        ),
        ("8.8", lambda e, b, c, g: np.where(1 / c**g > b * e, 1 / c**g - b * e, 0.0)),
        ("8.9", lambda x, y: x + y - np.hypot(x, y)),
        ("8.10", lambda v, m, c, g: np.where(v ** (-1 / g) < m, v ** (-1 / g), m) / c - 1),
    ],
)
def test_a_right_answer_written_in_another_way_passes(number: str, answer: Callable[..., object]) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("8.1", lambda b, p, r, c, g: b * (p * r).sum(-1) * (p * c**-g).sum(-1), "move together"),
        ("8.2", lambda k, n, e, d, a: (a * e * (k / n) ** (a - 1) - d, (1 - a) * e * (k / n) ** a), "gross return"),
        ("8.3", lambda k, a, r, w, n: r[:, None] * k + w[:, None] * n, "this is the income"),
        ("8.4", lambda b, n: b * np.ones(n - 1), "know when their life ends"),
        ("8.5", lambda v, c, g: v * c**g - 1, "compares marginal utilities"),
        ("8.6", lambda g: np.sum(g**2), "a sum where a mean is expected"),
        (
            "8.7",
            lambda z, a, u, p: (
                (u[:, None] >= np.cumsum(p[z], axis=1)[:, :-1]).sum(axis=1),
                np.hstack([a, np.zeros((len(a), 1))]),
            ),
            "grows older",
        ),
        ("8.8", lambda e, b, c, g: np.maximum(c**-g / b - e, 0), "slide"),
        ("8.9", lambda x, y: np.sqrt(x**2 + y**2) - x - y, "sign is reversed"),
        ("8.10", lambda v, m, c, g: np.minimum(v, m) / c - 1, "units of utility"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(number: str, answer: Callable[..., object], words: str) -> None:
    verdict = judge(find_exercise(number), answer)
    assert verdict.status == "not right"
    assert words in verdict.text
