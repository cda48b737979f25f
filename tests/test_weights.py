"""Shipped networks are found in a checkout and in an installed package, and read without pickles."""

import numpy as np
import pytest

from dlcourse import weights


@pytest.fixture(params=["data/weights", "dlcourse/_weights"])
def shipped(tmp_path, monkeypatch, request):
    monkeypatch.setattr(weights, "PACKAGE", tmp_path / "dlcourse")
    folder = tmp_path / request.param
    folder.mkdir(parents=True)
    np.savez(folder / "pendulum_actor.npz", kernel=np.full((2, 3), 0.5, np.float16), steps=np.array(7))
    return folder


def test_half_precision_comes_back_ready_to_compute(shipped):
    arrays = weights.load_weights("pendulum_actor")
    assert arrays["kernel"].dtype == np.float32
    np.testing.assert_array_equal(arrays["kernel"], np.full((2, 3), 0.5))
    assert arrays["steps"] == 7


def test_a_misspelt_name_is_answered_with_the_close_ones(shipped):
    with pytest.raises(FileNotFoundError, match="there are pendulum_actor"):
        weights.load_weights("pendulum_actr")


def test_a_pickle_is_refused(shipped):
    np.savez(shipped / "evil.npz", kernel=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        weights.load_weights("evil")


def test_a_missing_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", tmp_path / "dlcourse")
    with pytest.raises(FileNotFoundError, match="install dlcourse again"):
        weights.weights_folder()
