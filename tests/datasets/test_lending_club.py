from __future__ import annotations

import csv
import gzip
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlcourse.datasets import load_lending_club
from dlcourse.datasets.lending_club_columns import NUMBERS, USED, parse_texts

LEAKS = ["total_pymnt", "recoveries", "last_fico_range_high", "debt_settlement_flag"]
FILLER = [f"unused_{number}" for number in range(100)]
HEADER = ["id", "emp_title", *USED, *LEAKS, *FILLER]
FOOTERS = ["Total amount funded in policy code 1: 460296150", "Total amount funded in policy code 2: 0"]
STATUSES = ["Fully Paid", "Charged Off", "Current", "Fully Paid", "Default", "Late (31-120 days)"]


def loan(number: int, **changes: object) -> dict[str, object]:
    """Row `number` of the made-up file, in the form of Kaggle's: readable back from its amount."""
    record = {
        "id": 1_000_000 + number,
        "emp_title": 'clerk, "senior"\nnight shift',
        **dict.fromkeys(NUMBERS, 1.0),
        "loan_amnt": 1000 + number,
        "mort_acc": "",
        "grade": "ABCDEFG"[number % 7],
        "sub_grade": f"{'ABCDEFG'[number % 7]}{1 + number % 5}",
        "home_ownership": ["RENT", "OWN", "MORTGAGE", "ANY"][number % 4],
        "verification_status": ["Not Verified", "Source Verified"][number % 2],
        "purpose": ["car", "credit_card", "house"][number % 3],
        "addr_state": ["CA", "NY"][number % 2],
        "application_type": "Individual",
        "term": [" 36 months", " 60 months"][number % 2],
        "int_rate": f" {5 + number % 20}.56%",
        "emp_length": ["< 1 year", "1 year", "3 years", "10+ years", "n/a", ""][number % 6],
        "revol_util": ["29.7%", "103.5", ""][number % 3],
        "issue_d": ["Dec-2015", "Jan-2016"][number % 2],
        "earliest_cr_line": "Aug-2003",
        "loan_status": STATUSES[number % 6],
        **dict.fromkeys(LEAKS, 9999),
    }
    return record | changes


def text_of(rows: list[dict[str, object]], header: list[str] = HEADER) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, header, restval="0.00", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    for footer in FOOTERS:
        stream.write(footer + "," * (len(header) - 1) + "\n")
    # The oldest quarters end in a line of one field.
    stream.write("Loans that do not meet the credit policy\n\n")
    return stream.getvalue()


ROWS = [loan(number) for number in range(60)]
FINISHED = [row for row in ROWS if row["loan_status"] in ("Fully Paid", "Charged Off", "Default")]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def to_file(rows: list[dict[str, object]], header: list[str] = HEADER) -> Path:
        path = tmp_path / "accepted.csv"
        path.write_text(text_of(rows, header), encoding="utf-8")
        return path

    return to_file


@pytest.fixture
def path(write: Callable[..., Path]) -> Path:
    return write(ROWS)


def test_the_finished_loans_are_kept_in_order_with_their_outcome(path: Path) -> None:
    loans = load_lending_club(path)
    assert loans.frame["loan_amnt"].tolist() == [row["loan_amnt"] for row in FINISHED]
    assert loans.y.tolist() == [int(row["loan_status"] != "Fully Paid") for row in FINISHED]
    assert "40 finished loans among 63 rows read, 20 with another status and 3 without" in loans.provenance
    assert loans.target_names == ("fully paid", "charged off")


def test_texts_become_numbers_categories_and_months(path: Path) -> None:
    frame = load_lending_club(path).frame
    whole = pd.read_csv(path, usecols=list(USED))
    whole = whole[whole["loan_status"].isin(["Fully Paid", "Charged Off", "Default"])].reset_index(drop=True)
    # pandas' own string methods are the oracle.
    np.testing.assert_allclose(frame["term"], whole["term"].str.extract(r"(\d+)")[0].astype(float))
    np.testing.assert_allclose(frame["int_rate"], whole["int_rate"].str.strip(" %").astype(float), rtol=1e-6)
    np.testing.assert_allclose(frame["revol_util"], whole["revol_util"].str.strip("%").astype(float), rtol=1e-6)
    issued, first = (pd.to_datetime(whole[name], format="%b-%Y") for name in ("issue_d", "earliest_cr_line"))
    assert (frame["issue_d"] == issued).all()
    np.testing.assert_allclose(frame["credit_history_years"], (issued - first).dt.days / 365.25, atol=0.01)
    years = whole["emp_length"].replace({"< 1 year": "0"}).str.extract(r"(\d+)")[0].astype(float)
    np.testing.assert_allclose(frame["emp_length"], years)
    assert set(years.dropna()) == {0, 1, 10} and frame["mort_acc"].isna().all()
    for name in ("purpose", "home_ownership", "addr_state"):
        assert frame[name].tolist() == whole[name].tolist()
    assert frame["grade"].cat.ordered and list(frame["grade"].cat.categories) == list("ABCDEFG")
    assert (frame["sub_grade"] < "B1").tolist() == whole["grade"].eq("A").tolist()


