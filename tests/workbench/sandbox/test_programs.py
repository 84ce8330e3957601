"""What becomes of programs, and of what goes wrong outside them."""

import os
import signal
import time
from contextlib import suppress

import psutil
import pytest

from tests.workbench.sandbox.conftest import SHORT, SQUARES, why_not
from workbench.sandbox import programs
from workbench.sandbox.inside.checker import CALL_SECONDS
from workbench.sandbox.inside.literals import decode
from workbench.sandbox.programs import OUTCOMES, Sandbox, Tests, Verdict
from workbench.sandbox.zygotes import SandboxError

RIGHT = "def answer(x):\n    return x * x"
ONE_IN_THREE = "assert answer(1) == 1\nassert answer(2) == 4\nassert answer(3) == 9"


def asserting(source, *names, **about):
    return Tests(source=source, entry_points=names or ["answer"], **about)


SORTS = asserting("x = [3, 1, 2]\nassert answer(x) is None\nassert x == [1, 2, 3]")
STACK = asserting(
    "s = Stack()\ns.push(5)\ns.push(6)\nassert len(s) == 2\nassert s.pop() == 6\n"
    "assert s.items == [5]\nassert 5 in s\nassert not Stack()",
    "Stack", classes=["Stack"],
)  # fmt: skip
STACK_PROGRAM = """
class Stack:
    def __init__(self): self.items = []
    def push(self, one): self.items.append(one)
    def pop(self): return self.items.pop()
    def __len__(self): return len(self.items)
    def __contains__(self, one): return one in self.items
"""
COUNTS = asserting(
    "from itertools import islice\nassert list(islice(answer(5), 3)) == [5, 6, 7]\n"
    "assert next(answer(1)) == 1"
)
REFUSES = asserting("try:\n    answer(-1)\n    assert False\nexcept ValueError:\n    assert True")
OUTCOMES_OF = {
    "it is right": (RIGHT, SQUARES, "passed"),
    "it is wrong": ("def answer(x):\n    return x", SQUARES, "failed"),
    "it is right once": ("def answer(x):\n    return 4", SQUARES, "failed"),
    "it raises": ("def answer(x):\n    return 1 / 0", SQUARES, "exception"),
    "it raises while it is loaded": ("1 / 0", SQUARES, "exception"),
    "it has no such function": ("def other(x):\n    return x * x", SQUARES, "exception"),
    "it does not parse": ("def answer(x) return", SQUARES, "syntax"),
    "it has a zero byte": ("x = 1\0", SQUARES, "syntax"),
    "it is empty": ("", SQUARES, "exception"),
    "it works for too long": ("def answer(x):\n    while True: pass", SQUARES, "timeout"),
    "it sleeps for too long": (
        "import time\ndef answer(x):\n    time.sleep(100)", SQUARES, "timeout"
    ),
    "it takes too much memory": ("def answer(x):\n    return bytes(2 << 30)", SQUARES, "memory"),
    "it opens too many files": (
        "def answer(x):\n    held = [open('/dev/null') for _ in range(100)]", SQUARES, "limit"
    ),
    "it returns too much": ("def answer(x):\n    return 'x' * 10**7", SQUARES, "limit"),
    "it changes its argument": ("def answer(x):\n    x.sort()", SORTS, "passed"),
    "it changes its argument wrongly": ("def answer(x):\n    x.clear()", SORTS, "failed"),
    "its iterator has no end": (
        "import itertools\ndef answer(x):\n    return itertools.count(x)", COUNTS, "passed"
    ),
    "its iterator is wrong": ("def answer(x):\n    yield from [5, 6, 8]", COUNTS, "failed"),
    "its iterator raises": ("def answer(x):\n    yield 5\n    1 / 0", COUNTS, "exception"),
    "its class is right": (STACK_PROGRAM, STACK, "passed"),
    "its class is wrong": (STACK_PROGRAM.replace("pop()", "pop(0)"), STACK, "failed"),
    "it raises what it should": ("def answer(x):\n    int('x')", REFUSES, "passed"),
    "it raises what it should not": ("def answer(x):\n    {}[x]", REFUSES, "exception"),
    "it does not raise": ("def answer(x):\n    return 0", REFUSES, "failed"),
    "a function is handed to it": (
        RIGHT, asserting("assert answer(lambda: 2) == 4"), "unsupported"
    ),
    "two objects are compared": (
        STACK_PROGRAM, asserting("assert Stack() == Stack()", "Stack", classes=["Stack"]),
        "unsupported",
    ),
    "identity is tested": (
        "def answer(x):\n    return x", asserting("y = []\nassert answer(y) is y"), "unsupported"
    ),
    "tests use another function": (
        RIGHT + "\ndef helper(x):\n    return x", asserting("assert helper(answer(2)) == 4"),
        "unsupported",
    ),
    "tests use another function by the way": (
        RIGHT + "\ndef helper(x):\n    return x", asserting("x = helper(2)\nassert answer(x) == 4"),
        "unsupported",
    ),
    "tests import what is not there": (
        RIGHT, asserting("import numpy\nassert answer(2) == 4"), "unsupported"
    ),
    "what tests use is nowhere": (RIGHT, asserting("assert answer(nothing) == 4"), "failed"),
    "no assertion is reached": (
        "def answer(x):\n    return []", asserting("for one in answer(1):\n    assert one == 1"),
        "failed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OUTCOMES_OF)
def test_each_outcome(box, case):
    program, tests, outcome = OUTCOMES_OF[case]
    assert box.judge(program, tests).outcome == outcome


def test_every_outcome_is_tested():
    assert {outcome for *_, outcome in OUTCOMES_OF.values()} == {*OUTCOMES} - {"infrastructure"}


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("a function is handed to it", "an argument of type function"),
        ("two objects are compared", "== between objects of the program (Stack)"),
        ("identity is tested", "the identity of two objects"),
        ("tests use another function", "helper of the program is used and is no entry point"),
        ("tests import what is not there", "No module named 'numpy'"),
    ],
)
def test_what_is_unsupported_is_named(strongest, case, name):
    program, tests, _ = OUTCOMES_OF[case]
    verdict = strongest.judge(program, tests)
    assert name in verdict.why
    assert not verdict.known


