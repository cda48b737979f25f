"""What a network adds to the linear policy of the economy of two assets, and in how much time.

    python benchmarks/economics_two_assets.py --only short --seeds 0 1 2     # about a minute each
    python benchmarks/economics_two_assets.py --only long --seeds 0 1 2
    python benchmarks/economics_two_assets.py --only calibrations            # the same settings, other economies
    python benchmarks/economics_two_assets.py --only formulations            # other bases, the plain gradient
    python benchmarks/economics_two_assets.py --only shipped                 # the network in data/weights

Every row is a training of its own on one thread, from nothing: steady state, linear policy, compilation, training. The
errors are those of the independent float64 check (`two_asset_errors`, 10,000 periods after 2,000, which must stay in
the region where the economy lives), in percent: mean / p99.9 / maximum of the one-residual metrics, which hold the
whole Karush-Kuhn-Tucker system, and of the article's Euler metrics. The linear policy alone stands above each economy's
networks.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from dlcourse.economics.euler_errors import BrokenEconomyError, ErrorStatistics
from dlcourse.economics.two_asset_errors import two_asset_errors
from dlcourse.economics.two_asset_net import TwoAssetNet
from dlcourse.economics.two_asset_olg import TwoAssetEconomy, two_asset_olg
from dlcourse.quiet import quiet_import

if TYPE_CHECKING:
    import tensorflow as tf

SHORT, LONG = 8_000, 60_000

CALIBRATIONS: dict[str, Callable[[], TwoAssetEconomy]] = {
    "zeta .25": lambda: two_asset_olg(adjustment_cost=0.25),
    "zeta 1": lambda: two_asset_olg(adjustment_cost=1.0),
    "gamma 1.5": lambda: two_asset_olg(risk_aversion=1.5),
    "gamma 3": lambda: two_asset_olg(risk_aversion=3.0),
    "28 cohorts": lambda: two_asset_olg(28),
    "84 cohorts": lambda: two_asset_olg(84),
}


def row(name: str, seed: str, steps: str, seconds: str, net: TwoAssetNet, periods: int) -> str:
    """A line of the table; where the policy leaves the region, the reason instead of figures."""
    try:
        found = two_asset_errors(net.economy, net.policy, periods, burn_in=periods // 5, steady=net.steady)
    except BrokenEconomyError as error:
        return f"| {name} | {seed} | {steps} | {seconds} | rejected: {error} |"
    cells = [_in_percent(s) for s in (found.capital, found.bond, found.capital_euler, found.bond_euler)]
    mean, deviation = found.aggregate_capital
    where = f"{mean:.2f} ({deviation:.2f}), {found.capital_range[0]:.1f} to {found.capital_range[1]:.1f}"
    return f"| {name} | {seed} | {steps} | {seconds} | {' | '.join(cells)} | {where} | {found.market:.0e} |"


def trained_row(
    name: str, economy: TwoAssetEconomy, seed: int, steps: int, periods: int, base: str = "perturbation"
) -> str:
    """Trains a network and checks it."""
    from dlcourse.economics.equilibrium_training import TrainingSettings, train

    wall, processor = perf_counter(), process_time()
    net = TwoAssetNet(economy, base=base, seed=seed)
    train(net, steps=steps, settings=TrainingSettings.of(net, seed=seed))
    seconds = f"{perf_counter() - wall:.0f} / {process_time() - processor:.0f}"
    return row(name, str(seed), f"{steps:,}", seconds, net, periods)


def linear_row(economy: TwoAssetEconomy, periods: int) -> str:
    """The policy that the networks correct, by itself."""
    before = process_time()
    net = TwoAssetNet(economy)
    return row("linear policy alone", "", "", f"{process_time() - before:.1f}", net.uncorrected(), periods)


def plain_gradient(gradients: list[tf.Tensor], loss: tf.Tensor, clip_norm: float) -> list[tf.Tensor]:
    """What `normalised` does, without the root."""
    import tensorflow as tf

    return tf.clip_by_global_norm(gradients, clip_norm)[0]


def rows(options: argparse.Namespace) -> Iterator[str]:
    periods = options.periods
    usual = two_asset_olg()
    if {"short", "long", "formulations"} & set(options.only):
        yield linear_row(usual, periods)
    for kind, steps in (("short", SHORT), ("long", LONG)):
        if kind in options.only:
            for seed in options.seeds:
                yield trained_row("56 cohorts", usual, seed, options.steps or steps, periods)
    if "calibrations" in options.only:
        for name, make in CALIBRATIONS.items():
            yield linear_row(make(), periods).replace("linear policy alone", f"{name}: linear policy alone")
            for seed in options.seeds:
                yield trained_row(name, make(), seed, options.steps or SHORT, periods)
    if "formulations" in options.only:
        ways: dict[str, tuple[str, Any]] = {
            "wealth base": ("wealth", nullcontext()),
            "constant base": ("constant", nullcontext()),
            "plain gradient": (
                "perturbation",
                patch("dlcourse.economics.equilibrium_training.normalised", plain_gradient),
            ),
        }
        for name, (base, change) in ways.items():
            with change:
                yield trained_row(name, usual, options.seeds[0], options.steps or SHORT, periods, base)
    if "shipped" in options.only:
        from dlcourse.economics.equilibrium_report import solved_two_assets

        yield row("shipped", "", "", "", solved_two_assets(), periods)


def _in_percent(statistics: ErrorStatistics) -> str:
    parts = (statistics.mean, statistics.p999, statistics.maximum)
    return " / ".join(f"{100 * part:.3g}" for part in parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = ["short", "long", "calibrations", "formulations", "shipped"]
    parser.add_argument("--only", choices=kinds, nargs="+", default=["short"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, help=f"other than {SHORT:,} and {LONG:,}")
    parser.add_argument("--periods", type=int, default=10_000, help="of the check")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    # Before TensorFlow is loaded, which reads them once.
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    quiet_import("tensorflow")
    print(
        "| policy | seed | steps | wall / processor s | capital residual | bond residual | capital Euler | bond Euler "
        "| mean K (sd), range | market |"
    )
    print("|" + "---|" * 10, flush=True)
    for line in rows(options):
        print(line, flush=True)


if __name__ == "__main__":
    main()
