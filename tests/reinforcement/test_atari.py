"""Atari games for `train`: the picture against the plain emulator, lives, scores, and new games after a resume."""

import numpy as np
import pytest

pytest.importorskip("ale_py")

from ale_py import Action, ALEInterface, LoggerMode, roms

from dlcourse.reinforcement.atari import AtariGames, play_games
from dlcourse.reinforcement.dqn import mirrored
from dlcourse.reinforcement.frame_replay import FrameReplay
from dlcourse.reinforcement.prioritized import LearningBatch

NOOP, FIRE, RIGHT, LEFT = range(4)


def averaging(size: int, pixels: int = 84) -> np.ndarray:
    """Maps `size` pixels to fewer ones; each is the mean of the interval that it covers."""
    edges, places = np.linspace(0, size, pixels + 1), np.arange(size)
    overlap = np.minimum(places + 1, edges[1:, None]) - np.maximum(places, edges[:-1, None])
    return np.clip(overlap, 0, None) * pixels / size


class PlainBreakout:
    """The emulator by itself, four frames a step, with the Nature paper's pictures."""

    def __init__(self) -> None:
        ALEInterface.setLoggerMode(LoggerMode.Error)
        self.ale = ALEInterface()
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.loadROM(roms.get_rom_path("breakout"))
        self.ale.reset_game()
        self.ale.act(Action.FIRE)

    def step(self, action: int) -> float:
        reward, screens = 0.0, []
        for _ in range(4):
            reward += self.ale.act(self.ale.getMinimalActionSet()[action])
            screens.append(self.ale.getScreenGrayscale())
        self.screens = screens[-2:]
        return reward

    def picture(self) -> np.ndarray:
        return averaging(210) @ np.maximum(*self.screens).astype(float) @ averaging(160).T


def test_a_game_is_that_of_the_plain_emulator_with_the_paper_s_pictures():
    games, plain = AtariGames("breakout", seed=0, no_ops=0), PlainBreakout()
    stack = games.reset()
    assert games.action_names == [action.name for action in plain.ale.getMinimalActionSet()]
    rng, over, score = np.random.default_rng(0), False, 0.0
    lives, steps, fire = 5, 0, False
    while not over:
        tried = int(rng.integers(4))
        observations, step, episodes = games.step(np.array([tried]))
        # The button takes the place of the action after a lost life, and the transition says so.
        assert step.actions == [FIRE if fire else tried]
        reward = plain.step(int(step.actions[0]))
        score, steps, over, fire = score + reward, steps + 1, plain.ale.game_over(), plain.ale.lives() < lives
        lives = plain.ale.lives()
        np.testing.assert_array_equal(step.observations, stack)
        np.testing.assert_array_equal(step.next_observations[0, :3], stack[0, 1:])
        # Rounding to whole grey levels. Nobody looks at a game's last picture, which may be a frame older.
        assert over or np.abs(step.next_observations[0, 3] - plain.picture()).max() <= 0.501
        assert step.rewards == [np.sign(reward)] and step.terminated == [fire] and not step.truncated.any()
        assert episodes == ([(score, steps)] if over else [])
        stack = observations
    assert lives == 0 and games.lives == [5]


def test_a_lost_life_is_terminal_while_the_game_goes_on_and_the_button_brings_the_ball_back():
    games = AtariGames("breakout", seed=0, no_ops=0)
    games.reset()
    ends, frames = [], []
    for _ in range(220):
        _, step, episodes = games.step(np.array([NOOP]))
        ends.append((bool(step.terminated[0]), len(episodes)))
        frames.append(step.next_observations[0, -1])
        if episodes:
            break
    lost = [place for place, (terminated, _) in enumerate(ends) if terminated]
    assert len(lost) == 5 and [over for _, over in ends].index(1) == lost[-1]
    # Between bricks and paddle there is a ball again within two steps, though nobody but the class pressed.
    between = [frame[50:74, 6:78].max() for frame in frames]
    for place in lost[:-1]:
        assert between[place + 2] > 20
    tolerant = AtariGames("breakout", seed=0, no_ops=0, life_loss_terminates=False)
    tolerant.reset()
    flags = [tolerant.step(np.array([NOOP])).transitions.terminated[0] for _ in range(len(ends))]
    assert np.flatnonzero(flags).tolist() == [lost[-1]]


def test_transitions_hold_clipped_rewards_and_episodes_the_game_s_own_score():
    clipped, raw = (
        AtariGames("space_invaders", seed=1, no_ops=0, max_frames=1600, clip_rewards=clip) for clip in (True, False)
    )
    clipped.reset(), raw.reset()
    rng, total, episodes = np.random.default_rng(0), 0.0, []
    while not episodes:
        action = rng.integers(6, size=1)
        seen, full = clipped.step(action), raw.step(action)
        np.testing.assert_array_equal(seen.transitions.rewards, np.sign(full.transitions.rewards))
        total, episodes = total + full.transitions.rewards[0], seen.episodes
        assert episodes == full.episodes
    assert episodes[0].total_reward == total > 30