def test_a_failed_test_is_told_with_its_call_and_both_values(strongest):
    verdict = strongest.judge("def answer(x):\n    return x + 2", SQUARES)
    assert (verdict.passed, verdict.total) == (1, 3)
    assert verdict.failures[0] == {
        "test": "candidate(3) == 9", "call": "answer(3)", "got": "5", "expected": "9",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("program", "share"),
    [
        (RIGHT, 1.0),
        ("def answer(x):\n    return 1", 1 / 3),
        ("def answer(x):\n    return x if x == 1 else 1 / 0", 1 / 3),
        # it ends itself after the first success, so that no other is tried
        ("import os\ndef answer(x):\n    return x if x == 1 else os._exit(0)", 1 / 3),
        ("def answer(x) return", 0.0),
    ],
)
def test_the_share_of_the_tests_passed(strongest, program, share):
    assert strongest.judge(program, asserting(ONE_IN_THREE)).share == pytest.approx(share)


def test_tests_that_a_program_ends_early_are_not_all_passed(strongest):
    tests = asserting("assert answer(1) == 1\ny = answer(2)\nassert y == 4")
    verdict = strongest.judge("def answer(x):\n    return x if x == 1 else 1 / 0", tests)
    assert (verdict.outcome, verdict.passed, verdict.total) == ("exception", 1, 2)


