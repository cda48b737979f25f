"""The loss is zero at the truth, agrees with the NumPy check everywhere, and training finds the closed form."""

import numpy as np
import pytest
import tensorflow as tf

from dlcourse.economics.analytic_olg import analytic_olg, savings_shares
from dlcourse.economics.benchmark_olg import benchmark_olg
from dlcourse.economics.debt import debt_floors, reference_intensity
from dlcourse.economics.equilibrium_net import EquilibriumNet, annuity
from dlcourse.economics.equilibrium_residuals import EquilibriumConditions, State
from dlcourse.economics.euler_errors import euler_errors


def some_states(economy, count=64, seed=0):
    rng = np.random.default_rng(seed)
    shock = rng.integers(len(economy.shocks), size=count)
    capital = rng.uniform(0.5, 1.5, (count, economy.cohorts))
    capital[:, 0] = 0.0
    total = reference_intensity(economy) * economy.total_labour * rng.uniform(0.8, 1.2, (count, 1))
    capital *= total / capital.sum(axis=1, keepdims=True)
    return shock, capital


def as_tensors(shock, capital):
    return State(tf.constant(shock, tf.int32), tf.constant(capital, tf.float32))


def perturbed(net, size=0.3, seed=1):
    rng = np.random.default_rng(seed)
    net.set_weights([weight + size * rng.normal(size=weight.shape) * np.abs(weight).mean() for weight in net.weights])
    return net


@pytest.mark.parametrize("head", ["consumption", "annuity", "share", "level"])
@pytest.mark.parametrize("limit", [0.0, -0.5])
def test_tensorflow_and_numpy_give_the_same_savings(head, limit):
    net = perturbed(EquilibriumNet(benchmark_olg(12, limit), hidden=(16,), head=head))
    net.weights[-1] = np.full_like(net.weights[-1], -2.5)
    shock, capital = some_states(net.economy)
    net.standardise(*some_states(net.economy, seed=5))
    choice = EquilibriumConditions(net).choose(net.weights, as_tensors(shock, capital))
    np.testing.assert_allclose(choice.savings, net.policy(shock, capital), atol=2e-5)


def test_the_residual_is_zero_where_the_closed_form_is_the_policy():
    economy = analytic_olg()
    shares = savings_shares(economy)
    for head, output in (
        ("share", np.log(shares / (1 - shares))),
        ("consumption", np.log((1 - shares) / 0.7)),
        ("annuity", np.zeros(5)),
    ):
        net = EquilibriumNet(economy, hidden=(8,), head=head)
        net.weights[-2][:] = 0.0
        net.weights[-1] = output.astype(np.float32)
        found = EquilibriumConditions(net).residuals(net.weights, as_tensors(*some_states(economy)))
        assert float(found.loss) < 1e-10
        assert euler_errors(economy, net.policy, periods=100, burn_in=10).residual.maximum < 1e-5


@pytest.mark.parametrize("limit", [0.0, -0.5])
def test_the_training_residual_is_the_residual_of_the_independent_check(limit):
    net = perturbed(EquilibriumNet(benchmark_olg(12, limit), hidden=(16,)))
    # Thrifty enough that the untrained households together own something, debts included.
    net.weights[-1] -= 0.6
    found = euler_errors(net.economy, net.policy, periods=300, burn_in=50)
    conditions = EquilibriumConditions(net)
    errors = conditions.residuals(net.weights, as_tensors(found.path.shocks, found.path.capital)).errors.numpy()
    # Where the limit is touched, c~ and c part; where it cannot bind, the check knows of no floor.
    same = (found.path.savings > net.floors.value + 1e-6).all(axis=0) & net.floors.binding
    assert same.sum() >= 6
    np.testing.assert_allclose(errors[:, same].mean(axis=0), found.by_age[same], rtol=1e-3)


def test_fischer_burmeister_has_the_zeros_of_the_minimum():
    economy = benchmark_olg(12)
    smooth, kinked = (EquilibriumNet(economy, hidden=(8,), kkt=kkt) for kkt in ("fischer_burmeister", "min"))
    state = as_tensors(*some_states(economy))
    first = EquilibriumConditions(smooth).residuals(smooth.weights, state).errors.numpy()
    second = EquilibriumConditions(kinked).residuals(kinked.weights, state).errors.numpy()
    # Tseng's bounds: (2 - sqrt 2) |min(x, y)| <= |fb(x, y)| <= (2 + sqrt 2) |min(x, y)|.
    assert (first <= (2 + np.sqrt(2)) * second + 1e-5).all()
    assert (first >= (2 - np.sqrt(2)) * second - 1e-5).all()


