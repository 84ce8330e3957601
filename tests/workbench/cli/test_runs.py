import os
import shutil
from pathlib import Path

import pytest

from workbench.cli.runs import COLUMNS, runs

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    for name, changed in (("first", 1), ("second", 86_400)):
        root = tmp_path / name
        shutil.copytree(ROOT / "results" / "reference", root)
        os.utime(root / "manifest.json", (changed, changed))
    return tmp_path


def test_a_run_is_a_row_and_a_damaged_one_a_line(folder, capsys):
    (folder / "second" / "manifest.json").write_text("{")
    runs(folder)
    head, row, last = capsys.readouterr().out.splitlines()
    assert head.split() == list(COLUMNS)
    cells = "first arithmetic SmolLM2-135M-Instruct 30 0.3 0.7 1 16 analyze 0.45 0.35 0.22"
    assert row.split()[: len(cells.split())] == cells.split()
    assert last.startswith(f"damaged: {folder / 'second'}: ")
    assert "manifest.json is damaged" in last


def test_the_run_that_changed_last_stands_first(folder, capsys):
    runs(folder)
    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["second", "first"]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_leaves_columns_out_and_says_which(folder, capsys, monkeypatch, width):
    from rich.console import Console

    narrow = Console(width=width, highlight=False)
    monkeypatch.setattr("workbench.core.console.stdout", lambda: narrow)
    runs(folder)
    head, *rows, last = capsys.readouterr().out.splitlines()
    assert max(map(len, (head, *rows))) <= width
    assert all("…" not in row and "0.45 0.35 0.22" in row for row in rows)
    left_out = last.removeprefix("left out, as the terminal is too narrow: ").split(", ")
    assert {*head.split(), *left_out} == {*COLUMNS}
    assert len(head.split()) + len(left_out) == len(COLUMNS)


def test_a_folder_without_runs_says_how_to_make_one(tmp_path, capsys):
    runs(tmp_path)
    assert capsys.readouterr().out.endswith("holds no runs; `workbench run EXPERIMENT` makes one\n")
