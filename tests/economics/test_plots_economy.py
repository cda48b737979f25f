"""The pictures of an economy show the numbers that they are given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse.economics.benchmark_olg import benchmark_olg
from dlcourse.economics.plots_economy import complementarity_forms, economy_in_pictures


@pytest.fixture(autouse=True)
def no_figure_left_over() -> Iterator[None]:
    yield
    plt.close("all")


def test_labour_and_shocks_are_the_economy_s_and_six_lives_overlap() -> None:
    economy = benchmark_olg()
    lives, work, shocks = economy_in_pictures(economy, [0, 1, 2, 3], lives=6).axes
    np.testing.assert_array_equal(work.lines[0].get_ydata(), economy.labour)
    np.testing.assert_array_equal(work.lines[0].get_xdata(), np.arange(21, 81))
    assert [line.get_ydata().tolist() for line in shocks.lines] == [[0.85, 1.15, 0.85, 1.15], [0.5, 0.5, 0.9, 0.9]]
    for period in range(8):
        ages = [line.get_ydata()[line.get_xdata() == period].tolist() for line in lives.lines]
        assert sorted(age for column in ages for age in column) == [1, 2, 3, 4, 5, 6]


def test_the_zeros_of_a_minimum_are_a_corner_and_those_of_a_product_a_cross() -> None:
    figure = complementarity_forms({"product": lambda x, y: x * y, "min": np.minimum})
    crosses = []
    for ax in figure.axes[:2]:
        black = [c for c in ax.collections if len(c.get_edgecolor()) and (c.get_edgecolor()[0][:3] == 0).all()]
        points = np.concatenate([path.vertices for collection in black for path in collection.get_paths()])
        assert np.abs(points).min(axis=1).max() < 0.02
        crosses.append(bool((points < -0.5).any()))
    assert crosses == [True, False]


def test_what_cannot_be_drawn_is_refused() -> None:
    for call, words in (
        (lambda: economy_in_pictures(benchmark_olg(6), [0, 7]), "from 0 to 3"),
        (lambda: economy_in_pictures(benchmark_olg(6), [0], lives=1), "at least 2"),
        (lambda: complementarity_forms({}), "at least one function"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
