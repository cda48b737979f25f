"""Markov chains keep what probability theory promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dlcourse.economics.markov import MarkovChain


@st.composite
def chains(draw, name="x"):
    size = draw(st.integers(1, 5))
    weights = np.array(draw(st.lists(st.floats(0.05, 1), min_size=size * size, max_size=size * size)))
    rows = weights.reshape(size, size)
    return MarkovChain(rows / rows.sum(axis=1, keepdims=True), {name: np.arange(size)})


@given(chain=chains())
def test_the_stationary_distribution_is_the_left_eigenvector_of_one(chain):
    values, vectors = np.linalg.eig(chain.transition.T)
    vector = np.real(vectors[:, np.argmin(np.abs(values - 1))])
    np.testing.assert_allclose(chain.stationary(), vector / vector.sum(), atol=1e-10)


@given(first=chains(), second=chains("y"))
def test_independent_chains_have_independent_stationary_states(first, second):
    both = first @ second
    np.testing.assert_allclose(both.stationary(), np.kron(first.stationary(), second.stationary()), atol=1e-9)
    pairs = [(i, j) for i in range(len(first)) for j in range(len(second))]
    assert list(zip(both.values["x"], both.values["y"], strict=True)) == pairs


def test_the_slides_shocks_in_their_order():
    depreciation = MarkovChain([[0.98, 0.02], [0.25, 0.75]], {"depreciation": [0.5, 0.9]})
    shocks = depreciation @ MarkovChain(np.full((2, 2), 0.5), {"productivity": [0.85, 1.15]})
    np.testing.assert_array_equal(shocks.values["productivity"], [0.85, 1.15, 0.85, 1.15])
    np.testing.assert_allclose(shocks.transition[0], [0.49, 0.49, 0.01, 0.01])
    np.testing.assert_allclose(shocks.transition[3], [0.125, 0.125, 0.375, 0.375])


def test_simulated_moves_have_the_frequencies_of_the_matrix():
    chain = MarkovChain([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.0, 0.6, 0.4]])
    path = chain.simulate(60_000, np.random.default_rng(1))
    for state in range(3):
        followers = np.bincount(path[1:][path[:-1] == state], minlength=3)
        possible = chain.transition[state] > 0
        assert followers[~possible].sum() == 0
        expected = chain.transition[state][possible] * followers.sum()
        assert stats.chisquare(followers[possible], expected).pvalue > 1e-3


def test_many_paths_start_in_the_stationary_distribution_and_stay_there():
    chain = MarkovChain([[0.98, 0.02], [0.25, 0.75]])
    states = chain.simulate(50, np.random.default_rng(2), paths=4000)
    assert states.shape == (50, 4000)
    for period in (0, 49):
        counts = np.bincount(states[period], minlength=2)
        assert stats.chisquare(counts, chain.stationary() * 4000).pvalue > 1e-3


def test_the_same_seed_gives_the_same_path_from_a_given_start():
    chain = MarkovChain(np.full((4, 4), 0.25))
    first, second = (chain.simulate(30, np.random.default_rng(7), start=2) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first[0] == 2
    np.testing.assert_array_equal(chain.simulate(1, np.random.default_rng(0), start=[3, 1], paths=2), [[3, 1]])


@pytest.mark.parametrize(
    ("transition", "message"),
    [
        ([[0.5, 0.5], [0.3, 0.6]], "row 1 of the transition matrix sums to 0.9, not to 1"),
        ([[0.5, 0.5]], "square"),
        ([[1.5, -0.5], [0.5, 0.5]], "probabilities from 0 to 1"),
        ([[np.nan, 1.0], [0.5, 0.5]], "probabilities from 0 to 1"),
        ([], "square"),
    ],
)
def test_a_matrix_that_is_no_transition_is_refused(transition, message):
    with pytest.raises(ValueError, match=message):
        MarkovChain(transition)


def test_wrong_values_starts_and_sizes_are_named():
    chain = MarkovChain(np.eye(2))
    with pytest.raises(ValueError, match="takes 2 finite numbers"):
        MarkovChain(np.eye(2), {"x": [1.0]})
    with pytest.raises(ValueError, match="several stationary distributions"):
        chain.stationary()
    with pytest.raises(ValueError, match="integers 0 to 1"):
        chain.simulate(3, np.random.default_rng(0), start=2)
    with pytest.raises(ValueError, match="at least 1"):
        chain.simulate(0, np.random.default_rng(0), start=0)
    with pytest.raises(ValueError, match="named x"):
        _ = MarkovChain(np.eye(1), {"x": [1.0]}) @ MarkovChain(np.eye(1), {"x": [1.0]})


def test_a_chain_cannot_be_changed_behind_its_back():
    with pytest.raises(ValueError, match="read-only"):
        MarkovChain(np.eye(2)).transition[0, 0] = 0.5
