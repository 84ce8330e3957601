"""From a problem to what a model is asked: instruction, worked examples, question."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from workbench.config import schema as config
from workbench.core.types import Problem, Prompt
from workbench.tasks.task import Example, Task


def build_prompt(problem: Problem, task: Task, settings: config.TaskSettings) -> Prompt:
    r"""Return the prompt of one problem.

    A chat prompt is the instruction as a system message, each example as a turn of the user and one
    of the assistant, and the question. A completion prompt is one text to go on from::

        INSTRUCTION

        Q: What is 4 + 9?
        A: We add 4 and 9 to get 13. The answer is \boxed{13}.

        Q: What is 2 + 2?
        A:

    Args:
        problem: the question.
        task: a row of ``TASKS``: it has the examples and the default instruction.
        settings: the experiment's ``task`` section: how many examples, which form.

    Raises:
        ValueError: more examples are asked for than the task has.
    """
    instruction = task.instruction if settings.system is None else settings.system
    examples: list[Example] = []
    if settings.few_shot:
        examples = task.examples(settings)
        require_examples(settings, len(examples))
    shown = examples[: settings.few_shot]
    if settings.prompt == "completion":
        return Prompt(text=_completion(instruction, shown, problem.question))
    return Prompt(messages=_chat(instruction, shown, problem.question))


def _completion(instruction: str, examples: Sequence[Example], question: str) -> str:
    blocks = [instruction] if instruction else []
    blocks += [f"Q: {example.question}\nA: {example.solution}" for example in examples]
    blocks.append(f"Q: {question}\nA:")
    return "\n\n".join(blocks)


def _chat(
    instruction: str, examples: Sequence[Example], question: str
) -> tuple[dict[str, str], ...]:
    messages = [{"role": "system", "content": instruction}] if instruction else []
    for example in examples:
        messages.append({"role": "user", "content": example.question})
        messages.append({"role": "assistant", "content": example.solution})
    messages.append({"role": "user", "content": question})
    return tuple(messages)


def require_examples(settings: config.TaskSettings, available: int) -> None:
    """Raise ValueError if more worked examples are asked for than there are."""
    if settings.few_shot > available:
        raise ValueError(
            f"few_shot: {settings.few_shot} worked examples are asked for, "
            f"task {settings.name!r} has {available}; lower few_shot"
        )


def raise_faults(faults: list[str], settings: config.TaskSettings, available: int) -> None:
    """Raise ValueError for what is wrong with a task's settings, one fault a line.

    Args:
        faults: what a task has found.
        settings: asking for too many worked examples is another fault.
        available: how many worked examples the task has.
    """
    try:
        require_examples(settings, available)
    except ValueError as error:
        faults = [*faults, str(error)]
    if faults:
        raise ValueError("\n".join(faults))


def prompt_hash(prompt: Prompt) -> str:
    """SHA-256 of a prompt, 64 hexadecimal digits: equal exactly when the prompts are."""
    text = json.dumps(asdict(prompt), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
