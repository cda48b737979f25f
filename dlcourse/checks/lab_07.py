"""The exercises of Lab 07, DQN plays Breakout.

Used in: Lab 07

Reference: Lecture 004, "VALUE LEARNING" to "SOME PROBLEMS WITH DQN"; lecture 001, sections 6.1 and 6.2.
"""

from __future__ import annotations

from dlcourse.checks import lab_07_improvements, lab_07_learning

EXERCISES = (*lab_07_learning.EXERCISES, *lab_07_improvements.EXERCISES)
