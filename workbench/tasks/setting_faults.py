"""What is wrong with a ``task`` section: with its own prompt, and with each of its variants.

All of it is found before anything heavy is loaded: faults of templates, what the task itself
refuses, and prompts that do not fit their problems, where the problems are at hand.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from workbench.config.faults import Fault
from workbench.config.prompt_variants import prompt_names, settings_of, task_with_prompt
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.config.task_schema import PromptVariant, TaskSettings
from workbench.config.validation import Place, fields_of
from workbench.core.types import Problem
from workbench.tasks.prompt_template import template_faults
from workbench.tasks.prompts import build_prompts
from workbench.tasks.task import Task
from workbench.tasks.worked_examples import examples_file

FROM_THE_SAMPLES: tuple[Place, ...] = (("task", "source"), ("task", "num_problems"))
"""Settings that an imported run does not need, because its problems come with its samples."""


def setting_faults(
    task: Task, section: Mapping[str, Any], known: Collection[Fault], *, imported: bool
) -> Iterator[Fault]:
    """Yield what a task refuses of its section, beside the faults that are known already.

    A fault of a variant stands at the variant's own key, ``task.prompts.NAME.KEY``. One that it
    only takes over from the section is said once, of the section.

    Args:
        task: the row of ``TASKS`` that the section names.
        section: the section as plain values; those of its settings that are faulty are passed over.
        known: faults of the whole experiment. Nothing is said again about a setting in them.
        imported: whether the samples are imported, so that nothing is asked.
    """
    faulty = {fault.at for fault in known}
    sound = {
        key: value
        for key, value in section.items()
        if key != "prompts" and not _under(("task", str(key)), faulty)
    }
    variants = _sound_variants(section.get("prompts"), faulty)
    settings = TaskSettings(**sound, prompts=variants)
    asked = {name: task_with_prompt(settings, name) for name in prompt_names(settings)}
    lines = {name: _refused(task, one) for name, one in asked.items()}
    if not imported:
        _add_prompt_faults(task, asked, lines, faulty)
    faulty |= {*FROM_THE_SAMPLES} if imported else set()
    for line in lines[DEFAULT_PROMPT]:
        if not _under(_place(line), faulty):
            key, _, message = line.partition(": ")
            yield Fault(("task", *key.split(".")), message)
    for name, variant in variants.items():
        own = settings_of(variant)
        said = [
            line
            for line in lines[name]
            if _key(line) in own
            or (line not in lines[DEFAULT_PROMPT] and not _under(_place(line), faulty))
        ]
        yield from _variant_faults(name, said, faulty)
    yield from _given_twice(
        {
            name: asked[name]
            for name in variants
            if not lines[name] and not _under(("task", "prompts", name), faulty)
        }
    )


def _key(line: str) -> str:
    return line.partition(": ")[0]


def _place(line: str) -> Place:
    """Return the section's setting that a line is about: ``options`` of ``options.seed: ...``."""
    return "task", _key(line).split(".")[0]


def _under(place: Place, faulty: Collection[Place]) -> bool:
    """Say whether a fault is known of a setting or of a part of it."""
    return any(at[: len(place)] == place for at in faulty)


def _sound_variants(prompts: object, faulty: Collection[Place]) -> dict[str, PromptVariant]:
    """Return the variants by name, without their faulty settings."""
    if not isinstance(prompts, dict):
        return {}
    variants = {}
    for name, given in json.loads(json.dumps(prompts, default=str)).items():  # as it was parsed
        at = ("task", "prompts", name)
        if at not in faulty:
            sound = {key: value for key, value in given.items() if not _under((*at, key), faulty)}
            variants[name] = PromptVariant(**sound)
    return variants


def _refused(task: Task, settings: TaskSettings) -> list[str]:
    """Return what is wrong before any problem is read, each line beginning with its key."""
    lines = template_faults(settings) if settings.has_template else []
    try:
        task.check(settings)
    except ValueError as error:
        lines += str(error).splitlines()
    return lines


def _add_prompt_faults(
    task: Task,
    asked: Mapping[str, TaskSettings],
    lines: Mapping[str, list[str]],
    faulty: Collection[Place],
) -> None:
    """Add to the lines of each prompt why it does not fit the problems, if they are at hand.

    Only templates and the examples of a file may not fit; nothing is read for other prompts.
    """
    if any(at[0] == "task" and at[1:2] != ("prompts",) for at in faulty):
        return  # the problems may be others than these settings give
    wanted = [
        name
        for name, settings in asked.items()
        if not lines[name]
        and not _under(("task", "prompts", name), faulty)
        and (settings.has_template or (settings.few_shot and examples_file(settings)[1]))
    ]
    problems = _problems_at_hand(task, asked[DEFAULT_PROMPT]) if wanted else []
    for name in wanted if problems else ():
        try:
            build_prompts(problems, task, asked[name])
        except ValueError as error:
            lines[name].extend(str(error).splitlines())


def _problems_at_hand(task: Task, settings: TaskSettings) -> list[Problem]:
    if task.on_hub(settings):
        return []
    try:
        return task.problems(settings)
    except ValueError:
        return []  # which is said where the problems are needed


def _variant_faults(
    name: str, lines: Collection[str], faulty: Collection[Place]
) -> Iterator[Fault]:
    """Yield what is wrong with a variant; what it has no key for is said of the section's."""
    for line in lines:
        key, _, message = line.partition(": ")
        place = ("task", "prompts", name, key)
        if key not in fields_of(PromptVariant):
            yield Fault(("task", *key.split(".")), f"with the prompt {name!r}: {message}")
        elif not _under(place, faulty):
            yield Fault(place, message)


def _given_twice(asked: Mapping[str, TaskSettings]) -> Iterator[Fault]:
    """Refuse a variant that asks the same as one before it: they would be two names for one."""
    before: dict[str, TaskSettings] = {}
    for name, settings in asked.items():
        if not settings.few_shot:  # no examples are shown, whichever they would be
            settings = replace(settings, examples=None, examples_seed=None)
        same = next((other for other, known in before.items() if known == settings), None)
        if same is not None:
            message = f"asks the same as {same!r}; change one of them, or leave one out"
            yield Fault(("task", "prompts", name), message)
        before[name] = settings
