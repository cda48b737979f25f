"""The replay returns what was stored, in every order of events, and refuses what would spoil it."""

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from dlcourse.reinforcement.replay import ReplayBuffer, Transitions, replay_bytes


def transitions(numbers):
    """One transition for each number, from which all its fields follow."""
    value = np.asarray(numbers, dtype=np.float32)
    return Transitions(
        np.stack([value, value + 0.25], axis=-1),
        value[:, None],
        value * 2,
        np.stack([value + 1, value + 1.25], axis=-1),
        value % 3 == 1,
        value % 3 == 2,
    )


def buffer_of(capacity, **settings):
    return ReplayBuffer(capacity, (2,), (1,), **settings)


@given(capacity=st.integers(1, 12), batches=st.lists(st.integers(1, 12), max_size=10), seed=st.integers(0, 99))
def test_it_holds_what_a_plain_list_of_the_last_transitions_holds(capacity, batches, seed):
    buffer, naive, number = buffer_of(capacity, seed=seed), [], 0
    for size in (min(size, capacity) for size in batches):
        buffer.add(transitions(range(number, number + size)))
        naive += list(range(number, number + size))
        naive = naive[-capacity:]
        number += size
        assert len(buffer) == len(naive)
        held = buffer.rows(np.arange(len(buffer)))
        order = np.argsort(held.rewards)
        for got, expected in zip(held, transitions(naive), strict=True):
            np.testing.assert_array_equal(got[order], expected)
        drawn = buffer.sample(len(buffer))
        # Every field of a drawn row comes from one and the same transition.
        for got, expected in zip(drawn, transitions(drawn.rewards / 2), strict=True):
            np.testing.assert_array_equal(got, expected)
        assert set(drawn.rewards / 2) <= set(naive)


def test_the_oldest_makes_place_for_the_newest():
    buffer = buffer_of(3)
    buffer.add(transitions([0, 1]))
    buffer.add(transitions([2, 3]))
    np.testing.assert_array_equal(buffer.rows(np.arange(3)).rewards, [6, 2, 4])


def test_termination_and_truncation_stay_apart():
    buffer = buffer_of(6)
    buffer.add(transitions(range(6)))
    held = buffer.rows(np.arange(6))
    np.testing.assert_array_equal(held.terminated, [False, True, False, False, True, False])
    np.testing.assert_array_equal(held.truncated, [False, False, True, False, False, True])
    assert held.terminated.dtype == held.truncated.dtype == np.bool_


def test_every_transition_is_drawn_equally_often():
    from scipy.stats import chisquare

    buffer = buffer_of(20, seed=1)
    buffer.add(transitions(range(20)))
    counts = np.bincount((np.concatenate([buffer.sample(20).rewards for _ in range(500)]) / 2).astype(int))
    # A fair draw fails at this level once in a thousand seeds, and this seed is fixed.
    assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("stored", [0, 3, 5, 12])
def test_a_restored_buffer_goes_on_to_the_byte(stored):
    first, second = buffer_of(5, seed=3), buffer_of(5, seed=4)
    for number in range(stored):
        first.add(transitions([number]))
    if stored:
        first.sample(2)
    second.add(transitions([77, 78]))
    second.load_state_dict(first.state_dict())
    for buffer in (first, second):
        buffer.add(transitions([100, 101]))
    assert len(first) == len(second)
    for one, other in zip(first.sample(2), second.sample(2), strict=True):
        assert one.tobytes() == other.tobytes()
    for name, array in first.state_dict().items():
        assert array.tobytes() == second.state_dict()[name].tobytes(), name


def test_a_state_is_a_copy_and_a_sample_too():
    buffer = buffer_of(2)
    buffer.add(transitions([1, 2]))
    state, batch = buffer.state_dict(), buffer.sample(2)
    kept = batch.observations.copy()
    buffer.add(transitions([8, 9]))
    np.testing.assert_array_equal(state["rewards"], [2, 4])
    np.testing.assert_array_equal(batch.observations, kept)


