"""The conditions of an experiment: ``temperatures``, ``grid`` and ``conditions`` as named cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from itertools import product
from typing import Any

from workbench.config.factors import (
    DECODING,
    ENGINE,
    MODEL,
    NAME_KEY,
    PROMPT,
    SAMPLING_OPTIONS,
    ModelVariant,
    Price,
)
from workbench.config.faults import Fault, Unsound, shown
from workbench.config.schema import Experiment, Generation
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.config.validation import parse
from workbench.core.conditions import (
    TEMPERATURE,
    Condition,
    condition_name,
    in_order,
    level_key,
    looks_plain,
    temperature_name,
)
from workbench.core.lookup import unknown

FRACTIONS = (TEMPERATURE, "top_p", "min_p", "repetition_penalty")
"""Factors whose levels need not be whole numbers."""

Cell = Mapping[str, Any]
"""Factor -> level, and perhaps the condition's name."""


def fill_in_conditions(generation: Any) -> None:
    """Fill in what follows from the conditions: no default temperatures beside them, and a model.

    With several models the first is the experiment's own, where it names none.
    """
    if not isinstance(generation, dict):
        return
    grids, cells = generation.get("grid"), generation.get("conditions")
    grids = [grids] if isinstance(grids, dict) else grids if isinstance(grids, list) else []
    cells = cells if isinstance(cells, list) else []
    given = [one for one in (*grids, *cells) if isinstance(one, dict)]
    heated = all(TEMPERATURE in one for one in grids if isinstance(one, dict))
    if given and heated and "temperatures" not in generation:
        generation["temperatures"] = []
    for one in given:
        level = one.get("model")
        first = level[0] if isinstance(level, list) and level else level
        if "model" not in generation and isinstance(first, str):
            generation["model"] = first


def conditions_of(generation: Generation) -> tuple[Condition, ...]:
    """Return the conditions of an experiment, greedy ones first, then in the order given.

    A condition's factors that have the value of the section's own setting are not in its name, so
    that a temperature is called ``T0.7`` whatever other factors there are.

    Example:
        >>> grid = {"temperature": [1], "min_p": [0, 0.1]}
        >>> found = conditions_of(Generation(model="m", grid=grid))
        >>> [condition.name for condition in found], dict(found[1].changed)
        (['T1', 'T1-min_p0.1'], {'min_p': 0.1})
    """
    cells = list(_cells(generation))
    factors = dict.fromkeys([TEMPERATURE, *(name for cell in cells for name in cell)])
    factors.pop(NAME_KEY, None)
    found = [_condition(cell, tuple(factors), generation) for cell in cells]
    if generation.greedy:
        found = [*_greedy(found, generation), *found]
    return tuple(found)


def _cells(generation: Generation) -> Iterator[Cell]:
    """Yield the settings of each condition as they are given, temperature first."""
    if not generation.grid:
        yield from ({TEMPERATURE: temperature} for temperature in generation.temperatures)
    for grid in generation.grid:
        crossed = {TEMPERATURE: grid.get(TEMPERATURE, generation.temperatures)} | dict(grid)
        for levels in product(*crossed.values()):
            yield dict(zip(crossed, levels, strict=True))
    yield from generation.conditions


def _condition(cell: Cell, factors: Sequence[str], generation: Generation) -> Condition:
    own = {name: _own_level(name, generation) for name in factors}
    levels = {name: _number(name, cell.get(name, own[name])) for name in factors}
    temperature = levels[TEMPERATURE]
    changed = {
        name: level
        for name, level in levels.items()
        if name != TEMPERATURE and level_key(level) != level_key(own[name])
    }
    name = cell.get(NAME_KEY) or condition_name(temperature, changed)
    n = 1 if generation.greedy and temperature == 0 else generation.n  # 0 where it was imported
    return Condition(name, temperature, n, changed, levels)


def _greedy(conditions: Sequence[Condition], generation: Generation) -> Iterator[Condition]:
    """Yield greedy decoding of each prompt and model; it knows no factor of drawing at random.

    An imported run may have some of its own, by name.
    """
    seen = {one.name for one in conditions}
    for one in conditions:
        changed = {name: level for name, level in one.changed.items() if name not in DECODING}
        name = condition_name(0.0, changed)
        if name not in seen:
            seen.add(name)
            own = {name: _own_level(name, generation) for name in one.levels}
            yield Condition(name, 0.0, 1, changed, own | changed | {TEMPERATURE: 0.0})


