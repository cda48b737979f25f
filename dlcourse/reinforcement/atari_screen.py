"""One Atari game to watch: the console's colours for us, the Nature paper's frames for the player.

`AtariGames` is faster and gives no colours; this environment plays the same game, frame by frame, for `record` and
`watch`.

Used in: Lab 07

Reference: Mnih et al. (2015), "Methods: Preprocessing".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from dlcourse.arguments import check_count, check_name

FRAMES_PER_STEP = 4
SIDE = 84


class AtariScreen(gymnasium.Env):
    """An Atari game with stacks of four grey 84 x 84 frames as observations, and `render` in colour.

    Rewards are the game's own. Where a life was lost, the button is pressed in the place of the next action.

    Args:
        game: name of the ROM in ale-py, such as "breakout".
        no_ops: most frames of doing nothing at a game's start, drawn at random.

    Raises:
        ValueError: for a game that ale-py does not bring.

    Example:
        >>> screen = AtariScreen()
        >>> observation, _ = screen.reset(seed=0)
        >>> observation.shape, screen.render().shape
        ((4, 84, 84), (210, 160, 3))

    Used in: Lab 07
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 60 // FRAMES_PER_STEP}
    render_mode = "rgb_array"

    def __init__(self, game: str = "breakout", no_ops: int = 30) -> None:
        # Loaded here: the command line imports this chapter on machines without Atari.
        from ale_py import ALEInterface, LoggerMode, roms

        check_name("game", game, roms.get_all_rom_ids())
        self._no_ops = check_count("no_ops", no_ops, 0)
        ALEInterface.setLoggerMode(LoggerMode.Error)
        self._ale = ALEInterface()
        self._ale.setFloat("repeat_action_probability", 0.0)
        self._ale.loadROM(roms.get_rom_path(game))
        self._actions = list(self._ale.getMinimalActionSet())
        names = [action.name for action in self._actions]
        self._button = self._actions[names.index("FIRE")] if "FIRE" in names else None
        self.observation_space = spaces.Box(0, 255, (4, SIDE, SIDE), np.uint8)
        self.action_space = spaces.Discrete(len(self._actions))
        height, width = self._ale.getScreenDims()
        self._rows, self._columns = averages(height, SIDE), averages(width, SIDE)
        self._stack = np.zeros((4, SIDE, SIDE), np.uint8)
        self._waiting = False

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Begins a game; `seed` fixes how long nothing is done first."""
        super().reset(seed=seed)
        self._ale.reset_game()
        for _ in range(self.np_random.integers(self._no_ops + 1)):
            self._ale.act(self._actions[0])
        if self._button is not None:
            self._ale.act(self._button)
        self._waiting = False
        self._stack[:] = 0
        self._stack[-1] = self._grey(self._ale.getScreenGrayscale())
        return self._stack.copy(), {}

    def step(self, action: int) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Four frames of the game.

        Returns:
            Observation, score of the four frames, whether the game is over, False, and an empty dictionary.
        """
        pressed = self._button if self._waiting and self._button is not None else self._actions[int(action)]
        lives, reward = self._ale.lives(), 0.0
        before = last = self._ale.getScreenGrayscale()
        for _ in range(FRAMES_PER_STEP):
            reward += self._ale.act(pressed)
            before, last = last, self._ale.getScreenGrayscale()
        self._waiting = self._ale.lives() < lives
        self._stack[:-1] = self._stack[1:]
        self._stack[-1] = self._grey(np.maximum(before, last))
        return self._stack.copy(), reward, bool(self._ale.game_over()), False, {}

    def render(self) -> NDArray[np.uint8]:
        """The console's picture, shape (210, 160, 3), uint8."""
        return self._ale.getScreenRGB()

    def _grey(self, screen: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.rint(self._rows @ screen @ self._columns.T).astype(np.uint8)


def averages(size: int, pixels: int) -> NDArray[np.float64]:
    """The matrix that shrinks a line of `size` pixels to `pixels`: each is the mean of the interval that it covers.

    Example:
        >>> averages(4, 2) @ np.array([1.0, 3.0, 5.0, 7.0])
        array([2., 6.])

    Used in: Lab 07
    """
    edges, places = np.linspace(0, size, pixels + 1), np.arange(size)
    overlap = np.minimum(places + 1, edges[1:, np.newaxis]) - np.maximum(places, edges[:-1, np.newaxis])
    return np.clip(overlap, 0, None) * pixels / size
