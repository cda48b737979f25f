"""The part of a cleaned hand-in that its exercises need: their cells, and the statements that define what they use.

No cell trains, draws or downloads unless an exercise's own code asks for its results. The cut is made at statements,
by names: a name means the last statement above that binds it, and the changes made to it since.
"""

from __future__ import annotations

import builtins
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from dlcourse.grading.reading.cleaning import CleanCell, Cleaned
from dlcourse.grading.reading.lab_cells import TrustedLab
from dlcourse.grading.reading.scopes import Names
from dlcourse.grading.reading.statements import Statement, statements_of
from dlcourse.grading.results import Note

# The labs need less than a hundred; thousands of names that all need each other would take for ever.
MOST_STEPS = 300_000
STAR = "*"


@dataclass(frozen=True)
class Step:
    """Code to run.

    Args:
        index: its place in the programme.
        cell: the id of its cell, for messages.
        exercise: the number of the exercise whose cell it is; None for what exercises need.
        source: the code; in a student's cell with IPython's magics as they were written.
        line: the number of its first line in its cell, from 1.
        own: whether the student wrote it.
        needed_by: the exercises that need it.
    """

    index: int
    cell: str
    exercise: str | None
    source: str
    line: int
    own: bool
    needed_by: frozenset[str]


@dataclass(frozen=True)
class Programme:
    """What is run of a hand-in, in order; each exercise is judged right after its own step.

    Args:
        steps: in order.
        missing: exercises without an answer, and why; they have no step.
        needs: for each exercise the other ones whose code it uses, directly or not, in the lab's order.
        notes: what cleaning noted.
        error: why the code could not be taken apart; empty where it could.
    """

    steps: tuple[Step, ...]
    missing: dict[str, str] = field(default_factory=dict)
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    error: str = ""

    def steps_for(self, number: str) -> tuple[Step, ...]:
        """What one exercise needs, in order, its own step last.

        Args:
            number: e.g. "2.1".
        """
        needed = [step for step in self.steps if number in step.needed_by and step.exercise != number]
        return (*needed, *(step for step in self.steps if step.exercise == number))


class TangledError(ValueError):
    """The hand-in's names need each other in too many ways to be followed."""


def programme(cleaned: Cleaned, lab: TrustedLab) -> Programme:
    """Cuts a cleaned hand-in to what its exercises need.

    Args:
        cleaned: from `clean`.
        lab: the lab.

    Raises:
        TangledError: if its names cannot be followed in reasonable time.
    """
    units = [unit for cell in cleaned.cells for unit in _units(cell, lab)]
    effects = _effects(units)
    units = [_with_effects(unit, effects) for unit in units]
    cut = _Cut(units)
    needs: dict[str, tuple[str, ...]] = {}
    needed_by: dict[int, set[str]] = {}
    place: dict[int, tuple[float, int]] = {}
    functions = {exercise.function: exercise.number for exercise in lab.exercises}
    order = [exercise.number for exercise in lab.exercises]
    for position, unit in enumerate(units):
        if unit.exercise is None:
            continue
        found, unresolved = cut.needed(position)
        used = {units[at].exercise for at in found} | {functions.get(name) for name in unresolved}
        needs[unit.exercise] = tuple(number for number in order[: order.index(unit.exercise)] if number in used)
        for at in (*found, position):
            needed_by.setdefault(at, set()).add(unit.exercise)
            # What stands below the exercise that needs it is run before it.
            key = (min(at, position - 0.5) if at != position else at, at)
            place[at] = min(place.get(at, key), key)
    steps = tuple(
        Step(
            index,
            units[at].cell,
            units[at].exercise,
            units[at].source,
            units[at].line,
            units[at].own,
            frozenset(needed_by[at]),
        )
        for index, at in enumerate(sorted(place, key=place.__getitem__))
    )
    return Programme(steps, dict(cleaned.missing), needs, cleaned.notes)


@dataclass(frozen=True)
class _Unit:
    cell: str
    exercise: str | None
    source: str
    line: int
    own: bool
    now: frozenset[str]
    later: frozenset[str]
    binds: frozenset[str]
    changes: frozenset[str]
    names: tuple[Names, ...]


def _units(cell: CleanCell, lab: TrustedLab) -> list[_Unit]:
    statements = statements_of(cell.source)
    if cell.exercise is not None:
        return [_exercise_unit(cell, statements, lab.exercise(cell.exercise).function)]
    return [
        _unit(cell, None, statement.source, statement.line, [statement])
        for statement in statements or ()
        if not statement.is_check
    ]


