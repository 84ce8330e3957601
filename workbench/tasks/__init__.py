"""TASKS: where problems come from, how they are asked, and what counts as right.

Adding a task is one file beside this one and one line in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workbench import config
from workbench.prompts import Example
from workbench.tasks import arithmetic, gsm8k, jsonl, math500
from workbench.tasks.compare import Checker
from workbench.types import Problem


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of problem. ``settings`` is always the experiment's ``task`` section."""

    load: Callable[[config.Task], list[Problem]]
    """The problems, in order; asking for more of them keeps the first ones as they were."""
    examples: Callable[[config.Task], list[Example]]
    """Worked examples for the prompt, none of them one of the problems."""
    extract: Callable[[str, config.Task], tuple[str | None, str]]
    """(completion, settings) -> (answer or None, the rule that found it)."""
    checker: Callable[[config.Task], Checker]
    """How its answers are compared with the known ones, and with one another."""
    check: Callable[[config.Task], None]
    """Refuse bad settings before anything heavy is loaded: ValueError, one fault a line, each
    beginning with its key (``options.seed: ...``)."""
    on_hub: Callable[[config.Task], bool]
    """Whether the problems have to be fetched from a hub; others can be looked at in no time."""
    instruction: str
    """What a model is told where the experiment's ``task.system`` says nothing."""
    summary: str


TASKS: dict[str, Task] = {
    "arithmetic": Task(
        arithmetic.load,
        arithmetic.examples,
        arithmetic.extract,
        arithmetic.checker,
        arithmetic.check,
        arithmetic.on_hub,
        arithmetic.INSTRUCTION,
        "generated sums and differences of whole numbers, difficulty set by options",
    ),
    "gsm8k": Task(
        gsm8k.load,
        gsm8k.examples,
        gsm8k.extract,
        gsm8k.checker,
        gsm8k.check,
        gsm8k.on_hub,
        gsm8k.INSTRUCTION,
        "grade-school word problems (openai/gsm8k on the hub, or a local JSONL)",
    ),
    "math500": Task(
        math500.load,
        math500.examples,
        math500.extract,
        math500.checker,
        math500.check,
        math500.on_hub,
        math500.INSTRUCTION,
        "competition mathematics (MATH-500, or any local JSONL with LaTeX answers)",
    ),
    "jsonl": Task(
        jsonl.load,
        jsonl.examples,
        jsonl.extract,
        jsonl.checker,
        jsonl.check,
        jsonl.on_hub,
        jsonl.INSTRUCTION,
        "any local JSONL: exact, integer, numeric, choice or math comparison (options.compare)",
    ),
}
