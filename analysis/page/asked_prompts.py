"""The prompt of each problem as it was sent, for a page: made again, and checked by its hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from workbench.config.conditions import prompt_name
from workbench.config.prompt_variants import task_with_prompt
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.core.types import Known, Problem, Prompt
from workbench.saved_run import Run
from workbench.tasks import TASKS
from workbench.tasks.prompts import prompt_builder, prompt_hash


@dataclass(frozen=True)
class AskedPrompts:
    """The prompts of a run's problems."""

    builders: Mapping[str, Callable[[Problem], Prompt]]
    """By variant, or ``default``."""
    shared: str
    """How all of them begin, so that a page holds it once."""
    around: tuple[str, str] | None
    """What a chat template puts around the last message and all before it, where that is known."""
    first_turn: bool = False
    """Whether there are second answers too, whose prompts hold the first ones."""

    def caption(self, messages: bool) -> str:
        """Say what a prompt's text is."""
        what = "Prompt of the first turn" if self.first_turn else "Prompt"
        if not messages:
            return f"{what}, as the model got it"
        if self.around is None:
            return f"{what}, as messages: what the chat template made of them is not known"
        return f"{what}, as the model got it through its chat template"

    def of(self, known: Known) -> dict[str, list[str]]:
        """Return caption and what follows ``shared``, by variant; none where the hash differs."""
        texts = {}
        for name, build in self.builders.items():
            try:
                prompt = build(known.problem)
            except (ValueError, KeyError):  # a template that asks for what the problem has not
                continue
            wanted = known.variant_hashes.get(name, known.prompt_hash)
            text = self._text(prompt)
            if prompt_hash(prompt) == wanted and text.startswith(self.shared):
                texts[name] = [self.caption(prompt.text is None), text[len(self.shared) :]]
        return texts

    def _text(self, prompt: Prompt) -> str:
        if self.around is None or not prompt.messages:
            return plain_text(prompt)
        return self.around[0] + prompt.messages[-1]["content"] + self.around[1]


def plain_text(prompt: Prompt) -> str:
    """Return a prompt as text: its own, or each message under its role."""
    if prompt.text is not None:
        return prompt.text
    return "\n\n".join(f"[{turn['role']}]\n{turn['content']}" for turn in prompt.messages or ())


def asked_prompts(run: Run) -> AskedPrompts:
    """Return the prompts of a run; none where its examples or templates are not to be had here."""
    task = run.experiment.task
    names = list(dict.fromkeys(map(prompt_name, run.conditions)))
    builders = {}
    try:
        known = run.folder.read_problems()
        if known and task.name in TASKS:
            for name in names:
                builders[name] = prompt_builder(TASKS[task.name], task_with_prompt(task, name))
    except (ValueError, OSError):
        return AskedPrompts({}, "", None)
    if not builders:
        return AskedPrompts({}, "", None)
    again = any(one.first for one in run.conditions)
    found = AskedPrompts(builders, "", _around(run, known[0], builders), again)
    ends = (known[0], known[-1])
    texts = [text for one in ends if one for _, text in found.of(one).values()]
    begin = _common_beginning(min(texts), max(texts)) if len(texts) > 1 else ""
    return replace(found, shared=begin)


def _common_beginning(one: str, other: str) -> str:
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))]


def _around(
    run: Run, first: Known, builders: Mapping[str, Callable[[Problem], Prompt]]
) -> tuple[str, str] | None:
    """Read off the run's first prompt, as the model got it, what stands around its last message."""
    caption, text = run.first_prompt
    if list(builders) != [DEFAULT_PROMPT] or "through its chat template" not in caption:
        return None
    if any("model" in one.changed for one in run.conditions):
        return None  # each model has a template of its own
    messages = builders[DEFAULT_PROMPT](first.problem).messages
    if not messages or text.count(messages[-1]["content"]) != 1:
        return None
    before, _, after = text.partition(messages[-1]["content"])
    return before, after
