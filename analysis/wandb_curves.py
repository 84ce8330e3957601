"""Curves that W&B draws of a run over an axis of their own: k, a factor's levels, or tokens.

Rows of a curve hold the axis and, under the curves' names, what was found there. ``by_temperature/
maj@8`` is majority vote over 8 samples against ``temperature``; a factor in whose place another
varies too is told at the end, ``by_temperature/maj@8/min_p0.1``. As diversity and accuracy of one
condition are in one row, either can be the other's axis. ``by_tokens/maj/T0.7`` is the vote at
T = 0.7 against the tokens that its samples cost a problem. An interval ends the names of its two
bounds with ``/low`` and ``/high``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from workbench.analysis.wandb_summary import OVER_K, at_condition
from workbench.core.conditions import (
    ALL,
    TEMPERATURE,
    Condition,
    slug,
    spell_level,
    varying_factors,
)

BOUNDS = ("", "/low", "/high")
"""Ends of the names of a value and its interval."""


def curves(
    scalars: Mapping[str, float], frames: Mapping[str, pd.DataFrame]
) -> list[dict[str, float]]:
    """Return scalars as curves, a row per k: ``curve/T0.7/maj@k`` and the like beside ``k``.

    Where the expectation over all k-subsets is known exactly, it stands in place of the mean over
    the drawn ones, at k = 1 too.

    Args:
        scalars: by k, as ``summary`` and ``diversity`` return them.
        frames: the run's tables by name.
    """
    rows: dict[int, dict[str, float]] = {}
    for name, value in scalars.items():
        if found := OVER_K.fullmatch(name):
            row = rows.setdefault(int(found["k"]), {})
            end = found["bound"] or ""
            row[f"curve/{found['at'] or ALL}/{found['name']}@k{end}"] = value
    for exact in frames["coverage_curve"].to_dict("records"):
        at = at_condition(exact)
        if exact.get(TEMPERATURE) == 0 or re.fullmatch("/T0(-.*)?", at):
            continue  # greedy: no curve
        row = rows.setdefault(int(exact["k"]), {})
        for column in exact:
            if str(column).endswith("@k") and math.isfinite(exact[column]):
                for end in BOUNDS:
                    value = exact.get(f"{column}{end.replace('/', '_')}", math.nan)
                    row[f"curve{at}/{column}{end}"] = float(value)
    return [{"k": k, **_finite(rows[k])} for k in sorted(rows)]


def factor_curves(
    scalars: Mapping[str, float], conditions: Sequence[Condition]
) -> dict[str, list[dict[str, float]]]:
    """Return a row per level of each factor whose levels are numbers, by the axis's name.

    The temperature is always there, so that runs of one temperature each are a curve together;
    other factors are where they vary.

    Args:
        scalars: whose names end with a condition, as ``summary`` and ``diversity`` return them.
        conditions: of the run.
    """
    varied = varying_factors(conditions)
    found: dict[str, list[dict[str, float]]] = {}
    for factor in dict.fromkeys([TEMPERATURE, *varied]):
        axis, rows = _short(factor), dict[float, dict[str, float]]()
        others = [name for name in varied if name != factor]
        for one in conditions:
            level = one.own.get(factor)
            if isinstance(level, bool) or not isinstance(level, int | float):
                continue
            line = "-".join(_level(name, one.own.get(name)) for name in others)
            row = rows.setdefault(float(level), {})
            for end in BOUNDS:
                at = f"/{one.name}{end}"
                for name in (name for name in scalars if name.endswith(at)):
                    what = name.removesuffix(at)
                    if "/" not in what:
                        row[f"by_{axis}/{what}{f'/{line}' * bool(line)}{end}"] = scalars[name]
        if rows:
            found[axis] = [{axis: level, **rows[level]} for level in sorted(rows) if rows[level]]
    return found


def token_curves(frames: Mapping[str, pd.DataFrame]) -> list[dict[str, float]]:
    """Return a row per condition and k: each selection against the ``tokens`` of its k samples."""
    rows = []
    for told in frames["budget"].to_dict("records"):
        row = {"tokens": float(told["tokens"])}
        for column in map(str, told):
            if column.endswith("_correct") or column == "coverage":
                name = column.removesuffix("_correct").replace("coverage", "pass")
                for end in BOUNDS:
                    value = told.get(f"{column}{end.replace('/', '_')}", math.nan)
                    row[f"by_tokens/{name}{at_condition(told)}{end}"] = float(value)
        rows.append(_finite(row))
    return sorted((row for row in rows if len(row) > 1 and "tokens" in row), key=_tokens)


def _tokens(row: Mapping[str, float]) -> float:
    return row["tokens"]


def _level(factor: str, level: object) -> str:
    """Return a level as names of conditions have it: ``min_p0.1``; texts stand for themselves."""
    number = isinstance(level, bool | int | float)
    return _short(factor) + spell_level(level) if number else slug(spell_level(level))


def _short(factor: str) -> str:
    """Return a factor's name without its section: W&B takes a dot as the way into one."""
    return factor.rpartition(".")[2]


def _finite(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if math.isfinite(value)}
