"""Breakout in colour: our preprocessing is ALE's to one grey level, and a film shows what was played."""

from __future__ import annotations

import numpy as np
import pytest

from dlcourse.reinforcement.atari import AtariGames
from dlcourse.reinforcement.atari_film import BreakoutScreen, film_game, preprocessed


class ToAndFro:
    """Values that make the paddle go to and fro, and remember what was seen."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def values(self, observations: np.ndarray) -> np.ndarray:
        self.seen.append(observations[0].copy())
        return np.eye(4, dtype=np.float32)[[2 + len(self.seen) // 20 % 2]]


def test_the_small_grey_pictures_are_those_of_ale_to_one_level() -> None:
    screen, games = BreakoutScreen(), AtariGames(no_ops=0)
    games.reset()
    screen.press("FIRE")
    for button in (1, 0, 2, 2, 3, 0, 3, 3, 2, 0, 0, 0):
        frames = [screen.press(button) for _ in range(4)]
        theirs = games.step(np.array([button])).observations[0, -1]
        difference = preprocessed(frames[2], frames[3]).astype(int) - theirs.astype(int)
        assert np.abs(difference).max() <= 1
    games.close()


def test_a_small_pixel_is_the_mean_of_what_it_covers() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(256, size=(2, 168, 252, 3), dtype=np.uint8)
    grey = np.maximum(first, second) @ [0.299, 0.587, 0.114]
    blocks = grey.reshape(84, 2, 84, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(preprocessed(first, second), blocks, atol=0.5 + 1e-9)


def test_a_film_holds_what_the_player_saw_and_did() -> None:
    player = ToAndFro()
    film = film_game(player, steps=150, seed=1)
    np.testing.assert_array_equal(film.observations, player.seen)
    assert film.pictures.shape == (150, 210, 160, 3)
    # Three black frames before the first; later each stack is the last one with one frame more.
    assert film.observations[0, :3].max() == 0
    np.testing.assert_array_equal(film.observations[1:, :3], film.observations[:-1, 1:])
    lost = np.flatnonzero(np.diff(film.lives) < 0) + 1
    assert len(lost) > 0
    assert not film.over
    # After a lost life the button is pressed, whatever the player wants.
    wanted = film.values.argmax(axis=1)
    for step in range(150):
        assert film.actions[step] == (1 if step - 1 in lost else wanted[step])


def test_a_film_ends_with_the_game_and_adds_up_to_its_points() -> None:
    class Sleeper:
        def values(self, observations: np.ndarray) -> np.ndarray:
            return np.array([[1.0, 0.0, 0.0, 0.0]])

    film = film_game(Sleeper(), steps=2000, epsilon=0.2, seed=3)
    assert film.over
    assert film.lives[-1] == 0
    assert len(film.actions) < 2000
    assert film.rewards.sum() >= 0


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="button 'JUMP'"):
        BreakoutScreen().press("JUMP")
    with pytest.raises(ValueError, match="height, width, 3"):
        preprocessed(np.zeros((210, 160, 3), np.uint8), np.zeros((210, 160), np.uint8))
    with pytest.raises(ValueError, match="probability"):
        film_game(ToAndFro(), epsilon=2.0)
