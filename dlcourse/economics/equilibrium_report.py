"""Economies by name, the networks that solve them, and what a training leaves behind: weights, curve and errors."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from dlcourse.economics.analytic_olg import analytic_olg
from dlcourse.economics.benchmark_olg import benchmark_olg
from dlcourse.economics.equilibrium_net import EquilibriumNet
from dlcourse.economics.equilibrium_training import AnyNet, TrainingResult
from dlcourse.economics.euler_errors import ErrorStatistics, euler_errors
from dlcourse.economics.olg import OLGEconomy
from dlcourse.economics.pilot import standardise_by_pilot
from dlcourse.economics.two_asset_errors import TwoAssetPolicy, two_asset_errors
from dlcourse.economics.two_asset_net import TwoAssetNet
from dlcourse.economics.two_asset_olg import TwoAssetEconomy, two_asset_olg
from dlcourse.files import write_atomically
from dlcourse.weights import weights_folder

_MODELS = {
    "analytic": (analytic_olg, 6, ()),
    "benchmark": (benchmark_olg, 60, ("borrowing_limit",)),
    "two-asset": (two_asset_olg, 56, ("adjustment_cost", "risk_aversion", "collateral")),
}
"""By name: what makes the economy, its usual number of cohorts, and what else can be chosen."""


class Check(NamedTuple):
    """What the float64 check of a network says.

    Attributes:
        errors: in percent: metrics by mean, p99, p99.9 and maximum.
        economy: where the free simulation went: mean, standard deviation and range of capital; with two assets the
            largest market and resource errors too.
    """

    errors: pd.DataFrame
    economy: pd.Series


def economy(model: str, cohorts: int | None = None, **options: float | None) -> OLGEconomy | TwoAssetEconomy:
    """The economy of that name.

    Args:
        model: "analytic", "benchmark" or "two-asset".
        cohorts: how many generations; None for 6, 60 and 56.
        **options: `borrowing_limit` of the benchmark; `adjustment_cost`, `risk_aversion` and `collateral` of two
            assets. None stands for the usual value.

    Raises:
        ValueError: for an impossible calibration, or an option that the economy does not have.

    Example:
        >>> economy("two-asset", risk_aversion=3.0, collateral=None).risk_aversion
        3.0
    """
    make, usual, known = _MODELS[model]
    chosen = {option: value for option, value in options.items() if value is not None}
    if strangers := sorted(chosen.keys() - set(known)):
        has = f"it has {', '.join(known)}" if known else "it has no options but its cohorts"
        raise ValueError(f"the {model} economy has no {' or '.join(strangers)}: {has}")
    return make(usual if cohorts is None else cohorts, **chosen)


def network(solved: OLGEconomy | TwoAssetEconomy, seed: int = 0) -> AnyNet:
    """The network that `dlcourse train deqn` trains on an economy.

    With two assets it corrects the linear policy. The benchmark's starts from the annuity and measures its inputs by a
    pilot, which takes some seconds. In an economy without a borrowing limit the annuity may be the truth and would
    prove nothing, so that its network starts from a fixed share.

    Args:
        solved: the economy.
        seed: of initial weights and pilot.

    Raises:
        NoSteadyStateError, NoLinearPolicyError: if an economy of two assets has no policy to correct.
    """
    if isinstance(solved, TwoAssetEconomy):
        return TwoAssetNet(solved, seed=seed)
    if solved.borrowing_limit is None:
        return EquilibriumNet(solved, seed=seed)
    net = EquilibriumNet(solved, head="annuity", seed=seed)
    standardise_by_pilot(net, seed=seed)
    return net


def solved_economy(borrowing_limit: float = 0.0) -> EquilibriumNet:
    """The shipped solution of the benchmark economy of 60 cohorts.

    Args:
        borrowing_limit: 0, -0.5 or -1.

    Returns:
        The network; `.economy` is what it solves.

    Raises:
        FileNotFoundError: for a limit that nothing is shipped for.

    Example:
        >>> import numpy as np
        >>> net = solved_economy()
        >>> net.economy.cohorts, net.policy(np.array([0]), np.full((1, 60), 0.5)).shape
        (60, (1, 59))

    Used in: Lab 08
    """
    path = weights_folder() / f"{name('benchmark', borrowing_limit=borrowing_limit)}.npz"
    if not path.is_file():
        raise FileNotFoundError(f"no solution for borrowing_limit={borrowing_limit} is shipped: choose 0, -0.5 or -1")
    return EquilibriumNet.load(path, benchmark_olg(60, borrowing_limit))


def solved_two_assets() -> TwoAssetNet:
    """The shipped solution of the economy of two assets and 56 cohorts.

    Example:
        >>> solved_two_assets().economy.cohorts
        56

    Used in: Lab 08b
    """
    return TwoAssetNet.load(weights_folder() / f"{name('two-asset')}.npz", two_asset_olg())


def name(model: str, cohorts: int | None = None, **options: float | None) -> str:
    """How a trained network's files are called.

    Args:
        model: as for `economy`.
        cohorts: as for `economy`; named with two assets only.
        **options: as for `economy`.

    Example:
        >>> name("analytic"), name("benchmark"), name("benchmark", borrowing_limit=-0.5)
        ('deqn_analytic', 'deqn_benchmark_0', 'deqn_benchmark_0.5')
        >>> name("two-asset"), name("two-asset", 28, risk_aversion=3.0)
        ('deqn_two_asset', 'deqn_two_asset_28_cohorts_risk_aversion_3')
    """
    if model == "benchmark":
        return f"deqn_benchmark_{abs(options.get('borrowing_limit') or 0.0):g}"
    parts = [f"deqn_{model.replace('-', '_')}"]
    if model == "two-asset":
        parts += [f"{cohorts}_cohorts"] if cohorts not in (None, _MODELS[model][1]) else []
        parts += [f"{option}_{value:g}" for option, value in options.items() if value is not None]
    return "_".join(parts)


def check(net: AnyNet, periods: int = 10_000) -> Check:
    """Examines a network on a free simulation in float64, by `euler_errors` or `two_asset_errors`.

    With two assets the policy that the network corrects is examined beside it, on its own path: the difference is what
    the network adds.

    Args:
        net: the network.
        periods: length of the path that is checked, after a fifth as many that are not.

    Raises:
        BrokenEconomyError: if a policy leads the economy out of the region where it lives.
    """
    if isinstance(net, TwoAssetNet):
        errors, facts = _check_two_assets(net, net.policy, periods)
        base, _ = _check_two_assets(net, net.uncorrected().policy, periods)
        return Check(pd.concat([errors, base.rename(lambda metric: f"{net.base.name} alone, {metric}")]), facts)
    found = euler_errors(net.economy, net.policy, periods, burn_in=periods // 5)
    total = found.path.capital.sum(axis=1)
    facts = pd.Series(_capital(total.mean(), total.std(), total.min(), total.max()))
    return Check(_in_percent({"residual": found.residual, "Euler": found.euler, "KKT": found.kkt}), facts)


def score_and_write(net: AnyNet, trained: TrainingResult, folder: Path, name: str, periods: int = 10_000) -> Check:
    """Checks a network and writes NAME.npz, NAME_curve.csv, NAME_errors.csv and NAME_economy.csv.

    Args:
        net: the network.
        trained: what `train` returned.
        folder: where to.
        name: of the files.
        periods: as for `check`.

    Returns:
        What was found.

    Raises:
        BrokenEconomyError: if the policy leads the economy out of existence; nothing is written.

    Used in: Labs 08 and 08b
    """
    found = check(net, periods)
    net.save(folder / f"{name}.npz")
    tables = {"curve": (pd.DataFrame(trained.history), False), "errors": (found.errors, True)}
    tables["economy"] = (found.economy.rename("value").to_frame(), True)
    for suffix, (table, index) in tables.items():
        buffer = BytesIO()
        table.to_csv(buffer, index=index, float_format="%.6g")
        write_atomically(folder / f"{name}_{suffix}.csv", buffer.getvalue())
    return found


def _check_two_assets(net: TwoAssetNet, policy: TwoAssetPolicy, periods: int) -> tuple[pd.DataFrame, pd.Series]:
    found = two_asset_errors(net.economy, policy, periods, burn_in=periods // 5, steady=net.steady)
    metrics = {
        "capital residual": found.capital,
        "bond residual": found.bond,
        "capital Euler": found.capital_euler,
        "bond Euler": found.bond_euler,
        "KKT": found.kkt,
    }
    facts = _capital(*found.aggregate_capital, *found.capital_range)
    facts |= {"largest market error": found.market, "largest resource error": found.resources}
    return _in_percent(metrics), pd.Series(facts)


def _in_percent(metrics: dict[str, ErrorStatistics]) -> pd.DataFrame:
    rows = [[100 * part for part in (s.mean, s.p99, s.p999, s.maximum)] for s in metrics.values()]
    return pd.DataFrame(rows, index=list(metrics), columns=["mean", "p99", "p99.9", "maximum"])


def _capital(mean: float, deviation: float, least: float, most: float) -> dict[str, float]:
    return {"mean K": mean, "standard deviation of K": deviation, "smallest K": least, "largest K": most}
