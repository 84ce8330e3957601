"""Each assertion is counted by itself, and means what it meant."""

import ast

import pytest

from workbench.sandbox.inside.faults import Gone, Unsupported, raised
from workbench.sandbox.inside.proxies import Program
from workbench.sandbox.inside.record import COUNT, MOST_TOLD, Record, counted, kind_of


@pytest.fixture
def run():
    """A function: source of tests, names that they may use -> their record."""

    def run(source, **names):
        record = Record(Program(None))
        tree, _ = counted(source)
        exec(compile(tree, "<tests>", "exec"), names | {COUNT: record.count})
        return record

    return run


@pytest.mark.parametrize(
    "condition",
    [
        "1 == 1", "1 != 2", "1 < 2", "2 <= 2", "3 > 2", "3 >= 3", "1 in [1]", "1 not in [2]",
        "x is None", "y is not None", "True", "not 0", "1 < 2 < 3", "[1]", "x or y", "any([1])",
        "(lambda a: a)(1)", "[z for z in (y,)] == [5]",
    ],
)  # fmt: skip
def test_a_condition_means_what_it_meant(run, condition):
    found = run(f"assert {condition}\nassert not ({condition})", x=None, y=5)
    assert (found.passed, found.total) == (1, 2)
    assert found.verdict()["outcome"] == "failed"


def test_all_are_counted_where_they_stand(run):
    found = run(
        "def check(f):\n    for n in range(3):\n        assert f(n) == n\n    if True:\n"
        "        assert f(5) == 6, 'a message'\ncheck(lambda n: n)\n"
        "class Case:\n    def test(self):\n        assert self.held == 1\n    held = 1\n"
        "    assert held == 1\nCase().test()"
    )
    assert (found.passed, found.total) == (4, 5)
    assert found.told == [{"test": "f(5) == 6", "call": "", "got": "5", "expected": "6"}]


def test_the_assertions_of_a_source_are_counted():
    assert counted("assert f(1)\nfor x in y:\n    assert f(x) == 2\nx = 1")[1] == 2


def test_what_means_something_else_in_a_function_is_left():
    tree, found = counted("assert (y := f(1)) == 1\nassert y\nclass C:\n    x = 1\n    assert x")
    assert found == 1
    assert sum(isinstance(one, ast.Assert) for one in ast.walk(tree)) == 2


def raising(fault):
    def function(*args):
        raise fault

    return function


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (raised({"exception": "ValueError", "says": "so", "base": "ValueError"}), "exception"),
        (raised({"exception": "MemoryError"}), "memory"),
        (raised({"exception": "TooLarge"}), "limit"),
        (raised({"exception": "OSError", "number": 28}), "limit"),
        (raised({"exception": "OSError", "number": 2}), "exception"),
        (raised({"exception": "RuntimeError", "says": "can't start new thread"}), "limit"),
        (raised({"exception": "NameError", "base": "NameError"}), "exception"),
        (raised({"exception": "ImportError", "base": "ImportError"}), "exception"),
        (Unsupported("f: a function"), "unsupported"),
        (MemoryError(), "memory"),
        (TypeError("compared"), "failed"),
        (ModuleNotFoundError("No module named 'numpy'"), "unsupported"),
        (NameError("name 'g'", name="g"), "unsupported"),
        (NameError("name 'h'", name="h"), "failed"),
    ],
    ids=repr,
)
def test_what_an_assertion_raises_has_an_outcome(run, fault, outcome):
    def run_with(program_names):
        record = Record(Program(None))
        record.program.names = program_names
        exec(compile(counted("assert f(1) == 1\nassert True")[0], "<tests>", "exec"),
             {"f": raising(fault), COUNT: record.count})  # fmt: skip
        return record

    found = run_with(["f", "g"])
    assert found.verdict()["outcome"] == outcome
    assert (found.passed, found.total) == (1, 2)


def test_the_end_of_the_program_is_the_end_of_its_tests(run):
    with pytest.raises(Gone):
        run("assert f(1) == 1", f=raising(Gone()))


def test_the_identity_of_two_objects_is_unsupported(run):
    found = run("assert x is y", x=[], y=[])
    assert found.verdict()["outcome"] == "unsupported"
    assert "x is y: the identity of two objects" in found.verdict()["why"]
    assert run("assert f() is True", f=lambda: True).verdict()["outcome"] == "passed"


def test_a_failure_is_more_than_what_is_unsupported(run):
    found = run("assert x is y\nassert 1 == 2", x=[], y=[])
    assert found.verdict()["outcome"] == "failed"


def test_a_few_failures_are_told_in_full(run):
    found = run("for n in range(9):\n    assert n == -1").verdict()
    assert [one["got"] for one in found["failures"]] == [str(n) for n in range(MOST_TOLD)]
    assert (found["passed"], found["total"]) == (0, 9)


def test_tests_that_are_cut_short_count_those_that_are_left(run):
    found = run("assert 1\nassert 2")
    found.cut_short(7)
    assert found.total == 7
    found = run("for n in range(5):\n    assert n == n")
    found.cut_short(1)
    assert (found.passed, found.total) == (5, 6)


def test_a_limit_is_told_by_its_number():
    assert kind_of({"exception": "BlockingIOError", "number": 11}) == "limit"
    assert kind_of({}) == "exception"
