"""The curves of training: what is drawn is what was reported, live where somebody watches, once where nobody does."""

from __future__ import annotations

from collections.abc import Iterator

import IPython.display
import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse.reinforcement import plots_training
from dlcourse.reinforcement.plots_training import LiveReturns, compare_learning

ROWS = [{"step": 500 * i, "evaluation_return": -1000.0 / i} for i in (1, 2, 3)]


class Handle:
    """Counts what a notebook would have drawn again."""

    def __init__(self) -> None:
        self.updates: list[object] = []

    def update(self, thing: object) -> None:
        self.updates.append(thing)


@pytest.fixture(autouse=True)
def no_figure_left_over() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    descriptions: list[str] = []

    def show(figure: plt.Figure, alt: str) -> None:
        descriptions.append(alt)
        plt.close(figure)

    monkeypatch.setattr(plots_training, "show", show)
    return descriptions


def test_the_curve_holds_the_reported_returns_and_both_lines() -> None:
    live = LiveReturns(goal=-200.0, best=-107.0)
    for row in ROWS:
        live(row)
    figure = live.figure()
    curve, goal, best = figure.axes[0].lines
    np.testing.assert_array_equal(curve.get_xydata(), [(row["step"], row["evaluation_return"]) for row in ROWS])
    assert (goal.get_ydata()[0], best.get_ydata()[0]) == (-200.0, -107.0)
    assert figure.axes[0].get_xlabel() and figure.axes[0].get_ylabel()
    plt.close(figure)


def test_one_picture_grows_where_somebody_watches(monkeypatch: pytest.MonkeyPatch, shown: list[str]) -> None:
    handle, displayed = Handle(), []
    monkeypatch.setattr(plots_training, "progress_enabled", lambda: True)
    monkeypatch.setattr(IPython.display, "display", lambda thing, display_id: displayed.append(thing) or handle)
    live = LiveReturns(goal=-200.0)
    for row in ROWS:
        live(row)
    assert len(displayed) == 1
    assert len(handle.updates) == 2
    assert all(image.data.startswith(b"\x89PNG") for image in [*displayed, *handle.updates])
    live.finish("It stands", "The return climbs to the goal.")
    assert handle.updates[-1].data == ""
    assert shown == ["The return climbs to the goal."]
    assert not plt.get_fignums()


def test_nothing_is_drawn_before_the_end_where_nobody_watches(
    monkeypatch: pytest.MonkeyPatch, shown: list[str]
) -> None:
    monkeypatch.setattr(plots_training, "progress_enabled", lambda: False)
    monkeypatch.setattr(IPython.display, "display", lambda *_, **__: pytest.fail("drew although nobody watches"))
    live = LiveReturns(goal=-200.0)
    for row in ROWS:
        live(row)
    live.finish("It stands", "The return climbs to the goal.")
    assert len(shown) == 1


@pytest.mark.parametrize("variants", [1, 3, 4, 5])
def test_every_variant_has_a_panel_with_its_seeds_and_its_median(variants: int) -> None:
    rng = np.random.default_rng(0)
    returns = {f"variant {number}": rng.normal(size=(3, 4)) for number in range(variants)}
    figure = compare_learning([1, 2, 3, 4], returns, goal=-200.0, best=-107.0)
    assert [ax.get_title(loc="left") for ax in figure.axes] == list(returns)
    for ax, table in zip(figure.axes, returns.values(), strict=True):
        np.testing.assert_allclose(ax.lines[3].get_ydata(), np.sort(table, axis=0)[1])
    plt.close(figure)


def test_one_seed_is_enough_and_the_legend_names_every_line() -> None:
    figure = compare_learning([1, 2], {"only": [[-900.0, -150.0]]}, goal=-200.0, best=-107.0)
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["one seed", "median", "stands up: -200", "dynamic programming: -107"]


@pytest.mark.parametrize("returns", [{}, {"a": [1.0, 2.0]}, {"a": [[1.0, 2.0, 3.0]]}, {"a": np.empty((0, 2))}])
def test_returns_that_do_not_fit_are_refused(returns: dict) -> None:
    with pytest.raises(ValueError, match="empty|expected"):
        compare_learning([1, 2], returns, goal=0.0)
    assert not plt.get_fignums()
