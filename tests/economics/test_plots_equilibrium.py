"""The pictures of a solved economy show the numbers that they are given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse.economics.plots_equilibrium import (
    by_age_in_shocks,
    errors_by_age,
    errors_near_the_kink,
    histograms,
    shares_and_truth,
)


@pytest.fixture(autouse=True)
def no_figure_left_over() -> Iterator[None]:
    yield
    plt.close("all")


def test_each_line_is_the_mean_of_its_shock_on_its_own_path() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(50, 4)), rng.normal(size=(30, 4))
    paths = [rng.integers(2, size=50), rng.integers(2, size=30)]
    figure = by_age_in_shocks({"one": first, "two": second}, paths, ["bad", "good"], common_scale=True)
    for ax, values, path in zip(figure.axes, (first, second), paths, strict=True):
        for shock, line in enumerate(ax.lines):
            np.testing.assert_allclose(line.get_ydata(), values[path == shock].mean(axis=0))
            assert line.get_xdata().tolist() == [21, 22, 23, 24]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_shares_are_compared_in_percent() -> None:
    truth = np.array([0.5, 0.4])
    left, right = shares_and_truth(truth * np.array([[1.01], [0.99], [1.03]]), truth).axes
    np.testing.assert_allclose(left.lines[1].get_ydata(), 1.01 * truth)
    for dots in right.lines[1:]:
        np.testing.assert_allclose(dots.get_ydata(), [1.0, -1.0, 3.0], atol=1e-9)


def test_errors_are_shown_in_percent_mean_and_maximum() -> None:
    errors = np.array([[0.01, -0.02], [0.03, 0.0]])
    mean, maximum = errors_by_age({"net": errors}, "Errors").axes[0].lines
    np.testing.assert_allclose(mean.get_ydata(), [2.0, 1.0])
    np.testing.assert_allclose(maximum.get_ydata(), [3.0, 2.0])


def test_histograms_count_every_error_and_every_period_once() -> None:
    figure = histograms({"net": [0.0, 1e-4, 0.5]}, {"a": [1.0, 2.0], "b": [3.0, 3.0]})
    heights = [[np.unique(patch.get_xy()[:, 1]).tolist() for patch in ax.patches] for ax in figure.axes]
    assert heights == [[pytest.approx([0, 1 / 3])], [pytest.approx([0, 1 / 2]), pytest.approx([0, 1])]]


def test_errors_are_binned_by_their_distance_and_empty_bins_left_out() -> None:
    ax = errors_near_the_kink([-0.4, -0.3, 0.3, 9.0], [0.01, 0.03, 0.02, 1.0], bins=3, widest=0.5).axes[0]
    mean, maximum = ax.lines[:2]
    np.testing.assert_allclose(mean.get_xdata(), [-1 / 3, 1 / 3])
    np.testing.assert_allclose(mean.get_ydata(), [2.0, 2.0])
    np.testing.assert_allclose(maximum.get_ydata(), [3.0, 2.0])


def test_what_cannot_be_drawn_is_refused() -> None:
    for call, words in (
        (lambda: by_age_in_shocks({}, [], []), "at least one quantity"),
        (lambda: by_age_in_shocks({"a": np.ones((3, 2))}, [0, 1], ["x", "y"]), r"\(3, 2\) for a path of 2"),
        (lambda: shares_and_truth(np.ones((3, 2)), [0.5]), "fit together"),
        (lambda: errors_by_age({}, "none"), "at least one array"),
        (lambda: histograms({}, {}), "at least one economy"),
        (lambda: errors_near_the_kink([0.1], [0.1, 0.2]), "equally many"),
        (lambda: errors_near_the_kink([2.0], [0.1]), "some within 0.5"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
