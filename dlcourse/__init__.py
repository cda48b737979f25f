"""Deep-learning course labs in Jupyter, and the tested library that they teach.

The chapters are sub-packages: ``dlcourse.foundations`` (networks from scratch in NumPy), ``dlcourse.datasets``
(data with checksums) and ``dlcourse.checks`` (the exercises). Importing ``dlcourse`` alone loads none of them.
"""

__version__ = "0.1.0"
