"""Conditions: named cells of settings, which samples are drawn in and pools are kept apart by."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

TEMPERATURE = "temperature"
"""The factor that every condition has, and that every table of conditions has a column of."""
TURN, FIRST_TEMPERATURE = "turn", "first_temperature"
"""The factors of runs with second answers: which of the two an answer is, and the temperature of
the first answers where that of the second ones is set apart."""
TURN_FACTORS = (TURN, FIRST_TEMPERATURE)
NUMERIC_FACTORS = (
    TEMPERATURE, "top_p", "top_k", "min_p", "repetition_penalty", "max_tokens", *TURN_FACTORS,
)  # fmt: skip
"""Factors whose levels are numbers; people read these as they were given."""
LARGEST = 2**53
"""From here on not every whole number is a float."""
UNKNOWN = "unknown"
"""The condition of imported samples whose temperature nobody knows."""
MIXED = "mixed"
"""What a pool is called that is mixed from several conditions."""
ALL = "all"
"""All conditions together: in the names of tracked numbers, and of a factor's levels in a row."""
NOT_SET = "not set"
"""The level of an option that a condition leaves to the engine."""
RESERVED = (MIXED, UNKNOWN, ALL, "greedy")
"""Names that mean something else where conditions are named: in tables, figures and columns."""


@dataclass(frozen=True)
class Condition:
    """One cell of an experiment: the settings that N samples of each problem are drawn with."""

    name: str
    """Short, stable and unique in its run, such as ``T1.5-min_p0.1``: a pool is known by it."""
    temperature: float | None
    """None where it is not known, of imported samples."""
    n: int
    """Samples of each problem."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Factor -> level, beside the temperature, where it is not the experiment's own setting."""
    levels: Mapping[str, Any] = field(default_factory=dict)
    """Factor -> level, of every factor that the experiment names, the temperature among them."""
    first: str = ""
    """Of second answers: the name of the condition whose answers they correct."""
    corrections: int = 1
    """Of second answers: how many there are to each first one."""

    @property
    def greedy(self) -> bool:
        """Whether its one sample is greedy decoding's, which is a baseline and no pool."""
        return self.temperature == 0 and self.n == 1

    @property
    def own(self) -> Mapping[str, Any]:
        """Level of every factor; a condition that names none has its temperature."""
        return self.levels or {TEMPERATURE: self.temperature}


def temperature_name(temperature: float | None) -> str:
    """Return the name of the condition of which only the temperature is set.

    Temperatures that differ have names that differ, however little it is.

    >>> temperature_name(0.7), temperature_name(1.0), temperature_name(None)
    ('T0.7', 'T1', 'unknown')
    """
    if temperature is None or math.isnan(temperature):
        return UNKNOWN
    return f"T{float(temperature)!r}".removesuffix(".0")


def condition_name(temperature: float | None, changed: Mapping[str, Any]) -> str:
    r"""Return the name of a condition that the experiment gives none.

    The temperature is followed by each level that is not the experiment's own setting. Prompts
    and models, which have names, stand for themselves.

    >>> condition_name(1.5, {"min_p": 0.1}), condition_name(0.7, {"prompt": "steps"})
    ('T1.5-min_p0.1', 'T0.7-steps')
    >>> condition_name(1.0, {"stop": ("\n\n",), "engine.presence_penalty": 0.5})
    'T1-stop_nn-presence_penalty0.5'
    """
    parts = [temperature_name(temperature)]
    for factor, level in changed.items():
        short = factor.rpartition(".")[2]
        if factor in ("prompt", "model"):
            parts.append(slug(str(level).rstrip("/").rsplit("/", 1)[-1]))
        elif isinstance(level, bool | int | float):
            parts.append(short + spell_level(level))
        else:
            parts.append(f"{short}_{slug(spell_level(level))}")
    return "-".join(parts)


def looks_plain(name: str) -> bool:
    """Say whether a name is that of a condition of which only the temperature is set.

    >>> looks_plain("T0.7"), looks_plain("T0.70"), looks_plain("hot")
    (True, False, False)
    """
    with suppress(ValueError):
        return name[:1] == "T" and temperature_name(float(name[1:])) == name
    return False


def spell_condition(name: str) -> str:
    """Return a condition as legends and titles have it: ``T = 0.7``, or its name.

    Example:
        >>> spell_condition("T0.7"), spell_condition("T0.7-min_p0.1"), spell_condition("unknown")
        ('T = 0.7', 'T0.7-min_p0.1', 'T = unknown')
    """
    plain = re.fullmatch(r"T(\d[\d.e+-]*)", name)
    if plain:
        return f"T = {float(plain[1]):g}"
    return f"T = {name}" if name == UNKNOWN else name


