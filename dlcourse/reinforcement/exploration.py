"""How an agent tries what it does not know yet: noise on continuous actions, random choices among discrete ones.

Used in: Lab 06, Lab 07

Reference: Lillicrap et al., "Continuous control with deep reinforcement learning", 2015, section 3; Uhlenbeck and
Ornstein, "On the theory of the Brownian motion", 1930; Mnih et al. 2015 for epsilon-greedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isfinite, sqrt

import numpy as np

from dlcourse.reinforcement.random_state import pack_generator, unpack_generator


class GaussianNoise:
    """Independent normal noise: x ~ N(0, scale^2), new in every step.

    Args:
        shape: of one draw, usually (copies of the environment, dimensions of the action).
        scale: sigma, in units of the action, at least 0.
        seed: of the draws.

    Raises:
        ValueError: if `scale` is negative or not finite.

    Example:
        >>> noise = GaussianNoise((10_000, 1), scale=0.5, seed=0)
        >>> round(float(noise.sample().std()), 2)
        0.5

    Used in: Lab 06
    """

    def __init__(self, shape: tuple[int, ...], scale: float = 0.1, seed: int = 0) -> None:
        self.shape = tuple(shape)
        self.scale = _at_least_zero("scale", scale)
        self._generator = np.random.default_rng(seed)

    def sample(self) -> np.ndarray:
        """The next noise, of the given shape, float64."""
        return self.scale * self._generator.standard_normal(self.shape)

    def reset(self, ended: np.ndarray | None = None) -> None:
        """Does nothing: this noise has no memory. It is here so that both kinds of noise are used alike."""

    def state_dict(self) -> dict[str, np.ndarray]:
        """Arrays from which the noise goes on to the bit."""
        return {"generator": pack_generator(self._generator)}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up what `state_dict` returned."""
        self._generator = unpack_generator(state["generator"])


class OrnsteinUhlenbeckNoise:
    """Noise with inertia, which pushes a pendulum in one direction for a while: the Ornstein-Uhlenbeck process.

        dx = theta (mu - x) dt + sigma dW

    is stepped by its exact transition, so that its statistics do not depend on the time step:

        x_{t+dt} = mu + (x_t - mu) exp(-theta dt) + sigma sqrt((1 - exp(-2 theta dt)) / (2 theta)) xi,   xi ~ N(0, 1).

    In the long run x has mean mu, standard deviation sigma / sqrt(2 theta) and autocorrelation exp(-theta t) at lag t.
    Each episode starts at mu.

    Args:
        shape: of one draw, usually (copies of the environment, dimensions of the action).
        scale: sigma, in units of the action, at least 0.
        rate: theta, how fast the noise returns to its mean, above 0.
        time_step: dt, in the time unit of `rate`, above 0.
        mean: mu, in units of the action.
        seed: of the draws.

    Raises:
        ValueError: if a number is out of its range or not finite.

    Example:
        >>> noise = OrnsteinUhlenbeckNoise((1, 2), scale=0.2, seed=0)
        >>> noise.sample().shape
        (1, 2)
        >>> round(noise.stationary_deviation, 3)
        0.365

    Used in: Lab 06

    Reference: Lillicrap et al. 2015 (theta = 0.15, sigma = 0.2); Gillespie, "Exact numerical simulation of the
    Ornstein-Uhlenbeck process and its integral", 1996.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        scale: float = 0.2,
        rate: float = 0.15,
        time_step: float = 1.0,
        mean: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.shape = tuple(shape)
        self.mean = float(mean)
        decay, step = _at_least_zero("rate", rate), _at_least_zero("time_step", time_step)
        if decay == 0 or step == 0 or not isfinite(self.mean):
            raise ValueError(
                f"rate={rate}, time_step={time_step}, mean={mean}: give rates and steps above 0, all finite"
            )
        self.stationary_deviation = _at_least_zero("scale", scale) / sqrt(2 * decay)
        self._keep = exp(-decay * step)
        self._kick = self.stationary_deviation * sqrt(1 - self._keep**2)
        self._generator = np.random.default_rng(seed)
        self._value = np.full(self.shape, self.mean)

    def sample(self) -> np.ndarray:
        """The next noise, of the given shape, float64."""
        self._value = self.mean + self._keep * (self._value - self.mean)
        self._value += self._kick * self._generator.standard_normal(self.shape)
        return self._value.copy()

    def reset(self, ended: np.ndarray | None = None) -> None:
        """Sets the noise back to its mean, for a new episode.

        Args:
            ended: which copies of the environment begin anew, bool, shape (N,), the first axis of the noise; None
                stands for all.
        """
        self._value[... if ended is None else np.asarray(ended, dtype=bool)] = self.mean

    def state_dict(self) -> dict[str, np.ndarray]:
        """Arrays from which the noise goes on to the bit."""
        return {"value": self._value.copy(), "generator": pack_generator(self._generator)}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes up what `state_dict` returned.

        Raises:
            ValueError: if the state is that of noise with another shape.
        """
        if state["value"].shape != self.shape:
            raise ValueError(f"the state is that of noise of shape {state['value'].shape}, this one has {self.shape}")
        self._value = np.array(state["value"], dtype=np.float64)
        self._generator = unpack_generator(state["generator"])