def test_calls_are_answered_after_the_tests(strongest):
    calls = [[1], [[1, 2]], ["x"], [0]]
    program = """
def answer(x):
    if x == 0:
        raise KeyError("zero")
    if isinstance(x, list):
        x.append(3)
    return (x, {x} if x == 1 else None)
"""
    found = strongest.judge(program, asserting("assert answer(1) == (1, {1})"), calls).answers
    assert decode(found[0]["value"]) == (1, {1})
    assert decode(found[1]["value"]) == ([1, 2, 3], None)
    assert {place: decode(one) for place, one in found[1]["changed"].items()} == {"0": [1, 2, 3]}
    assert "changed" not in found[0]
    assert found[3] == {"exception": "KeyError", "says": "'zero'"}


def test_calls_after_the_end_of_a_program_have_no_answer(strongest):
    program = "import os\ndef answer(x):\n    return x * x if x < 9 else os._exit(0)"
    verdict = strongest.judge(program, SQUARES, [[5], [9], [6]])
    assert verdict.outcome == "passed"
    assert [one and one["value"] for one in verdict.answers] == [25, None, None]


def test_calls_without_end_are_given_up_and_cost_the_others_nothing(strongest):
    program = "def answer(x):\n    while x > 5:\n        pass\n    return x * x"
    calls = [[9], [2], *[[at] for at in range(6, 22)], [1]]
    start = time.monotonic()
    verdict = strongest.judge(program, SQUARES, calls)
    taken = time.monotonic() - start
    assert verdict.outcome == "passed"
    told = [one and one["value"] for one in verdict.answers]
    assert told == [None, 4, *[None] * 16, 1]
    assert taken < 17 * CALL_SECONDS  # which is what they would take if each had the time of one


def test_answers_without_end_are_cut(strongest):
    program = "import itertools\ndef answer(x):\n    return x * x if x < 9 else itertools.count()"
    assert strongest.judge(program, SQUARES, [[9]]).answers[0]["exception"] == "TooLarge"
    program = "def answer(x):\n    return x * x if x < 9 else 'x' * 1_500_000"
    found = strongest.judge(program, SQUARES, [[9], [9], [9]]).answers
    assert len(found[0]["value"]) == 1_500_000
    assert [one["exception"] for one in found[1:]] == ["TooLarge"] * 2


def test_what_is_no_literal_cannot_be_called_with(strongest):
    with pytest.raises(ValueError, match="called with literals, not with object"):
        strongest.judge(RIGHT, SQUARES, [[object()]])


def test_texts_that_no_file_can_hold_are_spelt_out(strongest):
    verdict = strongest.judge("def answer(x):\n    raise ValueError('\\ud800')", SQUARES, [[1]])
    assert verdict.failures[0]["got"] == "ValueError: \\ud800"
    assert verdict.answers[0]["says"] == "\\ud800"
    verdict = strongest.judge("raise ValueError('\\ud800')", SQUARES)
    assert verdict.why == "ValueError: \\ud800"


def test_programs_with_other_tests_are_judged_by_their_own(strongest):
    cubes = asserting("assert answer(2) == 8")
    outcomes = [strongest.judge(RIGHT, tests).outcome for tests in (SQUARES, cubes, SQUARES)]
    assert outcomes == ["passed", "failed", "passed"]


def test_tests_may_use_the_helpers_of_the_prompt(strongest):
    tests = asserting("assert answer(2) == twice(2)", prompt="def twice(x):\n    return 2 * x\n")
    assert strongest.judge(RIGHT, tests).outcome == "passed"
    broken = asserting("assert answer(2) == 4", prompt="1 / 0")
    assert strongest.judge(RIGHT, broken).outcome == "passed"
    no_program = asserting("assert answer(2) == 4", prompt="Square it.")
    assert strongest.judge(RIGHT, no_program).outcome == "passed"


def test_no_program_sees_what_another_has_left(box):
    leaves = "import builtins\nbuiltins.left = 1\nopen('left', 'w').write('x')\n" + RIGHT
    finds = "import builtins, os\ndef answer(x):\n    return hasattr(builtins, 'left') or "
    finds += "'left' in os.listdir()"
    assert box.judge(leaves, SQUARES).outcome == "passed"
    assert box.judge(finds, asserting("assert answer(1) is False")).outcome == "passed"


