"""Economies by name, the networks that solve them, and what a training leaves behind: weights, curve and errors."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pandas as pd

from dlcourse.economics.analytic_olg import analytic_olg
from dlcourse.economics.benchmark_olg import benchmark_olg
from dlcourse.economics.equilibrium_net import EquilibriumNet
from dlcourse.economics.equilibrium_training import TrainingResult
from dlcourse.economics.euler_errors import euler_errors
from dlcourse.economics.olg import OLGEconomy
from dlcourse.economics.pilot import standardise_by_pilot
from dlcourse.files import write_atomically
from dlcourse.weights import weights_folder


def economy(model: str, cohorts: int | None = None, borrowing_limit: float = 0.0) -> OLGEconomy:
    """The economy of that name.

    Args:
        model: "analytic" or "benchmark".
        cohorts: how many generations; None for 6 and 60.
        borrowing_limit: of the benchmark; the analytic economy has none.

    Raises:
        ValueError: for an impossible calibration.
    """
    if model == "analytic":
        if borrowing_limit:
            raise ValueError(f"borrowing_limit={borrowing_limit}: the analytic economy has no borrowing limit")
        return analytic_olg(6 if cohorts is None else cohorts)
    return benchmark_olg(60 if cohorts is None else cohorts, borrowing_limit)


def network(model: str, solved: OLGEconomy, seed: int = 0) -> EquilibriumNet:
    """The network that `dlcourse train deqn` trains on an economy.

    The benchmark's starts from the annuity and measures its inputs by a pilot, which takes some seconds. In the
    analytic economy the annuity is the truth and would prove nothing, so that its network starts from a fixed share.

    Args:
        model: "analytic" or "benchmark".
        solved: the economy.
        seed: of initial weights and pilot.
    """
    if model == "analytic":
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
    path = weights_folder() / f"{name('benchmark', borrowing_limit)}.npz"
    if not path.is_file():
        raise FileNotFoundError(f"no solution for borrowing_limit={borrowing_limit} is shipped: choose 0, -0.5 or -1")
    return EquilibriumNet.load(path, benchmark_olg(60, borrowing_limit))


def name(model: str, borrowing_limit: float = 0.0) -> str:
    """How a trained network's files are called.

    Example:
        >>> name("analytic"), name("benchmark"), name("benchmark", -0.5)
        ('deqn_analytic', 'deqn_benchmark_0', 'deqn_benchmark_0.5')
    """
    return f"deqn_{model}" + ("" if model == "analytic" else f"_{abs(borrowing_limit):g}")


def score_and_write(
    net: EquilibriumNet, trained: TrainingResult, folder: Path, name: str, periods: int = 10_000
) -> pd.DataFrame:
    """Checks a network with `euler_errors` and writes NAME.npz, NAME_curve.csv and NAME_errors.csv.

    Args:
        net: the network.
        trained: what `train` returned.
        folder: where to.
        name: of the files.
        periods: length of the path that is checked, after a fifth as many that are not.

    Returns:
        Errors in percent: metrics by mean, p99, p99.9 and maximum.

    Raises:
        BrokenEconomyError: if the policy leads the economy out of existence; nothing is written.

    Used in: Lab 08
    """
    found = euler_errors(net.economy, net.policy, periods, burn_in=periods // 5)
    metrics = {"residual": found.residual, "Euler": found.euler, "KKT": found.kkt}
    rows = [[100 * part for part in (s.mean, s.p99, s.p999, s.maximum)] for s in metrics.values()]
    errors = pd.DataFrame(rows, index=list(metrics), columns=["mean", "p99", "p99.9", "maximum"])
    net.save(folder / f"{name}.npz")
    for suffix, table, index in (("curve", pd.DataFrame(trained.history), False), ("errors", errors, True)):
        buffer = BytesIO()
        table.to_csv(buffer, index=index, float_format="%.6g")
        write_atomically(folder / f"{name}_{suffix}.csv", buffer.getvalue())
    return errors
