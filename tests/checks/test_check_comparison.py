"""Comparison agrees with NumPy's; snapshots and wording are plain and short."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlcourse.checks.comparison import difference, same
from dlcourse.checks.values import Opaque, snapshot
from dlcourse.checks.wording import inputs_text, number_text, value_text

FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)
SHAPES = hnp.array_shapes(max_dims=3, max_side=4)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), shape=SHAPES, rtol=st.floats(0, 0.1), atol=st.floats(0, 1.0))
def test_arrays_agree_exactly_where_numpy_says_they_are_close(data: Any, shape: Any, rtol: float, atol: float) -> None:
    expected = data.draw(hnp.arrays(float, shape, elements=st.floats(-10, 10) | st.sampled_from([np.nan, np.inf])))
    got = expected + data.draw(hnp.arrays(float, shape, elements=st.floats(-0.5, 0.5) | st.just(0.0)))
    oracle = np.allclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    assert same(expected, got, rtol, atol) == oracle
    assert same(expected.tolist(), got.tolist(), rtol, atol) == oracle


def test_the_relative_tolerance_is_relative_to_the_expected_value() -> None:
    assert not same(1.0, 1.1, rtol=0.095, atol=0.0)
    assert same(1.1, 1.0, rtol=0.095, atol=0.0)


def test_a_snapshot_is_not_fooled_by_what_an_object_says_of_itself() -> None:
    class Liar:
        __class__ = float

    assert snapshot(Liar()) == Opaque("a Liar object")
    nested: list = []
    nested.append(nested)
    assert "too deeply nested" in str(snapshot(nested))
    huge = np.broadcast_to(1.0, (10**6, 10**6))
    assert snapshot(huge) == Opaque("an array of shape (1000000, 1000000), too large to compare")


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(FLOATS | st.integers() | st.text() | st.none(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_a_snapshot_agrees_with_itself_and_its_text_is_one_short_line(value: Any) -> None:
    plain = snapshot(value)
    assert same(plain, snapshot(value), 0.0, 0.0) or "whole number" in str(plain)
    text = value_text(plain)
    assert text.isascii() and text.isprintable() and len(text) < 700


@settings(max_examples=100, deadline=None)
@given(FLOATS)
def test_seventeen_digits_give_a_number_back(number: float) -> None:
    assert float(number_text(number, 17)) == number or np.isnan(number)


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        (1.0, 2.0, "it returned 2.0, expected 1.0"),
        (1, 1.5, "it returned 1.5, expected 1"),
        (1.0, None, "it returned None, expected 1.0"),
        (1.0, "1.0", "it returned '1.0', expected 1.0"),
        (1.0, np.ones((2, 2)), "it returned an array of shape (2, 2), expected the number 1.0"),
        ("cat", "dog", "it returned 'dog', expected 'cat'"),
        (True, False, "it returned False, expected True"),
        (10**17, 10**17 + 1, "it returned 100000000000000001, expected 100000000000000000"),
        ((1.0, 2.0), 1.0, "it returned 1.0, expected a tuple of 2"),
        ((1.0, 2.0), (1.0,), "it returned a tuple of 1, expected one of 2"),
        ((1.0, [2.0, 3.0]), (1.0, [2.0, 4.0]), "result[1][1] is 4.0, expected 3.0"),
        ({"a": 1.0}, {"b": 1.0}, "it returned a dict with the keys 'b', expected the keys 'a'"),
        ({"a": 1.0}, 1.0, "it returned 1.0, expected a dict with the keys 'a'"),
        (np.zeros(3), np.zeros((3, 1)), "it returned an array of shape (3, 1), expected shape (3,)"),
        (np.zeros(3), [0, 0, 0], "it returned the list [0, 0, 0], expected an array of shape (3,)"),
        (np.zeros(3), np.array([0.0, 1.0, 0.0]), "it returned [0.0, 1.0, 0.0], expected [0.0, 0.0, 0.0]"),
        (np.zeros((4, 3)), np.eye(4, 3), "result[0, 0] is 1.0, expected 0.0 (3 of 12 entries differ)"),
        (np.array(["a", "b"]), np.array(["a", "c"]), "it returned ['a', 'c'], expected ['a', 'b']"),
        (np.zeros(2), np.array(["a", "c"]), "it returned ['a', 'c'], expected [0.0, 0.0]"),
        (1.0, Opaque("a generator"), "it returned a generator, expected 1.0"),
    ],
)
def test_a_difference_is_said_in_words(expected: Any, got: Any, said: str) -> None:
    assert difference(expected, got, rtol=1e-6, atol=1e-9) == said
    assert difference(expected, expected, rtol=0.0, atol=0.0) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.arange(10.0), "[0.0, 1.0, 2.0, 3.0, ...] of shape (10,)"),
        (np.zeros((1, 7)), "[[0.0, 0.0, 0.0, 0.0, ...]] of shape (1, 7)"),
        (np.zeros((2, 2, 2)), "[[[0.0, 0.0], ...], ...] of shape (2, 2, 2)"),
        (np.zeros((0, 3)), "an empty array of shape (0, 3)"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        (np.array([True, False]), "[True, False]"),
        (1 - 2j, "(1.0 - 2.0j)"),
        ((1.0,), "(1.0,)"),
        (list(range(9)), "a list of 9 entries"),
        ({"rate": 0.1, "name": "adam"}, "{'rate': 0.1, 'name': 'adam'}"),
        ("a" * 99, "'" + "a" * 55 + "...'"),
        (-0.0, "0.0"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
    ],
)
def test_values_are_shown_short(value: Any, text: str) -> None:
    assert value_text(snapshot(value)) == text


def test_inputs_have_the_references_names_and_long_lists_of_them_are_cut() -> None:
    def reference(objective, *more, rate=0.1, **options):
        return None

    assert inputs_text(reference, (np.tanh, 1, 2), {"rate": 0.5, "steps": 3}) == (
        "objective = tanh, more[0] = 1, more[1] = 2, rate = 0.5, steps = 3"
    )
    assert inputs_text(reference, (lambda x: x,), {}) == "objective = a function"
    assert inputs_text(lambda x: x, (1, 2), {}) == "input 1 = 1, input 2 = 2"
    long = inputs_text(reference, tuple(["word" * 10] * 20), {})
    assert len(long) < 260 and long.endswith(", ...")


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_arrays_from_frameworks_come_out_as_plain_numbers() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    plain = snapshot(np.array([1.5, 2.0], dtype=ml_dtypes.bfloat16))
    assert plain.dtype == np.float64 and plain.tolist() == [1.5, 2.0]
    assert type(snapshot(np.float32(1.5))) is float and type(snapshot(np.array(3))) is int
    assert type(snapshot(np.matrix([[1.0]]))) is np.ndarray


def test_a_dataclass_is_compared_by_its_fields() -> None:
    from dataclasses import make_dataclass

    point = make_dataclass("point", ["x", "y"])
    assert snapshot(point(1.0, [2])) == {"x": 1.0, "y": [2]}
