"""Initializers: against theory and keras.initializers, then bad input."""

import inspect

import keras
import numpy as np
import pytest
import scipy.stats

from dlcourse.foundations.initializers import INITIALIZERS, get_initializer, normal

SHAPE = (300, 200)
VARIANCES = {
    "normal": 0.05**2,
    "glorot_uniform": 2 / 500,
    "glorot_normal": 2 / 500,
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
}
KERAS = {
    "normal": keras.initializers.RandomNormal,
    "glorot_uniform": keras.initializers.GlorotUniform,
    "glorot_normal": keras.initializers.GlorotNormal,
    "he_uniform": keras.initializers.HeUniform,
    "he_normal": keras.initializers.HeNormal,
}


def draw(name: str) -> np.ndarray:
    return get_initializer(name)(SHAPE, np.random.default_rng(0))


def test_every_initializer_is_covered() -> None:
    assert set(VARIANCES) == set(KERAS) == set(INITIALIZERS)


@pytest.mark.parametrize("name", VARIANCES)
def test_weights_follow_the_stated_distribution(name: str) -> None:
    stddev = np.sqrt(VARIANCES[name])
    if name.endswith("uniform"):
        limit = np.sqrt(3) * stddev
        expected = scipy.stats.uniform(-limit, 2 * limit)
        assert np.abs(draw(name)).max() <= limit
    else:
        expected = scipy.stats.norm(0, stddev)
    # 60,000 draws: this catches a standard deviation that is 2 % off. The seed is fixed, so it cannot fail by chance.
    assert scipy.stats.kstest(draw(name).ravel(), expected.cdf).pvalue > 0.01


@pytest.mark.parametrize("name", KERAS)
def test_mean_and_spread_equal_those_of_keras(name: str) -> None:
    ours, theirs = draw(name), keras.ops.convert_to_numpy(KERAS[name](seed=0)(SHAPE))
    stddev = np.sqrt(VARIANCES[name])
    # Five standard errors of a mean of 60,000 draws, and 2 %, about seven standard errors of their spread.
    assert abs(ours.mean()) < 5 * stddev / np.sqrt(ours.size)
    assert ours.std() == pytest.approx(stddev, rel=0.01)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    if name.endswith("uniform"):
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.001)


def test_he_normal_keeps_the_size_of_the_signal_through_ten_relu_layers() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(200, 256))
    for _ in range(10):
        a = np.maximum(a @ get_initializer("he_normal")((256, 256), rng), 0)
    # The mean square after a ReLU is half that before it, and He's factor 2 puts it back: theory says 1.
    assert 0.5 < np.mean(a**2) < 2


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_seed_gives_the_same_weights_and_the_generator_moves_on(name: str) -> None:
    rng = np.random.default_rng(0)
    first, second = get_initializer(name)(SHAPE, rng), get_initializer(name)(SHAPE, rng)
    assert first.shape == SHAPE
    assert first.dtype == np.float64
    np.testing.assert_array_equal(first, draw(name))
    assert not np.array_equal(first, second)


def test_the_default_spread_of_normal_is_that_of_keras() -> None:
    assert inspect.signature(normal).parameters["stddev"].default == keras.initializers.RandomNormal().stddev
    assert not normal((2, 2), np.random.default_rng(0), stddev=0.0).any()


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", [(3,), (3, 0), (-1, 2), (2.0, 3), (1, 2, 3), 5, (True, 2)])
def test_a_shape_that_is_not_two_positive_integers_is_refused(name: str, shape: object) -> None:
    with pytest.raises(ValueError, match=r"shape must be \(fan_in, fan_out\)"):
        get_initializer(name)(shape, np.random.default_rng(0))


@pytest.mark.parametrize("rng", [0, None, np.random.RandomState(0), np.random])
def test_anything_but_a_generator_is_refused(rng: object) -> None:
    for initializer in INITIALIZERS.values():
        with pytest.raises(TypeError, match=r"Use np\.random\.default_rng\(seed\)"):
            initializer((2, 3), rng)


@pytest.mark.parametrize("stddev", [-1.0, np.nan, np.inf])
def test_a_spread_out_of_range_is_refused(stddev: float) -> None:
    with pytest.raises(ValueError, match="stddev must be zero or a positive, finite number"):
        normal((2, 3), np.random.default_rng(0), stddev=stddev)


def test_an_unknown_name_lists_the_valid_ones_and_the_closest() -> None:
    with pytest.raises(ValueError, match="unknown initializer 'he'; did you mean 'he_normal'|'he_uniform'"):
        get_initializer("he")
