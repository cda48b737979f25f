"""Whose notebook is which: hand-ins found in a folder, in Moodle's zip or a plain one, or given one by one.

Only the path that the grader (or Moodle) made tells whose a file is: the first folder, zip or notebook below the
submissions. Whatever a student puts inside, folders named after somebody else included, stays that student's.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dlcourse.grading.reading.archives import Budget, UnreadableArchiveError
from dlcourse.grading.reading.entries import DiskEntry, Entry, UnreadableEntryError, named, zip_folder
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reading.notebook_file import (
    Notebook,
    ReadingLimits,
    UnreadableNotebookError,
    read_notebook,
    shown,
)
from dlcourse.grading.results import Note

# "Anna Rossi_12345_assignsubmission_file_", as a folder or in front of the file's name.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d{1,20})_assignsubmission_[a-z]+(?:_(?P<rest>.*))?", re.DOTALL)
IGNORED = frozenset({"__MACOSX", "__pycache__", "node_modules"})
SHOWN_FILES = 5
MOST_NOTES = 50


@dataclass(frozen=True)
class HandIn:
    """What one student handed in.

    Args:
        key: whose it is, the same in each run: a name, with Moodle's number where there is one.
        student: whose it is, to be shown; no two hand-ins of a batch have the same.
        source: where the notebook lies that counts, relative to the submissions; in a zip "batch.zip!/path".
        notebook: its cells; None where nothing can be graded.
        error: why nothing can be graded, one sentence; empty where it can.
        digest: SHA-256 of the notebook's bytes; empty where nothing was read.
        attempts: all notebooks of this lab, oldest first, `source` among them.
        notes: what was seen on the way.
    """

    key: str
    student: str
    source: str
    notebook: Notebook | None = None
    error: str = ""
    digest: str = ""
    attempts: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def find_handins(
    submissions: Path | Sequence[Path], lab: TrustedLab, limits: ReadingLimits | None = None
) -> list[HandIn]:
    """The hand-ins of a batch, one a student, sorted by name.

    Args:
        submissions: a folder, a zip, a notebook, or several of these.
        lab: the lab that is graded; notebooks of other labs are passed over.
        limits: None takes `ReadingLimits()`.

    Returns:
        Also those that cannot be read, each with its error.

    Raises:
        FileNotFoundError: if there is no such path.
        ValueError: if there is nothing to grade, or the zip that was given cannot be read.
    """
    paths = [submissions] if isinstance(submissions, Path) else list(submissions)
    limits = limits or ReadingLimits()
    students: dict[str, _Student] = {}
    with contextlib.ExitStack() as open_files:
        for path in paths:
            for name, number, entry in _owned(path, lab, limits, open_files):
                key = f"{name}_{number}" if number else name
                students.setdefault(key, _Student(key, name, number, Budget(limits))).entries.append(entry)
        names = Counter(student.name for student in students.values())
        found = [student.hand_in(lab, names[student.name] > 1) for student in students.values()]
    if not found:
        raise ValueError(f"there is no hand-in in {', '.join(map(str, paths))}: no folder, zip or .ipynb")
    return sorted(found, key=lambda handin: (handin.student.casefold(), handin.key))


@dataclass
class _Student:
    key: str
    name: str
    number: str
    budget: Budget
    entries: list[Entry] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def hand_in(self, lab: TrustedLab, shared_name: bool) -> HandIn:
        student = shown(self.name, 80) + (f" ({self.number})" if shared_name and self.number else "")
        attempts = sorted(self._notebooks(self.entries), key=lambda entry: (entry.modified, entry.path))
        if len(attempts) > self.budget.limits.attempts:
            self._note("unreadable", f"of {len(attempts)} notebooks only the newest were looked at")
            attempts = attempts[-self.budget.limits.attempts :]
        chosen, digest, errors, of_lab, elsewhere = None, "", [], [], []
        source = None
        for entry in reversed(attempts):
            try:
                data = entry.read(self.budget.limits.notebook_bytes, self.budget)
                notebook = read_notebook(data, self.budget.limits)
            except (UnreadableEntryError, UnreadableNotebookError) as error:
                errors.append((entry, str(error)))
                of_lab.append(entry)
                continue
            except MemoryError:
                errors.append((entry, "it does not fit into memory"))
                of_lab.append(entry)
                continue
            if not _is_of(notebook, lab):
                elsewhere.append(entry)
                continue
            of_lab.append(entry)
            if chosen is None:
                chosen, source, digest = notebook, entry, hashlib.sha256(data).hexdigest()
        listed = tuple(named(entry) for entry in reversed(of_lab))
        if chosen is None or source is None:
            return HandIn(
                self.key,
                student,
                named(errors[0][0] if errors else self.entries[0]),
                error=self._why_not(errors, elsewhere, lab),
                attempts=listed,
                notes=tuple(self.notes),
            )
        for entry, error in errors:
            self._note("unreadable", f"{named(entry)}: {error}")
        for entry in reversed(of_lab):
            if entry is not source and entry not in [failed for failed, _ in errors]:
                self._note("older attempt", f"{named(entry)} is older and was not graded")
        if source.linked:
            self._note("suspicious", f"{named(source)} is also a file of another name somewhere else (a hard link)")
        notes = (*self.notes, *chosen.notes)
        return HandIn(self.key, student, named(source), chosen, "", digest, listed, notes)

    def _notebooks(self, entries: Iterable[Entry], depth: int = 0) -> Iterator[Entry]:
        for entry in entries:
            if entry.problem and (entry.is_notebook or entry.is_zip or "link" in entry.problem):
                self._note("unreadable", f"{named(entry)}: {entry.problem}")
            elif entry.problem:
                self.others.append(entry.name)
            elif entry.is_notebook:
                yield entry
            elif not entry.is_folder and not entry.is_zip:
                self.others.append(entry.name)
            elif depth >= self.budget.limits.nesting:
                self._note("unreadable", f"{named(entry)}: folders and zips are nested too deeply")
            else:
                try:
                    folder = entry.open_zip(self.budget) if entry.is_zip else entry
                    inside = _visible(folder.children(self.budget))
                except (UnreadableEntryError, UnreadableArchiveError) as error:
                    self._note("unreadable", f"{named(entry)}: {error}")
                    continue
                yield from self._notebooks(inside, depth + 1)

    def _why_not(self, errors: list[tuple[Entry, str]], elsewhere: list[Entry], lab: TrustedLab) -> str:
        if errors:
            return f"{named(errors[0][0])}: {errors[0][1]}"
        if elsewhere:
            return f"{', '.join(map(named, elsewhere[:SHOWN_FILES]))}: not a notebook of lab {lab.number}"
        unreadable = [note.text for note in self.notes if note.kind == "unreadable"]
        if unreadable:
            return unreadable[0]
        files = ", ".join(shown(name) for name in self.others[:SHOWN_FILES])
        return f"there is no notebook (.ipynb) among {files}" if files else "there is no file in it"

    def _note(self, kind: str, text: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(Note(kind, text))


def _owned(
    path: Path, lab: TrustedLab, limits: ReadingLimits, open_files: contextlib.ExitStack
) -> Iterator[tuple[str, str, Entry]]:
    """Name, Moodle's number and file or folder of each student in one of the paths that the grader gave."""
    path = path.resolve(strict=True)  # the grader's own links may be followed
    entry: Entry = DiskEntry(path, path.name)
    if entry.is_folder:
        entry = DiskEntry(path, "")
        entry.name = path.name
        entry = _batch(_only_zip(entry, limits, open_files) or entry)
    elif entry.is_zip:
        entry = _batch(_batch_zip(entry, limits, open_files))
    elif not entry.is_notebook:
        raise ValueError(f"{path} is neither a folder, nor a zip, nor a notebook")
    try:
        tops = _visible(entry.children()) if entry.is_folder else [entry]
    except UnreadableEntryError as error:
        raise ValueError(f"{path}: {error}") from None
    for top in tops:
        name, number = _owner(top, lab, entry)
        if top.is_folder or top.is_zip or top.is_notebook or number:
            yield unicodedata.normalize("NFC", name), number, top


