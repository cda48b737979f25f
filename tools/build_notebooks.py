"""Builds both notebooks of every lab from its one source.

solutions/NN_topic.py (py:percent) -> solutions/NN_topic.ipynb (worked, executed, outputs kept)
                                   -> labs/NN_topic.ipynb      (exercises unsolved, no outputs)

    python tools/build_notebooks.py            build what is out of step
    python tools/build_notebooks.py 02         only lab 02
    python tools/build_notebooks.py --force    execute again although nothing changed
    python tools/build_notebooks.py --check    build nothing; exit code 1 and a list where something is out of step

The rules of the source stand in lab_source.py.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import nbformat
from lab_source import (
    ROOT,
    SourceError,
    code_cells,
    make_notebooks,
    notebook_paths,
    select_sources,
    to_text,
)
from nbformat import NotebookNode

from dlcourse.execution import LabFailedError, execute, reference_environment
from dlcourse.files import write_atomically


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labs", nargs="*", metavar="NN", help="lab numbers; all labs without it")
    parser.add_argument("--check", action="store_true", help="only say what is out of step")
    parser.add_argument("--force", action="store_true", help="execute although nothing changed")
    options = parser.parse_args(arguments)
    try:
        sources = select_sources(options.labs)
        problems = [problem for source in sources for problem in (check(source) if options.check else [])]
        if options.check:
            problems += orphans()
            print("\n".join(problems) or f"{len(sources)} labs in step with their sources")
            return 1 if problems else 0
        for source in sources:
            build(source, force=options.force)
    except (SourceError, LabFailedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def build(source: Path, force: bool = False) -> None:
    worked_path, lab_path = notebook_paths(source)
    worked, lab = make_notebooks(source)
    stored = read(worked_path) if worked_path.exists() else None
    if force or stored is None or not carry_outputs(stored, worked):
        print(f"executing {source.name} ...", flush=True)
        os.environ.update(execution_environment())
        execute(worked, folder=source.parent)
        worked.metadata["language_info"] = {"name": "python"}
    write_atomically(worked_path, to_text(worked))
    write_atomically(lab_path, to_text(lab))
    print(f"{lab_path.relative_to(ROOT)} and {worked_path.relative_to(ROOT)} are up to date")


def carry_outputs(stored: NotebookNode, made: NotebookNode) -> bool:
    """Copies the outputs of `stored` into `made` where both run the same code; False where they do not."""
    old, new = code_cells(stored), code_cells(made)
    if [cell.source for cell in old] != [cell.source for cell in new] or not is_executed(stored):
        return False
    for old_cell, new_cell in zip(old, new, strict=True):
        new_cell.outputs, new_cell.execution_count = old_cell.outputs, old_cell.execution_count
    return True


def check(source: Path) -> list[str]:
    """What is out of step between `source` and its two notebooks; an empty list when nothing is."""
    worked_path, lab_path = notebook_paths(source)
    worked, lab = make_notebooks(source)
    problems = []
    for path, made in ((worked_path, worked), (lab_path, lab)):
        if not path.exists():
            problems.append(f"{path}: missing; run `make notebooks`")
        elif difference := in_step(made, read(path)):
            problems.append(f"{path}: out of step with {source.name} ({difference}); run `make notebooks`")
    if not problems and lab_path.read_text(encoding="utf-8") != to_text(lab):
        problems.append(f"{lab_path}: edited by hand or saved with outputs; edit {source.name} instead")
    if not problems and not is_executed(read(worked_path)):
        problems.append(f"{worked_path}: not executed from top to bottom; run `make notebooks`")
    return problems


def orphans(root: Path = ROOT) -> list[str]:
    """Notebooks that no source stands behind."""
    stems = {source.stem for source in select_sources([], root)}
    notebooks = [*(root / "solutions").glob("*.ipynb"), *(root / "labs").glob("*.ipynb")]
    return [f"{path}: has no source solutions/{path.stem}.py" for path in sorted(notebooks) if path.stem not in stems]


def in_step(made: NotebookNode, stored: NotebookNode) -> str:
    """The first difference in cells or metadata, outputs apart; empty when there is none."""
    if made.metadata != stored.metadata:
        return "metadata"
    for made_cell, stored_cell in zip(made.cells, stored.cells, strict=False):
        for key in ("id", "cell_type", "source", "metadata"):
            if made_cell[key] != stored_cell[key]:
                return f"{key} of cell {made_cell['id']}"
    return "" if len(made.cells) == len(stored.cells) else "number of cells"


def is_executed(notebook: NotebookNode) -> bool:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    return counts == list(range(1, len(counts) + 1))


def execution_environment() -> dict[str, str]:
    """The variables under which references are made and compared.

    PYTEST_CURRENT_TEST keeps ipykernel from capturing C-level stderr (TensorFlow's and SDL's logs), exactly as it is
    when nbval runs the notebook; without DLCOURSE_DATA_DIR a checkout uses the shared data folder beside it.
    """
    environment = {**reference_environment(), "PYTEST_CURRENT_TEST": "1"}
    beside = ROOT.parent / "shared" / "data"
    if beside.is_dir() and "DLCOURSE_DATA_DIR" not in os.environ:
        environment["DLCOURSE_DATA_DIR"] = str(beside)
    return environment


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


if __name__ == "__main__":
    sys.exit(main())
