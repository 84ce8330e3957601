"""The numbers that W&B shows of a run: scalars for its table of runs.

Names are read from right to left: ``maj@8/T0.7`` is majority vote over 8 samples at temperature
0.7, ``maj@8/T1.5-min_p0.1`` in that condition, ``maj@8/mixed`` over samples of all conditions,
``maj@8`` the mean over the conditions. Every run has the last one, whatever its conditions, so that
runs can be compared by it. The bounds of an interval are ``maj@8/T0.7/low`` and ``.../high``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.analysis.condition_columns import factor_columns
from workbench.analysis.frames import POOL, Data
from workbench.core.conditions import MIXED, UNKNOWN
from workbench.core.table_text import spell_temperature
from workbench.core.types import STATUSES
from workbench.metrics import METRICS

OVER_K = re.compile(r"(?P<name>.+)@(?P<k>\d+)(/(?!low$|high$)(?P<at>.+?))?(?P<bound>/low|/high)?")
ALL = "all"
"""In a curve's name: all conditions together."""


def summary(frames: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Return scalars that sum up the tables of a run; undefined ones are left out.

    Args:
        frames: the tables by name.

    Returns:
        ``NAME@K/AT`` of each selection (``maj``, ``pass`` for coverage …), over the drawn subsets;
        ``NAME/T0.7`` of what is not drawn in subsets: ``accuracy`` and ``tokens`` of a single
        sample, ``distinct_texts`` of a pool, ``status/NAME`` as a share of the samples, and so
        ``unknown``, those of unknown correctness, where there are any: they are left out of the
        accuracies.
    """
    values: dict[str, float] = {"samples": int(frames["statuses"]["samples"].sum())}
    for table in ("accuracy_by_k", "accuracy_by_k_temperature"):
        for row in frames[table].to_dict("records"):
            mixed = row.get("pool") == MIXED
            if mixed and table == "accuracy_by_k":  # the other table has these rows as well
                continue
            at = (
                "/mixed"
                if mixed
                else at_condition(row)
                if "temperature" in row or "condition" in row
                else ""
            )
            for name, value in row.items():
                if str(name).endswith("_correct") or name == "coverage":
                    values[_short(str(name), int(row["k"])) + at] = value
    for row in frames["statuses"].to_dict("records"):
        at = at_condition(row)
        for name, column in {
            "accuracy": "accuracy",
            "distinct_texts": "distinct_texts",
            "tokens": "mean_tokens",
        }.items():
            if column in row:
                values[f"{name}{at}"] = row[column]
        for status in STATUSES:
            if status in row:
                values[f"status/{status}{at}"] = row[status] / row["samples"]
        if "unknown" in row:
            values[f"unknown{at}"] = row["unknown"] / row["samples"]
    return _finite(values)


def condition_rows(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a row for each condition: its factors, and its accuracies at the largest k.

    So that a table in W&B can be grouped and sorted by any factor. Empty where temperatures are
    all that varies, which ``accuracy_by_k_temperature`` shows as it is.

    Args:
        frames: the run's tables by name.
    """
    statuses, by_k = frames["statuses"], frames["accuracy_by_k_temperature"]
    if "condition" not in statuses or by_k.empty:
        return pd.DataFrame()
    k = int(by_k["k"].max())
    columns = [c for c in by_k if str(c).endswith("_correct") or c == "coverage"]
    most = by_k[by_k["k"] == k].set_index("condition")[columns]
    short = {c: _short(str(c), k) for c in columns}
    single = [c for c in ("accuracy", "distinct_texts", "mean_tokens") if c in statuses]
    levels = ["condition", *factor_columns(statuses)]
    return statuses[[*levels, *single]].join(most.rename(columns=short), on="condition")


def _short(column: str, k: int) -> str:
    """Return what W&B calls a column of outcomes: ``maj@8``."""
    return f"{column.removesuffix('_correct').replace('coverage', 'pass')}@{k}"


def diversity(data: Data) -> dict[str, float]:
    """Return each metric's mean over pools, so that each problem counts alike.

    Returns:
        ``NAME@K`` and ``NAME@K/T0.7``; of a DPP also ``NAME_no_repeats``, over the subsets that
        hold no text twice.
    """
    rows = data.subsets
    columns = {name: rows[name].astype(float) for name in data.metrics}
    for name in data.metrics:
        if "log_volumes" in METRICS[name].needs:  # a repeat costs a DPP about log of the jitter
            columns[f"{name}_no_repeats"] = columns[name].mask(rows["has_repeat"].astype(bool))
    frame = pd.DataFrame({**{name: rows[name] for name in POOL}, **columns})
    names = list(columns)
    pools = frame.groupby(POOL, observed=True)[names].mean().reset_index()
    values: dict[str, float] = {}
    for keys in (["k"], ["k", "condition"]):
        means = pools.groupby(keys, observed=True)[names].mean().reset_index()
        for row in means.to_dict("records"):
            at = at_condition(row) if "condition" in row else ""
            values |= {f"{name}@{int(row['k'])}{at}": row[name] for name in names}
    return _finite(values)


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def at_condition(row: Mapping[Any, Any]) -> str:
    """Return the end of a name: the condition, ``/T0.7``; ``/Tunknown`` where it is not known."""
    if "condition" in row:
        name = str(row["condition"])
        return "/Tunknown" if name == UNKNOWN else f"/{name}"
    return f"/T{spell_temperature(row['temperature'])}"
