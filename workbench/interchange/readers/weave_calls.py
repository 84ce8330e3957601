"""Calls of a Weave evaluation, exported as JSONL or JSON: those of ``predict_and_score``.

Such a call is a sample: ``inputs.example`` is its problem, ``output.output`` the response
(``output.model_output`` where a scorer asks for it by that name) and
``output.scores`` has what each scorer says, a value or an object of values; each is a grading.
Calls on the same example (``trials``) are samples of one problem. Scores other than 0 and 1 (or
true and false) are marks: they are read as rewards, and correctness is unknown. No other call is
read. The temperature is in the model, which an export only refers to.
Source: https://github.com/wandb/weave, ``weave/evaluation/eval.py`` (``predict_and_score``) and
``weave/trace_server/trace_server_interface.py`` (``CallSchema``).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers.inspect_scores import Scale, values_of
from workbench.interchange.readers.records import LocatedRecord, Record, say_once, split_row
from workbench.interchange.readers.rows import read_rows
from workbench.tasks.problem_files import QUESTION_KEYS

INTERPRETATION = (
    "calls of predict_and_score as samples, their examples as problems, each value of a scorer as "
    "a grading: 0 and 1 as correctness, marks as rewards"
)
OPERATION = "predict_and_score"
QUESTIONS = (*QUESTION_KEYS, "prompt", "input")
GOLDS = ("gold", "target", "expected", "expected_answer", "expected_output")


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it is damaged or has no such calls."""
    scales: dict[str, Scale] = {}
    for _, row in _calls(path):
        for name, value in _scores(row).items():
            scales.setdefault(name, Scale()).add(value)
    for name, scale in scales.items():
        if scale.has_marks:
            say_once(f"{path.name}: {scale.remark(name)}")
    is_empty = True
    for located in _calls(path):
        is_empty = False
        split = partial(_gradings, scales=scales)
        yield from split_row(located, split, "not in the known form of a call of Weave")
    if is_empty:
        raise ValueError(
            f"{path} has no call of Evaluation.{OPERATION}: export those of an evaluation"
        )


def _calls(path: Path) -> Iterator[LocatedRecord]:
    for label, row in read_rows(path, "op_name"):
        if isinstance(row, ValueError) or OPERATION in str(row.get("op_name")):
            yield label, row


def _scores(row: Record | ValueError) -> dict[str, Any]:
    """Return grading -> value; a text, such as a judge's reason, is none."""
    output = row.get("output") if isinstance(row, dict) else None
    scores = output.get("scores") if isinstance(output, dict) else None
    scores = scores if isinstance(scores, dict) else {}
    graded = {name: {"value": value} for name, value in scores.items()}
    found = {name: value for name, value, _ in values_of(graded)}
    return {name: value for name, value in found.items() if isinstance(value, bool | int | float)}


def _gradings(row: Record, scales: Mapping[str, Scale]) -> Iterator[tuple[str, Record]]:
    example, output = row["inputs"]["example"], row.get("output") or {}
    scores = _scores(row)
    key = json.dumps(example, sort_keys=True)
    known = example if isinstance(example, dict) else {}
    said, failure = output.get("output", output.get("model_output")), row.get("exception")
    if said is None and not scores:  # what Weave writes of a model that raised an error
        failure = failure or "the call of the model failed"
    model = row["inputs"].get("model")
    record = {
        "problem_id": f"example-{hashlib.sha256(key.encode()).hexdigest()[:12]}",
        "problem": next((known[k] for k in QUESTIONS if isinstance(known.get(k), str)), key),
        "text": said if isinstance(said, str) else "" if said is None else json.dumps(said),
        "model": model if isinstance(model, str) else (model or {}).get("name"),
    }
    if failure:
        record |= {"stop_reason": "error", "error": failure}
    for name in scales:
        value, is_mark = scores.get(name), scales[name].has_marks
        gold = next((known[k] for k in GOLDS if isinstance(known.get(k), str | int | float)), None)
        yield (
            "",
            record
            | {
                "graded_by": name,
                "correct": scales[name].correct(value),
                "reward": scales[name].reward(value) if is_mark else None,
                "gold": None if is_mark else gold,
            },
        )
    if not scales:
        yield "", record
