"""Results of reasoning-gym's evaluation script: a file for each data set, or one for all of them.

``CATEGORY/DATASET.json`` has ``results``, an entry for each problem with its ``completions``;
``summary.json`` in the folder above names model, temperature and limits. ``results.json``
(``--full-results``) holds all of them itself. A score of 1 is correct and 0 is not. Where a file
has scores between, they are partial credit: such a sample is of unknown correctness, the scores are
read as rewards, and the known answer, which is one of many, is left out. A problem without any
completion is a failed sample.
Source: https://github.com/open-thought/reasoning-gym, ``eval/eval.py``.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers.file_beginning import FileBeginning
from workbench.interchange.readers.inspect_scores import Scale
from workbench.interchange.readers.json_members import settings_of, stream_under
from workbench.interchange.readers.records import (
    LocatedRecord,
    Record,
    limits_of,
    say_once,
    split_row,
)

INTERPRETATION = (
    "completions as samples; a score of 1 is correct and 0 is not, one between is unknown, and "
    "then all scores are rewards"
)
Entry = tuple[str, Any]
"""(name of the problem, the entry of the results that is about it)."""


def recognise(beginning: FileBeginning) -> bool:
    """Take results with the keys of an entry."""
    return beginning.mentions("expected_answer", "best_full_model_response")


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the completions of a file; ValueError if it or the summary is damaged."""
    settings = _settings(path)
    scale = Scale()
    for _, entry in _entries(path):
        with suppress(AttributeError, TypeError):  # one of another make is named when it is read
            for completion in entry.get("completions") or []:
                scale.add(completion.get("score"))
    if scale.has_marks:
        say_once(
            f"{path.name}: some scores are between 0 and 1: these samples are of unknown "
            "correctness, and all scores are read as rewards"
        )
    for name, entry in _entries(path):
        split = partial(_samples, name=name, settings=settings, is_partial=scale.has_marks)
        yield from split_row(
            (name, entry), split, "not in the known form of reasoning-gym's results"
        )


def beside(path: Path) -> list[Path]:
    """Return the files of the data sets that a file of all results holds as well."""
    return sorted(path.parent.glob("*/*.json")) if path.name == "results.json" else []


def _entries(path: Path) -> Iterator[Entry]:
    try:
        for keys, value in stream_under(path, "categories"):
            if keys == ("categories",):
                for dataset in value["datasets"]:
                    if dataset.get("error"):
                        say_once(f"{path.name}: {dataset['name']} failed: {dataset['error']}")
                    yield from _named(dataset["name"], dataset["results"])
            elif keys == ("results",):
                yield from _named(path.stem, value)
    except (KeyError, TypeError) as fault:
        raise ValueError(
            f"{path} is not in the known form of reasoning-gym's results ({fault!r})"
        ) from fault


def _named(dataset: str, results: list[Any]) -> Iterator[Entry]:
    yield from ((f"{dataset}-{number}", entry) for number, entry in enumerate(results))


def _settings(path: Path) -> Record:
    """Return model, temperature and limits, which the file itself or the summary above it has."""
    whole = settings_of(path, "categories").get(("metadata",))
    summary = path.resolve().parent.parent / "summary.json"
    if whole is None and summary.is_file():
        try:
            whole = json.loads(summary.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as fault:
            raise ValueError(f"{summary} is damaged ({fault}); fetch it again") from fault
    known = whole if isinstance(whole, dict) else {}
    return {key: known.get(key) for key in ("model", "temperature")} | limits_of(known)


def _samples(
    entry: Record, name: str, settings: Record, is_partial: bool
) -> Iterator[tuple[str, Record]]:
    shared = settings | {
        "problem_id": name,
        "problem": entry["question"],
        "gold": None if is_partial else entry["expected_answer"],
    }
    if not entry["completions"]:  # none was drawn, and the script counts it as a score of 0
        failure = entry.get("error") or "it has no completion"
        yield "", shared | {"text": "", "stop_reason": "error", "error": failure}
    for number, completion in enumerate(entry["completions"], start=1):
        score, failed = completion["score"], "error" in completion
        yield (
            f"completion {number}",
            shared
            | {
                "text": completion["full_model_response"] or "",
                "answer": None if failed else completion["model_answer"],
                "correct": bool(score) if score in (0, 1) and not failed else None,
                "reward": score if is_partial and not failed else None,
            },
        )
