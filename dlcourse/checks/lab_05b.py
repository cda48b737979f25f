"""The exercises of Lab 05b, forecasting the weather.

Used in: Lab 05b

Reference: Lecture 004, "ACTION REQUIRED" after "LSTM OUTPUT", Thursday.
"""

from __future__ import annotations

from dlcourse.checks.lab_05b_forecasts import FORECASTS
from dlcourse.checks.lab_05b_series import SERIES

EXERCISES = (*SERIES, *FORECASTS)
