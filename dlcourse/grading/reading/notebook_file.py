"""A notebook from a stranger, read: its cells as plain text, or one sentence why not.

The JSON is counted before it is parsed, so that a small file cannot become gigabytes of lists; outputs are dropped at
once. Nothing that is read is run, opened or followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dlcourse.grading.hostile_text import visible
from dlcourse.grading.results import Note

MIB = 2**20

# Strings, whatever is in them; what is left of a document's bytes is its structure.
JSON_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
LONGEST_ID = 64


class UnreadableNotebookError(ValueError):
    """The bytes are not a notebook that can be graded; the message is one sentence for the grader and the student."""


@dataclass(frozen=True)
class ReadingLimits:
    """How much of a hand-in is read at all. The course's own notebooks are under 1 MB and 200 cells.

    Args:
        notebook_bytes: size of one notebook, outputs included.
        json_values: numbers, strings, lists and objects in it.
        cells: cells in it.
        code_bytes: code in it, as UTF-8.
        archive_bytes: size of a zip inside a hand-in; the batch itself may be as large as the disk.
        unpacked_bytes: what is unpacked for one student in all.
        ratio: how many times larger than its packed form a file may be.
        directory_bytes: size of a zip's table of contents; an entry needs about 100.
        entries: files and folders looked at for one student.
        nesting: zips in zips, or folders in folders.
        attempts: notebooks read for one student; of more, the newest.
    """

    notebook_bytes: int = 25 * MIB
    json_values: int = 1_000_000
    cells: int = 2_000
    code_bytes: int = 1_000_000
    archive_bytes: int = 100 * MIB
    unpacked_bytes: int = 300 * MIB
    ratio: int = 500
    directory_bytes: int = 8 * MIB
    entries: int = 5_000
    nesting: int = 12
    attempts: int = 50


@dataclass(frozen=True)
class Cell:
    """One cell, without its outputs.

    Args:
        id: the cell's id; empty where the notebook has none.
        source: the code; empty where the cell is no code cell.
        is_code: whether it is a code cell.
        exercise: the number that the lab wrote into the cell's metadata; empty elsewhere.
        tags: the cell's tags.
    """

    id: str
    source: str
    is_code: bool = True
    exercise: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notebook:
    """What grading reads of a notebook.

    Args:
        cells: in the notebook's order.
        lab: the lab that its metadata name; empty where they name none.
        kernel: the language or kernel that its metadata name; it is not used.
        notes: what was odd about the file.
    """

    cells: tuple[Cell, ...]
    lab: str = ""
    kernel: str = ""
    notes: tuple[Note, ...] = field(default=())


def read_notebook(data: bytes, limits: ReadingLimits | None = None) -> Notebook:
    """The notebook in these bytes.

    Args:
        data: the content of an .ipynb file, from anybody.
        limits: None takes `ReadingLimits()`.

    Raises:
        UnreadableNotebookError: whatever is wrong with them.

    Example:
        >>> cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": ["x = 1\\n", "x"], "outputs": []}
        >>> document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
        >>> read_notebook(json.dumps(document).encode()).cells[0].source
        'x = 1\\nx'
        >>> read_notebook(b"PK")
        Traceback (most recent call last):
        ...
        dlcourse.grading.reading.notebook_file.UnreadableNotebookError: the file is not JSON, as a notebook must be ...
    """
    limits = limits or ReadingLimits()
    document, repeated = _parse(data, limits)
    if not isinstance(document, dict):
        raise UnreadableNotebookError("the file is JSON but not a notebook: it holds no object")
    cells = _cells(document)
    if len(cells) > limits.cells:
        raise UnreadableNotebookError(f"the notebook has {len(cells):,} cells; at most {limits.cells:,} are read")
    read = [_cell(cell) for cell in cells]
    kept = tuple(cell for cell in read if cell is not None)
    if sum(len(cell.source.encode()) for cell in kept) > limits.code_bytes:
        raise UnreadableNotebookError(f"the notebook holds more than {limits.code_bytes:,} bytes of code")
    notes = []
    if repeated:
        notes.append(
            Note("suspicious", "the file says the same thing twice with different content (repeated JSON keys)")
        )
    if len(kept) < len(read):
        notes.append(Note("suspicious", f"{len(read) - len(kept)} cells are no cells at all and were left out"))
    metadata = _mapping(document.get("metadata"))
    kernel = _text(_mapping(metadata.get("kernelspec")).get("language")) or _text(
        _mapping(metadata.get("language_info")).get("name")
    )
    if kernel and kernel.lower() != "python":
        notes.append(Note("suspicious", f"the notebook asks for the kernel {shown(kernel)!r}; it was run as Python"))
    lab = _text(_mapping(metadata.get("dlcourse")).get("number"))
    return Notebook(kept, lab, kernel, tuple(notes))


def shown(text: str, longest: int = 60) -> str:
    """A stranger's words on one printable line.

    Example:
        >>> shown("a\\n\\x1b[2Jb" + 80 * "c", longest=12)
        'a \\\\x1b[2J...'
    """
    line = " ".join(visible(text, 4 * longest).split())
    return line if len(line) <= longest else line[: longest - 3] + "..."


def _parse(data: bytes, limits: ReadingLimits) -> tuple[Any, bool]:
    if len(data) > limits.notebook_bytes:
        size = f"{limits.notebook_bytes / MIB:.0f} MiB"
        raise UnreadableNotebookError(f"the notebook is larger than {size}; clear its outputs and hand it in again")
    if not data.strip(b"\0 \r\n\t"):
        raise UnreadableNotebookError("the file is empty")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableNotebookError("the file is not UTF-8, as a notebook must be") from None
    structure = JSON_STRING.sub(b"", data)
    if structure.count(b",") + structure.count(b"[") + structure.count(b"{") > limits.json_values:
        raise UnreadableNotebookError(f"the file holds more than {limits.json_values:,} values")
    repeated = False

    def keep_last(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        found = dict(pairs)
        repeated = repeated or len(found) < len(pairs)
        return found

    try:
        return json.loads(text, object_pairs_hook=keep_last), repeated
    except json.JSONDecodeError as error:
        raise UnreadableNotebookError(
            f"the file is not JSON, as a notebook must be (line {error.lineno}, column {error.colno})"
        ) from None
    except RecursionError:
        raise UnreadableNotebookError("the file's JSON is nested too deeply for a notebook") from None
    except (ValueError, OverflowError):  # a whole number of more than 4,300 digits
        raise UnreadableNotebookError("the file's JSON holds a number with thousands of digits") from None


def _cells(document: dict[str, Any]) -> list[Any]:
    version = document.get("nbformat")
    if type(version) is not int:
        raise UnreadableNotebookError("the file is JSON but not a notebook: it names no nbformat")
    if version == 4:
        cells = document.get("cells")
    elif version == 3:
        sheets = document.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        cells = [cell for sheet in sheets for cell in _listed(_mapping(sheet).get("cells"))]
    else:
        raise UnreadableNotebookError(
            f"the notebook has format {shown(_number(version))}; 4 is read, and 3 is brought up to it"
        )
    if not isinstance(cells, list):
        raise UnreadableNotebookError("the file is JSON but not a notebook: it has no list of cells")
    return cells


def _cell(cell: Any) -> Cell | None:
    """The cell, whatever of it makes sense; None where nothing does."""
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        return None
    metadata = _mapping(cell.get("metadata"))
    is_code = cell["cell_type"] == "code"
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    # Colab writes the id that it found into the metadata.
    name = _text(cell.get("id")) or _text(metadata.get("id"))
    return Cell(
        id=name if len(name) <= LONGEST_ID else "",
        source=_encodable(source) if is_code and isinstance(source, str) else "",
        is_code=is_code,
        exercise=_text(_mapping(metadata.get("dlcourse")).get("exercise"))[:LONGEST_ID],
        tags=tuple(tag[:LONGEST_ID] for tag in _listed(metadata.get("tags"))[:50] if isinstance(tag, str)),
    )


def _encodable(source: str) -> str:
    """The code with what no file could hold, halves of a character, replaced; Python would not run it either."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    return source.encode("utf-8", "replace").decode("utf-8")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return _encodable(value) if isinstance(value, str) else ""


def _number(value: int) -> str:
    return str(value) if abs(value) < 10**9 else "of a huge number"
