"""Chooses how the answers to one's own questions are compared, where the user does not say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.config.schema import TaskSettings
from workbench.tasks import TASKS
from workbench.tasks.checkers import OF_WORDS
from workbench.tasks.gold_kinds import options_of_golds
from workbench.tasks.problem_files import parse_record, read_once


def chosen_options(task: TaskSettings) -> tuple[dict[str, Any], str]:
    """Return the options of task ``jsonl`` that suit its known answers, and why.

    Nothing is chosen, so that answers are compared as ``math``, for another task, where the
    experiment says how answers are compared or gives an option of a comparison, and for numbers and
    formulas, which ``math`` compares.

    Raises:
        ValueError: the problem file cannot be read.
    """
    if task.name != "jsonl" or "compare" in task.options or task.source is None:
        return {}, ""
    if not Path(task.source).expanduser().is_file():
        return {}, ""
    problems = read_once(task.source, "problem", parse_record)[: task.num_problems]
    options, why = options_of_golds(p.gold for p in problems if p.gold is not None)
    if any("choices" in problem.metadata for problem in problems):
        options, why = {"compare": "choice"}, "the problems have choices"
    if options["compare"] not in OF_WORDS:
        return {}, ""
    suited = replace(task, options=task.options | options)
    try:
        TASKS["jsonl"].check(suited)
        TASKS["jsonl"].load(suited)
    except ValueError:  # another option or some known answer does not go with it
        return {}, ""
    return options, why
