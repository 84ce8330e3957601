"""Arguments that are made from others."""

import numpy as np
import pytest

from workbench.behaviour.calls import spell_call
from workbench.behaviour.mutation import mutated_calls

KNOWN = [
    ([1, 2, 3], "a bc", 0.5, True, None),
    ([4], "", -1.5, False, None),
]


def shape(value):
    """The type of a value, and of what is in it."""
    if isinstance(value, list | tuple | set | frozenset):
        return (type(value), frozenset(map(shape, value)))
    if isinstance(value, dict):
        return (dict, frozenset(map(shape, value.values())))
    return type(value)


def test_mutations_are_new_and_all_different():
    made = mutated_calls(KNOWN, 100, np.random.default_rng(1))
    texts = [spell_call(call) for call in made]
    assert len({*texts}) == 100
    assert not {*texts} & {spell_call(call) for call in KNOWN}


def test_mutations_keep_the_types_of_arguments():
    for call in mutated_calls(KNOWN, 200, np.random.default_rng(2)):
        assert [type(value) for value in call] == [list, str, float, bool, type(None)]
        assert {type(item) for item in call[0]} <= {int, float, str}  # an empty list got some item


@pytest.mark.parametrize(
    "value",
    [(1, 2, 3), {1, 2, 3}, frozenset({1, 2}), {"a": 1, "b": 2}, [[1, 2], [3]], [(1, 2)], "ab", 0.5],
    ids=repr,
)  # fmt: skip
def test_each_type_is_changed(value):
    drawn = [mutated_calls([(value,)], 10, np.random.default_rng(seed)) for seed in range(8)]
    made = [call[0] for calls in drawn for call in calls]
    assert len(made) == 80
    assert {type(one) for one in made} == {type(value)}
    sized = not isinstance(value, float)
    assert not sized or {len(one) > len(value) for one in made} == {True, False}


def test_numbers_and_texts_of_other_arguments_are_used():
    made = mutated_calls([("spam eggs", 1_000), ("x", 7)], 60, np.random.default_rng(4))
    assert any("eggs" in call[0] and "spam" not in call[0] for call in made)
    assert any(call[0] != "spam eggs" and abs(call[1] - 1_000) < 20 for call in made)


def test_numbers_stay_near_the_known_ones():
    made = mutated_calls([(10,), (100,)], 25, np.random.default_rng(5))
    assert len(made) > 10
    assert all(min(abs(call[0] - 10), abs(call[0] - 100)) <= 5 for call in made)


def test_known_calls_are_left_as_they_were():
    known = [([1, {"a": [2]}], {3})]
    before = spell_call(known[0])
    mutated_calls(known, 50, np.random.default_rng(6))
    assert spell_call(known[0]) == before


def test_the_generator_decides():
    first, same, other = (mutated_calls(KNOWN, 20, np.random.default_rng(s)) for s in (7, 7, 8))
    assert first == same != other


@pytest.mark.parametrize("known", [[], [()], [(None,)], [([],)], [(b"ab",)]], ids=repr)
def test_what_cannot_be_changed_gives_nothing(known):
    assert mutated_calls(known, 5, np.random.default_rng(9)) == []


def test_a_small_space_is_exhausted():
    assert mutated_calls([(True,)], 5, np.random.default_rng(10)) == [(False,)]
