"""Noise has the moments of its process, schedules their end points, and both go on to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dlcourse.reinforcement.exploration import (
    ExponentialSchedule,
    GaussianNoise,
    LinearSchedule,
    OrnsteinUhlenbeckNoise,
    epsilon_greedy,
)
from dlcourse.reinforcement.random_state import pack_generator, unpack_generator


def test_gaussian_noise_is_normal_and_has_no_memory():
    noise = GaussianNoise((4, 2), scale=0.3, seed=0)
    drawn = np.stack([noise.sample() for _ in range(2000)])
    assert stats.kstest(drawn.ravel(), "norm", args=(0, 0.3)).pvalue > 1e-3
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 4 / np.sqrt(drawn.size)


@pytest.mark.parametrize("time_step", [0.1, 1.0, 5.0])
def test_the_ornstein_uhlenbeck_process_has_its_exact_moments(time_step):
    """At every step n from the start mu: mean mu, variance sigma^2 (1 - exp(-2 theta n dt)) / (2 theta)."""
    rate, scale, mean, copies = 0.15, 0.2, 0.5, 20_000
    noise = OrnsteinUhlenbeckNoise((copies, 1), scale, rate, time_step, mean, seed=1)
    path = np.stack([noise.sample()[:, 0] for _ in range(30)])
    elapsed = time_step * np.arange(1, 31)
    variance = scale**2 * (1 - np.exp(-2 * rate * elapsed)) / (2 * rate)
    # Five standard errors of a mean and of a variance over 20,000 copies.
    np.testing.assert_array_less(np.abs(path.mean(axis=1) - mean), 5 * np.sqrt(variance / copies))
    np.testing.assert_allclose(path.var(axis=1), variance, rtol=5 * np.sqrt(2 / copies))
    lag = 7
    covariance = np.mean((path[10] - mean) * (path[10 + lag] - mean))
    assert covariance == pytest.approx(variance[10] * np.exp(-rate * lag * time_step), abs=5 * variance[-1] / 140)


def test_reset_starts_ended_copies_at_the_mean_and_leaves_the_others():
    noise = OrnsteinUhlenbeckNoise((3, 2), mean=0.5, seed=0)
    for _ in range(5):
        before = noise.sample()
    noise.reset(np.array([False, True, False]))
    state = noise.state_dict()["value"]
    np.testing.assert_array_equal(state[1], [0.5, 0.5])
    np.testing.assert_array_equal(state[[0, 2]], before[[0, 2]])
    noise.reset()
    np.testing.assert_array_equal(noise.state_dict()["value"], np.full((3, 2), 0.5))


@pytest.mark.parametrize("kind", [GaussianNoise, OrnsteinUhlenbeckNoise])
def test_noise_goes_on_to_the_bit(kind):
    first, second = kind((2, 1), seed=0), kind((2, 1), seed=9)
    first.sample()
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        assert first.sample().tobytes() == second.sample().tobytes()


@given(
    start=st.floats(-5, 5),
    end=st.floats(-5, 5),
    steps=st.integers(1, 100_000),
    fraction=st.floats(0, 3, allow_nan=False),
)
def test_a_linear_schedule_is_the_interpolation_of_its_ends(start, end, steps, fraction):
    step = int(fraction * steps)
    expected = np.interp(step, [0, steps], [start, end])
    assert LinearSchedule(start, end, steps)(step) == pytest.approx(expected, abs=1e-9)


def test_an_exponential_schedule_halves_at_its_half_life():
    schedule = ExponentialSchedule(1.0, 0.2, steps=100)
    assert schedule(0) == 1.0
    assert schedule(100 * np.log(2)) == pytest.approx(0.6)
    assert schedule(10_000) == pytest.approx(0.2)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5, 1.0])
def test_epsilon_greedy_chooses_with_its_probabilities(epsilon):
    greedy = np.full(40_000, 2)
    chosen = epsilon_greedy(greedy, 4, epsilon, np.random.default_rng(3))
    expected = np.full(4, epsilon / 4)
    expected[2] += 1 - epsilon
    np.testing.assert_allclose(np.bincount(chosen, minlength=4) / 40_000, expected, atol=5 * 0.5 / 200)
    assert chosen.dtype == greedy.dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianNoise((1,), scale=-0.1), r"scale=-0\.1"),
        (lambda: OrnsteinUhlenbeckNoise((1,), scale=float("nan")), "scale=nan"),
        (lambda: OrnsteinUhlenbeckNoise((1,), rate=0.0), r"rate=0\.0"),
        (lambda: OrnsteinUhlenbeckNoise((1,), time_step=0.0), r"time_step=0\.0"),
        (lambda: LinearSchedule(1.0, 0.0, 0), "in 0 steps"),
        (lambda: ExponentialSchedule(1.0, float("inf"), 5), "to inf"),
        (lambda: epsilon_greedy(np.array([0]), 2, 1.5, np.random.default_rng(0)), r"epsilon=1\.5"),
        (
            lambda: OrnsteinUhlenbeckNoise((1, 2)).load_state_dict(OrnsteinUhlenbeckNoise((2, 1)).state_dict()),
            r"shape \(2, 1\), this one has \(1, 2\)",
        ),
        (lambda: unpack_generator(np.zeros(5, np.uint8)), "no state of a random generator"),
        (lambda: pack_generator(np.random.Generator(np.random.MT19937(0))), "over MT19937 cannot be packed"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
