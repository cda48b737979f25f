"""Windows over a time series: what was known before the forecast origin, and what came after it.

A series stays in memory once. A window is a row number, the forecast origin; its values are gathered when a batch needs
them, a whole batch at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dlcourse.sequences.series import Series, check_count, first_gap, read_series, segment_bounds

if TYPE_CHECKING:
    import pandas as pd
    import tensorflow as tf

Gaps = Literal["raise", "skip"]


@dataclass(frozen=True, repr=False, eq=False)
class Windows:
    """Many windows over one series, each given by its forecast origin.

    The origin t is the first row that is not known yet. With sampling rate r, the inputs are the rows

        t - 1 - (history - 1) r, ..., t - 1 - r, t - 1

    and the target of horizon h is row t - 1 + h: horizon 1 is the row right after the last input.

    Args:
        inputs: input columns of the whole series, shape (rows, columns), float32, read-only.
        targets: target columns of the whole series, shape (rows, targets), float32, read-only.
        origins: forecast origins, shape (n,), int64, increasing, read-only.
        offsets: row of each input relative to the origin, shape (history,), negative, int64.
        horizons: rows ahead, each at least 1.
        columns: names of the input columns.
        target_columns: names of the target columns.
        times: time stamp of each row, or None for a series without.

    Example:
        >>> windows = make_windows(np.arange(10.0), history=3, horizons=(1, 2))
        >>> len(windows), windows.x.shape, windows.y.shape
        (6, (6, 3, 1), (6, 2))
        >>> windows.x[0, :, 0].tolist(), windows.y[0].tolist()
        ([0.0, 1.0, 2.0], [3.0, 4.0])

    Used in: Lab 05b

    Reference: lecture 004, "ACTION REQUIRED", Thursday.
    """

    inputs: np.ndarray
    targets: np.ndarray
    origins: np.ndarray
    offsets: np.ndarray
    horizons: tuple[int, ...]
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    times: pd.DatetimeIndex | None = None

    def __len__(self) -> int:
        return len(self.origins)

    def __repr__(self) -> str:
        return (
            f"Windows({len(self):,} windows: {self.history} x {len(self.columns)} -> {', '.join(self.target_columns)} "
            f"at horizon {', '.join(map(str, self.horizons))})"
        )

    @property
    def history(self) -> int:
        """Number of input steps of a window."""
        return len(self.offsets)

    @property
    def sampling_rate(self) -> int:
        """Rows from one input step to the next."""
        return int(self.offsets[1] - self.offsets[0]) if self.history > 1 else 1

    @property
    def x(self) -> np.ndarray:
        """All inputs, shape (n, history, columns), float32.

        A read-only view that takes no memory of its own where the origins are evenly spaced; a copy where they are not
        (windows on both sides of a gap). Linear models and single forecasts read it; networks take `dataset`.
        """
        steps = np.unique(np.diff(self.origins))
        if len(steps) > 1:
            return _read_only(self.inputs[self.origins[:, None] + self.offsets])
        reach = int(-self.offsets[0])
        views = np.lib.stride_tricks.sliding_window_view(self.inputs, reach, axis=0)
        first, last = int(self.origins[0]) - reach, int(self.origins[-1]) - reach
        chosen = views[first : last + 1 : int(steps[0]) if len(steps) else 1, :, :: self.sampling_rate]
        return chosen.transpose(0, 2, 1)

    @property
    def y(self) -> np.ndarray:
        """All targets, float32, shape (n, horizons), or (n, horizons, targets) where there are several targets."""
        return _read_only(self._squeeze(self.targets[self.origins[:, None] - 1 + np.array(self.horizons)]))

    @property
    def last(self) -> np.ndarray:
        """The targets' columns in the last known row, float32, shape (n,), or (n, targets) with several targets.

        What persistence forecasts for every horizon.
        """
        return _read_only(self._squeeze(self.targets[self.origins - 1]))

    @property
    def origin_times(self) -> pd.DatetimeIndex:
        """Time stamp of the last known row of each window: the moment at which the forecast is made."""
        return self._times()[self.origins - 1]

    def target_times(self, horizon: int) -> pd.DatetimeIndex:
        """Time stamp that each window forecasts at a horizon.

        Args:
            horizon: one of `horizons`.

        Returns:
            n time stamps.

        Raises:
            ValueError: for another horizon, or a series without time stamps.
        """
        if horizon not in self.horizons:
            raise ValueError(f"horizon must be one of {self.horizons}, got {horizon}.")
        return self._times()[self.origins - 1 + horizon]

    def take(self, positions: Any) -> Windows:
        """Keep some of the windows.

        Args:
            positions: a slice, a boolean mask of shape (n,) or increasing positions.

        Returns:
            A `Windows` over the same series.

        Raises:
            ValueError: when no window is left, or positions are not increasing.

        Example:
            >>> len(make_windows(np.arange(10.0), history=3, horizons=1).take(slice(None, None, 3)))
            3
        """
        origins = self.origins[positions]
        if origins.ndim != 1 or len(origins) == 0 or (np.diff(origins) <= 0).any():
            raise ValueError(
                f"positions must select one or more of {len(self)} windows in time order, got {positions}."
            )
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Windows(**(fields | {"origins": _read_only(origins)}))

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """The shuffled positions of one epoch, for a training loop of one's own that can resume at any epoch.

        Args:
            seed: non-negative integer.
            epoch: non-negative integer; each epoch has another order.

        Returns:
            A permutation of 0, ..., n - 1, shape (n,), int64: the same for the same seed and epoch.
        """
        return np.random.default_rng((seed, epoch)).permutation(len(self))

    def dataset(
        self, batch: int = 256, shuffle: bool = False, seed: int = 0, drop_remainder: bool = False
    ) -> tf.data.Dataset:
        """The windows as batches (x, y) for `fit`, `evaluate` and `predict`.

        Each batch is gathered from the one series in a single operation; no window is ever stored.

        Args:
            batch: windows a batch, at least 1.
            shuffle: whether to draw a new order in every pass over the data; for training.
            seed: of the order, a non-negative integer. Passes differ from one another, and are the same in another
                dataset with this seed.
            drop_remainder: leave out the last, smaller batch, so that all shapes are known before the first batch.

        Returns:
            A `tf.data.Dataset` of x, shape (batch, history, columns), and y, shape (batch, horizons) or (batch,
            horizons, targets); both float32.

        Raises:
            TypeError, ValueError: for a batch or seed that is no integer or too small; when drop_remainder leaves no
                batch.

        Example:
            >>> windows = make_windows(np.arange(10.0), history=3, horizons=1)
            >>> [x.shape[0] for x, y in windows.dataset(batch=3)]
            [3, 3, 1]
        """
        import tensorflow as tf

        check_count("batch", batch, 1)
        check_count("seed", seed, 0)
        if drop_remainder and batch > len(self):
            raise ValueError(f"batch must be at most {len(self)}, the number of windows, got {batch}.")
        # Row numbers of 32 bits: half the traffic, and two thousand million rows are enough.
        inputs, targets = tf.constant(self.inputs), tf.constant(self.targets)
        origins = tf.constant(self.origins, tf.int32)
        full = len(self) // batch * batch

        def in_batches(order: tf.Tensor) -> tf.data.Dataset:
            whole = tf.data.Dataset.from_tensor_slices(tf.reshape(order[:full], (-1, batch)))
            if full == len(self) or drop_remainder:
                return whole
            return whole.concatenate(tf.data.Dataset.from_tensors(order[full:]))

        def gather(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            x = tf.gather(inputs, rows[:, None] + tf.constant(self.offsets, tf.int32))
            y = tf.gather(targets, rows[:, None] + tf.constant(self.horizons, tf.int32) - 1)
            return x, tf.squeeze(y, -1) if len(self.target_columns) == 1 else y

        if shuffle:
            # One permutation a pass, drawn at once: a shuffle buffer would handle the rows one by one.
            draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2).take(1)
            batches = draws.flat_map(
                lambda draw: in_batches(tf.random.experimental.stateless_shuffle(origins, seed=draw))
            )
        else:
            batches = in_batches(origins)
        count = full // batch + (0 if full == len(self) or drop_remainder else 1)
        dataset = batches.map(gather, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(tf.data.AUTOTUNE)

    def _squeeze(self, values: np.ndarray) -> np.ndarray:
        return values[..., 0] if len(self.target_columns) == 1 else values

    def _times(self) -> pd.DatetimeIndex:
        if self.times is None:
            raise ValueError("this series has no time stamps. Make the windows from a table with a DatetimeIndex.")
        return self.times


def make_windows(
    series: pd.DataFrame | pd.Series | np.ndarray,
    history: int,
    horizons: int | Sequence[int],
    *,
    targets: str | Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    stride: int = 1,
    sampling_rate: int = 1,
    rows: slice | None = None,
    overlap: bool = False,
    gaps: Gaps = "raise",
) -> Windows:
    """Cut a series into windows: a history of inputs, and the targets at one or several horizons.

    Every window has all of its inputs and all of its targets, so that models are compared at every horizon on the same
    forecast origins. No value at or after the origin is among the inputs.

    Args:
        series: a table or one column with increasing time stamps (a DatetimeIndex), or an array of shape (rows,) or
            (rows, columns), whose columns are then called "0", "1", ...
        history: input steps of a window, at least 1.
        horizons: one or several distinct numbers of rows ahead, each at least 1: hours in an hourly table.
        targets: column or columns to forecast; None takes the input columns.
        columns: input columns, in this order; None takes all of the series.
        stride: rows from one forecast origin to the next, at least 1.
        sampling_rate: every how many rows one is taken into the history, at least 1; the last known row always is.
        rows: slice of rows, with step 1, that the targets have to lie in; None is all of them. `time_split` makes the
            slices of the training, validation and test part.
        overlap: whether the inputs of the first windows may reach into the rows before `rows`, as the published
            forecasting protocol has it: then every row of a test part is forecast. Inputs there are the past, so
            nothing leaks.
        gaps: "raise" refuses a series with missing time stamps; "skip" leaves out the windows that would straddle a
            gap.

    Returns:
        A `Windows`: `.dataset(batch, shuffle, seed)` for networks, `.x` and `.y` as arrays for linear models.

    Raises:
        TypeError: when a number is not an integer, or the series is none of the above.
        ValueError: for numbers outside their range; for an unknown column (close names are suggested); for NaN or
            infinity (column and first place are named); for time stamps that are unsorted, duplicate or have a gap
            (the place is named); for a series too short for one window.

    Example:
        >>> import pandas as pd
        >>> times = pd.date_range("2020-01-01", periods=240, freq="h", name="time")
        >>> table = pd.DataFrame({"temperature": np.sin(np.arange(240.0)), "pressure": 990.0}, index=times)
        >>> windows = make_windows(table, history=120, horizons=(1, 6, 24), targets="temperature")
        >>> windows
        Windows(97 windows: 120 x 2 -> temperature at horizon 1, 6, 24)
        >>> print(windows.origin_times[0], windows.target_times(24)[0])
        2020-01-05 23:00:00 2020-01-06 23:00:00

    Used in: Lab 05b

    Reference: Keras example "Timeseries forecasting for weather prediction"; lecture 004, "ACTION REQUIRED", Thursday.
    """
    for name, value in (("history", history), ("stride", stride), ("sampling_rate", sampling_rate)):
        check_count(name, value, 1)
    horizons = _check_horizons(horizons)
    if gaps not in ("raise", "skip"):
        raise ValueError(f"gaps must be 'raise' or 'skip', got {gaps!r}.")
    data = read_series(series, columns, targets)
    if gaps == "raise":
        first_gap(data.times)
    reach = (history - 1) * sampling_rate + 1
    start, stop = _check_rows(rows, len(data.inputs))
    origins = _origins(data, start, stop, reach, max(horizons), stride, overlap)
    if len(origins) == 0:
        raise ValueError(
            f"the series is too short for one window: got {stop - start:,} rows"
            f"{_longest(data.times, start, stop) if gaps == 'skip' else ''}, needed {reach + max(horizons):,} ("
            f"{reach:,} to look back over {history} steps, {max(horizons)} to look ahead). Give more rows, or a "
            "shorter history or horizon."
        )
    return Windows(
        inputs=_read_only(data.inputs),
        targets=_read_only(data.targets),
        origins=_read_only(origins),
        offsets=_read_only(np.arange(-reach, 0, sampling_rate, dtype=np.int64)),
        horizons=horizons,
        columns=data.columns,
        target_columns=data.target_columns,
        times=data.times,
    )


def _origins(data: Series, start: int, stop: int, reach: int, ahead: int, stride: int, overlap: bool) -> np.ndarray:
    """The rows that can be the first unknown one, segment by segment."""
    parts = []
    for first, last in segment_bounds(data.times, len(data.inputs)):
        lowest = max(first + reach, start if overlap else start + reach)
        highest = min(last, stop) - ahead
        parts.append(np.arange(lowest, highest + 1, stride, dtype=np.int64))
    return np.concatenate(parts)


def _longest(times: pd.DatetimeIndex | None, start: int, stop: int) -> str:
    lengths = [min(last, stop) - max(first, start) for first, last in segment_bounds(times, stop)]
    return f", the longest stretch without a gap {max(lengths):,}" if len(lengths) > 1 else ""


def _check_horizons(horizons: int | Sequence[int]) -> tuple[int, ...]:
    values = (horizons,) if isinstance(horizons, (int, np.integer)) else tuple(horizons)
    if not values:
        raise ValueError("horizons must be one or more numbers of rows, got none.")
    for value in values:
        check_count("each of horizons", value, 1)
    if len(set(values)) < len(values):
        raise ValueError(f"horizons must be distinct, got {values}.")
    return tuple(int(value) for value in values)


def _check_rows(rows: slice | None, length: int) -> tuple[int, int]:
    if rows is None:
        return 0, length
    if not isinstance(rows, slice) or rows.step not in (None, 1):
        raise TypeError(f"rows must be a slice with step 1, such as slice(0, 700), got {rows!r}.")
    start, stop, _ = rows.indices(length)
    if stop <= start:
        raise ValueError(f"rows must select some of the {length:,} rows, got {rows}.")
    return start, stop


def _read_only(values: np.ndarray) -> np.ndarray:
    view = values.view()
    view.flags.writeable = False
    return view