def _only_zip(folder: Entry, limits: ReadingLimits, open_files: contextlib.ExitStack) -> Entry | None:
    """The zip of a whole batch that lies alone in the folder; None where there is more, or it is one student's."""
    try:
        inside = _visible(folder.children())
        if len(inside) != 1 or not inside[0].is_zip or MOODLE.fullmatch(inside[0].name):
            return None
        opened = _batch_zip(inside[0], limits, open_files)
        tops = _visible(_batch(opened).children())
    except ValueError:
        return None
    many = any(MOODLE.fullmatch(top.name) for top in tops) or sum(top.is_folder for top in tops) >= 2
    return opened if many else None


def _batch_zip(entry: Entry, limits: ReadingLimits, open_files: contextlib.ExitStack) -> Entry:
    """The zip that the grader gave, which may be larger than memory: it stays open and is read bit by bit."""
    try:
        file = open_files.enter_context(entry.open()) if isinstance(entry, DiskEntry) else None
        if file is None:
            return entry.open_zip(Budget(limits))
        return zip_folder(file, entry, Budget(limits), own=True)
    except UnreadableEntryError as error:
        raise ValueError(f"{named(entry)}: {error}") from None


def _batch(root: Entry) -> Entry:
    """The folder whose entries are the students': below a folder that only wraps it, as zips of folders have one."""
    for _ in range(3):
        try:
            inside = _visible(root.children())
            if len(inside) != 1 or not inside[0].is_folder or MOODLE.fullmatch(inside[0].name):
                return root
            below = _visible(inside[0].children())
        except UnreadableEntryError:
            return root
        wraps = sum(entry.is_folder or entry.is_zip for entry in below) >= 2
        if not wraps and (inside[0].name != root.name or isinstance(root, DiskEntry)):
            return root
        root = inside[0]
    return root


