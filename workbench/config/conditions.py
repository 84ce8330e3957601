"""The conditions of an experiment: ``temperatures``, ``grid`` and ``conditions`` as named cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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
from workbench.config.schema import Generation
from workbench.config.second_turns import second_name, with_second_turns
from workbench.config.setting_types import DEFAULT_PROMPT
from workbench.core.conditions import (
    TEMPERATURE,
    Condition,
    condition_name,
    in_order,
    level_key,
)

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
    if generation.turns == 2:
        found = with_second_turns(found, generation)
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


def greedy_names(conditions: Sequence[Condition]) -> dict[str, str]:
    """Return by name of a condition that of the greedy one which is its baseline."""
    found: dict[str, str] = {}
    for one in sorted(conditions, key=lambda one: bool(one.first)):  # first answers before second
        changed = {name: level for name, level in one.changed.items() if name not in DECODING}
        plain = condition_name(0.0, changed)
        found[one.name] = second_name(found[one.first]) if one.first else plain
    return found


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


def own_loading(generation: Generation) -> Generation:
    """Return the section as it is for conditions that change nothing but how samples are drawn.

    The experiment's own model may be an entry of ``models`` too.

    Example:
        >>> variants = {"small": {"model": "org/small", "dtype": "float32"}}
        >>> own = own_loading(Generation(model="small", models=variants))
        >>> own.model, own.dtype
        ('org/small', 'float32')
    """
    return loading_of(Condition("", None, 0), generation)


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
