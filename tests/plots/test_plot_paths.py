"""Pictures of descents, and the palette that keeps stored notebooks small."""

from __future__ import annotations

import io

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from dlcourse import plots
from dlcourse.foundations import QuadraticBowl
from dlcourse.plots import display


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_surface_shows_the_descent_on_the_hill_and_on_the_map() -> None:
    path = np.array([[2.0, 1.0], [1.0, 0.5], [0.0, 0.0]])
    figure = plt.figure()
    plots.surface(QuadraticBowl().value, ((-5, 5), (-2, 2)), path, figure)
    solid, flat = figure.axes
    np.testing.assert_array_equal(solid.lines[0].get_data_3d(), [*path.T, QuadraticBowl().value(path)])
    np.testing.assert_array_equal(flat.lines[-1].get_xydata(), path)


def test_paths_end_where_asked_each_with_its_own_look() -> None:
    descents = {name: np.random.default_rng(seed).normal(size=(6, 2)) for seed, name in enumerate("abc")}
    _, ax = plt.subplots()
    plots.paths(descents, ax, last=3)
    ways, ends = ax.lines[::2], ax.lines[1::2]
    for points, way, end in zip(descents.values(), ways, ends, strict=True):
        np.testing.assert_array_equal(way.get_xydata(), points[:4])
        np.testing.assert_array_equal(end.get_xydata(), points[3:4])
    assert ax.get_legend_handles_labels()[1] == ["a", "b", "c"]
    assert len({(end.get_color(), end.get_marker()) for end in ends}) == 3


def test_a_stored_picture_is_smaller_and_keeps_white_and_the_course_colours() -> None:
    figure, ax = plt.subplots()
    ax.imshow(np.random.default_rng(0).random((30, 30)), extent=(0, 7, 0, 1), aspect="auto", cmap="viridis")
    for position, colour in enumerate(plots.PALETTE):
        ax.plot(position, 0.5, "o", color=colour)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    smaller = display._with_palette(buffer.getvalue())
    assert len(smaller) < 0.5 * len(buffer.getvalue())

    before, after = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in (buffer.getvalue(), smaller))
    for colour in (*plots.PALETTE, "white"):
        pixels = (before == np.round(255 * np.array(to_rgb(colour)))).all(axis=-1)
        assert pixels.any()
        np.testing.assert_array_equal(after[pixels], before[pixels])


def test_a_picture_of_few_colours_is_stored_unchanged() -> None:
    picture = np.random.default_rng(0).choice([0, 90, 255], size=(20, 30, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png")
    stored = Image.open(io.BytesIO(display._with_palette(buffer.getvalue())))
    np.testing.assert_array_equal(np.asarray(stored.convert("RGB")), picture)
