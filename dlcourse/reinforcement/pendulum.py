"""The physics of Gymnasium's Pendulum-v1, written once for NumPy and for TensorFlow, for one pendulum or many at once.

    theta'' = 3 g / (2 l) sin(theta) + 3 / (m l^2) u,    r = -(theta^2 + 0.1 theta'^2 + 0.001 u^2)

theta is 0 where the pendulum stands up. The functions take the array module that does the arithmetic: `numpy`, or
`tensorflow.experimental.numpy` inside a compiled function. They do Gymnasium's operations in Gymnasium's order, so
that only the rounding of the dtype separates the two.

Used in: Lab 06

Reference: Gymnasium, "Pendulum" (classic control); lecture 004, "CONNECTION TO DYNAMIC PROGRAMMING", where the map
from state and action to the next state is called g(x, u).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

GRAVITY = 10.0
MASS = 1.0
LENGTH = 1.0
TIME_STEP = 0.05
MAX_SPEED = 8.0
MAX_TORQUE = 2.0
TIME_LIMIT = 200

OBSERVATION_SIZE = 3
ACTION_SIZE = 1


def step(angle: Any, speed: Any, torque: Any, xp: ModuleType = np) -> tuple[Any, Any, Any]:
    """Moves pendulums on by one time step of 0.05 s.

    Args:
        angle: theta in radians, 0 is upright, any shape (N,) or a scalar; it may have gone round many times.
        speed: theta' in rad/s, -8 to 8, the shape of `angle`.
        torque: u in N m, the shape of `angle`; cut to -2 to 2, as the environment does.
        xp: array module, `numpy` or `tensorflow.experimental.numpy`.

    Returns:
        Angle and speed after the step, and the reward r for the step, -16.28 to 0, each of the shape of `angle`.

    Example:
        >>> angle, speed, reward = step(np.array([np.pi]), np.array([0.0]), np.array([2.0]))
        >>> print(np.round(angle, 3), np.round(speed, 3), np.round(reward, 3))
        [3.157] [0.3] [-9.874]

    Used in: Lab 06

    Reference: Gymnasium, "Pendulum"; lecture 004, "CONNECTION TO DYNAMIC PROGRAMMING".
    """
    torque = xp.clip(torque, -MAX_TORQUE, MAX_TORQUE)
    reward = -(wrap_angle(angle) ** 2 + 0.1 * speed**2 + 0.001 * (torque**2))
    # The order of the operations is Gymnasium's: another one differs in the last bit.
    acceleration = 3 * GRAVITY / (2 * LENGTH) * xp.sin(angle) + 3.0 / (MASS * LENGTH**2) * torque
    speed = xp.clip(speed + acceleration * TIME_STEP, -MAX_SPEED, MAX_SPEED)
    return angle + speed * TIME_STEP, speed, reward


def observe(angle: Any, speed: Any, xp: ModuleType = np) -> Any:
    """What an agent sees: cos(theta), sin(theta), theta'.

    Args:
        angle: theta in radians, shape (...).
        speed: theta' in rad/s, shape (...).
        xp: array module, `numpy` or `tensorflow.experimental.numpy`.

    Returns:
        Observations, shape (..., 3), float32.

    Example:
        >>> observe(np.array([0.0, np.pi / 2]), np.array([0.0, -1.0])).round(3)
        array([[ 1.,  0.,  0.],
               [ 0.,  1., -1.]], dtype=float32)

    Used in: Lab 06
    """
    # Stacked in the dtype of the state and rounded once, as Gymnasium does.
    return xp.asarray(xp.stack([xp.cos(angle), xp.sin(angle), speed], axis=-1), dtype=np.float32)


def angle_and_speed(observation: Any) -> tuple[Any, Any]:
    """The state behind observations: the inverse of `observe`, with angles from -pi to pi.

    Args:
        observation: cos(theta), sin(theta), theta', shape (..., 3).

    Returns:
        Angle in radians and speed in rad/s, shape (...).

    Raises:
        ValueError: If the last axis does not hold three numbers.

    Example:
        >>> angle, speed = angle_and_speed(observe(np.array([7.0]), np.array([2.0])))
        >>> print(np.round(angle, 3), speed)
        [0.717] [2.]

    Used in: Lab 06
    """
    observation = np.asarray(observation)
    if observation.ndim == 0 or observation.shape[-1] != OBSERVATION_SIZE:
        raise ValueError(
            f"an observation of the pendulum holds cos, sin and speed on its last axis; got shape {observation.shape}."
        )
    return np.arctan2(observation[..., 1], observation[..., 0]), observation[..., 2]


def wrap_angle(angle: Any) -> Any:
    """The same angle between -pi (included) and pi.

    Args:
        angle: radians, any shape.

    Returns:
        Radians, the shape of `angle`.

    Example:
        >>> float(round(wrap_angle(3.5), 3))
        -2.783

    Used in: Lab 06
    """
    return ((angle + np.pi) % (2 * np.pi)) - np.pi


def returns_of(policy: Any, angle: Any, speed: Any, steps: int = TIME_LIMIT) -> np.ndarray:
    """The undiscounted return of a policy from each of several starts, all simulated side by side.

    Args:
        policy: Maps observations (N, 3) to torques (N, 1).
        angle: Starting angles in radians, shape (N,).
        speed: Starting speeds in rad/s, shape (N,).
        steps: Length of an episode.

    Returns:
        Sum of the rewards, shape (N,), float64; 0 is a pendulum that stands all the time.

    Raises:
        ValueError: If the policy's torques do not have shape (N, 1).

    Example:
        >>> limp = lambda observations: np.zeros((len(observations), 1))
        >>> returns_of(limp, np.array([np.pi, 0.0]), np.zeros(2)).round()
        array([-1974.,     0.])

    Used in: Lab 06
    """
    angle, speed = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (angle, speed))
    total = np.zeros(len(angle))
    for _ in range(steps):
        torque = np.asarray(policy(observe(angle, speed)))
        if torque.shape != (len(angle), ACTION_SIZE):
            raise ValueError(
                f"the policy must map {len(angle)} observations to torques of shape ({len(angle)}, 1); "
                f"got shape {torque.shape}."
            )
        angle, speed, reward = step(angle, speed, torque[:, 0])
        total += reward
    return total
