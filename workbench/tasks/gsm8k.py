"""Task ``gsm8k``: grade-school word problems, from the hub or local JSONL files.

Worked examples come from the training split, never from the problems that are asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks.checkers import CHECKERS, Checker
from workbench.tasks.math_answers import extract_answer
from workbench.tasks.problem_files import (
    first_problems,
    local_path,
    missing_file,
    parse_record,
    read_hub,
    read_jsonl,
)
from workbench.tasks.prompts import require_examples
from workbench.tasks.task import Example

HUB_NAME = "openai/gsm8k"
PART = "main"
PREFIX = "gsm8k"
INSTRUCTION = r"Solve the problem step by step, and put your final answer in \boxed{}."
NUM_EXAMPLES = 16
"""So many worked examples there are: the first of the training split that are not asked."""
INSTEAD = (
    "without the network, set task.source to a local JSONL file with the keys 'problem' and "
    "'gold', or 'question' and 'answer', and task.options.train to one of the training split"
)

_ANNOTATION = re.compile(r"<<[^<>]*>>")
_FINAL = "####"


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError for unknown options, missing files or too many examples."""
    faults = [
        f"options.{name}: unknown option; task gsm8k has only 'train'"
        for name in settings.options
        if name != "train"
    ]
    path = local_path(settings.source)
    if path is not None:
        faults += missing_file("source", path, f", and without source it is {HUB_NAME} of the hub")
    train = settings.options.get("train")
    if train is not None and not isinstance(train, str):
        faults.append(f"options.train: expected the path of a JSONL file, got {train!r}")
    elif train is not None:
        faults += missing_file("options.train", Path(train).expanduser())
    elif settings.few_shot and path is not None:
        faults.append(
            f"options.train: {settings.few_shot} worked examples are asked for and the problems "
            "are a local file; give the path of a JSONL file of the training split"
        )
    try:
        require_examples(settings, NUM_EXAMPLES)
    except ValueError as error:
        faults.append(str(error))
    if faults:
        raise ValueError("\n".join(faults))


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of a local file, or of the hub's test split.

    Raises:
        ValueError: the file is not a valid problem file, the hub cannot be reached, or there are
            fewer problems than are asked for.
    """
    check(settings)
    problems = list(_everything(*_place(settings.source, "test")))
    return first_problems(settings, settings.source or HUB_NAME, problems)


def on_hub(settings: config.TaskSettings) -> bool:
    """Say whether the problems have to be fetched from the hub."""
    return local_path(settings.source) is None


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return the first 16 problems of the training split that the source does not hold.

    They do not depend on how many problems are asked.

    Raises:
        ValueError: the training split cannot be read, or lacks a solution.
    """
    check(settings)
    train = settings.options.get("train")
    if train is None and on_hub(settings):
        train = settings.source
    elif train is None:
        return []
    asked = {problem.question for problem in _everything(*_place(settings.source, "test"))}
    found: list[Example] = []
    for problem in _everything(*_place(train, "train")):
        if problem.question not in asked and len(found) < NUM_EXAMPLES:
            found.append(_example(problem))
    return found


def extract(text: str, settings: config.TaskSettings) -> tuple[str | None, str]:
    """Return the answer of a completion and the rule that found it."""
    return extract_answer(text, last_number=settings.last_number)


def checker(settings: config.TaskSettings) -> Checker:
    """Return math-verify's comparison."""
    return CHECKERS["math"]


Place = tuple[str, str, int]
"""A file with its time of change, or a data set of the hub with the split."""


def _place(source: str | None, split: str) -> Place:
    path = local_path(source)
    if path is None:
        return source or HUB_NAME, split, 0
    return str(path), "", path.stat().st_mtime_ns


@lru_cache(maxsize=4)
def _everything(source: str, split: str, changed: int) -> tuple[Problem, ...]:
    """Return all problems of a place; remembered, since every prompt asks for the examples."""
    if not split:
        return tuple(read_jsonl(source, PREFIX, _parse))
    part = PART if source == HUB_NAME else None
    return tuple(read_hub(source, split, PREFIX, _parse, part=part, instead=INSTEAD))


def _parse(record: Mapping[str, Any], default_id: str) -> Problem:
    """Read one problem: the answer stands by itself, or behind the solution's ``####``."""
    fields = dict(record)
    worked = fields.get("answer")
    if fields.get("gold") is None and isinstance(worked, str) and _FINAL in worked:
        fields["solution"] = worked
        fields["gold"] = worked.rpartition(_FINAL)[2]
    for key in ("gold", "answer"):
        if isinstance(fields.get(key), str):
            fields[key] = fields[key].replace(",", "").strip()
    return parse_record(fields, default_id)


def _example(problem: Problem) -> Example:
    solution = problem.metadata.get("solution")
    if not isinstance(solution, str):
        raise ValueError(
            f"{problem.id} of the training split has no solution to show; it needs the key "
            "'solution', or 'answer' with the steps, '####' and the answer"
        )
    steps = _ANNOTATION.sub("", solution.rpartition(_FINAL)[0] or solution).strip()
    # On one line: a completion prompt is stopped at the end of a line.
    words = " ".join(line.strip() for line in steps.splitlines() if line.strip())
    end = "" if words.endswith((".", "!", "?")) else "."
    return Example(problem.question, rf"{words}{end} The answer is \boxed{{{problem.gold}}}.")
