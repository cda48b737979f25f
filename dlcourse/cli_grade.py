"""`dlcourse grade` for graders, `dlcourse check` for participants: one verdict, on hidden and on public inputs."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from dlcourse import __version__
from dlcourse.catalog import Lab, UnknownLabError, find_lab
from dlcourse.console import err, fail, out

if TYPE_CHECKING:
    from dlcourse.grading.results import ExerciseResult, HandInResult

MIB = 2**20
MARKS = {"full": "[green]✓[/]", "missing": "[yellow]·[/]"}


def grade(
    submissions: Annotated[
        list[Path],
        typer.Argument(help="Folder, zip (Moodle's or a plain one), notebooks.", metavar="SUBMISSIONS"),
    ],
    lab: Annotated[str, typer.Option(help="Lab number, for example 02.", metavar="NN")],
    report: Annotated[Path, typer.Option("--out", help="Folder for the report.", metavar="REPORT")],
    jobs: Annotated[int | None, typer.Option(min=1, help="Hand-ins at a time; as many as cores without it.")] = None,
    sandbox: Annotated[
        str | None, typer.Option(help="bubblewrap, podman, docker or namespaces; the best that works without it.")
    ] = None,
    image: Annotated[str | None, typer.Option(help="Container image for podman and docker.")] = None,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Run without isolation; the report says so.")] = False,
    partial_credit: Annotated[
        float, typer.Option(min=0, max=1, help="Partial answers get this times their share of input classes.")
    ] = 0.5,
    seconds: Annotated[float, typer.Option(min=1, help="Wall time that a whole hand-in may take.")] = 300.0,
    memory: Annotated[int, typer.Option(min=128, help="MiB that a hand-in may use.")] = 2048,
) -> None:
    """Grade what participants handed in: each in a sandbox, judged outside it on inputs that nobody has seen.

    Writes grades.csv, results.json, report.html and feedback/ to REPORT. A run that was stopped goes on where it was.

    Exit code 0: all graded. 1: a hand-in could not be graded (the report says why). 2: nothing was started.
    """
    from dlcourse.checks.catalog import exercises
    from dlcourse.datasets import data_directory
    from dlcourse.grading.grade import Plan, grade_batch
    from dlcourse.grading.reading.handins import find_handins
    from dlcourse.grading.reading.lab_cells import TrustedLab
    from dlcourse.grading.reporting.reports import ReportMeta, write_reports
    from dlcourse.grading.sandboxes.choice import choose_isolation
    from dlcourse.grading.sandboxes.isolation import NoIsolationError
    from dlcourse.grading.sandboxes.limits import Limits
    from dlcourse.grading.verdicts import Judging

    chosen = _lab_or_fail(lab)
    try:
        judged_by = exercises(chosen.number)
        isolation = choose_isolation(sandbox, unsafe, image)
        handins = find_handins(submissions, TrustedLab.read(chosen.unsolved))
        report.mkdir(parents=True, exist_ok=True)
    except (NoIsolationError, OSError, ValueError) as error:
        fail(str(error))
    if not isolation.safe:
        err.print("[bold yellow]warning:[/] no isolation: hand-ins can do what you can do on this machine")
    plan = Plan(
        lab_path=chosen.unsolved,
        isolation=isolation,
        judging=Judging(partial_credit=partial_credit, seconds=seconds),
        limits=Limits(memory=memory * MIB, seconds=seconds + 10, cpu_seconds=seconds + 10),
        jobs=jobs,
        data=data_directory(),
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("hand-ins"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    kept_before = 0
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(f"lab {chosen.number}", total=len(handins))

        def on_result(result: HandInResult, kept: bool) -> None:
            nonlocal kept_before
            kept_before += kept
            bar.advance(task)

        try:
            results = grade_batch(handins, plan, report, on_result)
        except KeyboardInterrupt:
            bar.stop()
            fail("stopped; what is finished is kept, the same command goes on from there", code=1)
    meta = ReportMeta(
        lab=chosen.number,
        title=chosen.title,
        exercises=tuple((exercise.number, exercise.title) for exercise in judged_by),
        isolation=isolation.name,
        version=__version__,
        made=datetime.now(UTC),
        partial_credit=partial_credit,
    )
    paths = write_reports(results, report, meta)
    if kept_before:
        out.print(f"{kept_before} of {len(results)} hand-ins had been graded before and are unchanged")
    failed = [result for result in results if result.error]
    out.print(f"{len(results) - len(failed)} of {len(results)} hand-ins graded, isolation: {isolation.name}")
    for path in (paths.page, paths.grades, paths.results):
        out.print(f"  {path}", highlight=False, soft_wrap=True, markup=False)
    _say_failed(failed)
    if failed:
        raise typer.Exit(1)


def check(
    notebook: Annotated[Path, typer.Argument(help="Your notebook.", metavar="NOTEBOOK")],
    lab: Annotated[str | None, typer.Option(help="Lab number; the notebook's own without it.", metavar="NN")] = None,
) -> None:
    """Check your notebook before you hand it in: the grader's verdict on the public inputs.

    Runs the exercises' code in a process of its own on your machine, without a sandbox: it is your code.

    Exit code 0: all public checks passed. 1: not yet. 2: it could not be checked.
    """
    from dlcourse.datasets import data_directory
    from dlcourse.grading.library import build_library
    from dlcourse.grading.reading.lab_cells import TrustedLab
    from dlcourse.grading.reading.notebook_file import UnreadableNotebookError, read_notebook
    from dlcourse.grading.reading.preparing import prepare
    from dlcourse.grading.sandboxes.box import SandboxError
    from dlcourse.grading.sandboxes.own import OwnProcess
    from dlcourse.grading.verdicts import Judging, judge_programme

    try:
        read = read_notebook(notebook.read_bytes())
    except (OSError, UnreadableNotebookError) as error:
        fail(f"{notebook}: {error}")
    if lab is None and not read.lab:
        fail(f"{notebook} does not say which lab it is; name it: dlcourse check {notebook} --lab 02")
    chosen = _lab_or_fail(lab or read.lab)
    trusted = TrustedLab.read(chosen.unsolved)
    programme = prepare(read, trusted)
    if programme.error:
        fail(f"{notebook}: {programme.error}")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar, tempfile.TemporaryDirectory() as folder:
        task = bar.add_task(f"lab {chosen.number}", total=len(trusted.exercises))
        library = build_library(chosen.number, Path(folder))
        try:
            results, _ = judge_programme(
                programme,
                trusted,
                lambda: OwnProcess(library, data_directory()),
                lambda exercise: [],
                Judging(draws=0),
                lambda result: bar.advance(task),
            )
        except SandboxError as error:
            bar.stop()
            fail(str(error))
    _say_verdicts(results)
    if any(result.status != "full" for result in results):
        raise typer.Exit(1)


def _say_verdicts(results: tuple[ExerciseResult, ...]) -> None:
    from dlcourse.grading.hostile_text import visible

    for result in results:
        words = f"{result.number} {result.status}: {result.title}"
        mark = MARKS.get(result.status, "[red]✗[/]")
        out.print(f"{mark} {escape(words)}", highlight=False, soft_wrap=True)
        if result.message and result.status != "full":
            for line in visible(result.message).splitlines():
                out.print(f"    {line}", highlight=False, soft_wrap=True, markup=False)
    passed = sum(result.status == "full" for result in results)
    if passed == len(results):
        out.print("\n[bold green]all public checks passed[/]")
    else:
        left = ", ".join(result.number for result in results if result.status != "full")
        out.print(f"\n[bold]{passed} of {len(results)} public checks passed; not yet: {left}[/]", highlight=False)


def _say_failed(failed: list[HandInResult]) -> None:
    from dlcourse.grading.hostile_text import visible

    if not failed:
        return
    table = Table("student", "why it could not be graded", title="Not graded", title_justify="left")
    for result in failed:
        table.add_row(escape(visible(result.student)), escape(visible(result.error)))
    out.print(table)


def _lab_or_fail(number: str) -> Lab:
    try:
        return find_lab(number)
    except (UnknownLabError, FileNotFoundError) as error:
        fail(str(error))