def test_the_product_form_charges_a_multiplier_where_savings_are_positive():
    net = EquilibriumNet(benchmark_olg(12), hidden=(8,), head="share", kkt="product")
    state = as_tensors(*some_states(net.economy))
    conditions = EquilibriumConditions(net)
    small = [*net.weights[:-1], np.concatenate([np.zeros(11), np.full(11, -9.0)]).astype(np.float32)]
    large = [*net.weights[:-1], np.concatenate([np.zeros(11), np.full(11, 2.0)]).astype(np.float32)]
    assert conditions.residuals(large, state).loss > conditions.residuals(small, state).loss
    assert net.multipliers(*some_states(net.economy)).shape == (64, 11)


def test_the_gradient_is_that_of_finite_differences():
    # An economy without a limit: nowhere a kink that a finite step could cross.
    net = perturbed(EquilibriumNet(analytic_olg(), hidden=(5,), head="share"))
    conditions = EquilibriumConditions(net)
    state = as_tensors(*some_states(net.economy, 8))
    weights = [tf.constant(weight) for weight in net.weights]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = conditions.residuals(weights, state).loss
    gradient = tape.gradient(loss, weights)[-1].numpy()
    for age in range(5):
        step = np.zeros(5, np.float32)
        step[age] = 1e-2
        up, down = (
            float(conditions.residuals([*weights[:-1], weights[-1] + sign * step], state).loss) for sign in (1, -1)
        )
        np.testing.assert_allclose(gradient[age], (up - down) / 2e-2, rtol=2e-2, atol=1e-4)


def test_the_annuity_can_be_eaten_every_year_and_leaves_nothing_at_the_end():
    economy = benchmark_olg()
    share, later_labour = annuity(economy)
    wage, gross_return = 0.54, 1 / economy.discount
    income, eaten = wage * economy.labour[0], []
    for age in range(59):
        eaten.append(share[age] * (income + wage * later_labour[age]))
        income = gross_return * (income - eaten[-1]) + wage * economy.labour[age + 1]
    np.testing.assert_allclose([*eaten[1:], income], eaten[0], rtol=1e-10)


def test_where_nothing_limits_debt_nobody_eats_the_last_that_it_has():
    economy = analytic_olg(24)
    net = EquilibriumNet(economy, hidden=(8,))
    net.weights[-1] = np.full_like(net.weights[-1], 3.0)
    shock, capital = some_states(economy)
    assert (net.policy(shock, capital) > 0).all()
    # An economy that starts far from where it was trained comes through, too.
    assert euler_errors(economy, net.policy, periods=50, burn_in=0).path.capital.sum(axis=1).min() > 0


def test_standardised_inputs_have_mean_zero_and_deviation_one_over_the_states():
    net = EquilibriumNet(benchmark_olg(12), hidden=(8,))
    states = some_states(net.economy, 500)
    net.standardise(*states)
    inputs = (net._features(*states) - net.input_shift) / net.input_scale
    np.testing.assert_allclose(inputs[:, 4:].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(inputs[:, 4:].std(axis=0), 1, atol=1e-9)
    np.testing.assert_array_equal(inputs[:, :4], np.eye(4)[states[0]])
    with pytest.raises(ValueError, match="1 states in which prices do not move"):
        net.standardise(states[0][:1], states[1][:1])


def test_a_limit_on_debt_holds_only_for_those_who_could_repay_it():
    floors = debt_floors(benchmark_olg(borrowing_limit=-1.0))
    assert (floors.value >= -1.0).all()
    assert floors.binding[0]
    assert not floors.binding[-1]
    np.testing.assert_array_equal(debt_floors(benchmark_olg()).value, np.zeros(59))
    assert not debt_floors(analytic_olg()).binding.any()


def test_a_network_comes_back_from_its_file(tmp_path):
    net = perturbed(EquilibriumNet(benchmark_olg(12), hidden=(8, 4), activation="swish", head="annuity"))
    states = some_states(net.economy)
    net.standardise(*states)
    net.save(tmp_path / "net.npz")
    loaded = EquilibriumNet.load(tmp_path / "net.npz", benchmark_olg(12))
    np.testing.assert_array_equal(loaded.policy(*states), net.policy(*states))
    with pytest.raises(ValueError, match="policy of 12 cohorts, the economy has 6"):
        EquilibriumNet.load(tmp_path / "net.npz", benchmark_olg(6))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": ()}, "at least one layer"),
        ({"activation": "sine"}, "activation='sine': choose one of tanh, relu, swish"),
        ({"head": "x"}, "head='x'"),
        ({"kkt": "x"}, "kkt='x'"),
        ({"kkt": "product"}, "learns a multiplier"),
        ({"kkt": "product", "head": "annuity"}, "learns a multiplier"),
    ],
)
def test_settings_that_make_no_network_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        EquilibriumNet(analytic_olg(), **settings)


def test_weights_of_another_shape_are_refused():
    net = EquilibriumNet(analytic_olg(), hidden=(8,))
    with pytest.raises(ValueError, match="this network has"):
        net.set_weights(net.weights[:-1])
    with pytest.raises(ValueError, match="has no multipliers"):
        net.multipliers(*some_states(net.economy))
