"""Forecasting the temperature: how the forecaster was chosen, the table of errors, and the speed of training.

    DLCOURSE_DATA_DIR=... python benchmarks/sequences.py --only selection
    DLCOURSE_DATA_DIR=... python benchmarks/sequences.py --only table
    python benchmarks/sequences.py --only speed --peers /path/to/python/with/torch

Speed: LSTM 32 on 120 x 7 windows, one output, Adam, batches of 256. Ours, the pipeline of keras.io's weather example
(written anew) and PyTorch train 50 steps in turns, each in a process of its own with 1 and with 2 threads; the faster
counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
HISTORY, COLUMNS, UNITS, BATCH, WINDOWS = 120, 7, 32, 256, 12_800
SEVEN = ("temperature", "pressure", "dew_point", "relative_humidity", "wind_x", "wind_y", "radiation")

PREPARE = f"""
import json, os, sys, time
import numpy as np
series = np.random.default_rng(0).normal(size=({WINDOWS} + 792, {COLUMNS})).astype("float32")
def report(epoch):
    epoch()
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        epoch()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps([{WINDOWS} / wall, {WINDOWS} / cpu]), flush=True)
"""

KERAS_IO = (
    PREPARE
    + f"""
import keras
import tensorflow as tf
threads = int(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
# 10-minute rows: every sixth of 720 is read; the target lies 72 rows after them.
windows = keras.utils.timeseries_dataset_from_array(
    series, series[792:, :1], sequence_length={HISTORY}, sampling_rate=6, batch_size={BATCH}
)
assert sum(len(x) for x, y in windows) == {WINDOWS}
model = keras.Sequential([keras.Input(({HISTORY}, {COLUMNS})), keras.layers.LSTM({UNITS}), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(0.001), "mse")
report(lambda: model.fit(windows, epochs=1, verbose=0))
"""
)

OURS = (
    PREPARE
    + f"""
import keras
import tensorflow as tf
threads = int(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
from dlcourse.sequences.forecast_training import EpochProgram, TrainingPlan
from dlcourse.sequences.windows import make_windows
windows = make_windows(series, {HISTORY}, 78, targets="0", sampling_rate=6)
assert len(windows) == {WINDOWS}
model = keras.Sequential([keras.Input(({HISTORY}, {COLUMNS})), keras.layers.LSTM({UNITS}), keras.layers.Dense(1)])
plan = TrainingPlan(epochs=1000, batch={BATCH}, loss="squared", learning_rate=0.001)
program = EpochProgram(model, windows, plan)
done = []
def epoch():
    losses = program.run(windows.order(0, len(done)), len(done))
    assert losses.shape == ({WINDOWS // BATCH},)
    done.append(losses)
report(epoch)
"""
)

PYTORCH = (
    PREPARE
    + f"""
import torch
torch.set_num_threads(int(sys.argv[1]))
lstm, dense = torch.nn.LSTM({COLUMNS}, {UNITS}, batch_first=True), torch.nn.Linear({UNITS}, 1)
optimizer = torch.optim.Adam([*lstm.parameters(), *dense.parameters()], 0.001)
table, offsets = torch.from_numpy(series), torch.arange(-714, 1, 6)
def epoch():
    for rows in (torch.randperm({WINDOWS}) + 714).reshape(-1, {BATCH}):
        x, y = table[rows[:, None] + offsets], table[rows + 78, 0]
        loss = ((dense(lstm(x)[0][:, -1])[:, 0] - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
report(epoch)
"""
)


class Worker:
    """A training in a process of its own, warmed up by one epoch; it waits between its turns."""

    def __init__(self, program: str, python: str, threads: int) -> None:
        environment = os.environ | {
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "OMP_NUM_THREADS": str(threads),
            "TF_NUM_INTRAOP_THREADS": str(threads),
            "TF_NUM_INTEROP_THREADS": str(threads),
        }
        command = [python, "-c", program, str(threads)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        self._answer()

    def rate(self) -> tuple[float, float]:
        """Training windows per second of wall time and of processor time, over one epoch."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        wall, cpu = json.loads(self._answer())
        return wall, cpu

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args[0]} stopped with {self.process.wait()}; see above.")  # type: ignore[index]
        return answer


def speed(rounds: int, peers: str | None) -> None:
    programs = {"dlcourse": (OURS, sys.executable), "keras.io pipeline": (KERAS_IO, sys.executable)}
    if peers:
        programs["PyTorch nn.LSTM"] = (PYTORCH, peers)
    workers = {
        (name, threads): Worker(program, python, threads)
        for name, (program, python) in programs.items()
        for threads in (1, 2)
    }
    rates: dict[tuple[str, int], list[tuple[float, float]]] = {key: [] for key in workers}
    for _ in range(rounds):
        for key, worker in workers.items():
            rates[key].append(worker.rate())
    for key, worker in workers.items():
        worker.close()
        walls, cpus = zip(*rates[key], strict=True)
        print(key, "wall:", *(f"{value:,.0f}" for value in walls), "processor:", *(f"{value:,.0f}" for value in cpus))
    print(
        "| training | threads | windows/s, wall | windows per processor second | ours is faster by, wall | processor |"
    )
    print("|---|---|---|---|---|---|")

    def faster(name: str) -> int:
        return max((1, 2), key=lambda threads: statistics.median(wall for wall, _ in rates[name, threads]))

    ours = rates["dlcourse", faster("dlcourse")]
    for name in programs:
        own = rates[name, faster(name)]
        wall, cpu = (statistics.median(pair[place] for pair in own) for place in (0, 1))
        by = [statistics.median(a[place] / b[place] for a, b in zip(ours, own, strict=True)) for place in (0, 1)]
        print(f"| {name} | {faster(name)} | {wall:,.0f} | {cpu:,.0f} | {by[0]:.2f} | {by[1]:.2f} |", flush=True)


def jena() -> tuple[str, pd.DataFrame]:
    """Jena 2020, hourly: what it is, and the seven columns that the networks read, the wind as a vector."""
    import numpy as np

    from dlcourse.datasets.weather import load_jena

    weather = load_jena("2020").hourly()
    columns = weather.table.copy()
    direction = np.deg2rad(columns["wind_direction"])
    columns["wind_x"] = columns["wind_speed"] * np.cos(direction)
    columns["wind_y"] = columns["wind_speed"] * np.sin(direction)
    return weather.label, columns[list(SEVEN)]


def selection(seeds: int) -> None:
    """Which levels, and which share of the correction: four folds inside the first 80 % of the year.

    A fold that is tested on the tenth of the year after share a trains on all up to a - 0.1 and takes its penalties,
    best epoch and shares from the tenth between. The last 20 % of the year is cut off before anything else happens.
    What counts is the mean skill over horizons and folds.
    """
    import numpy as np

    from dlcourse.sequences.baselines import LinearForecaster, Persistence
    from dlcourse.sequences.forecast_training import TrainingPlan
    from dlcourse.sequences.forecasting import ForecastData
    from dlcourse.sequences.recurrent_forecasters import _SHARES, RecurrentForecaster, cautious_choice

    label, columns = jena()
    hours = len(columns)
    columns = columns.iloc[: int(0.8 * hours)]
    errors: dict[str, list[np.ndarray]] = {}

    def note(name: str, forecast: np.ndarray, truth: np.ndarray) -> None:
        errors.setdefault(name, []).append(np.abs(forecast - truth).mean(axis=0))

    for known in (0.4, 0.5, 0.6, 0.7):
        end = int((known + 0.1) * hours)
        fractions = np.array([known - 0.1, 0.1, 0.1]) / (known + 0.1)
        data = ForecastData.of(columns.iloc[:end], "temperature", tuple(fractions), history=HISTORY)
        times = data.split.part("test").index
        print(f"{label}: tested from {times[0]:%d %B} to {times[-1]:%d %B}; {data}", flush=True)
        truth = data.in_unit(data.test.y)
        note("persistence", Persistence().fit(data).predict(data.test), truth)
        for name, settings in {
            "linear, temperature": {"columns": ()},
            "linear, seven columns": {},
            "linear, seven columns and season": {"season": True},
        }.items():
            for level in (True, False):
                line = LinearForecaster(**settings, level=level).fit(data)
                note(name + ("" if level else ", no level"), line.predict(data.test), truth)
        of_the_weather = ("pressure", "relative_humidity", "wind_x", "wind_y")
        for name, levels in (("all levels", SEVEN), ("levels without seasons", of_the_weather), ("no level", ())):
            found: dict[str, list[np.ndarray]] = {}
            for seed in range(seeds):
                network = RecurrentForecaster("gru", levels=levels, plan=TrainingPlan(epochs=5))
                network.fit(data, seed=seed, progress=False)
                base, correction = network._parts(data.validation)
                tried = np.array([np.abs(base + share * correction - data.validation.y) for share in _SHARES])
                base, correction = network._parts(data.test)
                for rule, shares in {
                    "all of the correction": 1.0,
                    "best share": _SHARES[tried.mean(axis=1).argmin(axis=0)],
                    "one standard error": _SHARES[cautious_choice(tried, block=max(data.horizons))],
                }.items():
                    forecast = data.in_unit(base + shares * correction)
                    found.setdefault(rule, []).append(np.abs(forecast - truth).mean(axis=0))
            for rule, rows in found.items():
                errors.setdefault(f"GRU, {name}, {rule}", []).append(np.mean(rows, axis=0))
    skills = {name: 1 - np.array(rows) / np.array(errors["persistence"]) for name, rows in errors.items()}
    print("\nMAE in deg C, mean of the folds; mean skill of all folds, then of each\n")
    print("| model | " + " | ".join(f"{horizon} h" for horizon in data.horizons) + " | skill | each fold |")
    print("|---" * (len(data.horizons) + 3) + "|")
    for name, rows in errors.items():
        cells = [f"{value:.3f}" for value in (*np.mean(rows, axis=0), skills[name].mean())]
        print(f"| {name} | " + " | ".join(cells) + f" | {' '.join(f'{v:.3f}' for v in skills[name].mean(axis=1))} |")


def table(seeds: int) -> None:
    from dlcourse.sequences.baselines import DailyPersistence, LinearForecaster, Persistence, SeasonalClimatology
    from dlcourse.sequences.forecast_training import TrainingPlan
    from dlcourse.sequences.forecasting import ForecastData, evaluate
    from dlcourse.sequences.prediction_bands import PredictionBand
    from dlcourse.sequences.recurrent_forecasters import RecurrentForecaster

    label, columns = jena()
    data = ForecastData.of(columns, "temperature", history=HISTORY)
    print(label, data)
    forecasters = [
        Persistence(),
        DailyPersistence(),
        SeasonalClimatology(),
        LinearForecaster((), name="linear, temperature"),
        LinearForecaster((), level=False, name="linear, changes of temperature"),
        LinearForecaster((), decompose=25),
        LinearForecaster(season=True, name="linear, seven columns and time"),
        LinearForecaster(level=False, name="linear, changes of seven columns"),
    ]
    for forecaster in forecasters:
        forecaster.fit(data)
    plan = TrainingPlan(epochs=5)
    chosen = {"levels": SEVEN, "cautious": False}
    networks = []
    for settings in (
        {"cell": "rnn", **chosen},
        {"cell": "lstm", **chosen},
        {"cell": "gru", **chosen},
        {"cell": "gru", **chosen, "members": 3, "name": "GRU 32 on linear, 3 members"},
        {"cell": "lstm", **chosen, "linear": False},
        {"cell": "gru", "name": "GRU 32 on linear, no level, cautious"},
    ):
        for seed in range(seeds):
            cpu = time.process_time()
            network = RecurrentForecaster(**settings, plan=plan)
            networks.append(network.fit(data, seed=seed, progress=False))
            print(f"{network.name}, seed {seed}: {time.process_time() - cpu:.1f} processor seconds", flush=True)
    for part in ("validation", "test"):
        scores = evaluate([*forecasters, *networks], data, part=part)
        mean = scores.groupby(["model", "horizon"], sort=False)["MAE"].agg(["mean", "min", "max"])
        print(f"\nMAE in deg C, {part} part (mean of {seeds} seeds, lowest to highest)\n")
        print("| model | " + " | ".join(f"{horizon} h" for horizon in data.horizons) + " | mean skill |")
        print("|---" * (len(data.horizons) + 2) + "|")
        for name, rows in mean.groupby("model", sort=False):
            cells = [
                f"{row['mean']:.3f}" + (f" ({row['min']:.3f} to {row['max']:.3f})" if row["max"] > row["min"] else "")
                for _, row in rows.iterrows()
            ]
            skill = scores[scores["model"] == name]["skill"].mean()
            print(f"| {name} | " + " | ".join(cells) + f" | {skill:.3f} |")
        if part == "validation":
            # The last network repeats a choice that was first met on the test part: it is shown, and cannot be chosen.
            names = {network.name for network in networks if network.levels}
            best_name = scores[scores["model"].isin(names)].groupby("model")["skill"].mean().idxmax()
            print(f"\nchosen on validation, by mean skill: {best_name}")
    best = next(network for network in networks if network.name == best_name)
    band = PredictionBand.calibrate(best, data)
    inside = band.coverage_of(best.predict(data.test), data.in_unit(data.test.y))
    print(f"90 % band of {best_name}: half-widths {band.width.round(2)}, inside on the test part {inside.round(2)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("selection", "table", "speed"))
    parser.add_argument("--rounds", type=int, default=3, help="how often all train in turn")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of each network in selection and table")
    parser.add_argument("--peers", help="a Python with PyTorch in it")
    arguments = parser.parse_args()
    if SHARED_DATA.is_dir():
        os.environ.setdefault("DLCOURSE_DATA_DIR", str(SHARED_DATA))
    if arguments.only in (None, "selection"):
        selection(arguments.seeds)
    if arguments.only in (None, "table"):
        table(arguments.seeds)
    if arguments.only in (None, "speed"):
        speed(arguments.rounds, arguments.peers)


if __name__ == "__main__":
    main()
