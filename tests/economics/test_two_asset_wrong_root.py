"""A small loss certifies nothing: a policy that solves the linear economy and explodes is found by free simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import ordqz

from dlcourse.economics.euler_errors import BrokenEconomyError
from dlcourse.economics.perturbation import linearise
from dlcourse.economics.two_asset_base import _linear_response, first_order
from dlcourse.economics.two_asset_errors import two_asset_errors
from dlcourse.economics.two_asset_net import TwoAssetNet
from dlcourse.economics.two_asset_olg import two_asset_olg


def one_pair_swapped(above, below):
    """True for the roots that come back but the slowest pair, and for the slowest pair that explodes."""
    size = np.abs(above) / np.maximum(np.abs(below), 1e-300)
    order, inside = np.argsort(size), (size < 1).sum()
    chosen = np.zeros(len(size), dtype=bool)
    chosen[order[: inside - 2]] = chosen[order[inside : inside + 2]] = True
    return chosen


@pytest.fixture(scope="module")
def net():
    return TwoAssetNet(two_asset_olg(), hidden=(4,)).uncorrected()


@pytest.fixture(scope="module")
def wrong_root(net):
    """The same network over a base whose transition has one pair of roots of the wrong kind, and that transition."""
    economy = net.economy
    smooth, linear = first_order(economy)

    def conditions(*points):
        return np.concatenate(list(economy.conditions(*points, 3e-3).values()), axis=-1)

    slopes = linearise(conditions, smooth, economy.mean_shock())
    count = len(smooth)
    nothing, identity = np.zeros((count, count)), np.eye(count)
    pencil = (
        np.block([[nothing, identity], [-slopes.before, -slopes.now]]),
        np.block([[identity, nothing], [nothing, slopes.after]]),
    )
    basis = ordqz(*pencil, sort=one_pair_swapped, output="complex")[-1]
    transition = (basis[count:, :count] @ np.linalg.inv(basis[:count, :count])).real
    response, phi = np.zeros((count, 2)), linear.persistence
    for _ in range(300):
        news = slopes.shock_now + (slopes.after @ response + slopes.shock_after) @ phi
        response = -np.linalg.solve(slopes.now + slopes.after @ transition, news)
    # It is a solution: nothing is left of the linear conditions.
    left = slopes.before + slopes.now @ transition + slopes.after @ transition @ transition
    assert np.abs(left).max() < 1e-8
    assert np.abs(np.linalg.eigvals(transition)).max() > 1.01
    other = TwoAssetNet(economy, hidden=(4,)).uncorrected()
    swapped = replace(linear, transition=transition, response=response)
    other.base = replace(net.base, response=_linear_response(economy, smooth, swapped))
    return other


def test_for_twenty_periods_the_errors_of_a_policy_that_explodes_are_as_small_as_those_of_the_true_one(net, wrong_root):
    for policy in (net.policy, wrong_root.policy):
        found = two_asset_errors(net.economy, policy, periods=20, burn_in=0, steady=net.steady)
        assert found.capital.mean < 2e-4 and found.bond.mean < 5e-4
        assert found.market < 1e-10


def test_the_free_simulation_rejects_it_and_passes_the_true_one(net, wrong_root):
    two_asset_errors(net.economy, net.policy, periods=200, burn_in=0, steady=net.steady)
    with pytest.raises(BrokenEconomyError, match=r"period \d\d, shock \d, K = "):
        two_asset_errors(net.economy, wrong_root.policy, periods=200, burn_in=0, steady=net.steady)
