"""What a solution costs against the number of cohorts: processor seconds to a mean residual of 0.2 %.

    python benchmarks/economics_cohorts.py --table benchmarks/economics_cohorts.csv --figure docs/deqn_cohorts.png
    python benchmarks/economics_cohorts.py --cohorts 6 15 --quick

The benchmark economy with limit 0; the same adult life is cut into N periods. Trainings of 1,000, 2,000, 4,000 steps
and so on are tried, each from nothing and with its own fall of the learning rate, until the float64 check finds the
target met. Counted is that training alone, on one thread, with its pilot and compilation.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from time import process_time

import pandas as pd

from dlcourse.quiet import quiet_import

BUDGETS = (1_000, 2_000, 4_000, 8_000, 16_000)


def solve(cohorts: int, target: float, seed: int) -> dict[str, float]:
    """The shortest of `BUDGETS` that reaches the target, each a training of its own; a row of the table."""
    from dlcourse.economics.benchmark_olg import benchmark_olg
    from dlcourse.economics.equilibrium_net import EquilibriumNet
    from dlcourse.economics.equilibrium_report import network
    from dlcourse.economics.equilibrium_training import TrainingSettings, train
    from dlcourse.economics.euler_errors import euler_errors

    economy = benchmark_olg(cohorts)
    before = process_time()
    first = network("benchmark", economy, seed)
    pilot = process_time() - before
    for steps in BUDGETS:
        before = process_time()
        net = EquilibriumNet(economy, head=first.head, seed=seed)
        net.input_shift, net.input_scale = first.input_shift, first.input_scale
        stamps: list[float] = []
        train(
            net,
            steps=steps,
            settings=TrainingSettings(seed=seed),
            on_chunk=lambda _, to=stamps: to.append(process_time()),
        )
        seconds = process_time() - before
        found = euler_errors(economy, net.policy, periods=5_000, burn_in=1_000)
        if found.residual.mean <= target:
            break
    return {
        "cohorts": cohorts,
        "seconds": pilot + seconds,
        "pilot_seconds": pilot,
        "steps": steps,
        "milliseconds_a_step": 1e3 * (stamps[-1] - stamps[0]) / max(steps - 200, 1),
        "mean_percent": 100 * found.residual.mean,
        "p99.9_percent": 100 * found.residual.p999,
        "maximum_percent": 100 * found.residual.maximum,
    }


def draw(table: pd.DataFrame, target: float, path: Path) -> None:
    """Seconds against cohorts, these on a logarithmic axis."""
    import matplotlib.pyplot as plt

    from dlcourse.plots import MARKERS, PALETTE, style

    with style():
        figure, axes = plt.subplots(figsize=(6, 3.5))
        axes.semilogx(table["cohorts"], table["seconds"], marker=MARKERS[0], color=PALETTE[0], label="in all")
        axes.semilogx(
            table["cohorts"],
            table["seconds"] - table["pilot_seconds"],
            marker=MARKERS[1],
            linestyle="--",
            color=PALETTE[1],
            label="without the pilot",
        )
        axes.set_xticks(table["cohorts"], [str(count) for count in table["cohorts"]])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("cohorts")
        axes.set_ylabel("processor seconds")
        axes.set_title(f"From nothing to a mean residual of {100 * target:g} %")
        axes.legend()
        figure.savefig(path, dpi=120, bbox_inches="tight")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, nargs="+", default=[6, 15, 30, 60, 120])
    parser.add_argument("--target", type=float, default=0.002, help="mean residual, a fraction of consumption")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", type=Path, help="CSV file to write")
    parser.add_argument("--figure", type=Path, help="PNG file to write")
    parser.add_argument("--quick", action="store_true", help="a target of 1 %%")
    options = parser.parse_args()
    if options.quick:
        options.target = 0.01
    # Before TensorFlow is loaded, which reads them once.
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    quiet_import("tensorflow")
    rows = []
    for cohorts in options.cohorts:
        rows.append(solve(cohorts, options.target, options.seed))
        print("  ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), flush=True)
    table = pd.DataFrame(rows)
    print("\n| cohorts | processor s | of which pilot | steps | ms a step | mean / p99.9 / max % |\n|" + "---|" * 6)
    for row in rows:
        errors = " / ".join(f"{row[name]:.3f}" for name in ("mean_percent", "p99.9_percent", "maximum_percent"))
        print(
            f"| {row['cohorts']} | {row['seconds']:.0f} | {row['pilot_seconds']:.0f} | {row['steps']:,} "
            f"| {row['milliseconds_a_step']:.2f} | {errors} |"
        )
    if options.table is not None:
        table.to_csv(options.table, index=False, float_format="%.5g")
    if options.figure is not None:
        draw(table, options.target, options.figure)


if __name__ == "__main__":
    main()
