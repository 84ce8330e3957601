"""``samples_TASK_DATE.jsonl`` of lm-evaluation-harness (``--log_samples``), tasks that generate.

A line is a document under one filter, with all the repeats of its one request. What was sampled is
under ``resps``; ``filtered_resps`` has the answers, one for each repeat, unless the filter picks
one of them (``take_first``, ``majority_vote``). A metric is of the document, the mean of its
repeats: correctness is taken only where there is one, and else graded afresh. The results file of
the same date says the model. Source: ``lm_eval/loggers/evaluation_tracker.py``, 0.4.13.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.interchange.readers import jsonl
from workbench.interchange.readers.record import Item, Record
from workbench.tasks.problem_files import ID_KEYS, QUESTION_KEYS

if TYPE_CHECKING:
    from workbench.interchange.readers.sniff import Peek

KEPT = (
    "repeats as samples, a filter's answers where it gives one for each; a metric of 0 or 1 as "
    "correctness where a document has one response, otherwise it is of none in particular"
)
NAMED = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")

INVALID = "[invalid]"
"""What its filters give where they find no answer."""


def recognise(seen: Peek) -> bool:
    """Lines with documents and responses."""
    return {"doc", "resps"} <= seen.names


def read(path: Path) -> Iterator[Item]:
    """Yield the samples of a file.

    Raises:
        ValueError: it cannot be unpacked, or the results beside it cannot be read.
    """
    named = NAMED.match(path.name)
    task = named["task"] if named else "doc"
    model = _model(path.with_name(f"results_{named['date']}.json")) if named else None
    for label, row in jsonl.read(path):
        if isinstance(row, ValueError):
            yield label, row
            continue
        try:
            records = list(_records(row, task, model))
        except (KeyError, TypeError, AttributeError, IndexError) as fault:
            said = f"not as lm-eval writes it ({type(fault).__name__}: {fault})"
            yield label, ValueError(said)
        except ValueError as fault:
            yield label, fault
        else:
            for number, record in records:
                yield f"{label}, response {number + 1}", record


def _model(results: Path) -> str | None:
    """Return which model the results of the same date name; None where there are none."""
    if not results.is_file():
        return None
    try:
        found = json.loads(results.read_text(encoding="utf-8"))
        name = found.get("model_name")
    except (ValueError, AttributeError) as fault:
        raise ValueError(f"{results} is damaged ({fault}); fetch it again") from fault
    return str(name) if name else None


def _records(row: Mapping[str, Any], task: str, model: str | None) -> Iterator[tuple[int, Record]]:
    doc, answers = row["doc"], row["filtered_resps"]
    doc = doc if isinstance(doc, dict) else {}
    if len(row["resps"]) != 1 or not all(isinstance(text, str) for text in row["resps"][0]):
        raise ValueError(
            "its responses are no sampled texts but the log-likelihoods of given ones; take a "
            "task of the output_type generate_until"
        )
    texts = row["resps"][0]
    arguments = row["arguments"]["gen_args_0"]
    name = next((doc[key] for key in ID_KEYS if doc.get(key) is not None), None)
    plain = {
        "problem_id": f"{task}-{row['doc_id']}" if name is None else name,
        "problem": next((doc[k] for k in QUESTION_KEYS if k in doc), arguments["arg_0"]),
        "gold": row["target"].rpartition("#### ")[2],  # GSM8K's golds are solutions that end so
        "model": model,
        "temperature": _temperature(arguments.get("arg_1") or {}),
    }
    each = _each(answers, len(texts))
    ours = row.get("workbench") or {}
    for graded_by, correct in _gradings(row, len(texts)):
        for number, text in enumerate(texts):
            record = plain | {"text": text, "graded_by": graded_by, "correct": correct}
            if each is not None:
                record["answer"] = None if each[number] == INVALID else each[number]
            yield number, record | {key: values[number] for key, values in ours.items()}


def _each(answers: Sequence[Any], count: int) -> Sequence[Any] | None:
    """Return a filter's answer to each response; None where it gives one for all of them."""
    given = answers[0] if len(answers) == 1 and isinstance(answers[0], list) else answers
    return given if len(given) == count else None


def _gradings(row: Mapping[str, Any], count: int) -> Iterator[tuple[str, bool | None]]:
    """Yield (who grades, correct or not known) of a line.

    That is its filter; if several metrics say yes or no, each of them, by the harness's name.
    """
    metrics = row.get("metrics") or [] if count == 1 else []
    yes_or_no = {name: row[name] for name in metrics if row.get(name) in (0, 1)}
    if len(yes_or_no) < 2:
        yield row["filter"], next((bool(value) for value in yes_or_no.values()), None)
    else:
        for name, value in yes_or_no.items():
            yield f"{name},{row['filter']}", bool(value)


def _temperature(settings: Mapping[str, Any]) -> float | None:
    """Return what a request was drawn at; without any settings the harness decodes greedily."""
    if settings.get("do_sample") is False:
        return 0.0
    temperature = settings.get("temperature")
    if temperature is None:
        return None if settings.get("do_sample") else 0.0
    return float(temperature)
