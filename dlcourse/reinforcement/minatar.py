"""MinAtar's Breakout: the Atari game on a board of 10 x 10 squares, small enough to be learnt in a minute.

A paddle at the bottom, three rows of bricks near the top, a ball that flies diagonally and bounces. Each brick that it
breaks is a reward of 1; the game is over when it falls past the paddle. What stands where is told in four layers of
yes and no instead of pixels, and a layer with the ball's last place shows where it flies, so that one observation is
enough to act on.

The rules are those of the published benchmark, written anew and tested against it step by step. It also raises the
difficulty of some games as they go on; in Breakout it does not.

Used in: Lab 07

Reference: Young and Tian (2019), "MinAtar: an Atari-inspired testbed for thorough and reproducible reinforcement
learning experiments", arXiv 1903.03176; Mnih et al. (2015) for the game that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dlcourse.arguments import check_count, check_finite, check_name
from dlcourse.plots import PALETTE

SIZE = 10
PADDLE, BALL, TRAIL, BRICKS = range(4)
WAIT, LEFT, RIGHT = range(3)

_BRICK_ROWS = slice(1, 4)
_BOTTOM = SIZE - 1
_OVERSAMPLING = 4
_BACKGROUND = "#101418"


class MinAtarBreakout(gymnasium.Env):
    """Breakout on 10 x 10 squares, as a gymnasium environment.

    Observations have shape (10, 10, 4), bool, 400 bytes: row, column, and the layers paddle, ball, trail and bricks.
    Row 0 is the top. Actions are 0 (wait), 1 (left) and 2 (right), those that do something among the benchmark's six.
    Episodes have no time limit of their own: a player that never misses plays for ever, so give
    `make_environment(minatar_breakout, max_steps=...)` one.

    Args:
        sticky_action_probability: with this probability the paddle repeats its last action instead of the one that is
            given, so that no fixed list of actions can win; 0.1 in the benchmark, 0 for none.
        render_mode: "rgb_array", which costs nothing until `render` is called, or None.

    Raises:
        ValueError: if the probability is not between 0 and 1, or the mode is another one.

    Example:
        >>> game = MinAtarBreakout()
        >>> observation, _ = game.reset(seed=0)
        >>> observation.shape, int(observation[..., BRICKS].sum())
        ((10, 10, 4), 30)
        >>> _, reward, terminated, truncated, _ = game.step(LEFT)
        >>> reward, terminated, truncated
        (0.0, False, False)

    Used in: Lab 07

    Reference: Young and Tian (2019), section 2.
    """

    # Ten steps a second are easy to follow by eye; the game itself has no clock.
    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, sticky_action_probability: float = 0.1, render_mode: str | None = "rgb_array") -> None:
        if not 0 <= check_finite("sticky_action_probability", sticky_action_probability) <= 1:
            raise ValueError(f"sticky_action_probability must be between 0 and 1, got {sticky_action_probability}.")
        if render_mode is not None:
            check_name("render_mode", render_mode, self.metadata["render_modes"])
        self.sticky_action_probability = float(sticky_action_probability)
        self.render_mode = render_mode
        self.observation_space = spaces.Box(0, 1, (SIZE, SIZE, 4), np.bool_)
        self.action_space = spaces.Discrete(3)
        self._last_action = WAIT
        self._place(from_the_right=False)
        self._playing = False

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[NDArray[np.bool_], dict[str, Any]]:
        """Begins an episode: the ball starts in a corner below the bricks, left or right by chance.

        Args:
            seed: of all that is drawn from now on; None goes on with the generator. As in the benchmark the last
                action is then remembered from one episode to the next.
            options: none are known.

        Returns:
            The first observation, and an empty dictionary.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._last_action = WAIT
        self._place(from_the_right=bool(self.np_random.integers(2)))
        return self._observation(), {}

    def step(self, action: int) -> tuple[NDArray[np.bool_], float, bool, bool, dict[str, Any]]:
        """Moves the paddle by one square, then the ball.

        Args:
            action: 0, 1 or 2.

        Returns:
            Observation, reward (1 for a brick, else 0), whether the ball fell past the paddle, False, and an empty
            dictionary.

        Raises:
            ValueError: for another action.
            gymnasium.error.ResetNeeded: before the first `reset` and after the end of an episode.
        """
        if not self._playing:
            raise gymnasium.error.ResetNeeded("the game is over, or has not begun: call reset() first")
        if action not in (WAIT, LEFT, RIGHT):
            raise ValueError(f"action {action!r}: give 0 (wait), 1 (left) or 2 (right)")
        if self.np_random.random() >= self.sticky_action_probability:
            self._last_action = int(action)
        if self._last_action == LEFT:
            self._paddle = max(self._paddle - 1, 0)
        elif self._last_action == RIGHT:
            self._paddle = min(self._paddle + 1, SIZE - 1)
        reward = self._move_ball()
        return self._observation(), reward, not self._playing, False, {}

    def _place(self, from_the_right: bool) -> None:
        """Puts everything where a game begins."""
        self._x, self._y = (SIZE - 1, 3) if from_the_right else (0, 3)
        self._dx, self._dy = (-1, 1) if from_the_right else (1, 1)
        self._trail = (self._y, self._x)
        self._paddle = 4
        self._bricks = np.zeros((SIZE, SIZE), dtype=bool)
        self._bricks[_BRICK_ROWS] = True
        self._just_broke = False
        self._playing = True

    def _move_ball(self) -> float:
        """One diagonal step of the ball with all that it hits; returns the reward and clears `_playing` at the end."""
        self._trail = (self._y, self._x)
        from_x, from_y = self._x, self._y
        x, y = from_x + self._dx, from_y + self._dy
        reward, touches = 0.0, False
        if not 0 <= x < SIZE:
            x = from_x
            self._dx = -self._dx
        if y < 0:
            y = from_y
            self._dy = -self._dy
        elif self._bricks[y, x]:
            touches = True
            # Right after a hit the ball flies through the next brick: two neighbours do not break in a row.
            if not self._just_broke:
                reward = 1.0
                self._just_broke = True
                self._bricks[y, x] = False
                y = from_y
                self._dy = -self._dy
        elif y == _BOTTOM:
            if not self._bricks.any():
                self._bricks[_BRICK_ROWS] = True
            if from_x == self._paddle:
                y = from_y
                self._dy = -self._dy
            elif x == self._paddle:
                # The edge of the paddle sends the ball back to where it came from.
                y = from_y
                self._dx, self._dy = -self._dx, -self._dy
            else:
                self._playing = False
        if not touches:
            self._just_broke = False
        self._x, self._y = x, y
        return reward

    def _observation(self) -> NDArray[np.bool_]:
        layers = np.zeros((SIZE, SIZE, 4), dtype=bool)
        layers[_BOTTOM, self._paddle, PADDLE] = True
        layers[self._y, self._x, BALL] = True
        layers[(*self._trail, TRAIL)] = True
        layers[..., BRICKS] = self._bricks
        return layers

    def render(self) -> NDArray[np.uint8] | None:
        """A picture of the board, shape (240, 240, 3), by `draw_minatar`; None where `render_mode` is None."""
        return None if self.render_mode is None else draw_minatar(self._observation())

    def get_state(self) -> dict[str, NDArray]:
        """All that the game remembers between two steps except its random generator, for `environment_state`."""
        numbers = [self._x, self._y, self._dx, self._dy, *self._trail, self._paddle, self._last_action]
        return {
            "bricks": self._bricks.copy(),
            "numbers": np.array([*numbers, self._just_broke, self._playing], dtype=np.int8),
        }

    def set_state(self, state: Mapping[str, NDArray]) -> None:
        """Goes on from what `get_state` returned.

        Raises:
            ValueError: if the state is that of another game.
        """
        shapes = {name: np.shape(array) for name, array in state.items()}
        if shapes != {"bricks": (SIZE, SIZE), "numbers": (10,)}:
            raise ValueError(f"arrays of shapes {shapes} are no state of {type(self).__name__}: give get_state()'s")
        self._bricks = np.array(state["bricks"], dtype=bool)
        numbers = [int(number) for number in state["numbers"]]
        self._x, self._y, self._dx, self._dy, trail_y, trail_x, self._paddle, self._last_action = numbers[:8]
        self._trail = (trail_y, trail_x)
        self._just_broke, self._playing = (bool(number) for number in numbers[8:])


