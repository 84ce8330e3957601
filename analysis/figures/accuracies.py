"""The one place from which figures take accuracies: exact expectations where there are any.

They stand in the table ``coverage_curve``. What has no closed form, and pools of mixed conditions,
are means over the drawn subsets, of the table ``accuracy_by_k_temperature``.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from workbench.analysis.condition_columns import CONDITION, with_conditions
from workbench.core.conditions import MIXED
from workbench.saved_run import Run

SINGLE, COVERAGE = "single sample", "coverage"
COLUMNS = (CONDITION, "k", "selection", "accuracy", "accuracy_low", "accuracy_high")


def outcome_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a table that hold outcomes."""
    return [name for name in map(str, frame) if re.fullmatch(r".+_correct|(drawn_)?coverage", name)]


def label_of(column: str) -> str:
    """Return what legends and panels call a column of outcomes.

    Example:
        >>> [label_of(name) for name in ("maj_correct", "drawn_weighted_correct", "single_sample")]
        ['maj', 'weighted (drawn)', 'single sample']
    """
    plain = column.removesuffix("_correct").replace("_sample", " sample")
    return f"{plain.removeprefix('drawn_')} (drawn)" if plain.startswith("drawn_") else plain


def accuracies(run: Run) -> pd.DataFrame:
    """Return a row for each condition, k and selection, with its accuracy and interval.

    A single sample has a row at each k, of the same problems. Conditions are categories, in their
    order; that of mixed pools is the last. Empty where neither table has a row.
    """
    exact, by_k = (_table(run, name) for name in ("coverage_curve", "accuracy_by_k_temperature"))
    if len(exact):
        sizes = exact.groupby(CONDITION, observed=True)["k"].transform("max")
        exact = exact[sizes > 1] if (sizes > 1).any() else exact  # one greedy sample has no curve
    drawn = outcome_columns(by_k)
    names = {
        c: c.removesuffix("@k").replace("pass", COVERAGE)
        for c in map(str, exact)
        if c.endswith("@k")
    }
    parts = [_rows(exact, column, name) for column, name in names.items()]
    if "pass@k" in exact:
        one = exact[exact["k"] == 1].drop(columns="k")
        parts.append(_rows(exact[[CONDITION, "k"]].merge(one, on=CONDITION), "pass@k", SINGLE))
    parts += [_rows(by_k, c, label_of(c)) for c in (*drawn, "single_sample") if c in by_k]
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=COLUMNS)
    whole = pd.concat(filled, ignore_index=True)
    whole["plain"] = whole["selection"].str.removesuffix(" (drawn)")
    whole = whole.drop_duplicates([CONDITION, "k", "plain"])  # the exact ones stand first
    conditions = sorted(dict.fromkeys(whole[CONDITION]), key=lambda name: name == MIXED)
    selections = dict.fromkeys([COVERAGE, *map(_plain, drawn), *names.values(), *whole["plain"]])
    order = [*(name for name in selections if name != SINGLE), SINGLE]
    whole[CONDITION] = pd.Categorical(whole[CONDITION], conditions, ordered=True)
    whole["place"] = whole["plain"].map(order.index)
    return whole.sort_values([CONDITION, "place", "k"], ignore_index=True)[[*COLUMNS]]


def _table(run: Run, name: str) -> pd.DataFrame:
    """Return a saved table with its conditions as text; empty where there is none."""
    frame = with_conditions(run.table(name)) if name in run.tables else pd.DataFrame()
    return frame.assign(condition=frame[CONDITION].astype(str)) if CONDITION in frame else frame


def _rows(frame: pd.DataFrame, column: str, selection: str) -> pd.DataFrame:
    """Return the values of one column, as rows of ``COLUMNS``."""
    ends = ("", "_low", "_high")
    bounds = {f"accuracy{end}": frame.get(f"{column}{end}", np.nan) for end in ends}
    rows = frame[[CONDITION, "k"]].assign(selection=selection, **bounds)
    return rows.dropna(subset="accuracy")


def _plain(column: str) -> str:
    return label_of(column).removesuffix(" (drawn)")
