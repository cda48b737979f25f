"""The study: its errors against Keras and NumPy, what it keeps when it is killed, and the machines that it runs on."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from dlcourse import files
from dlcourse.approximation import _study_backends, _study_store
from dlcourse.approximation._study_group import Cell, StudyGroup, cell_data, network_seed
from dlcourse.approximation.architecture import Architecture
from dlcourse.approximation.networks import train_ensemble
from dlcourse.approximation.study import plot_study, run_study

TINY = Architecture(hidden=(8,), steps=30)
KEY = ["family", "dimension", "samples", "architecture", "seed"]
# Twelve networks in six groups of two, all with the same shapes, so that one compilation serves all.
STUDY = {
    "families": ["gaussian", "continuous"],
    "dimensions": [2],
    "sample_sizes": [10, 20],
    "architectures": {"tiny": TINY},
    "seeds": [0, 1, 2],
    "test_points": 50,
    "group_size": 2,
}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return run_study(**STUDY)


def test_a_row_a_network_in_the_order_of_the_arguments(frame: pd.DataFrame) -> None:
    expected = [
        (family, 2, samples, "tiny", seed)
        for seed in (0, 1, 2)
        for family in ("gaussian", "continuous")
        for samples in (10, 20)
    ]
    assert list(frame[KEY].itertuples(index=False, name=None)) == expected
    assert (frame["seconds"] > 0).all() and (frame["diverged_at"] == 0).all()


def test_errors_are_those_of_a_keras_member_on_new_points_in_the_functions_units(frame: pd.DataFrame) -> None:
    cell = Cell("continuous", 2, 20, seed=1)
    data = cell_data(cell, test_points=50)
    member = train_ensemble([data.X], [data.y], TINY, seeds=[network_seed(cell)], threads=1).member(0)
    errors = np.abs(member.predict(data.X_test, verbose=0)[:, 0] - data.y_test)
    row = frame.query("family == 'continuous' and samples == 20 and seed == 1").iloc[0]
    assert row["average_error"] == pytest.approx(errors.mean(), rel=1e-3)
    assert row["maximum_error"] == pytest.approx(errors.max(), rel=1e-3)
    assert row["relative_average_error"] == pytest.approx(errors.mean() / data.y_test.mean(), rel=1e-3)
    assert row["relative_maximum_error"] == pytest.approx(errors.max() / data.y_test.max(), rel=1e-3)


def test_test_points_are_new_and_larger_samples_contain_smaller_ones() -> None:
    small, large = (cell_data(Cell("gaussian", 5, n, seed=3)) for n in (10, 100))
    np.testing.assert_array_equal(small.X, large.X[:10])
    np.testing.assert_array_equal(small.X_test, large.X_test)
    assert not set(map(tuple, large.X)) & set(map(tuple, large.X_test))
    other = cell_data(Cell("continuous", 5, 10, seed=3))
    np.testing.assert_array_equal(small.X, other.X)


def test_errors_fall_with_the_number_of_points() -> None:
    result = run_study(["gaussian"], [2], [10, 300], {"a": Architecture((32, 32), steps=600)}, range(4))
    median = result.groupby("samples")["average_error"].median()
    # Ten points miss much of a peak in two dimensions, three hundred see it well; the ratio is near 6.
    assert median[300] < median[10] / 3


def test_a_finished_study_is_read_not_computed(tmp_path: Path, frame: pd.DataFrame, monkeypatch) -> None:
    store = tmp_path / "study.csv"
    first = run_study(**STUDY, store=store)
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), frame.drop(columns="seconds"), rtol=1e-3)
    monkeypatch.setattr("dlcourse.approximation._study_backends.train_group", None)
    pd.testing.assert_frame_equal(run_study(**STUDY, store=store), first)
    part = run_study(**{**STUDY, "seeds": [2], "sample_sizes": [20]}, store=store)
    assert list(part["family"]) == ["gaussian", "continuous"] and set(part["seed"]) == {2}


def quick_training() -> Callable[..., list[dict]]:
    """Stands in for the training where a test is about processes: rows that follow from their keys at once.

    A function inside a function, because these travel to other processes by value; those cannot import this test, nor
    should they wait for TensorFlow.
    """
    numbers = [name for name, kind in _study_store.TYPES.items() if kind is float]

    def train(group, **_: object) -> list[dict]:
        names = ("family", "dimension", "samples", "architecture", "seed")
        rows = []
        for key in group.row_keys():
            errors = {name: len(str(key)) / 7 for name in numbers}
            rows.append(
                {**dict(zip(names, key, strict=True)), **errors, "diverged_at": 0, "settings": group.settings()}
            )
        return rows

    return train


@pytest.fixture
def quick_frame(monkeypatch) -> pd.DataFrame:
    """Puts the quick training in the place of the real one; gives the whole study's rows."""
    monkeypatch.setattr(_study_backends, "train_group", quick_training())
    return run_study(**STUDY)


