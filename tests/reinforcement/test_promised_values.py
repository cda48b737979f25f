"""What values promise is compared with the discounted rewards that a policy really gets, state by state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dlcourse.reinforcement.promised_values import promises


class Corridor(gymnasium.Env):
    """Action 1 goes on, action 0 stays; the way out, after five places, pays 1."""

    observation_space = spaces.Box(0, 5, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.place = 0
        return np.array([0], np.float32), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.place += int(action)
        over = self.place == 5
        return np.array([self.place], np.float32), float(over), over, False, {}


class Opinion:
    """Goes on (or stays), and promises what a function of the place says."""

    def __init__(self, promise: Any, go: bool = True) -> None:
        self.promise, self.go = promise, go

    def values(self, observations: np.ndarray) -> np.ndarray:
        best = np.array([self.promise(float(place)) for place in observations[:, 0]])
        return np.stack([best - self.go, best - (not self.go)], axis=1).astype(np.float32)


def test_true_values_are_received_and_others_exceed_by_their_error() -> None:
    truth = Opinion(lambda place: 0.9 ** (4 - place))
    found = promises(truth, Corridor, discount=0.9, seeds=(0, 1))
    np.testing.assert_allclose(found.received, np.tile(0.9 ** np.arange(4, -1, -1), 2))
    np.testing.assert_allclose(found.promised, found.received, rtol=1e-6)
    np.testing.assert_array_equal(found.totals, [1, 1])
    optimist = Opinion(lambda place: 0.9 ** (4 - place) + 3)
    assert promises(optimist, Corridor, discount=0.9).excess == pytest.approx(3, rel=1e-6)


def test_states_close_to_a_cut_do_not_count() -> None:
    # 0.5^5 < 0.05: of 20 steps that end by the clock the last five say too little.
    found = promises(Opinion(lambda place: 0.0, go=False), Corridor, discount=0.5, seeds=(0,), max_steps=20)
    assert len(found.promised) == len(found.received) == 15
    with pytest.raises(ValueError, match="cut off after at most 4 steps"):
        promises(Opinion(lambda place: 0.0, go=False), Corridor, discount=0.5, seeds=(0,), max_steps=4)


@pytest.mark.parametrize(("arguments", "words"), [({"discount": 1.0}, "below 1"), ({"seeds": ()}, "no seeds")])
def test_numbers_out_of_range_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        promises(Opinion(lambda place: 0.0), Corridor, **arguments)