def test_memory_is_stated_and_refused_before_it_is_taken():
    import tracemalloc

    assert buffer_of(100).nbytes == replay_bytes(100, (2,), (1,)) == 100 * (16 + 4 + 4 + 2)
    assert replay_bytes(10, (84, 84, 4), (), np.uint8, np.int64) == 10 * (2 * 84 * 84 * 4 + 8 + 4 + 2)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"52\.\d+ GiB, above the limit of 2\.00 GiB.*memory_limit=\d+"):
        ReplayBuffer(1_000_000, (84, 84, 4), (), observation_dtype=np.uint8)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    assert buffer_of(100, memory_limit=2600).capacity == 100


def test_spaces_give_shapes_and_types():
    frames = spaces.Box(0, 255, (4, 4), np.uint8)
    buffer = ReplayBuffer.for_spaces(frames, spaces.Discrete(3), 10)
    seen = np.full((2, 4, 4), 200, np.uint8)
    no = np.zeros(2, bool)
    buffer.add(Transitions(seen, np.array([0, 2]), np.zeros(2), seen, no, no))
    batch = buffer.sample(2)
    assert batch.observations.dtype == np.uint8 and batch.actions.dtype == np.int64 and batch.actions.shape == (2,)


GOOD = transitions([1, 2])


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (GOOD._replace(observations=np.zeros((2, 3))), ValueError, r"observations have shape \(2, 3\).*\(2, 2\)"),
        (GOOD._replace(actions=np.zeros(2)), ValueError, r"actions have shape \(2,\)"),
        (GOOD._replace(terminated=np.zeros(3, bool)), ValueError, "terminated have shape"),
        (GOOD._replace(rewards=np.array([1.0, np.nan])), ValueError, "rewards hold NaN"),
        (GOOD._replace(rewards=np.array([1.0, 1e300])), ValueError, "infinite in float32"),
        (GOOD._replace(next_observations=np.full((2, 2), np.inf)), ValueError, "next_observations hold NaN"),
        (GOOD._replace(terminated=np.zeros(2)), TypeError, "terminated are float64.*stores bool"),
        (transitions(range(9)), ValueError, "9 transitions at once.*1 to 4"),
        (transitions([]), ValueError, "0 transitions at once"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(bad, error, message):
    buffer = buffer_of(4)
    buffer.add(transitions([5]))
    before = buffer.state_dict()
    with pytest.raises(error, match=message):
        buffer.add(bad)
    assert all((array == buffer.state_dict()[name]).all() for name, array in before.items())


def test_numbers_that_a_small_type_cannot_store_are_refused():
    buffer = ReplayBuffer(4, (1,), (), observation_dtype=np.uint8, action_dtype=np.uint8)
    no = np.zeros(1, bool)
    with pytest.raises(ValueError, match="hold 300, which uint8 cannot store"):
        buffer.add(Transitions(np.full((1, 1), 300, np.uint16), np.zeros(1, np.uint8), np.zeros(1), no[None], no, no))
    with pytest.raises(TypeError, match=r"float64, this buffer stores uint8"):
        buffer.add(Transitions(np.full((1, 1), 0.5), np.zeros(1, np.uint8), np.zeros(1), no[None], no, no))


def test_too_small_a_buffer_and_foreign_states_are_named():
    buffer = buffer_of(4)
    buffer.add(transitions([1]))
    with pytest.raises(ValueError, match="a batch of 2 from 1 transitions"):
        buffer.sample(2)
    with pytest.raises(ValueError, match="batch_size=0"):
        buffer.sample(0)
    with pytest.raises(ValueError, match="capacity=0"):
        buffer_of(0)
    with pytest.raises(ValueError, match="a buffer of 4 transitions, this one holds 5"):
        buffer_of(5).load_state_dict(buffer.state_dict())
    with pytest.raises(ValueError, match="saved observations"):
        ReplayBuffer(4, (3,), (1,)).load_state_dict(buffer.state_dict())
