"""Builds the prompt of a problem from instruction, worked examples and question."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from workbench.config import schema as config
from workbench.core.types import Problem, Prompt
from workbench.tasks.code_prompts import code_prompt
from workbench.tasks.prompt_template import render, render_all, render_text
from workbench.tasks.task import Example, Task
from workbench.tasks.worked_examples import refuse_asked, worked_examples


def build_prompts(
    problems: Sequence[Problem], task: Task, settings: config.TaskSettings
) -> list[Prompt]:
    """Return the prompts of the problems that an experiment asks, in their order.

    Raises:
        ValueError: one fault a line, each beginning with its key: as ``prompt_builder``, an example
            is one of the problems, or the template does not fit the problems.
    """
    examples = worked_examples(task, settings)
    refuse_asked(examples, problems, settings)
    for problem in problems:
        render_text(settings.correction, problem, "correction")  # so that a fault of it is told now
    if settings.has_template:
        return render_all(settings, problems, examples)
    return [_built_in(problem, task, settings, examples) for problem in problems]


def prompt_builder(task: Task, settings: config.TaskSettings) -> Callable[[Problem], Prompt]:
    r"""Return a function: a problem -> its prompt.

    A chat prompt is the instruction as a system message, each example as a turn of the user and one
    of the assistant, and the question. A completion prompt is one text for the model to continue::

        INSTRUCTION

        Q: What is 4 + 9?
        A: We add 4 and 9 to get 13. The answer is \boxed{13}.

        Q: What is 2 + 2?
        A:

    A template of the experiment's own is all of the prompt: the task adds no instruction.

    Raises:
        ValueError: more examples are asked for than there are, or they cannot be read.
    """
    examples = worked_examples(task, settings)
    if settings.has_template:
        return lambda problem: render(settings, problem, examples)
    return lambda problem: _built_in(problem, task, settings, examples)


def roles_of(task: Task, settings: config.TaskSettings) -> tuple[str, ...]:
    """Return who speaks in the messages of a chat prompt, in order; nobody in a completion."""
    if not isinstance(settings.prompt, str):
        return tuple(message["role"] for message in settings.prompt)
    if not settings.is_chat:
        return ()
    examples = [Example("", "")] * settings.few_shot
    asked = _built_in(Problem("", ""), task, settings, examples)
    return tuple(message["role"] for message in asked.messages or ())


def _built_in(
    problem: Problem, task: Task, settings: config.TaskSettings, shown: Sequence[Example]
) -> Prompt:
    if task.programs:
        return code_prompt(problem, task.instruction, settings, shown)
    instruction = task.instruction if settings.system is None else settings.system
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


def prompt_hash(prompt: Prompt) -> str:
    """SHA-256 of a prompt, 64 hexadecimal digits: equal exactly when the prompts are."""
    parts = asdict(prompt)
    if not prompt.template_options:  # prompts had neither at first
        del parts["template_options"]
    if not prompt.begun:
        del parts["begun"]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
