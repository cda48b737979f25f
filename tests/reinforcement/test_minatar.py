"""Our Breakout is the published one step for step, repeats itself, goes on from a saved state and can be watched."""

import gymnasium
import matplotlib
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from minatar import Environment
from PIL import ImageColor

from dlcourse.plots import PALETTE
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.evaluation import evaluate
from dlcourse.reinforcement.minatar import BALL, BRICKS, PADDLE, TRAIL, MinAtarBreakout, draw_minatar, minatar_breakout
from dlcourse.reinforcement.replay import ReplayBuffer
from dlcourse.reinforcement.watching import record

matplotlib.use("Agg")
# What our three actions are among the package's six.
SIX = (0, 1, 3)


class Draws:
    """A generator of gymnasium's kind behind the two methods that the package calls."""

    def __init__(self, seed):
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))

    def rand(self):
        return self._generator.random()

    def randint(self, high):
        return int(self._generator.integers(high))


def published(seed, sticky=0.1):
    """The package's game, which draws the numbers that ours draws after `reset(seed=seed)`."""
    game = Environment("breakout", sticky_action_prob=sticky)
    game.random = game.env.random = Draws(seed)
    game.reset()
    return game


def follow(observation):
    """A player that stays below the ball while it rises, and runs to where it will come down."""
    (row, column), (last_row, last_column) = (np.argwhere(observation[..., layer])[0] for layer in (BALL, TRAIL))
    # At a wall the ball keeps its column, at a brick and at the paddle its row.
    direction = column - last_column or (1 if column == 0 else -1)
    falls = row > last_row or (row == last_row and row < 8)
    landing = column + direction * (8 - row) if falls else column
    landing = -landing - 1 if landing < 0 else 19 - landing if landing > 9 else landing
    paddle = observation[9, :, PADDLE].argmax()
    return 0 if landing == paddle else 1 if landing < paddle else 2


def follow_all(observations):
    return np.array([follow(observation) for observation in observations])


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5]), st.floats(0, 1), st.integers(50, 300))
def test_every_step_is_that_of_the_published_game(seed, sticky, carelessness, steps):
    ours, theirs = MinAtarBreakout(sticky), published(seed, sticky)
    generator = np.random.default_rng(seed)
    observation, _ = ours.reset(seed=seed)
    np.testing.assert_array_equal(observation, theirs.state())
    for _ in range(steps):
        action = int(generator.integers(3)) if generator.random() < carelessness else follow(observation)
        observation, reward, terminated, truncated, _ = ours.step(action)
        assert (reward, terminated, truncated) == (*theirs.act(SIX[action]), False)
        np.testing.assert_array_equal(observation, theirs.state())
        if terminated:
            observation, _ = ours.reset()
            theirs.reset()
            np.testing.assert_array_equal(observation, theirs.state())


@settings(max_examples=300)
@given(st.data())
def test_a_step_from_any_state_is_that_of_the_published_game(data):
    x, y, paddle = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 8)), data.draw(st.integers(0, 9))
    code, struck, action = data.draw(st.integers(0, 3)), data.draw(st.booleans()), data.draw(st.integers(0, 2))
    bricks = np.zeros((10, 10), dtype=bool)
    bricks[1:4] = data.draw(st.just(False) | arrays.arrays(np.bool_, (3, 10)))
    ours, theirs = MinAtarBreakout(0.0), published(0, 0.0)
    dx, dy = ((-1, -1), (1, -1), (1, 1), (-1, 1))[code]
    ours.reset(seed=0)
    numbers = np.array([x, y, dx, dy, y, x, paddle, 0, struck, True], dtype=np.int8)
    ours.set_state({"bricks": bricks, "numbers": numbers})
    game = theirs.env
    game.ball_x, game.ball_y, game.ball_dir, game.pos, game.strike = x, y, code, paddle, struck
    game.brick_map = bricks.astype(float)
    for _ in range(3):
        observation, reward, terminated, _, _ = ours.step(action)
        assert (reward, terminated) == theirs.act(SIX[action])
        np.testing.assert_array_equal(observation, theirs.state())
        if terminated:
            return


def test_games_with_more_than_one_wall_of_bricks_are_those_of_the_published_one():
    ours, theirs = MinAtarBreakout(0.05), published(3, 0.05)
    observation, _ = ours.reset(seed=3)
    totals = [0.0]
    for _ in range(8000):
        action = follow(observation)
        observation, reward, terminated, _, _ = ours.step(action)
        assert (reward, terminated) == theirs.act(SIX[action])
        np.testing.assert_array_equal(observation, theirs.state())
        totals[-1] += reward
        if terminated:
            totals.append(0.0)
            observation, _ = ours.reset()
            theirs.reset()
    # A wall has thirty bricks: more in one game come from a second wall.
    assert max(totals) > 30, totals


def test_the_environment_keeps_gymnasium_s_contract():
    check_env(MinAtarBreakout(), skip_render_check=True)


def test_observations_are_four_layers_with_one_paddle_and_one_ball():
    environment = make_environment(minatar_breakout, copies=8, seed=5)
    observations = environment.reset()
    assert observations.shape == (8, 10, 10, 4) and observations.dtype == np.bool_
    assert observations[0].nbytes == 400
    # Both corners are drawn, and the first trail lies under the ball.
    assert set(np.argwhere(observations[..., BALL])[:, 2]) == {0, 9}
    np.testing.assert_array_equal(observations[..., TRAIL], observations[..., BALL])
    for _ in range(50):
        observations = environment.step(np.full(8, 2)).observations
        np.testing.assert_array_equal(observations[..., [PADDLE, BALL, TRAIL]].sum(axis=(1, 2)), 1)


