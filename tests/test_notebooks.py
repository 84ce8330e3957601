"""The notebooks are committed clean, run as they are, and take another run by one changed line."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
GPT35 = ROOT / "../shared/data/generations/renze_gpt35_math_mcq.jsonl.gz"
CHART = {"application/vnd.vegalite.v5+json", "application/vnd.vegalite.v6+json", "image/png"}

names = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def conclusion(notebook):
    (cell,) = [c for c in notebook.cells if "conclusion" in c.metadata.get("tags", [])]
    return cell


def executed(path, **lines):
    """The notebook as it is after running, with ``NAME = …`` lines changed."""
    notebook = read(path)
    for name, value in lines.items():
        first = code(notebook)[0]
        first.source, changed = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", first.source)
        assert changed == 1, f"{name} is not set on one line of the first cell"
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    client.execute(env=quiet | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"})
    return notebook


@names
def test_a_notebook_is_committed_clean_and_says_what_it_is(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}  # no editor's leavings
    for cell in code(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert re.match(r"# \S.*\n", notebook.cells[0].source), "start with a title"
    assert conclusion(notebook).cell_type == "code"


@names
def test_no_number_of_a_conclusion_is_typed(path):
    """Prose would go stale; the code that words a conclusion takes its numbers from tables."""
    notebook = read(path)
    at = notebook.cells.index(conclusion(notebook))
    prose = [c.source for c in notebook.cells[at - 1 :] if c.cell_type == "markdown"]
    assert not re.search(r"\d\.\d", "".join([*prose, conclusion(notebook).source]))


@names
def test_a_notebook_runs_as_it_is(path, tmp_path):
    lines = {}
    if "temperature_gpt35" in path.stem:
        if not GPT35.exists():
            pytest.skip(f"{GPT35} is not here")
        lines["RUN"] = f'Path("{tmp_path / "gpt35"}")'  # else it would write into results/
    notebook = executed(path, **lines)
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    data = [output.data for output in outputs if "data" in output]
    assert any(CHART & set(found) for found in data) or "own_metric" in path.stem
    for found in data:  # nothing is fetched when a page is looked at
        assert not re.search(r"<script|src=|https?://", found.get("text/html", ""))
    text = conclusion(notebook).outputs[0].data["text/markdown"]
    assert re.search(r"-?\d\.\d{3} \[-?\d\.\d{3}, -?\d\.\d{3}\]", text)
    assert "nan" not in text


@pytest.mark.parametrize("name", ["quickstart", "own_metric"])
def test_a_notebook_takes_another_run_by_one_line(name, finished):
    _, folder = finished
    notebook = executed(ROOT / "notebooks" / f"{name}.ipynb", RUN=f'Path("{folder}")')
    text = conclusion(notebook).outputs[0].data["text/markdown"]
    assert "arithmetic|replay|" in text


def test_two_runs_are_compared_by_one_line(finished, embedded):
    folders = f'["{finished[1]}", "{embedded[1]}"]'
    notebook = executed(ROOT / "notebooks" / "compare_runs.ipynb", RUNS=folders)
    text = conclusion(notebook).outputs[0].data["text/markdown"]
    assert text.count("arithmetic|replay|") == 2
    assert text.count("0.000 [0.000, 0.000], not shown to differ") == 8  # the same samples
