"""Reading and restoring the inner state of a gymnasium environment, so that a run goes on in the middle of an episode.

Used in: Lab 06, Lab 07
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import gymnasium
import numpy as np
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

from dlcourse.reinforcement.random_state import pack_generator, unpack_generator

# All that these environments remember between two steps.
_REMEMBERED = {
    "PendulumEnv": ("state", "last_u"),
    "CartPoleEnv": ("state", "steps_beyond_terminated"),
    "MountainCarEnv": ("state",),
    "Continuous_MountainCarEnv": ("state",),
    "AcrobotEnv": ("state",),
}


def environment_state(environment: gymnasium.Env) -> dict[str, np.ndarray] | None:
    """The whole state of an environment as arrays, or None where it cannot be read.

    It can be read for gymnasium's classic control tasks, and for any environment with the methods
    `get_state() -> dict[str, np.ndarray]` and `set_state(state)`; around either of them there may be a time limit. Any
    other wrapper may hide a state of its own and makes it None.

    Args:
        environment: as `gymnasium.make` returns it.

    Example:
        >>> environment = gymnasium.make("Pendulum-v1")
        >>> _ = environment.reset(seed=0)
        >>> sorted(environment_state(environment))
        ['elapsed', 'generator', 'own/state']

    Used in: Lab 06
    """
    inner = environment.unwrapped
    if not all(
        isinstance(wrapper, (TimeLimit, OrderEnforcing, PassiveEnvChecker)) for wrapper in _wrappers(environment)
    ):
        return None
    if callable(getattr(inner, "get_state", None)) and callable(getattr(inner, "set_state", None)):
        own = inner.get_state()
    elif type(inner).__module__.startswith("gymnasium.envs.classic_control."):
        names = _REMEMBERED.get(type(inner).__name__)
        if names is None:
            return None
        values = {name: getattr(inner, name, None) for name in names}
        own = {name: np.array(value) for name, value in values.items() if value is not None}
    else:
        return None
    state = {f"own/{name}": np.array(value) for name, value in own.items()}
    state["generator"] = pack_generator(inner.np_random)
    for wrapper in _wrappers(environment):
        if isinstance(wrapper, TimeLimit) and wrapper._elapsed_steps is not None:
            state["elapsed"] = np.array(wrapper._elapsed_steps)
    return state


def restore_environment(environment: gymnasium.Env, state: Mapping[str, np.ndarray]) -> None:
    """Puts an environment into the state that `environment_state` read from one of the same kind.

    Args:
        environment: as `gymnasium.make` returns it; it need not have been reset.
        state: what `environment_state` returned.

    Raises:
        ValueError: if the state does not fit the environment.

    Used in: Lab 06
    """
    environment.reset()
    if environment_state(environment) is None or "generator" not in state:
        raise ValueError(f"the state ({', '.join(sorted(state))}) cannot be put into {environment}")
    inner = environment.unwrapped
    own = {name.removeprefix("own/"): value for name, value in state.items() if name.startswith("own/")}
    if callable(getattr(inner, "set_state", None)):
        inner.set_state(own)
    else:
        for name in _REMEMBERED[type(inner).__name__]:
            value = own.get(name)
            # A number of no dimension was a plain number; an array stays one.
            setattr(inner, name, value[()] if value is not None and value.ndim == 0 else value)
    inner.np_random = unpack_generator(state["generator"])
    for wrapper in _wrappers(environment):
        if isinstance(wrapper, TimeLimit):
            wrapper._elapsed_steps = int(state["elapsed"])


def _wrappers(environment: gymnasium.Env) -> Iterator[gymnasium.Wrapper]:
    while isinstance(environment, gymnasium.Wrapper):
        yield environment
        environment = environment.env
