"""The state of NumPy's random generators as plain arrays, so that a checkpoint holds them without a pickle."""

from __future__ import annotations

import json

import numpy as np

# By name and never by getattr: what a file says is not called unseen. MT19937's state holds an array, no JSON.
_KINDS = {"PCG64": np.random.PCG64, "PCG64DXSM": np.random.PCG64DXSM}


def pack_generator(generator: np.random.Generator) -> np.ndarray:
    """The state of a generator as bytes of JSON.

    Args:
        generator: from `numpy.random.default_rng`, as gymnasium's are too.

    Returns:
        One-dimensional uint8 array, for a state dictionary.

    Raises:
        ValueError: for a generator of a kind whose state is not made of numbers alone, such as MT19937.

    Example:
        >>> generator = np.random.default_rng(7)
        >>> packed = pack_generator(generator)
        >>> drawn = generator.integers(1000, size=3)
        >>> bool((unpack_generator(packed).integers(1000, size=3) == drawn).all())
        True

    Used in: Lab 06, Lab 07
    """
    kind = type(generator.bit_generator).__name__
    if kind not in _KINDS:
        raise ValueError(f"a generator over {kind} cannot be packed: make it with numpy.random.default_rng")
    return np.frombuffer(json.dumps(generator.bit_generator.state).encode(), dtype=np.uint8).copy()


def unpack_generator(packed: np.ndarray) -> np.random.Generator:
    """A new generator that goes on where the packed one stood.

    Args:
        packed: what `pack_generator` returned.

    Raises:
        ValueError: if the array holds no such state.

    Used in: Lab 06, Lab 07
    """
    try:
        state = json.loads(np.asarray(packed, dtype=np.uint8).tobytes().decode())
        bit_generator = _KINDS[state["bit_generator"]]()
        bit_generator.state = state
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        message = "the array holds no state of a random generator: give what pack_generator made"
        raise ValueError(message) from error
    return np.random.Generator(bit_generator)
