"""Worked examples: which of a task's, or of a file of one's own, stand in the prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks import multiple_choice, problem_files
from workbench.tasks.task import Example, Task


def worked_examples(task: Task, settings: config.TaskSettings) -> list[Example]:
    """Return ``few_shot`` examples of the file ``task.examples``, or else of the task itself.

    They are the first ones, or with ``task.examples_seed`` drawn from all of them at random,
    without replacement and in random order: see ``drawn_examples``.

    Raises:
        ValueError: there are fewer, or they cannot be read.
    """
    if not settings.few_shot:
        return []
    _, path = examples_file(settings)
    found = task.examples(settings) if path is None else read_examples(path)
    raise_faults([], settings, len(found))
    if settings.examples_seed is None:
        return found[: settings.few_shot]
    return drawn_examples(found, settings.few_shot, np.random.default_rng(settings.examples_seed))


def drawn_examples(
    examples: Sequence[Example], count: int, rng: np.random.Generator
) -> list[Example]:
    """Return ``count`` examples, drawn at random without replacement, in the order drawn.

    They begin a random order of all the examples, so that with the same seed the two of
    ``few_shot: 2`` are the first two of ``few_shot: 4``: what differs between the two prompts is
    the number of examples alone.

    Example:
        >>> four = [Example(word, "") for word in ("a", "b", "c", "d")]
        >>> def drawn(seed, count):
        ...     rng = np.random.default_rng(seed)
        ...     return [example.question for example in drawn_examples(four, count, rng)]
        >>> drawn(0, 2), drawn(0, 4), drawn(2, 4)
        (['c', 'a'], ['c', 'a', 'b', 'd'], ['d', 'c', 'a', 'b'])
    """
    return [examples[at] for at in rng.permutation(len(examples))[:count]]


def read_examples(path: str) -> list[Example]:
    """Read a file of worked examples: ``problem``, ``solution``, and columns of one's own.

    An example with ``choices`` shows them under its question, as a problem does.

    Raises:
        ValueError: it is not a valid problem file, or a line has no solution.
    """
    worked = problem_files.read_once(path, "example", _parse)
    return [Example(one.question, one.gold or "", one.metadata) for one in worked]


def _parse(record: Mapping[str, Any], default_id: str) -> Problem:
    """Read a worked example as a problem whose known answer is the solution."""
    if record.get("solution") is None:
        raise ValueError("no solution: needs the key 'solution'")
    unused = (*problem_files.GOLD_KEYS, "solution")
    others = {key: value for key, value in record.items() if key not in unused}
    choices = multiple_choice.read_choices(record)
    problem = problem_files.parse_record(others | {"gold": record["solution"]}, default_id)
    question = multiple_choice.question_with_choices(problem.question, choices)
    return replace(problem, question=question)


def refuse_asked(
    examples: Sequence[Example], problems: Sequence[Problem], settings: config.TaskSettings
) -> None:
    """Raise ValueError where an example of a file is one of the problems that are asked."""
    key, path = examples_file(settings)
    asked = {problem.question: problem.id for problem in problems} if path else {}
    for example in examples:
        if example.question in asked:
            raise ValueError(
                f"{key}: {example.question[:60]!r} of {path} is also problem "
                f"{asked[example.question]}; an example must not give an answer away"
            )


def examples_file(settings: config.TaskSettings) -> tuple[str, Any]:
    """Return the key that names a file of examples, and the file; None where there is none."""
    if settings.examples is None and "examples" in settings.options:
        return "options.examples", settings.options["examples"]  # so older experiments say it
    return "examples", settings.examples


def example_faults(settings: config.TaskSettings, own: int) -> list[str]:
    """Return what is wrong with the examples, one fault or none; ``own`` are those of the task."""
    key, path = examples_file(settings)
    available = own
    if "examples" in settings.options and key == "examples":
        return ["options.examples: task.examples names a file as well; leave this one out"]
    if path is None and settings.few_shot and not own:
        return [
            f"few_shot: {settings.few_shot} worked examples are asked for; give a file of them "
            "as task.examples, with the keys 'problem' and 'solution'"
        ]
    if path is not None and not isinstance(path, str):
        return [f"{key}: expected the path of a JSONL file, got {path!r}"]
    if path is not None:
        if missing := problem_files.missing_file(key, path):
            return missing
        try:
            available = len(read_examples(path))
        except ValueError as error:
            first, *others = str(error).splitlines()
            told = f"{first} {'; '.join(others)}" if first.endswith(":") else str(error)
            return [f"{key}: {told}"]
    if settings.few_shot <= available:
        return []
    whose = f"task {settings.name!r}" if path is None else path
    return [
        f"few_shot: {settings.few_shot} worked examples are asked for, {whose} has {available}; "
        "lower few_shot"
    ]


def raise_faults(faults: list[str], settings: config.TaskSettings, own: int) -> None:
    """Raise ValueError for faults of a task's settings, one a line, and those of its examples."""
    faults = faults + example_faults(settings, own)
    if faults:
        raise ValueError("\n".join(faults))
