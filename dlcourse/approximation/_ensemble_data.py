"""The data of an ensemble: read and checked, brought to one scale, and stacked into arrays with zeros at the ends.

Used in: Lab 03b
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MemberData:
    """Sizes of each member's data, and the means and spreads of its training part.

    Args:
        counts: Number of points n_e, shape (E,).
        dimensions: Number of inputs d_e, shape (E,).
        input_mean: E arrays of shape (d_e,).
        input_scale: E arrays of shape (d_e,), > 0; 1 for an input that never changes.
        target_mean: Shape (E,).
        target_scale: Shape (E,), > 0; 1 for targets that are all the same.

    Used in: Lab 03b
    """

    counts: NDArray[np.int64]
    dimensions: NDArray[np.int64]
    input_mean: list[Floats]
    input_scale: list[Floats]
    target_mean: Floats
    target_scale: Floats

    @classmethod
    def of(cls, inputs: list[Floats], targets: list[Floats], standardize: bool) -> MemberData:
        """Measures the data of each member; without `standardize` all means are 0 and all scales 1."""
        input_scales = [_center_and_spread(x, standardize) for x in inputs]
        target_scales = [_center_and_spread(y[:, None], standardize) for y in targets]
        return cls(
            counts=np.array([len(x) for x in inputs]),
            dimensions=np.array([x.shape[1] for x in inputs]),
            input_mean=[mean for mean, _ in input_scales],
            input_scale=[scale for _, scale in input_scales],
            target_mean=np.array([mean[0] for mean, _ in target_scales]),
            target_scale=np.array([scale[0] for _, scale in target_scales]),
        )

    def scale_inputs(self, member: int, x: Floats) -> Floats:
        """Inputs (n, d_e) of one member in its training scale."""
        return (x - self.input_mean[member]) / self.input_scale[member]

    def scale_targets(self, member: int, y: Floats) -> Floats:
        """Targets (n,) of one member in its training scale."""
        return (y - self.target_mean[member]) / self.target_scale[member]


def read_members(X: Sequence[ArrayLike], y: Sequence[ArrayLike]) -> tuple[list[Floats], list[Floats]]:
    """Checks the training data of an ensemble.

    Args:
        X: E arrays of shape (n_e, d_e).
        y: E arrays of shape (n_e,).

    Returns:
        Both as lists of float64 arrays.

    Raises:
        TypeError: If they do not hold real numbers.
        ValueError: If shapes or lengths do not fit, or a value is not finite.

    Example:
        >>> inputs, targets = read_members([np.zeros((3, 2))], [[1, 2, 3]])
        >>> inputs[0].dtype, targets[0].shape
        (dtype('float64'), (3,))

    Used in: Lab 03b
    """
    inputs = [_real(f"X[{e}]", values, ("n", "d")) for e, values in enumerate(X)]
    targets = [_real(f"y[{e}]", values, ("n",)) for e, values in enumerate(y)]
    if not inputs or len(inputs) != len(targets):
        raise ValueError(f"X and y must hold one array a member; got {len(inputs)} in X and {len(targets)} in y.")
    for e, (x, values) in enumerate(zip(inputs, targets, strict=True)):
        if len(x) != len(values):
            raise ValueError(f"X[{e}] and y[{e}] must be equally long; got {len(x)} points and {len(values)} targets.")
        if x.size == 0:
            raise ValueError(f"X[{e}] must hold at least one point and one input; got shape {x.shape}.")
    return inputs, targets


def read_inputs(X: Sequence[ArrayLike] | ArrayLike, dimensions: NDArray[np.int64]) -> list[Floats]:
    """Checks the inputs of a prediction; a single array (M, d) serves all members.

    Args:
        X: E arrays of shape (M, d_e), or one of shape (M, d).
        dimensions: d_e, shape (E,).

    Returns:
        E float64 arrays.

    Raises:
        TypeError: If they do not hold real numbers.
        ValueError: If a shape does not fit, or a value is not finite.

    Example:
        >>> [x.shape for x in read_inputs([[0.0, 0.0]], np.array([2, 2]))]
        [(1, 2), (1, 2)]

    Used in: Lab 03b
    """
    single = len(X) > 0 and np.ndim(X[0]) == 1
    inputs = [_real("X", X, ("M", "d"))] * len(dimensions) if single else []
    if not single:
        inputs = [_real(f"X[{e}]", values, ("M", "d")) for e, values in enumerate(X)]
    if len(inputs) != len(dimensions):
        raise ValueError(
            f"X must hold one array a member, {len(dimensions)} in all; got {len(inputs)}. "
            "Give a single (M, d) array to send the same points to every member."
        )
    for e, (x, dimension) in enumerate(zip(inputs, dimensions, strict=True)):
        if x.shape != (len(inputs[0]), dimension):
            raise ValueError(
                f"X for member {e} must have shape ({len(inputs[0])}, {dimension}): as many points as the first "
                f"member's, and as many columns as it was trained with; got {x.shape}."
            )
    return inputs


def stack(arrays: list[Floats], width: int = 0) -> NDArray[np.float32]:
    """Stacks arrays of different sizes into one, with zeros where an array ends before the largest does.

    Args:
        arrays: E arrays with equally many axes.
        width: Least length of the last axis.

    Returns:
        Float32 array, the member first.

    Example:
        >>> stack([np.ones(2), np.ones(3)])
        array([[1., 1., 0.],
               [1., 1., 1.]], dtype=float32)

    Used in: Lab 03b
    """
    *lengths, last = np.max([array.shape for array in arrays], axis=0)
    result = np.zeros((len(arrays), *lengths, max(last, width)), dtype=np.float32)
    for place, array in zip(result, arrays, strict=True):
        place[tuple(slice(length) for length in array.shape)] = array
    return result


def _center_and_spread(values: Floats, standardize: bool) -> tuple[Floats, Floats]:
    mean, spread = values.mean(axis=0), values.std(axis=0)
    if not standardize:
        return np.zeros_like(mean), np.ones_like(mean)
    # Equal values have a spread of zero or, through rounding, one far below their size.
    constant = spread <= 1e-12 * np.abs(mean)
    return mean, np.where(constant, 1.0, spread)


def _real(name: str, values: ArrayLike, axes: tuple[str, ...]) -> Floats:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}.")
    if array.ndim != len(axes):
        raise ValueError(f"{name} must have shape ({', '.join(axes)}), got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; it holds {np.count_nonzero(~np.isfinite(array))} NaN or infinity.")
    return array.astype(np.float64)
