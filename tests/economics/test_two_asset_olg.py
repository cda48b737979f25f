"""The two-asset economy: the marks of its true equilibrium, and what must hold in any state."""

import numpy as np
import pytest

from dlcourse.economics.euler_errors import BrokenEconomyError
from dlcourse.economics.two_asset_base import SteadyState, base_policy
from dlcourse.economics.two_asset_errors import simulate_two_assets, two_asset_errors
from dlcourse.economics.two_asset_net import TwoAssetNet, clearing_factor
from dlcourse.economics.two_asset_olg import Choices, two_asset_labour, two_asset_olg


@pytest.fixture(scope="module")
def economy():
    return two_asset_olg()


@pytest.fixture(scope="module")
def linear(economy):
    """The first-order policy alone: a network whose weights are all zero."""
    net = TwoAssetNet(economy)
    net.set_weights([np.zeros_like(weight) for weight in net.weights])
    return net


@pytest.fixture(scope="module")
def errors(economy, linear):
    return two_asset_errors(economy, linear.policy, 3000, 300, steady=linear.steady)


def test_the_steady_state_has_the_marks_of_the_true_equilibrium(economy):
    steady = SteadyState.of(economy)
    collateral = economy.split(steady.unknowns).collateral
    assert steady.capital.sum() == pytest.approx(141.47, abs=0.005)
    assert float(steady.period.gross_return) == pytest.approx(1.0777, abs=5e-5)
    assert steady.price == pytest.approx(0.93757, abs=5e-6)
    assert float(steady.period.wage) == pytest.approx(0.9157, abs=5e-5)
    assert np.abs(steady.bonds).sum() / 2 == pytest.approx(32.4, abs=0.05)
    assert np.flatnonzero(collateral < 1e-4).tolist() == list(range(14))
    assert np.flatnonzero(steady.saved < 1e-4).tolist() == [0, 1]


def test_the_steady_state_satisfies_the_model_written_out_for_one_household(economy):
    # Age 30 holds both assets at no limit: both Euler equations hold with equality.
    steady, h = SteadyState.of(economy), 30
    now = steady.period
    growth = economy.discount * (now.consumption[h + 1] / now.consumption[h]) ** -economy.risk_aversion
    move = [1 + economy.adjustment_cost * now.adjustment[age] for age in (h, h + 1)]
    assert steady.price == pytest.approx(growth * float(now.bond_payoff), abs=1e-6)
    assert move[0] == pytest.approx(growth * float(now.gross_return) * move[1], abs=1e-6)


def test_what_is_produced_is_what_is_used_in_the_steady_state(economy):
    steady = SteadyState.of(economy)
    now = steady.period
    output = now.gross_return * steady.capital.sum() + now.wage * economy.total_labour
    used = now.consumption.sum() + steady.saved.sum() + economy.adjustment_cost / 2 * (now.adjustment**2).sum()
    assert used == pytest.approx(float(output), rel=1e-12)


@pytest.mark.parametrize("cohorts", [12, 28, 84])
def test_other_numbers_of_cohorts_have_a_steady_state(cohorts):
    found = two_asset_olg(cohorts).steady_state()
    assert max(found.residuals.values()) < 1e-9


def test_labour_adds_up_to_the_articles_number():
    assert two_asset_labour().sum() == pytest.approx(57.777, abs=5e-4)


def test_the_first_order_solution_has_the_known_persistence_and_spread(economy, linear):
    assert linear.base.linear.spectral_radius == pytest.approx(0.931, abs=1e-3)
    assert linear.base.capital_spread == pytest.approx(6.6, abs=0.05)
    np.testing.assert_allclose(economy.persistence(), [0.672, 0.81], atol=1e-12)


def test_the_linear_policy_answers_a_small_change_as_a_nonlinear_step_does(economy, linear):
    # Goods clear to first order: what is eaten and saved moves by what there is more of.
    steady, rise = linear.steady, 1e-5
    k = steady.capital[None].copy()
    k[0, 30] += rise
    weights = economy.shocks.stationary()
    made = linear.policy(np.arange(4), np.repeat(k, 4, axis=0), np.repeat(steady.bonds[None], 4, axis=0))
    still = linear.policy(
        np.arange(4), np.repeat(steady.capital[None], 4, axis=0), np.repeat(steady.bonds[None], 4, axis=0)
    )
    moved = weights @ (made.capital - still.capital).sum(axis=1)
    assert 0.3 * rise < moved < rise


def test_the_linear_policy_alone_is_where_the_study_found_it(errors):
    # DEQN.md: .049 / 4.1 / 6.0 and .046 / 5.6 / 9.2 percent, K 141.4 (6.6).
    assert 100 * errors.capital_euler.mean == pytest.approx(0.049, abs=0.012)
    assert 100 * errors.bond_euler.mean == pytest.approx(0.046, abs=0.012)
    assert errors.aggregate_capital[0] == pytest.approx(141.4, abs=1.0)
    assert errors.aggregate_capital[1] == pytest.approx(6.6, abs=0.6)


