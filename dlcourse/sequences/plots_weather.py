"""Pictures of a weather series and of what can be known about its future: figures for Lab 05b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from dlcourse.plots import PALETTE, styles

if TYPE_CHECKING:
    import pandas as pd

    from dlcourse.datasets.weather import WeatherData

HORIZON_TICKS = (1, 3, 6, 12, 24, 48, 72, 120, 240)
_VALUE_LABELS = {
    "MAE": "mean absolute error (deg C)",
    "RMSE": "root mean square error (deg C)",
    "skill": "skill against persistence (share)",
}


def series_and_week(
    weather: WeatherData, first_day: str, columns: Sequence[str] = ("temperature", "pressure")
) -> Figure:
    """Draws the temperature of all years with its daily means, and some columns during one week.

    Args:
        weather: hourly data.
        first_day: first day of the week, "2020-07-06".
        columns: two columns to draw for that week.

    Returns:
        The figure, to be given to `show`.

    Raises:
        ValueError: if the data hold nothing from that week, or `columns` are not two.

    Used in: Lab 05b
    """
    if len(columns) != 2:
        raise ValueError(f"columns must be two names, got {tuple(columns)}.")
    table = weather.table
    start = np.datetime64(first_day)
    week = table[(table.index >= start) & (table.index <= start + np.timedelta64(7, "D"))]
    if week.empty:
        raise ValueError(
            f"no rows in the week from {first_day}: the data run from {table.index[0]} to {table.index[-1]}."
        )
    figure, axes = plt.subplots(2, 2, figsize=(9.6, 5.4), width_ratios=[3, 2])
    span = axes[0, 0].get_gridspec()
    for ax in axes[:, 0]:
        ax.remove()
    whole = figure.add_subplot(span[:, 0])
    whole.plot(table.index, table["temperature"], color=PALETTE[5], linewidth=0.4, label="every hour")
    daily = table["temperature"].resample("D").mean()
    whole.plot(daily.index, daily, color=PALETTE[0], linewidth=1.2, label="mean of the day")
    whole.set(ylabel=weather.axis("temperature"), title=weather.title("Seasons, days, and a lot of weather"))
    whole.legend(loc="upper left")
    for ax, name, colour in zip(axes[:, 1], columns, PALETTE, strict=False):
        ax.plot(week.index, week[name], color=colour)
        ax.set_ylabel(weather.axis(name))
    axes[0, 1].set_title("One week")
    axes[0, 1].tick_params(labelbottom=False)
    for ax in (whole, *axes[:, 1]):
        _dates(ax)
    return figure


def calendar_map(weather: WeatherData, column: str = "temperature") -> Figure:
    """Draws one column as a map: days from left to right, hours of the day from bottom to top.

    Args:
        weather: hourly data; of several years the mean is drawn.
        column: what to draw.

    Returns:
        The figure, to be given to `show`.

    Used in: Lab 05b
    """
    values = weather.table[column]
    grid = values.groupby([values.index.hour, values.index.day_of_year]).mean().unstack()
    figure, ax = plt.subplots(figsize=(9.0, 3.4))
    # Few colours on purpose: `show` keeps 128, and a smooth map would lose its rare ends.
    image = ax.pcolormesh(grid.columns, grid.index, grid.to_numpy(), cmap=plt.get_cmap("cividis", 16), rasterized=True)
    figure.colorbar(image, ax=ax, label=weather.axis(column))
    ax.set(xlabel="day of the year", ylabel="hour of the day (h)", title=weather.title("Warm afternoons, warm summers"))
    ax.set_yticks(range(0, 25, 6))
    ax.grid(False)
    return figure


def memory_and_periods(
    weather: WeatherData,
    lags: Sequence[int],
    correlations: Sequence[float],
    periods: np.ndarray,
    power: np.ndarray,
) -> Figure:
    """Draws the autocorrelation against the lag, and the share of the variance that each period carries.

    Args:
        weather: for the title.
        lags: hours.
        correlations: autocorrelation at each lag.
        periods: hours, shape `(m,)`.
        power: share of the variance at each period, shape `(m,)`.

    Returns:
        The figure, to be given to `show`.

    Used in: Lab 05b
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.7))
    axes[0].plot(lags, correlations, color=PALETTE[0])
    for day in range(24, max(lags) + 1, 24):
        axes[0].axvline(day, color="black", linewidth=0.6, linestyle=":")
    axes[0].set(xlabel="lag (h)", ylabel="autocorrelation", title=weather.title("Tomorrow at this hour"))
    axes[0].set_xticks(range(0, max(lags) + 1, 24))
    axes[1].loglog(periods, power, color=PALETTE[1], linewidth=0.8)
    marks = {"year": 8766.0, "month": 730.5, "week": 168.0, "day": 24.0, "3 h": 3.0}
    axes[1].set_xticks(list(marks.values()), list(marks))
    axes[1].minorticks_off()
    axes[1].set_ylim(max(power.max() * 1e-7, 1e-9), None)
    axes[1].set(xlabel="period", ylabel="share of the variance", title="Two sharp lines on a broad slope")
    return figure


