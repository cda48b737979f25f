"""Pictures of the course: one look, colour-blind-safe, each with a description in words.

Every figure goes through `show(figure, alt=...)`: the notebook then holds the picture and its description, screen
readers and the HTML page speak it, and nbval compares the description instead of pixels.
"""

from dlcourse.plots.classifiers import (
    answers,
    binary_points,
    boundary,
    confusion,
    decision_regions,
    images,
    output_field,
)
from dlcourse.plots.display import animate, show
from dlcourse.plots.look import MARKERS, PALETTE, STYLE, style, styles, use_style
from dlcourse.plots.surfaces import contour, paths, surface

__all__ = [
    "MARKERS",
    "PALETTE",
    "STYLE",
    "animate",
    "answers",
    "binary_points",
    "boundary",
    "confusion",
    "contour",
    "decision_regions",
    "images",
    "output_field",
    "paths",
    "show",
    "style",
    "styles",
    "surface",
    "use_style",
]
