"""`dlcourse train`: files, exit codes, and going on after a kill -9."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from dlcourse import cli, cli_train, console
from dlcourse.datasets.weather import load_jena
from dlcourse.datasets.weather_columns import WEATHER_COLUMNS
from dlcourse.quiet import quiet_import

ARGUMENTS = ("train", "weather", "--horizon", "12", "--steps", "6", "--check-every", "2")


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cli_train, "console", Console(width=200))
    monkeypatch.setattr(console, "err", Console(width=200, stderr=True))


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """Five weeks of synthetic weather in the station's own format."""
    header = [f"{column.raw} ({column.unit})" for column in WEATHER_COLUMNS.values()]
    table = load_jena("synthetic", hours=900).table.set_axis(header, axis=1).iloc[:, :14]
    table.insert(0, "date", table.index.strftime("%Y-%m-%d %H:%M:%S"))
    table.to_csv(tmp_path / "small.csv", index=False)
    return tmp_path / "small.csv"


def call(*arguments: str):
    return CliRunner().invoke(cli.app, list(arguments))


def test_a_missing_file_is_named_and_exits_with_1(tmp_path):
    result = call("train", "weather", "--data", str(tmp_path / "none.csv"))
    assert result.exit_code == 1
    assert "none.csv" in result.output and "Traceback" not in result.output


def test_a_file_that_is_too_short_for_the_horizon_says_so(small_file, tmp_path):
    result = call("train", "weather", "--data", str(small_file), "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "shorter horizon" in result.output


def test_help_names_every_option():
    result = call("train", "weather", "--help")
    assert result.exit_code == 0
    assert all(f"--{name}" in result.output for name in ("minutes", "steps", "seed", "checkpoints", "out", "data"))
    assert call("train", "--help").exit_code == 0


def test_a_killed_run_goes_on_and_ends_as_an_uninterrupted_one(small_file, tmp_path):
    def arguments(folder: str) -> list[str]:
        return [*ARGUMENTS, "--data", str(small_file), "--out", str(tmp_path / folder)]

    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "DLCOURSE_PROGRESS": "0", "PYTHONUNBUFFERED": "1"}
    program = "from dlcourse.cli import main; main()"
    killed = [sys.executable, "-c", program, *arguments("killed")]
    run = subprocess.Popen(killed, stdout=subprocess.PIPE, text=True, env=environment)
    assert any(line.startswith("step ") for line in run.stdout)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert not (tmp_path / "killed" / "weather_lstm.npz").exists()

    for folder in ("killed", "whole"):
        result = call(*arguments(folder))
        assert result.exit_code == 0, result.output
        assert "Test part" in result.output
    curves = [pd.read_csv(tmp_path / folder / "weather_lstm_curve.csv") for folder in ("killed", "whole")]
    columns = ["step", "loss", "validation_MSE", "validation_MAE"]
    pd.testing.assert_frame_equal(curves[0][columns], curves[1][columns], rtol=0, atol=1e-6)

    other = call(*arguments("whole"), "--seed", "1")
    assert other.exit_code == 2
    assert "seed was 0, now 1" in other.output


def test_an_economy_is_solved_checked_and_written(tmp_path):
    out = tmp_path / "out"
    result = call("train", "deqn", "--model", "analytic", "--cohorts", "3", "--steps", "400", "--out", str(out))
    assert result.exit_code == 0, result.output
    errors = pd.read_csv(out / "deqn_analytic_errors.csv", index_col=0)
    assert 0 < errors.loc["residual", "mean"] < errors.loc["residual", "maximum"] < 20
    assert pd.read_csv(out / "deqn_analytic_curve.csv")["step"].tolist() == [200, 400]
    assert (out / "deqn_analytic.npz").is_file()
    again = call("train", "deqn", "--model", "analytic", "--cohorts", "3", "--steps", "600", "--out", str(out))
    assert again.exit_code == 2
    assert "steps was 400, now 600" in again.output


def test_two_assets_are_solved_with_the_linear_policy_beside_the_network(tmp_path):
    arguments = ("train", "deqn", "--model", "two-asset", "--cohorts", "12", "--risk-aversion", "3", "--steps", "200")
    result = call(*arguments, "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    stem = tmp_path / "deqn_two_asset_12_cohorts_risk_aversion_3"
    errors = pd.read_csv(f"{stem}_errors.csv", index_col=0)
    for metric in ("capital residual", "bond residual", "capital Euler", "bond Euler", "KKT"):
        assert 0 < errors.loc[metric, "mean"] < 1
        assert errors.loc[f"perturbation alone, {metric}", "mean"] > 0
    facts = pd.read_csv(f"{stem}_economy.csv", index_col=0)["value"]
    assert facts["smallest K"] < facts["mean K"] < facts["largest K"]
    assert facts["largest market error"] < 1e-10
    assert Path(f"{stem}.npz").is_file() and Path(f"{stem}_curve.csv").is_file()
    few = call("train", "deqn", "--model", "two-asset", "--cohorts", "6", "--out", str(tmp_path))
    assert few.exit_code == 2 and "at least 12" in few.output
    strange = call("train", "deqn", "--model", "benchmark", "--collateral", "1", "--out", str(tmp_path))
    assert strange.exit_code == 2 and "has no collateral: it has borrowing_limit" in strange.output


def test_an_impossible_economy_is_refused_with_the_reason(tmp_path):
    result = call("train", "deqn", "--model", "benchmark", "--cohorts", "2", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "at least 3" in result.output
    limited = call("train", "deqn", "--model", "analytic", "--borrowing-limit", "-1", "--out", str(tmp_path))
    assert limited.exit_code == 2
    assert "has no borrowing_limit" in limited.output


def test_a_player_is_trained_scored_and_goes_on_after_its_hours_are_over(tmp_path, monkeypatch):
    pytest.importorskip("ale_py")
    trainer = quiet_import("dlcourse.reinforcement.breakout")
    fast = trainer.PROFILES["fast"]
    small = {"filters": (2, 4, 4), "hidden": (8,), "batch_size": 8, "warm_up": 64, "replay_capacity": 4000}
    monkeypatch.setitem(trainer.PROFILES, "fast", replace(fast, settings=replace(fast.settings, **small)))
    # What games score is tested with the games.
    monkeypatch.setattr(trainer, "play_games", lambda player, episodes, **options: np.arange(float(episodes)))
    arguments = ("train", "breakout", "--frames", "1600", "--games", "3", "--out", str(tmp_path))
    stopped = call(*arguments, "--no-video", "--hours", "1e-9")
    assert stopped.exit_code == 0, stopped.output
    assert "stopped after 64 of 1,600 frames; the same command goes on from here" in stopped.output
    with pytest.warns(UserWarning, match="begins new games"):
        finished = call(*arguments)
    assert finished.exit_code == 0, finished.output
    assert "stopped" not in finished.output and "step 400  score 4.5" in finished.output
    assert [word for word in finished.output.split() if word[0].isdigit()][-5:] == ["1,600", "3", "1.0", "0", "2"]
    written = {path.name for path in tmp_path.iterdir()}
    assert written >= {
        f"breakout_player{end}" for end in (".npz", "_curve.csv", "_curve.png", "_evaluation.csv", ".gif")
    }
    other = call(*arguments, "--seed", "1")
    assert other.exit_code == 2 and "go on with the old settings" in other.output
    options = call("train", "breakout", "--help").output
    assert all(
        f"--{name}" in options for name in ("profile", "frames", "hours", "seed", "checkpoints", "games", "video")
    )
