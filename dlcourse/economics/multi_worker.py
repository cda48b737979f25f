"""What workers that train one network together say to each other, by `tf.distribute.MultiWorkerMirroredStrategy`.

How they find each other is `cluster.py`, what they do with it `multi_worker_training.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from dlcourse.economics.cluster import PATIENCE, Cluster, Place, WorkersError, find_place, roll_call

_TASK = re.compile(r"/job:worker/replica:0/task:(\d+)")

_LOST_CONNECTIONS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
)


class Workers:
    """The processes that train together, as one of them sees them. `join` makes it.

    All of them must call the same methods in the same order. What goes over the network is float32.

    Args:
        place: where this process stands.
        strategy: over all the workers, one device each.

    Attributes:
        count: how many they are.
        index: of this one, from 0.
        chief: whether it is the first, which alone reads and writes files.
    """

    def __init__(self, place: Place, strategy: tf.distribute.Strategy) -> None:
        self.place, self.strategy = place, strategy
        self.count, self.index, self.chief = len(place.addresses), place.index, place.index == 0
        # Outside a function the strategy would trace one anew for every call; one length would be one trace.
        any_length = [tf.TensorSpec([None], tf.float32)]
        self._compiled_total = tf.function(self._total, any_length, autograph=False)
        self._compiled_gather = tf.function(self._gather, any_length, autograph=False)

    def total(self, vector: tf.Tensor) -> tf.Tensor:
        """The sum of the workers' vectors, in every bit the same for all of them. For use inside a `tf.function` too.

        Args:
            vector: any shape, float32, the same shape on each worker.
        """
        if not tf.executing_eagerly():
            return self._total(vector)
        return tf.reshape(self._compiled_total(tf.reshape(vector, [-1])), vector.shape)

    def from_chief(self, vector: tf.Tensor) -> tf.Tensor:
        """The chief's vector, on every worker. For use inside a `tf.function` too.

        Args:
            vector: any shape, the same on each worker; what the others give counts for nothing.
        """
        return self.total(vector if self.chief else tf.zeros_like(vector))

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """The workers' rows, one below the other in the workers' order.

        Args:
            rows: shape (n, k), the same on each worker.

        Returns:
            Shape (workers n, k), float32.
        """
        with self.watched("exchanging the states of the paths"):
            flat = self._compiled_gather(tf.constant(np.ravel(rows), tf.float32)).numpy()
        return flat.reshape(-1, np.shape(rows)[1])

    def tell(self, message: Any = None) -> Any:
        """The chief's message, on every worker.

        Args:
            message: a JSON value; what the others give counts for nothing.
        """
        text = np.frombuffer(json.dumps(message).encode(), np.uint8).astype(np.float32)
        with self.watched("hearing what the chief says"):
            high, low = self.from_chief(tf.constant(divmod(len(text), 4096), tf.float32)).numpy()
            length = int(4096 * high + low)
            whole = self.from_chief(tf.constant(text if self.chief else np.zeros(length), tf.float32)).numpy()
        return json.loads(whole.astype(np.uint8).tobytes())

    def refuse_together(self, problem: str | None) -> None:
        """Stops all workers where one has found a problem: the others would wait for it.

        Args:
            problem: what this worker has found, or None.

        Raises:
            ValueError: on every worker, if one of them has a problem.
        """
        own = tf.one_hot(self.index, self.count) * (0.0 if problem is None else 1.0)
        with self.watched("comparing settings"):
            found = np.flatnonzero(self.total(own).numpy())
        if problem is not None:
            raise ValueError(problem)
        if len(found):
            raise ValueError(f"worker {', '.join(map(str, found))} refused to start: see what it says")

    def _total(self, vector: tf.Tensor) -> tf.Tensor:
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, vector, axis=None)

    def _gather(self, vector: tf.Tensor) -> tf.Tensor:
        return self.strategy.gather(vector, axis=0)

    @contextmanager
    def watched(self, doing: str) -> Iterator[None]:
        """Turns TensorFlow's words about a lost connection into a `WorkersError`.

        Args:
            doing: what is lost with it, for the message.
        """
        try:
            yield
        except _LOST_CONNECTIONS as error:
            self._report_loss(doing, error)

    def _report_loss(self, doing: str, error: tf.errors.OpError) -> None:
        named = [int(index) for index in _TASK.findall(error.message)]
        # A heartbeat that fails names nobody: it was the chief who should have answered.
        lost = next((index for index in named if index != self.index and index < self.count), None)
        if lost is None and "CoordinationService" in error.message and not self.chief:
            lost = 0
        who = "another worker" if lost is None else f"worker {lost} ({self.place.addresses[lost]})"
        raise WorkersError(
            f"worker {self.index} of {self.count}: {who} is gone or no longer answers; lost while {doing}. All workers "
            "stop. Look into its output for the reason, then start all of them again with the same command: they go "
            "on from the last checkpoint"
        ) from error


def join(cluster: Cluster = "auto", patience: float = PATIENCE) -> Workers | None:
    """Meets the other workers. Call it before anything else that uses TensorFlow.

    Args:
        cluster: who the others are: "tf-config" reads the variable TF_CONFIG, "slurm" what `srun` says, "auto" the
            first of the two that is there, "none" trains alone.
        patience: seconds to wait for the others.

    Returns:
        The workers; None for a process that trains alone.

    Raises:
        ValueError: if the cluster is described wrongly or not at all.
        WorkersError: if not all of them come.

    Used in: docs/cluster.md
    """
    place = find_place(cluster)
    if place is None:
        return None
    gpus = len(tf.config.list_physical_devices("GPU"))
    if gpus > 1:
        raise ValueError(
            f"this worker sees {gpus} GPUs and uses one: start a worker for each GPU, with CUDA_VISIBLE_DEVICES set to "
            "its own (srun --gpus-per-task=1 does that)"
        )
    roll_call(place, patience)
    # Bars of several workers would overwrite each other in a job's one output file.
    if place.index > 0:
        os.environ["DLCOURSE_PROGRESS"] = "0"
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(place.addresses)}),
        task_type="worker",
        task_id=place.index,
        num_accelerators={"GPU": gpus},
        rpc_layer="grpc",
    )
    try:
        return Workers(place, tf.distribute.MultiWorkerMirroredStrategy(resolver))
    except (tf.errors.OpError, RuntimeError) as error:
        raise WorkersError(
            f"worker {place.index} could not connect to the others: {str(error).splitlines()[0]}"
        ) from error
