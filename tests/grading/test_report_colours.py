"""The report's colours, measured as WCAG 2 measures them."""

import re

import pytest

from dlcourse.grading.reporting.student_page import STYLE
from dlcourse.grading.results import Status


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_can_be_read(mode):
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    if mode == "dark":
        changed = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark))
        assert changed.keys() == colours.keys()
        colours = changed
    statuses = [status.value.replace(" ", "-") for status in Status]
    assert len({colours[status] for status in statuses}) == len(statuses)
    for front in ("ink", "quiet", "accent", *statuses):
        for back in ("paper", "card", "soft"):
            # WCAG 2 AA for text.
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
    assert contrast(colours["on-loud"], colours["loud"]) >= 7


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
