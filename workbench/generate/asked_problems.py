"""The problems that an experiment asks, each with its prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.config.prompt_variants import prompt_section, task_with_prompt
from workbench.config.schema import TaskSettings
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.core.types import Known, Problem, Prompt
from workbench.tasks import TASKS
from workbench.tasks.prompts import build_prompts, prompt_hash


@dataclass(frozen=True)
class PromptedProblem:
    """A problem of this experiment with its prompts, by the name of the variant."""

    problem: Problem
    prompts: Mapping[str, Prompt]
    hashes: Mapping[str, str]
    """Of the same prompts."""

    @property
    def prompt(self) -> Prompt:
        """The task's own prompt, or the first variant where it is not asked."""
        return self.prompts.get(DEFAULT_PROMPT) or next(iter(self.prompts.values()))

    @property
    def prompt_hash(self) -> str:
        """The hash of ``prompt``."""
        return self.hashes.get(DEFAULT_PROMPT) or next(iter(self.hashes.values()))

    @property
    def known(self) -> Known:
        """The problem as a run's folder keeps it."""
        variants = {name: text for name, text in self.hashes.items() if name != DEFAULT_PROMPT}
        return Known(self.problem, self.hashes.get(DEFAULT_PROMPT, ""), variants)


def prompted_problems(
    settings: TaskSettings, variants: Sequence[str] = (DEFAULT_PROMPT,)
) -> list[PromptedProblem]:
    """Load a task's problems and build their prompts.

    Args:
        settings: the task.
        variants: names of ``task.prompts``; ``default`` is the task's own prompt.

    Raises:
        ValueError: the problems cannot be read, or a prompt cannot be built; one fault a line.
    """
    task = TASKS[settings.name]
    problems = task.problems(settings)
    built: dict[str, Sequence[Prompt]] = {}
    for name in variants:
        try:
            built[name] = build_prompts(problems, task, task_with_prompt(settings, name))
        except ValueError as fault:
            lines = str(fault).splitlines()
            raise ValueError(
                "\n".join(f"{prompt_section(name)}.{line}" for line in lines)
            ) from fault
    found = []
    for place, problem in enumerate(problems):
        prompts = {name: of_all[place] for name, of_all in built.items()}
        hashes = {name: prompt_hash(prompt) for name, prompt in prompts.items()}
        found.append(PromptedProblem(problem, prompts, hashes))
    return found
