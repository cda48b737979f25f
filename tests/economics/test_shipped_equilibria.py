"""The shipped networks solve the 60-cohort economies: the independent float64 check says so, and notices a scratch."""

import numpy as np
import pandas as pd
import pytest

from dlcourse.economics.equilibrium_report import name, solved_economy, solved_two_assets
from dlcourse.economics.euler_errors import euler_errors
from dlcourse.economics.two_asset_errors import two_asset_errors
from dlcourse.weights import weights_folder

# Ceilings in percent: mean, p99.9 and maximum of the residual, which holds the whole system.
CEILINGS = {0.0: (0.02, 0.4, 1.31), -0.5: (0.04, 0.7, 4.0), -1.0: (0.1, 1.5, 5.0)}


def percent(statistics):
    return 100 * np.array([statistics.mean, statistics.p999, statistics.maximum])


@pytest.mark.parametrize("limit", CEILINGS)
def test_a_shipped_network_is_an_equilibrium_and_the_table_beside_it_says_how_good_a_one(limit):
    net = solved_economy(limit)
    # Another path than that of the table.
    found = euler_errors(net.economy, net.policy, periods=2_000, burn_in=200, seed=7)
    assert (percent(found.residual) < CEILINGS[limit]).all(), percent(found.residual)
    assert (found.path.savings >= limit - 1e-9).all()
    # Somebody is at the limit at times: it is not an economy in which nothing binds.
    assert (found.path.savings < limit + 1e-6).mean() > 0.001
    table = pd.read_csv(weights_folder() / f"{name('benchmark', borrowing_limit=limit)}_errors.csv", index_col=0)
    np.testing.assert_allclose(100 * found.residual.mean, table.loc["residual", "mean"], rtol=0.25)
    np.testing.assert_allclose(100 * found.euler.mean, table.loc["Euler", "mean"], rtol=0.25)


def test_the_shipped_policy_of_two_assets_is_an_equilibrium_and_its_table_says_how_good_a_one():
    net = solved_two_assets()
    found = two_asset_errors(net.economy, net.policy, periods=2_000, burn_in=200, seed=7, steady=net.steady)
    table = pd.read_csv(weights_folder() / f"{name('two-asset')}_errors.csv", index_col=0)
    for metric, statistics in (("capital", found.capital), ("bond", found.bond)):
        # The figures that the course promises: .003, .03 and .1 percent.
        assert (percent(statistics) < (0.003, 0.03, 0.1)).all(), percent(statistics)
        np.testing.assert_allclose(100 * statistics.mean, table.loc[f"{metric} residual", "mean"], rtol=0.25)
        assert table.loc[f"perturbation alone, {metric} residual", "mean"] > 0.01
    assert 138 < found.aggregate_capital[0] < 144
    assert found.market < 1e-10
    facts = pd.read_csv(weights_folder() / f"{name('two-asset')}_economy.csv", index_col=0)["value"]
    assert 141 <= facts["mean K"] <= 142
    assert 6.3 <= facts["standard deviation of K"] <= 6.7


def test_weights_with_a_scratch_fail_the_check():
    net = solved_economy(0.0)
    rng = np.random.default_rng(0)
    net.set_weights([weight * (1 + 0.01 * rng.normal(size=weight.shape)) for weight in net.weights])
    found = euler_errors(net.economy, net.policy, periods=500, burn_in=100, seed=7)
    assert not (percent(found.residual) < CEILINGS[0.0]).all()


def test_a_limit_that_nobody_solved_is_named():
    with pytest.raises(FileNotFoundError, match="borrowing_limit=-0.7 is shipped: choose 0, -0.5 or -1"):
        solved_economy(-0.7)
