import shutil
from pathlib import Path

import pytest

from workbench.storage.runs_table import runs_table

REFERENCE = Path(__file__).parents[3] / "results" / "reference"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(REFERENCE, tmp_path / "whole")
    shutil.copytree(REFERENCE, tmp_path / "sweep" / "half", ignore=shutil.ignore_patterns("scores"))
    shutil.copytree(REFERENCE, tmp_path / "broken")
    (tmp_path / "broken" / "manifest.json").write_text("{")
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_every_run_has_a_row_and_a_damaged_one_a_note(folder):
    table = runs_table(folder)
    rows = {Path(row["run"]).name: row for row in table.to_dict("records")}
    assert {*rows} == {"whole", "half", "broken"}
    assert rows["whole"]["accuracy"] == "0.45, 0.35, 0.22"
    assert rows["half"]["accuracy"] == "-, -, -"
    assert rows["broken"]["finished"] == "damaged"
    assert any("broken" in note and "restore it" in note for note in table.attrs["notes"])
    assert "SmolLM2-135M-Instruct" in table._repr_html_()


def test_a_folder_without_runs_is_an_empty_table(tmp_path):
    assert runs_table(tmp_path).empty
    with pytest.raises(ValueError, match="is no folder"):
        runs_table(tmp_path / "gone")
