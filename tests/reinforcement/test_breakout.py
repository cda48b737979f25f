"""The Atari player: runs that are cut off, the file that it is shipped in, and its score."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ale_py")

from PIL import Image

from dlcourse.reinforcement import breakout
from dlcourse.reinforcement.atari import AtariGames, play_games
from dlcourse.reinforcement.atari_screen import AtariScreen
from dlcourse.reinforcement.breakout import (
    AtariPlayer,
    Profile,
    load_player,
    record_game,
    save_player,
    score_and_write,
    train_breakout,
)
from dlcourse.reinforcement.dqn import DQN
from dlcourse.reinforcement.dqn_settings import DQNSettings

# A random player scores about 1; keras.io counts 40 as solved. Three games scatter, hence a low floor.
FLOOR = 20


def tiny() -> Profile:
    """The profile "fast" with a network and a replay that cost next to nothing."""
    small = {"filters": (2, 4, 4), "hidden": (8,), "precision": "float32", "batch_size": 8, "train_every": 16}
    settings = replace(breakout.PROFILES["fast"].settings, **small, warm_up=64, replay_capacity=4000, target_every=5)
    return Profile(settings, copies=4, frames=3200)


def tiny_run(out: Path | str, stop_at: int | None = None, **options):
    """Trains with the tiny profile and without games between; killed after the row of `stop_at`."""

    def report(row: dict[str, float]) -> None:
        if row["step"] == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

    profiles, play = breakout.PROFILES, breakout.play_games
    breakout.PROFILES, breakout.play_games = {"fast": tiny()}, lambda agent, episodes: np.arange(episodes)
    try:
        return train_breakout(Path(out), evaluate_every=200, report=report, **options)
    finally:
        breakout.PROFILES, breakout.play_games = profiles, play


@pytest.fixture(scope="module")
def agent() -> DQN:
    return DQN(AtariGames(copies=2), tiny().settings, seed=3)


def test_a_killed_training_goes_on_from_its_last_checkpoint(tmp_path):
    command = f"from test_breakout import tiny_run; tiny_run({str(tmp_path)!r}, 400)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "DLCOURSE_PROGRESS": "0"}
    killed = subprocess.run([sys.executable, "-c", command], env=environment, cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    # The player of the last evaluation is there already.
    assert (tmp_path / "breakout_player.npz").is_file() and not (tmp_path / "breakout_player_curve.csv").exists()
    with pytest.warns(UserWarning, match="begins new games"):
        result = tiny_run(tmp_path)
    assert (result.resumed_at, result.steps) == (200, 800)
    curve = pd.read_csv(tmp_path / "breakout_player_curve.csv")
    assert curve["step"].tolist() == [200, 400, 600, 800] and (curve["frames"] == 4 * curve["step"]).all()
    assert np.isfinite(curve["loss"]).all() and (curve["evaluation_return"] == 4.5).all()
    with pytest.raises(ValueError, match="go on with the old settings"):
        tiny_run(tmp_path, seed=1)


def test_a_run_that_is_out_of_hours_is_saved_and_can_go_on(tmp_path):
    stopped = tiny_run(tmp_path, hours=1e-9, checkpoints=tmp_path / "elsewhere")
    assert stopped.steps < 800 and len(stopped.history) == 1
    with pytest.warns(UserWarning, match="begins new games"):
        finished = tiny_run(tmp_path, checkpoints=tmp_path / "elsewhere")
    assert finished.resumed_at == stopped.steps and finished.steps == 800


def test_what_training_saved_is_what_plays(agent, tmp_path):
    save_player(agent, tmp_path / "player.npz")
    player = load_player(tmp_path / "player.npz")
    frames = np.random.default_rng(0).integers(256, size=(3, 4, 84, 84), dtype=np.uint8)
    expected = agent.values(frames)
    # Weights of half precision: about three digits.
    np.testing.assert_allclose(player.values(frames), expected, atol=3e-3 * np.abs(expected).max())
    np.testing.assert_array_equal(player.act(frames), player.values(frames).argmax(axis=1))
    with np.load(tmp_path / "player.npz") as stored:
        assert {stored[name].dtype for name in stored.files if name != "header"} == {np.dtype(np.float16)}
    with pytest.raises(FileNotFoundError):
        load_player(tmp_path / "other.npz")


def test_the_profiles_are_what_their_names_say():
    fast, nature = (breakout.PROFILES[name].settings for name in ("fast", "nature"))
    assert (nature.filters, nature.hidden, nature.batch_size, nature.train_every) == ((32, 64, 64), (512,), 32, 4)
    assert not (nature.double or nature.dueling or nature.priority_exponent) and nature.n_step == 1
    assert nature.replay_capacity == 10**6 and nature.last_epsilon == 0.1
    # As many samples a step as in the paper.
    assert fast.batch_size / fast.train_every == nature.batch_size / nature.train_every
    assert isinstance(fast, DQNSettings) and breakout.PROFILES["fast"].copies == fast.train_every


def test_scores_are_written(agent, tmp_path):
    scores = score_and_write(AtariPlayer(agent.network), tmp_path, games=2, epsilon=1.0)
    table = pd.read_csv(tmp_path / "breakout_player_evaluation.csv")
    assert table["score"].tolist() == scores.tolist() and table["game"].tolist() == [0, 1]


def test_the_screen_in_colour_shows_the_game_that_the_player_was_trained_on():
    screen, games = AtariScreen(no_ops=0), AtariGames(no_ops=0)
    np.testing.assert_allclose(screen.reset(seed=0)[0], games.reset()[0], atol=1)
    rng, over = np.random.default_rng(1), False
    while not over:
        action = int(rng.integers(4))
        observation, reward, over, _, _ = screen.step(action)
        step = games.step(np.array([action])).transitions
        # Halves are rounded by one of the two and not by the other; the last picture of all, to which nobody looks, is
        # taken a frame or two earlier by the one that stops at once.
        assert over or np.abs(observation.astype(int) - step.next_observations[0]).max() <= 1
        assert np.sign(reward) == step.rewards[0]
    assert games.observations[0, :3].max() == 0
    picture = screen.render()
    assert picture.shape == (210, 160, 3) and len(np.unique(picture.reshape(-1, 3), axis=0)) > 5
    with pytest.raises(ValueError, match="brakeout"):
        AtariScreen("brakeout")


def test_the_first_seconds_of_a_game_become_a_small_file(agent, tmp_path):
    recording = record_game(agent, seconds=2, every=3, width=64)
    assert recording.steps == 30 and recording.frames.shape == (11, 84, 64, 3)
    assert recording.seconds_per_frame == pytest.approx(0.2)
    with Image.open(recording.save(tmp_path / "game.gif")) as picture:
        assert picture.n_frames > 5
    with pytest.raises(ValueError, match="seconds"):
        record_game(agent, seconds=0)


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ValueError, match="profile"):
        train_breakout(tmp_path, "slow")
    with pytest.raises(TypeError, match="frames"):
        train_breakout(tmp_path, frames=1e6)


def test_the_shipped_player_scores_above_its_floor():
    # The first 8,000 frames, about two minutes of play, are enough for it.
    assert play_games(load_player(), episodes=3, max_frames=8000).mean() > FLOOR
