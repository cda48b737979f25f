"""The analytic economy obeys its own closed form; the evaluator agrees, and rejects what is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcourse.economics.analytic_olg import analytic_olg, equilibrium_path, savings_shares
from dlcourse.economics.benchmark_olg import benchmark_olg, benchmark_shocks, labour_profile
from dlcourse.economics.euler_errors import BrokenEconomyError, euler_errors, simulate
from dlcourse.economics.markov import MarkovChain
from dlcourse.economics.olg import OLGEconomy


def closed_form(economy):
    shares = savings_shares(economy)
    return lambda shock, capital: shares * economy.income(shock, capital)[:, :-1]


def with_limit(economy, limit):
    settings = (economy.shocks, economy.labour, economy.capital_share, economy.discount, economy.risk_aversion)
    return OLGEconomy(*settings, limit)


@settings(max_examples=25)
@given(cohorts=st.integers(2, 24), alpha=st.floats(0.15, 0.6), beta=st.floats(0.4, 1.1))
def test_the_closed_form_has_no_euler_error_for_any_economy_of_its_kind(cohorts, alpha, beta):
    economy = analytic_olg(cohorts, alpha, beta)
    errors = euler_errors(economy, closed_form(economy), periods=50, burn_in=5)
    assert errors.residual.maximum < 1e-10
    assert errors.euler.maximum < 1e-10


def test_the_closed_form_holds_for_shocks_that_remember():
    chain = MarkovChain([[0.9, 0.1], [0.4, 0.6]], {"productivity": [0.8, 1.3], "depreciation": [0.3, 1.0]})
    economy = analytic_olg(5, 0.4, 0.8, shocks=chain)
    assert euler_errors(economy, closed_form(economy), periods=200, burn_in=0).residual.maximum < 1e-10


def test_the_path_is_the_simulation_of_the_closed_form():
    economy = analytic_olg()
    path = simulate(economy, closed_form(economy), 40, seed=3, start=[0.0, 0.2, 0.2, 0.2, 0.2, 0.2])
    capital, savings = equilibrium_path(economy, path.shocks)
    np.testing.assert_allclose(path.capital, capital, rtol=1e-12)
    np.testing.assert_allclose(path.savings, savings, rtol=1e-12)


def test_a_wrong_policy_shows_the_error_that_it_has():
    economy = analytic_olg()
    shares = savings_shares(economy).copy()
    shares[-1] *= 1.1
    wrong = euler_errors(economy, lambda shock, k: shares * economy.income(shock, k)[:, :-1], periods=300, burn_in=0)
    right = savings_shares(economy)[-1]
    # The household before the last: target = R' c' without uncertainty left, so the error is known by hand.
    by_hand = shares[-1] * (1 - right) / (right * (1 - shares[-1])) - 1
    np.testing.assert_allclose(wrong.maximum_by_age[-1], by_hand, rtol=1e-9)


def test_saving_too_little_is_no_equilibrium_although_no_limit_is_touched():
    economy = with_limit(analytic_olg(4), 0.0)
    assert euler_errors(economy, closed_form(economy), periods=50, burn_in=0).residual.maximum < 1e-10
    shares = savings_shares(economy).copy()
    shares[1] *= 0.5
    lazy = euler_errors(economy, lambda shock, k: shares * economy.income(shock, k)[:, :-1], periods=50, burn_in=0)
    assert lazy.by_age[1] > 0.1


def test_the_paper_pair_splits_what_the_one_residual_holds_together():
    economy = with_limit(analytic_olg(4), 0.0)
    shares = savings_shares(economy)
    greedy = euler_errors(economy, lambda z, k: 1.05 * shares * economy.income(z, k)[:, :-1], periods=50, burn_in=0)
    assert greedy.residual.mean > 0.01
    assert greedy.kkt.mean > 0.01
    assert greedy.euler.mean < greedy.residual.mean


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (lambda z, k: np.full((len(z), 5), 1.0), "would eat"),
        (lambda z, k: np.full((len(z), 5), np.nan), "savings of age 1 are not finite"),
        (lambda z, k: np.full((len(z), 5), 0.0), "no capital would be left"),
        (lambda z, k: np.tile([0.1, -0.01, 0.01, 0.01, 0.01], (len(z), 1)), r"age 2 saves -0\.01, below the limit 0"),
    ],
)
def test_a_policy_that_breaks_the_economy_is_stopped_with_period_and_state(policy, message):
    with pytest.raises(BrokenEconomyError, match=rf"period 0, shock \d, K = .*{message}"):
        euler_errors(with_limit(analytic_olg(), 0.0), policy, periods=20, burn_in=0)


def test_the_slides_calibration():
    economy = benchmark_olg()
    ages = np.array([21, 31, 41, 50, 61, 66, 71, 80])
    np.testing.assert_allclose(economy.labour[ages - 21], [0.6, 1.0, 1.4, 1.4, 1.4, 1.05, 0.7, 0.7])
    assert (economy.capital_share, economy.discount, economy.risk_aversion) == (0.3, 0.95, 2.0)
    np.testing.assert_allclose(economy.shocks.stationary(), [25 / 54, 25 / 54, 2 / 54, 2 / 54])


def test_fewer_cohorts_live_the_same_life_in_longer_periods():
    np.testing.assert_allclose(labour_profile(6)[[0, -1]], [0.6, 0.7])
    np.testing.assert_allclose(benchmark_olg(12).discount ** 12, benchmark_olg(60).discount ** 60)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: benchmark_olg(2), "at least 3"),
        (lambda: benchmark_olg(borrowing_limit=0.5), r"borrowing_limit=0\.5"),
        (lambda: benchmark_olg(6, -0.5, labour=[1, 1, 1, 1, 1, 0]), "could not repay"),
        (lambda: benchmark_olg(6, labour=[0, 1, 1, 1, 1, 1]), "nothing to eat"),
        (lambda: benchmark_olg(6, labour=np.ones(5)), "each of the 6 cohorts"),
        (lambda: benchmark_olg(capital_share=1.0), "strictly between 0 and 1"),
        (lambda: benchmark_olg(discount=0.0), "discount=0.0"),
        (lambda: benchmark_olg(risk_aversion=-1.0), "gamma"),
        (lambda: benchmark_olg(shocks=MarkovChain([[1.0]], {"productivity": [1.0]})), "nothing about depreciation"),
        (lambda: analytic_olg(productivity=(0.0, 1.0)), "productivity must be positive"),
        (lambda: analytic_olg(depreciation=(0.5, 1.5)), "share from 0 to 1"),
        (lambda: analytic_olg(1), "from 2 on"),
        (lambda: savings_shares(benchmark_olg()), "logarithmic utility"),
        (lambda: equilibrium_path(analytic_olg(), [0, 1], start=np.ones(6)), "the newborn with 0"),
        (lambda: analytic_olg().next_capital(np.ones(6)), "5 saving ages"),
        (lambda: simulate(analytic_olg(), closed_form(analytic_olg()), 0), "at least one"),
        (lambda: euler_errors(analytic_olg(), closed_form(analytic_olg()), burn_in=-1), "burn_in=-1"),
    ],
)
def test_an_impossible_calibration_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_shocks_of_the_two_economies_have_the_same_order():
    np.testing.assert_array_equal(benchmark_shocks().values["depreciation"], analytic_olg().depreciation)
