"""Outputs of LiveCodeBench: a row for each problem, with lists of outputs and of their grades.

``output/MODEL/SCENARIO_N_T_eval_all.json`` has the grades; the file without ``_eval_all`` has the
outputs only. Model and temperature are in the path. Earlier versions wrote ``Scenario.SCENARIO``.
The scenarios of predicted outputs have several rows for a question: its tests, or inputs of its
programs, are the problems. A packed row has the extracted code only, which is then the text.
Source: https://github.com/LiveCodeBench/LiveCodeBench, ``lcb_runner/runner/main.py`` and
``custom_evaluator.py``, ``utils/path_utils.py``, ``benchmarks/code_generation.py``,
``code_execution.py`` and ``test_output_prediction.py`` (``insert_output_evaluation``).
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.records import LocatedRecord, Record, split_row
from workbench.interchange.readers.rows import read_rows

INTERPRETATION = (
    "output_list as the texts, or else code_list; graded_list as correctness, pred_list as the "
    "answers; model and temperature by the path"
)
NAME = re.compile(r"(?:Scenario\.)?\w+?_\d+_(?P<temperature>\d+(?:\.\d+)?)(?=_|\.json)")


def recognise(beginning: FileBeginning) -> bool:
    """Take rows with a list of outputs beside what was found in them, or of code."""
    names = beginning.names
    found = {"code_list", "pred_list", "graded_list"}
    has_outputs = "output_list" in names and bool(names & found)
    return "question_id" in names and (has_outputs or "code_list" in names)


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the outputs of a file; ValueError if it is damaged."""
    named = NAME.match(path.name)
    shared: Record = {}
    if named:
        model = path.resolve().parent.name
        shared = {"model": model, "temperature": float(named["temperature"])}
    for row in read_rows(path, "question_id"):
        yield from split_row(
            row, partial(_samples, shared=shared), "not in the known form of LiveCodeBench"
        )


def beside(path: Path) -> list[Path]:
    """Return the files that have the same outputs without their grades, or grades only."""
    stem = path.name.removesuffix("_eval_all.json")
    return (
        [path.with_name(f"{stem}{end}") for end in (".json", "_eval.json")]
        if stem != path.name
        else []
    )


def _samples(row: Record, shared: Record) -> Iterator[tuple[str, Record]]:
    texts = row["output_list"] if "output_list" in row else row["code_list"]
    lists = {"correct": row.get("graded_list"), "answer": row.get("pred_list")}
    for name, values in lists.items():
        if values is not None and len(values) != len(texts):
            raise ValueError(f"there are {len(values)} of {name} for {len(texts)} outputs")
    problem = _problem(row)
    for number, text in enumerate(texts):
        own = {name: values[number] for name, values in lists.items() if values is not None}
        yield f"output {number + 1}", shared | problem | {"text": text} | own


def _problem(row: Record) -> Record:
    """Return the name and the question: of a problem, a test of one, or a run of a program."""
    question = row["question_id"]
    if "code" in row and "id" in row:
        return {"problem_id": row["id"], "problem": f"{row['code']}\n{row['input']}"}
    name = f"{question}-test-{row['test_id']}" if "test_id" in row else question
    return {"problem_id": name, "problem": row.get("question_content")}
