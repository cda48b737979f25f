"""A part of a study that is computed in one go: the networks of one architecture on some of the functions.

Used in: Lab 03b
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlcourse.approximation.architecture import Architecture
from dlcourse.approximation.genz import FAMILIES, GenzFunction, sample

Floats = NDArray[np.float64]
Key = tuple[str, int, int, str, int]
Row = dict[str, str | int | float]


class Cell(NamedTuple):
    """What one network of a study learns."""

    family: str
    dimension: int
    samples: int
    seed: int


class CellData(NamedTuple):
    """A cell's training points and targets, and the test points and values that its errors are measured at."""

    X: Floats
    y: Floats
    X_test: Floats
    y_test: Floats


def cell_data(cell: Cell, scheme: str = "uniform", test_points: int = 1000) -> CellData:
    """Draws the function and the points of a cell.

    Args:
        cell: The cell.
        scheme: How training points are drawn.
        test_points: Number of test points.

    Returns:
        Training and test data, float64.

    Example:
        >>> cell_data(Cell("gaussian", 2, 50, seed=0)).X_test.shape
        (1000, 2)

    Used in: Lab 03b

    Reference: Lecture 004, "ACTION REQUIRED", Thursday.
    """
    function = GenzFunction.random(cell.family, cell.dimension, cell.seed)
    X = sample(cell.samples, cell.dimension, scheme, _seed(cell.seed, cell.dimension, 0))
    X_test = sample(test_points, cell.dimension, "uniform", _seed(cell.seed, cell.dimension, 1))
    return CellData(X, function(X), X_test, function(X_test))


def network_seed(cell: Cell) -> int:
    """The seed of a cell's initial weights and batches, different for every cell.

    Example:
        >>> network_seed(Cell("gaussian", 2, 50, seed=0)) != network_seed(Cell("gaussian", 2, 50, seed=1))
        True

    Used in: Lab 03b
    """
    return _seed(cell.seed, cell.dimension, 2, FAMILIES.index(cell.family), cell.samples)


@dataclass(frozen=True)
class StudyGroup:
    """Cells that networks of one architecture are trained for.

    Args:
        cells: What the networks learn.
        name: Name of the architecture in this study.
        architecture: Its settings.
        scheme: How training points are drawn.
        test_points: Number of points that the errors are measured at.

    Used in: Lab 03b
    """

    cells: tuple[Cell, ...]
    name: str
    architecture: Architecture
    scheme: str
    test_points: int

    def row_keys(self) -> list[Key]:
        """What tells the rows of this group from all others: family, dimension, samples, architecture, seed."""
        return [(c.family, c.dimension, c.samples, self.name, c.seed) for c in self.cells]

    def without(self, finished: Set[Key]) -> StudyGroup:
        """The same group less the cells whose rows are finished."""
        left = [cell for cell, key in zip(self.cells, self.row_keys(), strict=True) if key not in finished]
        return replace(self, cells=tuple(left))

    def split(self, size: int) -> list[StudyGroup]:
        """Groups of at most `size` cells."""
        return [replace(self, cells=self.cells[i : i + size]) for i in range(0, len(self.cells), size)]

    def settings(self) -> str:
        """A short code that changes with every setting that the keys do not show."""
        content = json.dumps([asdict(self.architecture), self.scheme, self.test_points])
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def train_group(group: StudyGroup, threads: int | None = None, progress: bool = True) -> list[Row]:
    """Trains the networks of a group and measures their errors.

    Args:
        group: What to train.
        threads: Cores to use; None stands for all.
        progress: Whether to draw a bar.

    Returns:
        A row for each cell, see `run_study`.

    Used in: Lab 03b
    """
    # TensorFlow loads here, so that a process that only hands out groups stays light.
    from dlcourse.approximation.networks import train_ensemble

    data = [cell_data(cell, group.scheme, group.test_points) for cell in group.cells]
    result = train_ensemble(
        [d.X for d in data],
        [d.y for d in data],
        group.architecture,
        seeds=[network_seed(cell) for cell in group.cells],
        threads=threads,
        progress=progress,
    )
    predictions = result.predict([d.X_test for d in data])
    rows = []
    for e, key in enumerate(group.row_keys()):
        errors, size = np.abs(predictions[e] - data[e].y_test), np.abs(data[e].y_test)
        rows.append(
            dict(zip(("family", "dimension", "samples", "architecture", "seed"), key, strict=True))
            | {
                "average_error": float(errors.mean()),
                "maximum_error": float(errors.max()),
                "relative_average_error": _ratio(errors.mean(), size.mean()),
                "relative_maximum_error": _ratio(errors.max(), size.max()),
                "seconds": result.seconds / len(group.cells),
                "diverged_at": int(result.diverged_at[e]),
                "settings": group.settings(),
            }
        )
    return rows


def _ratio(error: float, size: float) -> float:
    return float(error / size) if size > 0 else float("nan")


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
