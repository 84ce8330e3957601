"""Samples of Every Eval Ever: ``UUID_samples.jsonl`` beside the results ``UUID.json``.

A line is a sample of one evaluation with a score, ``is_correct`` and the answer that was found. The
temperature and the limits are in the results file. Scores other than 0 and 1 are marks: they are
read as rewards, and correctness is unknown. Read are the schemas since 0.2; of a newer one what is
alike.
Source: https://github.com/evaleval/every_eval_ever, ``instance_level_eval.schema.json`` and
``eval.schema.json``, 0.2 and 0.3.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers import jsonl
from workbench.interchange.readers.inspect_scores import Scale
from workbench.interchange.readers.newer_versions import EVERY_EVAL_EVER_KEYS, say_newer
from workbench.interchange.readers.records import (
    LocatedRecord,
    Record,
    limits_of,
    say_once,
    split_row,
)

INTERPRETATION = (
    "sample_id as the problem, output.raw as the texts, is_correct as correctness where the scores "
    "are 0 and 1, otherwise they are rewards; the temperature by the results file beside it"
)
KNOWN = re.compile(r"(.*_)?0\.[23](\..*)?")
"""The versions of the schema that are known."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it or the results beside it are damaged."""
    scales: dict[str | None, Scale] = {}
    newer: set[str] = set()
    columns: set[str] = set()
    for _, row in jsonl.read(path):
        if isinstance(row, dict) and isinstance(row.get("evaluation"), dict):
            with suppress(TypeError):  # a row of another make is named when it is read
                scales.setdefault(_grader(row), Scale()).add(row["evaluation"].get("score"))
            version = str(row.get("schema_version"))
            if not KNOWN.fullmatch(version):
                newer.add(version)
                columns.update(row)
    if newer:
        remark = f"{path.name} has rows of schema {', '.join(sorted(newer))}; 0.2 and 0.3 are known"
        say_newer(remark, columns, EVERY_EVAL_EVER_KEYS)
    for name, scale in scales.items():
        if not scale.is_correctness:
            say_once(f"{path.name}: {scale.remark(str(name))}")
    split = partial(_samples, scales=scales, drawn=_drawn(path))
    for located in jsonl.read(path):
        yield from split_row(located, split, "not in the known form of Every Eval Ever")


def _drawn(path: Path) -> Record:
    """Return temperature and limits by the results beside a file of samples, where all agree."""
    results = path.with_name(f"{path.stem.removesuffix('_samples')}.json")
    if results == path or not results.is_file():
        return {}
    try:
        whole = json.loads(results.read_text(encoding="utf-8"))
        configs = [one.get("generation_config") or {} for one in whole["evaluation_results"]]
        given = [config.get("generation_args") or {} for config in configs]
        found = [{"temperature": args.get("temperature")} | limits_of(args) for args in given]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise ValueError(f"{results} is damaged ({fault!r}); fetch it again") from fault
    first = found[0] if found else {}
    return {name: v for name, v in first.items() if all(one[name] == v for one in found)}


def _grader(row: Record) -> str | None:
    return row.get("evaluation_result_id") or row.get("evaluation_name")


def _samples(
    row: Record, scales: dict[str | None, Scale], drawn: Record
) -> Iterator[tuple[str, Record]]:
    given, evaluation, scale = row["input"], row["evaluation"], scales[_grader(row)]
    references = given.get("reference") or []
    references = [references] if isinstance(references, str) else references
    is_mark = scale.has_marks
    record = drawn | {
        "problem_id": row["sample_id"],
        "problem": _question(given),
        "gold": references[0] if len(references) == 1 and not is_mark else None,
        "model": row.get("model_id"),
        "answer": _answer(row),
        "correct": None if is_mark else evaluation.get("is_correct"),
        "reward": scale.reward(evaluation.get("score")) if is_mark else None,
        "graded_by": _grader(row),
    }
    if row.get("error"):
        record |= {"stop_reason": "error", "error": row["error"], "correct": None}
    if (row.get("output") or {}).get("media"):
        raise ValueError("its outputs are media, such as pictures, and no texts")
    texts = _texts(row)
    if len(texts) > 1:  # one score is of none of them in particular
        record |= {"correct": None, "reward": None, "answer": None}
    else:
        record["num_tokens"] = (row.get("token_usage") or {}).get("output_tokens")
    thoughts = (row.get("output") or {}).get("reasoning_trace") or []
    for number, text in enumerate(texts, start=1):
        own = {"text": text, "thought": thoughts[number - 1] if number <= len(thoughts) else None}
        yield f"output {number}" if len(texts) > 1 else "", record | own


def _question(given: Record) -> Any:
    choices = given.get("choices") or []
    letters = (chr(ord("A") + number) for number in range(len(choices)))
    options = [f"{letter}) {choice}" for letter, choice in zip(letters, choices, strict=True)]
    return "\n".join([given["raw"], *options])


def _texts(row: Record) -> list[str]:
    """Return the texts of a sample: its outputs, or the last message of the assistant."""
    raw = (row.get("output") or {}).get("raw")
    if raw is None:
        said = [m for m in row.get("messages") or [] if m.get("role") == "assistant"]
        raw = (said[-1].get("content") or "") if said else ""
    return [raw] if isinstance(raw, str) else [*raw] or [""]


def _answer(row: Record) -> Any:
    found = [one for one in row.get("answer_attribution") or [] if one.get("is_terminal", True)]
    return found[-1].get("extracted_value") if found else None
