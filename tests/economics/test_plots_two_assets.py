"""The pictures of the two-asset economy show the numbers that they are given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse.economics.euler_errors import ErrorStatistics
from dlcourse.economics.plots_two_assets import (
    impulse_responses,
    life_between_limits,
    limits_by_age,
    mean_errors_by_age,
    pledge_in_pictures,
    portfolios_by_age,
    price_over_shocks,
    roots_in_the_plane,
)
from dlcourse.economics.two_asset_errors import TwoAssetErrors


@pytest.fixture(autouse=True)
def no_figure_left_over() -> Iterator[None]:
    yield
    plt.close("all")


def test_a_bond_pays_its_pledge_below_the_kink_and_one_above() -> None:
    left, right = pledge_in_pictures([1.25, 1.0]).axes
    returns, payoff = left.lines[0].get_data()
    np.testing.assert_allclose(payoff, np.where(returns < 0.8, 1.25 * returns, 1.0))
    np.testing.assert_allclose(right.lines[0].get_ydata(), [0.0, -4.0])


def test_a_life_is_drawn_in_order_and_its_marked_ages_stand_where_they_are() -> None:
    capital, bonds = np.array([0.0, 1.0, 3.0, 1.0]), np.array([0.0, -0.8, 0.2, 0.5])
    ax = life_between_limits(capital, bonds, 1.25, [1, 2]).axes[0]
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), np.stack([capital, bonds], axis=1))
    assert [(text.get_text(), tuple(text.xy)) for text in ax.texts] == [("1", (1.0, -0.8)), ("2", (3.0, 0.2))]
    edge_k, edge_b = ax.lines[0].get_data()
    np.testing.assert_allclose(edge_k + 1.25 * edge_b, 0.0)


def test_portfolios_are_means_over_the_periods() -> None:
    rng = np.random.default_rng(0)
    capital, bonds = rng.uniform(size=(2, 30, 4))
    one, two = portfolios_by_age({"path": (capital, bonds), "one state": (capital[0], bonds[0])}).axes
    np.testing.assert_allclose(one.lines[0].get_ydata(), capital.mean(axis=0))
    np.testing.assert_allclose(one.lines[1].get_ydata(), bonds.mean(axis=0))
    np.testing.assert_allclose(two.lines[1].get_ydata(), bonds[0])


def test_limits_are_shown_in_percent_by_age() -> None:
    ax = limits_by_age({"q = 0": [1.0, 0.25], "k' = 0": [0.5, 0.0]}).axes[0]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[100.0, 25.0], [50.0, 0.0]]


def test_every_root_up_to_three_is_drawn_once_on_its_side_of_the_circle() -> None:
    roots = np.array([0.5, 0.3 + 0.4j, -1.0, 2.0j, 7.0])
    inside, outside, circle = roots_in_the_plane(roots).axes[0].lines
    assert sorted(inside.get_xdata()) == [0.3, 0.5]
    assert sorted(zip(*outside.get_data(), strict=True)) == [(-1.0, 0.0), (0.0, 2.0)]
    np.testing.assert_allclose(np.hypot(*circle.get_data()), 1.0)


def test_errors_of_both_assets_are_shown_in_percent() -> None:
    none = ErrorStatistics.of(np.zeros((2, 3)))
    found = TwoAssetErrors(
        *[none] * 5, np.full(3, 0.01), np.array([0.02, 0.0, 0.03]), 0.0, 0.0, (1.0, 0.0), (1.0, 1.0), None
    )
    capital, bond = mean_errors_by_age({"linear": found}).axes
    np.testing.assert_allclose(capital.lines[0].get_ydata(), [1.0, 1.0, 1.0])
    # A zero has no logarithm: it is drawn at the bottom.
    np.testing.assert_allclose(bond.lines[0].get_ydata(), [2.0, 1e-6, 3.0])


def test_prices_are_sorted_by_shock() -> None:
    calm, disaster = price_over_shocks([0.9, 0.95, 0.91], [140.0, 120.0, 141.0], [0, 1, 0], ["a", "b"]).axes[0].lines
    assert calm.get_xydata().tolist() == [[140.0, 0.9], [141.0, 0.91]]
    assert disaster.get_xydata().tolist() == [[120.0, 0.95]]


def test_each_quantity_has_a_panel_with_a_line_for_each_impulse() -> None:
    answers = {
        "disaster": {"K": [0.0, -2.0], "p": [1.0, 0.5], "c": [0.1, 0.2]},
        "boom": {"K": [0.0, 1.0], "p": [0.2, 0.1], "c": [0.3, 0.4]},
    }
    axes = impulse_responses(answers).axes
    assert [ax.get_title(loc="left") for ax in axes] == ["K", "p", "c", ""]
    assert [line.get_ydata().tolist() for line in axes[0].lines[:2]] == [[0.0, -2.0], [0.0, 1.0]]


def test_what_cannot_be_drawn_is_refused() -> None:
    for call, words in (
        (lambda: pledge_in_pictures([]), "at least one kappa"),
        (lambda: pledge_in_pictures([1.0, -1.0]), "all positive"),
        (lambda: life_between_limits([0.0, 1.0], [0.0], 1.1, []), r"capital \(2,\), bonds \(1,\)"),
        (lambda: life_between_limits([0.0, 1.0], [0.0, 1.0], 1.1, [2]), r"marked \[2\]"),
        (lambda: portfolios_by_age({}), "at least one pair"),
        (lambda: portfolios_by_age({"a": ([1.0], [1.0, 2.0])}), r"\(1, 1\) and bonds \(1, 2\)"),
        (lambda: limits_by_age({}), "at least one limit"),
        (lambda: limits_by_age({"q": [1.5]}), "between 0 and 1"),
        (lambda: roots_in_the_plane([]), "at least one"),
        (lambda: mean_errors_by_age({}), "at least one policy"),
        (lambda: price_over_shocks([0.9], [140.0], [2], ["a", "b"]), "do not fit"),
        (lambda: price_over_shocks([0.9], [140.0, 1.0], [0], ["a"]), "do not fit"),
        (lambda: impulse_responses({}), "at least one"),
        (lambda: impulse_responses({"a": {"K": [0.0]}, "b": {"p": [0.0]}}), "same quantities"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