def _exercise_unit(cell: CleanCell, statements: tuple[Statement, ...] | None, function: str) -> _Unit:
    """The whole cell, its checks blanked out."""
    binds = frozenset({function})
    if statements is None:  # it will not run, so it needs nothing
        return _Unit(cell.id, cell.exercise, cell.source, 1, True, frozenset(), frozenset(), binds, frozenset(), ())
    lines = cell.source.split("\n")
    for statement in statements:
        if statement.is_check:
            count = statement.source.count("\n") + 1
            lines[statement.line - 1 : statement.line - 1 + count] = [""] * count
    kept = [statement for statement in statements if not statement.is_check]
    unit = _unit(cell, cell.exercise, "\n".join(lines), 1, kept)
    return _Unit(**{**vars(unit), "binds": unit.binds | binds})


def _unit(cell: CleanCell, exercise: str | None, source: str, line: int, statements: Iterable[Statement]) -> _Unit:
    names = tuple(found for statement in statements for found in statement.names)
    bound: set[str] = set()
    now: set[str] = set()
    for found in names:
        now |= found.now - bound
        bound |= found.binds
    later = frozenset(name for found in names for name in found.later) - bound
    changes = frozenset(name for found in names for name in found.changes)
    return _Unit(
        cell.id, exercise, source, line, cell.own, frozenset(now), later, frozenset(bound), changes - bound, names
    )


def _effects(units: Iterable[_Unit]) -> dict[str, set[str]]:
    """What functions of the notebook change when they are called."""
    effects: dict[str, set[str]] = {}
    for unit in units:
        for found in unit.names:
            for name in found.binds:
                effects.setdefault(name, set()).update(
                    found.changes_later if found.later or found.changes_later else ()
                )
    return effects


def _with_effects(unit: _Unit, effects: dict[str, set[str]]) -> _Unit:
    """The unit, with what the notebook's functions change when it calls them: their arguments, and other names."""
    changes = set(unit.changes)
    for found in unit.names:
        for name, given in found.called:
            if name in effects:
                changes |= effects[name] | set(given)
    return _Unit(**{**vars(unit), "changes": frozenset(changes - unit.binds)})


class _Cut:
    def __init__(self, units: list[_Unit]) -> None:
        self.units = units
        self.bound: dict[str, list[int]] = {}
        self.touched: dict[str, list[int]] = {}
        for position, unit in enumerate(units):
            for name in unit.binds:
                self.bound.setdefault(name, []).append(position)
            for name in unit.changes:
                self.touched.setdefault(name, []).append(position)
        self.work = 0

    def needed(self, position: int) -> tuple[set[int], set[str]]:
        """Positions of what the unit at `position` needs, and names that nothing defines."""
        found: set[int] = set()
        unresolved: set[str] = set()
        unit = self.units[position]
        waiting = [(name, position) for name in unit.now | unit.later]
        seen = set(waiting)
        while waiting:
            name, before = waiting.pop()
            self.work += 1
            if self.work > MOST_STEPS:
                raise TangledError("the notebook's names need each other in too many ways to be followed")
            providers = self._providers(name, before)
            if not providers and not hasattr(builtins, name):
                unresolved.add(name)
            for at in providers:
                other = self.units[at]
                if at == position or (at > position and other.exercise is not None):
                    continue  # an exercise further down is not there yet
                found.add(at)
                self.work += len(other.now) + len(other.later)
                # A function's body runs when it is called, which is at the latest when the exercise is judged.
                for need in [*((one, at) for one in other.now), *((one, position) for one in other.later)]:
                    if need not in seen:
                        seen.add(need)
                        waiting.append(need)
        return found, unresolved

    def _providers(self, name: str, before: int) -> list[int]:
        bound, touched = self.bound.get(name, []), self.touched.get(name, [])
        last = bisect_left(bound, before) - 1
        start = bound[last] if last >= 0 else -1
        changes = touched[bisect_left(touched, start) : bisect_left(touched, before)]
        if last >= 0:
            return [start, *changes]
        if changes:
            return changes
        # Defined further down: a student who goes back and forth has it in memory all the same.
        below = [at for at in [*bound, *touched] if at > before and self.units[at].exercise is None]
        if below:
            return [min(below)]
        return [] if hasattr(builtins, name) else [at for at in self.bound.get(STAR, []) if at < before]
