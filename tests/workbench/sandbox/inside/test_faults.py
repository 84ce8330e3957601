"""What a program is told to have raised is read from whatever it sends."""

import builtins

import pytest

from workbench.sandbox.inside.faults import LONGEST, UNREADABLE, Raised, plain, raised, spelt
from workbench.sandbox.inside.literals import Opaque

EXCEPTIONS = [
    name
    for name, one in vars(builtins).items()
    if isinstance(one, type) and issubclass(one, Exception)
]


@pytest.mark.parametrize("base", EXCEPTIONS)
def test_every_exception_is_raised_with_its_name_and_what_it_said(base):
    fault = raised({"exception": "Own", "says": "so", "base": base})
    assert isinstance(fault, Raised)
    assert str(fault) == "Own: so"


@pytest.mark.parametrize("base", ["ValueError", "KeyError", "OSError", "AssertionError"])
def test_it_is_of_the_built_in_class(base):
    assert isinstance(raised({"exception": "Own", "base": base}), getattr(builtins, base))


@pytest.mark.parametrize(
    "base", ["StopIteration", "SystemExit", "Exception", "len", "", "x" * 10**6, 5, ["ValueError"]]
)
def test_what_tests_must_not_catch_by_name_is_no_built_in_one(base):
    assert type(raised({"exception": "Own", "base": base})) is Raised


@pytest.mark.parametrize("told", [None, [], {}, {"exception": 5}, "exception"])
def test_what_tells_of_nothing_is_unreadable(told):
    assert raised(told).told == UNREADABLE


def test_what_is_told_is_cut_and_of_its_types():
    deep = []
    for _ in range(500):
        deep = [deep]
    fault = raised({"exception": "E" * 10**6, "says": deep, "number": deep, "compiling": 1})
    assert fault.told == {
        "exception": "E" * LONGEST, "says": "", "base": "", "number": None, "compiling": False
    }  # fmt: skip
    assert len(str(fault)) == LONGEST


def test_texts_are_such_as_every_file_can_hold():
    assert plain("a\ud800b") == "a\\ud800b"
    assert plain("ü") == "ü"
    assert plain(5) == ""
    raised({"exception": "\ud800", "says": "\udfff"}).text.encode()


class Loud:
    def __repr__(self):
        raise SystemExit(0)


def test_values_are_spelt_whatever_they_do():
    assert spelt([1, "a"]) == "[1, 'a']"
    assert len(spelt("x" * 1000)) == LONGEST
    assert spelt(Loud()) == "<Loud: SystemExit>"
    assert spelt(Opaque("Kind\ud800", 1)) == "<object of type Kind\\ud800>"
    assert spelt(10**5000).startswith("<int: ValueError")
