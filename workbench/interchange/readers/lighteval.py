"""``details_TASK_DATE.parquet`` of lighteval (``--save-details``), tasks that generate.

A row is a document with all responses to it. A metric is of the row, so correctness is taken only
from a row with one response; others are graded again. ``logprobs`` are of given choices and not of
the generated text, and ``output_tokens`` are padded to the longest of a batch: neither is taken.
Older files have ``predictions``, ``gold`` and ``metrics`` instead, each as it is or written out as
Python writes it. Temperature, limits and model are in the results file,
``results/MODEL/results_DATE.json`` for ``details/MODEL/DATE/...``; older ones name the model only.
Source: ``lighteval/logging/evaluation_tracker.py`` and ``info_loggers.py``, 0.13 and earlier.
"""

import json
from ast import literal_eval
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.records import LocatedRecord, Record, limits_of, split_row
from workbench.interchange.readers.rows import read_rows

INTERPRETATION = (
    "responses as samples; a metric of 0 or 1 as correctness where a document has one response, "
    "otherwise it is of none in particular"
)


def recognise(beginning: FileBeginning) -> bool:
    """Take rows of today, or older ones."""
    names = beginning.names
    return names >= {"doc", "model_response"} or names >= {"full_prompt", "predictions", "metrics"}


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it or the results that go with it are damaged."""
    split = partial(_samples, settings=_settings(path))
    for row in read_rows(path):
        yield from split_row(row, split, "not in the known form of lighteval")


def _settings(path: Path) -> Record:
    """Return model and temperature by the results file; nothing where there is no such file."""
    name, parents = f"results_{path.parent.name}.json", path.resolve().parents
    for details in parents[1:4]:  # a model's name may have a slash or be a path
        results = details.parent / "results" / parents[1].relative_to(details) / name
        if details.name == "details" and results.is_file():
            try:
                general = json.loads(results.read_text(encoding="utf-8"))["config_general"]
                model = general.get("model_config") or general  # which older files have not
                drawn = model.get("generation_parameters") or {}
                own = {"model": model["model_name"], "temperature": drawn.get("temperature")}
                return own | limits_of(drawn)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
                raise ValueError(f"{results} is damaged ({fault}); fetch it again") from fault
    return {}


def _of_today(row: Record) -> Record:
    """Return a row as lighteval has it today."""
    if "doc" in row:
        return row
    texts, golds, metrics = (_value(row, name) for name in ("predictions", "gold", "metrics"))
    golds = [golds] if isinstance(golds, str) else [*golds]
    doc = {"query": row["example"] or row["full_prompt"], "choices": golds}
    doc["gold_index"] = 0 if len(golds) == 1 else None
    return {"doc": doc, "model_response": {"text": texts}, "metric": metrics}


def _value(row: Record, name: str) -> Any:
    """Return what a column holds, which may be written out."""
    try:
        return literal_eval(row[name]) if isinstance(row[name], str) else row[name]
    except (ValueError, SyntaxError) as fault:
        raise ValueError(f"{name}: cannot be read ({fault})") from fault


def _samples(row: Record, settings: Record) -> Iterator[tuple[str, Record]]:
    row = _of_today(row)
    doc, texts = row["doc"], row["model_response"]["text"]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(
            "it has no generated text but the log-likelihoods of given choices; take a task that "
            "generates"
        )
    gold = doc["gold_index"]
    gold = gold[0] if isinstance(gold, list) and len(gold) == 1 else gold
    shared = settings | {
        "problem_id": doc.get("id") or doc["query"],
        "problem": doc["query"],
        "gold": doc["choices"][gold] if isinstance(gold, int) and gold >= 0 else None,
    }
    metrics = row.get("metric") or {} if len(texts) == 1 else {}
    graded = {name: bool(value) for name, value in metrics.items() if value in (0, 1)}
    for graded_by, correct in graded.items() or [(None, None)]:
        for number, text in enumerate(texts):
            record = shared | {"text": text, "graded_by": graded_by, "correct": correct}
            yield f"response {number + 1}", record
