"""`dlcourse train`: the trainings that are too long for a notebook. Each goes on where it was stopped.

The trainers need TensorFlow and are loaded when a command is called: the command line itself starts without it.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from dlcourse.console import fail
from dlcourse.console import out as console
from dlcourse.quiet import quiet_import

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
    network = _trainer("dlcourse.sequences.segment_forecaster")
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


class Economy(StrEnum):
    """The economies that `dlcourse train deqn` knows."""

    analytic = "analytic"
    benchmark = "benchmark"
    two_asset = "two-asset"


class Cluster(StrEnum):
    """Where `deqn` looks for the other workers."""

    auto = "auto"
    none = "none"
    tf_config = "tf-config"
    slurm = "slurm"


@train_app.command()
def deqn(
    model: Annotated[Economy, typer.Option(help="A closed form, the lecture's benchmark, or capital and a bond.")],
    cohorts: Annotated[int | None, typer.Option(min=2, help="Generations; 6, 60 and 56 without it.")] = None,
    borrowing_limit: Annotated[float | None, typer.Option(max=0, help="benchmark: least savings; 0.")] = None,
    adjustment_cost: Annotated[float | None, typer.Option(help="two-asset: zeta; 0.5.")] = None,
    risk_aversion: Annotated[float | None, typer.Option(help="two-asset: gamma; 2.")] = None,
    collateral: Annotated[float | None, typer.Option(help="two-asset: capital behind a bond; 1.1236.")] = None,
    steps: Steps = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Train for so long instead of a number of steps.")
    ] = None,
    seed: Seed = 0,
    checkpoints: Checkpoints = None,
    out: Annotated[Path, typer.Option(help="Folder for weights, curve and errors.")] = Path("build/deqn"),
    paths: Annotated[int, typer.Option(min=1, help="Economies simulated side by side, by all workers.")] = 128,
    cluster: Annotated[Cluster, typer.Option(help="Who trains too; auto: as TF_CONFIG or srun says.")] = Cluster.auto,
) -> None:
    """Solve an economy of overlapping generations with a deep equilibrium net, and check the solution in float64.

    Writes NAME.npz, NAME_curve.csv, NAME_errors.csv and NAME_economy.csv, NAME being deqn_analytic, deqn_benchmark with
    its limit or deqn_two_asset with what was chosen. A call that was interrupted, by kill -9 too, goes on from its last
    checkpoint when it is repeated. Several processes share the work when they are started with TF_CONFIG or srun
    (docs/cluster.md); the first one writes the files.
    """
    report = _trainer("dlcourse.economics.equilibrium_report")
    training = _trainer("dlcourse.economics.equilibrium_training")
    options = {
        "borrowing_limit": borrowing_limit,
        "adjustment_cost": adjustment_cost,
        "risk_aversion": risk_aversion,
        "collateral": collateral,
    }
    name = report.name(model.value, cohorts, **options)
    try:
        economy = report.economy(model.value, cohorts, **options)
        workers = _trainer("dlcourse.economics.multi_worker").join(cluster.value)
        train = training.train
        if workers is not None:
            train = partial(_trainer("dlcourse.economics.multi_worker_training").train_on_workers, workers=workers)
        net = report.network(economy, seed)
        trained = train(
            net,
            steps=30_000 if steps is None and minutes is None else steps,
            minutes=minutes,
            settings=training.TrainingSettings.of(net, paths=paths, seed=seed),
            checkpoints=checkpoints or out / "checkpoints" / name,
        )
        if workers is not None and not workers.chief:
            return
        found = report.score_and_write(net, trained, out, name)
    except ValueError as error:
        fail(str(error))
    except (ArithmeticError, ConnectionError) as error:
        fail(str(error), code=1)
    columns = found.errors.columns
    table = Table("error in %", *columns, title=f"{trained.steps:,} steps, float64 check", title_justify="left")
    for metric, row in found.errors.iterrows():
        table.add_row(str(metric), *(f"{number:.4f}" for number in row))
    console.print(table)
    console.print(", ".join(f"{what} {value:.4g}" for what, value in found.economy.items()), highlight=False)
    console.print(f"written to {out}", highlight=False, soft_wrap=True)


class BreakoutProfile(StrEnum):
    """The ways in which `dlcourse train breakout` trains."""

    fast = "fast"
    nature = "nature"


@train_app.command()
def breakout(
    profile: Annotated[
        BreakoutProfile, typer.Option(help="The course's own way, or that of the Nature paper.")
    ] = BreakoutProfile.fast,
    frames: Annotated[int | None, typer.Option(min=4, help="Frames of the game; the profile's without it.")] = None,
    hours: Annotated[float | None, typer.Option(min=0, help="Stop after so many hours; call again to go on.")] = None,
    seed: Seed = 0,
    checkpoints: Checkpoints = None,
    out: Annotated[Path, typer.Option(help="Folder for player, curve, scores and video.")] = Path("build/breakout"),
    games: Annotated[int, typer.Option(min=1, help="Games of the final score.")] = 30,
    video: Annotated[bool, typer.Option(help="Write the first minute of a game as a GIF file.")] = True,
) -> None:
    """Train the Atari player by DQN and score it from no-op starts with 5 % random actions.

    Writes breakout_player.npz, _curve.csv and _curve.png, _evaluation.csv and .gif of the same name. A
    call that was interrupted, by kill -9 too, goes on from its last checkpoint when it is repeated.
    """
    trainer = _trainer("dlcourse.reinforcement.breakout")
    frames = frames or trainer.PROFILES[profile.value].frames
    try:
        trained = trainer.train_breakout(
            out, profile.value, frames=frames, hours=hours, seed=seed, checkpoints=checkpoints, report=_print_breakout
        )
    except ValueError as error:
        fail(str(error))
    except ArithmeticError as error:
        fail(str(error), code=1)
    done = trained.steps * trainer.FRAMES_PER_STEP
    if trained.steps < frames // trainer.FRAMES_PER_STEP:
        console.print(
            f"stopped after {done:,} of {frames:,} frames; the same command goes on from here", highlight=False
        )
    player = trainer.load_player(out / f"{trainer.NAME}.npz")
    scores = trainer.score_and_write(player, out, games)
    if video:
        trainer.record_game(player, seed=seed).save(out / f"{trainer.NAME}.gif")
    table = Table("frames", "games", "mean score", "lowest", "highest", title="Breakout", title_justify="left")
    table.add_row(f"{done:,}", f"{games}", f"{scores.mean():.1f}", f"{scores.min():.0f}", f"{scores.max():.0f}")
    console.print(table)
    console.print(f"written to {out}", highlight=False, soft_wrap=True)


def _print_breakout(row: dict[str, float]) -> None:
    console.print(
        f"step {row['step']:,}  score {row['evaluation_return']:.1f}  in training {row['training_return']:.1f}  "
        f"{row['steps_per_second']:.0f} steps/s",
        highlight=False,
        soft_wrap=True,
    )


def _weather_data(path: Path | None) -> Any:
    _trainer("pandas")
    from dlcourse.datasets import DataCorruptError, DataNotFoundError
    from dlcourse.datasets.weather import load_jena

    try:
        table = load_jena("2020", path, repair=False).table
        return _trainer("dlcourse.sequences.long_horizon").prepare_long_horizon(table)
    except (DataNotFoundError, DataCorruptError, OSError, ValueError) as error:
        fail(str(error), code=1)


def _trainer(module: str) -> Any:
    try:
        return quiet_import(module)
    except ModuleNotFoundError as error:
        fail(f'training needs {error.name}; pip install "dlcourse[labs]" brings it', code=1)


def _print_weather(result: Any) -> None:
    table = Table("horizon", "windows", "MSE", "MAE", title="Test part, standardised units", title_justify="left")
    for horizon, row in result.iterrows():
        table.add_row(str(horizon), f"{row['windows']:.0f}", f"{row['MSE']:.4f}", f"{row['MAE']:.4f}")
    console.print(table)
