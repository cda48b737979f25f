"""The training loss of the two-asset economy against the NumPy accounts, which know neither networks nor TensorFlow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlcourse.economics.markov import MarkovChain
from dlcourse.economics.two_asset_errors import simulate_two_assets, two_asset_errors
from dlcourse.economics.two_asset_net import TwoAssetNet
from dlcourse.economics.two_asset_olg import Choices, two_asset_olg
from dlcourse.economics.two_asset_residuals import TwoAssetConditions, TwoAssetState

AGES = 12
SAVERS = AGES - 1


@pytest.fixture(scope="module", params=["article", "risky"])
def economy(request):
    # With a collateral of .61 a bond is at times worth less than its promise: min(kappa R, 1) has two sides.
    other = {"collateral": 0.61, "risk_aversion": 3.0, "adjustment_cost": 0.8}
    return two_asset_olg(AGES, **(other if request.param == "risky" else {}))


@pytest.fixture(scope="module")
def net(economy):
    """A network that strays from its base by about as much as the state moves, constraints included."""
    net = TwoAssetNet(economy, (8, 6))
    rng = np.random.default_rng(1)
    net.set_weights([0.4 * rng.normal(size=weight.shape) / np.sqrt(len(weight)) for weight in net.weights])
    return net


@pytest.fixture(scope="module")
def conditions(net):
    return TwoAssetConditions(net)


@pytest.fixture(scope="module")
def states(economy, net):
    """Shock, k and b of 60 states of a free simulation, the holdings scattered around them."""
    still = TwoAssetNet(economy, (8, 6))
    still.set_weights([np.zeros_like(weight) for weight in net.weights])
    path = simulate_two_assets(economy, still.policy, 300, seed=2, steady=net.steady)
    rng = np.random.default_rng(3)
    k, b = path.capital[::5], path.bonds[::5]
    k = k * np.exp(0.1 * rng.normal(size=k.shape))
    b = b + 0.02 * rng.normal(size=b.shape) * (np.arange(AGES) > 0)
    return rng.integers(4, size=len(k)), k, b


def as_tensors(states):
    shock, k, b = states
    return TwoAssetState(tf.constant(shock, tf.int32), tf.constant(k, tf.float32), tf.constant(b, tf.float32))


def shock_values(economy, shock):
    return np.stack([economy.shocks.values[name][shock] for name in ("depreciation", "productivity")], axis=-1)


def residuals_by_hand(net, wanted, wish, states):
    """r_K and r_B in float64 from what the two Euler equations leave over, lambda and mu in units of u'(c).

    k* = k' - lambda / zeta,   (beta E[y' u'(c')] / p)^(-1/gamma) = c (1 - kappa mu / p)^(-1/gamma)
    """
    economy, (shock, k, b) = net.economy, states
    gamma, zeta, kappa = economy.risk_aversion, economy.adjustment_cost, economy.collateral
    made = net.policy(shock, k, b)
    now, price = economy.period(k, b, shock_values(economy, shock), made), made.bond_price[:, None]
    lam, mu = np.zeros_like(made.capital), np.zeros_like(made.capital)
    for row in range(len(k)):
        today = type(now)(*(part[row : row + 1] for part in now))
        owned = economy.holdings(Choices(*(part[row : row + 1] for part in made)))
        after = []
        for then, chance in enumerate(economy.shocks.transition[shock[row]]):
            later = np.array([then])
            accounts = economy.period(*owned, shock_values(economy, later), net.policy(later, *owned))
            after.append((chance, accounts))
        lam[row : row + 1], mu[row : row + 1] = economy.multipliers(today, made.bond_price[row : row + 1], after)
    eaten, adjustment = now.consumption[:, :-1], now.adjustment[:, :-1]
    own = zeta / gamma * (np.maximum(made.capital - lam / zeta, 0.0) - wanted) / (1 + zeta * adjustment)
    most = eaten + price / kappa * made.collateral
    bond = np.minimum((1 - kappa * mu / price) ** (-1 / gamma) * eaten, most) / wish - 1
    return own, bond


def test_choices_and_accounts_are_those_of_numpy(economy, net, conditions, states):
    choice = conditions.choose(net.weights, as_tensors(states))
    made = net.policy(*states)
    np.testing.assert_allclose(choice.saved, made.capital, atol=2e-6)
    np.testing.assert_allclose(choice.collateral, made.collateral, atol=2e-5)
    np.testing.assert_allclose(choice.price[:, 0], made.bond_price, rtol=1e-6)
    now = economy.period(states[1], states[2], shock_values(economy, states[0]), made)
    np.testing.assert_allclose(choice.consumption, now.consumption, rtol=2e-5)
    np.testing.assert_allclose(choice.adjustment, now.adjustment, atol=5e-6)
    np.testing.assert_allclose(choice.gross_return[:, 0], now.gross_return, rtol=1e-6)
    np.testing.assert_allclose(choice.payoff[:, 0], now.bond_payoff, rtol=1e-6)
    # Both constraints bind for some and not for others, or this compares little.
    assert 0.01 < (made.collateral == 0).mean() < 0.9
    assert (np.asarray(choice.wanted) < 0).any() == (made.capital == 0).any()


def test_outputs_that_leave_their_bounds_are_cut_in_both(net, states):
    wild = [weight.copy() for weight in net.weights]
    wild[-2][:] = 0.0
    wild[-2][SAVERS] = 40.0
    wild[-2][SAVERS + 9] = -40.0
    for price in (40.0, -40.0):
        wild[-2][-1] = price
        twin = TwoAssetNet(net.economy, net.hidden)
        twin.set_weights(wild)
        made = twin.policy(*states)
        choice = TwoAssetConditions(twin).choose(wild, as_tensors(states))
        np.testing.assert_allclose(choice.saved, made.capital, atol=2e-6)
        np.testing.assert_allclose(choice.collateral, made.collateral, atol=2e-5)
        np.testing.assert_allclose(choice.price[:, 0], made.bond_price, rtol=1e-6)


def test_the_layers_are_those_of_keras(economy, net, conditions, states):
    shock, k, b = states
    scales, choice = net.scales, conditions.choose(net.weights, as_tensors(states))
    idle = Choices(np.zeros((len(k), SAVERS)), np.zeros((len(k), SAVERS)), np.zeros(len(k)))
    now = economy.period(k, b, shock_values(economy, shock), idle)
    assets = now.gross_return[:, None] * k + now.bond_payoff[:, None] * b
    totals = np.stack([k.sum(axis=1), now.gross_return, now.wage], axis=1)
    features = np.hstack(
        [
            np.eye(4)[shock],
            (totals - scales.centre) / scales.aggregates,
            (k[:, 1:] - scales.capital_centre) / scales.capital,
            (assets[:, 1:] - scales.assets_centre) / scales.assets,
        ]
    )
    inputs = keras.Input((net.inputs,))
    hidden = keras.layers.Dense(6, "tanh")(keras.layers.Dense(8, "tanh")(inputs))
    line = keras.layers.Dense(net.outputs, use_bias=False)(inputs)
    model = keras.Model(inputs, [keras.layers.Dense(net.outputs)(hidden), line])
    by_shape = {weight.shape: weight for weight in net.weights}
    for variable in model.weights:
        variable.assign(by_shape[tuple(variable.shape)])
    outputs = sum(weight * np.asarray(part) for weight, part in zip((1.0, 0.2), model(features), strict=True))
    deviations = np.hstack(
        [(k - net.steady.capital)[:, 1:], (b - net.steady.bonds)[:, 1:], shock_values(economy, shock)]
    )
    deviations[:, -2:] -= economy.mean_shock()
    guess = net.base.steady + deviations @ net.base.response.T
    np.testing.assert_allclose(choice.wanted, guess[:, :SAVERS] + scales.correction * outputs[:, :SAVERS], atol=1e-5)
    price = guess[:, -1] * np.exp(0.005 * outputs[:, -1])
    np.testing.assert_allclose(choice.price[:, 0], price, rtol=2e-6)
    np.testing.assert_allclose(net.policy(*states).bond_price, price, rtol=2e-6)


def test_the_market_clears_and_nobody_breaks_a_constraint(economy, net, conditions, states):
    choice = conditions.choose(net.weights, as_tensors(states))
    assert np.abs(tf.reduce_sum(choice.collateral - choice.saved, axis=1) / economy.collateral).max() < 1e-5
    assert float(tf.reduce_min(choice.saved)) >= 0.0
    assert float(tf.reduce_min(choice.collateral)) == 0.0
    np.testing.assert_array_equal(choice.consumption[:, :-1], tf.minimum(choice.wish, choice.most))


def test_both_residuals_are_what_the_euler_equations_leave_over(net, conditions, states):
    state = as_tensors(states)
    choice, found = conditions.choose(net.weights, state), conditions.residuals(net.weights, state)
    own, bond = residuals_by_hand(net, choice.wanted.numpy(), choice.wish.numpy(), states)
    np.testing.assert_allclose(found.errors[:, :SAVERS], np.abs(own), atol=3e-5)
    np.testing.assert_allclose(found.errors[:, SAVERS:], np.abs(bond), atol=3e-5)
    assert np.abs(own).max() > 0.01
    assert np.abs(bond).max() > 0.01


def test_on_a_path_without_binding_limits_the_loss_sees_the_errors_of_the_independent_check(economy, net, conditions):
    found = two_asset_errors(economy, net.policy, 300, 50, steady=net.steady)
    path = found.path
    errors = conditions.residuals(net.weights, as_tensors((path.shocks, path.capital, path.bonds))).errors.numpy()
    for by_age, choices, mine in (
        (found.capital_by_age, path.choices.capital, errors[:, :SAVERS]),
        (found.bond_by_age, path.choices.collateral, errors[:, SAVERS:]),
    ):
        free = (choices > 1e-4).all(axis=0)
        assert free.sum() >= 5
        np.testing.assert_allclose(mine.mean(axis=0)[free], by_age[free], rtol=2e-3)


def calm_net(others=1e-6):
    """An economy with next to no risk, and the network that stays at its steady state."""
    chain = MarkovChain(
        [[0.6, 0.4], [0.4, 0.6]], {"productivity": [1 - others, 1 + others], "depreciation": [0.08, 0.08]}
    )
    net = TwoAssetNet(two_asset_olg(AGES, shocks=chain), (4,))
    net.set_weights([np.zeros_like(weight) for weight in net.weights])
    return net


def moved(net, place, amount):
    weights = [weight.copy() for weight in net.weights]
    weights[-2][place] = amount
    return weights


def test_at_a_steady_state_every_residual_is_zero_where_limits_bind_too():
    net = calm_net()
    conditions, state = TwoAssetConditions(net), TwoAssetConditions(net).first_state(8, 0)
    found = conditions.residuals(net.weights, state)
    choices = net.economy.split(net.steady.unknowns)
    assert (choices.capital < 1e-5).any()
    assert (choices.collateral < 1e-5).any()
    assert float(tf.reduce_max(found.errors)) < 3e-5
    assert float(found.loss) < 1e-9
    np.testing.assert_allclose(found.capital, state.capital, atol=1e-5)
    np.testing.assert_allclose(found.bonds, state.bonds, atol=1e-5)


def test_a_limit_left_or_overstepped_alone_costs_that_age():
    net = calm_net()
    conditions = TwoAssetConditions(net)
    state = conditions.first_state(8, 0)
    newborn, middle = 0, 7
    for place, size in ((newborn, 0.5), (newborn, -0.5), (middle, 0.5)):
        # A k~ below zero is the same k' = 0, but not the same network: it has to come back to where it starts to bite.
        choice = conditions.choose(moved(net, place, size), state)
        errors = conditions.residuals(moved(net, place, size), state).errors.numpy()[:, :SAVERS].mean(axis=0)
        assert errors.argmax() == place
        if (place, size) == (newborn, -0.5):
            expected = net.economy.adjustment_cost / net.economy.risk_aversion * -choice.wanted[0, 0]
            np.testing.assert_allclose(errors[place], expected, rtol=1e-2)
    # Who is at the limit q = 0 would rather owe more: eating less is an error, wishing for more is one too.
    binding = int(np.flatnonzero(net.economy.split(net.steady.unknowns).collateral < 1e-6)[0])
    for size in (-3.0, 3.0):
        choice = conditions.choose(moved(net, SAVERS + binding, size), state)
        errors = conditions.residuals(moved(net, SAVERS + binding, size), state).errors.numpy()[:, SAVERS:]
        np.testing.assert_allclose(choice.wish[:, binding], choice.most[:, binding] * np.exp(0.03 * size), rtol=0.01)
        np.testing.assert_allclose(errors[:, binding], abs(np.exp(-0.03 * size) - 1), rtol=0.1)


def test_the_loss_is_a_square_near_zero_and_the_size_itself_far_away(net, conditions, states):
    state = as_tensors(states)
    found = conditions.residuals(net.weights, state)
    errors = found.errors.numpy().astype(np.float64)
    huber = 0.05**2 * (np.sqrt(1 + (errors / 0.05) ** 2) - 1)
    expected = huber[:, :SAVERS].mean() + huber[:, SAVERS:].mean()
    np.testing.assert_allclose(float(found.loss), expected, rtol=1e-4)


def test_the_gradient_is_that_of_finite_differences(net, conditions, states):
    state = as_tensors(states)
    point = [tf.constant(weight) for weight in net.weights]
    with tf.GradientTape() as tape:
        tape.watch(point)
        loss = conditions.residuals(point, state).loss
    gradient = tape.gradient(loss, point)
    rng = np.random.default_rng(6)
    directions = [gradient] + [[tf.constant(rng.normal(size=w.shape), tf.float32) for w in point] for _ in range(3)]
    slope_of_all = float(tf.linalg.global_norm(gradient))
    for direction in directions:
        size = float(tf.linalg.global_norm(direction))
        step = 3e-3 / size
        losses = [
            float(
                conditions.residuals([w + side * step * d for w, d in zip(point, direction, strict=True)], state).loss
            )
            for side in (1, -1)
        ]
        slope = sum(float(tf.reduce_sum(g * d)) for g, d in zip(gradient, direction, strict=True)) / size
        assert (losses[0] - losses[1]) / (2 * step * size) == pytest.approx(slope, abs=0.01 * slope_of_all)


def test_the_next_state_has_everybody_a_period_older_and_shocks_with_the_chains_chances(economy, net, conditions):
    draws = 2000
    uniforms = tf.constant((np.arange(draws) + 0.5) / draws, tf.float32)
    shock, k, b = np.repeat(np.arange(4), draws), net.steady.capital, net.steady.bonds
    many = (shock, np.tile(k, (4 * draws, 1)), np.tile(b, (4 * draws, 1)))
    state = as_tensors(many)
    found = conditions.residuals(net.weights, as_tensors(tuple(part[::draws] for part in many)))
    choice = conditions.choose(net.weights, as_tensors(tuple(part[::draws] for part in many)))
    owned, owed = economy.holdings(net.policy(*(part[::draws] for part in many)))
    np.testing.assert_allclose(found.capital, owned, atol=2e-6)
    np.testing.assert_allclose(found.bonds, owed, atol=3e-5)
    np.testing.assert_array_equal(found.capital[:, 1:], choice.saved)
    assert not np.asarray(found.capital[:, 0]).any()
    assert not np.asarray(found.bonds[:, 0]).any()

    spread = type(found)(found.loss, found.errors, *(tf.repeat(part, draws, axis=0) for part in found[2:]))
    after = conditions.next_state(state, spread, tf.tile(uniforms, [4]))
    np.testing.assert_array_equal(after.capital, spread.capital)
    np.testing.assert_array_equal(after.bonds, spread.bonds)
    for row, reached in enumerate(np.split(np.asarray(after.shock), 4)):
        frequency = np.bincount(reached, minlength=4) / draws
        np.testing.assert_allclose(frequency, economy.shocks.transition[row], atol=1.1 / draws)
    last = conditions.next_state(state, spread, tf.fill([4 * draws], np.nextafter(np.float32(1), np.float32(0))))
    assert np.unique(last.shock).tolist() == [3]


def test_the_first_states_are_the_steady_states_with_shocks_as_often_as_they_occur(economy, net, conditions):
    first, again, other = (conditions.first_state(4000, seed) for seed in (0, 0, 1))
    assert (first.shock.dtype, first.capital.dtype, first.bonds.dtype) == (np.int32, np.float32, np.float32)
    frequency = np.bincount(first.shock, minlength=4) / 4000
    np.testing.assert_allclose(frequency, economy.shocks.stationary(), atol=0.03)
    np.testing.assert_allclose(first.capital[[0, -1]], np.tile(net.steady.capital, (2, 1)), rtol=1e-6)
    np.testing.assert_allclose(first.bonds[[0, -1]], np.tile(net.steady.bonds, (2, 1)), rtol=1e-6)
    np.testing.assert_array_equal(first.shock, again.shock)
    assert not np.array_equal(first.shock, other.shock)


def test_a_household_that_cannot_eat_gives_a_loss_with_a_slope_not_a_nan(net, conditions, states):
    shock, k, b = states
    ruined = b.copy()
    ruined[:, -1] -= 5.0
    ruined[:, 5] -= 5.0
    point = [tf.constant(weight) for weight in net.weights]
    with tf.GradientTape() as tape:
        tape.watch(point)
        loss = conditions.residuals(point, as_tensors((shock, k, ruined))).loss
    assert np.isfinite(loss)
    assert all(np.isfinite(part).all() for part in tape.gradient(loss, point))
