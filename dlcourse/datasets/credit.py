"""German credit: 1,000 credits of the 1970s, 20 columns of mixed type, repaid or not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from dlcourse.datasets.credit_columns import COLUMNS, CreditColumn, Meanings
from dlcourse.datasets.download import fetch
from dlcourse.datasets.table import Table, import_pandas

_FILE = "german.data"
_VERSIONS: tuple[Meanings, ...] = ("corrected", "statlog")
_CLASSES = {"1": 0, "2": 1}
# Row: true class (good, bad). Column: decision (grant as good, refuse as bad).
_COSTS = ((0.0, 1.0), (5.0, 0.0))


def load_credit(path: str | os.PathLike[str] | None = None, meanings: Meanings = "corrected") -> Table:
    """Load the Statlog German credit data, decoded; class 1 is a bad credit.

    Bad credits were oversampled: 300 of the 1,000, far more than the bank had. The source asks to judge a classifier by
    costs: granting a bad credit costs 5, refusing a good one costs 1 (`costs`). With good probabilities the cheapest
    rule is therefore to refuse when the probability of a bad credit exceeds 1/6.

    The code table of 1994, still found in most publications, has many meanings at the wrong code. In it the customers
    without a checking account are the safest (12 % bad), and 96 % of all are foreign workers. The corrected table of
    2019 makes these the customers with 200 DM or more, and 4 %. The codes in the file are the same, so a model is
    equally good with both; what a person learns from it is not.

    Args:
        path: a file in the format of german.data; None takes the real one from the data directory or the cache, or
            downloads it.
        meanings: "corrected" decodes with Groemping's table; "statlog" with the one of 1994, in which
            `installment_rate`, `residence`, `credits_here` and `dependants` pass for plain numbers.

    Returns:
        A `Table` with a frame of 20 columns: `duration` (months), `amount` (DM) and `age` (years) are int64 (with
        "statlog" the four named above too), the others categorical, ordered where the levels have an order; `y` of
        shape (1000,), 1 for a bad credit; what each column means in `descriptions`; `costs` of shape (2, 2).

    Raises:
        ValueError: for unknown meanings; for a file with a malformed row, naming the line and the column.
        DataNotFoundError: when the file is not on this machine and cannot be downloaded.
        DataCorruptError: when the data directory holds another file of that name.
        ImportError: when pandas is not installed.

    Example:
        >>> import tempfile
        >>> row = "A14 36 A32 A41 7000 A65 A73 2 A93 A101 4 A121 50 A143 A152 1 A173 1 A192 A201 1"
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "two.data")
        ...     _ = path.write_text(row + chr(10) + row[:-1] + "2" + chr(10))
        ...     credit = load_credit(path)
        >>> credit.y
        array([0, 1])
        >>> credit.frame["checking_account"].iloc[0], int(credit.frame["amount"].iloc[0])
        ('>= 200 DM or salary account', 7000)

    Used in: Lab 04

    Reference: H. Hofmann, Statlog (German Credit Data), UCI, 1994; U. Groemping, South German Credit Data: Correcting a
    Widely Used Data Set, 2019; lecture 004, "Example 2: Credit Scoring".
    """
    if meanings not in _VERSIONS:
        raise ValueError(f"meanings must be 'corrected' or 'statlog', got {meanings!r}.")
    pandas = import_pandas("load_credit")
    path = fetch(_FILE) if path is None else Path(path)
    rows, classes = _read(path, meanings)
    frame = pandas.DataFrame(
        {
            column.name: _column(column, values, meanings)
            for column, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)
        }
    )
    source = "Statlog German credit (UCI)" if path.name == _FILE else path.name
    return Table(
        name="credit",
        frame=frame,
        y=np.array(classes, dtype=np.int64),
        descriptions={column.name: column.description for column in COLUMNS},
        target_names=("good", "bad"),
        provenance=f"{source}, codes decoded with the {_table_of(meanings)}; 1 is a bad credit",
        costs=np.array(_COSTS),
    )


def _table_of(meanings: Meanings) -> str:
    return "corrected table of 2019" if meanings == "corrected" else "table of 1994, known to be wrong in places"


def _read(path: Path, meanings: Meanings) -> tuple[list[list[str]], list[int]]:
    rows, classes = [], []
    with path.open(encoding="ascii", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.split()
            if not fields:
                continue
            where = f"{path}, line {number}"
            if len(fields) != len(COLUMNS) + 1:
                raise ValueError(
                    f"{where}: got {len(fields)} fields, expected {len(COLUMNS) + 1} separated by spaces: "
                    f"{len(COLUMNS)} attributes and the class, as in UCI's {_FILE}."
                )
            for position, (column, value) in enumerate(zip(COLUMNS, fields, strict=False), start=1):
                _check_value(column, value, f"{where}, field {position} ({column.name})", meanings)
            if fields[-1] not in _CLASSES:
                raise ValueError(f"{where}: got the class {fields[-1]!r}, expected 1 (good) or 2 (bad).")
            rows.append(fields[:-1])
            classes.append(_CLASSES[fields[-1]])
    if not rows:
        raise ValueError(f"{path} holds no rows, expected lines of {len(COLUMNS) + 1} fields as in UCI's {_FILE}.")
    return rows, classes


def _check_value(column: CreditColumn, value: str, where: str, meanings: Meanings) -> None:
    codes = column.meanings(meanings)
    if codes is not None:
        if value not in codes:
            raise ValueError(f"{where}: got {value!r}, expected one of {', '.join(codes)}.")
    elif not value.isdecimal() or int(value) == 0:
        raise ValueError(f"{where}: got {value!r}, expected a positive whole number.")


def _column(column: CreditColumn, values: tuple[str, ...], meanings: Meanings) -> object:
    import pandas

    codes = column.meanings(meanings)
    if codes is None:
        return np.array([int(value) for value in values], dtype=np.int64)
    # Every meaning is a category, whether or not a row has it: a part of the data has the same columns as the whole.
    return pandas.Categorical(
        [codes[value] for value in values], categories=list(codes.values()), ordered=column.ordered
    )
