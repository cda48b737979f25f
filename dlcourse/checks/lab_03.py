"""The exercises of Lab 03, a gentle start with Keras.

Used in: Lab 03

Reference: Lecture 004, "A gentle first example", and from "Notes on overfitting" to "Remark: batch normalization".
"""

from __future__ import annotations

from dlcourse.checks.lab_03_counting import COUNTING
from dlcourse.checks.lab_03_remedies import REMEDIES
from dlcourse.checks.lab_03_training import TRAINING

EXERCISES = (*COUNTING, *TRAINING, *REMEDIES)
