"""The plots that show what a unit or a classifier answers."""

import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse import plots


@pytest.fixture(autouse=True)
def headless():
    matplotlib.use("agg")
    with plots.style():
        yield
    plt.close("all")


@pytest.mark.parametrize("weights", [(-0.5, 1.0, 2.0), (0.3, -2.0, 0.1), (0.1, 0.0, 1.0), (0.1, 1.0, 0.0)])
def test_boundary_lies_where_the_sum_is_zero_and_keeps_the_limits(weights):
    _, ax = plt.subplots()
    ax.set(xlim=(-1, 2), ylim=(-3, 4))
    plots.boundary(np.array(weights), ax)
    first, second = ax.lines[0].get_data()
    np.testing.assert_allclose(weights[0] + weights[1] * first + weights[2] * second, 0, atol=1e-12)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 2), (-3, 4))


def test_boundary_of_a_unit_that_ignores_its_inputs_is_not_drawn():
    _, ax = plt.subplots()
    plots.boundary(np.array([1.0, 0.0, 0.0]), ax)
    assert len(ax.lines) == 0


def test_output_field_draws_a_constant_output_without_a_warning():
    _, ax = plt.subplots()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.output_field(lambda X: np.zeros(len(X)), ax)


def test_output_field_takes_a_column_of_outputs_and_marks_one_half():
    _, ax = plt.subplots()
    plots.output_field(lambda X: X[:, :1], ax, bounds=((0, 1), (0, 1)))
    line = ax.collections[-1].get_paths()[0].vertices
    np.testing.assert_allclose(line[:, 0], 0.5, atol=1e-9)


def test_answers_name_the_mistake_in_words_and_leave_spare_places_empty():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    figure = plots.answers(np.zeros((3, 4, 4)), probabilities, np.array([0, 1, 1]), ["first", "second"], columns=2)
    titles = [ax.get_title(loc="center") for ax in figure.axes if ax.get_title(loc="center")]
    assert titles == ["0 (90%)", "0 (80%), is 1", "1 (70%)"]
    assert {text.get_text() for ax in figure.axes for text in ax.texts} == {"first", "second"}
