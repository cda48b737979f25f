"""Reads a lab's source and makes its two notebooks, both still without outputs: worked, and unsolved.

Inside a code cell, the lines from `# BEGIN SOLUTION` to `# END SOLUTION` become one `raise NotImplementedError` in the
lab; a cell with the tag `solution` is left out of the lab. The cell after an exercise is its `check("N.M", ...)`.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
CHECK = re.compile(r'\bcheck\(\s*"(\d+b?\.\d+)"')
LAB_NAME = re.compile(r"(\d\db?)_[a-z0-9_]+")
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
REQUIRED_METADATA = {"title": str, "minutes": int, "needs": str, "requires": list}


class SourceError(ValueError):
    """A lab's source breaks a rule; the message names the file and the line."""


def select_sources(numbers: list[str], root: Path = ROOT) -> list[Path]:
    sources = sorted((root / "solutions").glob("*.py"))
    for source in sources:
        if not LAB_NAME.fullmatch(source.stem):
            raise SourceError(f"{source}: a lab's source is named NN_topic.py, lower case")
    unknown = set(numbers) - {lab_number(source) for source in sources}
    if unknown:
        raise SourceError(f"no lab {', '.join(sorted(unknown))} in {root / 'solutions'}")
    return [source for source in sources if not numbers or lab_number(source) in numbers]


def lab_number(path: Path) -> str:
    return path.stem.split("_")[0]


def notebook_paths(source: Path) -> tuple[Path, Path]:
    """The worked notebook and the lab that belong to `source`."""
    root = source.parents[1]
    return root / "solutions" / f"{source.stem}.ipynb", root / "labs" / f"{source.stem}.ipynb"


def make_notebooks(source: Path) -> tuple[NotebookNode, NotebookNode]:
    """The worked notebook and the lab of `source`, both without outputs."""
    text = source.read_text(encoding="utf-8")
    check_markers(text, source)
    parsed = jupytext.reads(text, fmt="py:percent")
    metadata = lab_metadata(parsed, source)
    cells = with_generated_cells(parsed.cells, source, metadata)
    exercises = exercise_numbers(cells, source)
    assign_ids(cells, exercises, source)
    worked = [finished(cell, remove_markers(cell.source)) for cell in cells]
    lab = [
        finished(cell, replace_solutions(cell.source, exercises.get(index, "")))
        for index, cell in enumerate(cells)
        if "solution" not in tags(cell)
    ]
    return assemble(worked, metadata, f"solutions/{source.stem}"), assemble(lab, metadata, f"labs/{source.stem}")


def lab_metadata(parsed: NotebookNode, source: Path) -> dict[str, object]:
    metadata = dict(parsed.metadata.get("dlcourse", {}))
    for key, kind in REQUIRED_METADATA.items():
        if not isinstance(metadata.get(key), kind):
            raise SourceError(f"{source}: the header's jupyter.dlcourse block needs {key} ({kind.__name__})")
    return {"number": lab_number(source), "budget_seconds": 60, **metadata}


