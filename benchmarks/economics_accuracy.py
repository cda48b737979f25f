"""How close to equilibrium the course's networks come, and in how many processor seconds.

    python benchmarks/economics_accuracy.py --quick              # analytic, 6 cohorts: half a minute
    python benchmarks/economics_accuracy.py --only analytic      # other numbers of cohorts, alpha and beta too
    python benchmarks/economics_accuracy.py --only minutes       # 60 cohorts, short training
    python benchmarks/economics_accuracy.py --only benchmark --seeds 0 1 2 --checkpoints build/economics
    python benchmarks/economics_accuracy.py --only shipped       # the networks in data/weights, nothing trained

Every row is a training of its own on one thread, pilot and compilation included; a row that goes on from checkpoints
counts only what was left. The errors are those of the independent float64 check (10,000 periods after 2,000).
"Residual" is |min(target, resources)/c - 1|, which holds the whole Karush-Kuhn-Tucker system; "Euler" is the metric of
the published table, with the best multiplier for each household, and "KKT" what then is left of complementary
slackness. All in percent.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from dlcourse.economics.analytic_olg import analytic_olg, savings_shares
from dlcourse.economics.benchmark_olg import benchmark_olg
from dlcourse.economics.euler_errors import EulerErrors, euler_errors
from dlcourse.economics.olg import OLGEconomy
from dlcourse.quiet import quiet_import

if TYPE_CHECKING:
    from dlcourse.economics.equilibrium_net import EquilibriumNet

# Azinovic, Gaegauf and Scheidegger (2019), Table 3: mean, p99.9 and maximum of the relative Euler error, in percent.
PUBLISHED = {"limit 0": (0.06, 0.54, 1.31), "limit -0.5": (0.04, 0.47, 3.55)}


@dataclass(frozen=True)
class Case:
    """One economy and how long its network is trained.

    Args:
        name: in the table.
        economy: makes it.
        steps: gradient steps.
        limits: what the issue asks for, in percent: mean, p99.9, maximum of the Euler error; None where nothing.
        seconds: within so many processor seconds.
    """

    name: str
    economy: Callable[[], OLGEconomy]
    steps: int
    limits: tuple[float | None, float | None, float | None]
    seconds: float


CASES = {
    "analytic": (
        Case("analytic, 6 cohorts", analytic_olg, 4_000, (0.1, None, 1.0), 60),
        Case("analytic, 3 cohorts", lambda: analytic_olg(3), 4_000, (0.3, None, None), 120),
        Case("analytic, 12 cohorts", lambda: analytic_olg(12), 6_000, (0.3, None, None), 120),
        Case("analytic, 24 cohorts", lambda: analytic_olg(24), 6_000, (0.3, None, None), 120),
        Case("analytic, 6, alpha .36, beta .9", lambda: analytic_olg(6, 0.36, 0.9), 4_000, (0.3, None, None), 120),
        Case("analytic, 12, alpha .25, beta .5", lambda: analytic_olg(12, 0.25, 0.5), 6_000, (0.3, None, None), 120),
    ),
    "minutes": (Case("benchmark, 60, limit 0", benchmark_olg, 20_000, (0.1, 1.0, 3.0), 300),),
    "benchmark": (
        Case("benchmark, 60, limit 0", benchmark_olg, 60_000, PUBLISHED["limit 0"], 1_200),
        Case(
            "benchmark, 60, limit -0.5",
            lambda: benchmark_olg(borrowing_limit=-0.5),
            60_000,
            PUBLISHED["limit -0.5"],
            1_200,
        ),
        Case("benchmark, 60, limit -1", lambda: benchmark_olg(borrowing_limit=-1.0), 60_000, (None,) * 3, 1_200),
    ),
}


def row(name: str, seed: str, steps: str, seconds: str, found: EulerErrors, remark: str) -> str:
    cells = [
        " / ".join(f"{100 * part:.4f}" for part in (s.mean, s.p999, s.maximum)) for s in (found.residual, found.euler)
    ]
    cells.append(f"{100 * found.kkt.mean:.4f} / {100 * found.kkt.maximum:.4f}")
    return f"| {name} | {seed} | {steps} | {seconds} | {' | '.join(cells)} | {remark} |"


def savings_error(net: EquilibriumNet, found: EulerErrors) -> str:
    """Mean distance from the closed form along the path, where there is one."""
    if net.economy.risk_aversion != 1:
        return ""
    path = found.path
    truth = savings_shares(net.economy) * net.economy.income(path.shocks, path.capital)[:, :-1]
    return f"savings {100 * np.abs(path.savings / truth - 1).mean():.4f} %"


def verdict(case: Case, found: EulerErrors, seconds: float) -> str:
    """In which metrics the errors asked for are met."""
    if case.limits == (None,) * 3:
        return ""
    met = []
    for name, s in (("residual", found.residual), ("Euler", found.euler)):
        parts = zip((100 * s.mean, 100 * s.p999, 100 * s.maximum), case.limits, strict=True)
        if all(limit is None or part <= limit for part, limit in parts):
            met.append(name)
    return f"{' and '.join(met) or 'not'} met" + ("" if seconds <= case.seconds else ", too late")


def trained_row(case: Case, seed: int, checkpoints: Path | None) -> str:
    from dlcourse.economics.equilibrium_report import network
    from dlcourse.economics.equilibrium_training import TrainingSettings, train

    folder = None if checkpoints is None else checkpoints / f"{case.name} {case.steps} {seed}".replace(" ", "_")
    before = process_time()
    net = network(case.economy(), seed)
    train(net, steps=case.steps, settings=TrainingSettings(seed=seed), checkpoints=folder)
    seconds = process_time() - before
    found = euler_errors(net.economy, net.policy)
    remark = ", ".join(part for part in (verdict(case, found, seconds), savings_error(net, found)) if part)
    return row(case.name, str(seed), f"{case.steps:,}", f"{seconds:.0f}", found, remark)


def shipped_rows() -> list[str]:
    from dlcourse.economics.equilibrium_report import solved_economy

    rows = []
    for limit in (0.0, -0.5, -1.0):
        net = solved_economy(limit)
        found = euler_errors(net.economy, net.policy)
        rows.append(row(f"benchmark, 60, limit {limit:g}, shipped", "", "", "", found, ""))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[*CASES, "shipped"], nargs="+", default=["analytic", "minutes", "benchmark"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, help="other than each case's own")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoints", type=Path, help="folder to go on from")
    parser.add_argument("--quick", action="store_true", help="the analytic economy of 6 cohorts alone")
    options = parser.parse_args()
    # Before TensorFlow is loaded, which reads them once.
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    quiet_import("tensorflow")

    print("| economy | seed | steps | processor s | residual: mean / p99.9 / max | Euler | KKT: mean / max | |")
    print("|" + "---|" * 8, flush=True)
    cases = CASES["analytic"][:1] if options.quick else [case for name in options.only for case in CASES.get(name, ())]
    for case in cases:
        chosen = case if options.steps is None else Case(**(vars(case) | {"steps": options.steps}))
        for seed in options.seeds:
            print(trained_row(chosen, seed, options.checkpoints), flush=True)
    if "shipped" in options.only and not options.quick:
        print("\n".join(shipped_rows()))


if __name__ == "__main__":
    main()
