"""The prompts that the samples of a run answer, built again from the section ``task``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from workbench.config.prompt_variants import task_with_prompt
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.config.task_schema import TaskSettings
from workbench.core.types import Known, Problem, Prompt
from workbench.tasks import TASKS
from workbench.tasks.prompts import prompt_builder, prompt_hash


class AskedAgain:
    """Builds the prompts of a run again: the task's own, and its variants in ``task.prompts``.

    Example:
        >>> task = TaskSettings(name="arithmetic", prompts={"brief": {"system": "Be brief."}})
        >>> asked, sum_ = AskedAgain(task), Problem("p", "1 + 1")
        >>> brief = asked.built(sum_, "brief")
        >>> known = Known(sum_, "", {"brief": prompt_hash(brief)})
        >>> asked.prompt(known, prompt_hash(brief)) == brief, asked.prompt(known, "another")
        (True, None)
    """

    def __init__(self, settings: TaskSettings) -> None:
        """Begin with a section ``task``; worked examples are read when they are needed."""
        self._builder: Callable[[str], Callable[[Problem], Prompt]] = cache(
            lambda name: prompt_builder(TASKS[settings.name], task_with_prompt(settings, name))
        )

    def built(self, problem: Problem, name: str = DEFAULT_PROMPT) -> Prompt:
        """Return the prompt of a problem as the section now says, or as one of its variants does.

        Raises:
            ValueError: there is no such variant, or its examples cannot be read.
        """
        return self._builder(name)(problem)

    def prompt(self, item: Known, hashed: str) -> Prompt | None:
        """Return the prompt of a problem with this hash; None if it cannot be built any more.

        Raises:
            ValueError: a variant by which it was asked is not defined any more, or its examples
                cannot be read.
        """
        for name in [name for name, known in hashes_of(item).items() if known == hashed]:
            prompt = self.built(item.problem, name)
            if prompt_hash(prompt) == hashed:
                return prompt
        return None


def hashes_of(item: Known) -> dict[str, str]:
    """Return name of a prompt -> its hash, of those by which a problem of a run was ever asked.

    Example:
        >>> hashes_of(Known(Problem("p", "1 + 1"), "a1", {"brief": "b2"}))
        {'default': 'a1', 'brief': 'b2'}
    """
    own = {DEFAULT_PROMPT: item.prompt_hash} if item.prompt_hash else {}
    return own | dict(item.variant_hashes)
