"""Pictures of forecasts: skill against horizon, single forecasts with their band, error by hour and month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from dlcourse.plots import PALETTE, style, styles
from dlcourse.sequences.forecasting import ForecastData, Forecaster
from dlcourse.sequences.prediction_bands import PredictionBand

if TYPE_CHECKING:
    import pandas as pd


def plot_skill(
    scores: pd.DataFrame,
    *,
    band: PredictionBand | None = None,
    band_name: str = "",
    title: str = "Skill against horizon",
    unit: str = "deg C",
) -> Figure:
    """Skill of each model against the horizon; the spread over seeds as a shade, the prediction band below.

    Args:
        scores: what `evaluate` returned.
        band: prediction band of one model, drawn as its half-width against the horizon in a second panel.
        band_name: whose band it is.
        title: the finding.
        unit: of the target.

    Returns:
        The figure; a model's curve is labelled with its name.

    Used in: Lab 05b
    """
    with style():
        figure, axes = plt.subplots(
            2 if band else 1, 1, figsize=(7.0, 6.0 if band else 4.2), sharex=True, squeeze=False
        )
        top = axes[0, 0]
        horizons = sorted(scores["horizon"].unique())
        places = np.arange(len(horizons))
        for (name, rows), look in zip(scores.groupby("model", sort=False), styles(), strict=False):
            grouped = rows.groupby("horizon")["skill"].agg(["mean", "min", "max"]).loc[horizons]
            top.plot(places, grouped["mean"], label=str(name), **look)
            if (grouped["max"] > grouped["min"]).any():
                top.fill_between(places, grouped["min"], grouped["max"], color=look["color"], alpha=0.2)
        top.axhline(0, color="0.4", linewidth=1)
        top.set(ylabel="skill against persistence", title=title)
        top.legend(fontsize="small")
        if band is not None:
            low = axes[1, 0]
            found = [band.horizons.index(horizon) for horizon in horizons]
            low.fill_between(places, -band.width[found], band.width[found], color=PALETTE[5], alpha=0.5)
            low.axhline(0, color="0.4", linewidth=1)
            low.set(ylabel=f"{band.coverage:.0%} band ({unit})", title=f"Prediction band {band_name}".strip())
        axes[-1, 0].set(xlabel="horizon (h)", xticks=places, xticklabels=[str(horizon) for horizon in horizons])
    return figure


def plot_forecasts(
    forecaster: Forecaster,
    data: ForecastData,
    examples: Sequence[int],
    *,
    band: PredictionBand | None = None,
    title: str = "Forecasts",
    unit: str = "deg C",
) -> Figure:
    """Some forecasts of the test part: what was known, what was forecast, what came.

    Args:
        forecaster: fitted to `data`.
        data: the task.
        examples: positions of test windows, increasing, one panel each.
        band: prediction band around the forecasts.
        title: the finding.
        unit: of the target.

    Returns:
        The figure.

    Used in: Lab 05b
    """
    windows = data.test.take(np.asarray(examples))
    forecasts = forecaster.predict(windows)
    series = data.split.table[data.target].to_numpy()
    shown = min(48, data.history)
    with style():
        figure, axes = plt.subplots(
            1, len(windows), figsize=(3.4 * len(windows), 3.4), sharey=True, squeeze=False, layout="constrained"
        )
        for ax, origin, forecast, time in zip(axes[0], windows.origins, forecasts, windows.origin_times, strict=True):
            known, coming = np.arange(-shown + 1, 1), np.arange(max(data.horizons) + 1)
            ax.plot(known, series[origin - 1 + known], color=PALETTE[6], label="known")
            ax.plot(coming, series[origin - 1 + coming], color=PALETTE[6], linestyle=":", label="what came")
            if band is not None:
                width = np.array([band.width[band.horizons.index(horizon)] for horizon in data.horizons])
                ax.fill_between(data.horizons, forecast - width, forecast + width, color=PALETTE[5], alpha=0.4)
            ax.plot(data.horizons, forecast, color=PALETTE[1], marker="s", linestyle="--", label=forecaster.name)
            ax.axvline(0, color="0.4", linewidth=1)
            ax.set(xlabel="hours from now")
            ax.set_title(f"{time:%d %b %H:%M}", fontweight="normal")
        axes[0, 0].set_ylabel(f"{data.target.replace('_', ' ')} ({unit})")
        axes[0, 0].legend(fontsize="small")
        figure.suptitle(title, fontweight="bold")
    return figure


def plot_error_by_time(
    forecasters: Sequence[Forecaster],
    data: ForecastData,
    horizon: int,
    by: Literal["hour", "month"] = "hour",
    *,
    title: str = "When forecasts go wrong",
    unit: str = "deg C",
) -> Figure:
    """Mean absolute error on the test part by the hour of the day or the month that is forecast.

    Args:
        forecasters: fitted to `data`.
        data: the task.
        horizon: one of the task's horizons.
        by: "hour" or "month".
        title: the finding.
        unit: of the target.

    Returns:
        The figure, one curve a forecaster.

    Raises:
        ValueError: for another `by`, or a horizon that the task does not have.

    Used in: Lab 05b
    """
    if by not in ("hour", "month"):
        raise ValueError(f"by must be one of hour, month, got {by!r}.")
    times = data.test.target_times(horizon)
    keys = (times.hour if by == "hour" else times.month).to_numpy()
    place = data.horizons.index(horizon)
    truth = data.in_unit(data.test.y)[:, place]
    groups = np.unique(keys)
    with style():
        figure, ax = plt.subplots()
        for forecaster, look in zip(forecasters, styles(), strict=False):
            errors = np.abs(forecaster.predict(data.test)[:, place] - truth)
            ax.plot(groups, [errors[keys == group].mean() for group in groups], label=forecaster.name, **look)
        label = "hour of the day (h)" if by == "hour" else "month"
        ax.set(xlabel=label, ylabel=f"mean absolute error ({unit})", title=title)
        ax.legend(fontsize="small")
    return figure
