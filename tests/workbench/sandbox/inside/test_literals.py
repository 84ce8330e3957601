"""Values pass between processes as the literals that they hold, or not at all."""

import json
import math
import socket
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox.inside.literals import (
    DEEPEST,
    MOST_BITS,
    MOST_BYTES,
    MOST_OF_ITERATOR,
    MOST_VALUES,
    Line,
    Opaque,
    TooLarge,
    decode,
    encode,
)

HASHABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.complex_numbers(allow_nan=False) | st.binary() | st.fractions()
    | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
VALUES = st.recursive(
    HASHABLE | st.binary().map(bytearray)
    | st.builds(range, st.integers(), st.integers(), st.integers(min_value=1)),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
    | st.lists(inner, max_size=4).map(deque) | st.sets(HASHABLE, max_size=4)
    | st.dictionaries(HASHABLE, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def refuse(value):
    raise AssertionError(f"{value!r} is no literal")


def passed(value):
    """A value, once it has gone to another process as text."""
    return decode(json.loads(json.dumps(encode(value, refuse))))


def same(a, b):
    """Whether two values are equal and of the same types throughout."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple | deque):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    return a == b and str(a) == str(b) if isinstance(a, float | Decimal) else a == b


@given(VALUES)
def test_literals_arrive_as_they_are_and_are_always_spelt_alike(value):
    assert same(passed(value), value)
    assert encode(passed(value), refuse) == encode(value, refuse)


def test_sets_are_spelt_alike_in_whichever_order_they_were_made():
    far = 2**61 - 1  # the hashes of its multiples are equal
    one, other = {0, far, 2 * far, "a"}, {"a", 2 * far, far, 0}
    assert list(one) != list(other)
    assert encode(one, refuse) == encode(other, refuse)
    assert encode({frozenset(one)}, refuse) == encode({frozenset(other)}, refuse)


def test_what_is_no_number_arrives():
    assert math.isnan(passed(math.nan))
    assert [passed(one) for one in (math.inf, -math.inf)] == [math.inf, -math.inf]
    assert str(passed(-0.0)) == "-0.0"
    assert passed(Decimal("NaN")).is_nan()


class Lie:
    """Claims to be equal to everything, and to hold other things than it does."""

    def __eq__(self, other):
        return True

    __hash__ = None

    def __iter__(self):
        return iter([4])

    def __len__(self):
        return 4

    def __str__(self):
        return "4"

    __repr__ = __str__

    def __index__(self):
        return 4

    def __float__(self):
        return 4.0

    def items(self):
        return [(4, 4)]


def lying(base, *args):
    return type("Lying", (Lie, base), {})(*args)


@pytest.mark.parametrize(
    ("base", "held"),
    [
        (int, 7), (float, 7.5), (str, "seven"), (list, [7]), (tuple, (7,)), (set, {7}),
        (frozenset, frozenset([7])), (dict, {7: 7}), (deque, deque([7])), (bytes, b"7"),
    ],
)  # fmt: skip
def test_a_subclass_arrives_as_the_plain_value_that_it_holds(base, held):
    arrived = passed(lying(base, held))
    assert type(arrived) is base
    assert arrived == held


def test_kinds_of_the_standard_library_arrive_as_what_they_are_made_of():
    assert passed(OrderedDict(a=1)) == passed(defaultdict(int, a=1)) == {"a": 1}
    assert passed(IntEnum("Colour", "RED").RED) == 1
    assert passed({"a": 1}.keys()) == {"a"}
    assert list(passed({"a": 1}.values())) == [1]
    assert passed({"a": 1}.items()) == {("a", 1)}


def test_iterators_are_taken_or_kept():
    assert list(passed(iter([1, 2]))) == [1, 2]
    assert list(passed(number for number in range(3))) == [0, 1, 2]
    held = []
    kept = encode(iter([1]), lambda one: held.append(one) or 5, lazily=True)
    assert kept == {"j": ["list_iterator", 5]}
    assert isinstance(held[0], Iterator)


def test_an_object_arrives_as_its_type_and_a_number_and_equals_nothing():
    arrived = decode(encode(Lie(), lambda one: 3))
    assert isinstance(arrived, Opaque)
    assert repr(arrived) == "<object of type Lie>"
    assert arrived != decode(encode(Lie(), lambda one: 3))
    assert encode(arrived, lambda one: 9) == {"o": ["Lie", 9]}


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def endless():
    while True:
        yield 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (nested(DEEPEST + 1), f"or {DEEPEST} levels"),
        ([0] * MOST_VALUES, f"more than {MOST_VALUES} parts"),
        (1 << MOST_BITS, f"more than {MOST_BITS} bits"),
        (endless(), f"more than {MOST_OF_ITERATOR} values"),
    ],
    ids=["levels", "parts", "bits", "iterator"],
)
def test_what_is_too_large_is_refused(value, message):
    with pytest.raises(TooLarge, match=message):
        encode(value, refuse)


def test_the_largest_still_pass():
    assert passed(nested(DEEPEST)) == nested(DEEPEST)
    assert passed((1 << MOST_BITS) - 1) == (1 << MOST_BITS) - 1
    assert len(passed([0] * (MOST_VALUES - 1))) == MOST_VALUES - 1


@pytest.mark.parametrize(
    "message",
    [
        [1], {}, {"l": [], "u": []}, {"zz": 1}, {"n": "0x" + "f" * MOST_BITS}, {"f": "x"},
        {"F": [1, 0]}, {"s": [{"l": []}]}, {"d": [[{"l": []}, 1]]}, {"d": [[1]]}, {"o": 1},
        {"r": [0, 9, 0]}, {"b": 5}, {"l": 5},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_message_is_refused(message):
    with pytest.raises((ValueError, TypeError, ZeroDivisionError)):
        decode(message)


@pytest.fixture
def lines():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Line(ours), Line(theirs)


def test_messages_come_one_by_one(lines):
    ours, theirs = lines
    for message in ([1, "ü\ud800"], {}, None):
        ours.send(message)
    assert [theirs.receive() for _ in range(3)] == [[1, "ü\ud800"], {}, None]
    large = "x" * 1_000_000
    sender = threading.Thread(target=ours.send, args=[large])
    sender.start()
    assert theirs.receive() == large
    sender.join()


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (b"", EOFError), (b"\0\0", EOFError), (b"\0\0\0\x05ab", EOFError),
        (b"\xff\xff\xff\xff", TooLarge), (b"\0\0\0\x02{x", ValueError), (b"\0\0\0\0", ValueError),
        ((2000).to_bytes(4, "big") + b"[" * 2000, ValueError),
        ((5000).to_bytes(4, "big") + b"9" * 5000, ValueError),
    ],
)  # fmt: skip
def test_what_comes_may_be_no_message(lines, sent, fault):
    ours, theirs = lines
    ours.connection.sendall(sent)
    ours.connection.close()
    with pytest.raises(fault):
        theirs.receive()


def test_too_large_a_message_is_not_sent(lines):
    with pytest.raises(TooLarge, match=f"more than {MOST_BYTES} bytes"):
        lines[0].send("x" * MOST_BYTES)


def test_fractions_and_decimals_stay_exact():
    assert passed([Fraction(1, 3), Decimal("0.10")]) == [Fraction(1, 3), Decimal("0.10")]
    assert str(passed(Decimal("0.10"))) == "0.10"
