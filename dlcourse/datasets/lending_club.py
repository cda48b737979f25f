"""Lending Club: two million loans between private persons, from the file that each user downloads from Kaggle."""

from __future__ import annotations

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from dlcourse.datasets.lending_club_columns import (
    CATEGORIES,
    CLASSES,
    NUMBERS,
    ORDERED,
    STATUS,
    TEXTS,
    USED,
    parse_texts,
)
from dlcourse.datasets.table import Table, import_pandas

if TYPE_CHECKING:
    import pandas as pd

_WHERE = "https://www.kaggle.com/datasets/wordsforthewise/lending-club (accepted_2007_to_2018Q4.csv.gz)"
_GZIP_MAGIC, _ZIP_MAGIC = b"\x1f\x8b", b"PK"
_CLASS, _KEY, _NO_STATUS = "class", "key", "no status"
_MONTHS_TO_1970 = 12 * 1970
# A small sample is not worth pruning at every chunk.
_SLACK = 50_000
# The columns of the result, in reading order; the month of the first credit line becomes a length of time.
_DESCRIPTIONS: dict[str, str] = {
    name: text for name, text in {**NUMBERS, **CATEGORIES, **TEXTS}.items() if name != "earliest_cr_line"
} | {"credit_history_years": "years from the borrower's first credit line to this loan"}


