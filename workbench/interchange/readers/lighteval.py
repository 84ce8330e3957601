"""``details_TASK_DATE.parquet`` of lighteval (``--save-details``), tasks that generate.

A row is a document with all the responses to it. A metric is of the row: with several responses it
is not known of which, so correctness is taken only where there is one, and else graded afresh.
``logprobs`` are of given choices and not of what was generated, and ``output_tokens`` are padded to
the longest of a batch: neither is taken. Temperature and model are in the results file, which is
``results/MODEL/results_DATE.json`` for ``details/MODEL/DATE/...``.
Source: ``lighteval/logging/evaluation_tracker.py`` and ``info_loggers.py``, 0.13.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.interchange.readers import parquet
from workbench.interchange.readers.record import Item, Record

if TYPE_CHECKING:
    from workbench.interchange.readers.sniff import Peek

KEPT = (
    "responses as samples; a metric of 0 or 1 as correctness where a document has one response, "
    "otherwise it is of none in particular"
)


def recognise(seen: Peek) -> bool:
    """Rows with documents and a model's responses."""
    return {"doc", "model_response"} <= seen.names


def read(path: Path) -> Iterator[Item]:
    """Yield the samples of a file.

    Raises:
        ValueError: it is damaged, or the results that belong to it are.
    """
    shared = _results(path)
    for label, row in parquet.read(path):
        assert not isinstance(row, ValueError)  # Arrow reads all of a group of rows or nothing
        try:
            records = list(_records(row, path.stem))
        except (KeyError, TypeError, AttributeError, IndexError) as fault:
            said = f"not as lighteval writes it ({type(fault).__name__}: {fault})"
            yield label, ValueError(said)
        except ValueError as fault:
            yield label, fault
        else:
            for number, record in records:
                yield f"{label}, response {number + 1}", record | shared


def _results(path: Path) -> Record:
    """Return what the results file says of all samples; nothing where it is not there."""
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


def _records(row: Mapping[str, Any], task: str) -> Iterator[tuple[int, Record]]:
    doc, said = row["doc"], row["model_response"]
    texts = said["text"]
    if not texts:
        raise ValueError(
            "it has no generated text but the log-likelihoods of given choices; take a task that "
            "generates"
        )
    gold = doc["gold_index"]
    gold = gold[0] if isinstance(gold, list) and len(gold) == 1 else gold
    plain = {
        "problem_id": doc.get("id") or doc["query"],
        "problem": doc["query"],
        "gold": doc["choices"][gold] if isinstance(gold, int) and gold >= 0 else None,
    }
    for graded_by, correct in _gradings(row.get("metric") or {}, len(texts)):
        for number, text in enumerate(texts):
            yield (
                number,
                plain
                | {
                    "text": text,
                    "graded_by": graded_by,
                    "correct": correct,
                },
            )


def _gradings(metrics: Mapping[str, Any], count: int) -> Iterator[tuple[str | None, bool | None]]:
    """Yield (metric, correct) of a row with one response; nobody and unknown otherwise."""
    yes_or_no = {name: value for name, value in metrics.items() if value in (0, 1)}
    if count > 1 or not yes_or_no:
        yield None, None
    else:
        for name, value in yes_or_no.items():
            yield name, bool(value)