def test_markets_clear_and_nothing_is_lost(errors):
    assert errors.market < 1e-10
    assert errors.resources < 1e-12


def test_constraints_hold_along_the_whole_path(errors):
    assert errors.path.choices.capital.min() >= 0
    assert errors.path.choices.collateral.min() >= -1e-12


def test_a_worse_policy_has_larger_errors(economy, linear, errors):
    def dearer(shock, capital, bonds):
        made = linear.policy(shock, capital, bonds)
        return Choices(made.capital, made.collateral, 1.01 * made.bond_price)

    worse = two_asset_errors(economy, dearer, 200, 0, steady=linear.steady)
    assert worse.bond.mean > 10 * errors.bond.mean


def test_an_economy_that_explodes_is_rejected_with_period_and_capital(economy, linear):
    def hoarding(shock, capital, bonds):
        made = linear.policy(shock, capital, bonds)
        saved = made.capital * (capital.sum(axis=1) / linear.steady.capital.sum())[:, None] * 1.002
        return Choices(saved, made.collateral + saved - made.capital, made.bond_price)

    with pytest.raises(BrokenEconomyError, match=r"period \d+.*(left the region|would eat)"):
        simulate_two_assets(economy, hoarding, 5000, steady=linear.steady)


@pytest.mark.parametrize("start", [0.45, 2.1])
def test_capital_outside_the_region_is_refused_though_everybody_can_live_there(economy, linear, start):
    edge = simulate_two_assets(economy, linear.policy, 1, steady=linear.steady, start=0.55 if start < 1 else 1.9)
    assert len(edge.shocks) == 1
    with pytest.raises(BrokenEconomyError, match=r"period 0, shock \d, K = .*left the region from 70\.7\d to 282\.9"):
        simulate_two_assets(economy, linear.policy, 1, steady=linear.steady, start=start)


def test_every_metric_is_what_the_multipliers_say(economy, linear):
    """Each age's errors in units of u'(c), from `multipliers`, whose zeros are the equilibrium."""
    rng = np.random.default_rng(0)
    weights = [0.3 * rng.normal(size=weight.shape) / np.sqrt(len(weight)) for weight in linear.weights]
    strayed = TwoAssetNet(economy, linear.hidden)
    strayed.set_weights(weights)
    found = two_asset_errors(economy, strayed.policy, 40, 5, steady=linear.steady)
    path, (gamma, zeta, kappa) = found.path, (economy.risk_aversion, economy.adjustment_cost, economy.collateral)
    values = np.stack([economy.shocks.values[name] for name in ("depreciation", "productivity")], axis=-1)
    now = economy.period(path.capital, path.bonds, values[path.shocks], path.choices)
    owned, by_row = economy.holdings(path.choices), []
    for row in range(40):
        here = tuple(part[row : row + 1] for part in owned)
        after = []
        for then, chance in enumerate(economy.shocks.transition[path.shocks[row]]):
            made = strayed.policy(np.array([then]), *here)
            after.append((chance, economy.period(*here, values[then : then + 1], made)))
        today = type(now)(*(part[row : row + 1] for part in now))
        by_row.append(economy.multipliers(today, path.choices.bond_price[row : row + 1], after))
    lam, mu = (np.concatenate(parts) for parts in zip(*by_row, strict=True))
    saved, pledged, price = path.choices.capital, path.choices.collateral, path.choices.bond_price[:, None]
    move = 1 + zeta * now.adjustment[:, :-1]

    capital = zeta / gamma * np.abs(np.maximum(saved - lam / zeta, 0) - saved) / move
    most = 1 + price * pledged / kappa / now.consumption[:, :-1]
    bond_target = (1 - kappa * mu / price) ** (-1 / gamma)
    bond = np.abs(np.minimum(bond_target, most) - 1)
    np.testing.assert_allclose(found.capital_by_age, capital.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.bond_by_age, bond.mean(axis=0), atol=1e-12)
    assert found.capital.maximum == pytest.approx(capital.max())
    assert found.bond.maximum == pytest.approx(bond.max())

    backing = np.where(pledged > 1e-3, 0.0, np.maximum(mu, 0.0))
    gap = ((move - lam - mu + backing) / move) ** (-1 / gamma) - 1
    euler = np.where(saved > 1e-3, np.abs(gap), np.maximum(-gap, 0.0))
    assert found.capital_euler.mean == pytest.approx(euler.mean())
    assert found.capital_euler.maximum == pytest.approx(euler.max())
    euler = np.where(pledged > 1e-3, np.abs(bond_target - 1), np.maximum(1 - bond_target, 0.0))
    assert found.bond_euler.mean == pytest.approx(euler.mean())
    assert found.bond_euler.maximum == pytest.approx(euler.max())
    # A multiplier below zero is no multiplier: it is cut, and the capital's takes what is left.
    cut = np.maximum(mu, 0.0)
    slack = np.maximum(np.maximum(lam + mu - cut, 0.0) * saved, cut * pledged)
    assert found.kkt.mean == pytest.approx(slack.mean())
    assert found.kkt.maximum == pytest.approx(slack.max())
    # Some are at each limit and some are not.
    for part in (saved, pledged):
        assert 0 < (part < 1e-3).mean() < 0.5
    total = path.capital.sum(axis=1)
    assert found.aggregate_capital == pytest.approx((total.mean(), total.std()))
    assert found.capital_range == (total.min(), total.max())