def horizon_curves(
    scores: pd.DataFrame,
    value: str,
    title: str,
    models: Sequence[str] | None = None,
    levels: Mapping[str, float] | None = None,
) -> Figure:
    """Draws errors, or skills, of several forecasters against the horizon, on a logarithmic time axis.

    Args:
        scores: as `dlcourse.sequences.forecasting.evaluate` returns them; seeds of one model are averaged.
        value: the column to draw: "MAE", "RMSE" or "skill".
        title: the finding, with the source of the data.
        models: which models, in this order; None draws all.
        levels: name and height of horizontal lines to compare with.

    Returns:
        The figure, to be given to `show`.

    Raises:
        ValueError: for a value that cannot be drawn, or a model that has no scores.

    Used in: Lab 05b
    """
    figure, ax = plt.subplots(figsize=(8.8, 4.0))
    _curves(ax, scores, value, models)
    for (name, height), dashes in zip((levels or {}).items(), ("--", ":", "-."), strict=False):
        ax.axhline(height, color="black", linestyle=dashes, linewidth=1.2, label=name)
    ax.set(xlabel="horizon (h)", title=title)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def limit_of_sight(
    scores: pd.DataFrame, calendar_error: float, theory: tuple[Sequence[float], Sequence[float]], title: str
) -> Figure:
    """Draws root mean square errors up to where the past no longer helps.

    Args:
        scores: as `dlcourse.sequences.forecasting.evaluate` returns them.
        calendar_error: what season and hour alone leave, deg C.
        theory: horizons, and the error of the process that forgets at a constant rate.
        title: the finding, with the source of the data.

    Returns:
        The figure, to be given to `show`.

    Used in: Lab 05b
    """
    figure, ax = plt.subplots(figsize=(8.8, 4.2))
    _curves(ax, scores, "RMSE", None)
    ax.plot(*theory, color="black", linewidth=1.2, label="one number: $\\phi$")
    ax.axhline(calendar_error, color="black", linewidth=1.2, linestyle="--", label="the calendar, with hindsight")
    ax.set(xlabel="horizon (h)", title=title, ylim=(0, None))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def harm_map(harm: pd.DataFrame, title: str) -> Figure:
    """Draws by how much a forecast suffers when an input is spoilt: a row an input, a column a horizon.

    Args:
        harm: rise of the error in deg C; index the inputs, columns the horizons in hours.
        title: the finding, with the source of the data.

    Returns:
        The figure, to be given to `show`.

    Used in: Lab 05b
    """
    values = harm.to_numpy(dtype=float)
    figure, ax = plt.subplots(figsize=(8.0, 0.42 * len(harm) + 1.6))
    shown = ax.imshow(values, cmap=plt.get_cmap("Blues", 12), aspect="auto", vmin=0, vmax=max(values.max(), 1e-9))
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.6 * values.max() else "black"
        ax.text(column, row, f"{round(value, 2) + 0.0:.2f}", ha="center", va="center", color=colour, fontsize=9)
    ax.set_xticks(range(harm.shape[1]), [f"{horizon}" for horizon in harm.columns])
    ax.set_yticks(range(len(harm)), [str(name).replace("_", " ") for name in harm.index])
    ax.set(xlabel="horizon (h)", title=title)
    ax.grid(False)
    figure.colorbar(shown, ax=ax, label="rise of the error (deg C)")
    return figure


