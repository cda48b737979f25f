"""Workers read their place from TF_CONFIG or Slurm, and the roll call says within its time who is missing."""

import json
import os
import socket
import threading
from contextlib import closing

import pytest

from dlcourse.economics.cluster import Place, WorkersError, find_place, roll_call


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    for name in list(os.environ):
        if name == "TF_CONFIG" or name.startswith("SLURM"):
            monkeypatch.delenv(name)


def tf_config(monkeypatch, cluster, kind="worker", index=0):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}}))


def slurm_step(monkeypatch, nodes, tasks_per_node, node, local, job="4321"):
    """What srun sets for one task; only what is read."""
    count = sum(int(part.split("(x")[0]) * int(part.rstrip(")").split("(x")[1]) if "x" in part else int(part)
                for part in tasks_per_node.split(","))  # fmt: skip
    for name, value in {
        "SLURM_JOB_ID": job,
        "SLURM_NTASKS": str(count),
        "SLURM_STEP_NUM_TASKS": str(count),
        "SLURM_STEP_NODELIST": nodes,
        "SLURM_STEP_TASKS_PER_NODE": tasks_per_node,
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": str(local),
        "SLURMD_NODENAME": node,
    }.items():
        monkeypatch.setenv(name, value)


def test_without_a_cluster_a_process_trains_alone():
    assert find_place("auto") is None


def test_tf_config_says_who_we_are(monkeypatch):
    tf_config(monkeypatch, {"worker": ["a:1", "b:2"]}, index=1)
    assert find_place("auto") == find_place("tf-config") == Place(("a:1", "b:2"), 1)
    assert find_place("none") is None


def test_a_chief_of_its_own_comes_first(monkeypatch):
    cluster = {"chief": ["c:1"], "worker": ["a:1", "b:2"]}
    tf_config(monkeypatch, cluster, "worker", 1)
    assert find_place() == Place(("c:1", "a:1", "b:2"), 2)
    tf_config(monkeypatch, cluster, "chief", 0)
    assert find_place() == Place(("c:1", "a:1", "b:2"), 0)


def test_a_cluster_of_one_trains_alone(monkeypatch):
    tf_config(monkeypatch, {"worker": ["a:1"]})
    assert find_place() is None


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "message"),
    [
        ({"worker": ["a:1", "b:2"]}, "worker", 2, "worker 2, is not in its cluster"),
        ({"worker": ["a:1", "b:2"]}, "chief", 0, "chief 0, is not in its cluster"),
        ({"worker": ["a:1"], "ps": ["b:2"]}, "worker", 0, 'only "worker" and "chief" train'),
        ({}, "worker", 0, "its jobs are none"),
    ],
)
def test_a_tf_config_that_makes_no_sense_is_refused(monkeypatch, cluster, kind, index, message):
    tf_config(monkeypatch, cluster, kind, index)
    with pytest.raises(ValueError, match=message):
        find_place("tf-config")


