"""What a program's answer to a call is, and which of them are the same."""

import math
from collections import OrderedDict, deque
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.behaviour.outputs import read_output, same_output, skeleton, spell_answer, written
from workbench.sandbox.inside.literals import decode, encode


def answered(value, changed=()):
    """The answer of a program that returned a value, as the sandbox sends it."""
    return {"value": encode(value, lambda held: 7), "changed": dict(changed)}


def output(value):
    return read_output(answered(value))


class Thing:
    pass


class Other:
    pass


NAN = float("nan")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),  # as ==, and so as tests see it
        (1, True, True),
        (0, -0.0, True),
        (0, False, True),
        (1, 2, False),
        (1, "1", False),
        ("a", b"a", False),
        (None, 0, False),
        ([1], [1.0], True),
        ([1], (1,), False),
        ([], (), False),
        ([], None, False),
        ((1, [2]), (1, [2.0]), True),
        ({1, 2}, {2.0, True}, True),
        ({1}, frozenset({1}), True),
        ({1}, [1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, OrderedDict(a=1), True),
        ({1: "a"}, {True: "a"}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}.keys(), {"a"}, True),
        (deque([1]), [1], False),
        (range(0), range(2, 2), True),
        (range(0, 4, 3), range(0, 5, 3), True),
        (range(3), [0, 1, 2], False),
        (b"ab", bytearray(b"ab"), True),
        (1j, 1j, True),
        (2 + 0j, 2, True),
        (Fraction(1, 2), 0.5, True),
        (Fraction(1, 3), 1 / 3, False),
        (Fraction(4, 2), 2, True),
        (Decimal("0.5"), 0.5, True),
        (Decimal("0.1"), 0.1, False),
        (Decimal("1e400"), 10**400, True),
        (Fraction(10**400, 3), Fraction(10**400, 7), False),
        (10**20, 1e20, True),
        (10**20 + 1, 1e20, False),
        (2**53 + 1, float(2**53), False),
        (math.inf, math.inf, True),
        (math.inf, -math.inf, False),
    ],
)
def test_outputs_are_the_same_where_python_says_equal(one, other, same):
    assert (one == other) is same  # or the case is wrong
    assert same_output(output(one), output(other), 0.0) is same
    assert (written(output(one)) == written(output(other))) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (NAN, NAN, True),
        ([NAN], [float("nan")], True),
        (NAN, None, False),
        (Decimal("NaN"), NAN, True),
        (iter([1, 2]), (n for n in (1, 2)), True),
        (iter([1, 2]), iter([2, 1]), False),
        (iter([1]), [1], False),
        (Thing(), Thing(), True),  # all that is known of either is its type
        (Thing(), Other(), False),
        ([Thing()], [1], False),
    ],
)
def test_outputs_that_python_cannot_compare_have_a_rule_of_their_own(one, other, same):
    assert same_output(output(one), output(other), 0.0) is same


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "same"),
    [
        (0.1 + 0.2, 0.3, 1e-9, True),
        (0.1 + 0.2, 0.3, 0.0, False),
        ([1, {"a": 0.1 + 0.2}], [1, {"a": 0.3}], 1e-9, True),
        ({0.1 + 0.2, 5}, {5, 0.3}, 1e-9, True),
        ((0.3,), (0.3, 0.3), 1e-9, False),
        (1e-12, 0, 1e-9, True),  # near zero the difference itself counts
        (3, 2.9999999999, 1e-9, True),
        (3, 2.9999, 1e-9, False),
        (10**12, 10**12 + 1, 1e-9, False),  # whole numbers are never near
        (1e12, 1e12 + 1, 1e-9, False),
        (1e300, 1e300 * (1 + 1e-12), 1e-9, True),
        (10**400, 1e300, 1e-9, False),
        (math.inf, 1e308, 0.5, False),
        (NAN, 0.5, 0.9, False),
        ("0.3", 0.3, 0.5, False),
        (0.5 + 1j, 0.5000000001 + 1j, 1e-9, True),
    ],
)
def test_floats_may_differ_by_the_tolerance(one, other, tolerance, same):
    assert same_output(output(one), output(other), tolerance) is same
    assert same_output(output(other), output(one), tolerance) is same
    if same:
        assert skeleton(output(one)) == skeleton(output(other))


