"""Stacks that are rebuilt from single frames are those that were handed in, at an eighth of the memory."""

from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from dlcourse.reinforcement.frame_replay import FrameReplay
from dlcourse.reinforcement.replay import Transitions

SHAPE = (2, 3)
GAMMA = 0.5


class Games:
    """Random games of N copies: every frame, also the older ones of a first stack, is unlike all others."""

    def __init__(self, copies, stack, seed, *, chances=(0.1, 0.1, 0.1)):
        self.rng, self.copies, self.stack, self.chances = np.random.default_rng(seed), copies, stack, chances
        self.names = count()
        self.seen = self.frames(copies, stack)

    def frames(self, *shape):
        return self.rng.integers(0, 256, size=(*shape, *SHAPE), dtype=np.uint8)

    def step(self):
        """A step whose actions are its name, and which copies begin a new game after it."""
        life, over, truncated = (self.rng.random(self.copies) < chance for chance in self.chances)
        after = np.concatenate([self.seen[:, 1:], self.frames(self.copies, 1)], axis=1)
        names = np.array([next(self.names) for _ in range(self.copies)])
        rewards = self.rng.integers(-4, 5, size=self.copies).astype(float)
        taken = Transitions(self.seen, names, rewards, after, life | over, truncated & ~over)
        ended = over | taken.truncated
        self.seen = np.where(ended[:, None, None, None], self.frames(self.copies, self.stack), after)
        return taken, ended


class NaiveReplay:
    """Whole stacks in plain lists, and the definition of what can be drawn, one transition after the other."""

    def __init__(self, slots, stack, steps, copies):
        self.slots, self.stack, self.steps = slots, stack, steps
        self.streams = [[] for _ in range(copies)]
        self.begins = [True] * copies

    def add(self, taken, ended):
        for copy, stream in enumerate(self.streams):
            if self.begins[copy]:
                stream += [None] * (self.stack - 1)
            stream.append((*(field[copy] for field in taken), ended[copy]))
            if ended[copy]:
                stream.append(None)
            self.begins[copy] = ended[copy]

    def drawable(self):
        """What a draw must give, by the name of the transition."""
        found = {}
        for stream in self.streams:
            for start in range(max(0, len(stream) - self.slots + self.stack - 1), len(stream)):
                if stream[start] is None:
                    continue
                total, power = 0.0, 1.0
                for place in range(start, start + self.steps):
                    # Nothing is known yet of the step, or of the frame that comes after it.
                    if place + 1 >= len(stream):
                        break
                    _, _, reward, after, terminated, truncated, ended = stream[place]
                    total, power = total + power * reward, power * GAMMA
                    if terminated or truncated or ended or place == start + self.steps - 1:
                        now, name = stream[start][:2]
                        found[name] = (now, total, after, 0.0 if terminated else power)
                        break
        return found


def replay_of(slots, games, **options):
    return FrameReplay(slots * games.copies, SHAPE, games.stack, copies=games.copies, discount=GAMMA, **options)


def assert_drawn_from(expected, batch):
    for index, name in enumerate(batch.actions):
        now, total, after, discount = expected[name]
        np.testing.assert_array_equal(batch.observations[index], now)
        np.testing.assert_array_equal(batch.next_observations[index], after)
        assert (batch.rewards[index], batch.discounts[index]) == (total, discount)


@settings(deadline=None, max_examples=200)
@given(
    copies=st.integers(1, 4),
    stack=st.integers(1, 5),
    steps=st.integers(1, 4),
    extra=st.integers(0, 30),
    length=st.integers(1, 60),
    chances=st.tuples(*[st.sampled_from([0.0, 0.1, 0.4])] * 3),
    alpha=st.sampled_from([0.0, 0.6]),
    seed=st.integers(0),
)
def test_every_stack_comes_back_as_it_was_handed_in(copies, stack, steps, extra, length, chances, alpha, seed):
    games = Games(copies, stack, seed, chances=chances)
    slots = steps + stack - 1 + 2 * (stack + 2) + extra
    replay, naive = replay_of(slots, games, n_step=steps, alpha=alpha), NaiveReplay(slots, stack, steps, copies)
    for time in range(length):
        taken, ended = games.step()
        replay.add(taken, ended)
        naive.add(taken, ended)
        if time % 7 == 0 or time == length - 1:
            expected = naive.drawable()
            assert len(replay) == len(expected)
            if expected:
                batch = replay.sample(min(12, len(replay)))
                assert_drawn_from(expected, batch)
                replay.update_priorities(batch.indices, np.ones(len(batch.indices)))