def minatar_breakout(sticky_action_probability: float = 0.1, render_mode: str | None = "rgb_array") -> MinAtarBreakout:
    """Makes one game, for `make_environment`, `evaluate` and `watch`; the arguments are those of `MinAtarBreakout`.

    Example:
        >>> from dlcourse.reinforcement.environments import make_environment
        >>> environment = make_environment(minatar_breakout, copies=16, seed=0, max_steps=1000)
        >>> environment.reset().shape, environment.restorable
        ((16, 10, 10, 4), True)

    Used in: Lab 07
    """
    return MinAtarBreakout(sticky_action_probability, render_mode)


def draw_minatar(observation: NDArray, width: int = 240) -> NDArray[np.uint8]:
    """A picture of an observation: bricks and paddle as bars, the ball as a disc, its last place as a small one.

    Args:
        observation: shape (10, 10, 4), bool, or 0 and 1.
        width: of the square picture in pixels, at least 16; a multiple of 10 makes all squares equal.

    Returns:
        Shape (width, width, 3), uint8.

    Raises:
        TypeError: if the width is no integer.
        ValueError: for another shape, or a width below 16.

    Example:
        >>> draw_minatar(MinAtarBreakout().reset(seed=0)[0], width=40).shape
        (40, 40, 3)

    Used in: Lab 07
    """
    if np.shape(observation) != (SIZE, SIZE, 4):
        raise ValueError(f"observation has shape {np.shape(observation)}, expected (10, 10, 4): draw one at a time")
    check_count("width", width, minimum=16)
    size = width * _OVERSAMPLING
    picture = Image.new("RGB", (size, size), _BACKGROUND)
    draw = ImageDraw.Draw(picture)
    square = size / SIZE
    looks = (
        (BRICKS, PALETTE[1], draw.rectangle, (0.05, 0.12)),
        (PADDLE, PALETTE[2], draw.rectangle, (0.0, 0.35)),
        (TRAIL, "#8a8f94", draw.ellipse, (0.36, 0.36)),
        (BALL, "white", draw.ellipse, (0.18, 0.18)),
    )
    for layer, colour, shape, (beside, above) in looks:
        for row, column in np.argwhere(np.asarray(observation)[..., layer]):
            left, top = (column + beside) * square, (row + above) * square
            shape([left, top, left + (1 - 2 * beside) * square, top + (1 - 2 * above) * square], fill=colour)
    return np.asarray(picture.resize((width, width), Image.Resampling.LANCZOS))
