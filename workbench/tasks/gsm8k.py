"""Task ``gsm8k``: grade-school word problems, from the hub or local JSONL files.

Worked examples come from the training split, never from the problems that are asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks import problem_files
from workbench.tasks.task import Example
from workbench.tasks.worked_examples import raise_faults

INSTRUCTION = r"Solve the problem step by step, and put your final answer in \boxed{}."
NUM_EXAMPLES = 16
"""How many worked examples there are: the first of the training split that are not problems."""

_ANNOTATION = re.compile(r"<<[^<>]*>>")
_FINAL = "####"


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError for unknown options, missing files or too many examples."""
    others = [name for name in settings.options if name != "train"]
    faults = [f"options.{name}: unknown option; task gsm8k has only 'train'" for name in others]
    faults += DATASET.faults(settings.source)
    train = settings.options.get("train")
    if train is not None and not isinstance(train, str):
        faults.append(f"options.train: expected the path of a JSONL file, got {train!r}")
    elif train is not None:
        faults += problem_files.missing_file("options.train", train)
    elif (
        settings.few_shot
        and settings.examples is None
        and problem_files.local_path(settings.source) is not None
    ):
        faults.append(
            f"options.train: {settings.few_shot} worked examples are asked for and the problems "
            "are a local file; give the path of a JSONL file of the training split, or one of "
            "worked examples as task.examples"
        )
    raise_faults(faults, settings, NUM_EXAMPLES)


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of a local file, or of the hub's test split."""
    check(settings)
    problems = DATASET.read(settings.source, "test")
    return problem_files.first_problems(settings, settings.source or DATASET.name, problems)


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return the first 16 problems of the training split that the source does not hold.

    They do not depend on how many problems are asked. ValueError where one lacks a solution.
    """
    check(settings)
    train = settings.options.get("train")
    if train is None and problem_files.local_path(settings.source) is None:
        train = settings.source
    elif train is None:
        return []
    asked = {problem.question for problem in DATASET.read(settings.source, "test")}
    others = (p for p in DATASET.read(train, "train") if p.question not in asked)
    return [_example(problem) for problem in islice(others, NUM_EXAMPLES)]


def _parse(record: Mapping[str, Any], default_id: str) -> Problem:
    """Read one problem: the answer stands by itself, or behind the solution's ``####``."""
    fields = dict(record)
    worked = fields.get("answer")
    if isinstance(worked, str) and _FINAL in worked:
        fields["answer"] = worked.rpartition(_FINAL)[2]
        if fields.get("gold") is None:
            fields["solution"] = worked
    for key in ("gold", "answer"):
        if isinstance(fields.get(key), str):
            fields[key] = fields[key].replace(",", "").strip()
    return problem_files.parse_record(fields, default_id)


DATASET = problem_files.HubDataset(
    name="openai/gsm8k",
    part="main",
    prefix="gsm8k",
    parse=_parse,
    instead="without the network, set task.source to a local JSONL file with the keys 'problem' "
    "and 'gold', or 'question' and 'answer', and task.options.train to one of the training split",
)


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
