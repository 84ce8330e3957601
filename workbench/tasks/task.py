"""What a task is: where problems come from, how they are asked and what counts as right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks.checkers import CHECKERS, Checker
from workbench.tasks.math_answers import extract_answer
from workbench.tasks.problem_files import local_path


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its worked solution, shown to the model before the one it is asked."""

    question: str
    solution: str


def extract_by_rules(text: str, settings: config.TaskSettings) -> tuple[str | None, str]:
    """Return the answer that ``extract_answer`` finds in a completion, and the rule that found it.

    The last number of a text counts only where the experiment's ``task.last_number`` allows it.
    """
    return extract_answer(text, last_number=settings.last_number)


def math_checker(settings: config.TaskSettings) -> Checker:
    """Return math-verify's comparison."""
    return CHECKERS["math"]


def source_is_on_hub(settings: config.TaskSettings) -> bool:
    """Say whether ``task.source`` is missing or a data set's name, rather than a local file."""
    return local_path(settings.source) is None


def never_on_hub(settings: config.TaskSettings) -> bool:
    """Return False: the problems are a local file, or are generated here."""
    return False


def boxed_text(answer: str) -> str:
    r"""Return a text that gives an answer as most instructions ask for it.

    >>> boxed_text("13")
    'So \\boxed{13}.'
    """
    return rf"So \boxed{{{answer}}}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    r"""One kind of problem. ``settings`` is always the experiment's ``task`` section.

    A task whose answers are mathematics in a ``\boxed{}`` needs none of the fields with a default.
    One with its own way of writing answers has its own ``extract``, ``checker`` and ``right_text``.
    """

    load: Callable[[config.TaskSettings], list[Problem]]
    """The problems, in order; asking for more of them keeps the first ones as they were."""
    examples: Callable[[config.TaskSettings], list[Example]]
    """Worked examples for the prompt, none of them one of the problems."""
    check: Callable[[config.TaskSettings], None]
    """Refuses bad settings before anything heavy is loaded: ValueError, one fault a line, each
    beginning with its key (``options.seed: ...``)."""
    instruction: str
    """What a model is told where the experiment's ``task.system`` says nothing."""
    summary: str
    """One line for the list of tasks."""
    extract: Callable[[str, config.TaskSettings], tuple[str | None, str]] = extract_by_rules
    """(completion, settings) -> (answer or None, the rule that found it)."""
    checker: Callable[[config.TaskSettings], Checker] = math_checker
    """How its answers are compared with the known ones, and with one another."""
    on_hub: Callable[[config.TaskSettings], bool] = source_is_on_hub
    """Whether the problems have to be fetched from a hub; others can be looked at in no time."""
    right_text: Callable[[str], str] = boxed_text
    """(known answer) -> a completion from which ``extract`` returns it: what the tests of all
    tasks check a task with."""