@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_all_that_can_be_drawn_is_drawn_equally_often_and_nothing_else(alpha):
    games = Games(3, 4, seed=1, chances=(0.1, 0.1, 0.05))
    replay, naive = replay_of(40, games, n_step=3, alpha=alpha, seed=2), NaiveReplay(40, 4, 3, 3)
    for _ in range(70):
        taken, ended = games.step()
        replay.add(taken, ended)
        naive.add(taken, ended)
    expected = naive.drawable()
    assert len(replay) < 0.8 * replay.capacity
    names, counts = np.unique(
        np.concatenate([replay.sample(len(expected)).actions for _ in range(100)]), return_counts=True
    )
    assert set(names) == set(expected)
    # Fair draws fail at this level once in a thousand seeds, and this seed is fixed.
    assert chisquare(counts).pvalue > 1e-3


def test_priorities_stay_with_their_transitions_while_the_ring_turns():
    games, kept = Games(2, 4, seed=1), {}
    replay = replay_of(40, games, n_step=2, alpha=1.0)
    for time in range(120):
        replay.add(*games.step())
        state = replay.state_dict()
        rows = np.flatnonzero(state["priorities"])
        for name, priority in zip(state["actions"][rows], state["priorities"][rows], strict=True):
            assert priority == kept.get(name, max([1.0, *kept.values()]))
        replay.update_priorities(rows, rows + time)
        kept |= dict(zip(state["actions"][rows], (rows + time) + 1e-6, strict=True))
    assert len(rows) == len(replay)


def test_after_a_truncation_the_true_last_stack_is_bootstrapped():
    games = Games(1, 4, seed=1, chances=(0, 0, 0))
    replay = replay_of(60, games, n_step=3)
    replay.add(games.step()[0])
    last = games.step()[0]._replace(truncated=np.array([True]))
    # A truncated copy begins a new game, whatever `ended` says.
    replay.add(last, ended=np.array([False]))
    assert len(replay) == 2
    batch = replay.sample(2)
    np.testing.assert_array_equal(batch.next_observations, np.repeat(last.next_observations, 2, axis=0))
    assert set(batch.discounts) <= {GAMMA, GAMMA**2}


def test_after_a_lost_life_the_frames_go_on_and_nothing_is_bootstrapped():
    games = Games(2, 4, seed=1, chances=(1.0, 0, 0))
    replay, no = replay_of(60, games), np.zeros(2, bool)
    for _ in range(10):
        replay.add(games.step()[0], ended=no)
    # The ten frames of each copy and the three older ones of its first stack: no slot is spent on a lost life.
    assert replay.state_dict()["heads"].tolist() == [13, 13]
    assert replay.sample(18).discounts.tolist() == [0] * 18


def test_a_break_that_nobody_announced_is_seen():
    games = Games(2, 4, seed=1, chances=(0, 0, 0))
    replay, naive = replay_of(60, games, n_step=2), NaiveReplay(60, 4, 2, 2)
    for time in range(12):
        taken, _ = games.step()
        # After a resume the first copy plays a new game.
        ended = np.array([time == 5, False])
        games.seen[ended] = games.frames(1, 4)
        replay.add(taken, ended=np.zeros(2, bool))
        naive.add(taken, ended)
    assert len(replay) == len(naive.drawable())
    assert_drawn_from(naive.drawable(), replay.sample(20))


def test_stacks_of_the_real_games_come_back():
    vector_env = pytest.importorskip("ale_py.vector_env")
    games = vector_env.AtariVectorEnv(
        "breakout", 2, autoreset_mode="SameStep", max_num_frames_per_episode=120, use_fire_reset=True, num_threads=1
    )
    replay, naive = FrameReplay(2 * 60, copies=2, discount=GAMMA), NaiveReplay(60, 4, 1, 2)
    seen, _ = games.reset(seed=1)
    over = 0
    for time in range(80):
        following, rewards, terminated, truncated, more = games.step(np.full(2, time % 4))
        ended = terminated | truncated
        after = np.where(ended[:, None, None, None], more.get("final_obs", following), following)
        names = np.array([2 * time, 2 * time + 1])
        taken = Transitions(
            seen.copy(), names, rewards.astype(float), after.copy(), terminated, truncated & ~terminated
        )
        replay.add(taken)
        naive.add(taken, ended)
        seen, over = following, over + ended.sum()
    games.close()
    assert over >= 4 and len(replay) == len(naive.drawable())
    assert_drawn_from(naive.drawable(), replay.sample(64))


