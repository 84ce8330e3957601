import math

import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.frames import Table
from workbench.analysis.page.tables import (
    ROWS,
    first_order,
    page_table,
    saved_tables,
    split_by_content,
    why_missing,
)
from workbench.analysis.tables import TABLES


def test_an_interval_stands_in_the_cell_of_its_number_and_long_tables_are_packed(unpack):
    rows = ROWS + 5
    frame = pd.DataFrame({"name": [f"row {i}" for i in range(rows)], "accuracy": 0.4631})
    frame["accuracy_low"], frame["accuracy_high"] = 0.31, 0.6234
    frame["accuracy_q"] = [0.01] + [math.nan] * (rows - 1)
    table = page_table("one", "What it is.", Table(frame, ("a note",)))
    assert table.columns == [("name", ""), ("accuracy", "number starred")]
    assert table.rows[:2] == [["row 0", "0.463 [0.310, 0.623]*"], ["row 1", "0.463 [0.310, 0.623]"]]
    assert (len(table.rows), table.count) == (ROWS, rows)
    assert unpack(table.packed) == [[f"row {i}", "0.463 [0.310, 0.623]"] for i in range(ROWS, rows)]


def test_every_table_is_there_with_its_notes_or_says_why_it_is_empty(finished):
    run = load_run(finished[1])
    tables = saved_tables(run)
    missing = {
        "answer_audit",
        "entropy_bounds",
        "interactions",
        "quality_coefficients",
        "behaviour",
        "self_correction",
        "edit_distances",
        "sequential_against_parallel",
    }  # the run has nothing of it
    assert [table.name for table in tables] == [name for name in TABLES if name not in missing]
    full, empty = split_by_content(tables)
    assert {table.name for table in full} >= {
        name for name, spec in TABLES.items() if spec.open_on_page
    }
    for table in full:
        assert table.summary == TABLES[table.name].summary
        assert table.count == len(run.table(table.name))
        text = (run.root / "tables" / f"{table.name}.md").read_text()
        assert [f"- {note}" in text for note in table.notes] == [True] * text.count("\n- ")
    assert empty
    assert all(table.notes for table in empty)


def test_a_table_that_is_missing_or_damaged_says_so(copied):
    folder = copied[1]
    (folder / "tables" / "budget.csv").unlink()
    (folder / "tables" / "statuses.csv").write_text('a,b\n"1,2\n3')
    notes = {table.name: table.notes for table in saved_tables(load_run(folder))}
    assert "an older version analysed; run `workbench analyze" in notes["budget"][0]
    assert "tables/statuses.csv cannot be read" in notes["statuses"][0]


def test_what_has_to_be_done_first_is_named(copied):
    folder = copied[1]
    for made, words in (
        ("tables/*", "not analysed yet; run `workbench analyze"),
        ("subsets/*", "not measured yet; run `workbench measure"),
        ("scores/*", "not scored yet; run `workbench score"),
        ("samples/*", "nothing is sampled yet; run `workbench run"),
    ):
        for path in folder.glob(made):
            path.unlink()
        assert words in why_missing(load_run(folder))


@pytest.mark.parametrize(
    ("name", "kind", "order"),
    [
        ("accuracy", "number starred", "descending"),
        ("difference", "number", "descending"),
        ("tokens", "number", "descending"),
        ("p", "number", "ascending"),
        ("q", "number", "ascending"),
        ("pearson_p", "number", "ascending"),
        ("k", "number", "ascending"),
        ("temperature", "number", "ascending"),
        ("ece", "number", "ascending"),  # an error
        ("metric", "", "ascending"),
    ],
)
def test_what_a_reader_wants_first_is_on_top(name, kind, order):
    assert first_order(name, kind) == order