def test_text_that_is_no_json_is_shown_with_what_it_should_be(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{oops")
    with pytest.raises(ValueError, match=r"TF_CONFIG='\{oops' cannot be used: .* For two workers it reads"):
        find_place()
    monkeypatch.delenv("TF_CONFIG")
    with pytest.raises(ValueError, match="TF_CONFIG='' cannot be used"):
        find_place("tf-config")


def test_slurm_gives_every_task_an_address_of_its_own(monkeypatch):
    # 4321 % 600 * 20 = 2420
    addresses = ("n1:22420", "n1:22421", "n2:22420")
    for index, (node, local) in enumerate((("n1", 0), ("n1", 1), ("n2", 0))):
        slurm_step(monkeypatch, "n[1-2]", "2,1", node, local)
        assert find_place("auto") == find_place("slurm") == Place(addresses, index)


def test_all_tasks_agree_where_slurm_and_the_alphabet_count_nodes_differently(monkeypatch):
    nodes = [f"n{number}" for number in range(1, 13)]
    places = []
    for node in nodes:
        slurm_step(monkeypatch, "n[1-12]", "1(x12)", node, 0)
        places.append(find_place())
    assert len({place.addresses for place in places}) == 1
    assert sorted(place.index for place in places) == list(range(12))
    for node, place in zip(nodes, places, strict=True):
        assert place.addresses[place.index].startswith(node + ":")


def test_slurm_leaves_the_gpus_to_slurm(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    slurm_step(monkeypatch, "n1", "2", "n1", 1)
    find_place()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_tf_config_goes_before_slurm(monkeypatch):
    slurm_step(monkeypatch, "n1", "2", "n1", 1)
    tf_config(monkeypatch, {"worker": ["a:1", "b:2", "c:3"]})
    assert find_place("auto").addresses == ("a:1", "b:2", "c:3")


def test_a_slurm_job_without_srun_is_refused_before_it_waits_for_nobody(monkeypatch):
    monkeypatch.setenv("SLURM_NTASKS", "4")
    with pytest.raises(ValueError, match="put `srun` before the command"):
        find_place("auto")
    with pytest.raises(ValueError, match="SLURM_STEP_NUM_TASKS.* not set.* start it with srun"):
        find_place("slurm")
    assert find_place("none") is None


def test_slurm_variables_that_contradict_each_other_are_shown(monkeypatch):
    slurm_step(monkeypatch, "n[1-2]", "2,1", "elsewhere", 0)
    with pytest.raises(ValueError, match="do not fit together.*elsewhere"):
        find_place()
    slurm_step(monkeypatch, "n[1-2", "2,1", "n1", 0)
    with pytest.raises(ValueError, match="do not fit together"):
        find_place()


def test_an_unknown_kind_of_cluster_is_refused():
    with pytest.raises(ValueError, match="choose one of auto, none, tf-config, slurm"):
        find_place("kubernetes")


def chief_address():
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        return f"127.0.0.1:{door.getsockname()[1]}"


def called(addresses, indices, patience):
    """What each of these workers hears: None where all have come, else the error."""
    heard = {}

    def answer(index):
        try:
            roll_call(Place(addresses, index), patience)
            heard[index] = None
        except WorkersError as error:
            heard[index] = str(error)

    threads = [threading.Thread(target=answer, args=(index,)) for index in indices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard


def test_the_roll_call_lets_all_go_when_all_have_come():
    addresses = (chief_address(), "127.0.0.1:1", "127.0.0.1:2")
    assert called(addresses, (2, 1, 0), patience=60) == {0: None, 1: None, 2: None}


def test_a_stranger_at_the_chiefs_door_counts_for_nobody():
    address = chief_address()
    errors = []

    def chief():
        try:
            roll_call(Place((address, "127.0.0.1:1"), 0), 2)
        except WorkersError as error:
            errors.append(str(error))

    thread = threading.Thread(target=chief)
    thread.start()
    host, _, port = address.partition(":")
    for words in (b"GET / HTTP/1.1\r\n\r\n", b"worker 7", b"worker x"):
        while True:
            try:
                with closing(socket.create_connection((host, int(port)), timeout=5)) as line:
                    line.sendall(words)
                break
            except ConnectionRefusedError:
                if not thread.is_alive():
                    break
    thread.join()
    assert len(errors) == 1 and "1 of 2 workers did not come" in errors[0]


def test_the_roll_call_names_who_is_missing_and_nobody_waits_on():
    addresses = (chief_address(), "127.0.0.1:1", "127.0.0.1:2")
    heard = called(addresses, (0, 1), patience=4)
    assert "1 of 3 workers did not come within 4 s: 2 (127.0.0.1:2)" in heard[0]
    assert heard[1] is not None and "worker 1: the chief" in heard[1]


def test_a_worker_whose_chief_never_comes_stops_too():
    heard = called((chief_address(), "127.0.0.1:1"), (1,), patience=0.5)
    assert "did not come within 0.5 s" in heard[1]


def test_a_chief_whose_port_is_taken_says_which():
    with closing(socket.create_server(("", 0))) as door:
        address = f"127.0.0.1:{door.getsockname()[1]}"
        heard = called((address, "127.0.0.1:1"), (0,), patience=5)
    assert f"the chief cannot listen at {address}" in heard[0]
