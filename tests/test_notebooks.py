"""The notebooks are committed clean, run as they are, and take another run by one changed line."""

import gzip
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
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


@pytest.fixture(scope="module")
def executed():
    """A function: path -> the notebook as it is after running, with ``NAME = …`` lines changed.

    All run in one kernel, which has imported the workbench once; each begins without any name.
    """
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("WANDB_")}
    quiet |= {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    client = NotebookClient(
        read(NOTEBOOKS[0]), timeout=300, kernel_name="python3",
        resources={"metadata": {"path": str(ROOT / "notebooks")}},
    )  # fmt: skip
    with client.setup_kernel(env=quiet):

        def cells_of(notebook):
            client.nb = notebook
            for place, cell in enumerate(notebook.cells):
                client.execute_cell(cell, place)

        def execute(path, **lines):
            cells_of(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%reset -f")]))
            notebook = read(path)
            for name, value in lines.items():
                first = code(notebook)[0]
                pattern = rf"(?m)^{name} = .*$"
                first.source, changed = re.subn(pattern, f"{name} = {value}", first.source)
                assert changed == 1, f"{name} is not set on one line of the first cell"
            cells_of(notebook)
            return notebook

        yield execute


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


def some_of(data, path):
    """Write the samples of 11 problems at three temperatures."""
    with gzip.open(data, "rt") as file:
        rows = [(line, json.loads(line)) for line in file]
    problems = list(dict.fromkeys(row["problem_id"] for _, row in rows))[:11]
    path.write_text("".join(
        line for line, row in rows
        if row["problem_id"] in problems and row["temperature"] in (0, 0.5, 1)
    ))  # fmt: skip
    return path


def concluded(notebook):
    """Check what a notebook shows; return its conclusion."""
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    for found in [output.data for output in outputs if "data" in output]:
        # nothing is fetched when a page is looked at
        assert not re.search(r"<script|src=|https?://", found.get("text/html", ""))
    text = conclusion(notebook).outputs[0].data["text/markdown"]
    assert re.search(r"-?\d\.\d{3} \[-?\d\.\d{3}, -?\d\.\d{3}\]", text)
    assert "nan" not in text
    return text


def shows_a_chart(notebook):
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    return any(CHART & set(output.get("data", ())) for output in outputs)


def test_quickstart_runs_as_it_is_and_takes_another_run_by_one_line(executed, finished):
    path = ROOT / "notebooks" / "quickstart.ipynb"
    notebook = executed(path)
    concluded(notebook)
    assert shows_a_chart(notebook)
    text = concluded(executed(path, RUN=f'Path("{finished[1]}")'))
    assert "arithmetic|replay|" in text


def test_compare_runs_runs_as_it_is_and_takes_two_others_by_one_line(executed, finished, embedded):
    path = ROOT / "notebooks" / "compare_runs.ipynb"
    notebook = executed(path)
    concluded(notebook)
    assert shows_a_chart(notebook)
    text = concluded(executed(path, RUNS=f'["{finished[1]}", "{embedded[1]}"]'))
    assert text.count("arithmetic|replay|") == 2
    assert text.count("0.000 [0.000, 0.000], not shown to differ") == 8  # the same samples


def test_the_published_samples_of_gpt35_are_converted(tmp_path):
    clone, target = tmp_path / "clone", tmp_path / "made.jsonl.gz"
    question = "Topic: Math\nQuestion: What is 1, or 2?\nChoices:\n  A: 1\n  B: 2\n"
    for part in ("responses", "details"):
        (clone / "data" / part).mkdir(parents=True)
    for exam, tenths in itertools.product(("aqua-rat-100", "sat-math-100"), range(11)):
        name = f"gpt-35-turbo - chain_of_thought - {exam} - temp-{tenths / 10:.1f}.csv"
        texts = pd.DataFrame({"Problem ID": 1, "Response ID": [0, 2], "Text": ["so A", "NA"]})
        texts.to_csv(clone / "data" / "responses" / name, index=False)
        row = {"Problem ID": 1, "Problem": question, "Correct Answer": "A"}
        details = pd.DataFrame([row | {f"Answer {n}": "AN"[n - 1 : n] for n in range(1, 11)}])
        details.to_csv(clone / "data" / "details" / name, index=False)
    command = [sys.executable, str(ROOT / "notebooks" / "gpt35_samples.py")]
    subprocess.run([*command, str(clone), str(target)], check=True)
    rows = [json.loads(line) for line in gzip.decompress(target.read_bytes()).splitlines()]
    assert len(rows) == 2 * 11 * 2
    assert rows[0] == {
        "problem_id": "aqua-rat-100/1", "problem": "What is 1, or 2?\nChoices:\nA: 1\nB: 2",
        "gold": "A", "model": "gpt-35-turbo", "temperature": 0.0, "sample_index": 0,
        "text": "so A", "answer": "A", "correct": True,
    }  # fmt: skip
    assert rows[-1] == rows[0] | {
        "problem_id": "sat-math-100/1", "temperature": 1.0, "sample_index": 2, "text": "NA",
        "answer": None, "correct": False,
    }  # fmt: skip
    stopped = subprocess.run([*command, str(tmp_path), "x"], capture_output=True, text=True)
    assert "is not there; give the folder of a clone" in stopped.stderr


def test_temperature_gpt35_imports_and_runs(executed, tmp_path):
    """Of fewer samples than theirs, and into another folder than results/."""
    if not GPT35.exists():
        pytest.skip(f"{GPT35} is not here")
    data = some_of(GPT35, tmp_path / "some.jsonl")
    notebook = executed(ROOT / "notebooks" / "temperature_gpt35.ipynb",
                        DATA=f'Path("{data}")', RUN=f'Path("{tmp_path / "gpt35"}")')  # fmt: skip
    concluded(notebook)
    assert shows_a_chart(notebook)


def test_own_metric_runs_as_it_is_and_takes_another_run_by_one_line(executed, finished):
    """After all others: it adds a metric to those of the kernel."""
    path = ROOT / "notebooks" / "own_metric.ipynb"
    concluded(executed(path))
    text = concluded(executed(path, RUN=f'Path("{finished[1]}")'))
    assert "arithmetic|replay|" in text


def test_every_notebook_runs():
    tested = {"quickstart", "own_metric", "compare_runs", "temperature_gpt35"}
    assert {path.stem for path in NOTEBOOKS} == tested