def test_a_seed_gives_the_same_games_again():
    def play():
        environment = make_environment(minatar_breakout, copies=3, seed=11)
        environment.reset()
        return [environment.step(follow_all(environment.observations)) for _ in range(200)]

    for first, second in zip(play(), play(), strict=True):
        np.testing.assert_array_equal(first.observations, second.observations)
        assert first.episodes == second.episodes


def test_a_run_goes_on_to_the_bit_from_a_saved_state():
    # Half of the sixteen paddles repeat, right after the resume, what they did before it.
    def games(seed):
        return make_environment(minatar_breakout, copies=16, seed=seed, max_steps=60, sticky_action_probability=0.5)

    generator = np.random.default_rng(0)
    before, after = games(1), games(99)
    before.reset()
    for _ in range(100):
        before.step(generator.integers(3, size=16))
    assert after.restorable
    after.load_state_dict({name: np.array(array) for name, array in before.state_dict().items()})
    ended = 0
    for _ in range(100):
        actions = generator.integers(3, size=16)
        one, other = before.step(actions), after.step(actions)
        for kept, restored in zip(one.transitions, other.transitions, strict=True):
            np.testing.assert_array_equal(kept, restored)
        np.testing.assert_array_equal(one.observations, other.observations)
        assert one.episodes == other.episodes
        ended += len(one.episodes)
    assert ended > 20


def test_a_step_limit_truncates_and_does_not_terminate():
    environment = make_environment(minatar_breakout, seed=0, max_steps=3)
    environment.reset()
    steps = [environment.step(np.array([0])) for _ in range(3)]
    assert [bool(step.transitions.truncated[0]) for step in steps] == [False, False, True]
    assert not any(step.transitions.terminated[0] for step in steps)


def test_a_sticky_paddle_repeats_the_last_action_and_a_certain_one_obeys():
    def moved_right(sticky):
        game = MinAtarBreakout(sticky)
        game.reset(seed=0)
        return int(game.step(2)[0][9, :, PADDLE].argmax()) == 5

    assert moved_right(0.0) and not moved_right(1.0)


def test_a_replay_buffer_keeps_the_observations_as_bools():
    environment = make_environment(minatar_breakout, copies=2, seed=0)
    environment.reset()
    buffer = ReplayBuffer.for_spaces(environment.observation_space, environment.action_space, 100)
    buffer.add(environment.step(np.array([1, 2])).transitions)
    assert buffer.sample(2).observations.dtype == np.bool_ and buffer.nbytes < 100 * 820


def test_without_sticky_actions_the_player_that_runs_to_the_ball_hardly_misses():
    # Standing still loses within a few bounces, 0 or 1 brick a game; a wall has 30 bricks.
    still = evaluate(lambda seen: np.zeros(len(seen), dtype=int), minatar_breakout, max_steps=500)
    good = evaluate(follow_all, minatar_breakout, max_steps=500, sticky_action_probability=0.0)
    assert good.mean() > 30 > 1 > still.mean()


def test_the_picture_shows_each_thing_in_its_place_and_colour():
    game = MinAtarBreakout(0.0)
    game.reset(seed=0)
    observation = game.step(1)[0]
    picture = draw_minatar(observation, width=200).astype(int)
    colours = {PADDLE: PALETTE[2], BALL: "white", TRAIL: "#8a8f94", BRICKS: PALETTE[1]}
    for layer, colour in colours.items():
        near = np.abs(picture - ImageColor.getrgb(colour)).sum(axis=2) < 10
        # Smoothed edges pass through other colours: a thing covers more than a few pixels of its square.
        drawn = near.reshape(10, 20, 10, 20).sum(axis=(1, 3)) > 8
        np.testing.assert_array_equal(drawn, observation[..., layer])


def test_a_game_is_recorded_with_a_picture_for_each_step():
    recording = record(follow_all, minatar_breakout, every=1, width=100, max_steps=12)
    assert recording.frames.shape == (13, 100, 100, 3) and recording.seconds_per_frame == pytest.approx(0.1)
    assert (recording.frames[0] != recording.frames[1]).any()


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"sticky_action_probability must be between 0 and 1, got 1\.5"):
        MinAtarBreakout(1.5)
    with pytest.raises(ValueError, match="render_mode must be one of rgb_array; got 'human'"):
        MinAtarBreakout(render_mode="human")
    game = MinAtarBreakout()
    with pytest.raises(gymnasium.error.ResetNeeded, match="has not begun"):
        game.step(0)
    game.reset(seed=0)
    with pytest.raises(ValueError, match=r"action 3: give 0 \(wait\), 1 \(left\) or 2 \(right\)"):
        game.step(3)
    with pytest.raises(ValueError, match="no state of MinAtarBreakout"):
        game.set_state({"state": np.zeros(2)})
    while not game.step(0)[2]:
        pass
    with pytest.raises(gymnasium.error.ResetNeeded, match="the game is over"):
        game.step(0)
    with pytest.raises(ValueError, match=r"shape \(2, 10, 10, 4\), expected \(10, 10, 4\)"):
        draw_minatar(np.zeros((2, 10, 10, 4)))
    with pytest.raises(ValueError, match="width must be at least 16, got 8"):
        draw_minatar(np.zeros((10, 10, 4)), width=8)
    assert MinAtarBreakout(render_mode=None).render() is None