def where_at(name: str) -> str:
    """Return where something holds, in a sentence: ``at T = 0.7``, or ``in hot``."""
    spelt = spell_condition(name)
    return f"at {spelt}" if spelt.startswith("T = ") else f"in {spelt}"


def spell_level(level: object) -> str:
    r"""Return a level as people read it: in names, columns and the keys of figures.

    >>> spell_level(0.1), spell_level(1.0), spell_level(("\n", "Q:")), spell_level(())
    ('0.1', '1', '\\n Q:', 'none')
    """
    if isinstance(level, bool):
        return str(level).lower()
    if isinstance(level, int | float):
        return f"{float(level)!r}".removesuffix(".0") if abs(level) < LARGEST else repr(level)
    if isinstance(level, tuple | list):
        return " ".join(map(spell_level, level)) or "none"
    return NOT_SET if level is None else str(level).encode("unicode_escape").decode()


def spell_setting(factor: str, level: object) -> str:
    """Return the level of a factor as people read it: one that is None is not set.

    Only the temperature is always set; that of imported samples may be unknown.

    >>> spell_setting("temperature", None), spell_setting("engine.presence_penalty", None)
    ('unknown', 'not set')
    """
    return UNKNOWN if factor == TEMPERATURE and level is None else spell_level(level)


def level_key(level: object) -> str:
    """Return what tells levels apart: equal just where they are one level.

    >>> level_key(1) == level_key(1.0), level_key(("a b",)) == level_key(("a", "b"))
    (True, False)
    """
    if isinstance(level, int | float) and not isinstance(level, bool):
        return repr(float(level)) if abs(level) < LARGEST else repr(level)
    if isinstance(level, tuple | list):
        return repr([level_key(one) for one in level])
    return repr(level)


def slug(text: str) -> str:
    """Keep the letters, digits, dots, pluses and dashes of a text, as file names may hold them.

    >>> slug("more steps/2"), slug("?")
    ('more_steps_2', 'other')
    """
    kept = re.sub(r"[^\w.+-]+", "_", text.replace("\\", ""))
    return kept.strip("_") or "other"


def level_value(level: object) -> float | str:
    """Return a level as a column of a table holds it: a number as one, all else as text.

    >>> level_value(40), level_value(None), level_value(("Q:",))
    (40.0, nan, 'Q:')
    """
    if level is None:
        return math.nan
    if isinstance(level, int | float) and not isinstance(level, bool):
        return float(level)
    return spell_level(level)


def varying_factors(conditions: Sequence[Condition]) -> tuple[str, ...]:
    """Return the factors with several levels among the conditions; greedy ones do not count.

    Where none varies it is the temperature alone, so that a table says at least that.

    >>> hot, cold = (Condition(f"T{t}", t, 8, {}, {"temperature": t, "min_p": 0}) for t in (1, 2))
    >>> varying_factors([hot, cold]), varying_factors([hot])
    (('temperature',), ('temperature',))
    """
    sampled = [one for one in conditions if not one.greedy] or conditions
    names = dict.fromkeys(name for one in sampled for name in one.own)
    found = [name for name in names if len({level_key(one.own.get(name)) for one in sampled}) > 1]
    return tuple(found) or (TEMPERATURE,)


def in_order(conditions: Sequence[Condition]) -> list[Condition]:
    """Return conditions in the order of tables: by factor, the temperature before the others.

    Numbers rise, and an unknown one is last; other levels stand as they were given.

    >>> found = in_order([Condition("T1", 1.0, 8), Condition("T0.3", 0.3, 8)])
    >>> [condition.name for condition in found]
    ['T0.3', 'T1']
    """
    names = dict.fromkeys([TEMPERATURE, *(name for one in conditions for name in one.own)])
    rank: dict[str, dict[str, int]] = {}
    for name in names:
        levels = list(
            {level_key(one.own.get(name)): one.own.get(name) for one in conditions}.items()
        )
        if all(level is None or isinstance(level, int | float) for _, level in levels):
            levels.sort(key=lambda item: (item[1] is None, item[1] or 0.0))
        rank[name] = {key: place for place, (key, _) in enumerate(levels)}
    return sorted(
        conditions,
        key=lambda one: [rank[name][level_key(one.own.get(name))] for name in names],
    )


def drawing_key(name: str, temperature: float | None) -> float | str | None:
    """Return what the random draws of a pool's subsets go by: its temperature, or its name.

    The temperature wherever it alone makes the condition, as in runs that knew no other factor.
    """
    return temperature if name in (temperature_name(temperature), MIXED) else name
