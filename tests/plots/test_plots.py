import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse import plots


@pytest.fixture(autouse=True)
def headless():
    matplotlib.use("agg")
    yield
    plt.close("all")


class Kernel:
    """Stands in for a notebook's shell and collects what is displayed."""

    kernel = True

    def __init__(self):
        self.shown = []

    def display(self, data, metadata=None, raw=False):
        assert raw
        self.shown.append((data, metadata))


@pytest.fixture
def kernel(monkeypatch):
    import IPython
    import IPython.display

    fake = Kernel()
    monkeypatch.setattr(IPython, "get_ipython", lambda: fake)
    monkeypatch.setattr(IPython.display, "display", fake.display)
    return fake


def test_shown_figure_carries_its_description_in_words_and_metadata(kernel):
    plots.show(plt.figure(), alt="The loss falls to zero.")
    [(data, metadata)] = kernel.shown
    assert data["text/plain"] == "<Figure: The loss falls to zero.>"
    assert metadata == {"image/png": {"alt": "The loss falls to zero."}}
    assert plt.get_fignums() == []


def test_same_figure_gives_the_same_bytes(kernel):
    for _ in range(2):
        figure, ax = plt.subplots()
        ax.plot([1, 2, 3])
        plots.show(figure, alt="A straight line going up.")
    assert kernel.shown[0] == kernel.shown[1]


def test_animation_is_labelled_and_escaped(kernel):
    figure, ax = plt.subplots(figsize=(1, 1))
    (line,) = ax.plot([0, 1])
    plots.animate(figure, lambda frame: line.set_ydata([0, frame]), frames=2, alt='A line that "rises" & rises.')
    [(data, _)] = kernel.shown
    assert 'aria-label="A line that &quot;rises&quot; &amp; rises."' in data["text/html"]


def test_same_animation_gives_the_same_bytes(kernel):
    for _ in range(2):
        figure, ax = plt.subplots(figsize=(1, 1))
        (line,) = ax.plot([0, 1])
        plots.animate(figure, lambda frame, line=line: line.set_ydata([0, frame]), frames=2, alt="A line that rises.")
    assert kernel.shown[0] == kernel.shown[1]


@pytest.mark.parametrize("alt", ["", "plot", None])
def test_figures_without_description_are_refused(alt):
    with pytest.raises(ValueError, match="describe the picture"):
        plots.show(plt.figure(), alt=alt)


def test_decision_regions_colour_each_side_by_its_class():
    _, ax = plt.subplots()
    X = np.array([[0.0, 0.0], [1.0, 1.0]])
    plots.decision_regions(lambda points: (points[:, 0] > 0.5).astype(int), X, np.array([0, 1]), ax)
    assert len(ax.collections) >= 3
    assert ax.get_xlim()[0] < 0 < 1 < ax.get_xlim()[1]


def test_palette_keeps_its_colours_apart_for_people_with_deuteranopia():
    rgb = np.array([matplotlib.colors.to_rgb(color) for color in plots.PALETTE])
    # Machado, Oliveira and Fernandes (2009), full deuteranopia, applied to linear values.
    simulate = np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    )
    seen = np.clip(rgb**2.2 @ simulate.T, 0, 1) ** (1 / 2.2)
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert distances[np.triu_indices(len(seen), 1)].min() > 0.1