def test_what_is_measured_begins_after_the_burn_in(economy, linear):
    whole = simulate_two_assets(economy, linear.policy, 30, seed=4, steady=linear.steady)
    found = two_asset_errors(economy, linear.policy, 20, 10, seed=4, steady=linear.steady)
    np.testing.assert_array_equal(found.path.capital, whole.capital[10:])
    np.testing.assert_array_equal(found.path.shocks, whole.shocks[10:])
    with pytest.raises(ValueError, match="burn_in"):
        two_asset_errors(economy, linear.policy, 5, -1)


def test_broken_constraints_and_numbers_are_rejected(economy, linear):
    def with_part(**change):
        def policy(shock, capital, bonds):
            made = linear.policy(shock, capital, bonds)
            return made._replace(**{name: part(getattr(made, name)) for name, part in change.items()})

        return policy

    for change, said in (
        ({"capital": lambda k: k - 1.0}, "k' = -"),
        ({"collateral": lambda q: q - 1.0}, "q = -"),
        ({"bond_price": lambda p: p * np.nan}, "not finite"),
    ):
        with pytest.raises(BrokenEconomyError, match=said):
            simulate_two_assets(economy, with_part(**change), 5, steady=linear.steady)


def test_the_economy_returns_from_a_fifth_more_or_less_capital(economy, linear):
    reference = linear.steady.capital.sum()
    usual = simulate_two_assets(economy, linear.policy, 60, steady=linear.steady).capital.sum(axis=1)
    for start in (0.8, 1.2):
        path = simulate_two_assets(economy, linear.policy, 60, steady=linear.steady, start=start).capital.sum(axis=1)
        assert abs(path[0] / reference - 1) == pytest.approx(0.2)
        assert abs(path[-1] / usual[-1] - 1) < 0.01


def test_the_clearing_factor_makes_the_sum_right_or_stays_within_its_limits():
    rng = np.random.default_rng(0)
    wish, most = rng.uniform(0.5, 1.5, (50, 9)), rng.uniform(0.8, 2.0, (50, 9))
    needed = np.minimum(1.1 * wish, most).sum(axis=1)
    found = clearing_factor(wish, most, needed)
    np.testing.assert_allclose(np.minimum(found[:, None] * wish, most).sum(axis=1), needed, rtol=1e-13)
    np.testing.assert_allclose(found, 1.1)
    assert clearing_factor(wish, most, 1e3 * needed).max() == 2.0


def test_a_saved_network_comes_back(economy, tmp_path):
    net = TwoAssetNet(economy, (8,), seed=3)
    net.save(tmp_path / "net.npz")
    again = TwoAssetNet.load(tmp_path / "net.npz", economy)
    k, b = net.steady.capital[None], net.steady.bonds[None]
    for one, other in zip(net.policy(np.array([1]), k, b), again.policy(np.array([1]), k, b), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="56 cohorts"):
        TwoAssetNet.load(tmp_path / "net.npz", two_asset_olg(12))


def test_impossible_calibrations_are_refused(economy):
    for settings, said in (
        ({"cohorts": 6}, "cohorts"),
        ({"adjustment_cost": 0.0}, "adjustment_cost"),
        ({"collateral": -1.0}, "collateral"),
        ({"capital_share": 1.2}, "capital_share"),
        ({"labour": np.ones(5)}, "labour"),
        ({"labour": np.zeros(56)}, "newborn"),
    ):
        with pytest.raises(ValueError, match=said):
            two_asset_olg(**settings)
    with pytest.raises(ValueError, match="hidden"):
        TwoAssetNet(economy, ())
    with pytest.raises(ValueError, match="name="):
        base_policy(economy, SteadyState.of(economy), "quadratic")
    with pytest.raises(ValueError, match="periods"):
        simulate_two_assets(economy, lambda *_: None, 0)
