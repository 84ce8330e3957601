import pytest

from workbench.analysis.figures.facets import Facets, Field, axes_of, facets_of
from workbench.core.conditions import Condition


def conditions(*cells, n=8):
    """A condition for each dict of levels that differ from T = 1, top_p 1, min_p 0."""
    base = {"temperature": 1.0, "top_p": 1.0, "min_p": 0.0}
    return [
        Condition(
            f"c{place}", (base | cell)["temperature"], n,
            {name: level for name, level in cell.items() if name != "temperature"}, base | cell,
        )
        for place, cell in enumerate(cells)
    ]  # fmt: skip


def names(axes):
    return {axis.name: axis.levels for axis in axes}


def test_factors_of_a_full_grid_are_axes_of_their_own_the_temperature_first():
    grid = [
        {"temperature": t, "min_p": p, "prompt": q}
        for t in (1.5, 0.5)
        for p in (0.0, 0.1, 0.05)
        for q in ("default", "brief")
    ]
    axes = axes_of(conditions(*grid))
    assert names(axes) == {
        "temperature": ("0.5", "1.5"), "min_p": ("0", "0.05", "0.1"),
        "prompt": ("default", "brief"),
    }  # fmt: skip
    assert [axis.numeric for axis in axes] == [True, True, False]
    assert [(axis.of or {})["c0"] for axis in axes] == ["1.5", "0", "default"]


def test_factors_that_do_not_occur_in_all_pairs_are_one_axis():
    cells = [
        {"temperature": t} | more
        for t in (0.5, 2.0)
        for more in ({"top_p": 0.9}, {}, {"min_p": 0.1})
    ]
    axes = axes_of(conditions(*cells))
    assert names(axes) == {
        "temperature": ("0.5", "2"), "top_p, min_p": ("unchanged", "top_p 0.9", "min_p 0.1"),
    }  # fmt: skip
    assert [axis.numeric for axis in axes] == [True, False]


def test_factors_that_move_together_are_one_axis_which_tells_both():
    cells = ({"temperature": 0.5}, {"temperature": 1.5, "min_p": 0.1})
    assert names(axes_of(conditions(*cells))) == {
        "temperature, min_p": ("T 0.5", "T 1.5 min_p 0.1")
    }


def test_greedy_conditions_and_single_temperatures_make_no_axis():
    greedy = conditions({"temperature": 0.0}, n=1)
    assert axes_of(greedy) == ()
    both = [*greedy, *conditions({"temperature": 0.5}, {"temperature": 1.5})]
    assert names(axes_of(both)) == {"temperature": ("0.5", "1.5")}


def axes(*counts):
    return [Field(name=f"f{n}", levels=("a", "b")) for n in range(counts[0])]


def test_at_first_every_field_stands_somewhere():
    lines = Field(name="selection", levels=("maj", "best"))
    found = facets_of(axes(3))
    assert (found.columns, found.colour, found.rows, found.left) == (("f0",), "f1", ("f2",), ())
    found = facets_of(axes(3), lines)
    assert (found.columns, found.colour, found.rows) == (("f0",), "selection", ("f1", "f2"))
    assert found.left == ()
    assert found.combinations(found.rows) == ["a, a", "a, b", "b, a", "b, b"]
    assert found.combinations(()) == [""]


def test_what_is_not_chosen_beside_a_choice_tells_lines_of_one_colour_apart():
    found = facets_of(axes(3))
    assert found.chosen(None, None, None) is found
    chosen = found.chosen("f2", "f1", None)
    assert (chosen.colour, chosen.columns, chosen.rows) == ("f2", ("f1",), ())
    assert chosen.left == ("f0",)
    assert found.chosen(None, "f0", "f1").colour == "f2"


def test_an_unknown_factor_is_refused_with_the_nearest():
    found = Facets(fields=(Field(name="min_p", levels=("0", "1")),), colour="min_p")
    with pytest.raises(ValueError, match=r"unknown factor of this figure 'minp'.*'min_p'"):
        found.chosen("minp", None, None)