def test_every_number_is_float32_and_no_column_tells_the_outcome(path: Path) -> None:
    loans = load_lending_club(path)
    assert len(loans.numeric_columns) == 18 and len(loans.categorical_columns) == 7
    assert all(loans.frame[name].dtype == np.float32 for name in loans.numeric_columns)
    assert not set(loans.frame.columns) & {*LEAKS, "loan_status"}
    assert not (loans.frame[list(loans.numeric_columns)] == 9999).any().any()


@pytest.mark.parametrize("chunk_rows", [1, 7, 60])
@pytest.mark.parametrize("packed", [False, True])
def test_neither_the_chunks_nor_gzip_change_the_result(path: Path, chunk_rows: int, packed: bool) -> None:
    expected = load_lending_club(path)
    if packed:
        # Known by its first bytes, not by its name.
        path.write_bytes(gzip.compress(path.read_bytes()))
    loans = load_lending_club(path, chunk_rows=chunk_rows)
    pd.testing.assert_frame_equal(loans.frame, expected.frame)
    np.testing.assert_array_equal(loans.y, expected.y)


def test_max_rows_keeps_the_first_and_reads_no_further(write: Callable[..., Path]) -> None:
    # The last row would stop the reading with an error.
    path = write([*ROWS, loan(60, dti="much")])
    loans = load_lending_club(path, max_rows=10, chunk_rows=6)
    assert loans.frame["loan_amnt"].tolist() == [row["loan_amnt"] for row in FINISHED[:10]]
    assert loans.provenance.endswith("; the first 10")
    assert len(load_lending_club(write(ROWS), max_rows=1000).y) == 40


def test_a_sample_is_drawn_from_the_whole_file_each_loan_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No slack: the pruning happens at every chunk, as in a file of millions.
    monkeypatch.setattr("dlcourse.datasets.lending_club._SLACK", 0)
    amounts = [row["loan_amnt"] for row in FINISHED]
    counts = dict.fromkeys(amounts, 0)
    for seed in range(30):
        drawn = load_lending_club(path, sample=10, seed=seed, chunk_rows=20).frame["loan_amnt"].tolist()
        assert len(drawn) == 10 and drawn == sorted(set(drawn))
        for amount in drawn:
            counts[amount] += 1
    # Each of 40 is drawn 7.5 times in 30, give or take 2.4; each half of them 150 times, give or take 8.
    assert all(0 < count < 19 for count in counts.values())
    assert abs(sum(counts[amount] for amount in amounts[:20]) - 150) < 40
    again = [load_lending_club(path, sample=10, seed=1, chunk_rows=rows).frame for rows in (20, 60)]
    pd.testing.assert_frame_equal(again[0], again[1])
    assert len(load_lending_club(path, sample=1000).y) == 40


