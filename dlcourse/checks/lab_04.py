"""The exercises of Lab 04, a tour of TensorFlow.

Used in: Lab 04

Reference: Lecture 004, "A SEMI-COMPREHENSIVE TF TOUR".
"""

from __future__ import annotations

from dlcourse.checks import lab_04_loans, lab_04_tensors

EXERCISES = (*lab_04_tensors.EXERCISES, *lab_04_loans.EXERCISES)
