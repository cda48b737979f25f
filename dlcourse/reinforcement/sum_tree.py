"""A sum tree: numbers in proportion to which one can draw, each draw and each change in log2(capacity) steps.

Used in: Lab 07

Reference: Schaul et al., "Prioritized experience replay", 2016, appendix B.2.1.
"""

from __future__ import annotations

import numpy as np


class SumTree:
    """Non-negative numbers w_0, ..., w_{C-1} with the sums of all halves, quarters, and so on.

    Every inner node holds the sum of its two children and is computed anew from them at each change, so that rounding
    does not pile up over millions of changes.

    Args:
        capacity: C, at least 1; rounded up to a power of two.

    Raises:
        ValueError: if the capacity is below 1.

    Example:
        >>> tree = SumTree(4)
        >>> tree.set(np.array([0, 2]), np.array([1.0, 3.0]))
        >>> tree.total
        4.0
        >>> tree.find(np.array([0.5, 1.0, 3.9])).tolist()
        [0, 2, 2]

    Used in: Lab 07

    Reference: Schaul et al. 2016, appendix B.2.1.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity={capacity}: a sum tree holds at least 1 number")
        self._depth = (capacity - 1).bit_length()
        self.capacity = 2**self._depth
        # Node 1 is the root, nodes 2k and 2k+1 are the children of k, the numbers themselves begin at `capacity`.
        self._nodes = np.zeros(2 * self.capacity)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """The numbers in these places, as a copy of the shape of `indices`."""
        return self._nodes[self.capacity + np.asarray(indices)]

    @property
    def total(self) -> float:
        """The sum of all numbers."""
        return float(self._nodes[1])

    @property
    def values(self) -> np.ndarray:
        """All C numbers, as a view that must not be written to."""
        view = self._nodes[self.capacity :]
        view.flags.writeable = False
        return view

    @property
    def nbytes(self) -> int:
        """Memory of the tree in bytes: two float64 numbers for each place."""
        return self._nodes.nbytes

    def set(self, indices: np.ndarray, values: np.ndarray) -> None:
        """Puts numbers in places; where a place is named twice, the last one counts.

        Args:
            indices: integers in [0, capacity), shape (B,).
            values: finite and not negative, shape (B,) or a scalar.

        Raises:
            ValueError: for an index outside, or a number that is negative, NaN or infinite. The tree is then as it was.
        """
        indices, values = np.asarray(indices), np.asarray(values, dtype=np.float64)
        if not len(indices):
            return
        if indices.min() < 0 or indices.max() >= self.capacity:
            raise ValueError(f"indices from {indices.min()} to {indices.max()}: give those in [0, {self.capacity})")
        # The comparison is false for NaN too.
        if not ((values >= 0) & (values < np.inf)).all():
            raise ValueError(f"values {values.ravel()[:5]}: a sum tree holds finite numbers that are not negative")
        places = self.capacity + indices
        self._nodes[places] = values
        for _ in range(self._depth):
            places = places >> 1
            children = places << 1
            self._nodes[places] = self._nodes[children] + self._nodes[children + 1]

    def find(self, masses: np.ndarray) -> np.ndarray:
        """The place i in which w_0 + ... + w_{i-1} <= mass < w_0 + ... + w_i.

        A place that holds 0 is never found, whatever the rounding of the sums.

        Args:
            masses: in [0, total), shape (B,). Uniform masses find place i with probability w_i / total.

        Returns:
            Places, shape (B,), int64.

        Raises:
            ValueError: if all numbers are 0, or a mass is below 0 or above the total.
        """
        if self.total <= 0:
            raise ValueError("all numbers of the tree are 0: set one before you search")
        left_over = np.array(masses, dtype=np.float64)
        # The comparison is false for NaN too.
        if not ((left_over >= 0) & (left_over <= self.total)).all():
            raise ValueError(f"masses {left_over.ravel()[:5]}: give those in [0, {self.total})")
        places = np.ones(left_over.shape, dtype=np.int64)
        for _ in range(self._depth):
            places <<= 1
            left = self._nodes[places]
            # A right half of sum 0 is never entered: rounding may leave a mass a hair above the left half.
            right = (left_over >= left) & (self._nodes[places + 1] > 0)
            left_over -= np.where(right, left, 0.0)
            places += right
        return places - self.capacity
