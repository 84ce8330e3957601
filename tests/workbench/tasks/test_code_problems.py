"""Problems of code: every way in which tests can be given, and what is refused."""

import pytest

from workbench.config.schema import TaskSettings
from workbench.core.types import Problem
from workbench.tasks.code_problems import CodeProblem, option_faults, parse_code, with_visible
from workbench.tasks.program_source import assertions, begins_program

SIGNATURE = 'import math\n\n\ndef double(n):\n    """Twice n."""\n'
CHECK = """
from math import isclose

def check(candidate):
    limit = 3
    assert candidate(2) == 4
    assert isclose(candidate(0.5), 1.0)
    assert candidate(limit) == 6
    for n in range(3):
        assert candidate(n) == 2 * n
"""


def record(**changes):
    row = {"prompt": SIGNATURE, "entry_point": "double", "tests": ["assert double(2) == 4"]}
    return {key: value for key, value in (row | changes).items() if value is not None}


def read(**changes):
    return CodeProblem.of(parse_code(record(**changes), "problem-7"))


@pytest.mark.parametrize(
    ("tests", "source"),
    [
        (["assert double(2) == 4"], "assert double(2) == 4"),
        ([{"input": [2], "output": 4}], "assert double(2) == 4"),
        ([{"input": {"n": "a"}, "output": "aa"}], "assert double(n='a') == 'aa'"),
        ([{"input": [], "output": [1, None]}], "assert double() == [1, None]"),
        ("assert double(0) == 0 # none\n", "assert double(0) == 0 # none\n"),
    ],
)  # fmt: skip
def test_tests_are_assertions_or_pairs(tests, source):
    found = read(tests=tests)
    assert (found.tests, found.check) == (source, None)


@pytest.mark.parametrize(
    ("tests", "given", "check"),
    [
        (CHECK, None, "check"),
        (CHECK + "check(double)\n", None, None),  # they call it themselves
        (CHECK.replace("check", "verify"), "verify", "verify"),
    ],
)
def test_tests_may_be_a_function_that_takes_the_programs(tests, given, check):
    assert read(tests=tests, check=given).check == check


def test_plain_assertions_are_told_from_those_that_need_more():
    assert assertions(CHECK, "check", "double") == [
        "assert double(2) == 4", "assert isclose(double(0.5), 1.0)",
    ]  # fmt: skip
    assert assertions("assert  double( 2 )==4", None, "double") == ["assert double( 2 )==4"]
    assert assertions("x = 1\nassert double(x) == 2", None, "double") == []


def test_only_so_many_tests_are_visible_and_examples_are_shown_beside_them():
    tests = ["assert double(1) == 2", "assert double(2) == 4"]
    problem = parse_code(record(tests=tests, examples=["assert double(1) == 2"]), "p")
    assert CodeProblem.of(problem).visible_tests == ()
    seen = CodeProblem.of(with_visible(problem, 1))
    assert seen.visible_tests == ("assert double(1) == 2",)
    assert seen.shown == ("assert double(1) == 2",)
    assert CodeProblem.of(with_visible(problem, 5)).visible_tests == tuple(tests)


@pytest.mark.parametrize(
    ("solution", "whole"),
    [
        ("    return 2 * n\n", SIGNATURE + "    return 2 * n\n"),
        (
            "def double(n):\n    return 2 * n\n",
            SIGNATURE + "\n\ndef double(n):\n    return 2 * n\n",
        ),
    ],
)
def test_a_solution_goes_on_from_the_question_or_is_whole(solution, whole):
    assert read(canonical_solution=solution).solution == whole


def test_what_stands_before_the_function_is_kept_apart():
    assert read().prelude == "import math\n\n\n"
    assert read(prompt="Double a number.").prelude == ""
    decorated = "import functools\n\n@functools.cache\ndef double(n):\n    'Twice n.'\n"
    assert read(prompt=decorated).prelude == "import functools\n\n"


def test_a_warning_of_python_is_not_raised():
    assert begins_program(r"def f(x): return '\d' is 1", "f")


def test_other_keys_and_the_id_are_kept():
    problem = parse_code(record(task_id=12, level="easy", tests="assert double(1) == 2"), "p")
    assert problem.id == "12"
    assert problem.metadata["level"] == "easy"
    assert "tests" not in problem.metadata  # a template must not show them
    assert parse_code(record(), "problem-7").id == "problem-7"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"entry_point": None}, "no entry point: needs the key 'entry_point'"),
        ({"entry_point": "2x"}, "must be the name of a function, got '2x'"),
        ({"tests": None}, "no tests: needs the key 'tests'"),
        ({"tests": []}, "'tests' must be a list that is not empty"),
        ({"tests": "x = 1"}, "'tests' holds no assertion"),
        ({"tests": ["assert double(2) =="]}, r"'tests\[0\]' is no Python, line 1: invalid syntax"),
        ({"tests": ["double(2)"]}, r"'tests\[0\]' is no assertion"),
        ({"tests": [3]}, "must be an assertion, or an object of 'input' and 'output', got 3"),
        ({"tests": [{"input": 2, "output": 4}]}, "'input' must be a list of the arguments"),
        ({"tests": "assert double(1)\x00"}, "'tests' is no Python"),
        ({"check": "verify"}, None),
        ({"tests": CHECK, "check": "verify"}, "'check' names the function 'verify', which"),
        ({"prompt": " "}, "'prompt' must be a text that is not empty"),
        ({"prompt": "Double it.", "solution": "x = 1"}, "'solution' does not define 'double'"),
        ({"examples": "double(1)"}, "'examples' must be a list"),
    ],
)
def test_what_is_wrong_is_said(changes, said):
    if said is None:  # a list has no function
        assert read(**changes).check is None
        return
    with pytest.raises(ValueError, match=said):
        read(**changes)


def test_a_problem_without_tests_is_none_of_code():
    with pytest.raises(ValueError, match="'p' has no tests and entry point"):
        CodeProblem.of(Problem("p", "?"))


@pytest.mark.parametrize("count", [-1, True, "all", 1.5])
def test_how_many_tests_are_visible_is_a_count(count):
    settings = TaskSettings(name="code", options={"visible_tests": count, "hidden": 2})
    said = option_faults(settings, ("visible_tests",))
    assert [line.partition(":")[0] for line in said] == ["options.hidden", "options.visible_tests"]
    assert repr(count) in said[1]
