"""Environments do what gymnasium's own do, the same every time, and go on from the middle of an episode."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dlcourse.reinforcement.environment_state import environment_state
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.evaluation import EVALUATION_SEEDS, evaluate

CLASSIC = ["Pendulum-v1", "CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1"]


def random_actions(environment, generator):
    space = environment.action_space
    if isinstance(space, spaces.Discrete):
        return generator.integers(space.n, size=environment.count)
    return generator.uniform(space.low, space.high, (environment.count, *space.shape)).astype(np.float32)


class Countdown(gymnasium.Env):
    """Terminates after five steps, in the state 0; its state is hidden unless `readable`."""

    observation_space = spaces.Box(0, 5, (1,), np.float32)
    action_space = spaces.Discrete(2, start=1)

    def __init__(self, readable=False):
        self.left = 5
        if readable:
            self.get_state = lambda: {"left": np.array(self.left)}
            self.set_state = lambda state: setattr(self, "left", int(state["left"]))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 5
        return np.array([5], np.float32), {}

    def step(self, action):
        self.left -= 1
        return np.array([self.left], np.float32), float(action), self.left == 0, False, {}


@pytest.mark.parametrize("name", CLASSIC)
def test_two_copies_do_what_two_gymnasium_environments_do(name):
    ours = make_environment(name, copies=2, seed=5, max_steps=20)
    theirs = [gymnasium.make(name, max_episode_steps=20) for _ in range(2)]
    observations = ours.reset()
    for index, copy in enumerate(theirs):
        np.testing.assert_array_equal(observations[index], copy.reset(seed=5 + index)[0])
    generator = np.random.default_rng(0)
    for _ in range(50):
        actions = random_actions(ours, generator)
        before = observations
        observations, moved, _ = ours.step(actions)
        np.testing.assert_array_equal(moved.observations, before)
        for index, copy in enumerate(theirs):
            successor, reward, terminated, truncated, _ = copy.step(actions[index])
            np.testing.assert_array_equal(moved.next_observations[index], successor)
            assert moved.rewards[index] == reward
            assert (moved.terminated[index], moved.truncated[index]) == (terminated, truncated)
            expected = copy.reset()[0] if terminated or truncated else successor
            np.testing.assert_array_equal(observations[index], expected)


def test_gymnasiums_own_vector_environment_gives_the_same_trajectory():
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    theirs = gymnasium.make_vec("CartPole-v1", 3, "sync", vector_kwargs={"autoreset_mode": mode})
    ours = make_environment("CartPole-v1", copies=3, seed=11)
    np.testing.assert_array_equal(ours.reset(), theirs.reset(seed=11)[0])
    generator = np.random.default_rng(1)
    for _ in range(100):
        actions = random_actions(ours, generator)
        step = ours.step(actions)
        observations, rewards, terminated, truncated, _ = theirs.step(actions)
        np.testing.assert_array_equal(step.observations, observations)
        np.testing.assert_array_equal(step.transitions.rewards, rewards)
        np.testing.assert_array_equal(step.transitions.terminated, terminated)
        np.testing.assert_array_equal(step.transitions.truncated, truncated)


def test_the_true_successor_is_kept_where_an_episode_ends_and_its_return_is_told():
    environment = make_environment(Countdown, copies=2)
    environment.reset()
    steps = [environment.step(np.array([1, 2])) for _ in range(5)]
    assert all(step.episodes == [] for step in steps[:-1])
    assert steps[-1].episodes == [(5.0, 5), (10.0, 5)]
    np.testing.assert_array_equal(steps[-1].transitions.next_observations, [[0], [0]])
    np.testing.assert_array_equal(steps[-1].observations, [[5], [5]])
    assert steps[-1].transitions.terminated.all() and not steps[-1].transitions.truncated.any()


def test_the_clock_truncates_and_does_not_terminate():
    environment = make_environment(Countdown, max_steps=3)
    environment.reset()
    moved = [environment.step(np.array([1])).transitions for _ in range(3)][-1]
    assert moved.truncated.all() and not moved.terminated.any()


@pytest.mark.parametrize("name", CLASSIC)
def test_a_restored_environment_goes_on_to_the_bit(name):
    first = make_environment(name, copies=2, seed=1, max_steps=30)
    first.reset()
    generator = np.random.default_rng(2)
    for _ in range(45):
        first.step(random_actions(first, generator))
    second = make_environment(name, copies=2, seed=1, max_steps=30)
    second.load_state_dict(first.state_dict())
    np.testing.assert_array_equal(first.observations, second.observations)
    for _ in range(60):
        actions = random_actions(first, generator)
        one, other = first.step(actions), second.step(actions)
        assert one.observations.tobytes() == other.observations.tobytes()
        assert one.transitions.rewards.tobytes() == other.transitions.rewards.tobytes()
        assert one.episodes == other.episodes


def test_an_environment_that_tells_its_state_goes_on_and_any_other_begins_anew_with_a_warning():
    for readable in (True, False):
        first, second = (make_environment(Countdown, readable=readable) for _ in range(2))
        first.reset()
        first.step(np.array([1]))
        assert first.restorable is readable
        if readable:
            second.load_state_dict(first.state_dict())
            assert second.step(np.array([1])).observations == 3
        else:
            with pytest.warns(UserWarning, match="cannot be restored: new episodes begin, from seed 1000003"):
                second.load_state_dict(first.state_dict())
            assert second.step(np.array([1])).observations == 4


def test_a_wrapper_that_may_hide_a_state_is_not_restorable():
    normalised = gymnasium.wrappers.NormalizeObservation(gymnasium.make("Pendulum-v1"))
    normalised.reset(seed=0)
    assert environment_state(normalised) is None


def test_evaluation_plays_the_fixed_starts_of_gymnasium():
    returns = evaluate(lambda observations: -observations[:, 2:] / 4, "Pendulum-v1")
    for seed, ours in zip(EVALUATION_SEEDS, returns, strict=True):
        theirs = gymnasium.make("Pendulum-v1")
        observation, _ = theirs.reset(seed=seed)
        total, truncated = 0.0, False
        while not truncated:
            observation, reward, _, truncated, _ = theirs.step(-observation[2:] / 4)
            total += reward
        assert ours == pytest.approx(total, rel=1e-12)


def test_evaluation_ends_each_episode_at_its_own_time_and_explores_nothing():
    class Pusher:
        def act(self, observations, explore):
            assert not explore and len(observations) == 5
            return np.ones(len(observations), np.int64)

    lengths = evaluate(Pusher(), "CartPole-v1", seeds=range(5))
    assert len(set(lengths)) > 1 and (lengths < 20).all()


class Words(Countdown):
    observation_space = spaces.Text(3)


class Pairs(Countdown):
    action_space = spaces.MultiDiscrete([2, 2])


KEPT = Countdown()


def started():
    environment = make_environment("Pendulum-v1", copies=2)
    environment.reset()
    return environment


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: make_environment("Pendulm-v1"), ValueError, "knows no environment 'Pendulm-v1'"),
        (lambda: make_environment("Nowhere/Pendulum-v1"), ValueError, "knows no environment"),
        (lambda: make_environment(Countdown()), TypeError, "got Countdown: give a name"),
        (lambda: make_environment(3), TypeError, "got int"),
        (lambda: make_environment(dict), TypeError, "the function made dict"),
        (lambda: make_environment(Words), ValueError, "Words gives observations in .*FlattenObservation"),
        (lambda: make_environment(Pairs), ValueError, "Pairs takes actions in MultiDiscrete"),
        (lambda: make_environment("Pendulum-v1", copies=0), ValueError, "copies=0"),
        (lambda: make_environment("Pendulum-v1", seed=-1), ValueError, "seed=-1"),
        (lambda: make_environment(lambda: KEPT, copies=2), ValueError, "same environment twice"),
        (lambda: make_environment("Pendulum-v1").step(np.zeros((1, 1))), ValueError, r"call reset\(\)"),
        (lambda: started().step(np.zeros(2)), ValueError, r"shape \(2,\), expected \(2, 1\)"),
        (lambda: started().step(np.array([[0.0], [3.0]])), ValueError, "outside Box.*clip or scale"),
        (lambda: started().step(np.array([[0.0], [np.nan]])), ValueError, "outside Box"),
        (lambda: evaluate(lambda seen: np.zeros(len(seen)), "CartPole-v1"), ValueError, r"\(float64\) are outside"),
        (lambda: evaluate(None, "CartPole-v1"), TypeError, "got NoneType"),
        (lambda: evaluate(len, "CartPole-v1", seeds=()), ValueError, "no seeds"),
        (
            lambda: make_environment("Pendulum-v1", copies=3).load_state_dict(started().state_dict()),
            ValueError,
            r"shape \(2, 3\), these 3 copies",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
