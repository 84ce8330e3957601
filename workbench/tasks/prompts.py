"""Builds the prompt of a problem from instruction, worked examples and question."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from workbench.config import schema as config
from workbench.core.types import Problem, Prompt
from workbench.tasks.task import Task


def build_prompt(problem: Problem, task: Task, settings: config.TaskSettings) -> Prompt:
    r"""Return the prompt of one problem.

    A chat prompt is the instruction as a system message, each example as a turn of the user and one
    of the assistant, and the question. A completion prompt is one text for the model to continue::

        INSTRUCTION

        Q: What is 4 + 9?
        A: We add 4 and 9 to get 13. The answer is \boxed{13}.

        Q: What is 2 + 2?
        A:

    Raises:
        ValueError: more examples are asked for than the task has.
    """
    instruction = task.instruction if settings.system is None else settings.system
    examples = task.examples(settings) if settings.few_shot else []
    raise_faults([], settings, len(examples))
    shown = examples[: settings.few_shot]
    if settings.prompt == "completion":
        blocks = [instruction] if instruction else []
        blocks += [f"Q: {example.question}\nA: {example.solution}" for example in shown]
        return Prompt(text="\n\n".join([*blocks, f"Q: {problem.question}\nA:"]))
    turns = [("system", instruction)] if instruction else []
    for example in shown:
        turns += [("user", example.question), ("assistant", example.solution)]
    turns.append(("user", problem.question))
    messages = tuple({"role": role, "content": text} for role, text in turns)
    return Prompt(messages=messages, template_options=settings.template_options)


def too_many_examples(settings: config.TaskSettings, available: int) -> list[str]:
    """Return a list with the fault that more worked examples are asked for than there are."""
    if settings.few_shot <= available:
        return []
    return [
        f"few_shot: {settings.few_shot} worked examples are asked for, "
        f"task {settings.name!r} has {available}; lower few_shot"
    ]


def raise_faults(faults: list[str], settings: config.TaskSettings, available: int) -> None:
    """Raise ValueError for faults of a task's settings, one a line, and for too many examples."""
    faults = faults + too_many_examples(settings, available)
    if faults:
        raise ValueError("\n".join(faults))


def prompt_hash(prompt: Prompt) -> str:
    """SHA-256 of a prompt, 64 hexadecimal digits: equal exactly when the prompts are."""
    parts = asdict(prompt)
    if not prompt.template_options:  # prompts had none at first
        del parts["template_options"]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
