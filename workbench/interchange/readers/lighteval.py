"""``details_TASK_DATE.parquet`` of lighteval (``--save-details``), tasks that generate.

A row is a document with all responses to it. A metric is of the row, so correctness is taken only
from a row with one response; others are graded again. ``logprobs`` are of given choices and not of
the generated text, and ``output_tokens`` are padded to the longest of a batch: neither is taken.
Temperature and model are in the results file: ``results/MODEL/results_DATE.json`` for
``details/MODEL/DATE/...``.
Source: ``lighteval/logging/evaluation_tracker.py`` and ``info_loggers.py``, 0.13.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers import parquet
from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.records import LocatedRecord, Record, split_row

INTERPRETATION = (
    "responses as samples; a metric of 0 or 1 as correctness where a document has one response, "
    "otherwise it is of none in particular"
)


def recognise(beginning: FileBeginning) -> bool:
    """Take rows with documents and a model's responses."""
    return {"doc", "model_response"} <= beginning.names


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file.

    Raises:
        ValueError: it is damaged, or the results that belong to it are.
    """
    split = partial(_samples, settings=_settings(path))
    for row in parquet.read(path):
        yield from split_row(row, split, "not as lighteval writes it")


def _settings(path: Path) -> Record:
    """Return model and temperature by the results file; nothing where there is no such file."""
    date, parents = path.parent.name, path.resolve().parents
    for depth in (2, 3, 4):  # a model's name may have a slash or be a path
        if len(parents) <= depth or parents[depth - 1].name != "details":
            continue
        within = path.resolve().parent.parent.relative_to(parents[depth - 1])
        results = parents[depth] / "results" / within / f"results_{date}.json"
        if results.is_file():
            try:
                found = json.loads(results.read_text(encoding="utf-8"))["config_general"]
                settings = found["model_config"]["generation_parameters"]
                return {
                    "model": found["model_config"]["model_name"],
                    "temperature": settings.get("temperature"),
                }
            except (ValueError, KeyError, TypeError) as fault:
                raise ValueError(f"{results} is damaged ({fault}); fetch it again") from fault
    return {}


def _samples(row: Record, settings: Record) -> Iterator[tuple[str, Record]]:
    doc, texts = row["doc"], row["model_response"]["text"]
    if not texts:
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
    for graded_by, correct in _gradings(row.get("metric") or {}, len(texts)):
        for number, text in enumerate(texts):
            record = shared | {"text": text, "graded_by": graded_by, "correct": correct}
            yield f"response {number + 1}", record


def _gradings(metrics: Mapping[str, Any], count: int) -> Iterator[tuple[str | None, bool | None]]:
    """Yield (metric, correctness) of a row with one response; (None, None) for other rows."""
    yes_or_no = {name: value for name, value in metrics.items() if value in (0, 1)}
    if count > 1 or not yes_or_no:
        yield None, None
    else:
        for name, value in yes_or_no.items():
            yield name, bool(value)