def forecast_cases(
    weather: WeatherData,
    origins: pd.DatetimeIndex,
    forecasts: np.ndarray,
    horizons: Sequence[int],
    half_widths: Sequence[float],
    title: str,
    below: str = "pressure",
) -> Figure:
    """Draws forecasts with their band over what came, and a second column below for a hint at the reason.

    Args:
        weather: hourly data.
        origins: the moments at which the forecasts were made, one a case, at most four.
        forecasts: shape `(cases, horizons)`, deg C.
        horizons: hours.
        half_widths: of the band, one a horizon, deg C.
        title: the finding, with the source of the data.
        below: column in the lower row.

    Returns:
        The figure, to be given to `show`.

    Raises:
        ValueError: for more than four cases.

    Used in: Lab 05b
    """
    if not 1 <= len(origins) <= 4:
        raise ValueError(f"one to four cases fit on a screen, got {len(origins)}.")
    steps, widths = np.asarray(horizons), np.asarray(half_widths)
    figure, axes = plt.subplots(
        2, len(origins), figsize=(3.3 * len(origins), 5.0), sharey="row", squeeze=False, height_ratios=[3, 2]
    )
    for place, (origin, forecast) in enumerate(zip(origins, forecasts, strict=True)):
        since = (weather.table.index - origin) / np.timedelta64(1, "h")
        chosen = (since >= -48) & (since <= max(horizons))
        upper, lower = axes[:, place]
        upper.fill_between(steps, forecast - widths, forecast + widths, color=PALETTE[5], alpha=0.35, label="band")
        upper.plot(since[chosen], weather.table["temperature"][chosen], color="black", linewidth=1.2, label="measured")
        upper.plot(steps, forecast, color=PALETTE[1], marker="o", markersize=5, label="forecast")
        lower.plot(since[chosen], weather.table[below][chosen], color=PALETTE[2], linewidth=1.2)
        for ax in (upper, lower):
            ax.axvline(0, color="black", linewidth=0.8, linestyle="--")
            ax.set_xticks(range(-48, max(horizons) + 1, 24))
        upper.set_title(f"{origin:%d %b %Y, %H} h", fontweight="normal")
        upper.tick_params(labelbottom=False)
        lower.set_xlabel("hours from the forecast")
    if weather.is_synthetic:
        axes[0, 0].get_legend_handles_labels()[0][1].set_label("what came")
    axes[0, 0].set_ylabel(weather.axis("temperature"))
    axes[1, 0].set_ylabel(weather.axis(below))
    figure.suptitle(title, fontweight="bold")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _dates(ax: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _curves(ax: Axes, scores: pd.DataFrame, value: str, models: Sequence[str] | None) -> None:
    if value not in _VALUE_LABELS:
        raise ValueError(f"value must be one of {', '.join(_VALUE_LABELS)}, got {value!r}.")
    known = list(dict.fromkeys(scores["model"]))
    unknown = [name for name in models or () if name not in known]
    if unknown:
        raise ValueError(f"no scores of {', '.join(unknown)}; there are {', '.join(known)}.")
    means = scores.groupby(["model", "horizon"])[value].mean()
    for name, look in zip(known if models is None else models, styles(), strict=False):
        ax.plot(means[name].index, means[name], **look, markersize=6, label=name)
    horizons = sorted(scores["horizon"].unique())
    ticks = [tick for tick in HORIZON_TICKS if horizons[0] <= tick <= horizons[-1]]
    ax.set_xscale("log")
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylabel(_VALUE_LABELS[value])