# A study that says how many rows it has saved, and after the first group waits for its killer.
KILLED = """
import pickle, sys
from dlcourse.approximation import _study_backends, _study_store, study

arguments, rows = pickle.loads(bytes.fromhex(sys.stdin.readline()))
add = _study_store.StudyStore.add

def add_and_tell(self, new):
    add(self, new)
    print(len(new), flush=True)
    sys.stdin.read()

_study_store.StudyStore.add = add_and_tell
_study_backends.train_group = lambda group, **_: [rows[key] for key in group.row_keys()]
study.run_study(**arguments)
"""


def test_a_killed_study_resumes_with_nothing_lost_and_no_row_twice(
    tmp_path: Path, quick_frame: pd.DataFrame, monkeypatch
) -> None:
    store = tmp_path / "study.csv"
    rows = {tuple(row[name] for name in KEY): row for row in quick_frame.to_dict("records")}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write(pickle.dumps(({**STUDY, "store": store}, rows)).hex() + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "2\n"
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    before = pd.read_csv(store)
    assert len(before) == 2
    trained, train = [], quick_training()
    monkeypatch.setattr(
        _study_backends, "train_group", lambda group, **_: trained.extend(group.row_keys()) or train(group)
    )
    resumed = run_study(**STUDY, store=store)
    after = pd.read_csv(store)
    pd.testing.assert_frame_equal(resumed, quick_frame)
    pd.testing.assert_frame_equal(after.iloc[:2], before)
    assert len(trained) + 2 == len(after) == 12 and not after.duplicated(KEY).any()


def test_a_crash_in_the_middle_of_saving_leaves_the_last_whole_file(tmp_path: Path, monkeypatch) -> None:
    store = tmp_path / "study.csv"
    run_study(**{**STUDY, "seeds": [0]}, store=store)
    whole = store.read_bytes()

    def crash(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "replace", crash)
    with pytest.raises(OSError, match="disk full"):
        run_study(**{**STUDY, "seeds": [0, 1]}, store=store)
    assert store.read_bytes() == whole
    assert os.listdir(tmp_path) == ["study.csv"]


def test_two_processes_of_this_machine_give_the_same_rows(quick_frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(run_study(**STUDY, n_jobs=2), quick_frame)


def test_dask_finishes_though_a_worker_is_killed_in_the_middle(
    tmp_path: Path, quick_frame: pd.DataFrame, monkeypatch
) -> None:
    distributed = pytest.importorskip("distributed")
    store, lost, saved = tmp_path / "study.csv", [], []
    add, train = _study_store.StudyStore.add, quick_training()

    def train_after_the_kill(group, **_: object) -> list[dict]:
        # Only the first group is quick; the others stay in their workers' hands until one worker is dead.
        if group.cells[0] != ("gaussian", 2, 10, 0):
            assert distributed.Event("killed").wait(60)
        return train(group)

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:

        def kill_a_worker_then_add(self: _study_store.StudyStore, rows: list) -> None:
            if not lost:
                with distributed.Client(cluster) as client:
                    worker, tasks = max(client.processing().items(), key=lambda item: len(item[1]))
                    pid = client.run(os.getpid, workers=[worker])[worker]
                    os.kill(pid, signal.SIGKILL)
                    lost.extend(tasks)
                    distributed.Event("killed", client).set()
            saved.extend(tuple(row[name] for name in KEY) for row in rows)
            add(self, rows)

        monkeypatch.setattr(_study_store.StudyStore, "add", kill_a_worker_then_add)
        monkeypatch.setattr(_study_backends, "train_group", train_after_the_kill)
        result = run_study(**STUDY, backend="dask", address=cluster.scheduler_address, store=store)
    assert lost, "the worker that was killed had nothing to do"
    assert len(saved) == len(set(saved)) == 12
    pd.testing.assert_frame_equal(result, quick_frame)
    assert sorted(pd.read_csv(store)[KEY].itertuples(index=False, name=None)) == sorted(saved)


def test_a_store_keeps_every_digit_and_every_name(tmp_path: Path) -> None:
    architectures = {'wide, "deep"\n': TINY, "NA": TINY}
    arguments = (["discontinuous"], [10], [10], architectures)
    first = run_study(*arguments, test_points=3, store=tmp_path / "s.csv")
    again = run_study(*arguments, test_points=3, store=tmp_path / "s.csv")
    pd.testing.assert_frame_equal(first, again, rtol=0, atol=0)
    assert list(again["architecture"]) == list(architectures)
    # Three points all miss the hundredth of the cube where the function is not zero.
    assert again["relative_average_error"].isna().all()


def test_rows_of_other_settings_are_not_mixed_in(tmp_path: Path) -> None:
    store = tmp_path / "study.csv"
    arguments = {**STUDY, "seeds": [0], "store": store}
    run_study(**arguments)
    with pytest.raises(ValueError, match="holds 4 rows named 'tiny' that other settings made"):
        run_study(**{**arguments, "test_points": 51})
    with pytest.raises(ValueError, match="Give another store"):
        run_study(**{**arguments, "architectures": {"tiny": Architecture((8,), steps=31)}})


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "", "family,dimension\ngaussian,two\n", "\x00\x01"])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match="no store of a study"):
        run_study(**STUDY, store=path)
    assert path.read_text() == content


