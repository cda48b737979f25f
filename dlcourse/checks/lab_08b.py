"""The exercises of Lab 08b, a two-asset economy.

Used in: Lab 08b

Reference: Azinovic, Gaegauf and Scheidegger (2022), Deep equilibrium nets, section 5.
"""

from __future__ import annotations

from dlcourse.checks import lab_08b_households, lab_08b_solution

EXERCISES = (*lab_08b_households.EXERCISES, *lab_08b_solution.EXERCISES)