def greedy_name(condition: Condition) -> str:
    """Return the name of the greedy condition that is the baseline of a condition."""
    changed = {name: level for name, level in condition.changed.items() if name not in DECODING}
    return condition_name(0.0, changed)


def _own_level(name: str, generation: Generation) -> Any:
    """Return the level of a factor in the experiment's own settings."""
    if name == PROMPT:
        return DEFAULT_PROMPT
    if name.startswith(ENGINE):
        return generation.engine.get(name.removeprefix(ENGINE))
    if name == TEMPERATURE:
        return generation.temperatures[0] if len(generation.temperatures) == 1 else None
    return getattr(generation, name)


def _number(name: str, level: Any) -> Any:
    """Return a level as the section has it: 1 and 1.0 are one level, with the same seeds."""
    whole = isinstance(level, int) and not isinstance(level, bool)
    return float(level) if name in FRACTIONS and whole else level


def pool_sizes(settings: Generation) -> dict[str, int]:
    """Return how many samples the pools of each condition are to have, by its name."""
    return {condition.name: condition.n for condition in conditions_of(settings)}


def ordered_conditions(settings: Generation) -> list[Condition]:
    """Return the conditions in the order of tables."""
    return in_order(conditions_of(settings))


def settings_of(condition: Condition, generation: Generation) -> Generation:
    """Return the section ``generation`` as it is for one condition: model, engine and options."""
    changed = condition.changed
    options = {name: changed[name] for name in SAMPLING_OPTIONS if name in changed}
    loaded = loading_of(condition, generation)
    return replace(loaded, **options) if options else loaded


def loading_of(
    condition: Condition, generation: Generation, request_options: Sequence[str] = ()
) -> Generation:
    """Return the section with the model and the engine options of a condition.

    Conditions of which it is equal are drawn by one engine that is loaded once. Options of the
    engine that go with each request, ``request_options``, are left out.
    """
    variant = model_variant(condition.changed.get(MODEL, generation.model), generation)
    engine = dict(generation.engine if variant.engine is None else variant.engine)
    engine |= {
        name.removeprefix(ENGINE): level
        for name, level in condition.changed.items()
        if name.startswith(ENGINE) and name.removeprefix(ENGINE) not in request_options
    }
    return replace(
        generation,
        model=variant.model or generation.model,
        dtype=variant.dtype or generation.dtype,
        max_model_len=variant.max_model_len or generation.max_model_len,
        engine=engine,
        price=variant.price or generation.price,
        grid=(),
        conditions=(),
    )


def model_variant(name: str, generation: Generation) -> ModelVariant:
    """Return how the model of a level is loaded; a level may be a model itself."""
    variant = generation.models.get(name, ModelVariant())
    return replace(variant, model=variant.model or name)


def prompt_name(condition: Condition) -> str:
    """Return which prompt a condition asks: a name of ``task.prompts``, or ``default``."""
    return str(condition.own.get(PROMPT, DEFAULT_PROMPT))


def price_of(condition: Condition, generation: Generation) -> Price | None:
    """Return what tokens cost in a condition; None where the experiment does not say."""
    return loading_of(condition, generation).price


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
        yield from faults or _length_faults(generation)


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
        imported = generation.backend == "import" and name == TEMPERATURE
        if imported and (level is None or level == 0):  # unknown, or greedy decoding
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
    if name == PROMPT and level not in (DEFAULT_PROMPT, *prompts):
        return (
            f"{unknown(level, (DEFAULT_PROMPT, *prompts), 'prompt')}; define it under task.prompts"
        )
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


def mixed_faults(experiment: Experiment) -> Iterator[Fault]:
    """Look up the conditions that are to be mixed."""
    chosen = experiment.selection.mixed
    known = [one.name for one in conditions_of(experiment.generation) if not one.greedy]
    at = ("selection", "mixed")
    for name in chosen:
        if name not in known:
            yield Fault(at, unknown(name, known, "condition"))
    if len(chosen) == 1:
        yield Fault(at, f"{chosen[0]!r} alone is no mixture; name two conditions or more")