def test_every_setting_changes_the_code_in_the_store() -> None:
    base = StudyGroup((), "a", TINY, "uniform", 50)
    others = [
        StudyGroup((), "a", TINY, "sobol", 50),
        StudyGroup((), "a", TINY, "uniform", 51),
        *(
            StudyGroup((), "a", Architecture((8,), **{k: v}), "uniform", 50)
            for k, v in [("steps", 31), ("optimizer", "sgd")]
        ),
    ]
    assert len({group.settings() for group in [base, *others]}) == 5


def test_the_figure_has_a_column_a_dimension_log_axes_and_a_band_for_the_seeds(frame: pd.DataFrame) -> None:
    both = pd.concat([frame, frame.assign(dimension=5)])
    figure = plot_study(both)
    axes = np.array(figure.axes).reshape(2, 2)
    assert [ax.get_title(loc="left") for ax in axes[0]] == ["2 dimensions", "5 dimensions"]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["average error", "maximum error"]
    assert all(ax.get_xscale() == ax.get_yscale() == "log" for ax in axes.flat)
    lines = axes[1, 0].get_lines()
    assert [line.get_label() for line in lines] == ["gaussian", "continuous"]
    expected = frame[frame["family"] == "gaussian"].groupby("samples")["maximum_error"].median()
    np.testing.assert_allclose(lines[0].get_ydata(), expected)
    assert len(axes[0, 0].collections) == 2
    assert "relative" in plot_study(frame, "architecture", relative=True).axes[0].get_ylabel()
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"families": "gaussian"}, TypeError, r"Write \['gaussian'\]"),
        ({"families": ["gausian"]}, ValueError, "Did you mean 'gaussian'"),
        ({"dimensions": 2}, TypeError, "dimensions must be a list"),
        ({"dimensions": [0]}, ValueError, "each dimension must be at least 1"),
        ({"sample_sizes": []}, ValueError, "sample_sizes must hold at least one"),
        ({"seeds": [1, 1]}, ValueError, "none twice"),
        ({"architectures": {}}, ValueError, "architectures must hold at least one"),
        ({"architectures": {"a": (8,)}}, TypeError, "must map names to Architecture"),
        ({"scheme": "grid"}, ValueError, "scheme must be one of"),
        ({"backend": "ray"}, ValueError, "joblib, dask"),
        ({"address": "tcp://localhost:1"}, ValueError, "address is for backend='dask'"),
        ({"n_jobs": 0}, ValueError, "n_jobs must not be 0"),
        ({"test_points": 0}, ValueError, "test_points must be at least 1"),
    ],
)
def test_impossible_studies_are_refused_before_anything_is_trained(arguments, error, message) -> None:
    with pytest.raises(error, match=message):
        run_study(**arguments)


def test_only_rows_of_a_study_are_drawn(frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"lacks the columns \['samples'\]"):
        plot_study(frame.drop(columns="samples"))
    with pytest.raises(ValueError, match="has no rows"):
        plot_study(frame.iloc[:0])
    with pytest.raises(ValueError, match="hue must be one of"):
        plot_study(frame, "seed")
