"""Where the finished rows of a study live: a CSV file that is whole at every moment, or just memory.

Used in: Lab 03b
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from dlcourse.approximation._study_group import Key, Row, StudyGroup
from dlcourse.files import write_atomically

KEY = ["family", "dimension", "samples", "architecture", "seed"]
TYPES: dict[str, type] = {
    "family": str,
    "dimension": int,
    "samples": int,
    "architecture": str,
    "seed": int,
    "average_error": float,
    "maximum_error": float,
    "relative_average_error": float,
    "relative_maximum_error": float,
    "seconds": float,
    "diverged_at": int,
    "settings": str,
}


class StudyStore:
    """Rows by their key; no key twice.

    Args:
        path: The CSV file, which need not exist yet; None keeps the rows in memory.

    Raises:
        ValueError: If the file is no store of a study.

    Used in: Lab 03b
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._rows: dict[Key, Row] = {}
        if path is not None and path.exists():
            self._remember(_read(path))

    def finished(self, group: StudyGroup) -> set[Key]:
        """Those keys of a group whose rows are here.

        Raises:
            ValueError: If such a row was computed with other settings.
        """
        keys = set(group.row_keys()) & set(self._rows)
        strangers = [key for key in keys if self._rows[key]["settings"] != group.settings()]
        if strangers:
            raise ValueError(
                f"{self.path} holds {len(strangers)} rows named {group.name!r} that other settings made (architecture, "
                "scheme or test_points). Give another store, or the architecture another name."
            )
        return keys

    def add(self, rows: list[Row]) -> None:
        """Takes rows in and saves them before it returns; a row whose key is here already changes nothing."""
        self._remember(rows)
        if self.path is not None:
            # The file is replaced as a whole: a process that is killed meanwhile leaves the old one or the new one.
            write_atomically(self.path, _text(self._rows.values()))

    def frame(self, keys: list[Key]) -> pd.DataFrame:
        """The rows of these keys, in this order."""
        return pd.DataFrame([self._rows[key] for key in keys], columns=list(TYPES))

    def _remember(self, rows: list[Row]) -> None:
        for row in rows:
            self._rows.setdefault(tuple(row[name] for name in KEY), row)


def _read(path: Path) -> list[Row]:
    try:
        # The csv module, since its text gives every float back to the last digit under any version of pandas.
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if reader.fieldnames != list(TYPES):
                raise ValueError(f"its columns are {reader.fieldnames}, expected {list(TYPES)}")
            return [{name: convert(row[name]) for name, convert in TYPES.items()} for row in reader]
    except (ValueError, TypeError, csv.Error) as error:
        raise ValueError(f"{path} is no store of a study: {error}. Move it away, or give another store.") from error


def _text(rows: Iterable[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(TYPES), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
