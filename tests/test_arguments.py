"""A wrong argument is refused at the door, by name, with what came and what was expected."""

import numpy as np
import pytest

from dlcourse.arguments import check_array, check_count, check_finite, check_name, check_positive


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check_count("units", 0), ValueError, "units must be at least 1, got 0"),
        (lambda: check_count("units", 2.0), TypeError, r"units must be an integer, got 2\.0 \(float\)"),
        (lambda: check_count("units", True), TypeError, "must be an integer, got True"),
        (lambda: check_positive("rate", 0), ValueError, "rate must be above 0"),
        (lambda: check_finite("rate", float("nan")), ValueError, "rate must be finite, got nan"),
        (lambda: check_finite("rate", "1"), TypeError, "rate must be a number, got '1'"),
        (
            lambda: check_name("cell", "ltsm", ["lstm", "gru"]),
            ValueError,
            r"one of lstm, gru; got 'ltsm'\. Did you mean",
        ),
        (lambda: check_name("cell", 3, ["lstm"]), TypeError, "cell must be a string, got int"),
        (lambda: check_array("h_0", [1, 2], (3,)), ValueError, r"h_0 must have shape \(3\), got \(2,\)"),
        (lambda: check_array("x", [[]], (None, None)), ValueError, r"must have shape \(any, any\)"),
        (lambda: check_array("x", ["a"], (1,)), TypeError, "x must hold real numbers"),
        (lambda: check_array("x", [np.inf], (1,)), ValueError, "x must be finite"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_what_fits_comes_back_as_a_plain_number_or_a_float64_array():
    assert type(check_count("units", np.int64(3))) is int
    assert type(check_positive("rate", np.float32(0.5))) is float
    assert check_name("cell", "gru", ["lstm", "gru"]) == "gru"
    array = check_array("x", np.ones((2, 3), np.float32), (None, 3))
    assert array.dtype == np.float64
