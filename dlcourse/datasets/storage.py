"""Where data files lie on this machine, and whether they are the right ones.

Two places, searched in this order:

1. the data directory, `$DLCOURSE_DATA_DIR`: files that a person put there. The course reads them and never writes.
2. the cache, `$DLCOURSE_CACHE_DIR` or else the user's cache folder: files that the course downloaded.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from dlcourse.datasets.registry import DataFile, get_dataset, get_file

DATA_DIR_VARIABLE = "DLCOURSE_DATA_DIR"
CACHE_DIR_VARIABLE = "DLCOURSE_CACHE_DIR"

State = Literal["ok", "present", "partial", "missing", "wrong"]


class DataCorruptError(ValueError):
    """A file in the data directory is not the file that the registry describes."""


def data_directory() -> Path | None:
    """Return the folder that `$DLCOURSE_DATA_DIR` names, or None when the variable is unset or empty.

    Returns:
        An absolute path; the folder need not exist.

    Example:
        >>> import os
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, DLCOURSE_DATA_DIR=""):
        ...     print(data_directory())
        None

    Used in: `dlcourse doctor`
    """
    value = os.environ.get(DATA_DIR_VARIABLE, "")
    return Path(value).expanduser().absolute() if value else None


def cache_directory() -> Path:
    """Return the folder that downloads go to: `$DLCOURSE_CACHE_DIR`, else the user's cache folder for dlcourse.

    Returns:
        An absolute path; the folder is created by the first download.

    Example:
        >>> import os
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, DLCOURSE_CACHE_DIR="/tmp/course"):
        ...     cache_directory().name
        'course'

    Used in: `dlcourse doctor`
    """
    value = os.environ.get(CACHE_DIR_VARIABLE, "")
    if value:
        return Path(value).expanduser().absolute()
    # pooch takes longer to import than this whole package, so only who needs it pays.
    import pooch

    return Path(pooch.os_cache("dlcourse")).absolute()


@dataclass(frozen=True)
class FileStatus:
    """What is known about one file on this machine.

    Args:
        name: file name.
        state: "missing"; "present" (there, checksum not computed); "ok" or "wrong" (checksum computed, or an impossible
            size).
        path: where it lies, or None.
        size: its size there in bytes, or None.
        detail: one line for people.

    Example:
        >>> FileStatus("a.gz", "missing").path is None
        True

    Used in: `dlcourse data list`
    """

    name: str
    state: State
    path: Path | None = None
    size: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class DatasetStatus:
    """What is known about one data set on this machine.

    Args:
        name: short name of the data set.
        files: one `FileStatus` a file; empty when a library brings the data.
        ships_with: that library, or None.

    Example:
        >>> DatasetStatus("demo", (FileStatus("a.gz", "ok"), FileStatus("b.gz", "missing"))).state
        'partial'

    Used in: `dlcourse data list`
    """

    name: str
    files: tuple[FileStatus, ...] = ()
    ships_with: str | None = None

    @property
    def state(self) -> State:
        """The worst news first: "wrong", then "missing" or "partial", then "present", then "ok"."""
        states = {file.state for file in self.files}
        if "wrong" in states:
            return "wrong"
        if "missing" in states:
            return "missing" if states == {"missing"} else "partial"
        return "present" if "present" in states else "ok"

    @property
    def summary(self) -> str:
        """The state in one line of words."""
        if self.ships_with:
            return f"ships with {self.ships_with}"
        here = sum(file.state != "missing" for file in self.files)
        wrong = [file.name for file in self.files if file.state == "wrong"]
        if wrong:
            return f"wrong checksum: {', '.join(wrong)}"
        if self.state == "missing":
            return "not on this machine"
        checked = ", checksums right" if all(file.state in ("ok", "missing") for file in self.files) else ""
        return f"{here} of {len(self.files)} files present{checked}"


def find_local(name: str) -> Path | None:
    """Return the right copy of a file on this machine, or None when a download is needed.

    Args:
        name: file name from the registry.

    Returns:
        The path in the data directory, else in the cache. A file of the cache with a wrong checksum counts as absent,
        because a download replaces it.

    Raises:
        ValueError: for a name that is not in the registry.
        DataCorruptError: when the data directory holds a file of that name with other content: the course neither uses
            nor replaces what a person put there.

    Example:
        >>> path = find_local("t10k-labels-idx1-ubyte.gz")
        >>> path is None or path.name == "t10k-labels-idx1-ubyte.gz"
        True

    Used in: Lab 02
    """
    file = get_file(name)
    for path in _copies(file):
        problem = checksum_problem(path, file)
        if problem is None:
            return path
        if path.parent == data_directory():
            raise DataCorruptError(
                f"{path} is not the file that the course knows: {problem}. "
                f"Replace or remove it, or point {DATA_DIR_VARIABLE} at another folder."
            )
    return None


def status(name: str) -> DatasetStatus:
    """Say which files of a data set are on this machine, without reading them.

    Args:
        name: short name of the data set, such as "mnist".

    Returns:
        A `DatasetStatus` whose files are "present", "missing", or "wrong" when the size alone rules a file out.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> status("iris").summary
        'ships with scikit-learn'

    Used in: `dlcourse data list`
    """
    return _dataset_status(name, _status_of_file)


def verify(name: str) -> DatasetStatus:
    """Check every file of a data set against its checksum.

    Args:
        name: short name of the data set, such as "mnist".

    Returns:
        A `DatasetStatus` whose files are "ok", "wrong" or "missing". A gzip file that was packed again and unpacks to
        the official bytes is "ok", and its detail says so.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> verify("digits").state
        'ok'

    Used in: `dlcourse data verify`
    """
    return _dataset_status(name, _verify_file)


def checksum_problem(path: Path, file: DataFile) -> str | None:
    """Return None when the file at `path` is the one that `file` describes, else what is wrong with it.

    Args:
        path: an existing file.
        file: the registry's record.

    Returns:
        None, or half a sentence with the checksum found and the one expected.

    Example:
        >>> import tempfile
        >>> record = DataFile("a.txt", ("https://example.org/a.txt",), sha256=hashlib.sha256(b"a").hexdigest(), size=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.txt")
        ...     _ = path.write_bytes(b"b")
        ...     checksum_problem(path, record)[:42]
        'its sha256 is 3e23e8160039..., expected ca'

    Used in: `dlcourse data verify`
    """
    found = _digest(path, _open_plain)
    if found == file.sha256 or _content_matches(path, file):
        return None
    return f"its sha256 is {found[:12]}..., expected {file.sha256[:12]}..."


def _places() -> tuple[Path, ...]:
    folder = data_directory()
    return (folder, cache_directory()) if folder is not None else (cache_directory(),)


def _copies(file: DataFile) -> list[Path]:
    """Every file of this machine that goes by the file's name or one of its aliases, in the order of the search."""
    paths = [place / name for place in _places() for name in (file.name, *file.aliases)]
    return [path for path in paths if path.is_file()]


def _dataset_status(name: str, check: Callable[[DataFile], FileStatus]) -> DatasetStatus:
    dataset = get_dataset(name)
    return DatasetStatus(dataset.name, tuple(check(file) for file in dataset.files), dataset.ships_with)


def _status_of_file(file: DataFile) -> FileStatus:
    for path in _copies(file):
        size = path.stat().st_size
        if size == file.size:
            return FileStatus(file.name, "present", path, size, "checksum not computed")
        if file.content_sha256 is not None and size > 0:
            detail = f"{size} bytes instead of {file.size}: verify tells whether it was only packed again"
            return FileStatus(file.name, "present", path, size, detail)
        return FileStatus(file.name, "wrong", path, size, f"{size} bytes, expected {file.size}")
    return FileStatus(file.name, "missing", detail=f"not in {' or '.join(map(str, _places()))}")


def _verify_file(file: DataFile) -> FileStatus:
    quick = _status_of_file(file)
    if quick.path is None:
        return quick
    problem = checksum_problem(quick.path, file)
    if problem is not None:
        return FileStatus(file.name, "wrong", quick.path, quick.size, problem)
    detail = "sha256 right" if quick.size == file.size else "packed again, content right"
    return FileStatus(file.name, "ok", quick.path, quick.size, detail)


def _open_plain(path: Path) -> BinaryIO:
    return path.open("rb")


def _digest(path: Path, opener: Callable[[Path], BinaryIO]) -> str:
    with opener(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _content_matches(path: Path, file: DataFile) -> bool:
    if file.content_sha256 is None:
        return False
    try:
        return _digest(path, gzip.open) == file.content_sha256
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False
