"""Exercises that check themselves: declared once a lab, judged in one line, and never in the way.

In a notebook, the cell after an exercise is `neuron = check("2.1", neuron)`; `progress()` shows where one stands.
"""

from __future__ import annotations

from dlcourse.checks.catalog import exercises, find_exercise
from dlcourse.checks.checker import check, progress, reset_progress
from dlcourse.checks.exercise import Case, Exercise, Mistake
from dlcourse.checks.validation import validate

__all__ = [
    "Case",
    "Exercise",
    "Mistake",
    "check",
    "exercises",
    "find_exercise",
    "progress",
    "reset_progress",
    "validate",
]
