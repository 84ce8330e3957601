"""Tables of names: what they refuse, and what a plug-in has added."""

from dataclasses import dataclass

import pytest

from workbench.core.name_table import NAME_TABLES, NOT_LOADED, SESSION, NameTable, take_additions


@pytest.fixture
def table():
    made = NameTable("metric", {"dpp": 1, "cos_sim": 2})
    yield made
    NAME_TABLES.remove(made)


def added(table):
    take_additions(table, {"dpp": 1, "cos_sim": 2}, "mine.py", "ab12")


def test_it_is_a_dict_whose_missing_name_is_a_clear_error(table):
    assert dict(table) == {"dpp": 1, "cos_sim": 2}
    assert table.get("spread") is None
    with pytest.raises(
        ValueError, match=r"unknown metric 'ddp'; did you mean 'dpp'\? \(known: dpp"
    ):
        table["ddp"]


def test_a_missing_name_may_be_of_a_plug_in_that_is_not_loaded(table, monkeypatch):
    monkeypatch.setitem(NOT_LOADED, "/study/mine.py", None)
    with pytest.raises(ValueError, match=r"of a plug-in that is not loaded: .*/study/mine\.py"):
        table["spread"]


def test_what_was_added_has_the_hash_of_its_plug_in(table):
    table["spread"] = 3
    added(table)
    assert table.hashes(["dpp", "spread", "no such"]) == {"spread": "ab12"}


def test_a_row_written_by_hand_is_of_this_session_alone(table):
    table["spread"] = 3
    table["dpp"] = 7
    assert table.hashes(["dpp", "cos_sim", "spread"]) == {"dpp": SESSION, "spread": SESSION}


@pytest.mark.parametrize("how", ["set", "update", "or"])
def test_a_name_that_there_is_already_is_refused_however_it_is_replaced(table, how):
    if how == "set":
        table["dpp"] = 7
    elif how == "update":
        table.update(dpp=7)
    else:
        table |= {"dpp": 7}
    with pytest.raises(
        ValueError, match="there is a metric 'dpp' already, of the workbench itself"
    ):
        added(table)


def test_the_plug_in_that_has_the_name_already_is_named(table):
    table["spread"] = 3
    added(table)
    before = dict(table)
    table["spread"] = 4
    with pytest.raises(ValueError, match=r"a metric 'spread' already, of mine\.py; give yours an"):
        take_additions(table, before, "other.py", "cd34")


@pytest.mark.parametrize("name", ["a b", "../x", "", 3, "best:x"])
def test_a_name_that_no_experiment_can_give_is_refused(table, name):
    table[name] = 3
    with pytest.raises(ValueError, match="the name of a metric is made of letters"):
        added(table)


def test_a_row_of_the_wrong_type_is_refused(table):
    table["spread"] = "three"
    with pytest.raises(ValueError, match="the metric 'spread' must be a int, got str"):
        added(table)


@dataclass
class Row:
    summary: str


def shown():
    """What a function is.

    And more, which is left out.
    """


@pytest.mark.parametrize("rows", [{}, {"a": Row("")}])
def test_nothing_to_say_is_no_fault(table, rows):
    table.clear()
    table.update(rows)
    assert repr(table).strip() == "".join(rows)


def test_it_prints_as_a_list(table, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    table.clear()
    table.update({"a": Row("one"), "longer": shown, "b": Row("word " * 12)})
    assert repr(table).splitlines() == [
        "a       one",
        "longer  What a function is.",
        "b       word word word word word word word word word word",
        "        word word",
    ]