def _owner(top: Entry, lab: TrustedLab, root: Entry) -> tuple[str, str]:
    moodle = MOODLE.fullmatch(top.name)
    if moodle:
        return moodle["name"], moodle["id"]
    if top.is_folder or not top.is_notebook:
        return top.stem, ""
    # "02_multilayer_perceptron_anna.ipynb", "anna-lab02.ipynb", "anna.ipynb"
    title = rf"{re.escape(lab.stem)}(?:\s*\(\d+\))?|(?<![a-z0-9])lab[\s_-]*0?{lab.number.lstrip('0')}(?![0-9a-z])"
    without = re.sub(title, "", top.stem, flags=re.IGNORECASE)
    name = without.strip(" _-.,")
    name = "" if name in (lab.number, lab.number.lstrip("0")) else name
    return name or (root.name if root is not top and root.name else top.stem), ""


def _visible(entries: Iterable[Entry]) -> list[Entry]:
    """Without hidden files, and the copies that Jupyter and macOS make."""
    return [entry for entry in entries if not entry.name.startswith(".") and entry.name not in IGNORED]


def _is_of(notebook: Notebook, lab: TrustedLab) -> bool:
    if notebook.lab == lab.number:
        return True
    ids = {exercise.cell for exercise in lab.exercises}
    if any(cell.id in ids or cell.exercise in lab.by_number for cell in notebook.cells):
        return True
    functions = "|".join(re.escape(exercise.function) for exercise in lab.exercises)
    definition = re.compile(rf"^(?:async )?def (?:{functions})\b", re.MULTILINE)
    return not notebook.lab and any(definition.search(cell.source) for cell in notebook.cells)