def test_exceptions_are_known_by_type():
    one, other = ({"exception": "KeyError", "says": says} for says in ("'a'", "'b'"))
    assert read_output(one) == read_output(other) != read_output({"exception": "IndexError"})
    assert read_output({"exception": "KeyError"}) != output("KeyError")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"exception": "TooLarge", "says": "a value with more than 200000 parts or 60 levels"},
        {"exception": "MemoryError", "says": ""},
    ],
)
def test_what_a_limit_stopped_has_no_output(answer):
    assert read_output(answer) is None
    assert spell_answer(answer) == "no answer"


def nested(levels):
    message = 1
    for _ in range(levels):
        message = {"l": [message]}
    return message


@pytest.mark.parametrize(
    "answer",
    [
        7, "text", [], {}, {"value": [1]}, {"value": {"?": 1}}, {"value": {}}, {"value": {"l": 3}},
        {"value": {"l": [1], "u": [2]}}, {"value": {"n": "zz"}}, {"value": {"f": []}},
        {"value": {"d": [[1]]}}, {"value": {"o": []}}, {"value": {"r": [1, 2, 0]}},
        {"value": {"c": [1]}}, {"value": {"F": [1, 0]}}, {"value": {"D": "x"}},
        {"exception": ["KeyError"]}, {"value": nested(500)},
        {"value": None, "changed": {"x": 1}}, {"value": None, "changed": 3},
    ],
)  # fmt: skip
def test_a_forged_message_is_no_output(answer):
    assert read_output(answer) is None
    assert spell_answer(answer) == "no answer"


def test_what_a_call_did_to_its_arguments_counts_where_it_returns_nothing():
    in_place, idle = answered(None, {"0": {"l": [1, 2]}}), answered(None)
    assert read_output(in_place) != read_output(idle)
    assert read_output(in_place) == read_output(answered(None, {"0": {"l": [1.0, 2]}}))
    assert read_output(in_place) != read_output(answered(None, {"1": {"l": [1, 2]}}))
    assert read_output(answered(3, {"0": {"l": []}})) == read_output(answered(3))
    assert spell_answer(in_place) == "None, arguments now [1, 2]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"), (1.5, "1.5"), (math.inf, "inf"), ((1,), "(1,)"), ([], "[]"), ((), "()"),
        (set(), "set()"), ({1}, "{1}"), (frozenset({1}), "frozenset([1])"),
        ({"a": [1]}, "{'a': [1]}"), (deque([1, 2]), "deque([1, 2])"), (range(2), "range(0, 2, 1)"),
        (b"a'b", '''b"a'b"'''), (2**60, "0x1000000000000000"), (1 + 2j, "(1+2j)"),
        (Fraction(1, 3), "Fraction(1, 3)"), (Decimal("1.50"), "Decimal('1.50')"),
        (Thing(), "<Thing>"), (iter([1]), "iterator([1])"), ("two\nlines", r"'two\nlines'"),
    ],
)  # fmt: skip
def test_an_answer_reads_as_one_would_write_it(value, text):
    assert spell_answer(answered(value)) == text


def test_a_long_answer_is_cut():
    assert spell_answer(answered(list(range(100))), 12) == "[0, 1, 2, 3…"
    assert len(spell_answer(answered("x" * 1000), 30)) == 30
    assert spell_answer(answered([10**9_000])) == "[" + hex(10**9_000)[:38] + "…"


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.sets(st.integers() | st.text() | st.floats(allow_nan=False))
    ),
    max_leaves=8,
)


def has_nan(value):
    if isinstance(value, dict):
        return any(map(has_nan, value.values()))
    if isinstance(value, list | tuple | set):
        return any(map(has_nan, value))
    return value != value


@given(LITERALS, LITERALS)
def test_any_two_outputs_are_the_same_just_where_the_values_are_equal(one, other):
    if not has_nan(one) and not has_nan(other):
        assert same_output(output(one), output(other), 0.0) == (one == other)
        assert (output(one) == output(other)) == (one == other)


@given(LITERALS, st.sampled_from([0.0, 1e-9, 0.1]))
def test_every_output_is_the_same_as_itself_sent_anew(value, tolerance):
    again = output(decode(encode(value, lambda held: 7)))
    assert same_output(output(value), again, tolerance)
    assert written(output(value)) == written(again)
    assert len(spell_answer(answered(value), 20)) <= 20
