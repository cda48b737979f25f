"""The search: what it draws, trains, scores and writes; event files are read by TensorFlow, not by our own reader."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorflow.core.framework import graph_pb2
from tensorflow.core.util import event_pb2

from dlcourse.approximation.search import Trial, draw_settings, run_search

SPACE = {"layers": (1, 2), "rate": (0.01, 0.1), "activation": ("relu", "tanh")}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
CLASSES = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def build(setting: dict) -> tuple[keras.Model, keras.optimizers.Optimizer]:
    hidden = [keras.layers.Dense(16, setting["activation"], name=f"hidden_{i}") for i in range(setting["layers"])]
    model = keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(2, name="output")])
    return model, keras.optimizers.Adam(setting["rate"])


def accuracy(y: np.ndarray, outputs: np.ndarray) -> float:
    return float(np.mean(outputs.argmax(axis=1) == y))


def search(**how: object) -> list[Trial]:
    return run_search(SPACE, build, (X[:64], Y[:64]), (X[64:], Y[64:]), CLASSES, accuracy, batch_size=16, **how)


def events(folder: Path) -> list[event_pb2.Event]:
    """All events of a run, straight from its files."""
    records = [record for path in sorted(folder.glob("*.tfevents.*")) for record in tf.data.TFRecordDataset(str(path))]
    return [event_pb2.Event.FromString(record.numpy()) for record in records]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Trial]]:
    folder = tmp_path_factory.mktemp("runs")
    return folder, search(trials=3, epochs=8, log_dir=folder, histograms_every=3)


@given(st.integers(1, 12), st.integers(0, 10))
def test_settings_are_drawn_from_the_space_and_none_twice(trials: int, seed: int) -> None:
    settings = draw_settings(SPACE, trials, seed)
    assert len(settings) == min(trials, 8)
    assert len({tuple(setting.items()) for setting in settings}) == len(settings)
    for setting in settings:
        assert list(setting) == list(SPACE)
        assert all(value in SPACE[name] for name, value in setting.items())
    assert settings == draw_settings(SPACE, trials, seed)


def test_more_trials_begin_with_the_same_settings() -> None:
    assert draw_settings(SPACE, 8, seed=5)[:3] == draw_settings(SPACE, 3, seed=5)


def test_a_trial_is_scored_after_every_epoch_and_holds_the_network_it_was_scored_with(logged: tuple) -> None:
    for trial in logged[1]:
        assert trial.losses.shape == trial.scores.shape == (8,)
        assert trial.score == accuracy(Y[64:], np.asarray(trial.model(X[64:])))
        assert trial.losses[-1] < trial.losses[0]


def test_logging_changes_nothing(logged: tuple) -> None:
    for ours, other in zip(logged[1], search(trials=3, epochs=8), strict=True):
        assert ours.setting == other.setting
        np.testing.assert_array_equal(ours.losses, other.losses)


def test_scalars_in_the_event_files_are_the_losses_and_scores(logged: tuple) -> None:
    folder, trials = logged
    for trial in trials:
        values = defaultdict(dict)
        for event in events(folder / trial.name):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars" or value.tag in values:
                    values[value.tag][event.step] = float(tf.make_ndarray(value.tensor))
        assert set(values) == {"loss", "score"}
        np.testing.assert_allclose([values["loss"][step] for step in range(8)], trial.losses, rtol=1e-6)
        np.testing.assert_allclose([values["score"][step] for step in range(8)], trial.scores, rtol=1e-6)


def test_histograms_hold_every_weight_at_the_chosen_epochs_and_at_the_last(logged: tuple) -> None:
    folder, trials = logged
    for trial in trials:
        found = defaultdict(dict)
        for event in events(folder / trial.name):
            for value in event.summary.value:
                if "/" in value.tag and value.HasField("tensor") and "hparams" not in value.tag:
                    found[value.tag][event.step] = tf.make_ndarray(value.tensor)
        sizes = {f"{layer.name}/{w.name}": w.shape for layer in trial.model.layers for w in layer.trainable_variables}
        assert {tag: set(steps) for tag, steps in found.items()} == {tag: {0, 3, 6, 7} for tag in sizes}
        for tag, shape in sizes.items():
            assert all(buckets[:, 2].sum() == np.prod(shape) for buckets in found[tag].values())
        weights = trial.model.get_layer("output").get_weights()[0]
        last = found["output/kernel"][7]
        assert last[0, 0] == pytest.approx(float(np.min(weights)), abs=1e-5)
        assert last[-1, 1] == pytest.approx(float(np.max(weights)), abs=1e-5)


def test_the_graph_holds_the_networks_layers(logged: tuple) -> None:
    folder, trials = logged
    for trial in trials:
        graphs = [event.graph_def for event in events(folder / trial.name) if event.graph_def]
        assert len(graphs) == 1
        nodes = [node.name for node in graph_pb2.GraphDef.FromString(graphs[0]).node]
        for layer in trial.model.layers:
            assert any(layer.name in node for node in nodes), (layer.name, nodes)


def test_hyperparameters_are_those_of_the_trial_and_the_page_knows_the_space(logged: tuple) -> None:
    folder, trials = logged

    def plugin_data(run: Path) -> list[plugin_data_pb2.HParamsPluginData]:
        return [
            plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content)
            for event in events(run)
            for value in event.summary.value
            if value.metadata.plugin_data.plugin_name == "hparams"
        ]

    (experiment,) = plugin_data(folder)
    assert {info.name for info in experiment.experiment.hparam_infos} == set(SPACE)
    assert [info.name.tag for info in experiment.experiment.metric_infos] == ["score"]
    for trial in trials:
        start, end = plugin_data(folder / trial.name)
        logged_setting = {
            name: getattr(value, value.WhichOneof("kind")) for name, value in start.session_start_info.hparams.items()
        }
        assert logged_setting == trial.setting
        assert end.WhichOneof("data") == "session_end_info"


def test_two_searches_in_one_log_keep_their_trials_apart(logged: tuple, tmp_path: Path) -> None:
    # TensorBoard averages the metrics of runs with one group name.
    search(trials=1, epochs=1, log_dir=tmp_path / "other")
    names = {
        plugin_data_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content).session_start_info.group_name
        for run in (logged[0] / "trial-00", tmp_path / "other" / "trial-00")
        for event in events(run)
        for value in event.summary.value
        if value.tag.startswith("_hparams_/session_start_info")
    }
    assert len(names) == 2


def test_a_setting_that_diverges_ends_its_own_trial_only() -> None:
    squares = keras.losses.MeanSquaredError()

    def linear(setting: dict) -> tuple[keras.Model, keras.optimizers.Optimizer]:
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        return model, keras.optimizers.SGD(setting["rate"])

    rows = (X, X[:, :1])
    found = run_search(
        {"rate": (1e20, 0.1)}, linear, rows, rows, squares, lambda y, p: -np.mean((y - p) ** 2), trials=2, epochs=4
    )
    by_rate = {trial.setting["rate"]: trial for trial in found}
    assert len(by_rate[1e20].losses) < 4
    assert len(by_rate[0.1].losses) == 4
    assert by_rate[0.1].score > -0.1
    assert np.isnan(by_rate[1e20].score) or by_rate[1e20].score < -1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: draw_settings({}, 2), ValueError, "at least one value"),
        (lambda: draw_settings({"layers": ()}, 2), ValueError, "at least one value"),
        (lambda: draw_settings(SPACE, 0), ValueError, "trials must be at least 1"),
        (lambda: draw_settings(SPACE, 2.0), TypeError, "trials must be an integer"),
        (lambda: search(trials=1, epochs=0), ValueError, "epochs must be at least 1"),
        (lambda: search(trials=1, epochs=1, histograms_every=0), ValueError, "histograms_every must be at least 1"),
    ],
)
def test_bad_input_is_named(call, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_two_searches_do_not_share_a_folder(logged: tuple) -> None:
    with pytest.raises(ValueError, match="folder of its own"):
        search(trials=1, epochs=1, log_dir=logged[0])
