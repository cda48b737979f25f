"""Two processes on loopback train as one would, stop when one of them is killed, and go on when they are restarted."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from typer.testing import CliRunner

from dlcourse import cli
from dlcourse.checkpoints import CheckpointFolder
from dlcourse.economics.analytic_olg import analytic_olg
from dlcourse.economics.cluster import Place, WorkersError
from dlcourse.economics.communication_cost import communication_cost, weight_count
from dlcourse.economics.equilibrium_net import EquilibriumNet
from dlcourse.economics.equilibrium_training import TrainingBrokeError, TrainingSettings, train
from dlcourse.economics.multi_worker import Workers
from dlcourse.economics.multi_worker_training import train_on_workers

STEPS, KILLED_AT = 600, 400
# A small rate: where the loss is tiny its gradient is mostly rounding, which large steps would let grow.
SETTINGS = {"paths": 16, "learning_rate": 1e-4, "seed": 0}
PATIENCE = 600

# `dlcourse train deqn` with a small network; a worker with KILLED_AT ends there as if its machine had lost power.
PROGRAM = """
    import os, signal
    from dlcourse.quiet import quiet_import
    quiet_import("dlcourse.economics.multi_worker_training")
    from dlcourse.economics import equilibrium_report, equilibrium_training, multi_worker_training
    from dlcourse.economics.equilibrium_net import EquilibriumNet

    equilibrium_report.network = lambda economy, seed: EquilibriumNet(economy, hidden=(8,), seed=seed)
    Settings = equilibrium_training.TrainingSettings
    Settings.of = lambda net, **chosen: Settings(learning_rate=1e-4, **chosen)
    save = multi_worker_training.SharedRun._save

    def die_or_save(run, variables):
        if run.step == int(os.environ.get("KILLED_AT", -1)):
            os.kill(os.getpid(), signal.SIGKILL)
        save(run, variables)

    multi_worker_training.SharedRun._save = die_or_save
    from dlcourse.cli import main
    main()
"""


def free_ports(count):
    """Ports that nobody uses now, and that Linux gives to nobody by itself."""
    found = []
    while len(found) < count:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("", port)):
            found.append(port)
    return found


def start_two(out, **environment):
    """Both workers of `dlcourse train deqn`; `environment` is added to that of the second."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    command = ["train", "deqn", "--model", "analytic", "--steps", str(STEPS), "--paths", "16", "--out"]
    return [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PROGRAM), *command, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                **(environment if index == 1 else {}),
                "CUDA_VISIBLE_DEVICES": "-1",
                "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}),
            },
        )
        for index, folder in enumerate((out, out.with_name("elsewhere")))
    ]


