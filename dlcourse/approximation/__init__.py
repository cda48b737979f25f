"""Networks as approximators: Genz's functions, ensembles of small networks, and the study that compares them.

TensorFlow and pandas load only when a network is trained or a study is run.

Used in: Lab 03, Lab 03b, Lab 04

Reference: Lecture 004, the Thursday part.
"""

from typing import TYPE_CHECKING

from dlcourse.lazy import lazy_exports

if TYPE_CHECKING:
    from dlcourse.approximation.architecture import Architecture
    from dlcourse.approximation.genz import FAMILIES, GenzFunction, sample
    from dlcourse.approximation.networks import EnsembleResult, train_ensemble
    from dlcourse.approximation.study import plot_study, run_study

_MODULES = {
    "Architecture": "architecture",
    "EnsembleResult": "networks",
    "FAMILIES": "genz",
    "GenzFunction": "genz",
    "plot_study": "study",
    "run_study": "study",
    "sample": "genz",
    "train_ensemble": "networks",
}

__all__ = [
    "FAMILIES",
    "Architecture",
    "EnsembleResult",
    "GenzFunction",
    "plot_study",
    "run_study",
    "sample",
    "train_ensemble",
]

__getattr__, __dir__ = lazy_exports(__name__, _MODULES, __all__)
