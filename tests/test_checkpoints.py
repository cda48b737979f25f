"""A run goes on from its newest whole checkpoint, and never from somebody else's."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlcourse.checkpoints import CheckpointFolder, CheckpointMismatchError

ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_]), hnp.array_shapes(min_side=0)
)


@given(arrays=st.dictionaries(st.text("abc/_0", min_size=1), ARRAYS, max_size=3), seed=st.integers(0, 100))
def test_what_is_saved_comes_back_to_the_bit(tmp_path_factory, arrays, seed):
    folder = CheckpointFolder(tmp_path_factory.mktemp("run"), {"seed": seed})
    generator = np.random.default_rng(seed)
    folder.save(3, arrays, {"generator": generator.bit_generator.state})
    checkpoint = folder.load()
    assert checkpoint.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert checkpoint.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(checkpoint.arrays[name], array)
    restored = np.random.default_rng()
    restored.bit_generator.state = checkpoint.state["generator"]
    assert restored.integers(1 << 60) == generator.integers(1 << 60)


def test_the_newest_is_read_and_only_the_newest_are_kept(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    for step in (5, 100, 20_000):
        folder.save(step, {"x": np.array(step)})
    assert [path.name for path in folder.files()] == ["step_000000000100.npz", "step_000000020000.npz"]
    assert folder.load().step == 20_000


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[: len(whole) // 2], lambda whole: b"x" * 99])
def test_a_damaged_file_is_passed_over_for_the_one_before_it(tmp_path, damage):
    folder = CheckpointFolder(tmp_path)
    folder.save(1, {"x": np.arange(100)})
    newest = folder.save(2, {"x": np.arange(100)})
    newest.write_bytes(damage(newest.read_bytes()))
    assert folder.load().step == 1


def test_other_settings_are_refused_by_name(tmp_path):
    CheckpointFolder(tmp_path, {"learning_rate": 0.1, "units": 32}).save(1, {})
    with pytest.raises(CheckpointMismatchError, match=r"learning_rate was 0\.1, now 0\.2"):
        CheckpointFolder(tmp_path, {"learning_rate": 0.2, "units": 32}).load()
    with pytest.raises(CheckpointMismatchError, match="momentum was None, now 0"):
        CheckpointFolder(tmp_path, {"learning_rate": 0.1, "units": 32, "momentum": 0}).load()


def test_a_pickle_is_never_opened(tmp_path):
    np.savez(tmp_path / "step_000000000001.npz", __checkpoint__=np.array([{"step": 1}], dtype=object))
    assert CheckpointFolder(tmp_path).load() is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: folder.save(-1, {}), "step=-1"),
        (lambda folder: folder.save(1, {"x": np.array([None])}), "dtype object"),
        (lambda folder: CheckpointFolder(folder.folder, keep=0), "keep=0"),
    ],
)
def test_bad_input_is_named(tmp_path, call, message):
    with pytest.raises(ValueError, match=message):
        call(CheckpointFolder(tmp_path))


def test_clear_leaves_nothing_to_resume(tmp_path):
    folder = CheckpointFolder(tmp_path)
    folder.save(1, {})
    folder.clear()
    assert folder.load() is None


def test_a_kill_while_writing_leaves_a_whole_checkpoint(tmp_path):
    program = """
        import sys
        import numpy as np
        from dlcourse.checkpoints import CheckpointFolder
        folder = CheckpointFolder(sys.argv[1])
        step = 0
        while True:
            step += 1
            folder.save(step, {"x": np.full(300_000, step)})
            if step == 2:
                print("two are written", flush=True)
    """
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline().startswith("two")
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    checkpoint = CheckpointFolder(tmp_path).load()
    assert checkpoint.step >= 2
    assert (checkpoint.arrays["x"] == checkpoint.step).all()
