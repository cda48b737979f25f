"""What TensorBoard shows, written and read: event files with scalars, histograms, graphs and hyperparameters.

Used in: Lab 04

Reference: Lecture 004, "ACTION REQUIRED" after "A SEMI-COMPREHENSIVE TF TOUR": try to use TensorBoard.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import TracebackType

import keras
import numpy as np
import tensorflow as tf

Setting = Mapping[str, bool | int | float | str]


def log_space(log_dir: str | os.PathLike[str], space: Mapping[str, Sequence[bool | int | float | str]]) -> None:
    """Tells TensorBoard's HParams page which hyperparameters there are and that the metric is called "score".

    Args:
        log_dir: folder of the whole search; made if missing.
        space: name of each hyperparameter to its possible values, all of one type.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> log_space(folder, {"layers": (1, 2)})
        >>> len(list(folder.glob("events*")))
        1

    Used in: Lab 04
    """
    from tensorboard.plugins.hparams import api

    writer = tf.summary.create_file_writer(str(log_dir))
    with writer.as_default():
        api.hparams_config(
            hparams=[api.HParam(name, api.Discrete(list(values))) for name, values in space.items()],
            metrics=[api.Metric("score", display_name="score on the validation rows")],
        )
    writer.close()


class RunLog:
    """Writes one training run for TensorBoard; use it in a `with` statement.

    Args:
        folder: the run's own folder; TensorBoard names the run after it.
        setting: hyperparameters of the run, for the HParams page.
        model: the model that is trained; its graph is written at once.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> folder = Path(tempfile.mkdtemp(), "trial-00")
        >>> with RunLog(folder, {"layers": 0}, model) as log:
        ...     log.epoch(0, {"loss": 0.5, "score": 0.75})
        >>> read_runs(folder.parent)["trial-00"].scalars["score"][1].tolist()
        [0.75]

    Used in: Lab 04
    """

    def __init__(self, folder: str | os.PathLike[str], setting: Setting, model: keras.Model) -> None:
        from tensorboard.plugins.hparams import api

        self._model = model
        self._writer = tf.summary.create_file_writer(str(folder))
        with self._writer.as_default():
            # With the search's folder in front: TensorBoard averages the runs that share a name, even of two searches.
            api.hparams(dict(setting), trial_id="/".join(Path(folder).absolute().parts[-2:]))
            tf.summary.graph(_graph_of(model))

    def epoch(self, epoch: int, scalars: Mapping[str, float], histograms: bool = False) -> None:
        """Writes the figures of one epoch and, where asked for, the distribution of every weight tensor."""
        with self._writer.as_default(step=epoch):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)
            if histograms:
                for layer in self._model.layers:
                    for weight in layer.trainable_variables:
                        tf.summary.histogram(f"{layer.name}/{weight.name}", weight)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from tensorboard.plugins.hparams import api_pb2, summary

        # Without an end, the HParams page lists the run as still going on.
        end = summary.session_end_pb(api_pb2.STATUS_SUCCESS if kind is None else api_pb2.STATUS_FAILURE)
        with self._writer.as_default():
            tf.summary.experimental.write_raw_pb(end.SerializeToString(), step=0)
        self._writer.close()


def _graph_of(model: keras.Model) -> tf.Graph:
    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="inputs")
    return tf.function(lambda inputs: model(inputs, training=False)).get_concrete_function(signature).graph


@dataclass(frozen=True)
class LoggedRun:
    """What one run's event files hold.

    Args:
        scalars: tag to (steps, values), each of shape (n,).
        histograms: tag to {step: buckets of shape (k, 3)}: left edge, right edge, number of weights.
        hyperparameters: the setting of the run, empty where none was written.
        has_graph: whether there is a graph.
    """

    scalars: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    histograms: dict[str, dict[int, np.ndarray]] = field(default_factory=dict)
    hyperparameters: dict[str, bool | float | str] = field(default_factory=dict)
    has_graph: bool = False


def read_runs(log_dir: str | os.PathLike[str]) -> dict[str, LoggedRun]:
    """Reads back what TensorBoard would show.

    Args:
        log_dir: folder that was given to TensorBoard as `--logdir`.

    Returns:
        Name of each run (its folder relative to `log_dir`, "." for `log_dir` itself) to its contents, in order.

    Raises:
        FileNotFoundError: if there are no event files under `log_dir`.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with tf.summary.create_file_writer(folder).as_default(step=3):
        ...     _ = tf.summary.scalar("loss", 0.25)
        >>> read_runs(folder)["."].scalars["loss"]
        (array([3]), array([0.25]))

    Used in: Lab 04
    """
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator

    folders = sorted({path.parent for path in Path(log_dir).rglob("*.tfevents.*")})
    if not folders:
        raise FileNotFoundError(f"no event files under {log_dir}; is it the folder that the runs were logged to?")
    runs = {}
    for folder in folders:
        # Zero: keep every step, where TensorBoard would keep a sample.
        events = EventAccumulator(str(folder), size_guidance={TENSORS: 0}).Reload()
        runs[str(folder.relative_to(log_dir))] = _read_run(events)
    return runs


def _read_run(events: object) -> LoggedRun:
    tags = events.Tags()
    run = LoggedRun(has_graph=bool(tags["graph"]))
    for tag in tags["tensors"]:
        metadata = events.SummaryMetadata(tag)
        plugin = metadata.plugin_data.plugin_name
        values = [(event.step, tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        if plugin == "scalars":
            run.scalars[tag] = (np.array([step for step, _ in values]), np.array([float(value) for _, value in values]))
        elif plugin == "histograms":
            run.histograms[tag] = dict(values)
        elif plugin == "hparams":
            run.hyperparameters.update(_hyperparameters(metadata.plugin_data.content))
    return run


def _hyperparameters(content: bytes) -> dict[str, bool | float | str]:
    from tensorboard.plugins.hparams import plugin_data_pb2

    start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in sorted(start.hparams.items())}


def show_tensorboard(log_dir: str | os.PathLike[str]) -> bool:
    """Opens TensorBoard below the cell, in Jupyter and in Colab; elsewhere says how to start it.

    Where nobody is looking (a notebook that a test or a command executes, a plain Python session) no server is started.

    Args:
        log_dir: folder with the event files.

    Returns:
        Whether TensorBoard was opened.

    Example:
        >>> show_tensorboard("runs")
        To look at these runs: tensorboard --logdir runs
        False

    Used in: Lab 04
    """
    command = f"--logdir {shlex.quote(str(log_dir))}"
    if _somebody_is_looking():
        try:
            notebook = import_module("tensorboard.notebook")
        except ImportError:
            print("TensorBoard is not installed: pip install tensorboard")
        else:
            notebook.start(f"{command} --reload_interval 5")
            return True
    print(f"To look at these runs: tensorboard {command}")
    return False


def _somebody_is_looking() -> bool:
    """Whether a person runs the cells: JupyterLab and Colab let a cell ask for input; nbclient and nbval never do."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False)) and "PYTEST_CURRENT_TEST" not in os.environ