def load_lending_club(
    path: str | os.PathLike[str],
    max_rows: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    chunk_rows: int = 20_000,
) -> Table:
    """Load the finished loans of Lending Club from your own copy of the Kaggle file; class 1 is a loan not repaid.

    Finished is Fully Paid (0), Charged Off or Default (1). Loans that still run have no outcome and are left out, so
    that the young years hold more quick ends than they will in the long run: split by `issue_d` with care. Columns that
    were filled in after the loan was granted are not read, since they give the outcome away.

    The file is read in chunks of rows, and only what is kept stays in memory: a 2 GB file needs 0.4 GB. A
    progress bar counts its bytes.

    Args:
        path: accepted_2007_to_2018Q4.csv or .csv.gz, packed or not, whatever its name.
        max_rows: keep the first so many finished loans and stop reading; None keeps all. The file is sorted by time, in
            parts: these are not typical of the whole.
        sample: keep so many finished loans, drawn from the whole file at random without replacement, in the order of
            the file; None keeps all. Not together with max_rows.
        seed: of that draw, a non-negative integer.
        chunk_rows: rows read at a time.

    Returns:
        A `Table` with a frame of 26 columns: 18 of float32, missing values as NaN, 7 categorical (grade and sub_grade
        ordered) and the month `issue_d` (datetime64); `y` of shape (n,); meanings and units in `descriptions`.

    Raises:
        TypeError: when a count is not an integer.
        ValueError: when columns are missing (it names them); when a value cannot be read (column and value); for a
            damaged file, a zip archive, or a file without finished loans; for arguments outside their range.
        FileNotFoundError: when there is no such file; says where to get it.
        ImportError: when pandas is not installed.

    Example:
        >>> load_lending_club("loans.csv")
        Traceback (most recent call last):
        ...
        FileNotFoundError: There is no file loans.csv. Download it with your own Kaggle account from https...

    Used in: Lab 04

    Reference: Lending Club accepted loans 2007-2018, Kaggle, CC0; lecture 004, "A SEMI-COMPREHENSIVE TF TOUR".
    """
    _check_counts(max_rows, sample, seed, chunk_rows)
    pandas = import_pandas("load_lending_club")
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder, expected the CSV file in it.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Download it with your own Kaggle account from {_WHERE}.")
    kept = _Kept(sample, np.random.default_rng(seed))
    try:
        for chunk in _chunks(path, chunk_rows):
            kept.add(chunk)
            if max_rows is not None and kept.finished >= max_rows:
                break
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is a damaged gzip file ({error}). Most likely the download was cut short.") from error
    except (ValueError, pandas.errors.ParserError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not kept.finished:
        raise ValueError(f"{path}: no loan among {kept.seen.total()} rows is finished ({', '.join(CLASSES)}).")
    frame, y = kept.result(max_rows)
    return Table(
        name="lending_club",
        frame=frame,
        y=y,
        descriptions=_DESCRIPTIONS,
        target_names=("fully paid", "charged off"),
        provenance=_provenance(path, kept, len(y), max_rows, sample),
    )


def _check_counts(max_rows: object, sample: object, seed: object, chunk_rows: object) -> None:
    if max_rows is not None and sample is not None:
        raise ValueError(f"Give max_rows or sample, not both; got max_rows={max_rows}, sample={sample}.")
    for name, value, least in (
        ("max_rows", max_rows, 1),
        ("sample", sample, 1),
        ("seed", seed, 0),
        ("chunk_rows", chunk_rows, 1),
    ):
        if value is None and name in ("max_rows", "sample"):
            continue
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, got {value!r}.")
        if value < least:
            raise ValueError(f"{name} must be {least} or more, got {value}.")


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Give the text of the file, unpacked, and the file itself, whose position tells how far the reading is."""
    with path.open("rb") as raw:
        magic = raw.read(2)
        raw.seek(0)
        if magic == _ZIP_MAGIC:
            raise ValueError("this is a zip archive. Unpack it and name the CSV file in it.")
        yield (gzip.GzipFile(fileobj=raw, mode="rb") if magic == _GZIP_MAGIC else raw), raw


def _chunks(path: Path, chunk_rows: int) -> Iterator[pd.DataFrame]:
    import pandas
    from tqdm.auto import tqdm

    from dlcourse.progress import progress_enabled

    _check_header(path)
    types = dict.fromkeys(NUMBERS, "float32") | dict.fromkeys((*CATEGORIES, *TEXTS, STATUS), "category")
    settings = {"unit": "B", "unit_scale": True, "leave": False, "disable": not progress_enabled()}
    try:
        with (
            tqdm(total=path.stat().st_size, desc=path.name, **settings) as bar,
            _open(path) as (stream, raw),
            pandas.read_csv(
                stream, usecols=list(USED), dtype=types, chunksize=chunk_rows, encoding_errors="replace"
            ) as reader,
        ):
            for chunk in reader:
                bar.update(raw.tell() - bar.n)
                yield chunk
    except pandas.errors.ParserError:
        raise
    except ValueError as error:
        raise _locate_bad_number(path, chunk_rows, error) from error


def _check_header(path: Path) -> None:
    import pandas

    with _open(path) as (stream, _):
        try:
            names = [str(name) for name in pandas.read_csv(stream, nrows=0, encoding_errors="replace").columns]
        except pandas.errors.EmptyDataError:
            raise ValueError("the file is empty.") from None
    missing = [name for name in USED if name not in names]
    if missing:
        hint = f"Take the file from {_WHERE}."
        if "Amount Requested" in names:
            hint = f"This looks like the file of rejected applications, which have no outcome. {hint}"
        raise ValueError(f"the columns {', '.join(missing)} are missing among its {len(names)} columns. {hint}")


def _locate_bad_number(path: Path, chunk_rows: int, error: ValueError) -> ValueError:
    """Read again, as text, to say where the value is that was no number."""
    import pandas

    with _open(path) as (stream, _):
        for chunk in pandas.read_csv(
            stream, usecols=list(NUMBERS), dtype=str, chunksize=chunk_rows, encoding_errors="replace"
        ):
            for name, texts in chunk.items():
                bad = texts.notna() & pandas.to_numeric(texts, errors="coerce").isna()
                if bad.any():
                    row = bad.idxmax()
                    return ValueError(
                        f"row {row + 1:,} after the header, column {name}: got {texts[row]!r}, no number."
                    )
    return error


@dataclass
class _Kept:
    """The finished loans so far, column by column, and what became of the other rows."""

    sample: int | None
    rng: np.random.Generator
    parts: list[dict[str, np.ndarray]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    # Category texts in the order of their first appearance, or in their own where they have one.
    texts: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: {text: i for i, text in enumerate(ORDERED.get(name, []))} for name in CATEGORIES}
    )

    def add(self, chunk: pd.DataFrame) -> None:
        status = chunk[STATUS].cat
        texts = [str(text) for text in status.categories]
        codes = status.codes.to_numpy()
        self.seen.update({text: int((codes == code).sum()) for code, text in enumerate(texts)})
        self.seen[_NO_STATUS] += int((codes == -1).sum())
        # Code -1, a missing status (the totals at the end of the file), finds the -1 at the end.
        classes = np.array([CLASSES.get(text, -1) for text in texts] + [-1])[codes]
        rows = np.flatnonzero(classes >= 0)
        self.finished += len(rows)
        if len(rows) == 0:
            return
        finished = chunk.iloc[rows]
        part = _numbers(finished) | {name: self._codes(name, finished[name].cat) for name in CATEGORIES}
        part[_CLASS] = classes[rows].astype(np.int64)
        part[_KEY] = self.rng.random(len(rows))
        self.parts.append(part)
        # Pruned now and then, so that a sample of a thousand never holds a million rows.
        if self.sample is not None and sum(len(part[_KEY]) for part in self.parts) > 2 * self.sample + _SLACK:
            self._prune()

    def _codes(self, name: str, values: Any) -> np.ndarray:
        """The categories of one chunk as codes that hold for all chunks."""
        known = self.texts[name]
        used = set(np.unique(values.codes))
        codes = np.full(len(values.categories) + 1, -1, dtype=np.int16)
        for position, category in enumerate(values.categories):
            text = str(category).strip()
            if position not in used:
                continue
            if name in ORDERED and text not in known:
                raise ValueError(f"column {name}: got {text!r}, expected one of {', '.join(known)}.")
            codes[position] = known.setdefault(text, len(known))
        return codes[values.codes.to_numpy()]

    def _prune(self) -> None:
        """Keep the rows with the smallest random keys: a uniform draw without replacement from all rows so far."""
        keys = np.concatenate([part[_KEY] for part in self.parts])
        if len(keys) <= self.sample:
            return
        largest = np.partition(keys, self.sample - 1)[self.sample - 1]
        self.parts = [{name: values[part[_KEY] <= largest] for name, values in part.items()} for part in self.parts]

    def result(self, max_rows: int | None) -> tuple[pd.DataFrame, np.ndarray]:
        import pandas

        if self.sample is not None:
            self._prune()
        columns = {}
        for name in (*_DESCRIPTIONS, _CLASS):
            # Each part gives its column away, so that the table is never in memory twice.
            whole = np.concatenate([part.pop(name) for part in self.parts])[:max_rows]
            if name in CATEGORIES:
                whole = pandas.Categorical.from_codes(whole, list(self.texts[name]), ordered=name in ORDERED)
                if name not in ORDERED:
                    whole = whole.remove_unused_categories()
                    whole = whole.reorder_categories(sorted(whole.categories))
            columns[name] = whole
        y = columns.pop(_CLASS)
        return pandas.DataFrame(columns, copy=False), y


def _numbers(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    columns = {name: rows[name].to_numpy() for name in NUMBERS}
    for name in TEXTS:
        values = rows[name].cat.remove_unused_categories().cat
        columns[name] = parse_texts(name, values.categories.to_numpy(), values.codes.to_numpy())
    columns["credit_history_years"] = (columns["issue_d"] - columns.pop("earliest_cr_line")) / 12
    issued = columns.pop("issue_d")
    dates, known = np.full(len(rows), np.datetime64("NaT", "s")), np.isfinite(issued)
    dates[known] = (issued[known] - _MONTHS_TO_1970).astype(np.int64).astype("datetime64[M]")
    for name in ("term", "int_rate", "emp_length", "revol_util", "credit_history_years"):
        columns[name] = columns[name].astype(np.float32)
    return columns | {"issue_d": dates}


def _provenance(path: Path, kept: _Kept, rows: int, max_rows: int | None, sample: int | None) -> str:
    read = kept.seen.total()
    running = read - kept.finished - kept.seen[_NO_STATUS]
    text = (
        f"Lending Club, from {path.name}: {kept.finished:,} finished loans among {read:,} rows read, {running:,} with "
        f"another status and {kept.seen[_NO_STATUS]:,} without any left out"
    )
    if rows == max_rows:
        text += f"; the first {rows:,}"
    if rows == sample:
        text += f"; a random sample of {rows:,}"
    return text
