"""Draws follow the priorities, weights undo them, n-step targets are those of a plain loop, a resumed run goes on."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from dlcourse.reinforcement.n_step import n_step, steps_until_stop
from dlcourse.reinforcement.prioritized import LearningBatch, PrioritizedReplay, SumTree
from dlcourse.reinforcement.replay import Transitions


def step_of(numbers, *, rewards=None, terminated=None, truncated=None, following=None):
    """One step of each copy: the observation is its number, the successor the number after it, the action too."""
    value = np.asarray(numbers, dtype=np.float32)
    no = np.zeros(len(value), bool)
    return Transitions(
        value[:, None],
        np.asarray(numbers, dtype=np.int64),
        value if rewards is None else np.asarray(rewards),
        (value + 1 if following is None else np.asarray(following, np.float32))[:, None],
        no if terminated is None else np.asarray(terminated),
        no if truncated is None else np.asarray(truncated),
    )


def filled(count, **options):
    replay = PrioritizedReplay(options.pop("capacity", count + 8), (1,), **options)
    for number in range(count):
        replay.add(step_of([number]))
    return replay


# Whole numbers, so that every order of summation gives the same sum and the oracle is exact.
CHANGES = st.lists(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 5)), min_size=1, max_size=6), max_size=8)


@given(capacity=st.integers(1, 11), changes=CHANGES)
def test_the_sum_tree_finds_what_a_cumulative_sum_finds(capacity, changes):
    tree, plain = SumTree(capacity), np.zeros(capacity)
    for change in changes:
        indices, values = np.array(change).T
        indices %= capacity
        tree.set(indices, values)
        for index, value in zip(indices, values, strict=True):
            plain[index] = value
        np.testing.assert_array_equal(tree[np.arange(capacity)], plain)
        assert tree.total == plain.sum()
        masses = np.arange(0, plain.sum(), 0.5)
        if len(masses):
            np.testing.assert_array_equal(tree.find(masses), np.searchsorted(plain.cumsum(), masses, side="right"))


@given(values=st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e9)), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_a_place_that_holds_zero_is_never_found_whatever_the_rounding(values, seed):
    tree = SumTree(len(values))
    tree.set(np.arange(len(values)), values)
    if tree.total == 0:
        with pytest.raises(ValueError, match="all numbers of the tree are 0"):
            tree.find(np.zeros(1))
        return
    edges = np.clip(np.cumsum(values), 0, tree.total)
    random = np.random.default_rng(seed).uniform(0, tree.total, size=20)
    masses = np.concatenate([[0.0, tree.total], edges, np.nextafter(edges, 0), random])
    assert (tree[tree.find(masses)] > 0).all()


def test_rounding_does_not_pile_up_over_many_changes():
    rng, tree, plain = np.random.default_rng(0), SumTree(1000), np.zeros(1000)
    for _ in range(2000):
        indices, values = rng.integers(1000, size=50), rng.lognormal(sigma=8, size=50)
        tree.set(indices, values)
        plain[indices] = values
    assert tree.total == pytest.approx(math.fsum(plain), rel=1e-14)
    tree.set(np.arange(1000), np.zeros(1000))
    assert tree.total == 0


def test_a_place_that_is_named_twice_takes_the_last_number():
    tree = SumTree(4)
    tree.set(np.array([1, 2, 1]), np.array([5.0, 1.0, 3.0]))
    assert tree[np.arange(4)].tolist() == [0, 3, 1, 0] and tree.total == 4


@pytest.mark.parametrize(
    ("indices", "values", "message"),
    [
        ([4], [1.0], r"indices from 4 to 4: give those in \[0, 4\)"),
        ([-1], [1.0], r"indices from -1"),
        ([0], [-1.0], "not negative"),
        ([0], [np.nan], "finite"),
        ([0], [np.inf], "finite"),
    ],
)
def test_the_sum_tree_refuses_what_would_spoil_it(indices, values, message):
    tree = SumTree(4)
    tree.set(np.array([0]), np.array([2.0]))
    with pytest.raises(ValueError, match=message):
        tree.set(np.array(indices), np.array(values))
    assert tree.total == 2
    for mass in (-1.0, 2.1, np.nan):
        with pytest.raises(ValueError, match="masses"):
            tree.find(np.array([mass]))
    with pytest.raises(ValueError, match="capacity=0"):
        SumTree(0)


def plain_n_step(rewards, stops, terminated, discount):
    """The definition, one transition at a time."""
    total, power = 0.0, 1.0
    for step, (reward, stop, end) in enumerate(zip(rewards, stops, terminated, strict=True), start=1):
        total += power * reward
        power *= discount
        if stop or step == len(rewards):
            return total, 0.0 if end else power, step
    raise AssertionError("no steps")


@given(
    batch=st.integers(1, 5), steps=st.integers(1, 6), discount=st.sampled_from([0, 0.5, 0.99, 1]), seed=st.integers(0)
)
def test_n_step_returns_are_those_of_a_plain_loop(batch, steps, discount, seed):
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(batch, steps))
    terminated = rng.random((batch, steps)) < 0.2
    stops = terminated | (rng.random((batch, steps)) < 0.2)
    found = n_step(rewards, stops, terminated, discount)
    expected = [plain_n_step(*rows, discount) for rows in zip(rewards, stops, terminated, strict=True)]
    for got, wanted in zip(found, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(steps_until_stop(stops), found.steps)


def test_what_lies_beyond_a_stop_does_not_count_even_if_it_is_no_number():
    rewards, stops = np.array([[1.0, np.nan]]), np.array([[True, False]])
    assert n_step(rewards, stops, np.zeros((1, 2), bool), 0.9).rewards.tolist() == [1.0]


@settings(deadline=None, max_examples=150)
@given(
    copies=st.integers(1, 3),
    steps=st.integers(1, 4),
    slots=st.integers(6, 14),
    length=st.integers(1, 40),
    alpha=st.sampled_from([0.0, 0.6]),
    seed=st.integers(0),
)
def test_batches_are_those_of_a_list_of_all_transitions(copies, steps, slots, length, alpha, seed):
    rng = np.random.default_rng(seed)
    replay = PrioritizedReplay(
        slots * copies + copies - 1, (1,), copies=copies, n_step=steps, discount=0.5, alpha=alpha, seed=3
    )
    streams = [[] for _ in range(copies)]
    for time in range(length):
        numbers = time + 1000 * np.arange(copies)
        terminated, truncated = rng.random(copies) < 0.15, rng.random(copies) < 0.15
        rewards = rng.integers(-8, 8, size=copies).astype(float)
        # What follows a stop is another episode; its number says nothing about the successor.
        following = numbers + np.where(terminated | truncated, 0.5, 1.0)
        replay.add(step_of(numbers, rewards=rewards, terminated=terminated, truncated=truncated, following=following))
        for copy, stream in enumerate(streams):
            stop = terminated[copy] | truncated[copy]
            stream.append((numbers[copy], rewards[copy], following[copy], stop, terminated[copy]))
    expected = {}
    for stream in streams:
        for start in range(max(0, length - slots), length):
            ahead = stream[start : start + steps]
            if len(ahead) == steps or any(stop for *_, stop, _ in ahead):
                _, rewards, successors, stops, ends = zip(*ahead, strict=True)
                total, discount, count = plain_n_step(rewards, stops, ends, 0.5)
                expected[stream[start][0]] = (total, discount, successors[count - 1])
    assert len(replay) == len(expected)
    if expected:
        batch = replay.sample(len(expected))
        for number, *got in zip(
            batch.actions, batch.rewards, batch.discounts, batch.next_observations[:, 0], strict=True
        ):
            assert tuple(got) == expected[number]
        np.testing.assert_array_equal(batch.observations[:, 0], batch.actions)


def test_after_a_truncation_the_true_last_observation_is_bootstrapped():
    replay = PrioritizedReplay(20, (1,), n_step=3, discount=0.5, alpha=0)
    replay.add(step_of([1], rewards=[1.0]))
    replay.add(step_of([2], rewards=[1.0], truncated=[True], following=[77]))
    replay.add(step_of([50]))
    assert len(replay) == 2
    batch = replay.sample(2)
    assert set(batch.next_observations.ravel()) == {77}
    assert all(discount == (0.25 if action == 1 else 0.5) for action, discount in zip(*batch[1::3], strict=True))


def test_no_target_reaches_across_a_gap_that_nobody_announced():
    replay = PrioritizedReplay(20, (1,), n_step=2, discount=0.5, alpha=0)
    replay.add(step_of([1]))
    assert len(replay) == 0
    # A resumed run begins a new episode here: 2 was to follow, 50 came.
    replay.add(step_of([50]))
    assert len(replay) == 1
    batch = replay.sample(1)
    assert (batch.rewards, batch.next_observations, batch.discounts) == (1, 2, 0.5)


def test_ended_stops_the_steps_as_a_truncation_does():
    replay = PrioritizedReplay(20, (1,), n_step=2, alpha=0)
    replay.add(step_of([1]), ended=np.array([True]))
    assert len(replay) == 1


@pytest.mark.parametrize("size", [1, 10])
def test_draws_follow_the_priorities(size):
    replay = filled(20, alpha=0.7, seed=1)
    errors = np.random.default_rng(2).lognormal(size=20)
    rows = np.arange(20)
    replay.update_priorities(rows, -errors)
    share = (errors + 1e-6) ** 0.7 / ((errors + 1e-6) ** 0.7).sum()
    draws = np.concatenate([replay.sample(size).actions for _ in range(6000 // size)])
    # Right draws fail at this level once in a thousand seeds, and this seed is fixed; batches are cut into equal parts,
    # which only lowers the statistic.
    assert chisquare(np.bincount(draws, minlength=20), share * 6000).pvalue > 1e-3


def test_without_priorities_every_transition_is_drawn_equally_often():
    # n = 3: the last two of each copy wait for their steps and must never be drawn.
    replay = PrioritizedReplay(30, (1,), copies=2, n_step=3, alpha=0, seed=5)
    for number in range(25):
        replay.add(step_of([number, 100 + number]))
    assert len(replay) == 26
    draws = np.concatenate([replay.sample(13).actions for _ in range(600)])
    drawn, counts = np.unique(draws, return_counts=True)
    assert drawn.tolist() == [*range(10, 23), *range(110, 123)]
    assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_importance_weights_are_those_of_the_paper(beta):
    replay = filled(12, alpha=0.5, seed=1)
    errors = np.linspace(0.1, 4, 12)
    replay.update_priorities(np.arange(12), errors)
    replay.beta = beta
    batch = replay.sample(10)
    share = np.sqrt(errors + 1e-6) / np.sqrt(errors + 1e-6).sum()
    weights = (12 * share[batch.actions]) ** -beta
    np.testing.assert_allclose(batch.weights, weights / weights.max(), rtol=1e-6)
    assert batch.weights.dtype == np.float32 and batch.weights.max() == 1


def test_with_beta_1_weighted_draws_have_the_mean_of_uniform_ones():
    replay = filled(50, alpha=1.0, beta=1.0, seed=1)
    replay.update_priorities(np.arange(50), np.linspace(0.2, 3, 50))
    batch = replay.sample(50)
    for _ in range(199):
        more = replay.sample(50)
        # The least of all priorities is in every batch of 50 parts, so that all weights have the same scale.
        batch = LearningBatch(*(np.concatenate(pair) for pair in zip(batch, more, strict=True)))
    assert np.average(batch.rewards, weights=batch.weights) == pytest.approx(24.5, abs=0.5)
    assert batch.rewards.mean() > 30


def test_a_new_transition_gets_the_largest_priority_so_far():
    replay = filled(4, alpha=1.0)
    replay.update_priorities(np.arange(4), np.array([0.0, 0.5, 9.0, 1.0]))
    replay.update_priorities(np.array([2]), np.array([0.25]))
    replay.add(step_of([4]))
    np.testing.assert_allclose(replay.state_dict()["priorities"], [1e-6, 0.5, 0.25, 1, 9], atol=2e-6)


def test_what_cannot_be_drawn_has_no_priority():
    replay = PrioritizedReplay(12, (1,), n_step=3)
    for number in range(15):
        replay.add(step_of([number]))
        replay.update_priorities(np.arange(12), np.ones(12))
        drawable = replay.state_dict()["priorities"] > 0
        assert drawable.sum() == len(replay) == min(max(number - 1, 0), 10)


@pytest.mark.parametrize(("stored", "alpha"), [(0, 0.6), (3, 0.6), (40, 0.6), (40, 0.0)])
def test_a_restored_replay_goes_on_to_the_byte(stored, alpha):
    def replay_of(seed):
        return PrioritizedReplay(20, (1,), copies=2, n_step=2, alpha=alpha, seed=seed)

    first, second = replay_of(3), replay_of(4)
    for number in range(stored):
        first.add(step_of([number, number + 100]))
    if stored:
        first.update_priorities(first.sample(4).indices, np.array([0.5, 3.0, 0.1, 7.0]))
        first.beta = 0.75
    for number in range(17):
        second.add(step_of([number, 7]))
    second.load_state_dict({name: array.copy() for name, array in first.state_dict().items()})
    for number in range(stored, stored + 5):
        for replay in (first, second):
            replay.add(step_of([number, number + 100]))
    assert len(first) == len(second) > 0
    for _ in range(3):
        for one, other in zip(first.sample(3), second.sample(3), strict=True):
            assert one.tobytes() == other.tobytes()
    for name, array in first.state_dict().items():
        assert array.tobytes() == second.state_dict()[name].tobytes(), name


def test_foreign_states_are_named_and_change_nothing():
    replay = filled(5)
    before = {name: array.copy() for name, array in replay.state_dict().items()}
    with pytest.raises(ValueError, match=r"settings|\(slots, copies, n_step, discount, alpha\)"):
        replay.load_state_dict(filled(5, n_step=2).state_dict())
    with pytest.raises(ValueError, match="the state lacks priorities"):
        replay.load_state_dict(filled(5, alpha=0).state_dict())
    other = PrioritizedReplay(13, (2,))
    with pytest.raises(ValueError, match="the saved observations have shape"):
        other.load_state_dict(before)
    with pytest.raises(ValueError, match="finite"):
        replay.load_state_dict(before | {"priorities": np.full(5, np.nan)})
    assert all(array.tobytes() == before[name].tobytes() for name, array in replay.state_dict().items())


GOOD = step_of([1, 2])


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (step_of([1]), ValueError, r"observations have shape \(1, 1\).*\(2, 1\)"),
        (GOOD._replace(rewards=np.array([1.0, np.nan])), ValueError, "rewards hold NaN"),
        (GOOD._replace(truncated=np.zeros(2)), TypeError, "truncated are float64"),
        (GOOD._replace(truncated=np.zeros(3, bool)), ValueError, "truncated have shape"),
        (GOOD._replace(actions=np.zeros(2)), TypeError, "actions are float64"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(bad, error, message):
    replay = PrioritizedReplay(20, (1,), copies=2)
    replay.add(GOOD)
    before = {name: array.copy() for name, array in replay.state_dict().items()}
    with pytest.raises(error, match=message):
        replay.add(bad)
    with pytest.raises(ValueError, match="ended have shape"):
        replay.add(GOOD, ended=np.zeros(1, bool))
    assert all(array.tobytes() == before[name].tobytes() for name, array in replay.state_dict().items())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"capacity": 0}, ValueError, "capacity must be at least 1"),
        ({"capacity": 1e6}, TypeError, "capacity must be an integer"),
        ({"capacity": 4, "n_step": 5}, ValueError, "4 slots for each of 1 copies: give 7 or more"),
        ({"copies": 0}, ValueError, "copies must be at least 1"),
        ({"n_step": 0}, ValueError, "n_step must be at least 1"),
        ({"discount": 1.1}, ValueError, "discount=1.1"),
        ({"alpha": -0.1}, ValueError, "alpha=-0.1"),
        ({"beta": np.nan}, ValueError, "beta=nan"),
        ({"capacity": 10**9}, ValueError, r"GiB, above the limit of 2\.00 GiB.*memory_limit=\d+"),
    ],
)
def test_settings_out_of_range_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        PrioritizedReplay(options.pop("capacity", 100), (1,), **options)


def test_draws_and_errors_that_make_no_sense_are_refused():
    replay = filled(5)
    with pytest.raises(ValueError, match="a batch of 6 from 5 transitions"):
        replay.sample(6)
    with pytest.raises(ValueError, match="size=0"):
        replay.sample(0)
    with pytest.raises(ValueError, match=r"td_errors \(3,\)"):
        replay.update_priorities(np.arange(2), np.zeros(3))
    with pytest.raises(ValueError, match="the network diverges"):
        replay.update_priorities(np.arange(2), np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="indices from 0 to 99"):
        replay.update_priorities(np.array([0, 99]), np.ones(2))
    with pytest.raises(ValueError, match="beta=2"):
        replay.beta = 2


def test_a_million_transitions_take_the_memory_that_is_stated():
    replay = PrioritizedReplay(1_000_000, (4,))
    assert replay.nbytes == 1_000_000 * (2 * 16 + 8 + 4 + 4) + 2 * 8 * 2**20
    assert PrioritizedReplay(1_000_000, (4,), alpha=0).nbytes == 48_000_000
    assert PrioritizedReplay(10, (4,), memory_limit=10 * 48 + 2 * 8 * 16).capacity == 10
