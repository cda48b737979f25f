"""The runner ends what does not end, keeps its hands clean, and lets the user interrupt."""

from __future__ import annotations

import _thread
import random
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from dlcourse.checks import Case, check, find_exercise
from dlcourse.checks.runner import run_cases

Line = Callable[..., str]

UNFINISHED = (
    "99.1 not right: A neuron. For x = [1.0, 2.0], w = [0.5, -1.0], b = 0.1 it did not finish; "
    "all cases together may take 0.2 seconds."
)
HINT = " Hint: is there a loop that never ends?"


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Ends, after the test, the threads that the check could not end."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "dlcourse-check":
            thread.join(5)


def test_a_loop_without_end_is_ended(line: Line) -> None:
    def loop(x, w, b):
        while True:
            pass

    assert line("99.1", loop, time_limit=0.2) == UNFINISHED + HINT
    assert not [thread for thread in threading.enumerate() if thread.name == "dlcourse-check"]


def test_a_loop_that_catches_every_exception_does_not_hold_the_check_up(line: Line, release: threading.Event) -> None:
    def loop(x, w, b):
        while not release.is_set():
            try:
                x.sum()
            except BaseException:
                continue

    assert line("99.1", loop, time_limit=0.2).startswith(UNFINISHED)


def test_what_cannot_be_ended_is_left_behind_and_the_line_says_so(line: Line, release: threading.Event) -> None:
    def loop(x, w, b):
        release.wait()  # waits in compiled code, where no exception can be raised

    said = line("99.1", loop, time_limit=0.2)
    assert said == UNFINISHED + " It is still running: restart the kernel to end it." + HINT
    left = [thread for thread in threading.enumerate() if thread.name == "dlcourse-check"]
    assert left and all(thread.daemon for thread in left)


def test_after_a_time_out_the_next_check_is_not_disturbed(line: Line, release: threading.Event) -> None:
    line("99.1", lambda x, w, b: release.wait(), time_limit=0.2)
    assert line("99.1", find_exercise("99.1").reference) == "99.1 passed: A neuron (7 cases)"


def test_the_exercises_own_time_limit_holds(line: Line, lab: Callable) -> None:
    from dlcourse.checks import Exercise

    lab((Exercise("99.1", "Quick", abs, lambda rng: [Case((-n,)) for n in range(5)], time_limit=0.2),))
    assert "all cases together may take 0.2 seconds" in line("99.1", lambda n: exec("while True: pass"))


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread")
def test_an_interrupt_from_the_keyboard_passes_and_ends_the_function(lab: object) -> None:
    def loop(x, w, b):
        _thread.interrupt_main()
        while True:
            pass

    with pytest.raises(KeyboardInterrupt):
        check("99.1", loop)
    assert not [thread for thread in threading.enumerate() if thread.name == "dlcourse-check"]


def test_every_call_gets_inputs_of_its_own() -> None:
    array, seen = np.ones(3), []

    def function(a, more):
        seen.append(a.copy())
        a *= 5
        more.append(1)
        return a.sum()

    cases = [Case((array, [2])), Case((array,), {"more": [3]})]
    run = run_cases(function, cases, reference=lambda a, more: 0)
    assert [outcome.changed for outcome in run.outcomes] == [("a", "more")] * 2
    assert [outcome.value for outcome in run.outcomes] == [15.0, 15.0]
    np.testing.assert_array_equal(seen, np.ones((2, 3)))
    np.testing.assert_array_equal(array, np.ones(3))


def test_a_generator_among_the_inputs_draws_the_same_for_everyone() -> None:
    case = Case((np.random.default_rng(5),))
    run = run_cases(lambda rng: rng.normal(), [case, case], reference=lambda rng: 0)
    assert [outcome.value for outcome in run.outcomes] == [np.random.default_rng(5).normal()] * 2
    assert run.outcomes[0].changed == ()


def test_the_global_random_states_are_seeded_inside_and_put_back() -> None:
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    expected = np.random.random(), random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)

    def function(x):
        return np.random.random(), random.random()  # noqa: NPY002

    runs = [run_cases(function, [Case((0,))], function, seed=7).outcomes for _ in range(2)]
    assert runs[0] == runs[1]
    assert (np.random.random(), random.random()) == expected  # noqa: NPY002


def test_the_recursion_limit_and_the_streams_are_put_back() -> None:
    before = sys.getrecursionlimit(), sys.stdout, sys.stderr

    def function(x):
        sys.setrecursionlimit(5000)
        sys.stdout = sys.stderr = None

    run_cases(function, [Case((0,))], function)
    assert (sys.getrecursionlimit(), sys.stdout, sys.stderr) == before


def test_a_library_that_lacks_something_is_not_an_unsolved_exercise() -> None:
    namespace: dict = {}
    source = "def lacking(x):\n    raise NotImplementedError('no such kernel')\n"
    exec(compile(source, "/env/lib/python3.11/site-packages/lib.py", "exec"), namespace)
    raised = run_cases(lambda x: namespace["lacking"](x), [Case((0,))], lambda x: 0).outcomes[0].raised
    assert raised is not None and not raised.is_stub


def test_the_line_of_an_exception_counts_from_the_def() -> None:
    def helper(x):
        return 1 / x

    def function(x):
        y = x

        return helper(y)

    raised = run_cases(function, [Case((0,))], function).outcomes[0].raised
    assert (raised.name, raised.message, raised.line) == ("ZeroDivisionError", "division by zero", 4)
