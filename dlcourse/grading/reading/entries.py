"""Folders, files and zips behind one face, so that whose a notebook is can be told without asking where it lies.

Links, pipes and devices are seen and named, but never opened or followed.
"""

from __future__ import annotations

import io
import os
import stat
import time
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from dlcourse.grading.reading.archives import (
    Budget,
    Member,
    UnreadableArchiveError,
    members,
    open_archive,
    read_member,
)
from dlcourse.grading.reading.notebook_file import MIB, shown

NOTEBOOK_SUFFIXES = (".ipynb", ".ipynb.txt", ".ipynb.json")  # browsers add the second
OPEN_NO_LINKS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class UnreadableEntryError(ValueError):
    """A file or folder cannot be read; the message is one sentence."""


class Entry(ABC):
    """A file or folder of somebody's hand-in, on the disk or in a zip.

    Args:
        path: where it lies, for people: "batch.zip!/anna/02.ipynb".
        name: its own name.
        is_folder: whether it has children.
        modified: when it was last changed, local time: year, month, day, hour, minute, second.
        problem: why it must not be read; empty where it may.
        linked: whether the same file has another name somewhere else (a hard link).
    """

    def __init__(
        self, path: str, name: str, is_folder: bool, modified: tuple[int, ...], problem: str = "", linked: bool = False
    ) -> None:
        self.path = path
        self.name = name
        self.is_folder = is_folder
        self.modified = modified
        self.problem = problem
        self.linked = linked

    @property
    def is_notebook(self) -> bool:
        """Whether its name says that it is a notebook."""
        return not self.is_folder and self.name.lower().endswith(NOTEBOOK_SUFFIXES)

    @property
    def is_zip(self) -> bool:
        """Whether its name says that it is a zip."""
        return not self.is_folder and self.name.lower().endswith(".zip")

    @property
    def stem(self) -> str:
        """Its name without the suffix; a folder's as it is."""
        if self.is_folder:
            return self.name
        for suffix in (*NOTEBOOK_SUFFIXES[::-1], ".zip"):
            if self.name.lower().endswith(suffix):
                return self.name[: -len(suffix)]
        return self.name

    @abstractmethod
    def children(self, budget: Budget | None = None) -> list[Entry]:
        """What is in the folder, sorted by name.

        Args:
            budget: counts them; None where the folder is the grader's own.

        Raises:
            UnreadableEntryError: if it cannot be opened, or holds too much.
        """

    @abstractmethod
    def read(self, longest: int, budget: Budget) -> bytes:
        """The file's content.

        Raises:
            UnreadableEntryError: if it is longer than `longest`, or cannot be read.
        """

    def open_zip(self, budget: Budget) -> Entry:
        """What is in the zip that this file is, as a folder.

        Raises:
            UnreadableEntryError: if it cannot be read.
        """
        return zip_folder(io.BytesIO(self.read(budget.limits.archive_bytes, budget)), self, budget)


