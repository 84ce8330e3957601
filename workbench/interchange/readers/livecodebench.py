"""Outputs of LiveCodeBench: a row for each problem, with lists of outputs and of their grades.

``output/MODEL/SCENARIO_N_T_eval_all.json`` has the grades; the file without ``_eval_all`` has the
outputs only. Model and temperature are in the path. Earlier versions wrote ``Scenario.SCENARIO``.
Source: https://github.com/LiveCodeBench/LiveCodeBench, ``lcb_runner/runner/main.py``,
``utils/path_utils.py`` and ``benchmarks/code_generation.py`` (``insert_output_evaluation``).
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.records import LocatedRecord, Record, split_row
from workbench.interchange.readers.rows import read_rows

INTERPRETATION = (
    "output_list as the texts, graded_list as correctness; model and temperature by the path"
)
NAME = re.compile(r"(?:Scenario\.)?\w+?_\d+_(?P<temperature>\d+(?:\.\d+)?)(?=_|\.json)")


def recognise(beginning: FileBeginning) -> bool:
    """Take rows with a list of outputs beside what was found in them."""
    names = beginning.names
    found = {"code_list", "pred_list", "graded_list"}
    return names >= {"question_id", "output_list"} and bool(names & found)


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the outputs of a file; ValueError if it is damaged."""
    named = NAME.match(path.name)
    shared: Record = {}
    if named:
        model = path.resolve().parent.name
        shared = {"model": model, "temperature": float(named["temperature"])}
    for row in read_rows(path):
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
    texts, grades = row["output_list"], row.get("graded_list")
    grades = [None] * len(texts) if grades is None else grades
    if len(grades) != len(texts):
        raise ValueError(f"graded_list: there are {len(grades)} for {len(texts)} of output_list")
    problem = {"problem_id": row["question_id"], "problem": row.get("question_content")}
    for number, (text, correct) in enumerate(zip(texts, grades, strict=True), start=1):
        yield f"output {number}", shared | problem | {"text": text, "correct": correct}
