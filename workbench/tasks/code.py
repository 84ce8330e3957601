"""Task ``code``: functions to be written, of one's own JSONL file with tests.

What a line holds is said in ``code_problems.parse_code``.
"""

from __future__ import annotations

from operator import eq

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks import problem_files
from workbench.tasks.checkers import Checker
from workbench.tasks.code_problems import option_faults, parse_code, with_visible
from workbench.tasks.program_extraction import program_of_block
from workbench.tasks.task import Example
from workbench.tasks.worked_examples import raise_faults

INSTRUCTION = (
    "Write a Python function that solves the problem. Put the whole program, with its imports, "
    "into one block that begins with ```python and ends with ```."
)
OPTIONS = ("visible_tests",)
"""- ``visible_tests``: how many of a problem's tests, from the first, may be shown, and their
  arguments used to tell programs apart; by default none. All others are hidden."""


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError for unknown or faulty options, a missing file or too many examples."""
    faults = option_faults(settings, OPTIONS)
    if settings.source is None:
        faults.append(
            "source: missing; give the path of a JSONL file with the keys 'prompt', 'entry_point' "
            "and 'tests'"
        )
    else:
        faults += problem_files.missing_file("source", settings.source)
    raise_faults(faults, settings, 0)


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of the file."""
    check(settings)
    problems = problem_files.read_once(settings.source or "", "problem", parse_code)
    chosen = problem_files.first_problems(settings, settings.source, problems)
    visible = settings.options.get("visible_tests", 0)
    return [with_visible(problem, visible) for problem in chosen]


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return none: problems of one's own have the examples of ``task.examples``."""
    return []


def extract(text: str, settings: config.TaskSettings) -> tuple[str | None, str]:
    """Return the last fenced block of a text, and the rule that found it.

    That is all that can be said without the problem, which ``find_program`` knows.
    """
    return program_of_block(text)


def checker(settings: config.TaskSettings) -> Checker:
    """Return the comparison of what programs answer, in a spelling that is theirs alone."""
    return Checker(str, eq, eq)
