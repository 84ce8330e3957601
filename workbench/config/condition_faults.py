"""What is wrong with the conditions of an experiment, key by key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workbench.config.conditions import conditions_of, prompt_name, settings_of
from workbench.config.factors import (
    ENGINE,
    MODEL,
    NAME_KEY,
    PROMPT,
    ModelVariant,
)
from workbench.config.faults import Fault, Unsound, shown
from workbench.config.prompt_variants import task_with_prompt
from workbench.config.schema import Experiment, Generation
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.config.validation import parse
from workbench.core.conditions import (
    TEMPERATURE,
    Condition,
    level_key,
    looks_plain,
    temperature_name,
)
from workbench.core.lookup import unknown

FRACTIONS = (TEMPERATURE, "top_p", "min_p", "repetition_penalty")
"""Factors whose levels need not be whole numbers."""


def condition_faults(generation: Generation, prompts: Sequence[str]) -> Iterator[Fault]:
    """Return what is wrong with the conditions of an experiment.

    ``prompts`` are the names of ``task.prompts``. Nothing is said of settings that are faulty
    themselves.
    """
    with suppress(Unsound):
        grid, cells = generation.grid, generation.conditions
        if not (grid or cells or generation.temperatures):
            yield Fault(("generation", "temperatures"), "needs at least one entry, got []")
            return
        if grid and generation.temperatures and all(TEMPERATURE in one for one in grid):
            message = "generation.grid has its own; leave one of the two out, or set this to []"
            yield Fault(("generation", "temperatures"), message)
        if not (grid or cells):
            yield from _unused_models(generation)
            return
        faults = [*_missing_temperatures(generation), *_level_faults(generation, prompts)]
        faults = faults or [*_name_faults(generation), *_unused_models(generation)]
        faults = faults or [*_same_models(generation)]
        if not faults and isinstance(generation, Generation):  # which it is where it has no faults
            yield from _length_faults(generation)
        yield from faults


def _missing_temperatures(generation: Generation) -> Iterator[Fault]:
    if any(TEMPERATURE not in grid for grid in generation.grid) and not generation.temperatures:
        message = "a grid without temperature takes those of generation.temperatures, and there "
        yield Fault(("generation", "grid"), message + "are none; give them there or in the grid")
    for number, cell in enumerate(generation.conditions, start=1):
        if TEMPERATURE not in cell and len(generation.temperatures) != 1:
            which = repr(cell[NAME_KEY]) if NAME_KEY in cell else str(number)
            message = f"condition {which} has no temperature; give it one"
            yield Fault(("generation", "conditions"), message)


def _level_faults(generation: Generation, prompts: Sequence[str]) -> Iterator[Fault]:
    """Check each level as the setting that it stands for."""
    levels: dict[tuple[str, str, str], Any] = {}
    for grid in generation.grid:
        levels |= {
            ("grid", name, level_key(level)): level
            for name, values in grid.items()
            for level in values
        }
    for cell in generation.conditions:
        own = {name: level for name, level in cell.items() if name != NAME_KEY}
        levels |= {("conditions", name, level_key(v)): v for name, v in own.items()}
    for (key, name, _), level in levels.items():
        imported = generation.backend == "import"
        if imported and name == TEMPERATURE and (level is None or level == 0):  # unknown, or greedy
            continue
        if imported and name == PROMPT and isinstance(level, str):  # which is never asked again
            continue
        if message := _level_fault(name, level, prompts):
            yield Fault(("generation", key, name), message)


def _level_fault(name: str, level: Any, prompts: Sequence[str]) -> str:
    if name.startswith(ENGINE):  # the backend checks its own options besides
        engine = {name.removeprefix(ENGINE): level}
        _, faults = parse(Generation, {"model": "", "engine": engine})
        return str(faults[0].message) if faults else ""
    if name in (PROMPT, MODEL) and not (isinstance(level, str) and level):
        return f"expected a name, got {shown(level)}"
    known = tuple(dict.fromkeys((DEFAULT_PROMPT, *prompts)))  # a variant may be named so by mistake
    if name == PROMPT and level not in known:
        return f"{unknown(level, known, 'prompt')}; define it under task.prompts"
    if name in (PROMPT, MODEL):
        return ""
    if name == TEMPERATURE:
        _, faults = parse(Generation, {"model": "", "temperatures": [level]})
        if faults or level is None:
            return str(faults[0].message) if faults else f"expected a number, got {shown(level)}"
        greedy = "; greedy decoding is a baseline: set generation.greedy" if level == 0 else ""
        return "" if level > 0 else f"must be above 0, got {shown(level)}{greedy}"
    _, faults = parse(Generation, {"model": "", name: level})
    return str(faults[0].message) if faults else ""


def _name_faults(generation: Generation) -> Iterator[Fault]:
    """Refuse two conditions of one name, and two of the same settings."""
    named: dict[str, Condition] = {}
    drawn: dict[str, Condition] = {}
    spelt: dict[str, str] = {}
    at = ("generation", "conditions" if generation.conditions else "grid")
    for one in conditions_of(generation):
        settings = json.dumps([one.temperature, one.changed], sort_keys=True, default=list)
        plain = temperature_name(one.temperature)
        if settings in drawn and generation.backend != "import":  # where prompts are not known
            first = drawn[settings].name
            message = f"condition {first!r} is given twice; give it once"
            if first != one.name:
                message = (
                    f"{first!r} and {one.name!r} have the same settings; leave one of them out"
                )
            if not generation.grid and not drawn[settings].changed:
                message += " (generation.temperatures are conditions, too)"
            yield Fault(at, message)
        elif one.name in named:
            by_model = one.changed.get(MODEL) != named[one.name].changed.get(MODEL)
            way_out = "name the models under generation.models" if by_model else "give one of them "
            way_out += "" if by_model else "another name under generation.conditions"
            yield Fault(at, f"two conditions are named {one.name!r}; {way_out}")
        elif (first := spelt.setdefault(one.name.casefold(), one.name)) != one.name:
            message = f"{first!r} and {one.name!r} differ in case only, which some file systems do "
            yield Fault(at, message + "not tell apart; rename one of them")
        elif one.name != plain and looks_plain(one.name):
            yield Fault(at, f"{one.name!r} is the name of a temperature; choose another name")
        named.setdefault(one.name, one)
        drawn.setdefault(settings, one)


def _unused_models(generation: Generation) -> Iterator[Fault]:
    """Refuse an entry of ``models`` that no condition has, but that is like the name of one."""
    conditions = conditions_of(generation)
    used = {str(one.own.get(MODEL, generation.model)): None for one in conditions}
    for name in generation.models:
        if name not in used and get_close_matches(name, used, n=1):
            message = f"no condition has this model: {unknown(name, used, 'model')}"
            yield Fault(("generation", "models", name), message)


def _same_models(generation: Generation) -> Iterator[Fault]:
    """Refuse two names of one model that is loaded with the same settings."""
    if not isinstance(generation, Generation) or generation.backend == "import":
        return
    loaded: dict[str, str] = {}
    for one in conditions_of(generation):
        name = str(one.changed.get(MODEL, generation.model))
        variant = generation.models.get(name, ModelVariant())
        path = variant.model or name
        path = str(Path(path).expanduser().resolve()) if path[:1] in "./~" else path
        settings = [path, variant.dtype, variant.max_model_len, variant.engine]
        first = loaded.setdefault(json.dumps(settings, sort_keys=True, default=list), name)
        if first != name:
            at = ("models", name) if name in generation.models else ("grid", MODEL)
            yield Fault(
                ("generation", *at),
                f"{first!r} and {name!r} are the same model, {variant.model or name}, loaded "
                "alike; leave one of them out, or load it otherwise",
            )
            return


def _length_faults(generation: Generation) -> Iterator[Fault]:
    """Refuse conditions whose samples leave no room for a prompt."""
    found: dict[str, None] = {}
    for one in conditions_of(generation):
        settings = settings_of(one, generation)
        longest, whole = settings.max_tokens, settings.max_model_len
        changed = one.changed.keys() & {MODEL, "max_tokens"}
        if whole is not None and longest >= whole and changed and not one.greedy:
            found[
                f"samples of {longest} tokens, as condition {one.name!r} has them, leave no room "
                f"for a prompt in its max_model_len = {whole}; lower max_tokens or raise "
                "max_model_len"
            ] = None
    at = ("generation", "conditions" if generation.conditions else "grid")
    yield from (Fault(at, message) for message in list(found)[:1])


def same_prompt_faults(experiment: Experiment) -> Iterator[Fault]:
    """Refuse a prompt beside the default one of which it is only another name.

    Both would draw the same samples, which would be compared as if they were two prompts'.
    """
    generation, task = experiment.generation, experiment.task
    asked = dict.fromkeys(prompt_name(one) for one in conditions_of(generation))
    key = "grid" if any(PROMPT in grid for grid in generation.grid) else "conditions"
    if DEFAULT_PROMPT not in asked or generation.backend == "import":  # which asks none
        return
    for name in asked:
        same = task_with_prompt(task, name) == task_with_prompt(task, DEFAULT_PROMPT)
        if name != DEFAULT_PROMPT and same:
            yield Fault(
                ("generation", key, PROMPT),
                f"{name!r} asks the same as {DEFAULT_PROMPT!r}; change task.prompts.{name}, or "
                "leave one of them out",
            )


def mixed_faults(experiment: Experiment) -> Iterator[Fault]:
    """Look up the conditions that are to be mixed."""
    chosen = experiment.selection.mixed
    conditions = conditions_of(experiment.generation)
    known = [one.name for one in conditions if not one.greedy]
    seconds = {one.name for one in conditions if one.first}
    at = ("selection", "mixed")
    for name in chosen:
        if name not in known:
            yield Fault(at, unknown(name, known, "condition"))
    if seconds & {*chosen} and {*chosen} - seconds:
        yield Fault(at, "first and second answers are never mixed; name those of one turn")
    if len(chosen) == 1:
        yield Fault(at, f"{chosen[0]!r} alone is no mixture; name two conditions or more")
