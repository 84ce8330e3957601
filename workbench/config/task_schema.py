"""The section ``task`` of an experiment: which problems are asked, and how."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from workbench.config.faults import Fault, Unsound
from workbench.config.setting_types import (
    STRICT,
    PromptForm,
    PromptName,
    TemplateOptions,
    is_chat,
)
from workbench.core.thinking import FAMILIES, Markers

CORRECTION = (
    "There might be an error in the solution above because of lack of understanding of the "
    "question. Please correct the error, if any, and rewrite the solution."
)
"""What is asked in the second turn, as in Kumar et al. (2024), arXiv:2409.12917."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Thinking:
    """The ``task.thinking`` section: by which markers thoughts are told from answers."""

    family: Literal[
        "auto", "none", "think", "thinking", "thought", "begin_of_thought", "mistral", "seed",
        "kimi", "harmony",
    ] = "auto"  # fmt: skip
    """Markers by name, ``think`` for ``<think>`` and ``</think>``: see ``core/thinking.py``.
    ``auto`` knows all of them; with ``none`` every text is an answer, whatever it holds."""
    open: str | None = Field(default=None, min_length=1)
    """Other markers: what stands before a thought, and in ``close`` what stands behind it."""
    close: str | None = Field(default=None, min_length=1)
    in_prompt: bool = False
    """Whether the prompt ends with the opening marker, so that every text begins inside a thought.
    It is found out for a model that is loaded here; a server and an import have to be told."""

    def __post_init__(self) -> None:
        """Refuse one marker without the other."""
        if (self.open is None) != (self.close is None):
            raise ValueError("a marker needs its counterpart: give open and close, or neither")
        if self.open and self.family != "auto":
            raise ValueError(f"family {self.family!r} has markers: leave out open and close")

    @property
    def markers(self) -> tuple[Markers, ...]:
        """The markers that are looked for."""
        if self.family == "none":
            return ()
        if self.open is not None and self.close is not None:
            return (Markers(self.open, self.close, self.in_prompt),)
        known = FAMILIES.values() if self.family == "auto" else [FAMILIES[self.family]]
        return tuple(replace(markers, in_prompt=self.in_prompt) for markers in known)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PromptVariant:
    """One of ``task.prompts``: another way of asking the same problems, under a name.

    A setting that is left out is as the task section has it. Two of the section's settings are not
    taken over where they cannot apply: a variant with a template gets no ``system``, because a
    template is the whole prompt, and a completion gets no ``template_options``.
    """

    system: str | None = None
    """Instruction before the examples; an empty text for none."""
    few_shot: int | None = Field(default=None, ge=0)
    """Worked examples in the prompt; 0 for none."""
    examples: str | None = None
    """A JSONL file of worked examples, with the keys ``problem`` and ``solution``."""
    examples_seed: int | None = Field(default=None, ge=0)
    """Which worked examples are shown: the seed with which they are drawn at random."""
    prompt: PromptForm | None = None
    """``chat``, ``completion`` or a Jinja2 template: a text, or a list of messages."""
    template_options: TemplateOptions | None = None
    """Switches of the model's chat template, instead of those of the task section."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TaskSettings:
    """The ``task`` section: which problems are asked, and how."""

    name: str
    """A task of ``workbench list tasks``."""
    source: str | None = None
    """Where the problems are: a local JSONL file or a hub name; the task has a default."""
    num_problems: int | None = Field(default=None, ge=1)
    """How many problems, from the first; all of them by default."""
    few_shot: int = Field(default=0, ge=0)
    """Worked examples in the prompt."""
    examples: str | None = None
    """A JSONL file of worked examples, with the keys ``problem`` and ``solution``; the task has its
    own by default."""
    examples_seed: int | None = Field(default=None, ge=0)
    """Which worked examples are shown. By default they are the first ``few_shot`` of those there
    are. With a seed they are drawn from all of them at random, none twice, and are the same for
    every problem and on every machine. The same seed with a larger ``few_shot`` adds further
    examples behind those of the smaller one."""
    prompt: PromptForm = "chat"
    """``chat`` asks through the model's chat template, ``completion`` by one plain text to go on
    from. Or a Jinja2 template: a text is a completion prompt, a list of messages a chat."""
    system: str | None = None
    """Instruction before the examples: the system message of a chat, the first lines of a
    completion. The task has a default; an empty text for none."""
    correction: str = Field(default=CORRECTION, min_length=1)
    """What is asked behind a first answer, where ``generation.turns`` is 2."""
    last_number: bool = False
    """Whether the last number of a text counts as its answer when nothing else is found."""
    template_options: TemplateOptions = Field(default_factory=dict)
    """Switches of the model's chat template, such as ``enable_thinking: false``; a server gets them
    as ``chat_template_kwargs``."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The task's own settings, such as the difficulty of generated problems."""
    thinking: Thinking = Field(default_factory=Thinking)
    """How thoughts are marked, which are kept apart from the answers."""
    prompts: dict[PromptName, PromptVariant] = Field(default_factory=dict)
    """Other prompts for the same problems, by names of your choice. What a variant leaves out is as
    it is in this section, whose own prompt has the name ``default``."""

    @property
    def is_chat(self) -> bool:
        """Whether a prompt is a conversation, which goes through the model's chat template."""
        return is_chat(self.prompt)

    @property
    def has_template(self) -> bool:
        """Whether the experiment has a prompt template of its own."""
        return self.prompt not in ("chat", "completion")


def task_faults(task: TaskSettings) -> Iterator[Fault]:
    """Refuse what is possible key by key but not together; what is faulty itself is passed over."""
    with suppress(Unsound):
        if task.template_options and not is_chat(task.prompt):
            yield _no_chat_template(("task",))
    with suppress(Unsound):
        for name, variant in task.prompts.items():
            at = ("task", "prompts", name)
            with suppress(Unsound):
                prompt = task.prompt if variant.prompt is None else variant.prompt
                if variant.template_options and not is_chat(prompt):
                    yield _no_chat_template(at)
            with suppress(Unsound):
                shown = task.few_shot if variant.few_shot is None else variant.few_shot
                if variant.examples_seed is not None and not shown:
                    message = "there are no worked examples to draw, as few_shot is 0; set "
                    way_out = f"{'.'.join(at)}.few_shot, or leave the seed out"
                    yield Fault((*at, "examples_seed"), message + way_out)


def _no_chat_template(at: tuple[str, ...]) -> Fault:
    message = "a completion prompt goes through no chat template; leave them out, or set "
    return Fault((*at, "template_options"), f"{message}{'.'.join(at)}.prompt to chat")
