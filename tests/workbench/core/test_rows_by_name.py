from dataclasses import dataclass

import pytest

from workbench.core.rows_by_name import RowsByName


@dataclass
class Row:
    summary: str


def shown():
    """What a function is.

    And more, which is left out.
    """


def test_it_is_a_dictionary_that_prints_as_a_list(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    rows = RowsByName({"a": Row("one"), "longer": shown})
    rows["b"] = Row("word " * 12)
    assert rows == {"a": Row("one"), "longer": shown, "b": rows["b"]}
    assert repr(rows).splitlines() == [
        "a       one",
        "longer  What a function is.",
        "b       word word word word word word word word word word",
        "        word word",
    ]


@pytest.mark.parametrize("rows", [{}, {"a": Row("")}])
def test_nothing_to_say_is_no_fault(rows):
    assert repr(RowsByName(rows)).strip() == "".join(rows)
