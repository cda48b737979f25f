"""The corrected policy in NumPy: what each output does, what the inputs measure, and markets that clear exactly."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from dlcourse.economics.markov import MarkovChain
from dlcourse.economics.two_asset_base import SteadyState, base_policy, first_order
from dlcourse.economics.two_asset_errors import simulate_two_assets
from dlcourse.economics.two_asset_net import TwoAssetNet, clearing_factor
from dlcourse.economics.two_asset_olg import two_asset_olg

AGES = 12
SAVERS = AGES - 1


@pytest.fixture(scope="module", params=["article", "risky"])
def economy(request):
    # With a collateral of .61 a bond is at times worth less than its promise: min(kappa R, 1) has two sides.
    other = {"collateral": 0.61, "risk_aversion": 3.0, "adjustment_cost": 0.8}
    return two_asset_olg(AGES, **(other if request.param == "risky" else {}))


@pytest.fixture(scope="module")
def net(economy):
    return TwoAssetNet(economy, (8,))


@pytest.fixture(scope="module")
def path(economy, net):
    """A free simulation of the base alone."""
    still = TwoAssetNet(economy, (8,))
    still.set_weights([np.zeros_like(weight) for weight in net.weights])
    return simulate_two_assets(economy, still.policy, 2000, seed=1, steady=net.steady)


def states(path, seed=0):
    """States of a path with the holdings scattered around them."""
    rng = np.random.default_rng(seed)
    rows = slice(0, None, 20)
    k = path.capital[rows] * np.exp(0.1 * rng.normal(size=path.capital[rows].shape))
    b = path.bonds[rows] + 0.02 * rng.normal(size=path.bonds[rows].shape) * (np.arange(AGES) > 0)
    return path.shocks[rows], k, b


def shock_values(economy, shock):
    return np.stack([economy.shocks.values[name][shock] for name in ("depreciation", "productivity")], axis=-1)


def answered(net, outputs):
    """The network with the same outputs in every state."""
    weights = [np.zeros_like(weight) for weight in net.weights]
    weights[-2] = np.asarray(outputs, dtype=np.float32)
    net.set_weights(weights)
    return net


def linear_guess(net, shock, k, b):
    """k~, c~ and p of the base, each written out."""
    gaps = [(k - net.steady.capital)[:, 1:], (b - net.steady.bonds)[:, 1:]]
    gaps = np.hstack([*gaps, shock_values(net.economy, shock) - net.economy.mean_shock()])
    guess = np.stack([net.base.steady + net.base.response @ gap for gap in gaps])
    return guess[:, :SAVERS], guess[:, SAVERS:-1], guess[:, -1]


@pytest.mark.parametrize("size", [0.0, 1.0, 20.0])
def test_each_output_corrects_what_it_is_named_for(economy, net, path, size):
    outputs = (size * np.random.default_rng(2).normal(size=net.outputs)).astype(np.float32).astype(np.float64)
    outputs[-1] = size
    shock, k, b = states(path)
    made = answered(net, outputs).policy(shock, k, b)
    capital, consumption, price = linear_guess(net, shock, k, b)
    np.testing.assert_allclose(made.capital, np.maximum(capital + net.scales.correction * outputs[:SAVERS], 0.0))
    np.testing.assert_allclose(made.bond_price, price * np.exp(0.005 * min(size, 5.0)))
    # One factor for all who are at no limit; who is at one eats less than that.
    wish = np.maximum(consumption, 1e-6) * np.exp(0.03 * np.clip(outputs[SAVERS:-1], -10.0, 10.0))
    eaten = economy.period(k, b, shock_values(economy, shock), made).consumption[:, :-1]
    factor = eaten / wish
    common = factor.max(axis=1, keepdims=True)
    free = made.collateral > 1e-9
    np.testing.assert_allclose(np.where(free, factor, common), np.broadcast_to(common, factor.shape))
    assert 0.5 < common.min() < common.max() < 2.0
    assert free.any(axis=1).all()
    assert not free.all()
    assert (made.capital == 0).any() or size < 20


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.1, 0.7))
def test_bonds_sum_to_zero_and_constraints_hold_whatever_the_weights(net, path, seed, size):
    rng = np.random.default_rng(seed)
    net.set_weights([size * rng.normal(size=weight.shape) / np.sqrt(len(weight)) for weight in net.weights])
    made = net.policy(*states(path, seed))
    bonds = (made.collateral - made.capital) / net.economy.collateral
    assert np.abs(bonds.sum(axis=1)).max() < 1e-12
    assert made.capital.min() >= 0
    assert made.collateral.min() >= 0


def test_a_state_is_answered_alike_alone_and_in_company(net, path):
    rng = np.random.default_rng(4)
    net.set_weights([rng.normal(size=weight.shape) / np.sqrt(len(weight)) for weight in net.weights])
    shock, k, b = states(path)
    together = net.policy(shock, k, b)
    alone = net.policy(shock[7:8], k[7:8], b[7:8])
    for whole, single in zip(together, alone, strict=True):
        np.testing.assert_allclose(whole[7:8], single, rtol=1e-12, atol=1e-14)


def test_the_inputs_are_the_state_measured_in_units_of_its_own_movement(economy, net, path):
    # Each input in turn is led to the price, p = p_base exp(.005 o) with o = .2 x .1 x input.
    weights = [np.zeros_like(weight) for weight in net.weights]
    seen = np.empty((len(path.shocks), net.inputs))
    base = linear_guess(net, path.shocks, path.capital, path.bonds)[-1]
    for place in range(net.inputs):
        weights[-1] = np.zeros_like(weights[-1])
        weights[-1][place, -1] = 0.1
        net.set_weights(weights)
        price = net.policy(path.shocks, path.capital, path.bonds).bond_price
        seen[:, place] = np.log(price / base) / (0.005 * 0.2 * 0.1)
    one_hot, aggregates, by_age = np.split(seen, [len(economy.shocks), len(economy.shocks) + 3], axis=1)
    np.testing.assert_allclose(one_hot, np.eye(len(economy.shocks))[path.shocks], atol=1e-9)

    now = economy.period(path.capital, path.bonds, shock_values(economy, path.shocks), path.choices)
    assets = now.gross_return[:, None] * path.capital + now.bond_payoff[:, None] * path.bonds
    steady = net.steady
    centre = [steady.capital.sum(), float(steady.period.gross_return), float(steady.period.wage)]
    at_rest = centre[1] * steady.capital + float(steady.period.bond_payoff) * steady.bonds
    gaps = np.stack([path.capital.sum(axis=1), now.gross_return, now.wage], axis=1) - centre
    gaps_by_age = np.hstack([path.capital - steady.capital, assets - at_rest])
    gaps_by_age = np.delete(gaps_by_age, [0, AGES], axis=1)
    for gap, found in ((gaps, aggregates), (gaps_by_age, by_age)):
        # A straight line through the steady state.
        np.testing.assert_allclose(found, gap * (found.std(axis=0) / gap.std(axis=0)), atol=1e-9)
    spread = aggregates.std(axis=0)
    assert spread[0] == pytest.approx(1.0, abs=0.05)
    assert ((spread > 0.5) & (spread < 1.35)).all(), spread
    # From the fourth age on theory gives the spread; who owns next to nothing is measured by a part of the average.
    for spread in np.split(by_age.std(axis=0), 2):
        assert ((spread[3:] > 0.8) & (spread[3:] < 1.1)).all(), spread
    movement, slack = path.choices.capital.std(axis=0)[3:], 0.005 * centre[0] / AGES
    assert (net.scales.correction[3:] > movement).all()
    assert (net.scales.correction[3:] < 1.1 * movement + slack).all()


def test_the_perturbation_base_is_the_first_order_solution_told_in_holdings_and_consumption(economy, net):
    smooth, linear = first_order(economy)
    rng = np.random.default_rng(5)
    before, shock = 1e-5 * rng.normal(size=(20, len(smooth))), 1e-5 * rng.normal(size=(20, 2))
    now = before @ linear.transition.T + shock @ linear.response.T
    at_rest = economy.holdings(economy.split(smooth))
    owned = economy.holdings(economy.split(smooth + before))
    moved = [(part - rest)[:, 1:] for part, rest in zip(owned, at_rest, strict=True)]
    found = np.hstack([*moved, shock]) @ net.base.response.T
    np.testing.assert_allclose(found[:, :SAVERS], now[:, :SAVERS], atol=1e-12)
    np.testing.assert_allclose(found[:, -1], now[:, -1], atol=1e-12)
    mean = economy.mean_shock()
    eaten = economy.period(*owned, mean + shock, economy.split(smooth + now)).consumption
    eaten_at_rest = economy.period(*at_rest, mean, economy.split(smooth)).consumption
    np.testing.assert_allclose(found[:, SAVERS:-1], (eaten - eaten_at_rest)[:, :-1], atol=5e-9)


def test_every_base_rests_at_the_steady_state(economy):
    steady = SteadyState.of(economy)
    for name in ("perturbation", "wealth", "constant"):
        base = base_policy(economy, steady, name)
        np.testing.assert_array_equal(base.steady[:SAVERS], steady.saved)
        np.testing.assert_array_equal(base.steady[SAVERS:-1], steady.period.consumption[:-1])
        assert base.steady[-1] == steady.price
    assert not base.response.any()


def test_the_wealth_base_eats_the_annuity_of_what_it_owns(economy):
    steady = SteadyState.of(economy)
    response = base_policy(economy, steady, "wealth").response
    gross_return, eaten = float(steady.period.gross_return), steady.period.consumption
    # Without risk consumption grows by (beta / p)^(1/gamma) a period, and a unit of it costs p today.
    growth = (economy.discount / steady.price) ** (1 / economy.risk_aversion)
    by_all = 0.15 * eaten[:-1] / steady.capital.sum()
    expected = np.zeros_like(response)
    for age in range(SAVERS):
        expected[SAVERS + age, :SAVERS] = by_all[age]
        expected[SAVERS + age, -1] = 0.5 * eaten[age]
        if age == 0:
            continue
        share = 1 / sum((steady.price * growth) ** ahead for ahead in range(AGES - age))
        expected[age, age - 1] = 0.9
        expected[SAVERS + age, age - 1] += share * gross_return
        expected[SAVERS + age, SAVERS + age - 1] = share
    np.testing.assert_allclose(response, expected, atol=1e-14)


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.floats(0.55, 1.9))
def test_the_clearing_factor_is_the_root_that_scipy_finds(seed, factor):
    rng = np.random.default_rng(seed)
    wish, most = rng.uniform(0.1, 1.5, 9), rng.uniform(0.05, 2.0, 9)
    # The last age is far from its limit: the sum rises everywhere.
    most[-1] = 5.0
    needed = np.minimum(factor * wish, most).sum()
    root = brentq(lambda s: np.minimum(s * wish, most).sum() - needed, 0.5, 2.0, xtol=1e-14)
    found = clearing_factor(np.stack([wish, wish]), np.stack([most, most]), np.array([needed, 0.0]))
    assert found[0] == pytest.approx(root, abs=1e-12)
    assert found[1] == 0.5


def test_seeds_and_sizes_make_the_network_that_was_asked_for(economy):
    one, same, other = (TwoAssetNet(economy, (5, 7), seed=seed) for seed in (1, 1, 2))
    assert one.inputs == 4 + 3 + 2 * SAVERS
    assert one.outputs == 2 * SAVERS + 1
    shapes = [(one.inputs, 5), (5,), (5, 7), (7,), (7, one.outputs), (one.outputs,), (one.inputs, one.outputs)]
    assert [weight.shape for weight in one.weights] == shapes
    for first, second in zip(one.weights, same.weights, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one.weights[0], other.weights[0])
    # It starts close to its base, and its linear path at nothing.
    assert np.abs(one.weights[-3]).max() < 0.01
    assert not one.weights[-1].any()


def test_a_file_brings_back_the_base_and_the_layers_too(economy, tmp_path):
    net = TwoAssetNet(economy, (5, 7), "wealth", seed=3)
    net.save(tmp_path / "net.npz")
    again = TwoAssetNet.load(tmp_path / "net.npz", economy)
    assert again.settings == net.settings == {"hidden": [5, 7], "base": "wealth"}
    np.testing.assert_array_equal(again.base.response, net.base.response)
    for one, other in zip(net.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_of_another_network_are_refused(economy):
    net = TwoAssetNet(economy, (5,))
    with pytest.raises(ValueError, match="the weights have shapes"):
        net.set_weights(net.weights[:-1])
    with pytest.raises(ValueError, match="the weights have shapes"):
        net.set_weights(TwoAssetNet(economy, (6,)).weights)
    for hidden in ((), (5, 0)):
        with pytest.raises(ValueError, match="hidden"):
            TwoAssetNet(economy, hidden)


def test_an_economy_without_risk_has_a_policy_too():
    usual = two_asset_olg(12)
    calm = MarkovChain(np.ones((1, 1)), {"productivity": np.ones(1), "depreciation": np.full(1, 0.08)})
    net = TwoAssetNet(replace(usual, shocks=calm), hidden=(4,))
    choices = net.policy(np.zeros(1, int), net.steady.capital[None], net.steady.bonds[None])
    np.testing.assert_allclose(choices.capital[0], net.steady.saved, atol=1e-3)
    assert np.isfinite(choices.collateral).all()
