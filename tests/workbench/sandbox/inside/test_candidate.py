"""The process of a program answers with literals, whatever the program does."""

import sys
import types

import pytest

from workbench.sandbox.inside.candidate import LONGEST, MOST_AT_ONCE, MOST_HELD, Held, _told
from workbench.sandbox.inside.literals import TooLarge


@pytest.fixture
def program(monkeypatch):
    """A function: source -> a loaded program."""

    def load(source):
        space = types.ModuleType("program")
        monkeypatch.setitem(sys.modules, "program", space)
        held = Held(space)
        held.names = held.answer({"load": source})["names"]
        return held

    return load


def test_only_what_can_be_called_is_a_name(program):
    assert program("x = 1\ndef f(): pass\nclass C: pass\ng = len").names == ["f", "C", "g"]


def test_what_does_not_compile_is_told(program):
    held = Held(types.ModuleType("program"))
    told = held.answer({"load": "def f("})
    assert (told["exception"], told["compiling"], told["base"]) == (
        "SyntaxError", True, "SyntaxError"
    )  # fmt: skip


def test_dataclasses_find_their_module(program):
    held = program(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\n"
        "class P:\n    x: int\ndef f(x): return P(x).x"
    )
    assert held.answer({"call": "f", "args": [3]})["value"] == 3


def test_an_object_is_held_by_one_number(program):
    held = program("class C: pass\nc = C()\ndef f(): return [c, c, C()]")
    numbers = [one["o"][1] for one in held.answer({"call": "f"})["value"]["l"]]
    assert numbers[0] == numbers[1] != numbers[2]
    held.objects += [None] * MOST_HELD
    with pytest.raises(TooLarge, match=f"more than {MOST_HELD} objects"):
        held.answer({"call": "f"})


def test_an_attribute_is_a_method_or_a_value(program):
    held = program("class C:\n    x = 5\n    def m(self): return 6\ndef f(): return C()")
    held.answer({"call": "f"})
    assert held.answer({"get": "m", "on": 0}) == {"method": True}
    assert held.answer({"get": "x", "on": 0})["value"] == 5
    assert held.answer({"method": "m", "on": 0})["value"] == 6
    held.answer({"set": "x", "on": 0, "args": [7]})
    assert held.answer({"get": "x", "on": 0})["value"] == 7


def test_values_of_an_iterator_are_taken_a_few_at_a_time(program):
    held = program("import itertools\ndef f(): return itertools.count()\ndef g():\n    yield 1\n"
                   "    raise KeyError(2)")  # fmt: skip
    held.answer({"call": "f"})
    held.answer({"call": "g"})
    assert held.answer({"take": 3, "on": 0}) == {"values": [0, 1, 2]}
    assert len(held.answer({"take": 10**9, "on": 0})["values"]) == MOST_AT_ONCE
    found = held.answer({"take": 3, "on": 1})
    assert (found["values"], found["then"]["exception"]) == ([1], "KeyError")
    assert held.answer({"take": 3, "on": 1}) == {"values": [], "end": True}


class Mute(Exception):
    def __str__(self):
        raise SystemExit(0)


def test_an_exception_is_told_whatever_it_does():
    assert _told(ValueError("x" * 1000))["says"] == "x" * LONGEST
    assert _told(OSError(28, "full"))["number"] == 28
    assert _told(Mute())["exception"] == "Exception"
    assert _told(SystemExit(0))["base"] == "SystemExit"
    assert _told(TooLarge("much")) == {"exception": "TooLarge", "says": "much"}
