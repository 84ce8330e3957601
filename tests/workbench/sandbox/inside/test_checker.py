"""Programs are judged by tests that they cannot reach, and called afterwards."""

import pytest

from workbench.sandbox.inside.checker import CompiledTests, judge
from workbench.sandbox.inside.faults import UNREADABLE
from workbench.sandbox.inside.literals import encode


def compiled(source, *names, **about):
    return CompiledTests({
        "source": source, "entry_points": list(names) or ["f"], "check": None, "prompt": "",
        "classes": [],
    } | about)  # fmt: skip


@pytest.fixture
def judged(answering):
    """A function: tests, answers to what they ask -> what became of the tests."""

    def get(tests, *answers, names=("f",), calls=()):
        program = answering({"names": list(names)}, *answers)
        return judge({"program": "", "calls": list(calls)}, tests, program)

    return get


def value(it):
    return {"value": encode(it, None), "changed": {}}


def test_all_assertions_are_judged(judged):
    found = judged(compiled("assert f(1) == 1\nassert f(2) == 2"), value(1), value(3))
    assert (found["outcome"], found["passed"], found["total"]) == ("failed", 1, 2)
    assert found["failures"][0]["call"] == "f(2)"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"exception": "SyntaxError", "says": "x", "compiling": True}, "syntax"),
        ({"exception": "SyntaxError", "says": "x"}, "exception"),
        ({"exception": "MemoryError"}, "memory"),
        ({"exception": "OSError", "number": 28}, "limit"),
        ({}, "exception"),
        (b"\xff\xff\xff\xff", "exception"),
        ({"names": ["g"]}, "exception"),
    ],
    ids=str,
)
def test_a_program_may_not_load(answering, answer, outcome):
    found = judge({"program": "", "calls": []}, compiled("assert f(1)"), answering(answer))
    assert found["outcome"] == outcome


def test_a_program_without_the_entry_point_is_told(judged):
    found = judged(compiled("assert f(1)", "f", "g"), names=["h", "g"])
    assert found["why"] == "the program defines no f"


def test_tests_of_one_program_leave_nothing_to_the_next(judged):
    tests = compiled(
        "import random\ntry:\n    seen\nexcept NameError:\n    seen = random.random()\n"
        "assert f(seen) == 0\nassert f('random') == seen"
    )
    first = judged(tests, value(0), value(0.8444218515250481))
    again = judged(tests, value(0), value(0.8444218515250481))
    assert first["outcome"] == again["outcome"] == "passed"  # seeded alike


def test_the_tests_see_no_other_name_of_the_program(judged):
    tests = compiled("assert g(f(1)) == 1")
    found = judged(tests, value(1), names=["f", "g"])
    assert (found["outcome"], "g of the program" in found["why"]) == ("unsupported", True)


def test_an_assertion_has_to_be_reached(judged):
    found = judged(compiled("for one in f(1):\n    assert one == 1"), value([]))
    assert (found["outcome"], found["total"]) == ("failed", 1)
    assert found["failures"][0]["got"] == "no assertion of the tests was reached"
    assert judged(compiled("if f(1) != 1:\n    raise ValueError"), value(1))["outcome"] == "passed"


def test_what_the_tests_raise_themselves_is_a_failure(judged):
    found = judged(compiled("if f(1) != 1:\n    raise ValueError('no')\nassert True"), value(2))
    assert (found["outcome"], found["total"]) == ("failed", 1)
    assert found["failures"][0]["got"] == "ValueError: no"


def test_a_check_is_given_the_entry_point(judged):
    tests = compiled("def check(candidate):\n    assert candidate(2) == 4", check="check")
    assert judged(tests, value(4))["outcome"] == "passed"


def test_a_broken_prompt_has_no_helpers(judged):
    for prompt in ("def f(x) broken", "helper = 1\n1 / 0"):
        tests = compiled("assert f(1) == 1", prompt=prompt)
        assert judged(tests, value(1))["outcome"] == "passed"


def test_calls_are_answered_in_one_spelling(judged):
    found = judged(
        compiled("assert f(0) == 0"), value(0),
        {"value": {"s": [3, 1, 2]}, "changed": {"0": {"l": [1]}}},
        {"value": {"o": ["Thing", 17]}, "changed": {}},
        {"exception": "KeyError", "says": "x", "base": "KeyError"},
        {"value": {"zz": 1}, "changed": {}},
        calls=[[0], [1], [2], [3]],
    )  # fmt: skip
    assert found["answers"] == [
        {"value": {"s": [1, 2, 3]}, "changed": {"0": {"l": [1]}}},
        {"value": {"o": ["Thing", 0]}},
        {"exception": "KeyError", "says": "x"},
        UNREADABLE,
    ]
