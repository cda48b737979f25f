"""What is watched is what was played, in a picture that shows the true state, and in files that others can read."""

import shutil

import gymnasium
import matplotlib
import numpy as np
import pytest
from PIL import Image

from dlcourse.reinforcement.evaluation import evaluate
from dlcourse.reinforcement.watching import draw_pendulum, record, watch

matplotlib.use("Agg")


def damp(observations):
    return np.clip(-observations[:, 2:], -2, 2)


def test_the_recorded_episode_is_the_evaluated_one():
    recording = record(damp, "Pendulum-v1", seed=10_003, every=50, width=32)
    assert recording.total_reward == pytest.approx(evaluate(damp, "Pendulum-v1", seeds=(10_003,))[0])
    # The first state and every fiftieth of 200, played as fast as it happened.
    assert recording.frames.shape == (5, 32, 32, 3) and recording.steps == 200
    assert recording.seconds_per_frame == pytest.approx(50 * 0.05)


@pytest.mark.parametrize("angle", [0.0, 0.7, np.pi / 2, 2.5, -1.2])
def test_the_drawn_rod_points_where_the_pendulum_is(angle):
    dark = draw_pendulum(angle, None, width=200).astype(int).sum(axis=2) < 600
    rows, columns = np.nonzero(dark)
    across, up = columns.mean() - 99.5, 99.5 - rows.mean()
    # Gymnasium counts counter-clockwise from upright.
    assert np.arctan2(-across, up) == pytest.approx(angle, abs=0.02)


def test_the_torque_is_drawn_on_its_side():
    def orange(torque):
        picture = draw_pendulum(np.pi, torque, width=200).astype(int)
        columns = np.nonzero((picture[..., 0] > 180) & (picture[..., 2] < 80))[1]
        return len(columns), columns.mean() - 99.5 if len(columns) else 0.0

    assert orange(None) == orange(0.0) == (0, 0.0)
    assert orange(2.0)[1] < -10 < 10 < orange(-2.0)[1]
    assert orange(2.0)[0] > orange(1.0)[0] > 0


def test_a_gif_holds_the_frames_at_the_right_speed(tmp_path):
    recording = record(lambda seen: np.full((1, 1), 2.0), "Pendulum-v1", every=40, width=64)
    with Image.open(recording.save(tmp_path / "swing.gif")) as film:
        durations = [film.seek(frame) or film.info["duration"] for frame in range(film.n_frames)]
        # Two pictures that are the same become one of twice the duration.
        assert film.size == (64, 64) and sum(durations) == 6 * 2000 and film.n_frames > 2


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_an_mp4_is_written_where_there_is_ffmpeg(tmp_path):
    path = record(damp, "Pendulum-v1", every=40, width=32).save(tmp_path / "swing.mp4")
    assert b"ftyp" in path.read_bytes()[:16]


def test_an_environment_draws_itself_and_an_ended_episode_keeps_its_last_picture():
    pytest.importorskip("pygame")
    recording = record(lambda observations: np.ones(1, np.int64), "CartPole-v1", every=100, width=60)
    assert recording.steps < 20 and recording.frames.shape == (2, 40, 60, 3)
    assert (recording.frames[0] != recording.frames[1]).any()


def test_watching_writes_the_file_and_speaks_the_return(tmp_path, monkeypatch):
    spoken = []
    monkeypatch.setattr("dlcourse.plots.animate", lambda *_, alt, frames, **__: spoken.append((alt, frames)))
    recording = watch(damp, "Pendulum-v1", path=tmp_path / "swing.gif", every=100, width=32)
    told = f"Pendulum-v1 played for 200 steps with a return of {recording.total_reward:.0f}."
    assert spoken == [(told, 3)] and (tmp_path / "swing.gif").exists()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: record(damp, "Pendulum-v1", every=0), "every=0"),
        (lambda: record(damp, "Pendulum-v1", width=4), "width=4"),
        (lambda: record(lambda seen: np.ones(1, int), lambda: gymnasium.make("CartPole-v1")), "draws no pictures"),
        (lambda: record(damp, "Pendulum-v1", every=200, width=16).save("film.avi"), r"must end in \.gif or \.mp4"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*render method without specifying")
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_ffmpeg_an_mp4_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match=r"ffmpeg is not installed; a \.gif needs nothing"):
        record(damp, "Pendulum-v1", every=200, width=16).save("film.mp4")