def check_markers(text: str, source: Path) -> None:
    """Raises on solution markers that are unclosed, nested, misspelt or outside a code cell."""
    opened = 0
    cell_is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# %%"):
            if opened:
                raise SourceError(f"{source}:{opened}: {BEGIN} is not closed before the cell ends in line {number}")
            cell_is_code = "[markdown]" not in line
        stripped = line.strip()
        if stripped == BEGIN:
            if opened:
                raise SourceError(f"{source}:{number}: {BEGIN} inside the solution that line {opened} opened")
            if not cell_is_code:
                raise SourceError(f"{source}:{number}: {BEGIN} in a markdown cell")
            opened = number
        elif stripped == END:
            if not opened:
                raise SourceError(f"{source}:{number}: {END} without {BEGIN}")
            opened = 0
        elif re.search(r"#\s*(begin|end)\W*solution", stripped, re.IGNORECASE):
            raise SourceError(
                f"{source}:{number}: {stripped!r} is no marker; write {BEGIN!r} or {END!r} on its own line"
            )
    if opened:
        raise SourceError(f"{source}:{opened}: {BEGIN} is never closed")


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def with_generated_cells(cells: list[NotebookNode], source: Path, metadata: dict[str, object]) -> list[NotebookNode]:
    """Puts the badge after the title, the setup before the first code cell and the footer at the end."""
    title = f"# Lab {metadata['number']}: {metadata['title']}"
    if not cells or cells[0].cell_type != "markdown" or cells[0].source.splitlines()[0] != title:
        raise SourceError(f"{source}: the first cell must be markdown and start with the line {title!r}")
    first_code = next((index for index, cell in enumerate(cells) if cell.cell_type == "code"), None)
    if first_code is None:
        raise SourceError(f"{source}: no code cell")
    before_setup = first_code
    while before_setup > 1 and cells[before_setup - 1].source.startswith("## "):
        before_setup -= 1
    with_tensorflow = "tensorflow" in metadata["requires"]
    here = "loads TensorFlow without its start-up messages" if with_tensorflow else "does nothing"
    return [
        cells[0],
        generated(new_markdown_cell(badge_text(source, metadata)), "badge"),
        *cells[1:before_setup],
        generated(new_markdown_cell(SETUP_TEXT.format(here=here)), "setup-text"),
        generated(new_code_cell(setup_code(missing_on_colab(metadata)) + load_code(metadata)), "setup"),
        *cells[before_setup:],
        generated(new_markdown_cell(footer_text(source)), "footer"),
    ]


def generated(cell: NotebookNode, role: str) -> NotebookNode:
    cell.metadata["dlcourse"] = {"generated": role}
    return cell


def project_settings() -> dict[str, str]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["dlcourse"]


def badge_text(source: Path, metadata: dict[str, object]) -> str:
    return (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({{colab_url}})\n\n"
        f"**Time:** about {metadata['minutes']} minutes · **Needs:** {metadata['needs']}"
    )


def colab_url(notebook: str) -> str:
    settings = project_settings()
    return (
        f"https://colab.research.google.com/github/{settings['repository']}/blob/{settings['branch']}/{notebook}.ipynb"
    )


SETUP_TEXT = """## Setup

On your own machine the next cell {here}; on Colab it installs the course.
TensorFlow and NumPy stay as Colab brings them."""
LOAD_TENSORFLOW = """

from dlcourse.quiet import quiet_import

_ = quiet_import("tensorflow")"""
# TensorFlow looks at the variable when it is imported; `import keras` is Keras 3 either way.
KERAS_2_FOR_TF_AGENTS = """

import importlib.util

if importlib.util.find_spec("tf_agents"):
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # TF-Agents needs Keras 2 behind tf.keras"""


def load_code(metadata: dict[str, object]) -> str:
    """What the setup cell imports: TensorFlow where the lab requires it, ready for TF-Agents where it says so."""
    if "tensorflow" not in metadata["requires"]:
        return ""
    return (KERAS_2_FOR_TF_AGENTS if metadata.get("tf_agents") else "") + LOAD_TENSORFLOW


def missing_on_colab(metadata: dict[str, object]) -> list[str]:
    """What the lab requires and Colab does not bring."""
    lines = (ROOT / "tools" / "colab_versions.txt").read_text(encoding="utf-8").splitlines()
    # TensorBoard comes with Colab, too; its version there does not matter to us.
    brought = {"tensorboard"} | {line.split("==")[0] for line in lines}
    return [name for name in metadata["requires"] if name not in brought]


def setup_code(more: list[str]) -> str:
    """The setup cell, which on Colab installs the course and these packages."""
    repository = project_settings()["repository"]
    packages = ", ".join(["course", *(f'"{name}"' for name in more)])
    return textwrap.dedent(
        f"""\
        import os

        if "COLAB_RELEASE_TAG" in os.environ:
            import importlib.metadata
            import subprocess
            import sys

            keep = ("numpy", "scipy", "scikit-learn", "pandas", "matplotlib", "tensorflow", "keras", "ipykernel")
            with open("keep.txt", "w") as file:
                file.writelines(f"{{name}}=={{importlib.metadata.version(name)}}\\n" for name in keep)
            course = os.environ.get("DLCOURSE_SOURCE", "git+https://github.com/{repository}")
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", "-c", "keep.txt", {packages}], check=True)"""
    )


