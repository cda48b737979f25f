"""The exercises of Lab 06, continuous control with DDPG.

Used in: Lab 06

Reference: Lecture 004, "REINFORCEMENT LEARNING" to "CONNECTION TO DYNAMIC PROGRAMMING".
"""

from __future__ import annotations

from dlcourse.checks import lab_06_learning, lab_06_policies

EXERCISES = (*lab_06_policies.EXERCISES, *lab_06_learning.EXERCISES)
