"""Arguments from tests and prompts."""

import subprocess
import sys

import pytest

from workbench.behaviour.calls import calls_in_tests, calls_in_text, spell_call, without_repeats

TESTS = """
def helper(x):
    return f(100)

def check(candidate):
    assert candidate([1, 2], 0.5) == True, "first"
    assert abs(candidate([], -1) - 2.0) < 1e-6
    assert candidate(n) == 3
    assert candidate([1] * 3, 2) == 3
    assert candidate([3], threshold=1) == 3
    assert f("a") == f("b") != g("c")
    for x in range(3):
        assert candidate({"k": (1, None)}, x={}) or candidate({1, 2}) == candidate([1, 2], 0.5)
    candidate(7)
"""


def test_literal_arguments_of_asserted_calls_are_found_in_order_and_none_twice():
    assert calls_in_tests(TESTS, ["candidate", "f"]) == [
        ([1, 2], 0.5), ([], -1), ("a",), ("b",), ({1, 2},),
    ]  # fmt: skip


def test_what_is_called_otherwise_is_not_found():
    assert calls_in_tests(TESTS, ["g"]) == [("c",)]
    assert calls_in_tests("assert obj.f(1) == 2 and h(f)(3)", ["f"]) == []


def test_tests_that_do_not_parse_are_refused():
    with pytest.raises(ValueError, match=r"the tests do not parse: .*; give Python source"):
        calls_in_tests("assert f(1) ==", ["f"])
    with pytest.raises(ValueError, match="the tests do not parse"):
        calls_in_tests("assert f(1)\0", ["f"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x):\n    '>>> f(3)\n    4\n    >>> f([\")\", 1])'", [(3,), ([")", 1],)]),
        ("f(2) => 3, f (3), my_f(4), a.f(5), f(x), f(n=1), f(6)!", [(2,), (6,)]),
        ("round(f(0.5), 2)", [(0.5,)]),
        (">>> f([1,\n...    2])\n3", [([1, 2],)]),
        ("f(f(1))", [(1,)]),
        ("f((1, (2,)), {'a': [3]})", [((1, (2,)), {"a": [3]})]),
        ("f(1", []),
        ("f()", [()]),
        ("def f():\n    pass", []),
        ("def f(x, k):\n    'For x = [1, 2], k = 3 it is 4. x = 5'", [([1, 2], 3)]),
        ("def f(x, k):\n    '''Input: x : 'a b'\n        k : -2.5\n    '''", [("a b", -2.5)]),
        ("def f(n):\n    'n = 10 gives 1; n=2.5. If n = m or n == 3, n: int'", [(10,), (2.5,)]),
        ("def f(s):\n    's = \"x\" gives 1'\n    return f(s)", [("x",)]),
        ("def g(n):\n    'n = 3'", []),
        ("no call at all", []),
    ],
)  # fmt: skip
def test_calls_in_a_prompt(text, expected):
    assert calls_in_text(text, "f") == expected


def test_true_is_no_repeat_of_one():
    assert without_repeats([(2,), (1,), (True,), (1.0,), (2,)]) == [(2,), (1,), (True,), (1.0,)]


def test_sets_are_spelt_alike_in_every_process():
    call = ({"ab", "cd", "ef"}, frozenset({"x", "y"}), [(1,), {"k": {2}}], set())
    code = "from workbench.behaviour.calls import spell_call; print(spell_call("
    code += "({'ab', 'cd', 'ef'}, frozenset({'x', 'y'}), [(1,), {'k': {2}}], set())))"
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        assert run.stdout.strip() == spell_call(call)
    assert eval(f"({spell_call(call)})") == call
