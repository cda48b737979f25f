from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from dlcourse.datasets import DataNotFoundError, Table, load_credit
from dlcourse.datasets.credit_columns import COLUMNS

SHARED = Path(os.environ.get("DLCOURSE_DATA_DIR", Path(__file__).parents[3] / "shared" / "data"))
real = pytest.mark.skipif(not (SHARED / "german.data").is_file(), reason=f"no german.data in {SHARED}")

GOOD = "A12 24 A32 A43 2500 A61 A73 4 A92 A101 2 A121 33 A143 A152 1 A173 1 A191 A201 1"
BAD = "A14 6 A34 A410 900 A65 A71 1 A94 A103 4 A124 61 A141 A153 4 A174 2 A192 A202 2"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def lines(*rows: str) -> Path:
        path = tmp_path / "some.data"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return lines


@pytest.fixture
def credit(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setenv("DLCOURSE_DATA_DIR", str(SHARED))
    return load_credit()


@real
def test_the_real_file_has_its_published_figures(credit: Table) -> None:
    assert credit.frame.shape == (1000, 20)
    assert np.bincount(credit.y).tolist() == [700, 300]
    # Published summaries: months, DM, years.
    assert credit.frame[["duration", "amount", "age"]].mean().tolist() == pytest.approx([20.903, 3271.258, 35.546])
    assert credit.frame[["duration", "amount", "age"]].max().tolist() == [72, 18424, 75]
    assert credit.frame["checking_account"].value_counts(sort=False).tolist() == [274, 269, 63, 394]
    assert not credit.frame.isna().any().any()


@real
def test_the_corrected_codes_make_the_bad_credits_go_where_one_expects_them(credit: Table) -> None:
    share = pd.Series(credit.y).groupby(credit.frame["checking_account"].to_numpy()).mean().round(2)
    assert share.to_dict() == {
        "no account": 0.49,
        "< 0 DM": 0.39,
        "0 to 200 DM": 0.22,
        ">= 200 DM or salary account": 0.12,
    }
    share = pd.Series(credit.y).groupby(credit.frame["credit_history"].to_numpy()).mean()
    assert share.idxmax() == "delays in the past" and share.idxmin() == "all credits at this bank paid back"
    assert (credit.frame["foreign_worker"] == "yes").sum() == 37


@real
def test_both_tables_of_meanings_name_the_same_groups_of_rows(credit: Table) -> None:
    old = load_credit(meanings="statlog")
    assert list(old.frame.columns) == list(credit.frame.columns)
    for name in credit.frame:
        pairs = set(zip(old.frame[name], credit.frame[name], strict=True))
        assert len(pairs) == old.frame[name].nunique() == credit.frame[name].nunique()
    assert (old.frame["checking_account"] == "no account").sum() == 394
    numbers = ("duration", "amount", "installment_rate", "residence", "age", "credits_here", "dependants")
    assert old.numeric_columns == numbers


@real
def test_the_columns_carry_what_logistic_regression_is_known_to_find(credit: Table) -> None:
    model = make_pipeline(
        make_column_transformer(
            (StandardScaler(), list(credit.numeric_columns)), (OneHotEncoder(), list(credit.categorical_columns))
        ),
        LogisticRegression(C=0.3, max_iter=500),
    )
    # Published areas for logistic regression lie between 0.77 and 0.80; shuffled rows would give 0.5.
    assert 0.76 < cross_val_score(model, credit.frame, credit.y, cv=5, scoring="roc_auc").mean() < 0.81


def test_a_small_file_of_the_same_format_is_decoded_and_typed(write: Callable[..., Path]) -> None:
    credit = load_credit(write(GOOD, "", BAD))
    first, second = credit.frame.iloc[0], credit.frame.iloc[1]
    assert credit.y.tolist() == [0, 1] and credit.target_names[1] == "bad"
    assert (first["purpose"], second["purpose"]) == ("furniture or equipment", "business")
    assert (first["duration"], second["age"]) == (24, 61)
    assert (first["dependants"], second["dependants"]) == ("0 to 2", "3 or more")
    assert (first["foreign_worker"], second["foreign_worker"]) == ("no", "yes")
    assert credit.numeric_columns == ("duration", "amount", "age")
    assert all(credit.frame[name].dtype == np.int64 for name in credit.numeric_columns)
    assert len(credit.categorical_columns) == 17
    ordered = {name for name in credit.categorical_columns if credit.frame[name].cat.ordered}
    assert ordered == {"employment", "installment_rate", "residence", "credits_here", "job", "dependants"}
    assert (credit.frame["employment"] < "under 1 year").tolist() == [False, True]


def test_the_meanings_of_1994_are_those_of_the_uci_page(write: Callable[..., Path]) -> None:
    old = load_credit(write(GOOD, BAD), meanings="statlog").frame
    assert old["checking_account"].tolist() == ["0 to 200 DM", "no account"]
    assert old["credit_history"].tolist() == ["existing credits paid so far", "critical account or credits elsewhere"]
    assert old["purpose"].tolist() == ["radio or television", "other"]
    assert old["personal_status"].tolist() == ["woman, divorced, separated or married", "man, married or widowed"]
    assert old["property"].tolist() == ["real estate", "unknown or none"]
    assert old["housing"].tolist() == ["own", "free"]
    assert old["foreign_worker"].tolist() == ["yes", "no"]
    assert old["installment_rate"].tolist() == [4, 1]


def test_a_part_of_the_data_has_all_categories(write: Callable[..., Path]) -> None:
    frame = load_credit(write(GOOD)).frame
    assert [len(frame[column.name].cat.categories) for column in COLUMNS if column.corrected] == [
        len(column.corrected) for column in COLUMNS if column.corrected
    ]
    assert "business" in frame["purpose"].cat.categories


def test_every_column_has_a_description_and_granting_a_bad_credit_costs_five(write: Callable[..., Path]) -> None:
    credit = load_credit(write(GOOD, BAD))
    assert list(credit.descriptions) == list(credit.frame.columns)
    assert all(credit.descriptions.values())
    true, granted = 1, 0
    assert credit.costs[true, granted] == 5 and credit.costs[0, 1] == 1 and np.trace(credit.costs) == 0
    with pytest.raises(ValueError, match="read-only"):
        credit.y[0] = 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (GOOD[:-2], r"line 2: got 20 fields, expected 21"),
        (GOOD + " 1", r"line 2: got 22 fields, expected 21"),
        (GOOD.replace("A12 ", "A15 ", 1), r"line 2, field 1 \(checking_account\): got 'A15', .* A11, A12, A13, A14"),
        (GOOD.replace(" 24 ", " two "), r"line 2, field 2 \(duration\): got 'two', expected a positive whole number"),
        (GOOD.replace(" 2500 ", " -3 "), r"field 5 \(amount\): got '-3'"),
        (GOOD.replace(" A73 4 ", " A73 5 "), r"field 8 \(installment_rate\): got '5', expected one of 1, 2, 3, 4"),
        (GOOD[:-1] + "0", r"line 2: got the class '0', expected 1 \(good\) or 2 \(bad\)"),
        (GOOD.replace("A43", "Ä43"), r"field 4 \(purpose\)"),
    ],
)
def test_a_malformed_row_is_named_by_line_and_column(write: Callable[..., Path], row: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_credit(write(BAD, row))


def test_an_empty_file_and_unknown_meanings_are_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="holds no rows"):
        load_credit(write(""))
    with pytest.raises(ValueError, match="'corrected' or 'statlog', got 'german'"):
        load_credit(write(GOOD), meanings="german")


def test_offline_without_the_file_the_error_says_the_two_ways_on(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(DataNotFoundError, match=r"german\.data .*(?s:.)*dlcourse data fetch credit"):
        load_credit()


def test_a_table_that_does_not_fit_together_is_refused() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    with pytest.raises(ValueError, match="2 rows and 1 targets"):
        Table("demo", frame, np.zeros(1), {"a": "x"}, ("no", "yes"), "made up")
    with pytest.raises(ValueError, match=r"description for each column.*\['b'\]"):
        Table("demo", frame, np.zeros(2), {"b": "x"}, ("no", "yes"), "made up")
