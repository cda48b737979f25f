"""The pictures of Lab 07 show the numbers that they are given, and refuse what does not fit."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse.reinforcement import plots_values
from dlcourse.reinforcement.atari_film import GameFilm


@pytest.fixture(autouse=True)
def no_figure_left_over() -> Iterator[None]:
    yield
    plt.close("all")


def film_of(steps: int = 60) -> GameFilm:
    values = np.zeros((steps, 4), np.float32)
    values[:, 2] = np.linspace(1, 2, steps)
    rewards = np.zeros(steps)
    rewards[[10, 40]] = 1
    lives = np.full(steps, 5)
    lives[30:] = 4
    pictures = np.zeros((steps, 210, 160, 3), np.uint8)
    pictures[:, 190:192, 100:116] = 200
    return GameFilm(pictures, np.zeros((steps, 4, 84, 84), np.uint8), values, values.argmax(1), rewards, lives, False)


def test_the_values_of_a_game_stand_at_their_times_with_bricks_and_lost_lives() -> None:
    figure = plots_values.values_along_game(film_of(), [5, 50])
    curve, bricks, lost = figure.axes[0].lines[:3]
    np.testing.assert_allclose(curve.get_xdata(), np.arange(60) / 15)
    np.testing.assert_allclose(curve.get_ydata(), np.linspace(1, 2, 60), rtol=1e-6)
    np.testing.assert_allclose(bricks.get_xdata(), [10 / 15, 40 / 15])
    assert lost.get_xdata()[0] == pytest.approx(30 / 15)
    assert [ax.get_title(loc="left") for ax in figure.axes[1:]] == ["a: 1.1", "b: 1.8"]


def test_moments_show_the_move_with_an_arrow_above_the_paddle() -> None:
    picture = film_of().pictures[0]
    figure = plots_values.moments([picture, picture], ["LEFT", "NOOP"], ["A", "B"])
    left, stay = figure.axes
    (arrow,) = left.texts
    assert arrow.xyann == (pytest.approx(107.5), 180)
    assert arrow.xy[0] < arrow.xyann[0]
    assert not stay.texts
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["A: left", "B: stay"]


def test_the_strip_ends_with_the_newest_frame() -> None:
    stack = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((84, 84), np.uint8)
    screen = np.full((210, 160, 3), 9, np.uint8)
    figure = plots_values.preprocessing_strip(screen, screen // 3, stack)
    shown = [np.asarray(ax.images[0].get_array()).max() for ax in figure.axes]
    assert shown == [9, 3, 9, 3, 0, 1, 2, 3]


def test_an_animation_takes_every_second_step_and_counts_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    monkeypatch.setattr(
        plots_values, "animate", lambda figure, draw, **rest: seen.update(rest, figure=figure, draw=draw)
    )
    plots_values.animate_film(film_of(), 8, 20, every=2, alt="a ball")
    assert (seen["frames"], seen["alt"], seen["interval"]) == (6, "a ball", 133)
    seen["draw"](0)
    assert seen["figure"].axes[0].get_title(loc="left") == "0 points"
    seen["draw"](5)
    assert seen["figure"].axes[0].get_title(loc="left") == "1 points"


def test_promise_and_receipt_are_drawn_for_each_variant() -> None:
    figure = plots_values.promised_and_received([1, 2], {"plain": ([3, 4], [1, 2]), "double": ([1, 2], [1, 2])})
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["plain", "double"]
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[3, 4], [1, 2]]


def test_curves_and_paths_are_drawn_as_given() -> None:
    curves = plots_values.learning_curves({"a": ([1, 2], [3, 4]), "b": ([1, 2], [5, 6])}, "title", "y", goal=9)
    assert [line.get_ydata()[-1] for line in curves.axes[0].lines] == [4, 6, 9]
    tracks = plots_values.race_tracks({"none": [0, 1], "much": [0, 1, 0]}, finish=9, buoy=3)
    assert [ax.lines[-1].get_ydata()[-1] for ax in tracks.axes] == [1, 0]


def test_what_does_not_fit_is_refused() -> None:
    screen = np.zeros((210, 160, 3), np.uint8)
    with pytest.raises(ValueError, match="2 rows and 1 columns"):
        plots_values.value_table([[1.0]], ["a", "b"], ["c"], "title")
    with pytest.raises(ValueError, match="as many of each"):
        plots_values.moments([screen], ["LEFT"], ["A", "B"])
    with pytest.raises(ValueError, match=r"give \(210, 160, 3\) twice"):
        plots_values.preprocessing_strip(screen, screen, np.zeros((84, 84), np.uint8))
    with pytest.raises(ValueError, match="steps of the film"):
        plots_values.values_along_game(film_of(), [60])
    with pytest.raises(ValueError, match="part that has steps"):
        plots_values.animate_film(film_of(), 60, 70, alt="nothing")
    with pytest.raises(ValueError, match="expected"):
        plots_values.promised_and_received([1, 2], {"plain": ([3, 4], [1])})
    for empty in (
        lambda: plots_values.promised_and_received([1], {}),
        lambda: plots_values.learning_curves({}, "title", "y"),
        lambda: plots_values.race_tracks({}, 9, 3),
    ):
        with pytest.raises(ValueError, match="at least one"):
            empty()
