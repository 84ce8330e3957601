"""W&B's and pandas' tables are written by the packages, trackio's is made by ``table.py`` of it."""

import json

import pandas as pd
import pytest

from tests.lazily import Lazy
from workbench.interchange.readers.find_files import find_files

wandb = Lazy("wandb")

ROWS = [["a", "The answer is 4.", "4", True], ["a", "The answer is 5.", "4", False]]
COLUMNS = ["problem_id", "text", "gold", "correct"]


def test_tables_of_wandb_and_pandas_are_rows(rows_of, tmp_path):
    table = wandb.Table(columns=COLUMNS, data=ROWS)
    theirs = table._to_table_json()  # what wandb puts into NAME.table.json
    for number, text in enumerate((
        json.dumps(theirs), json.dumps(theirs, indent=1),
        json.dumps(dict(reversed(theirs.items()))),  # columns after the data
        pd.DataFrame(ROWS, columns=COLUMNS).to_json(orient="split"),
    )):  # fmt: skip
        path = tmp_path / f"{number}.table.json"
        path.write_text(text)
        rows = rows_of(path, fmt="table")
        assert [[r.problem_id, r.text, r.gold, r.correct] for r in rows] == ROWS
    (tmp_path / "metrics.json").write_text(json.dumps({"columns": ["step"], "data": [[1]]}))
    assert [file.name for file in find_files([tmp_path])[0]] == [
        f"{i}.table.json" for i in range(4)
    ]
    assert sum(r.correct for r in rows) / 2 == table.get_dataframe()["correct"].mean() == 0.5


def test_rows_of_another_length_are_named(rows_of, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"columns": COLUMNS, "data": [*ROWS, ["b"]]}))
    with pytest.raises(ValueError, match="row 3: expected a list of 4 values"):
        rows_of(path)


def test_a_table_of_trackio_is_read_as_json_that_holds_rows(rows_of, tmp_path):
    """As ``Table._to_dict`` of ``trackio/table.py`` makes it."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"_type": "trackio.table", "_value": rows}))
    found = rows_of(path, fmt="json")
    assert [[r.problem_id, r.text, r.gold, r.correct] for r in found] == ROWS


def test_rows_that_have_columns_and_data_are_no_table(rows_of, tmp_path):
    path = tmp_path / "rows.json"
    row = {"problem_id": "p", "text": "t", "about": {"columns": [1], "data": [2]}}
    path.write_text(json.dumps({"results": [row]}, indent=1))
    assert [r.text for r in rows_of(path, fmt="json")] == ["t"]
