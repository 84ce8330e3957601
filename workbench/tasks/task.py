"""What a task is: where problems come from, how they are asked and what counts as right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.config import schema as config
from workbench.core.call_check import refuse_call
from workbench.core.types import Problem
from workbench.tasks.answer_extraction import extract_answer
from workbench.tasks.checkers import CHECKERS, Checker
from workbench.tasks.problem_files import local_path


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its worked solution, shown to the model before the one it is asked."""

    question: str
    solution: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Its other columns, for a template."""


def extract_by_rules(text: str, settings: config.TaskSettings) -> tuple[str | None, str]:
    """Return the answer that ``extract_answer`` finds in a completion, and the rule that found it.

    The last number of a text counts only where the experiment's ``task.last_number`` allows it.
    """
    return extract_answer(text, last_number=settings.last_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    r"""One kind of problem. ``settings`` is always the experiment's ``task`` section.

    A task whose answers are mathematics in a ``\boxed{}`` needs none of the fields with a default.
    One with its own way of writing answers has its own ``extract`` and ``checker``.
    """

    load: Callable[[config.TaskSettings], list[Problem]]
    """The problems, in order; asking for more of them keeps the first ones as they were. ValueError
    where they cannot be read or are fewer than are asked for."""
    examples: Callable[[config.TaskSettings], list[Example]]
    """The task's own worked examples for the prompt, none of them one of the problems; empty where
    it has none. ValueError where they cannot be read."""
    check: Callable[[config.TaskSettings], None]
    """Refuses bad settings before anything heavy is loaded: ValueError, one fault a line, each
    beginning with its key (``options.seed: ...``)."""
    instruction: str
    """What a model is told where the experiment's ``task.system`` says nothing."""
    summary: str
    """One line for the list of tasks."""
    extract: Callable[[str, config.TaskSettings], tuple[str | None, str]] = extract_by_rules
    """(completion, settings) -> (answer or None, the rule that found it)."""
    checker: Callable[[config.TaskSettings], Checker] = lambda settings: CHECKERS["math"]
    """How its answers are compared with the known ones, and with one another."""
    programs: bool = False
    """Whether its answers are programs: its problems are those of ``code_problems.py``, and what is
    right is decided by their tests, in the sandbox, instead of by ``checker``."""
    hub: bool = True
    """Whether its problems are on a hub, where ``task.source`` is no local file."""

    def __repr__(self) -> str:
        """Say what it is."""
        return f"Task({self.summary!r})"

    def __post_init__(self) -> None:
        """Refuse functions that do not take what they will be given; TypeError."""
        for key in ("load", "examples", "check", "checker"):
            refuse_call(key, getattr(self, key), ("settings",))
        refuse_call("extract", self.extract, ("text", "settings"))

    def problems(self, settings: config.TaskSettings) -> list[Problem]:
        """Return what ``load`` does, after a look at it: a plug-in may have written it.

        Raises:
            ValueError: as ``load``; or there are no problems, two have the same id, or a field of
                one is not of its type.
        """
        problems = [*self.load(settings)]
        if not problems:
            raise ValueError(f"the task {settings.name!r} has no problems; nothing can be asked")
        seen: set[str] = set()
        for at, one in enumerate(problems):
            if not isinstance(one, Problem):
                raise ValueError(f"the task {settings.name!r}: problem {at} is no Problem: {one!r}")
            for key, kinds in (("id", str), ("question", str), ("gold", str | None)):
                if not isinstance(value := getattr(one, key), kinds):
                    raise ValueError(
                        f"the task {settings.name!r}: {key!r} of problem {at} must be a text, got "
                        f"{value!r}"
                    )
            if one.id in seen:
                raise ValueError(
                    f"the task {settings.name!r}: problem {at} has the id {one.id!r}, as one "
                    "before it; give each its own"
                )
            seen.add(one.id)
        return problems

    def answer_of(self, text: str, settings: config.TaskSettings) -> tuple[str | None, str]:
        """Return what ``extract`` finds in a text; ValueError where that is not of its type."""
        found = self.extract(text, settings)
        match found:
            case (str() | None, str()):
                return found
        raise ValueError(
            f"the task {settings.name!r}: extract must return two values, the answer (a text or "
            f"None) and the name of the rule that found it, got {found!r}"
        )

    def on_hub(self, settings: config.TaskSettings) -> bool:
        """Say whether the problems have to be fetched; others can be looked at in no time."""
        return self.hub and local_path(settings.source) is None
