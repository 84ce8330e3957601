"""Imported programs: their problems, with the tests, come from a task, not from the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.config.schema import TaskSettings
from workbench.core.console import notice
from workbench.core.types import Problem
from workbench.interchange.survey import Survey
from workbench.tasks import TASKS
from workbench.tasks.program_source import begins_program

HUMANEVAL = "HumanEval/"
"""How the names of HumanEval's problems begin."""


def program_task(
    found: Survey | None, facts: dict[str, Any], overrides: Sequence[str], regrade: bool
) -> dict[str, Any] | None:
    """Return the ``task`` section of an import whose answers are programs; None for another.

    That is so where ``--set task.name=...`` names such a task, and where problems of HumanEval are
    to be graded again; the latter is kept in ``facts``.
    """
    name = named_program_task(overrides).get("task", "")
    if not name and regrade and found is not None:
        problems = found.problems
        if all(p.startswith(HUMANEVAL) and "gold" not in problems[p].shared for p in problems):
            facts["programs"] = "humaneval"
            notice("import: the texts are graded as programs by the tests of the task humaneval")
    name = name or facts.get("programs", "")
    return {"name": name, "prompt": "completion"} if name else None


def named_program_task(overrides: Sequence[str]) -> dict[str, str]:
    """Return the task that settings name, as ``task``, where its answers are programs; else none.

    >>> named_program_task(["task.name=humaneval"]), named_program_task(["task.name=gsm8k"])
    ({'task': 'humaneval'}, {})
    """
    own = dict(override.partition("=")[::2] for override in overrides)
    name = own.get("task.name", "").strip()
    return {"task": name} if name in TASKS and TASKS[name].programs else {}


def take_tests(found: Survey, task: TaskSettings) -> None:
    """Give the problems of a survey the tests that the task has for them.

    A problem is known by its name, or by what stands behind the last slash in the task's name. Its
    question is the file's where that begins a program, else the task's.

    Raises:
        ValueError: the task has no such problem, or cannot be read.
    """
    theirs = {problem.id: problem for problem in TASKS[task.name].problems(task)}
    short = {name.rpartition("/")[2]: name for name in theirs}
    missing = [p for p in found.problems if p not in theirs and p not in short]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(found.problems)} problems are not among the {len(theirs)} of "
            f"the task {task.name} (first: {missing[0]!r}); leave them out with --where, or give "
            "another --set task.source"
        )
    for name, summary in found.problems.items():
        known = theirs.get(name) or theirs[short[name]]
        found.known[name] = _with_question(known, name, summary.shared)


def _with_question(known: Problem, name: str, shared: Mapping[str, str]) -> Problem:
    question = shared.get("problem", "")
    if not begins_program(question, known.metadata["entry_point"]):
        question = known.question
    metadata = {**known.metadata, "wordings": [known.question]}
    return replace(known, id=name, question=question, metadata=metadata)
