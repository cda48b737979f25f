"""What a clock and a calendar know about the weather to come: where the sun will stand.

Used in: Lab 05b

Reference: lecture 004, "ACTION REQUIRED", Thursday.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dlcourse.datasets.weather_synthesis import solar_elevation

CLOCK_COLUMNS = ("daylight", "sun_height", "hour_sin", "hour_cos")


def clock_features(times: pd.DatetimeIndex) -> np.ndarray:
    r"""Four functions of the time stamp alone: known for the future as well as for the past.

    .. math:: \big( \max(\sin h, 0),\; \sin h,\; \sin(2\pi u / 24),\; \cos(2\pi u / 24) \big)

    with the sun's height h over Jena and the hour u. The height knows the season without knowing the date: late October
    looks like February, which a model of one year has seen, where the number of the day is one that it never met.

    Args:
        times: time stamps, Central European (winter) Time.

    Returns:
        Shape (rows, 4), float32, in [-1, 1]; the columns are `CLOCK_COLUMNS`.

    Raises:
        TypeError: if `times` are not time stamps.

    Example:
        >>> noon_and_midnight = pd.DatetimeIndex(["2020-06-21 12:00", "2020-06-21 00:00"])
        >>> clock_features(noon_and_midnight).astype(float).round(2).tolist()
        [[0.89, 0.89, 0.0, -1.0], [0.0, -0.27, 0.0, 1.0]]

    Used in: Lab 05b
    """
    if not isinstance(times, pd.DatetimeIndex):
        raise TypeError(f"clock features need time stamps (a DatetimeIndex), got {type(times).__name__}")
    hour = times.hour.to_numpy() + times.minute.to_numpy() / 60
    height = solar_elevation(times.day_of_year.to_numpy().astype(float), hour)
    angle = 2 * np.pi * hour / 24
    return np.stack([np.maximum(height, 0), height, np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)
