"""A prediction band from the errors that a forecaster made on the validation part: split conformal prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlcourse.sequences.forecasting import ForecastData, Forecaster


@dataclass(frozen=True, eq=False)
class PredictionBand:
    """How far the truth strays from the forecast, horizon by horizon.

    With n validation errors in order, the half-width is the one of rank ceil((n + 1) coverage): if the errors to come
    were exchangeable with these, the band would hold the truth at least as often as promised. Weather is not: an
    autumn's errors are not a summer's, and `coverage_of` measures what is left of the promise.

    Args:
        horizons: rows ahead.
        width: half-width of the band at each horizon, in the target's unit, shape (horizons,).
        coverage: promised share of truths inside, in (0, 1).

    Example:
        >>> band = PredictionBand.of_errors(np.arange(1.0, 100.0)[:, None], (24,), coverage=0.9)
        >>> band.width.tolist()
        [90.0]
        >>> lower, upper = band.around(np.array([[10.0]]))
        >>> lower.tolist(), upper.tolist()
        ([[-80.0]], [[100.0]])

    Used in: Lab 05b

    Reference: J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani, L. Wasserman, Distribution-free predictive inference for
    regression, 2018.
    """

    horizons: tuple[int, ...]
    width: NDArray[np.float64]
    coverage: float

    @classmethod
    def of_errors(cls, errors: ArrayLike, horizons: tuple[int, ...], coverage: float = 0.9) -> PredictionBand:
        """The band of known errors.

        Args:
            errors: forecast minus truth on windows that the forecaster did not learn from, shape (n, horizons).
            horizons: rows ahead, one a column.
            coverage: promised share of truths inside, in (0, 1).

        Raises:
            ValueError: for a coverage outside (0, 1), a shape that does not fit, errors that are not finite, or too few
                of them for this coverage.
        """
        errors = np.abs(np.asarray(errors, dtype=np.float64))
        if not 0 < coverage < 1:
            raise ValueError(f"coverage must lie between 0 and 1, such as 0.9, got {coverage}.")
        if errors.ndim != 2 or errors.shape[1] != len(horizons) or not np.isfinite(errors).all():
            raise ValueError(
                f"errors must be finite, one column for each of {len(horizons)} horizons; got the shape {errors.shape}."
            )
        rank = math.ceil((len(errors) + 1) * coverage - 1e-9)
        if rank > len(errors):
            raise ValueError(
                f"{len(errors)} errors are too few to promise {coverage:.0%}: at least "
                f"{math.ceil(coverage / (1 - coverage) - 1e-9)} are needed."
            )
        return cls(tuple(horizons), np.sort(errors, axis=0)[rank - 1], coverage)

    @classmethod
    def calibrate(cls, forecaster: Forecaster, data: ForecastData, coverage: float = 0.9) -> PredictionBand:
        """The band of a fitted forecaster, from its errors on the validation part.

        Args:
            forecaster: fitted to `data`.
            data: the task.
            coverage: promised share of truths inside, in (0, 1).
        """
        errors = forecaster.predict(data.validation) - data.in_unit(data.validation.y)
        return cls.of_errors(errors, data.horizons, coverage)

    def around(self, forecasts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper end of the band around forecasts of shape (n, horizons), in the target's unit."""
        if forecasts.ndim != 2 or forecasts.shape[1] != len(self.horizons):
            raise ValueError(f"forecasts must have the shape (n, {len(self.horizons)}), got {forecasts.shape}.")
        return forecasts - self.width, forecasts + self.width

    def coverage_of(self, forecasts: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of truths that lie inside the band, shape (horizons,).

        Args:
            forecasts: shape (n, horizons), in the target's unit.
            truth: what came, same shape and unit.
        """
        lower, upper = self.around(forecasts)
        return ((truth >= lower) & (truth <= upper)).mean(axis=0)
