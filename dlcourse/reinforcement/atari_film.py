"""A game of Breakout in colour, and how its pictures become what the network sees.

ALE's vector environment, with which the agents of the course learn, hands out finished grey pictures only. Here the
same preprocessing is written out on the console's own frames, 210 x 160 pixels in colour, so that it can be shown step
by step, and a player be watched in colour.

Used in: Lab 07

Reference: Mnih et al. (2015), "Methods: Preprocessing".
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dlcourse.arguments import check_count
from dlcourse.reinforcement.atari_screen import FRAMES_PER_STEP, SIDE, averages

STACK = 4
# What the eye sees of red, green and blue.
_BRIGHTNESS = (0.299, 0.587, 0.114)


class Player(Protocol):
    """What has values for stacks of frames: the course's Atari player, or a `DQN`."""

    def values(self, observations: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Q(s, a), shape (B, actions), for stacks (B, 4, 84, 84)."""


class GameFilm(NamedTuple):
    """T steps of a game.

    Attributes:
        pictures: in colour, before each step, shape (T, 210, 160, 3), uint8.
        observations: what the player saw, shape (T, 4, 84, 84), uint8.
        values: Q(s, a) of each step, shape (T, actions).
        actions: what it did, shape (T,).
        rewards: points of each step, shape (T,).
        lives: left after each step, shape (T,).
        over: whether the game ended with the last step.
    """

    pictures: NDArray[np.uint8]
    observations: NDArray[np.uint8]
    values: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    lives: NDArray[np.int64]
    over: bool


class BreakoutScreen:
    """One game of Breakout, frame by frame: the console's screen in colour.

    Args:
        seed: of the console.

    Attributes:
        action_names: of the four buttons: NOOP, FIRE, RIGHT, LEFT.

    Example:
        >>> screen = BreakoutScreen()
        >>> screen.press("FIRE").shape, screen.lives
        ((210, 160, 3), 5)

    Used in: Lab 07
    """

    def __init__(self, seed: int = 0) -> None:
        # Loaded here: the command line imports this chapter on machines without Atari.
        from ale_py import ALEInterface, LoggerMode, roms

        ALEInterface.setLoggerMode(LoggerMode.Error)
        self._console = ALEInterface()
        self._console.setInt("random_seed", check_count("seed", seed, 0))
        self._console.setFloat("repeat_action_probability", 0.0)
        self._console.loadROM(roms.get_rom_path("breakout"))
        self._buttons = self._console.getMinimalActionSet()
        self.action_names = [button.name for button in self._buttons]
        self.points = 0.0

    @property
    def lives(self) -> int:
        """Lives that are left."""
        return self._console.lives()

    @property
    def over(self) -> bool:
        """Whether the game is over."""
        return self._console.game_over()

    def press(self, button: str | int) -> NDArray[np.uint8]:
        """One sixtieth of a second with a button held; returns the screen, shape (210, 160, 3).

        Args:
            button: name, or number in `action_names`.

        Raises:
            ValueError: for another button.
        """
        number = self.action_names.index(button) if button in self.action_names else button
        if number not in range(len(self.action_names)):
            raise ValueError(f"button {button!r}: give one of {', '.join(self.action_names)}")
        self.points += self._console.act(self._buttons[number])
        return self._console.getScreenRGB()


def preprocessed(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two neighbouring frames as the network sees them: the brighter pixel of both, grey, 84 x 84.

    A small pixel is the mean of the part of the screen that it covers, 2.5 x 1.9 pixels.

    Args:
        first: screen, shape (210, 160, 3), uint8.
        second: the next one.

    Returns:
        Shape (84, 84), uint8.

    Raises:
        ValueError: if the two do not have the same shape (height, width, 3).

    Example:
        >>> screen = np.full((210, 160, 3), 100, np.uint8)
        >>> preprocessed(screen, screen // 2)[0, :3].tolist()
        [100, 100, 100]

    Used in: Lab 07
    """
    if first.shape != second.shape or first.ndim != 3 or first.shape[2] != 3:
        raise ValueError(f"frames of shapes {first.shape} and {second.shape}: give two of shape (height, width, 3)")
    grey = np.maximum(first, second) @ np.array(_BRIGHTNESS)
    rows, columns = averages(grey.shape[0], SIDE), averages(grey.shape[1], SIDE)
    return np.rint(rows @ grey @ columns.T).astype(np.uint8)


def film_game(player: Player, *, steps: int = 400, seed: int = 0, epsilon: float = 0.0) -> GameFilm:
    """Lets a player play Breakout and keeps everything, in colour.

    As in training, a step is four frames, and the button is pressed at the start and after each lost life.

    Args:
        player: whose largest value chooses.
        steps: at most so many; the film ends with the game.
        seed: of the number of idle frames at the start, up to 30, and of random actions.
        epsilon: probability of a random action, 0 to 1.

    Returns:
        The film.

    Raises:
        ValueError: for numbers out of range.

    Used in: Lab 07
    """
    check_count("steps", steps)
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon={epsilon}: give a probability, 0 to 1")
    generator = np.random.default_rng(check_count("seed", seed, 0))
    screen = BreakoutScreen(seed)
    for _ in range(int(generator.integers(31))):
        screen.press("NOOP")
    before = screen.press("NOOP")
    picture = screen.press("FIRE")
    stack = np.zeros((STACK, SIDE, SIDE), np.uint8)
    stack[-1] = preprocessed(before, picture)
    kept, fire = [], False
    for _ in range(steps):
        values = np.asarray(player.values(stack[np.newaxis]))[0]
        action = int(values.argmax())
        if generator.random() < epsilon:
            action = int(generator.integers(len(values)))
        if fire:
            action = screen.action_names.index("FIRE")
        points, lives = screen.points, screen.lives
        frames = [screen.press(action) for _ in range(FRAMES_PER_STEP)]
        kept.append((picture, stack, values, action, screen.points - points, screen.lives))
        fire, picture = screen.lives < lives, frames[-1]
        stack = np.concatenate([stack[1:], preprocessed(frames[-2], frames[-1])[np.newaxis]])
        if screen.over:
            break
    return GameFilm(*(np.array(column) for column in zip(*kept, strict=True)), over=screen.over)
