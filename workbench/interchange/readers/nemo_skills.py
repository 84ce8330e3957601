"""Outputs of NeMo-Skills: ``output.jsonl``, or ``output-rsSEED.jsonl`` for each of several seeds.

A line is one sample of a problem: the files of several seeds have the samples of the same
problems, which are named by ``id`` or, where there is none, by their text. ``symbolic_correct`` and
``judgement`` are two gradings. A judgement without a verdict is unknown here, and counted as wrong
by NeMo-Skills. No column has the temperature or the model.
Source: https://github.com/NVIDIA-NeMo/Skills, ``nemo_skills/evaluation/metrics/math_metrics.py``
and ``utils.py`` (``is_correct_judgement``), and ``nemo_skills/inference/generate.py``.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.records import LocatedRecord, Record, split_row
from workbench.interchange.readers.rows import read_rows
from workbench.tasks.problem_files import QUESTION_KEYS

INTERPRETATION = (
    "generation as the text, predicted_answer as the answer, expected_answer as the known one; "
    "symbolic_correct and judgement as two gradings, reward_model_score as the reward"
)
VERDICT = re.compile(
    r"Judgement\*{0,2}\s*:[\s*]*(yes|no)|\\boxed\{(correct|incorrect)\}", re.IGNORECASE
)
GRADED = ("symbolic_correct", "judgement", "is_correct")


def recognise(beginning: FileBeginning) -> bool:
    """Take rows with a generation and what NeMo-Skills adds to it."""
    added = {*GRADED, "predicted_answer", "num_generated_tokens"}
    names = beginning.names
    return names >= {"generation", "expected_answer"} and bool(names & added)


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file, once for each grading; ValueError if it is damaged."""
    for row in read_rows(path, "generation"):
        yield from split_row(row, _gradings, "not in the known form of NeMo-Skills")


def _gradings(row: Record) -> Iterator[tuple[str, Record]]:
    problem = next((row[key] for key in QUESTION_KEYS if row.get(key)), None)
    name = row.get("id")
    if name is None and isinstance(problem, str):
        name = f"problem-{hashlib.sha256(problem.encode()).hexdigest()[:12]}"
    record = {
        "problem_id": name,
        "problem": problem,
        "gold": row["expected_answer"],
        "text": row["generation"],
        "answer": row.get("predicted_answer"),
        "num_tokens": row.get("num_generated_tokens"),
        "stop_reason": row.get("finish_reason"),
        "thought": row.get("reasoning_content"),
        "reward": row.get("reward_model_score"),
    }
    graded = [name for name in GRADED if row.get(name) is not None]
    for name in graded:
        correct = _is_yes(row[name]) if name == "judgement" else row[name]
        yield "", record | {"correct": correct, "graded_by": name if len(graded) > 1 else None}
    if not graded:
        yield "", record


def _is_yes(judgement: str) -> bool | None:
    r"""Return what a judge writes: ``Judgement: Yes`` or ``\boxed{Correct}``; None if neither."""
    found = VERDICT.search(judgement)
    return (found[1] or found[2]).lower() in ("yes", "correct") if found else None
