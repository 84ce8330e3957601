"""``samples_TASK_DATE.jsonl`` of lm-evaluation-harness (``--log_samples``), tasks that generate.

A line is a document under one filter, with all repeats of its one request. The sampled texts are
under ``resps``; ``filtered_resps`` has an answer for each repeat, unless the filter picks one of
them (``take_first``, ``majority_vote``). A metric is of the document, the mean over its repeats. So
correctness is taken only from a document with one response; others are graded again. The results
file of the same date names the model. Source: ``lm_eval/loggers/evaluation_tracker.py``, 0.4.13.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers.records import LocatedRecord, Record, split_row
from workbench.interchange.readers.rows import read_rows
from workbench.tasks.problem_files import ID_KEYS, QUESTION_KEYS

INTERPRETATION = (
    "repeats as samples, a filter's answers where it gives one for each; a metric of 0 or 1 as "
    "correctness where a document has one response, otherwise it is of none in particular"
)
FILE_NAME = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")
INVALID = "[invalid]"
"""What the harness's filters give where they find no answer."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it or the results beside it cannot be read."""
    named = FILE_NAME.match(path.name)
    task = named["task"] if named else "doc"
    model = _model(path.with_name(f"results_{named['date']}.json")) if named else None
    split = partial(_samples, task=task, model=model)
    for row in read_rows(path):
        yield from split_row(row, split, "not as lm-eval writes it")


def _model(results: Path) -> str | None:
    """Return the model that the results file names; None where there is no such file."""
    if not results.is_file():
        return None
    try:
        name = json.loads(results.read_text(encoding="utf-8")).get("model_name")
    except (ValueError, AttributeError, RecursionError) as fault:
        raise ValueError(f"{results} is damaged ({fault}); fetch it again") from fault
    return str(name) if name else None


def _samples(row: Record, task: str, model: str | None) -> Iterator[tuple[str, Record]]:
    doc = row["doc"] if isinstance(row["doc"], dict) else {}
    answers = row["filtered_resps"]
    if len(row["resps"]) != 1 or not all(isinstance(text, str) for text in row["resps"][0]):
        raise ValueError(
            "its responses are no sampled texts but the log-likelihoods of given ones; take a "
            "task of the output_type generate_until"
        )
    texts = row["resps"][0]
    arguments = row["arguments"]["gen_args_0"]
    shared = {
        "problem_id": next(
            (doc[key] for key in ID_KEYS if doc.get(key) is not None), f"{task}-{row['doc_id']}"
        ),
        "problem": next((doc[k] for k in QUESTION_KEYS if k in doc), arguments["arg_0"]),
        "gold": row["target"].rpartition("#### ")[2],  # GSM8K's golds are solutions that end so
        "model": model,
        "temperature": _temperature(arguments.get("arg_1") or {}),
    }
    if len(answers) == 1 and isinstance(answers[0], list):
        answers = answers[0]
    ours = row.get("workbench") or {}
    for graded_by, correct in _gradings(row, len(texts)).items():
        for number, text in enumerate(texts):
            record = shared | {"text": text, "graded_by": graded_by, "correct": correct}
            if len(answers) == len(texts):  # else the filter gives one answer for all of them
                record["answer"] = None if answers[number] == INVALID else answers[number]
            record |= {key: values[number] for key, values in ours.items()}
            yield f"response {number + 1}", record


def _gradings(row: Mapping[str, Any], count: int) -> dict[str, bool | None]:
    """Return grader -> correctness: the filter, or several metrics under the harness's names."""
    metrics = row.get("metrics") or [] if count == 1 else []
    yes_or_no = {name: bool(row[name]) for name in metrics if row.get(name) in (0, 1)}
    if len(yes_or_no) > 1:
        return {f"{name},{row['filter']}": value for name, value in yes_or_no.items()}
    return {row["filter"]: next(iter(yes_or_no.values()), None)}


def _temperature(settings: Mapping[str, Any]) -> float | None:
    """Return the temperature of a request; without any settings the harness decodes greedily."""
    if settings.get("do_sample") is False:
        return 0.0
    temperature = settings.get("temperature")
    if temperature is None:
        return None if settings.get("do_sample") else 0.0
    return float(temperature)
