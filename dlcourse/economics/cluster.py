"""Several processes, on one machine or on many, that will train one network: who they are and whether all are there.

How they then talk is `multi_worker.py`.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, get_args

import tensorflow as tf

Cluster = Literal["auto", "none", "tf-config", "slurm"]

PATIENCE = 300.0
"""Seconds that a worker waits for the others to start: batch systems do not start all tasks of a job at once."""


class WorkersError(ConnectionError):
    """A worker did not come, or is gone; the message says which one and what to do."""


@dataclass(frozen=True)
class Place:
    """Where this process stands among the workers.

    Attributes:
        addresses: "host:port" of each worker; the first one is the chief.
        index: of this process in that list.
    """

    addresses: tuple[str, ...]
    index: int


def find_place(cluster: Cluster = "auto") -> Place | None:
    """Reads from the environment which workers there are and which one this process is.

    Args:
        cluster: as for `join`.

    Returns:
        The place; None for a process that trains alone.

    Raises:
        ValueError: if the environment does not say what it should.

    Example:
        >>> find_place("none")
    """
    if cluster not in get_args(Cluster):
        raise ValueError(f"cluster={cluster!r}: choose one of {', '.join(get_args(Cluster))}")
    has_config, has_step = bool(os.environ.get("TF_CONFIG")), "SLURM_STEP_NUM_TASKS" in os.environ
    if cluster == "tf-config" or (cluster == "auto" and has_config):
        place = _from_tf_config()
    elif cluster == "slurm" or (cluster == "auto" and has_step):
        place = _from_slurm()
    elif cluster == "auto" and int(os.environ.get("SLURM_NTASKS", "1")) > 1:
        raise ValueError(
            f"SLURM_NTASKS={os.environ['SLURM_NTASKS']}, but only one task was started: put `srun` before the command, "
            "or train alone with --cluster none"
        )
    else:
        place = None
    return None if place is None or len(place.addresses) == 1 else place


def _from_tf_config() -> Place:
    text = os.environ.get("TF_CONFIG", "")
    try:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        jobs = resolver.cluster_spec().as_dict()
        kind, number = resolver.task_type, resolver.task_id
        if not jobs or not set(jobs) <= {"chief", "worker"}:
            raise ValueError(f'its jobs are {", ".join(jobs) or "none"}, and only "worker" and "chief" train')
        chiefs, others = jobs.get("chief", []), jobs.get("worker", [])
        index = number + (len(chiefs) if kind == "worker" else 0)
        if kind not in jobs or not 0 <= number < len(jobs[kind]):
            raise ValueError(f"this task, {kind} {number}, is not in its cluster")
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(
            f"TF_CONFIG={text!r} cannot be used: {error}. For two workers it reads "
            '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
        ) from error
    return Place((*chiefs, *others), index)


def _from_slurm() -> Place:
    found = {}
    for name in ("SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE", "SLURM_PROCID"):
        found[name] = os.environ.get(name)
    found |= {name: os.environ.get(name) for name in ("SLURM_LOCALID", "SLURMD_NODENAME")}
    missing = [name for name, value in found.items() if value is None]
    if missing:
        raise ValueError(f"{', '.join(missing)} not set: this is no task of a Slurm step; start it with srun")
    # Two jobs may share a node; ports below 32,768 are none that Linux hands out itself.
    first_port = 20_000 + int(os.environ.get("SLURM_JOB_ID", "0")) % 600 * 20
    try:
        # Slurm shows each task its own GPUs. The resolver divides by the GPUs of a task and fails where they are 0.
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=first_port, gpus_per_node=int(found["SLURM_STEP_NUM_TASKS"]), gpus_per_task=1, auto_set_gpu=False
        )
        addresses = tuple(resolver.cluster_spec().as_dict()["worker"])
        # The resolver sorts the nodes by name and n10 before n2, the ranks of Slurm do not: our own address is certain.
        return Place(
            addresses, addresses.index(f"{found['SLURMD_NODENAME']}:{first_port + int(found['SLURM_LOCALID'])}")
        )
    except (ValueError, RuntimeError, AssertionError) as error:
        raise ValueError(f"Slurm's variables do not fit together: {error}. They say {found}") from error


def roll_call(place: Place, patience: float = PATIENCE) -> None:
    """Returns when all workers are there, at about the same time for all of them.

    TensorFlow waits for an hour, deaf to signals and without a word; here everybody learns within `patience` who is
    missing. The chief listens at its own address and lets all go at once.

    Args:
        place: where this process stands.
        patience: seconds.

    Raises:
        WorkersError: if not all of them come.
    """
    deadline = time.monotonic() + patience
    if place.index == 0:
        _call(place, deadline, patience)
    elif not _retried(lambda: _answer(place, deadline), deadline):
        raise WorkersError(
            f"worker {place.index}: the chief at {place.addresses[0]} did not come within {patience:g} s. Start all "
            "workers at about the same time, and look into the chief's output"
        )


def _call(place: Place, deadline: float, patience: float) -> None:
    port = int(place.addresses[0].rpartition(":")[2])
    try:
        door = socket.create_server(("", port), backlog=1024)
    except OSError as error:
        raise WorkersError(f"the chief cannot listen at {place.addresses[0]}: {error}; choose another port") from error
    present: dict[int, socket.socket] = {}
    with closing(door):
        while len(present) < len(place.addresses) - 1 and (left := deadline - time.monotonic()) > 0:
            door.settimeout(left)
            try:
                caller, _ = door.accept()
                caller.settimeout(5)
                said = caller.recv(32).split()
            except OSError:
                continue
            if len(said) == 2 and said[0] == b"worker" and said[1].isdigit() and int(said[1]) < len(place.addresses):
                present[int(said[1])] = caller
    missing = [i for i in range(1, len(place.addresses)) if i not in present]
    for caller in present.values():
        with closing(caller):
            try:
                caller.sendall(b"stop" if missing else b"go")
            except OSError:
                continue
    if missing:
        named = ", ".join(f"{i} ({place.addresses[i]})" for i in missing[:8]) + (", ..." if len(missing) > 8 else "")
        raise WorkersError(
            f"{len(missing)} of {len(place.addresses)} workers did not come within {patience:g} s: {named}. Start all "
            "of them at about the same time, and look into their output"
        )


def _answer(place: Place, deadline: float) -> bool:
    host, _, port = place.addresses[0].rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=5)) as line:
        line.sendall(f"worker {place.index}".encode())
        line.settimeout(max(deadline - time.monotonic(), 1))
        said = line.recv(32)
    if said == b"stop":
        raise WorkersError(f"worker {place.index}: the chief stopped, not all workers had come; see its output")
    return said == b"go"


def _retried(attempt: Callable[[], bool], deadline: float) -> bool:
    while time.monotonic() < deadline:
        try:
            if attempt():
                return True
        except WorkersError:
            raise
        except OSError:
            pass
        time.sleep(0.2)
    return False
