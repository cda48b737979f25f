"""What a training leaves behind: the network, its learning curve and the errors of the float64 check."""

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
from dlcourse.files import write_atomically


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