def footer_text(source: Path) -> str:
    """Links to the neighbouring labs, and the licences."""
    stems = [path.stem for path in select_sources([], source.parents[1])]
    position = stems.index(source.stem)
    links = []
    if position > 0:
        links.append(f"[← Lab {stems[position - 1].split('_')[0]}]({stems[position - 1]}.ipynb)")
    if position + 1 < len(stems):
        links.append(f"[Lab {stems[position + 1].split('_')[0]} →]({stems[position + 1]}.ipynb)")
    home = f"[dlcourse](https://github.com/{project_settings()['repository']})"
    return "---\n\n" + " · ".join([*links, home, "text CC BY 4.0, code MIT"])


def exercise_numbers(cells: list[NotebookNode], source: Path) -> dict[int, str]:
    """Maps the index of each exercise cell to its number, read from the check in the cell after it."""
    numbers: dict[int, str] = {}
    for index, cell in enumerate(cells):
        if BEGIN not in cell.source or "solution" in tags(cell):
            continue
        following = cells[index + 1].source if index + 1 < len(cells) else ""
        found = CHECK.search(following)
        if not found:
            raise SourceError(
                f'{source}: the cell after the exercise {first_line(cell)!r} must hold its check("N.M", ...)'
            )
        if found[1].split(".")[0] != lab_number(source).lstrip("0"):
            raise SourceError(f"{source}: exercise {found[1]} does not belong to lab {lab_number(source)}")
        if found[1] in numbers.values():
            raise SourceError(f"{source}: exercise {found[1]} stands twice")
        numbers[index] = found[1]
    return numbers


def first_line(cell: NotebookNode) -> str:
    return cell.source.splitlines()[0]


def assign_ids(cells: list[NotebookNode], exercises: dict[int, str], source: Path) -> None:
    """Gives each cell an id that changes only when the cell itself does.

    Exercises and their checks are named after their number, generated cells after their role; any other id is a digest
    of the cell's text, so that a cell inserted above leaves it alone.
    """
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        role = cell.metadata.get("dlcourse", {}).get("generated")
        if index in exercises:
            name = "exercise-" + exercises[index].replace(".", "-")
            cell.metadata["dlcourse"] = {"exercise": exercises[index]}
        elif index - 1 in exercises:
            name = "check-" + exercises[index - 1].replace(".", "-")
        else:
            digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
            name = role or digest
        if name in seen:
            name = next(f"{name}-{count}" for count in range(2, len(cells) + 2) if f"{name}-{count}" not in seen)
        seen.add(name)
        cell["id"] = name


def remove_markers(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip() not in (BEGIN, END))


def replace_solutions(text: str, number: str) -> str:
    return "\n".join(stub_lines(text.splitlines(), number))


def stub_lines(lines: list[str], number: str) -> Iterator[str]:
    inside = False
    for line in lines:
        if line.strip() == BEGIN:
            inside = True
            yield line.replace(BEGIN, f'raise NotImplementedError("Exercise {number}")')
        elif line.strip() == END:
            inside = False
        elif not inside:
            yield line


def finished(cell: NotebookNode, text: str) -> NotebookNode:
    """A copy of `cell` with the text `text` and without what belongs to the source alone."""
    copy = nbformat.from_dict({**cell, "source": text})
    if copy.cell_type == "code":
        copy.outputs, copy.execution_count = [], None
    return copy


def assemble(cells: list[NotebookNode], metadata: dict[str, object], path: str) -> NotebookNode:
    notebook = nbformat.v4.new_notebook(
        cells=cells,
        metadata={"dlcourse": metadata, "kernelspec": KERNELSPEC, "language_info": {"name": "python"}},
    )
    for cell in notebook.cells:
        if cell["id"] == "badge":
            cell.source = cell.source.replace("{colab_url}", colab_url(path))
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def to_text(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
