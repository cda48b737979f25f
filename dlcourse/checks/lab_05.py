"""The exercises of Lab 05, recurrent networks.

Used in: Lab 05

Reference: Lecture 004, "RECURRENT NEURAL NETS" to "LSTM OUTPUT"; Lecture 001, 5.2.
"""

from __future__ import annotations

from dlcourse.checks import lab_05_language, lab_05_lstm, lab_05_simple_cell

EXERCISES = (*lab_05_simple_cell.EXERCISES, *lab_05_lstm.EXERCISES, *lab_05_language.EXERCISES)
