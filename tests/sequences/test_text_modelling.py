"""Text: windows, baselines and sampling against their definitions; a network that beats counting."""

import collections
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from dlcourse.sequences.text import (
    NGramModel,
    Vocabulary,
    load_text,
    perplexity,
    sample_with_temperature,
    split_text,
    text_windows,
)
from dlcourse.sequences.text_training import CharacterNetwork, CharacterSettings, train_character_network


@pytest.fixture(scope="module")
def network() -> CharacterNetwork:
    text = load_text()
    return train_character_network(
        split_text(text)[0], CharacterSettings(steps=240), Vocabulary.of(text), progress=False
    )


@given(st.text(min_size=1))
def test_encoding_and_back_is_the_text(text: str) -> None:
    vocabulary = Vocabulary.of(text)
    assert vocabulary.decode(vocabulary.encode(text)) == text and len(vocabulary) == len(set(text))


@given(size=st.integers(3, 40), length=st.integers(1, 10), stride=st.integers(1, 4))
def test_targets_are_inputs_moved_on_by_one(size: int, length: int, stride: int) -> None:
    if size <= length:
        return
    inputs, targets = text_windows(np.arange(size), length, stride)
    np.testing.assert_array_equal(targets, inputs + 1)
    np.testing.assert_array_equal(inputs[:, 0], np.arange(0, size - length, stride))


@given(context=st.text("abc ", max_size=6), order=st.integers(1, 4), smoothing=st.floats(0.001, 5))
def test_n_gram_probabilities_are_a_distribution(context: str, order: int, smoothing: float) -> None:
    p = NGramModel(order, smoothing).fit("abc cab bac acb", Vocabulary.of("abc ")).probabilities(context)
    assert p.sum() == pytest.approx(1) and (p > 0).all()


def test_without_smoothing_a_bigram_model_is_the_table_of_pairs() -> None:
    text = load_text()
    model = NGramModel(2, smoothing=1e-12).fit(text)
    pairs = collections.Counter(pairwise(text))
    after_t = np.array([pairs["t", character] for character in model.vocabulary.characters])
    np.testing.assert_allclose(model.probabilities("the cat"), after_t / after_t.sum(), atol=1e-9)


def test_a_unigram_model_spends_the_entropy_of_its_text() -> None:
    text = load_text()
    counts = np.array(list(collections.Counter(text).values()))
    bits = NGramModel(1, smoothing=1e-9).fit(text).bits_per_character(text)
    assert bits == pytest.approx(stats.entropy(counts, base=2), rel=1e-6)
    assert perplexity(bits) == pytest.approx(2**bits)


def test_draws_follow_softmax_of_the_scaled_logits() -> None:
    logits, rng = np.array([0.0, 1.0, -1.0, 800.0 - 799.0]), np.random.default_rng(0)
    draws = np.bincount([sample_with_temperature(logits, 2.0, rng) for _ in range(4000)], minlength=4)
    # A fair sampler falls below this p-value once in a thousand seeds, and the seed is fixed.
    assert stats.chisquare(draws, 4000 * special.softmax(logits / 2)).pvalue > 1e-3


def test_the_network_beats_a_bigram_model_on_text_it_has_not_read(network: CharacterNetwork) -> None:
    training, test = split_text(load_text())
    bigram = min(NGramModel(2, s).fit(training, network.vocabulary).bits_per_character(test) for s in (0.03, 0.1, 0.3))
    # 200 and 300 updates, two seeds each: 2.24 to 2.27 bits, against 2.96 for the bigram model.
    assert network.bits_per_character(test) < bigram - 0.4


def test_the_bits_of_a_network_are_the_mean_of_its_own_predictions(network: CharacterNetwork) -> None:
    text = "the cat sat"
    numbers = network.vocabulary.encode(text)
    scores = network.model(np.eye(len(network.vocabulary), dtype="float32")[numbers[:-1]][None]).numpy()[0]
    p = special.softmax(scores.astype(float), axis=1)[np.arange(len(text) - 1), numbers[1:]]
    assert network.bits_per_character(text) == pytest.approx(-np.log2(p).mean(), rel=1e-5)


def test_a_cold_network_writes_what_it_finds_likeliest(network: CharacterNetwork) -> None:
    text = network.generate("the keeper ", length=12, temperature=1e-3)
    assert len(text) == 23 and text == network.generate("the keeper ", length=12, temperature=1e-3, seed=5)
    for end in range(11, 23):
        numbers = network.vocabulary.encode(text[:end])
        scores = network.model(np.eye(len(network.vocabulary), dtype="float32")[numbers][None]).numpy()[0, -1]
        assert network.vocabulary.characters[scores.argmax()] == text[end]


def test_bad_input_is_named(network: CharacterNetwork) -> None:
    with pytest.raises(ValueError, match="characters that the vocabulary does not"):
        network.generate("Ω")
    with pytest.raises(ValueError, match="at least one character"):
        network.generate("")
    with pytest.raises(ValueError, match="temperature must be above 0"):
        sample_with_temperature([0.0, 1.0], 0.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="longer than length = 9"):
        text_windows(np.arange(9), 9)
    with pytest.raises(ValueError, match="call fit"):
        NGramModel().probabilities("a")
    with pytest.raises(ValueError, match="steps must be a multiple"):
        CharacterSettings(steps=3)