def test_a_process_of_tests_is_renewed_after_many_programs(strongest, monkeypatch):
    monkeypatch.setattr(programs, "MOST_PROGRAMS", 2)
    first = strongest.judge(RIGHT, SQUARES) and strongest.test_process
    for _ in range(2):
        assert strongest.judge(RIGHT, SQUARES).outcome == "passed"
    assert strongest.test_process is not first


@pytest.mark.parametrize("role", ["candidate", "checker"])
@pytest.mark.parametrize("kind", ["bubblewrap", "landlock"])
def test_a_killed_zygote_is_started_anew_and_the_program_tried_again(kind, role):
    if why := why_not(kind):
        pytest.skip(why)
    with Sandbox(kind=kind, limits=SHORT) as sandbox:
        assert sandbox.judge(RIGHT, SQUARES).outcome == "passed"
        for one in psutil.Process(sandbox.zygotes[role].process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it ends with its parent
                one.kill()
        sandbox.zygotes[role].process.kill()
        assert sandbox.judge(RIGHT, SQUARES).outcome == "passed"
        assert sandbox.restarts == 1


def test_what_goes_wrong_twice_outside_a_program_is_no_fault_of_it(monkeypatch):
    tried = []

    def broken(kind):
        tried.append(kind)
        raise SandboxError("it is broken")

    monkeypatch.setattr(programs, "Zygote", broken)
    verdict = Sandbox(kind="unsafe").judge(RIGHT, SQUARES)
    assert (verdict.outcome, verdict.why) == ("infrastructure", "it is broken")
    assert not verdict.known
    assert len(tried) == 2


def test_a_program_that_waited_for_a_processor_is_tried_once_more(monkeypatch):
    timeout = Verdict(outcome="timeout")
    for starved, tries in ((True, 2), (False, 1)):
        found = []
        monkeypatch.setattr(
            Sandbox, "_judge_once", lambda *_, s=starved, f=found: (f.append(1) or timeout, s)
        )
        assert Sandbox().judge(RIGHT, SQUARES).outcome == "timeout"
        assert len(found) == tries


def test_nothing_is_left_when_a_sandbox_is_closed(box):
    with Sandbox(kind=box.kind, limits=SHORT) as sandbox:
        sandbox.judge(RIGHT, SQUARES)
        there = [
            each
            for one in sandbox.zygotes.values()
            for each in psutil.Process(one.process.pid).children(recursive=True)
        ]
        there += [psutil.Process(one.process.pid) for one in sandbox.zygotes.values()]
        homes = [one.home.name for one in sandbox.zygotes.values() if one.home]
    end = time.monotonic() + 10
    while any(one.is_running() for one in there) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(one.is_running() for one in there)
    assert not any(map(os.path.exists, homes))


@pytest.mark.parametrize(
    ("source", "about", "message"),
    [
        ("assert f(", {}, "the tests do not parse"),
        ("", {}, "there are no tests"),
        ("assert f(1)", {"entry_points": []}, "no entry point"),
        ("assert f(1)", {"entry_points": ["f(x)"]}, "no name of a function or class"),
        ("assert f(1)", {"classes": ["C"]}, "the class 'C' is under test and no entry point"),
        ("assert f(1)", {"check": "check"}, "define no function 'check'"),
    ],
)
def test_tests_that_cannot_be_run_are_refused(source, about, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        Tests(source=source, **{"entry_points": ["f"]} | about)


def test_a_program_that_the_kernel_ended_for_its_work_was_too_long():
    how = {"over": "", "code": None, "signal": signal.SIGXCPU, "cpu": 0.99, "starved": False}
    assert programs._ended(how, {}, SHORT).outcome == "timeout"
    assert programs._ended(how | {"cpu": 0.1}, {}, SHORT).outcome == "exception"
