"""The slides' experiment at any size: many networks on many functions, and how their errors fall with the data.

Used in: Lab 03b

Reference: Lecture 004, "ACTION REQUIRED" and "ACTION REQUIRED (II)", Thursday.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlcourse import plots
from dlcourse.approximation._study_backends import BACKENDS, finished_groups
from dlcourse.approximation._study_group import Cell, StudyGroup
from dlcourse.approximation._study_store import StudyStore
from dlcourse.approximation.architecture import Architecture
from dlcourse.approximation.genz import FAMILIES, SCHEMES
from dlcourse.arguments import check_count, check_name
from dlcourse.progress import track

ERRORS = {"average_error": "average error", "maximum_error": "maximum error"}


def run_study(
    families: Sequence[str] = FAMILIES,
    dimensions: Sequence[int] = (2, 5, 10),
    sample_sizes: Sequence[int] = (10, 50, 100, 500),
    architectures: Mapping[str, Architecture] | None = None,
    seeds: Sequence[int] = (0,),
    *,
    test_points: int = 1000,
    scheme: str = "uniform",
    store: str | Path | None = None,
    backend: str = "joblib",
    n_jobs: int = 1,
    address: str | None = None,
    group_size: int = 72,
) -> pd.DataFrame:
    """Trains a network for every family, dimension, sample size, architecture and seed, and measures its errors.

    average error = mean_i |f(x_i) - N(x_i)|,  maximum error = max_i |f(x_i) - N(x_i)|  over new, uniform points x_i.

    A seed fixes everything that is random in a row: the function's parameters, the points, the initial weights and the
    batches. For one seed and dimension all families share their points, and a larger sample contains the smaller.

    Args:
        families: Names from `FAMILIES`.
        dimensions: d in the slides, each at least 1.
        sample_sizes: Numbers of training points, each at least 1.
        architectures: Name and settings of each; None stands for the default `Architecture()`, named "2x64 swish".
        seeds: Integers >= 0.
        test_points: Number of points that the errors are measured at.
        scheme: How training points are drawn, see `sample`; test points are always uniform.
        store: CSV file that finished rows go to. A study that was interrupted, even killed, goes on from there: rows
            in the file are not computed again. One study at a time may write to a file.
        backend: "joblib" (this machine) or "dask" (a cluster).
        n_jobs: Processes on this machine; 1 trains in this process, on all of its cores. Ignored where there is an
            `address`.
        address: Address of the Dask scheduler, as "tcp://10.0.0.1:8786"; None starts a cluster of `n_jobs` processes.
        group_size: Networks that are trained together and saved together.

    Returns:
        One row a network: family, dimension, samples, architecture, seed; average_error and maximum_error in the
        function's units; relative_average_error (over the mean of |f|) and relative_maximum_error (over the maximum of
        |f|), NaN where f is 0 at all test points; seconds (an equal share of its group's training time); diverged_at
        (see `EnsembleResult`); settings (a short code for all other settings).

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a name is unknown, a number is out of its range, an argument is empty or repeats itself, or the
            store holds other columns, or rows of the same names with other settings.

    Example:
        >>> tiny = {"tiny": Architecture(hidden=(4,), steps=20)}
        >>> frame = run_study(["gaussian"], [1, 2], [10], tiny, test_points=50)
        >>> frame[["family", "dimension", "samples", "architecture", "seed"]]
             family  dimension  samples architecture  seed
        0  gaussian          1       10         tiny     0
        1  gaussian          2       10         tiny     0

    Used in: Lab 03b

    Reference: Lecture 004, "ACTION REQUIRED", Thursday.
    """
    architectures = {"2x64 swish": Architecture()} if architectures is None else dict(architectures)
    for name, architecture in architectures.items():
        if not isinstance(name, str) or not isinstance(architecture, Architecture):
            raise TypeError(f"architectures must map names to Architecture; got {name!r}: {architecture!r}.")
    check_name("scheme", scheme, SCHEMES)
    check_name("backend", backend, BACKENDS)
    test_points, group_size = check_count("test_points", test_points), check_count("group_size", group_size)
    axes = {
        "families": [check_name("each family", family, FAMILIES) for family in _several("families", families)],
        "dimensions": [check_count("each dimension", d) for d in _several("dimensions", dimensions)],
        "sample_sizes": [check_count("each sample size", n) for n in _several("sample_sizes", sample_sizes)],
        "seeds": [check_count("each seed", seed, minimum=0) for seed in _several("seeds", seeds)],
        "architectures": list(architectures),
    }
    for argument, values in axes.items():
        if not values or len(set(values)) < len(values):
            raise ValueError(f"{argument} must hold at least one value and none twice; got {values}.")

    cells = [
        Cell(family, dimension, samples, seed)
        for seed, family, dimension, samples in product(
            axes["seeds"], axes["families"], axes["dimensions"], axes["sample_sizes"]
        )
    ]
    groups = [StudyGroup(tuple(cells), name, a, scheme, test_points) for name, a in architectures.items()]
    saved = StudyStore(None if store is None else Path(store))
    pending = [part for group in groups for part in group.without(saved.finished(group)).split(group_size)]
    total = len(cells) * len(groups)
    with track(range(total), "study", unit="network") as bar:
        bar.update(total - sum(len(group.cells) for group in pending))
        for rows in finished_groups(pending, backend, n_jobs, address):
            saved.add(rows)
            bar.update(len(rows))
    return saved.frame([key for group in groups for key in group.row_keys()])


def plot_study(frame: pd.DataFrame, hue: str = "family", *, relative: bool = False) -> Figure:
    """The slides' figure: average and maximum error against the number of points, a column of panels a dimension.

    A line is the median over all rows that it stands for, a band reaches from their first to their ninth decile.

    Args:
        frame: Rows of `run_study`, all or a selection.
        hue: What a line stands for: "family" or "architecture".
        relative: Whether to draw the relative errors.

    Returns:
        The figure, for `dlcourse.plots.show`.

    Raises:
        ValueError: If `frame` is empty or lacks a column, or `hue` is unknown.

    Used in: Lab 03b

    Reference: Lecture 004, "ACTION REQUIRED", Thursday.
    """
    check_name("hue", hue, ("family", "architecture"))
    columns = {("relative_" if relative else "") + error: label for error, label in ERRORS.items()}
    missing = {"dimension", "samples", hue, *columns} - set(frame.columns)
    if missing or frame.empty:
        what = f"lacks the columns {sorted(missing)}" if missing else "has no rows"
        raise ValueError(f"frame must come from run_study; it {what}.")
    dimensions = sorted(frame["dimension"].unique())
    with plots.style():
        figure, axes = plt.subplots(
            2, len(dimensions), figsize=(1.2 + 2.9 * len(dimensions), 5.6), sharex=True, sharey="row", squeeze=False
        )
        for row, (column, label) in zip(axes, columns.items(), strict=True):
            for ax, dimension in zip(row, dimensions, strict=True):
                _draw(ax, frame[frame["dimension"] == dimension], column, hue)
                ax.set_title(f"{dimension} dimension{'s' if dimension > 1 else ''}")
            row[0].set_ylabel(f"{'relative ' if relative else ''}{label}")
        for ax in axes[1]:
            ax.set_xlabel("training points")
            ax.set_title("")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)))
    return figure


def _draw(ax: Axes, frame: pd.DataFrame, column: str, hue: str) -> None:
    names = list(dict.fromkeys(frame[hue]))
    for name, look in zip(names, plots.styles(), strict=False):
        by_samples = frame[frame[hue] == name].groupby("samples")[column]
        median = by_samples.median()
        label = name.replace("_", " ")
        ax.plot(median.index, median, label=label, markersize=5, **look)
        ax.fill_between(
            median.index, by_samples.quantile(0.1), by_samples.quantile(0.9), color=look["color"], alpha=0.15, lw=0
        )
    sizes = np.sort(frame["samples"].unique())
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()


def _several(argument: str, values: object) -> list[object]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"{argument} must be a list; got {values!r}. Write [{values!r}] for a single one.")
    return list(values)
