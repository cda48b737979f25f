"""Training that goes on after a kill -9, keeps its best weights, and stops at NaN."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from dlcourse.checkpoints import CheckpointFolder, CheckpointMismatchError
from dlcourse.sequences.forecast_training import DivergedError, TrainingPlan, train_network
from dlcourse.sequences.forecasting import ForecastData
from dlcourse.sequences.recurrent_forecasters import RecurrentForecaster

SERIES = """
import numpy as np
import pandas as pd

from dlcourse.sequences.forecast_training import TrainingPlan
from dlcourse.sequences.forecasting import ForecastData
from dlcourse.sequences.recurrent_forecasters import RecurrentForecaster

rng = np.random.default_rng(5)
values = 10 + np.sin(np.arange(600) / 4) + 0.1 * np.cumsum(rng.normal(size=600))
times = pd.date_range("2020-01-01", periods=600, freq="h")
data = ForecastData.of(pd.DataFrame({"temperature": values}, index=times), history=24, horizons=(1, 6))
plan = TrainingPlan(epochs=5, batch=64, learning_rate=0.01, xla=False)
forecaster = RecurrentForecaster("lstm", 4, patch=8, plan=plan)
"""
KILLED = (
    SERIES
    + """
import os
import signal
import sys

from dlcourse.checkpoints import CheckpointFolder

write = CheckpointFolder.save

def die_after_the_second(folder, step, arrays, state=None):
    if step == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(folder, step, arrays, state)

CheckpointFolder.save = die_after_the_second
forecaster.fit(data, seed=2, checkpoints=sys.argv[1], progress=False)
"""
)


def whole() -> tuple[ForecastData, RecurrentForecaster]:
    names: dict[str, object] = {}
    exec(SERIES, names)
    return names["data"], names["forecaster"]  # type: ignore[return-value]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecurrentForecaster, Path]:
    """A training without an interruption, and where its checkpoints are."""
    folder = tmp_path_factory.mktemp("straight")
    data, forecaster = whole()
    return forecaster.fit(data, seed=2, checkpoints=folder, progress=False), folder


def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    straight: tuple[RecurrentForecaster, Path], tmp_path: Path
) -> None:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert CheckpointFolder(tmp_path / "member_0").files()[-1].name.endswith("2.npz")
    data, resumed = whole()
    resumed.fit(data, seed=2, checkpoints=tmp_path, progress=False)
    expected = straight[0].curve
    assert resumed.curve is not None and expected is not None
    assert len(expected.validation) == 5
    assert abs(expected.validation[-1] - expected.validation[1]) > 1e-4, "the epochs after the kill changed nothing"
    np.testing.assert_allclose(resumed.curve.validation, expected.validation, rtol=0, atol=1e-6)
    np.testing.assert_allclose(resumed.curve.train, expected.train, rtol=0, atol=1e-6)
    np.testing.assert_allclose(resumed.predict(data.test), straight[0].predict(data.test), rtol=0, atol=1e-5)


def test_a_finished_training_is_not_done_again_and_other_settings_are_refused(
    straight: tuple[RecurrentForecaster, Path],
) -> None:
    first, folder = straight
    data, again = whole()
    written = [path.stat().st_mtime_ns for path in CheckpointFolder(folder / "member_0").files()]
    again.fit(data, seed=2, checkpoints=folder, progress=False)
    np.testing.assert_array_equal(again.predict(data.test), first.predict(data.test))
    assert written == [path.stat().st_mtime_ns for path in CheckpointFolder(folder / "member_0").files()]
    with pytest.raises(CheckpointMismatchError, match="seed"):
        again.fit(data, seed=3, checkpoints=folder, progress=False)


def straight_line() -> ForecastData:
    times = pd.date_range("2020-01-01", periods=400, freq="h")
    values = np.sin(np.arange(400) / 3.0)
    return ForecastData.of(pd.DataFrame({"temperature": values}, index=times), history=8, horizons=(1, 2))


def dense(horizons: int = 2) -> keras.Model:
    return keras.Sequential(
        [keras.Input((8, 1)), keras.layers.Flatten(), keras.layers.Dense(horizons, kernel_initializer="zeros")]
    )


def test_training_finds_what_least_squares_finds() -> None:
    """A sine obeys a linear recursion: the squared loss has a minimum of zero, from the variance of the change."""
    data = straight_line()
    plan = TrainingPlan(epochs=60, batch=32, learning_rate=0.03, loss="squared", averaging=0.0, xla=False)
    curve = train_network(dense(), data.train, data.validation, plan, progress=False)
    start = float(np.mean((data.validation.y - data.validation.last[:, None]) ** 2))
    assert curve.best < 0.01 * start


def test_the_network_ends_with_its_best_weights_on_validation() -> None:
    data = straight_line()
    network = dense()
    curve = train_network(
        network, data.train, data.validation, TrainingPlan(epochs=6, batch=32, xla=False), progress=False
    )
    assert curve.best == min(curve.validation) == curve.validation[curve.best_epoch - 1]
    error = network.predict(data.validation.x, verbose=0) - (data.validation.y - data.validation.last[:, None])
    np.testing.assert_allclose(np.abs(error).mean(), curve.best, rtol=1e-5)


def test_a_resumed_training_keeps_the_best_weights_from_before(tmp_path: Path) -> None:
    data, folder = straight_line(), CheckpointFolder(tmp_path)
    short, long = (TrainingPlan(epochs=epochs, batch=32, xla=False) for epochs in (1, 3))
    train_network(dense(), data.train, data.validation, short, checkpoints=folder, progress=False)
    saved = folder.load()
    assert saved is not None
    marked = {name: np.full_like(array, 7) for name, array in saved.arrays.items() if name.startswith("best_")}
    folder.save(saved.step, saved.arrays | marked, saved.state | {"best": -1.0})
    network = dense()
    curve = train_network(network, data.train, data.validation, long, checkpoints=folder, progress=False)
    assert len(curve.validation) == 3
    for weight in network.get_weights():
        np.testing.assert_array_equal(weight, 7)


def test_patience_stops_a_training_that_gets_no_better() -> None:
    data = straight_line()
    plan = TrainingPlan(epochs=30, batch=32, learning_rate=1e-30, patience=2, xla=False)
    curve = train_network(dense(), data.train, data.validation, plan, progress=False)
    assert len(curve.validation) == 2 and curve.best_epoch == 0


def test_nan_stops_the_training_and_names_the_step() -> None:
    data = straight_line()
    network = dense()
    before = network.get_weights()
    plan = TrainingPlan(epochs=3, batch=32, learning_rate=1e38, loss="squared", xla=False)
    with pytest.raises(DivergedError, match=r"epoch 1, step \d+"):
        train_network(network, data.train, data.validation, plan, progress=False)
    for weight, old in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_bad_trainings_are_refused() -> None:
    data = straight_line()
    with pytest.raises(ValueError, match="batch must be at most"):
        train_network(dense(), data.train, data.validation, TrainingPlan(batch=1000), progress=False)
    with pytest.raises(ValueError, match="2 positive numbers"):
        train_network(dense(), data.train, data.validation, TrainingPlan(), horizon_weights=[1.0], progress=False)
