"""From outcomes to a status, points and words."""

import pytest

from dlcourse.checks.exercise import Case, Exercise
from dlcourse.checks.raised import Raised
from dlcourse.checks.runner import Outcome
from dlcourse.grading.results import Status
from dlcourse.grading.scoring import Round, result_of


def test_points_are_the_share_of_whole_input_classes():
    double = Exercise("2.1", "Twice", lambda x: 2 * x, lambda rng: [])
    cases = [Case((0,), name="zero"), Case((2,), name="two"), Case((1,)), Case((-1,))]
    public = Round(cases, [0, 4, 2, -2], 10.0, [Outcome(0), Outcome(4), Outcome(1), Outcome(-2)])
    result = result_of(double, public, None, partial_credit=0.6)
    assert result.status is Status.PARTIAL
    assert result.points == pytest.approx(0.4)
    assert [(one.name, one.passed, one.cases) for one in result.classes] == [
        ("zero", 1, 1),
        ("two", 1, 1),
        ("random inputs", 1, 2),
    ]
    assert result.message.startswith("Right for: zero, two. Not for: random inputs. For x = 1 it returned 1")


def test_what_raises_everywhere_has_crashed_and_shows_where():
    double = Exercise("2.1", "Twice", lambda x: 2 * x, lambda rng: [])
    raised = Outcome(raised=Raised("ValueError", "no", 2, False))
    public = Round([Case((1,))], [2], 10.0, [raised], {0: ['File "<exercise-2-1>", line 2, in double']})
    result = result_of(double, public)
    assert result.status is Status.CRASHED
    assert result.message.endswith(
        'it raised ValueError: no (line 2 of the function).\nFile "<exercise-2-1>", line 2, in double'
    )