@pytest.mark.parametrize(("length", "alpha"), [(0, 0.0), (5, 0.6), (90, 0.6), (90, 0.0)])
def test_a_restored_replay_goes_on_to_the_byte(length, alpha):
    games = Games(2, 4, seed=1)
    first, second = (replay_of(50, games, n_step=2, alpha=alpha, seed=seed) for seed in (3, 4))
    for _ in range(length):
        first.add(*games.step())
    if length:
        drawn = first.sample(4).indices
        first.update_priorities(drawn, np.arange(4.0))
    stale = Games(2, 4, seed=9)
    for _ in range(30):
        second.add(*stale.step())
    second.load_state_dict({name: array.copy() for name, array in first.state_dict().items()})
    for _ in range(10):
        taken, ended = games.step()
        for replay in (first, second):
            replay.add(taken, ended)
    assert len(first) == len(second) > 0
    for _ in range(3):
        for one, other in zip(first.sample(5), second.sample(5), strict=True):
            assert one.tobytes() == other.tobytes()
    for name, array in first.state_dict().items():
        assert array.tobytes() == second.state_dict()[name].tobytes(), name


def test_a_state_of_few_frames_is_small():
    games = Games(2, 4, seed=1)
    replay = replay_of(1000, games)
    replay.add(*games.step())
    # No game has ended yet or one has: at most five slots of each copy are filled.
    assert len(replay.state_dict()["frames"]) <= 10


def test_100k_transitions_fit_in_0_7_gib_a_seventh_of_what_whole_stacks_take():
    replay = FrameReplay(100_000, copies=16, n_step=3)
    # Stable-baselines3's default buffer stores s and s' whole, an int64 action and three float32 numbers.
    whole_stacks = 100_000 * (2 * 4 * 84 * 84 + 8 + 3 * 4)
    assert replay.nbytes <= 0.7 * 2**30
    assert replay.nbytes <= whole_stacks / 7
    assert FrameReplay(100_000, copies=16, alpha=0.6).nbytes <= 0.7 * 2**30


def test_too_large_a_replay_is_refused_before_memory_is_taken():
    with pytest.raises(ValueError, match=r"6\.59 GiB, above the limit of 4\.00 GiB.*memory_limit=\d+"):
        FrameReplay(1_000_000)
    assert FrameReplay(1_000_000, (8, 8)).capacity == 1_000_000


def refused(games):
    taken = games.step()[0]
    return [
        (taken._replace(observations=taken.observations / 255), TypeError, "observations are float64.*uint8"),
        (taken._replace(observations=taken.observations[:, :3]), ValueError, r"observations have shape \(2, 3, 2, 3\)"),
        (taken._replace(next_observations=games.frames(2, 4)), ValueError, "not the first observations of new ep"),
        (taken._replace(rewards=np.array([np.inf, 0])), ValueError, "rewards hold NaN or a number that is infinite"),
        (taken._replace(actions=np.zeros(2)), TypeError, "actions are float64"),
        (taken._replace(truncated=np.zeros(2)), TypeError, "truncated are float64"),
        (taken._replace(terminated=np.zeros(1, bool)), ValueError, "terminated have shape"),
    ]


def test_what_does_not_fit_is_refused_and_changes_nothing():
    games = Games(2, 4, seed=1, chances=(0, 0, 0))
    replay = replay_of(50, games)
    replay.add(*games.step())
    before = {name: array.copy() for name, array in replay.state_dict().items()}
    for bad, error, message in refused(games):
        with pytest.raises(error, match=message):
            replay.add(bad)
    with pytest.raises(TypeError, match="ended are int64"):
        replay.add(games.step()[0], ended=np.zeros(2, int))
    assert all(array.tobytes() == before[name].tobytes() for name, array in replay.state_dict().items())


def test_settings_and_states_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="stack must be at least 1"):
        FrameReplay(100, SHAPE, 0)
    with pytest.raises(ValueError, match="10 slots for each of 2 copies: give 32 or more"):
        FrameReplay(20, SHAPE, 4, copies=2)
    with pytest.raises(ValueError, match="a batch of 1 from 0 transitions"):
        FrameReplay(100, SHAPE).sample(1)
    replay = FrameReplay(100, SHAPE)
    with pytest.raises(ValueError, match="the saved stacks have shape"):
        replay.load_state_dict(FrameReplay(100, (2, 2)).state_dict())
    with pytest.raises(ValueError, match=r"\(slots, copies, n_step, discount, alpha\)"):
        replay.load_state_dict(FrameReplay(101, SHAPE).state_dict())
    with pytest.raises(ValueError, match="the state lacks begins, following"):
        replay.load_state_dict({name: array for name, array in replay.state_dict().items() if name[0] not in "bf"})
