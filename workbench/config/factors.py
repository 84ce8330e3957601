"""The factors of an experiment: which settings may differ between its conditions, and how."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PlainValidator
from pydantic.dataclasses import dataclass

from workbench.config.faults import shown
from workbench.config.setting_types import STRICT, Dtype, EngineOptions
from workbench.core.conditions import RESERVED, TEMPERATURE, TURN_FACTORS, level_key, spell_level
from workbench.core.lookup import unknown

SAMPLING_OPTIONS = ("top_p", "top_k", "min_p", "repetition_penalty", "stop", "max_tokens")
"""Settings of ``generation`` by which each sample is drawn, under vLLM's names; and the
temperature."""
DECODING = (TEMPERATURE, "top_p", "top_k", "min_p")
"""Settings that only matter where samples are drawn at random: greedy decoding knows none."""
PROMPT, MODEL, ENGINE = "prompt", "model", "engine."
FACTORS = (TEMPERATURE, *SAMPLING_OPTIONS, PROMPT, MODEL)
"""What may be a factor by its own name; ``engine.NAME`` is an option of the backend."""
NAME_KEY = "name"

Grid = Mapping[str, tuple[Any, ...]]
"""Factor -> its levels."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Price:
    """What tokens cost, in any currency, per million."""

    input: float = Field(ge=0)
    """Tokens of prompts."""
    output: float = Field(ge=0)
    """Tokens of completions."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ModelVariant:
    """A model of ``generation.models``: how it is loaded. What is left out is as in generation."""

    model: str | None = None
    """A folder, a name on the hub or of a package; by default the name of this entry."""
    dtype: Dtype | None = None
    max_model_len: int | None = Field(default=None, ge=2)
    engine: EngineOptions | None = None
    """In place of ``generation.engine``."""
    price: Price | None = None
    """Per million tokens; with it ``matched_budget`` compares at equal price."""


def is_factor(name: str) -> bool:
    """Say whether a name is a factor's, of a grid or of runs with second turns."""
    return name in TURN_FACTORS or _may_be_given(name)


def _may_be_given(name: str) -> bool:
    return name in FACTORS or (name.startswith(ENGINE) and len(name) > len(ENGINE))


def _factor_fault(names: Any, known: tuple[str, ...] = ()) -> str:
    wrong = [str(name) for name in names if not (_may_be_given(str(name)) or name in known)]
    known = (*known, *FACTORS, "engine.OPTION")
    return unknown(wrong[0], known, "factor") if wrong else ""


def _grids(value: Any) -> tuple[dict[str, tuple[Any, ...]], ...]:
    """Return one grid, or a list of them, as a tuple of grids; refuse what is neither."""
    grids = [value] if isinstance(value, Mapping) else value
    if not isinstance(grids, list | tuple):
        raise ValueError(
            "expected factors with their levels, such as {temperature: [0.7, 1], min_p: [0, 0.1]}, "
            f"or a list of such grids, got {shown(value)}"
        )
    return tuple(_grid(grid) for grid in grids)


def _grid(grid: Any) -> dict[str, tuple[Any, ...]]:
    if not isinstance(grid, Mapping):
        raise ValueError(f"expected factors with their levels, got {shown(grid)}")
    if fault := _factor_fault(grid):
        raise ValueError(fault)
    found = {}
    for name, levels in grid.items():
        if not isinstance(levels, list | tuple):
            write = "" if levels is None else f"; write [{shown(levels)}]"
            raise ValueError(f"{name}: expected a list of levels, got {shown(levels)}{write}")
        if not levels:
            raise ValueError(f"{name}: needs at least one level, got []")
        keys = [level_key(level) for level in levels]
        twice = [one for place, one in enumerate(levels) if keys[place] in keys[:place]]
        if twice:
            said = spell_level(twice[0])
            raise ValueError(f"{name}: level {said} is given twice; give each level once")
        found[str(name)] = tuple(map(_level, levels))
    return found


def _level(value: Any) -> Any:
    """Return a level as the rest of the project has it: a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _cells(value: Any) -> tuple[dict[str, Any], ...]:
    """Return a list of conditions; refuse what is none."""
    if not isinstance(value, list | tuple):
        raise ValueError(
            "expected a list of conditions, such as [{name: hot, temperature: 1.5, min_p: 0.1}], "
            f"got {shown(value)}"
        )
    return tuple(_cell(number, cell) for number, cell in enumerate(value, start=1))


def _cell(number: int, cell: Any) -> dict[str, Any]:
    if not isinstance(cell, Mapping):
        raise ValueError(f"condition {number}: expected its settings, got {shown(cell)}")
    if fault := _factor_fault(cell, (NAME_KEY,)):
        raise ValueError(f"condition {number}: {fault}")
    name = cell.get(NAME_KEY)
    sound = isinstance(name, str) and re.fullmatch(r"[\w.+-]+", name) and {*name} != {"."}
    if NAME_KEY in cell and not sound:
        raise ValueError(
            f"condition {number}: its name must be letters, digits, '.', '_', '+' or '-' (it "
            f"stands in file names and figures), got {shown(name)}"
        )
    if name in RESERVED:
        raise ValueError(f"condition {number}: {name!r} has a meaning already; choose another name")
    return {str(key): _level(value) for key, value in cell.items()}


Grids = Annotated[tuple[Grid, ...], PlainValidator(_grids)]
Cells = Annotated[tuple[Mapping[str, Any], ...], PlainValidator(_cells)]
