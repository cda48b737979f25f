"""The pictures over angle and speed: every number at its state, and an episode that leaves on one side comes back."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse.reinforcement import pendulum
from dlcourse.reinforcement.plots_control import policies_and_values, state_grid


@pytest.fixture(autouse=True)
def no_figure_left_over() -> Iterator[None]:
    yield
    plt.close("all")


def test_observations_of_the_grid_are_those_of_its_states() -> None:
    grid = state_grid(7)
    np.testing.assert_array_equal(grid.observations, pendulum.observe(grid.states[:, 0], grid.states[:, 1]))
    np.testing.assert_array_equal(grid.states[:7, 1], grid.speed)


def test_each_number_is_drawn_at_its_angle_and_speed_on_one_scale_for_all_policies() -> None:
    grid = state_grid(9)
    angle, speed = grid.states.T
    figure = policies_and_values(grid, {"a": (speed / 4, angle), "b": (-speed / 4, 3 * angle)})
    meshes = [ax.collections[0] for ax in figure.axes[:4]]
    np.testing.assert_allclose(np.reshape(meshes[0].get_array(), (9, 9))[:, 4], grid.speed / 4)
    np.testing.assert_allclose(np.reshape(meshes[2].get_array(), (9, 9))[4], grid.angle)
    assert [mesh.get_clim() for mesh in meshes] == [(-2, 2)] * 2 + [(-3 * np.pi, 3 * np.pi)] * 2
    assert [ax.get_title(loc="left") for ax in figure.axes[:4]] == ["a: torque", "b: torque", "a: value", "b: value"]


def test_an_episode_that_goes_round_is_drawn_in_one_line_a_turn_and_leaves_the_axes_as_they_are() -> None:
    grid = state_grid(5)
    angle = np.linspace(0.5, 0.5 + 4 * np.pi, 40)
    column = {"limp": (np.zeros(25), np.zeros(25))}
    bare = policies_and_values(grid, column).axes[0]
    for given in (angle, pendulum.wrap_angle(angle)):
        ax = policies_and_values(grid, column, np.stack([given, np.ones(40)], axis=1)).axes[0]
        assert (ax.get_xlim(), ax.get_ylim()) == (bare.get_xlim(), bare.get_ylim())
        *lines, start = ax.lines
        # Three turns are met, each in black on white; no line jumps across the picture.
        assert len(lines) == 6
        assert all(np.abs(np.diff(line.get_xdata())).max() < 0.5 for line in lines)
        shown = np.concatenate([line.get_xdata() for line in lines[::2]])
        for x in pendulum.wrap_angle(angle):
            assert np.abs(shown - x).min() < 1e-9
        assert start.get_xdata() == pytest.approx([0.5])


def test_what_does_not_fit_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        state_grid(1)
    with pytest.raises(ValueError, match="at least one policy"):
        policies_and_values(state_grid(3), {})
    with pytest.raises(ValueError, match="limp has 4 numbers for a grid of 3 x 3"):
        policies_and_values(state_grid(3), {"limp": (np.zeros(4), np.zeros(9))})
