"""What a page's first sentences say of factors other than the temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.core.conditions import (
    TEMPERATURE,
    Condition,
    spell_level,
    spell_setting,
    varying_factors,
)
from workbench.core.table_text import ALPHA
from workbench.saved_run import Run

EFFECTS = "main_effects"
OUTCOMES = {
    "single_sample": "a single sample",
    "maj_correct": "maj@{k}",
    "best_correct": "best@{k}",
    "coverage": "coverage@{k}",
}
"""Outcomes of the table of main effects that the headline speaks of, and their names there."""


def other_levels(conditions: Sequence[Condition], name: str) -> str:
    """Say at which levels of the other factors a change of temperature is told.

    Example:
        >>> cells = [{"temperature": 1.0, "min_p": p} for p in (0, 0.1)]
        >>> two = [Condition(name, 1.0, 8, {}, cell) for name, cell in zip("ab", cells)]
        >>> other_levels(two, "b")
        'min_p 0.1'
    """
    own = next(one.own for one in conditions if one.name == name)
    others = [factor for factor in varying_factors(conditions) if factor != TEMPERATURE]
    return ", ".join(f"{factor} {spell_setting(factor, own.get(factor))}" for factor in others)


def largest_effect(run: Run, k: int) -> str:
    """Say which factor but the temperature has the largest effect on accuracy that is shown.

    Returns:
        One sentence; empty where the run has no table of main effects, or no such row in it.
    """
    if EFFECTS not in run.tables:
        return ""
    frame = run.table(EFFECTS)
    if frame.empty:
        return ""
    sizes = frame["k"].where(frame["outcome"] != "single_sample", k)
    told = frame[
        frame["outcome"].isin(list(OUTCOMES))
        & (sizes == sizes[sizes <= k].max())
        & (frame["factor"] != TEMPERATURE)
        & frame["difference"].notna()
    ]
    if told.empty:
        return ""
    shown = told[[is_shown(row) for row in told.to_dict("records")]]
    if shown.empty:
        factors = " or ".join(dict.fromkeys(told["factor"]))
        return f"No effect of {factors} on accuracy is shown."
    return _sentence(shown.loc[shown["difference"].abs().idxmax()], several=_several(frame))


def is_shown(row: Mapping[Any, Any]) -> bool:
    """Whether the interval of an effect leaves out 0 and its corrected test agrees."""
    apart = row["difference_low"] > 0 or row["difference_high"] < 0
    return bool(apart and row["difference_q"] < ALPHA)


def _several(frame: pd.DataFrame) -> bool:
    return bool((frame["combinations"] > 1).any())


def _sentence(row: pd.Series[Any], *, several: bool) -> str:
    what = OUTCOMES[row["outcome"]].format(k=int(row["k"]))
    more, ends = "more", (row["difference_low"], row["difference_high"])
    if row["difference"] < 0:
        more, ends = "less", (-row["difference_high"], -row["difference_low"])
    size = f"{abs(row['difference']):.3f} [{ends[0]:.3f}, {ends[1]:.3f}]"
    levels = f"{row['factor']} {_spelt(row['level'])} instead of {_spelt(row['against'])}"
    averaged = ", averaged over the other factors" if several else ""
    return (
        "Of the other settings the largest effect that is shown is of "
        f"{levels}: {what} is right {more} often by {size}{averaged}."
    )


def _spelt(level: object) -> str:
    """Return a level as people read it; in a column beside texts, numbers are texts as well."""
    try:
        return spell_level(float(str(level)))
    except ValueError:
        return str(level)