def ended(workers):
    """Exit code and output of each."""
    try:
        outputs = [worker.communicate(timeout=PATIENCE)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return [(worker.returncode, output) for worker, output in zip(workers, outputs, strict=True)]


def small_net():
    return EquilibriumNet(analytic_olg(), hidden=(8,))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process, the whole batch, no interruption."""
    net, folder = small_net(), tmp_path_factory.mktemp("alone")
    return net, train(net, steps=STEPS, settings=TrainingSettings(**SETTINGS), checkpoints=folder), folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Two processes, of which the second is killed; how they ended, and the chief's folder."""
    out = tmp_path_factory.mktemp("two") / "chief"
    return ended(start_two(out, KILLED_AT=str(KILLED_AT))), out


@pytest.fixture(scope="module")
def restarted(killed, tmp_path_factory):
    """The same two, started again on a copy of that folder, with other ports."""
    out = tmp_path_factory.mktemp("again") / "chief"
    shutil.copytree(killed[1], out)
    return ended(start_two(out)), out


def stored(folder: Path, step: int):
    with np.load(folder / f"step_{step:012d}.npz") as file:
        return {name: file[name] for name in file.files if name.startswith("array_")}


def test_two_processes_take_the_steps_of_one_with_the_whole_batch(alone, killed):
    of_one, of_two = (stored(folder, KILLED_AT) for folder in (alone[2], killed[1] / "checkpoints" / "deqn_analytic"))
    # Weights, Adam's mean gradients and mean squares, then shock and capital of all 16 paths.
    assert len(of_one) == 3 * 4 + 2
    for name, expected in of_one.items():
        np.testing.assert_allclose(of_two[name], expected, rtol=0, atol=1e-5)
    assert np.abs(of_one["array_0"] - small_net().weights[0]).max() > 1e-2


def test_when_a_worker_is_killed_the_other_stops_and_says_so(killed):
    (code, output), (killed_code, _) = killed[0]
    assert killed_code == -signal.SIGKILL
    assert code == 1
    assert "worker 0 of 2: worker 1 (127.0.0.1:" in output
    assert "is gone or no longer answers" in output and "go on from the last checkpoint" in " ".join(output.split())
    assert "Traceback" not in output
    assert CheckpointFolder(killed[1] / "checkpoints" / "deqn_analytic").files()
    assert not (killed[1] / "deqn_analytic.npz").exists()


def test_a_restart_goes_on_and_ends_as_the_uninterrupted_run(alone, restarted):
    assert [code for code, _ in restarted[0]] == [0, 0], restarted[0]
    net = EquilibriumNet.load(restarted[1] / "deqn_analytic.npz", analytic_olg())
    for ours, expected in zip(net.weights, alone[0].weights, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)
    curve = np.genfromtxt(restarted[1] / "deqn_analytic_curve.csv", delimiter=",", names=True)
    for name, expected in alone[1].history.items():
        np.testing.assert_allclose(curve[name], expected, rtol=1e-4, atol=1e-6)


def test_only_the_chief_speaks_and_writes(restarted):
    (_, chief), (_, other) = restarted[0]
    assert "float64 check" in chief
    assert other == ""
    assert not restarted[1].with_name("elsewhere").exists()


def test_one_process_can_take_over_what_two_began(alone, killed, tmp_path):
    shutil.copytree(killed[1], tmp_path / "copy")
    net = small_net()
    folder = tmp_path / "copy" / "checkpoints" / "deqn_analytic"
    result = train(net, steps=STEPS, settings=TrainingSettings(**SETTINGS), checkpoints=folder)
    assert result.steps == STEPS
    for ours, expected in zip(net.weights, alone[0].weights, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def in_this_process(count=1):
    """A worker that hears nobody: what the others would add to a sum is left out."""
    return Workers(Place(tuple(f"host{i}:1" for i in range(count)), 0), tf.distribute.get_strategy())


def test_a_broken_step_stops_the_workers_with_the_last_good_weights(tmp_path):
    net = small_net()
    wild = TrainingSettings(paths=16, learning_rate=3e38, final_learning_rate=3e38, warm_up=0, clip_norm=1e30)
    with pytest.raises(TrainingBrokeError, match=r"broke at step \d+: .* has shock \d and K = "):
        train_on_workers(net, in_this_process(), tmp_path, steps=200, settings=wild)
    np.testing.assert_array_equal(net.weights[0], small_net().weights[0])
    assert not list(tmp_path.iterdir())


def test_paths_that_cannot_be_shared_out_are_refused(tmp_path):
    with pytest.raises(ValueError, match="paths=16 cannot be shared out evenly among 3 workers"):
        train_on_workers(small_net(), in_this_process(3), tmp_path, steps=1, settings=TrainingSettings(paths=16))


def test_workers_started_with_different_settings_are_refused(tmp_path, monkeypatch):
    workers = in_this_process()
    tell = workers.tell
    monkeypatch.setattr(workers, "tell", lambda told: tell(told | {"settings": told["settings"] | {"steps": 7}}))
    with pytest.raises(ValueError, match=r"other settings than the chief \(steps is 7 there and 8 here\)"):
        train_on_workers(small_net(), workers, tmp_path, steps=8, settings=TrainingSettings(paths=16))


def test_what_the_chief_says_arrives_whole():
    said = {"text": "ä" * 3_000, "rows": [{"loss": 1 / 3, "step": 2**40}], "none": None}
    assert in_this_process().tell(said) == said


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ("Connection reset while calling /job:worker/replica:0/task:2", "worker 2 (host2:1) is gone"),
        ("Error reported from /job:worker/replica:0/task:0 by /job:worker/replica:0/task:1", "worker 1 (host1:1) is"),
        ("out of words", "another worker is gone"),
    ],
)
def test_a_lost_connection_is_told_in_words(words, lost):
    with pytest.raises(WorkersError) as caught, in_this_process(3).watched("counting"):
        raise tf.errors.UnavailableError(None, None, words)
    assert lost in str(caught.value) and "lost while counting" in str(caught.value)


def test_the_command_line_refuses_a_cluster_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    result = CliRunner().invoke(cli.app, ["train", "deqn", "--model", "analytic", "--cluster", "tf-config"])
    assert result.exit_code == 2
    assert "cannot be used" in result.output


def test_the_cost_of_a_step_counts_what_is_sent():
    weights = sum(weight.size for weight in small_net().weights)
    assert weight_count(6, hidden=(8,)) == weights
    assert communication_cost(1, weights).sent == 0 == communication_cost(1, weights).latency
    # Two workers swap halves twice: each sends the whole vector once.
    assert communication_cost(2, weights).sent == 4 * weights
    ring, tree = (communication_cost(1_000, weights, latency=1e-5, tree=tree) for tree in (False, True))
    assert ring.sent == tree.sent == pytest.approx(8 * weights, rel=2e-3)
    assert ring.latency == pytest.approx(1_998e-5) and tree.latency == pytest.approx(20e-5)
    assert ring.states == 128_000 and 0 < ring.efficiency < tree.efficiency < 1
    with pytest.raises(ValueError, match="workers=0"):
        communication_cost(0, weights)
    with pytest.raises(ValueError, match="latency=-1"):
        communication_cost(2, weights, latency=-1)
