"""Reading event files back, also those that Keras writes, and TensorBoard's door in a notebook."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest

from dlcourse.approximation import tensorboard_logs
from dlcourse.approximation.tensorboard_logs import RunLog, read_runs, show_tensorboard


def small_model() -> keras.Model:
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="only")])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    model = small_model()
    with RunLog(tmp_path / "a" / "run", {"layers": 2, "activation": "relu", "bias": True}, model) as log:
        for epoch in range(3):
            log.epoch(epoch, {"loss": 1 / (1 + epoch)}, histograms=epoch == 1)
    run = read_runs(tmp_path)[str(Path("a", "run"))]
    steps, losses = run.scalars["loss"]
    assert steps.tolist() == [0, 1, 2]
    np.testing.assert_allclose(losses, [1, 1 / 2, 1 / 3], rtol=1e-6)
    assert run.hyperparameters == {"activation": "relu", "bias": True, "layers": 2.0}
    assert run.has_graph
    assert set(run.histograms) == {"only/kernel", "only/bias"}
    assert run.histograms["only/kernel"][1][:, 2].sum() == 6


def test_every_step_is_read_where_tensorboard_would_show_a_sample(tmp_path: Path) -> None:
    with RunLog(tmp_path / "long", {"layers": 1}, small_model()) as log:
        for epoch in range(1500):
            log.epoch(epoch, {"loss": float(epoch)})
    assert len(read_runs(tmp_path)["long"].scalars["loss"][0]) == 1500


def test_what_the_keras_callback_writes_is_read(tmp_path: Path) -> None:
    model = small_model()
    model.compile("sgd", "mse")
    callback = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1)
    history = model.fit(np.ones((8, 2)), np.ones((8, 3)), epochs=2, verbose=0, callbacks=[callback]).history
    run = read_runs(tmp_path)["train"]
    np.testing.assert_allclose(run.scalars["epoch_loss"][1], history["loss"], rtol=1e-5)
    assert any(tag.endswith("only/kernel/histogram") for tag in run.histograms)


def test_a_run_that_raises_is_closed_as_failed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), RunLog(tmp_path / "run", {"layers": 1}, small_model()):
        raise RuntimeError("stop")
    assert "run" in read_runs(tmp_path)


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no event files under"):
        read_runs(tmp_path)


def test_outside_a_notebook_only_the_command_is_printed(capsys: pytest.CaptureFixture) -> None:
    assert not show_tensorboard("my runs")
    assert capsys.readouterr().out == "To look at these runs: tensorboard --logdir 'my runs'\n"


@pytest.mark.parametrize(
    ("asks", "in_test", "opened"), [(True, False, True), (False, False, False), (True, True, False)]
)
def test_a_server_is_started_only_where_a_person_runs_the_cell(
    monkeypatch: pytest.MonkeyPatch, asks: bool, in_test: bool, opened: bool
) -> None:
    notebook = importlib.import_module("tensorboard.notebook")
    shell = types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=asks))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    if not in_test:
        monkeypatch.delenv("PYTEST_CURRENT_TEST")
    started: list[str] = []
    monkeypatch.setattr(notebook, "start", started.append)
    assert show_tensorboard("my runs") is opened
    assert started == (["--logdir 'my runs' --reload_interval 5"] if opened else [])
    assert tensorboard_logs._somebody_is_looking() is opened
