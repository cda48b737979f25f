"""Finite Markov chains: the exogenous shocks z of an economy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

_ROW_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class MarkovChain:
    """A chain over the states 0 .. n-1, with the values that some quantities take in them.

    P[i, j] = Pr(z' = j | z = i)

    Args:
        transition: P, shape (n, n), probabilities; every row sums to one.
        values: name and value by state, each of shape (n,); for example `{"productivity": [0.85, 1.15]}`.

    Raises:
        ValueError: if P is not square, an entry is no probability, a row does not sum to one, or a value has another
            shape than (n,).

    Example:
        >>> productivity = MarkovChain([[0.5, 0.5], [0.5, 0.5]], {"productivity": [0.85, 1.15]})
        >>> depreciation = MarkovChain([[0.98, 0.02], [0.25, 0.75]], {"depreciation": [0.5, 0.9]})
        >>> shocks = depreciation @ productivity
        >>> shocks.values["depreciation"]
        array([0.5, 0.5, 0.9, 0.9])
        >>> shocks.stationary().round(4)
        array([0.463, 0.463, 0.037, 0.037])

    Used in: Lab 08

    Reference: Lecture 004, "FIRMS AND MARKETS"; Stokey, Lucas and Prescott (1989), chapter 11.
    """

    transition: np.ndarray
    values: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __init__(self, transition: ArrayLike, values: Mapping[str, ArrayLike] | None = None) -> None:
        probabilities = np.array(transition, dtype=np.float64)
        _check_transition(probabilities)
        by_name = {name: np.array(value, dtype=np.float64) for name, value in (values or {}).items()}
        for name, value in by_name.items():
            if value.shape != (len(probabilities),) or not np.isfinite(value).all():
                raise ValueError(
                    f"values[{name!r}] is {value.tolist()}: a chain of {len(probabilities)} states takes "
                    f"{len(probabilities)} finite numbers"
                )
        for array in (probabilities, *by_name.values()):
            array.setflags(write=False)
        object.__setattr__(self, "transition", probabilities)
        object.__setattr__(self, "values", by_name)

    def __len__(self) -> int:
        return len(self.transition)

    def __matmul__(self, other: MarkovChain) -> MarkovChain:
        """Both chains side by side, independent of each other: the Kronecker product of their transitions.

        State i * len(other) + j stands for state i of this chain and j of the other: the other runs fastest.

        Raises:
            ValueError: if both name the same quantity.
        """
        shared = sorted(set(self.values) & set(other.values))
        if shared:
            raise ValueError(f"both chains have values named {', '.join(shared)}: rename one of them")
        values = {name: np.repeat(value, len(other)) for name, value in self.values.items()}
        values |= {name: np.tile(value, len(self)) for name, value in other.values.items()}
        return MarkovChain(np.kron(self.transition, other.transition), values)

    def stationary(self) -> np.ndarray:
        """The distribution that the chain keeps: pi P = pi, sum(pi) = 1.

        Returns:
            pi, shape (n,).

        Raises:
            ValueError: if there are several (the chain falls into parts that never meet).
        """
        equations = self.transition.T - np.eye(len(self))
        # One column of 1 - P' always hangs on the others: rank n - 1 means that pi is the only solution.
        if np.linalg.matrix_rank(equations, tol=1e-10) < len(self) - 1:
            raise ValueError("the chain has several stationary distributions: some of its states never meet")
        system = np.vstack([equations, np.ones(len(self))])
        solution = np.linalg.lstsq(system, np.eye(len(self) + 1)[-1], rcond=None)[0]
        positive = np.clip(solution, 0.0, None)
        return positive / positive.sum()

    def simulate(
        self, periods: int, rng: np.random.Generator, start: int | ArrayLike | None = None, paths: int | None = None
    ) -> np.ndarray:
        """Draws one path, or many at once.

        Args:
            periods: T, at least 1, the start included.
            rng: source of chance.
            start: first state, one for all paths or one each; None draws it from the stationary distribution.
            paths: how many paths; None gives a single one.

        Returns:
            States, shape (T,), or (T, paths), integers.

        Raises:
            ValueError: for no periods, no paths, or a start that is not a state.
        """
        if periods < 1 or (paths is not None and paths < 1):
            raise ValueError(f"periods={periods}, paths={paths}: both must be at least 1")
        count = 1 if paths is None else paths
        states = np.empty((periods, count), dtype=np.int64)
        states[0] = rng.choice(len(self), size=count, p=self.stationary()) if start is None else self._checked(start)
        cumulative = np.cumsum(self.transition, axis=1)
        # Rounding must not leave a gap above the last state.
        cumulative[:, -1] = 1.0
        uniforms = rng.random((periods, count))
        for period in range(1, periods):
            states[period] = (uniforms[period][:, None] >= cumulative[states[period - 1]]).sum(axis=1)
        return states[:, 0] if paths is None else states

    def _checked(self, start: int | ArrayLike) -> np.ndarray:
        states = np.asarray(start)
        if not np.issubdtype(states.dtype, np.integer) or (states < 0).any() or (states >= len(self)).any():
            raise ValueError(f"start={start!r}: the states are the integers 0 to {len(self) - 1}")
        return states


def _check_transition(probabilities: np.ndarray) -> None:
    if probabilities.ndim != 2 or probabilities.shape[0] != probabilities.shape[1] or probabilities.size == 0:
        raise ValueError(f"a transition matrix is square, got shape {probabilities.shape}")
    if not np.isfinite(probabilities).all() or (probabilities < 0).any() or (probabilities > 1).any():
        raise ValueError(f"a transition matrix holds probabilities from 0 to 1, got {probabilities.tolist()}")
    sums = probabilities.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > _ROW_TOLERANCE)
    if wrong.size:
        raise ValueError(f"row {wrong[0]} of the transition matrix sums to {sums[wrong[0]]:.12g}, not to 1")
