"""The `dlcourse` command: a thin shell over the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from dlcourse import __version__
from dlcourse.catalog import UnknownLabError, find_lab, list_labs
from dlcourse.cli_grade import check, grade
from dlcourse.cli_train import train_app
from dlcourse.console import err, fail, out

app = typer.Typer(
    no_args_is_help=True,
    help="Labs of the deep-learning course: list, run, check and grade them, fetch their data, examine this machine.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(no_args_is_help=True, help="Data sets: what there is, where it lies, whether it is whole.")
app.add_typer(data_app, name="data")
app.add_typer(train_app, name="train")
app.command()(grade)
app.command()(check)

LabNumber = Annotated[str, typer.Argument(help="Lab number, for example 02.", metavar="NN")]
DataName = Annotated[str | None, typer.Argument(help="Data set; all of them without it.", metavar="NAME")]


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="dlcourse")


def _version(value: bool) -> None:
    if value:
        out.print(f"dlcourse {__version__}", highlight=False)
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Version.")] = False,
) -> None:
    pass


@app.command()
def labs() -> None:
    """List the labs: number, title, minutes, what they need."""
    table = Table("lab", "title", "minutes", "needs", title="Labs", title_justify="left")
    try:
        listed = list_labs()
    except FileNotFoundError as error:
        fail(str(error), code=1)
    for lab in listed:
        table.add_row(lab.number, lab.title, str(lab.minutes), ", ".join([lab.needs, *lab.requires]))
    out.print(table)


@app.command()
def run(
    lab: LabNumber,
    solution: Annotated[bool, typer.Option("--solution", help="Run the worked notebook.")] = False,
    output: Annotated[Path, typer.Option(help="Folder for the executed notebook and page.")] = Path("build"),
) -> None:
    """Run a lab from top to bottom and keep the executed notebook and an HTML page."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from dlcourse.doctor import missing_requirements
    from dlcourse.execution import LabFailedError, run_notebook

    chosen = _lab_or_fail(lab)
    if missing := missing_requirements(chosen):
        fail(f'lab {chosen.number} needs {", ".join(missing)}; pip install "dlcourse[labs]" brings them', code=1)
    notebook = chosen.worked if solution else chosen.unsolved
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(f"lab {chosen.number}", total=None)
        try:
            result = run_notebook(
                notebook,
                output,
                on_start=lambda cells: bar.update(task, total=cells),
                on_cell=lambda: bar.advance(task),
            )
        except LabFailedError as error:
            bar.stop()
            fail(str(error), code=1)
    out.print(f"\n[bold]Lab {chosen.number}: {escape(chosen.title)}[/]", highlight=False)
    for line in result.headline:
        out.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    passed = sum(" passed" in verdict for verdict in result.verdicts)
    out.print(f"\n[bold]{passed} of {len(result.verdicts)} exercises passed[/]", highlight=False)
    for verdict in result.verdicts:
        mark = "[green]✓[/]" if " passed" in verdict else "[yellow]·[/]"
        out.print(f"  {mark} {escape(verdict)}", highlight=False, soft_wrap=True)
    out.print(f"\nnotebook  {result.notebook}\npage      {result.page}", highlight=False, soft_wrap=True)


@app.command()
def doctor() -> None:
    """Examine this machine; say what to do about each problem. Exit code 1 when a lab cannot run."""
    from dlcourse.doctor import Level, examine

    colors = {Level.OK: "green", Level.NOTE: "yellow", Level.ERROR: "bold red"}
    table = Table("", "what", "found", "what to do", title="dlcourse doctor", title_justify="left")
    findings = examine()
    for finding in findings:
        level = f"[{colors[finding.level]}]{finding.level.value}[/]"
        table.add_row(level, escape(finding.subject), escape(finding.found), escape(finding.advice))
    out.print(table)
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    if errors:
        out.print(f"[bold red]{len(errors)} problems keep labs from running.[/]")
        raise typer.Exit(1)
    out.print("[green]Every lab can run on this machine.[/]")


def _lab_or_fail(number: str):
    try:
        return find_lab(number)
    except UnknownLabError as error:
        fail(str(error))
    except FileNotFoundError as error:
        fail(str(error), code=1)


@data_app.command("list")
def data_list() -> None:
    """List the data sets: size, licence, and whether they are on this machine."""
    from dlcourse.datasets import list_datasets, status

    table = Table("name", "what", "size", "licence", "here", title="Data sets", title_justify="left")
    for dataset in list_datasets():
        size = f"{dataset.size / 1e6:.1f} MB" if dataset.size else "–"
        table.add_row(dataset.name, escape(dataset.title), size, dataset.licence, status(dataset.name).summary)
    out.print(table)
    _say_where()


@data_app.command("fetch")
def data_fetch(name: DataName = None) -> None:
    """Download what is missing; whatever is already here is only checked."""
    from dlcourse.datasets import DataCorruptError, DataNotFoundError, fetch_dataset

    for dataset in _datasets_or_fail(name):
        try:
            paths = fetch_dataset(dataset.name)
        except (DataNotFoundError, DataCorruptError, OSError) as error:
            fail(str(error), code=1)
        for path in paths:
            out.print(f"{dataset.name}: {path}", highlight=False, soft_wrap=True)
        if not paths:
            out.print(f"{dataset.name}: ships with {dataset.ships_with}, nothing to fetch", highlight=False)


@data_app.command("verify")
def data_verify(name: DataName = None) -> None:
    """Compare files with their checksums. Exit code 1 when one is wrong, or a named data set is incomplete."""
    from dlcourse.datasets import verify

    bad = False
    for dataset in _datasets_or_fail(name):
        state = verify(dataset.name)
        bad |= state.state == "wrong" or (name is not None and state.state in ("missing", "partial"))
        out.print(f"{dataset.name}: {state.summary}", highlight=False)
        for file in state.files:
            out.print(f"  {file.state:8} {escape(file.name)}  {escape(file.detail)}", highlight=False, soft_wrap=True)
    _say_where()
    if bad:
        raise typer.Exit(1)


def _datasets_or_fail(name: str | None):
    from dlcourse.datasets import get_dataset, list_datasets

    if name is None:
        return list_datasets()
    try:
        return (get_dataset(name),)
    except ValueError as error:
        fail(str(error))


def _say_where() -> None:
    from dlcourse.datasets import cache_directory, data_directory

    folder = data_directory() or "not set (DLCOURSE_DATA_DIR)"
    out.print(f"data directory: {folder}\ncache: {cache_directory()}", highlight=False, soft_wrap=True)
