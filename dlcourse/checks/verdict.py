"""What the check says: one line of text, and the same words as a box in a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass

PASSED = "passed"
NOT_RIGHT = "not right"
NOT_YET = "not yet"
NOT_CHECKED = "not checked"

# Icon, text colour and background: each pair has a contrast above 7 to 1, in a light and in a dark notebook.
STYLES = {
    PASSED: ("\u2713", "#0b4f22", "#e3f5e8"),
    NOT_RIGHT: ("\u2717", "#7a1f10", "#fdebe7"),
    NOT_YET: ("\u25cb", "#1f3d5c", "#e8f0f8"),
    NOT_CHECKED: ("?", "#4d3800", "#fdf3d6"),
}


@dataclass(frozen=True)
class Verdict:
    """What the check says.

    Args:
        number: The exercise's number, as given.
        status: "passed", "not right", "not yet" or "not checked".
        title: The exercise's title; empty where the exercise is unknown.
        details: What happened, in sentences; may be empty.
        hint: What may help; may be empty.

    Example:
        >>> print(Verdict("2.1", "not yet", "A neuron", "Fill in the function, then run this cell again."))
        2.1 not yet: A neuron. Fill in the function, then run this cell again.

    Used in: every lab.
    """

    number: str
    status: str
    title: str
    details: str = ""
    hint: str = ""

    @property
    def passed(self) -> bool:
        """Whether the function passed."""
        return self.status == PASSED

    @property
    def text(self) -> str:
        """The verdict on one line."""
        if self.passed:
            return f"{self.number} {self.status}: {self.title} ({self.details})"
        parts = [self.title and self.title + ".", self.details, self.hint and f"Hint: {_sentence(self.hint)}"]
        return f"{self.number} {self.status}: {' '.join(part for part in parts if part)}"

    def __str__(self) -> str:
        return self.text

    @property
    def html(self) -> str:
        """The same words as a coloured box; the colour says nothing that the words do not."""
        icon, colour, background = STYLES[self.status]
        title = html.escape(self.title)
        lines = [f'<span aria-hidden="true">{icon}</span> <strong>{html.escape(self.number)} {self.status}</strong>']
        if title:
            lines[0] += f": {title}"
        if self.passed:
            lines[0] += f" ({html.escape(self.details)})"
        elif self.details:
            lines.append(html.escape(self.details))
        if self.hint:
            lines.append(f"<strong>Hint:</strong> {html.escape(_sentence(self.hint))}")
        style = (
            f"color:{colour};background:{background};border-left:0.4em solid {colour};"
            "padding:0.5em 0.8em;margin:0.3em 0;line-height:1.5;overflow-wrap:anywhere"
        )
        return f'<div role="status" style="{style}">' + "<br>".join(lines) + "</div>"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."
