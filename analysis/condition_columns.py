"""How tables tell conditions apart: a column for each factor that varies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from workbench.config.factors import is_factor
from workbench.core.conditions import (
    ALL,
    MIXED,
    TEMPERATURE,
    Condition,
    level_value,
    spell_level,
    temperature_name,
    varying_factors,
)

CONDITION = "condition"


def has_names(conditions: Sequence[Condition]) -> bool:
    """Say whether tables name the conditions: not where their temperatures say it all."""
    plain = all(one.name == temperature_name(one.temperature) for one in conditions)
    return not plain or varying_factors(conditions) != (TEMPERATURE,)


def with_levels(frame: pd.DataFrame, conditions: Sequence[Condition]) -> pd.DataFrame:
    """Return a table with the factors that vary in the place of its column ``condition``.

    The name of the condition stands before them, unless temperatures are all that varies. Numbers
    are numbers, but texts beside ``not set``; a factor of which a mixed row has several levels is
    NaN there, or ``all``.

    Example:
        >>> two = [Condition("T1", 1.0, 8), Condition("T0.3", 0.3, 8)]
        >>> with_levels(pd.DataFrame({"condition": ["T0.3", "T1"], "maj": [0.5, 0.4]}), two)
           temperature  maj
        0          0.3  0.5
        1          1.0  0.4
    """
    if CONDITION not in frame:
        return frame
    place = list(frame.columns).index(CONDITION)
    names = frame[CONDITION].astype(str)
    table = frame.drop(columns=[CONDITION])
    if has_names(conditions):
        table.insert(place, CONDITION, names)
        place += 1
    for factor in varying_factors(conditions):
        levels = {one.name: level_value(one.own.get(factor)) for one in conditions}
        if factor != TEMPERATURE and any(one.own.get(factor) is None for one in conditions):
            levels = {one.name: spell_level(one.own.get(factor)) for one in conditions}
        texts = any(isinstance(level, str) for level in levels.values())
        column = names.map(levels | {MIXED: ALL if texts else math.nan})
        table.insert(place, factor, column if texts else column.astype(float))
        place += 1
    return table


def in_table_order(names: pd.Series[str], conditions: Sequence[Condition]) -> pd.Categorical[Any]:
    """Return names of conditions as categories in the order of tables; mixed pools are last."""
    return pd.Categorical(names, [*(one.name for one in conditions), MIXED], ordered=True)


def with_conditions(table: pd.DataFrame) -> pd.DataFrame:
    """Return a saved table with the names of its conditions, in their order, as categories.

    A table in which temperatures are all that varies has only these.

    Example:
        >>> with_conditions(pd.DataFrame({"temperature": [0.3, 1.0]}))["condition"].tolist()
        ['T0.3', 'T1']
    """
    if CONDITION in table:
        names = table[CONDITION].astype(str)
    elif TEMPERATURE in table:
        names = table[TEMPERATURE].map(temperature_name, na_action=None)
    else:
        return table
    if "pool" in table:
        names = names.where(table["pool"] != MIXED, MIXED)
    order = list(dict.fromkeys(names))
    return table.assign(condition=pd.Categorical(names, order, ordered=True))


def factor_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of a saved table that hold factors, which stand behind the condition.

    Example:
        >>> factor_columns(pd.DataFrame(columns=["k", "condition", "temperature", "min_p", "maj"]))
        ['temperature', 'min_p']
    """
    return [str(name) for name in table.columns if is_factor(str(name))]
