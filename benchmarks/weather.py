"""The published long-horizon weather benchmark: our recurrent network and closed-form linear maps beside its table.

    python benchmarks/weather.py                     # trains three seeds: about ten processor minutes
    python benchmarks/weather.py --shipped           # the shipped network instead
    python benchmarks/weather.py --seeds 5 --checkpoints build/weather_benchmark

Every model sees 96 steps and is scored on every test window. The network is chosen on the validation part alone.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from dlcourse.datasets.weather import load_jena
from dlcourse.sequences.linear_forecasts import fit_column_ridge, fit_shared_linear
from dlcourse.sequences.long_horizon import (
    HORIZONS,
    LOOKBACK,
    LongHorizonData,
    Predictor,
    evaluate_long_horizon,
    prepare_long_horizon,
)

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# From the comparison table of the S-Mamba paper; input length 96 for all, MSE and MAE for 96, 192, 336, 720.
PUBLISHED = {
    "S-Mamba": ((0.165, 0.210), (0.214, 0.252), (0.274, 0.297), (0.350, 0.345)),
    "iTransformer": ((0.174, 0.214), (0.221, 0.254), (0.278, 0.296), (0.358, 0.347)),
    "RLinear": ((0.192, 0.232), (0.240, 0.271), (0.292, 0.307), (0.364, 0.353)),
    "PatchTST": ((0.177, 0.218), (0.225, 0.259), (0.278, 0.297), (0.354, 0.348)),
    "Crossformer": ((0.158, 0.230), (0.206, 0.277), (0.272, 0.335), (0.398, 0.418)),
    "TimesNet": ((0.172, 0.220), (0.219, 0.261), (0.280, 0.306), (0.365, 0.359)),
    "DLinear": ((0.196, 0.255), (0.237, 0.296), (0.283, 0.335), (0.345, 0.381)),
    "FEDformer": ((0.217, 0.296), (0.276, 0.336), (0.339, 0.380), (0.403, 0.428)),
    "Autoformer": ((0.266, 0.336), (0.307, 0.367), (0.359, 0.395), (0.419, 0.428)),
}

Scores = dict[int | str, tuple[float, float]]


def published(name: str) -> Scores:
    """A row of the table; its mean is taken from the rounded horizons, as the papers do."""
    rows = dict(zip(HORIZONS, PUBLISHED[name], strict=True))
    squared, absolute = np.mean(PUBLISHED[name], axis=0)
    return {**rows, "mean": (float(squared), float(absolute))}


def score(predict: Predictor, data: LongHorizonData, stride: int) -> Scores:
    table = evaluate_long_horizon(predict, data, "test", stride=stride)
    return {horizon: (row["MSE"], row["MAE"]) for horizon, row in table.iterrows()}


def score_each(fit: Callable[[int], Predictor], data: LongHorizonData, stride: int) -> Scores:
    """A model of its own for each horizon."""
    scores: Scores = {}
    for horizon in HORIZONS:
        table = evaluate_long_horizon(fit(horizon), data, "test", (horizon,), stride)
        scores[horizon] = (table.loc[horizon, "MSE"], table.loc[horizon, "MAE"])
    squared, absolute = np.mean(list(scores.values()), axis=0)
    return {**scores, "mean": (float(squared), float(absolute))}


def linear_rows(data: LongHorizonData, stride: int) -> dict[str, tuple[Scores, float]]:
    """The closed forms, each with its processor seconds."""

    def shared(subtract_last: bool) -> Callable[[int], Predictor]:
        def fit(horizon: int) -> Predictor:
            # DLinear and RLinear read the raw series, -9999 included.
            model = fit_shared_linear(
                data.values, data.origins("train", horizon, 2), horizon, subtract_last=subtract_last
            )
            return lambda origins: model.predict(data.values[origins[:, None] + np.arange(-LOOKBACK, 0)])

        return fit

    def ridge(horizon: int) -> Predictor:
        spread = data.filled[: data.train_end].std(axis=0)
        own = np.clip(data.filled / spread, -8, 8)
        model, _ = fit_column_ridge(own, data.origins("train", horizon, 2), horizon, penalty=0.002)
        return lambda origins: model.predict(own[origins[:, None] + np.arange(-LOOKBACK, 0)]) * spread

    rows = {}
    for name, fit in (
        ("one linear map for all columns (closed form)", shared(False)),
        ("the same, last value subtracted (closed form)", shared(True)),
        ("ridge on all columns (closed form)", ridge),
    ):
        before = time.process_time()
        rows[name] = (score_each(fit, data, stride), time.process_time() - before)
    return rows


def network_rows(
    data: LongHorizonData, seeds: int, steps: int | None, stride: int, checkpoints: Path | None
) -> dict[str, tuple[Scores, float]]:
    """One network a seed, and their mean and spread."""
    from dlcourse.sequences.long_horizon_training import TrainingSettings, train_forecaster
    from dlcourse.sequences.segment_forecaster import predictor

    rows: dict[str, tuple[Scores, float]] = {}
    for seed in range(seeds):
        settings = TrainingSettings(seed=seed, **({} if steps is None else {"steps": steps}))
        folder = None if checkpoints is None else checkpoints / f"seed_{seed}"
        trained = train_forecaster(data, settings, checkpoints=folder)
        rows[f"ours, LSTM, seed {seed}"] = (score(predictor(trained.model, data), data, stride), trained.seconds)
        print(f"seed {seed}: {trained.seconds:.0f} processor seconds", flush=True)
    return rows


def shipped_row(data: LongHorizonData, stride: int) -> dict[str, tuple[Scores, float]]:
    from dlcourse.sequences.segment_forecaster import forecaster_from_arrays, predictor
    from dlcourse.weights import load_weights

    model = forecaster_from_arrays(load_weights("weather_lstm"))
    return {"ours, LSTM, shipped weights": (score(predictor(model, data), data, stride), float("nan"))}


def mean_and_spread(scores: list[Scores]) -> str:
    """The seeds' mean, and the largest less the smallest of their means over the horizons."""
    cells = []
    for horizon in (*HORIZONS, "mean"):
        squared, absolute = np.mean([row[horizon] for row in scores], axis=0)
        cells.append(f"{squared:.4f} / {absolute:.4f}")
    low, high = (edge([row["mean"] for row in scores], axis=0) for edge in (np.min, np.max))
    cells[-1] += f" ({low[0]:.4f}-{high[0]:.4f} / {low[1]:.4f}-{high[1]:.4f})"
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="training steps; the trainer's own number without it")
    parser.add_argument("--stride", type=int, default=1, help="score one in so many test windows; 1 is the protocol")
    parser.add_argument("--checkpoints", type=Path, help="folder to go on from")
    parser.add_argument("--shipped", action="store_true", help="score the shipped network instead of training")
    options = parser.parse_args()
    if SHARED_DATA.is_dir():
        os.environ.setdefault("DLCOURSE_DATA_DIR", str(SHARED_DATA))
    data = prepare_long_horizon(load_jena("2020", repair=False).table)
    rows: dict[str, tuple[Scores, float]] = {name: (published(name), float("nan")) for name in PUBLISHED}
    # Two threads that wait for each other take many times as long for the least squares as one.
    with threadpool_limits(1):
        rows |= linear_rows(data, options.stride)
    if options.shipped:
        ours = shipped_row(data, options.stride)
    else:
        ours = network_rows(data, options.seeds, options.steps, options.stride, options.checkpoints)
    rows |= ours
    print(f"\n| MSE / MAE | {' | '.join(map(str, HORIZONS))} | mean | processor seconds |")
    print("|---|" + "---|" * (len(HORIZONS) + 2))
    for name, (scores, seconds) in rows.items():
        cells = [f"{scores[horizon][0]:.4f} / {scores[horizon][1]:.4f}" for horizon in (*HORIZONS, "mean")]
        print(f"| {name} | {' | '.join(cells)} | {'' if pd.isna(seconds) else f'{seconds:.0f}'} |")
    if len(ours) > 1:
        seconds = float(np.mean([spent for _, spent in ours.values()]))
        print(f"| ours, mean of {len(ours)} | {mean_and_spread([row for row, _ in ours.values()])} | {seconds:.0f} |")


if __name__ == "__main__":
    main()
