"""Runs a lab from top to bottom outside JupyterLab and keeps what it showed.

Needs the `labs` extra (nbclient, nbconvert), which is imported only when a lab is run.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlcourse.files import write_atomically

VERDICT = re.compile(r"^\d+b?\.\d+ (passed|not yet|not right)\b.*$", re.MULTILINE)


class LabFailedError(RuntimeError):
    """A cell of the lab raised; the message holds the cell and the error."""


def reference_environment() -> dict[str, str]:
    """Environment variables under which stored outputs are made and compared.

    One thread for TensorFlow and BLAS, since two kernels share two cores; no progress bars; no TensorFlow logs.
    """
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {**dict.fromkeys(threads, "1"), "DLCOURSE_PROGRESS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class LabRun:
    """What a run left behind.

    Attributes:
        notebook: the executed notebook.
        page: the same as one HTML page.
        headline: lines that the cells tagged `headline` printed.
        verdicts: one line an exercise, as `dlcourse.checks.check` prints it.
    """

    notebook: Path
    page: Path
    headline: tuple[str, ...]
    verdicts: tuple[str, ...]


def execute(notebook: Any, folder: Path, on_cell: Callable[[], None] = lambda: None, cell_seconds: int = 600) -> None:
    """Runs a notebook from top to bottom in a fresh kernel, in place.

    Args:
        notebook: an `nbformat` notebook; its outputs are replaced.
        folder: working directory of the kernel.
        on_cell: called before each cell.
        cell_seconds: a cell that runs longer ends the run.

    Raises:
        LabFailedError: if a cell raises or runs too long, or the kernel dies. What ran until then is in `notebook`.
        ModuleNotFoundError: if the `labs` extra is not installed.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=cell_seconds,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        on_cell_start=lambda cell, cell_index: on_cell(),
        # ipykernel warns about TCP on every start, which a reader would take for a fault of the lab.
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        # Python's own stderr ends in the cells; what is left are TensorFlow's start-up lines.
        client.execute(stderr=subprocess.DEVNULL)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise LabFailedError(f"{_where(notebook)}\n{error}") from error


def run_notebook(source: Path, folder: Path, on_start: Callable[[int], None], on_cell: Callable[[], None]) -> LabRun:
    """Executes a stored notebook and writes the result and its HTML page to `folder`.

    Args:
        source: the notebook; it is only read.
        folder: where to write; made if missing. Files appear under their name only when whole.
        on_start: called once with the number of cells.
        on_cell: called before each cell.

    Raises:
        LabFailedError: as `execute` does. The notebook up to there is kept in `folder`.
        ModuleNotFoundError: if the `labs` extra is not installed.
    """
    import nbformat

    notebook = nbformat.read(source, as_version=4)
    on_start(len(notebook.cells))
    target = folder / source.name
    try:
        execute(notebook, source.parent, on_cell)
    except LabFailedError as error:
        raise LabFailedError(f"{error}\nThe notebook up to there: {target}") from error
    finally:
        write_atomically(target, nbformat.writes(notebook))
    page = folder / f"{source.stem}.html"
    write_atomically(page, _as_html(notebook))
    return LabRun(target, page, tuple(_headline(notebook)), tuple(_verdicts(notebook)))


def _where(notebook: Any) -> str:
    executed = [cell for cell in notebook.cells if cell.get("execution_count")]
    if not executed:
        return "the kernel did not run a single cell"
    last = executed[-1]
    return f"cell [{last.execution_count}] failed: {last.source.splitlines()[0]}"


def _as_html(notebook: Any) -> str:
    from nbconvert import HTMLExporter

    return HTMLExporter().from_notebook_node(notebook)[0]


def _texts(cell: Any) -> list[str]:
    """Everything in words that a cell showed."""
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]


def _headline(notebook: Any) -> list[str]:
    chosen = [cell for cell in notebook.cells if "headline" in cell.metadata.get("tags", [])]
    return [line for cell in chosen for text in _texts(cell) for line in text.splitlines() if line.strip()]


def _verdicts(notebook: Any) -> list[str]:
    return [found[0] for cell in notebook.cells for text in _texts(cell) for found in VERDICT.finditer(text)]
