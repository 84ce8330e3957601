from functools import partial

import pytest

import workbench as wb
from workbench.core.call_check import refuse_call


class Adder:
    def __call__(self, one, other):
        return one + other


@pytest.mark.parametrize(
    "fn",
    [
        lambda one, other: 0,
        lambda *any_number: 0,
        lambda one, other, third=3: 0,
        partial(lambda one, other, third: 0, third=3),
        Adder(),
        Adder().__call__,
        dict.update,  # written in C: it does not say what it takes
    ],
)
def test_a_function_that_takes_two_is_let_pass(fn):
    refuse_call("fn", fn, ("one", "other"))


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (lambda one: 0, r"which <lambda>\(one\) does not take"),
        (lambda one, other, third: 0, r"<lambda>\(one, other, third\) does not take"),
        (lambda one, *, other: 0, r"<lambda>\(one, \*, other\) does not take"),
        (partial(lambda one, other: 0, 1), r"partial\(other\) does not take"),
        ("max", "fn must be a function, got 'max'"),
    ],
)
def test_one_that_takes_something_else_is_told(fn, words):
    with pytest.raises(TypeError, match=words):
        refuse_call("fn", fn, ("one", "other"))


def test_annotations_are_not_repeated():
    def found(text: str) -> str:
        return text

    with pytest.raises(TypeError, match=r"found\(text\) does not take$"):
        refuse_call("extract", found, ("text", "settings"))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (lambda: wb.Aggregator(pick=lambda pool, subsets: 0, summary="", needs=()),
         r"pick is called with 3 arguments \(pool, subsets, settings\)"),
        (lambda: wb.Aggregator(pick=max, expected=lambda pool: 0, summary="", needs=()),
         r"expected is called with 3 arguments \(pool, sizes, settings\)"),
        (lambda: wb.Reward(summary="", is_log=False), "one of fn, judge and learn, got none"),
        (lambda: wb.Reward(summary="", is_log=False, fn=len, judge=print),
         r"got \['fn', 'judge'\]"),
        (lambda: wb.Reward(summary="", is_log=False, fn=lambda: 0), r"1 argument \(samples\)"),
        (lambda: wb.TableSpec(make=lambda: 0), r"make is called with 1 argument \(data\)"),
    ],
)  # fmt: skip
def test_a_row_of_a_plug_in_is_refused_when_it_is_written(row, words):
    with pytest.raises(TypeError, match=words):
        row()
