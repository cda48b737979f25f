"""`check` and `progress`: what the labs call."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from typing import Any

from dlcourse.checks.catalog import exercises, find_exercise, lab_name
from dlcourse.checks.exercise import Exercise
from dlcourse.checks.judging import judge
from dlcourse.checks.values import class_name
from dlcourse.checks.verdict import NOT_CHECKED, PASSED, STYLES, Verdict

NOT_TRIED = "not tried"

_statuses: dict[str, str] = {}
_last_lab: list[str] = []


def check(number: str, function: Callable[..., Any], *, time_limit: float | None = None) -> Callable[..., Any]:
    """Check a function that a participant wrote; print one line about it; return a function to go on with.

    It never raises: whatever the function does ends up in the line. Only an interrupt from the keyboard passes through.
    In a notebook the line comes as a coloured box with the same words.

    Args:
        number: The exercise, e.g. "2.1" or "5b.3".
        function: The participant's function.
        time_limit: Seconds for all cases together, > 0; None takes the exercise's own, by default 10.

    Returns:
        `function` if it passed, else the course's own, so that the lab goes on either way. `function` unchanged where
        there is no such exercise.

    Example:
        >>> neuron = check("2.1", neuron)  # doctest: +SKIP
        2.1 passed: A neuron (12 cases)

    Used in: every lab.
    """
    verdict, onward = _check(number, function, time_limit)
    show(verdict.text, verdict.html)
    return onward


def _check(number: Any, function: Any, time_limit: Any) -> tuple[Verdict, Any]:
    try:
        seconds = _seconds(time_limit)
        exercise = find_exercise(number)
    except Exception as error:
        return Verdict(_shown(number), NOT_CHECKED, "", _problem(error)), function
    try:
        verdict = judge(exercise, function, seconds)
    except Exception as error:
        details = f"The check itself failed; please report this. {_problem(error)}"
        verdict = Verdict(exercise.number, NOT_CHECKED, exercise.title, details)
    _statuses[exercise.number] = verdict.status
    _last_lab[:] = [exercise.lab]
    return verdict, function if verdict.passed else exercise.reference


def progress(lab: str | int | None = None) -> None:
    """Show the exercises of a lab and which of them have passed since the kernel started.

    Args:
        lab: E.g. "02" or "5b"; None takes the lab of the last check.

    Example:
        >>> reset_progress()
        >>> progress()
        No exercise has been checked yet: run a cell with check(...), or name the lab: progress("02").

    Used in: every lab.
    """
    if lab is None and not _last_lab:
        text = 'No exercise has been checked yet: run a cell with check(...), or name the lab: progress("02").'
        show(text, f"<p>{html.escape(text)}</p>")
        return
    try:
        name = lab_name(_last_lab[0] if lab is None else lab)
        listed = exercises(name)
    except Exception as error:
        text = _problem(error)
        show(text, f"<p>{html.escape(text)}</p>")
        return
    show(_progress_text(name, listed), _progress_html(name, listed))


def reset_progress() -> None:
    """Forget what has been checked, as a new kernel would.

    Used in: the tests.
    """
    _statuses.clear()
    _last_lab.clear()


def show(text: str, markup: str) -> None:
    """Display a message: as HTML with the text beside it in a notebook, else printed.

    Args:
        text: Plain text.
        markup: The same as HTML.

    Used in: every lab, through `check` and `progress`.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if getattr(shell, "kernel", None) is not None:
        from IPython.display import display

        display({"text/plain": text, "text/html": markup}, raw=True)
        return
    try:
        print(text)
    except UnicodeEncodeError:  # a title in a console that knows ASCII alone
        print(ascii(text)[1:-1])


def _shown(number: Any) -> str:
    if type(number) in (str, int, float):
        return ascii(number).strip("'\"")[:40]
    return f"a {class_name(type(number))}"


def _seconds(time_limit: Any) -> float | None:
    if time_limit is None:
        return None
    if type(time_limit) not in (int, float) or not 0 < time_limit < float("inf"):
        raise ValueError(f"time_limit is {_shown(time_limit)}, expected a finite number of seconds > 0")
    return float(time_limit)


def _problem(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"The exercises of this lab need {error.name}, which is not installed: pip install {error.name}."
    message = " ".join(str(error).split())
    if isinstance(error, ValueError | TypeError):
        return message[:1].upper() + message[1:] + ("" if message.endswith((".", "?")) else ".")
    return f"{class_name(type(error))}: {message}"


def _headline(lab: str, listed: tuple[Exercise, ...]) -> str:
    passed = sum(_statuses.get(exercise.number) == PASSED for exercise in listed)
    return f"Lab {lab}: {passed} of {len(listed)} exercise{'' if len(listed) == 1 else 's'} passed"


def _progress_text(lab: str, listed: tuple[Exercise, ...]) -> str:
    width = max((len(exercise.number) for exercise in listed), default=0)
    rows = [
        f"  {exercise.number:<{width}}  {_statuses.get(exercise.number, NOT_TRIED):<11}  {exercise.title}"
        for exercise in listed
    ]
    return "\n".join([_headline(lab, listed), *rows])


def _progress_html(lab: str, listed: tuple[Exercise, ...]) -> str:
    cell = "text-align:left;padding:0.2em 0.8em"
    rows = []
    for exercise in listed:
        status = _statuses.get(exercise.number, NOT_TRIED)
        icon, colour, background = STYLES.get(status, ("\u2013", "#333333", "#f2f2f2"))
        rows.append(
            f'<tr><th scope="row" style="{cell}">{exercise.number}</th>'
            f'<td style="{cell};color:{colour};background:{background}">'
            f'<span aria-hidden="true">{icon}</span> {status}</td>'
            f'<td style="{cell}">{html.escape(exercise.title)}</td></tr>'
        )
    head = "".join(f'<th scope="col" style="{cell}">{name}</th>' for name in ("Exercise", "Status", "Title"))
    caption = f'<caption style="text-align:left;font-weight:bold">{_headline(lab, listed)}</caption>'
    table = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<table style="color:inherit">{caption}{table}</table>'
