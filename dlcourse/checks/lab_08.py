"""The exercises of Lab 08, deep equilibrium nets.

Used in: Lab 08

Reference: Lecture 004, "DYNAMIC STOCHASTIC ECONOMIC MODELS" to the end.
"""

from __future__ import annotations

from dlcourse.checks import lab_08_economy, lab_08_equilibrium, lab_08_limits

EXERCISES = (*lab_08_economy.EXERCISES, *lab_08_equilibrium.EXERCISES, *lab_08_limits.EXERCISES)
