"""What a task is: where problems come from, how they are asked and what counts as right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench.config import schema as config
from workbench.core.types import Problem
from workbench.tasks.checkers import Checker


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its worked solution, shown to the model before the one it is asked."""

    question: str
    solution: str


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of problem. ``settings`` is always the experiment's ``task`` section."""

    load: Callable[[config.TaskSettings], list[Problem]]
    """The problems, in order; asking for more of them keeps the first ones as they were."""
    examples: Callable[[config.TaskSettings], list[Example]]
    """Worked examples for the prompt, none of them one of the problems."""
    extract: Callable[[str, config.TaskSettings], tuple[str | None, str]]
    """(completion, settings) -> (answer or None, the rule that found it)."""
    checker: Callable[[config.TaskSettings], Checker]
    """How its answers are compared with the known ones, and with one another."""
    check: Callable[[config.TaskSettings], None]
    """Refuse bad settings before anything heavy is loaded: ValueError, one fault a line, each
    beginning with its key (``options.seed: ...``)."""
    on_hub: Callable[[config.TaskSettings], bool]
    """Whether the problems have to be fetched from a hub; others can be looked at in no time."""
    instruction: str
    """What a model is told where the experiment's ``task.system`` says nothing."""
    summary: str
