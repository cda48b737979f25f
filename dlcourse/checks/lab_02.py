"""The exercises of Lab 02, the multilayer perceptron.

Used in: Lab 02

Reference: Lecture 004, Wednesday: from "Perceptron - an example" to "Test - MNIST".
"""

from __future__ import annotations

from dlcourse.checks.lab_02_backpropagation import BACKPROPAGATION
from dlcourse.checks.lab_02_perceptron import PERCEPTRON
from dlcourse.checks.lab_02_recipe import RECIPE

EXERCISES = (*PERCEPTRON, *BACKPROPAGATION, *RECIPE)