# The peak comes from /proc: the one of getrusage starts at the size of the process that started this one.
MEASURE = """
import re, sys
from pathlib import Path
from dlcourse.datasets import load_lending_club

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

small, large = sys.argv[1:]
load_lending_club(small)
before = peak()
loans = load_lending_club(large, chunk_rows=2000)
print(len(loans.y), peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak memory is read from /proc")
def test_memory_is_a_small_part_of_the_file(path: Path, tmp_path: Path) -> None:
    header, *lines = text_of([loan(number, emp_title="clerk") for number in range(1200)]).splitlines(keepends=True)
    large = tmp_path / "large.csv"
    large.write_text(header + "".join(lines[:1200]) * 60, encoding="utf-8")
    megabytes = large.stat().st_size / 2**20
    assert megabytes > 40
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, path, large], capture_output=True, text=True, check=True, timeout=120
    )
    rows, growth = answer.stdout.split()
    assert int(rows) == 48_000
    # A quarter: the table itself takes 4 MB, the whole file in a DataFrame twice its size.
    assert float(growth) < megabytes / 4


def test_missing_columns_are_named(write: Callable[..., Path]) -> None:
    path = write(ROWS, [name for name in HEADER if name not in ("dti", "grade")])
    with pytest.raises(ValueError, match=r"columns dti, grade are missing among its 131 columns.*kaggle") as caught:
        load_lending_club(path)
    assert str(path) in str(caught.value)
    path.write_text("Amount Requested,Application Date,State\n1000,2007-05-26,NM\n")
    with pytest.raises(ValueError, match="file of rejected applications"):
        load_lending_club(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dti": "much"}, "row 61 after the header, column dti: got 'much', no number"),
        ({"term": "36 weeks"}, "column term: got '36 weeks', expected a value such as '36 months'"),
        ({"int_rate": "high%"}, "column int_rate: got 'high%'"),
        ({"emp_length": "long"}, "column emp_length: got 'long'"),
        ({"issue_d": "2015-12"}, "column issue_d: got '2015-12', expected a value such as 'Dec-2015'"),
        ({"earliest_cr_line": "Dez-2015"}, "column earliest_cr_line: got 'Dez-2015'"),
        ({"earliest_cr_line": "Aug-03"}, "column earliest_cr_line: got 'Aug-03'"),
        ({"grade": "H"}, "column grade: got 'H', expected one of A, B"),
    ],
)
@pytest.mark.parametrize("chunk_rows", [9, 1000])
def test_a_value_that_cannot_be_read_is_named(
    write: Callable[..., Path], change: dict[str, str], message: str, chunk_rows: int
) -> None:
    with pytest.raises(ValueError, match=message):
        load_lending_club(write([*ROWS, loan(60, **change)]), chunk_rows=chunk_rows)


def test_percentages_without_their_sign_are_read_as_kaggle_writes_them(write: Callable[..., Path]) -> None:
    # A chunk of such a column looks like numbers, and one without any value like nothing at all.
    rows = [loan(0, int_rate="13.99", revol_util="29.7"), loan(1, int_rate=7, revol_util="", purpose="")]
    for chunk_rows in (1, 2):
        frame = load_lending_club(write(rows), chunk_rows=chunk_rows).frame
        np.testing.assert_allclose(frame[["int_rate", "revol_util"]], [[13.99, 29.7], [7, np.nan]], rtol=1e-6)
        assert frame["purpose"].isna().tolist() == [False, True]


def test_a_finished_loan_without_a_month_keeps_its_row(write: Callable[..., Path]) -> None:
    frame = load_lending_club(write([loan(0, issue_d=""), loan(1, earliest_cr_line="")])).frame
    assert frame["issue_d"].isna().tolist() == [True, False]
    assert frame["credit_history_years"].isna().all()


def test_damaged_files_say_what_they_are(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    for damaged, message in [
        (gzip.compress(content)[:-600], "damaged gzip file"),
        (b"PK\x03\x04" + content, "zip archive. Unpack it"),
        (b"", "the file is empty"),
        (content + b'"no end', "EOF inside string"),
        (text_of([loan(2)]).encode(), "no loan among 4 rows is finished"),
    ]:
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=message) as caught:
            load_lending_club(path)
        assert path.name in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"There is no file .*own Kaggle account from https"):
        load_lending_club(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match="is a folder, expected the CSV file in it"):
        load_lending_club(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_rows": 0}, ValueError, "max_rows must be 1 or more, got 0"),
        ({"sample": 2.5}, TypeError, "sample must be an integer, got 2.5"),
        ({"max_rows": 3, "sample": 3}, ValueError, "max_rows or sample, not both"),
        ({"chunk_rows": None}, TypeError, "chunk_rows must be an integer"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
    ],
)
def test_bad_arguments_are_refused(path: Path, arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load_lending_club(path, **arguments)


def test_each_text_is_parsed_once_however_many_rows_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def parser(text: str) -> float:
        seen.append(text)
        return float(text)

    monkeypatch.setitem(parse_texts.__globals__["PARSERS"], "term", (parser, ""))
    numbers = parse_texts("term", np.array(["1", "2"]), np.array([0, 1, 1, 0, -1]))
    np.testing.assert_array_equal(numbers, [1, 2, 2, 1, np.nan])
    assert seen == ["1", "2"]