@dataclass(frozen=True)
class LinearSchedule:
    """A number that goes from `start` to `end` in equal steps and then stays: start + (end - start) min(t / steps, 1).

    Args:
        start: value at step 0.
        end: value from step `steps` on.
        steps: length of the way, at least 1.

    Raises:
        ValueError: if `steps` is below 1 or a value is not finite.

    Example:
        >>> epsilon = LinearSchedule(1.0, 0.1, steps=1000)
        >>> [round(epsilon(step), 3) for step in (0, 500, 1000, 5000)]
        [1.0, 0.55, 0.1, 0.1]

    Used in: Lab 07
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        _check_schedule(self.start, self.end, self.steps)

    def __call__(self, step: int) -> float:
        return self.start + (self.end - self.start) * min(step / self.steps, 1.0)


@dataclass(frozen=True)
class ExponentialSchedule:
    """A number that decays from `start` towards `end`: end + (start - end) exp(-t / steps).

    Args:
        start: value at step 0.
        end: value in the limit.
        steps: after how many steps the distance to `end` has shrunk to 1/e of what it was, at least 1.

    Raises:
        ValueError: if `steps` is below 1 or a value is not finite.

    Example:
        >>> epsilon = ExponentialSchedule(1.0, 0.0, steps=1000)
        >>> round(epsilon(1000), 3)
        0.368

    Used in: Lab 07
    """

    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        _check_schedule(self.start, self.end, self.steps)

    def __call__(self, step: int) -> float:
        return self.end + (self.start - self.end) * exp(-step / self.steps)


def epsilon_greedy(
    greedy_actions: np.ndarray, action_count: int, epsilon: float, generator: np.random.Generator
) -> np.ndarray:
    """The greedy action with probability 1 - epsilon, else one of all actions at random (the greedy one included).

    Args:
        greedy_actions: argmax_a Q(s, a) for each copy of the environment, integer, shape (N,).
        action_count: number of actions, at least 1.
        epsilon: probability of a random choice, from 0 to 1.
        generator: what draws.

    Returns:
        Actions of the same shape and type.

    Raises:
        ValueError: if `epsilon` is no probability or there is no action.

    Example:
        >>> epsilon_greedy(np.array([2, 2, 2]), 3, epsilon=0.0, generator=np.random.default_rng(0))
        array([2, 2, 2])

    Used in: Lab 07

    Reference: Lecture 004, "HOW TO TAKE ACTIONS GIVEN A Q-FUNCTION?"; Mnih et al. 2015.
    """
    if not 0 <= epsilon <= 1 or action_count < 1:
        raise ValueError(f"epsilon={epsilon}, action_count={action_count}: give 0 to 1, and at least one action")
    greedy = np.asarray(greedy_actions)
    # Both are drawn every time, so that the choices of two runs with different epsilon stay comparable.
    explore = generator.random(greedy.shape) < epsilon
    return np.where(explore, generator.integers(action_count, size=greedy.shape), greedy).astype(greedy.dtype)


def _at_least_zero(name: str, value: float) -> float:
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"{name}={value}: give a finite number that is not negative")
    return float(value)


def _check_schedule(start: float, end: float, steps: int) -> None:
    if steps < 1 or not (isfinite(start) and isfinite(end)):
        raise ValueError(f"a schedule from {start} to {end} in {steps} steps: give finite values and at least 1 step")
