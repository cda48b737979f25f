"""`dlcourse train`: the trainings that are too long for a notebook. Each goes on where it was stopped.

The trainers need TensorFlow and are loaded when a command is called: the command line itself starts without it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from dlcourse.console import fail
from dlcourse.console import out as console

train_app = typer.Typer(no_args_is_help=True, help="Long trainings: resumable, with their result written to files.")

Steps = Annotated[int | None, typer.Option(min=1, help="Training steps; the trainer's own number without it.")]
Minutes = Annotated[float | None, typer.Option(min=0, help="Stop after so many minutes; call again to go on.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")]
Checkpoints = Annotated[Path | None, typer.Option(help="Folder to go on from; OUT/checkpoints without it.")]


@train_app.command()
def weather(
    steps: Steps = None,
    minutes: Minutes = None,
    seed: Seed = 0,
    checkpoints: Checkpoints = None,
    out: Annotated[Path, typer.Option(help="Folder for weights, curve and result.")] = Path("build/weather"),
    data: Annotated[Path | None, typer.Option(help="A file of the Jena station instead of the one of 2020.")] = None,
    check_every: Annotated[int, typer.Option(min=1, help="Steps between two checkpoints.")] = 64,
    horizon: Annotated[
        int, typer.Option(min=1, help="Longest horizon; 720 as published, less for a short file.")
    ] = 720,
) -> None:
    """Train the forecaster of the published weather benchmark and score it on the test part.

    Writes weather_lstm.npz, weather_lstm_curve.csv and weather_lstm_result.csv. A call that was interrupted, by kill -9
    too, goes on from its last checkpoint when it is repeated.
    """
    prepared = _weather_data(data)
    training = _trainer("dlcourse.sequences.long_horizon_training")
    network = importlib.import_module("dlcourse.sequences.segment_forecaster")
    try:
        settings = training.TrainingSettings(
            seed=seed, check_every=check_every, **({} if steps is None else {"steps": steps})
        )
        sizes = network.ForecasterSettings(horizon=horizon)
        trained = training.train_forecaster(
            prepared,
            settings,
            sizes,
            checkpoints or out / "checkpoints",
            minutes,
            on_check=lambda row: console.print(
                f"step {row['step']:5d}  validation MSE {row['validation_MSE']:.4f}  "
                f"MAE {row['validation_MAE']:.4f}  {row['seconds']:.0f} processor seconds",
                highlight=False,
                soft_wrap=True,
            ),
        )
    except ValueError as error:
        fail(str(error))
    except FloatingPointError as error:
        fail(str(error), code=1)
    if not trained.finished:
        console.print(f"stopped after {minutes:g} minutes; the same command goes on from here", highlight=False)
        return
    result = training.score_and_write(trained, prepared, out)
    _print_weather(result)
    console.print(f"written to {out}", highlight=False, soft_wrap=True)


def _weather_data(path: Path | None) -> Any:
    _trainer("pandas")
    from dlcourse.datasets import DataCorruptError, DataNotFoundError
    from dlcourse.datasets.weather import load_jena

    try:
        table = load_jena("2020", path, repair=False).table
        return importlib.import_module("dlcourse.sequences.long_horizon").prepare_long_horizon(table)
    except (DataNotFoundError, DataCorruptError, OSError, ValueError) as error:
        fail(str(error), code=1)


def _trainer(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        fail(f'training needs {error.name}; pip install "dlcourse[labs]" brings it', code=1)


def _print_weather(result: Any) -> None:
    table = Table("horizon", "windows", "MSE", "MAE", title="Test part, standardised units", title_justify="left")
    for horizon, row in result.iterrows():
        table.add_row(str(horizon), f"{row['windows']:.0f}", f"{row['MSE']:.4f}", f"{row['MAE']:.4f}")
    console.print(table)
