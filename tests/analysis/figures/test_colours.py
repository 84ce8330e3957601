import re
from itertools import combinations, pairwise
from pathlib import Path

import pytest

import workbench.analysis.page
from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.figures.colours import (
    CATEGORIES,
    FURTHER,
    NONE,
    SELECTIONS,
    field_looks,
    looks_of,
    ordered_colours,
    selection_look,
)
from workbench.analysis.figures.facets import Field

CSS = (Path(workbench.analysis.page.__file__).parent / "page.css").read_text()
PAPERS = re.findall(r"--paper: (#\w{6})", CSS)
ALL = {
    *CATEGORIES, *FURTHER, NONE, *ordered_colours(40), *(x.colour for x in SELECTIONS.values())
}  # fmt: skip


def channels(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def apart(one, other):
    return sum(abs(a - b) for a, b in zip(channels(one), channels(other), strict=True))


def test_a_page_has_a_light_and_a_dark_ground():
    assert len(PAPERS) == 2


@pytest.mark.parametrize("page", [*PAPERS, "#181818"])
def test_every_colour_is_seen_on_light_and_on_dark(contrast, page):
    faint = {colour: contrast(colour, page) for colour in ALL if contrast(colour, page) < 3}
    assert faint == {}


def test_every_selection_has_a_look_of_its_own():
    assert set(AGGREGATORS) <= set(SELECTIONS)
    looks = [(look.colour, look.shape) for look in SELECTIONS.values()]
    assert len({colour for colour, _ in looks}) == len(looks)
    for one, other in combinations(SELECTIONS.values(), 2):
        assert apart(one.colour, other.colour) > 60
    assert not {look.colour for look in SELECTIONS.values()} & set(FURTHER)


def test_a_selection_looks_the_same_whatever_stands_beside_it():
    alone = looks_of(["maj"], "selection")[0]
    beside = looks_of(["coverage", "of my own", "maj (drawn)"], "selection")
    assert beside[2] == alone == SELECTIONS["maj"]
    assert beside[1] == selection_look("of my own")
    rewards = looks_of(["oracle", "orm", "random"], "reward")
    assert rewards == [
        SELECTIONS["coverage"], selection_look("best:orm"), SELECTIONS["single sample"],
    ]  # fmt: skip


@pytest.mark.parametrize("count", [2, 3, 7, 11, 25])
def test_ordered_colours_rise_and_never_come_again(contrast, count):
    found = ordered_colours(count)
    assert len({*found}) == count
    light = [contrast(colour, "#000000") for colour in found]
    assert all(later > 0.95 * one for one, later in pairwise(light))
    assert light[-1] > 1.5 * light[0]
    assert (found[0], found[-1]) == ("#3362e1", "#d07d05")


def test_an_unknown_temperature_is_grey_and_takes_no_colour_of_the_others():
    names = ["T = 0.3", "T = 1", "T = unknown"]
    assert [look.colour for look in looks_of(names, ordered=True)] == ["#3362e1", "#d07d05", NONE]


def test_levels_of_numbers_rise_and_levels_of_selections_have_their_own():
    rising = field_looks(Field(name="min_p", levels=("0", "0.1"), numeric=True, of={"a": "0"}))
    assert [look.colour for look in rising] == ordered_colours(2)
    (vote,) = field_looks(Field(name="selection", levels=("maj",)))
    assert vote == SELECTIONS["maj"]