class DiskEntry(Entry):
    """On the disk."""

    def __init__(self, place: Path, path: str) -> None:
        self.place = place
        try:
            status = os.lstat(place)
        except OSError as error:
            super().__init__(path, place.name, False, (), f"it cannot be looked at ({error.strerror})")
            return
        problem = ""
        if stat.S_ISLNK(status.st_mode):
            problem = "it is a symbolic link, which is not followed"
        elif not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
            problem = "it is a pipe, a socket or a device, not a file"
        is_folder = stat.S_ISDIR(status.st_mode)
        linked = stat.S_ISREG(status.st_mode) and status.st_nlink > 1
        super().__init__(path, place.name, is_folder, _clock(status.st_mtime), problem, linked)

    def children(self, budget: Budget | None = None) -> list[Entry]:
        found: list[Entry] = []
        try:
            with os.scandir(self.place) as listing:
                for item in listing:
                    if budget is not None:
                        budget.count_entry()
                    found.append(DiskEntry(self.place / item.name, f"{self.path}/{item.name}".lstrip("/")))
        except UnreadableArchiveError as error:
            raise UnreadableEntryError(str(error)) from None
        except OSError as error:
            raise UnreadableEntryError(f"the folder cannot be opened ({error.strerror})") from None
        return sorted(found, key=lambda entry: entry.name)

    def open(self) -> BinaryIO:
        """The file, open for reading; not if it is, or has become, anything else than a file.

        Raises:
            UnreadableEntryError: if it cannot be opened.
        """
        if self.problem:
            raise UnreadableEntryError(self.problem)
        try:
            descriptor = os.open(self.place, OPEN_NO_LINKS)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise UnreadableEntryError("it is not a file")
            return os.fdopen(descriptor, "rb")
        except OSError as error:
            raise UnreadableEntryError(f"it cannot be opened ({error.strerror})") from None

    def read(self, longest: int, budget: Budget) -> bytes:
        with self.open() as file:
            try:
                if os.fstat(file.fileno()).st_size > longest:
                    raise UnreadableEntryError(f"it is larger than {longest / MIB:.0f} MiB")
                data = file.read(longest + 1)
            except OSError as error:
                raise UnreadableEntryError(f"it cannot be read ({error.strerror})") from None
        if len(data) > longest:
            raise UnreadableEntryError(f"it is larger than {longest / MIB:.0f} MiB")
        return data


@dataclass(frozen=True)
class _Opened:
    archive: zipfile.ZipFile
    path: str


class ZipEntry(Entry):
    """In a zip."""

    def __init__(self, opened: _Opened, inside: PurePosixPath, files: Sequence[Member], member: Member | None) -> None:
        self.opened = opened
        self.inside = inside
        self.files = files
        self.member = member
        path = f"{opened.path}!/{inside}".removesuffix("/.")
        modified = member.modified if member is not None else ()
        super().__init__(path, inside.name, member is None, modified, member.problem if member is not None else "")

    def children(self, budget: Budget | None = None) -> list[Entry]:
        depth = len(self.inside.parts)
        folders: dict[str, list[Member]] = {}
        found: list[Entry] = []
        for member in self.files:
            if len(member.path.parts) == depth + 1:
                found.append(ZipEntry(self.opened, member.path, (), member))
            else:
                folders.setdefault(member.path.parts[depth], []).append(member)
        found += [ZipEntry(self.opened, self.inside / name, files, None) for name, files in folders.items()]
        return sorted(found, key=lambda entry: entry.name)

    def read(self, longest: int, budget: Budget) -> bytes:
        if self.member is None:
            raise UnreadableEntryError("it is a folder")
        try:
            return read_member(self.opened.archive, self.member, longest, budget)
        except UnreadableArchiveError as error:
            raise UnreadableEntryError(str(error)) from None


def zip_folder(file: BinaryIO, entry: Entry, budget: Budget, own: bool = False) -> Entry:
    """The content of an open zip, as a folder that has the zip's name.

    Args:
        file: the zip.
        entry: the file that it was read from.
        budget: counts what is listed.
        own: whether the zip is the grader's own, with many students' files in it, so that it is not counted.

    Raises:
        UnreadableEntryError: if it cannot be read.
    """
    try:
        archive = open_archive(file, budget.limits)
        files = list(members(archive, None if own else budget))
    except UnreadableArchiveError as error:
        raise UnreadableEntryError(str(error)) from None
    folder = ZipEntry(_Opened(archive, entry.path), PurePosixPath(), files, None)
    folder.name = entry.stem
    folder.modified = entry.modified
    return folder


def named(entry: Entry) -> str:
    """The entry's path for a message, on one printable line."""
    return shown(entry.path, 160)


def _clock(seconds: float) -> tuple[int, ...]:
    try:
        return tuple(time.localtime(seconds)[:6])
    except (OverflowError, ValueError, OSError):
        return ()