def test_truncated_games_end_with_their_own_last_frames_and_the_replay_takes_them():
    games = AtariGames("breakout", copies=3, seed=5, max_frames=100)
    replay = FrameReplay(3 * 100, copies=3)
    seen, rng, cuts = games.reset(), np.random.default_rng(0), 0
    for _ in range(60):
        following, step, episodes = games.step(rng.integers(4, size=3))
        replay.add(step)
        np.testing.assert_array_equal(step.observations, seen)
        np.testing.assert_array_equal(step.next_observations[:, :3], seen[:, 1:])
        cut = step.truncated
        assert len(episodes) == cut.sum() and not (step.terminated & cut).any()
        # A new game begins with black frames, and the others go on.
        assert not following[cut, :3].any()
        np.testing.assert_array_equal(following[~cut], step.next_observations[~cut])
        assert all(episode.length <= 25 for episode in episodes)
        seen, cuts = following, cuts + cut.sum()
    assert cuts >= 6 and len(replay) > 150


def test_a_lost_life_takes_no_room_in_the_replay():
    games = AtariGames("breakout", copies=2, seed=0)
    replay = FrameReplay(2 * 300, copies=2)
    games.reset()
    lost = 0
    for _ in range(60):
        step = games.step(np.full(2, NOOP)).transitions
        replay.add(step)
        lost += step.terminated.sum()
    assert lost >= 2 and replay.state_dict()["heads"].tolist() == [63, 63]


def test_a_seed_fixes_the_games_and_a_resume_begins_others():
    def played(games: AtariGames) -> np.ndarray:
        return np.stack([games.step(np.array([RIGHT, LEFT])).observations for _ in range(30)])

    first, second = AtariGames(copies=2, seed=7), AtariGames(copies=2, seed=7)
    np.testing.assert_array_equal(first.reset(), second.reset())
    whole = played(first)
    np.testing.assert_array_equal(whole, played(second))
    resumed = AtariGames(copies=2, seed=7)
    with pytest.warns(UserWarning, match="begins new games, from seed 10014"):
        resumed.load_state_dict(first.state_dict())
    assert not np.array_equal(played(resumed), whole)
    with pytest.warns(UserWarning, match="from seed 20021"):
        AtariGames(copies=2, seed=7).load_state_dict(resumed.state_dict())


def test_walls_bricks_and_moves_are_symmetric():
    games = AtariGames("breakout", copies=2, seed=0, no_ops=0)
    first = games.reset()[:, -1]
    field, paddle = slice(6, 48), 76

    def middle(frame: np.ndarray) -> float:
        seen = np.flatnonzero(frame[paddle, 6:76] > 60) + 6
        return (seen[0] + seen[-1]) / 2

    starts = [middle(frame) for frame in first]
    steps = games.step(np.array([RIGHT, LEFT])), games.step(np.array([RIGHT, LEFT]))
    moved = [
        [middle(frame) - start for frame, start in zip(step.observations[:, -1], starts, strict=True)] for step in steps
    ]
    for right, left in moved:
        assert right == pytest.approx(-left, abs=1) and right > 3
    frames = first[:1, None]
    batch = LearningBatch(frames, np.array([LEFT]), None, frames, None, None, None)
    seen = mirrored(batch, (0, 1, 3, 2), np.array([True]))
    assert seen.actions.tolist() == [RIGHT]
    np.testing.assert_array_equal(seen.observations[0, 0, field], first[0, field])


class Leaner:
    """Keeps the paddle at one side."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def act(self, observations: np.ndarray, explore: bool) -> np.ndarray:
        assert not explore
        self.seen.append(len(observations))
        return np.full(len(observations), LEFT)


def test_whole_games_are_scored_one_each_and_only_running_ones_are_asked_about():
    player = Leaner()
    scores = play_games(player, episodes=3, epsilon=0.2, seed=4, max_frames=600)
    assert scores.shape == (3,) and np.isfinite(scores).all() and scores.max() > 0
    assert player.seen[0] == 3 and player.seen[-1] < 3 and sorted(player.seen, reverse=True) == player.seen
    again = play_games(Leaner(), episodes=3, epsilon=0.2, seed=4, max_frames=600)
    np.testing.assert_array_equal(again, scores)
    # Without random actions it is a game that one can play by hand; no-op starts make the games differ.
    games = AtariGames(copies=2, seed=4, life_loss_terminates=False)
    games.reset()
    own: dict[int, float] = {}
    while len(own) < 2:
        _, step, episodes = games.step(np.full(2, LEFT))
        for copy, episode in zip(np.flatnonzero(step.terminated), episodes, strict=True):
            own.setdefault(int(copy), episode.total_reward)
    np.testing.assert_array_equal(play_games(Leaner(), episodes=2, epsilon=0.0, seed=4), [own[0], own[1]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AtariGames("brakeout"), "breakout"),
        (lambda: AtariGames(copies=0), "copies"),
        (lambda: AtariGames(max_frames=0), "max_frames"),
        (lambda: AtariGames().step(np.array([0])), "call reset"),
        (lambda: play_games(Leaner(), epsilon=1.5), r"epsilon=1\.5"),
        (lambda: play_games(Leaner(), episodes=0), "copies"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_actions_outside_the_game_are_refused():
    games = AtariGames()
    games.reset()
    for actions in (np.array([4]), np.array([0, 1]), np.array([0.5])):
        with pytest.raises(ValueError, match="actions"):
            games.step(actions)
