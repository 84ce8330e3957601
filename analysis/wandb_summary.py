"""The numbers that W&B shows of a run: scalars for its table of runs.

Names are read from right to left: ``maj@8/T0.7`` is majority vote over 8 samples at temperature
0.7, ``maj@8/T1.5-min_p0.1`` in that condition, ``maj@8/mixed`` over samples of all conditions,
``maj@8`` the mean over the conditions. Every run has the last one, whatever its conditions, so that
runs can be compared by it. Each is the exact expectation over all k-subsets, the same number as in
the run's tables and curves. Of a selection without one there is the mean over the drawn subsets,
which is called so: ``drawn_weighted@8/T0.7``, and ``…/error`` is its sampling error. Behind a last
slash are the bounds of an interval, ``maj@8/T0.7/low`` and ``/high``; those of ``maj@8`` are
``maj@8/all/low`` and ``/high``, so that a condition may be named ``low``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from workbench.analysis.condition_columns import factor_columns
from workbench.analysis.frames import POOL, Data
from workbench.analysis.known_outcomes import largest_whole
from workbench.core.conditions import ALL, MIXED, UNKNOWN
from workbench.core.table_text import spell_temperature
from workbench.core.types import STATUSES
from workbench.metrics import METRICS

OVER_K = re.compile(r"(?P<name>.+)@(?P<k>\d+)(/(?P<at>[^/]+)(?P<bound>/low|/high)?)?")
"""Numbers that have a curve over k, their bounds among them."""
PARTS = ("low", "high", "error")
"""What stands beside a number, in columns ``…_low`` and names ``…/low``."""


def summary(frames: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Return scalars that sum up the tables of a run; undefined ones are left out.

    Args:
        frames: the tables by name.

    Returns:
        ``NAME@K/AT`` of each selection (``maj``, ``pass`` for coverage …), exact or named
        ``drawn_…``, each with ``/low``, ``/high`` and perhaps ``/error``;
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
            at = f"/{MIXED}" if mixed else at_condition(row) if table != "accuracy_by_k" else ""
            for name in _outcomes(row):
                short = _short(name, int(row["k"]))
                values[short + at] = row[name]
                for part in PARTS:
                    if f"{name}_{part}" in row:
                        values[f"{short}{at or f'/{ALL}'}/{part}"] = row[f"{name}_{part}"]
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


def condition_rows(frames: Mapping[str, pd.DataFrame], expectations: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each condition: its factors, and its accuracies at the headline's k.

    So that a table in W&B can be grouped and sorted by any factor. Empty where temperatures are
    all that varies, which ``accuracy_by_k_temperature`` shows as it is.

    Args:
        frames: the run's tables by name.
        expectations: of the run, which say at which k samples of unknown correctness cost pools.
    """
    statuses, by_k = frames["statuses"], frames["accuracy_by_k_temperature"]
    if "condition" not in statuses or by_k.empty:
        return pd.DataFrame()
    k = largest_whole(expectations, by_k["k"])
    columns = _outcomes(by_k)
    most = by_k[by_k["k"] == k].set_index("condition")[columns]
    short = {c: _short(c, k) for c in columns}
    single = [c for c in ("accuracy", "distinct_texts", "mean_tokens") if c in statuses]
    levels = ["condition", *factor_columns(statuses)]
    return statuses[[*levels, *single]].join(most.rename(columns=short), on="condition")


def _outcomes(columns: Iterable[Any]) -> list[str]:
    """Return the columns of a table of accuracies that hold outcomes."""
    return [c for c in map(str, columns) if c.endswith("_correct") or c == "coverage"]


def _short(column: str, k: int) -> str:
    """Return what W&B calls a column of outcomes: ``maj@8``, ``drawn_weighted@8``."""
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
