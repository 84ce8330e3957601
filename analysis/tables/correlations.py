"""Tables of correlations: metrics of diversity against outcomes, with jackknife intervals.

The problem is the unit of every interval and test. Where ``rows`` says "without repeats", subsets
that hold a text twice are left out (``workbench.analysis.tables.shared.rows_by_metric``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from workbench.analysis.condition_columns import has_names
from workbench.analysis.correlation import LEVELS, METHODS, Correlation, correlations
from workbench.analysis.frames import Data, Table, bounded, with_q_values
from workbench.analysis.tables.shared import not_measured, rows_by_metric, star_note, subset_notes
from workbench.core.conditions import TEMPERATURE

Row = dict[str, object]

LIKELIHOOD = "avg_log_prob"
CONDITION = "condition"
COVARIATES = (LIKELIHOOD, "num_tokens", TEMPERATURE)
"""What else moves with diversity: held fixed, as far as the run has them. In place of the
temperature it is the condition where that has more than a temperature."""
PARTIAL = {
    "Partial Correlation": (LIKELIHOOD,),
    "Partial, all": COVARIATES,
    "Partial, all and difficulty": (*COVARIATES, "difficulty"),
}
"""Columns of ``partial_correlation`` and what each holds fixed; the first is the study's."""


def correlation(data: Data) -> Table:
    """Correlation of each metric with each outcome: pooled, within and between problems."""
    rows = [
        {"level": level, "method": method} | row
        for level in LEVELS
        for method in METHODS
        for row in _outcome_rows(data, data.judged, method=method, level=level)
    ]
    notes = (
        *(f"{name}: {meaning}" for name, meaning in LEVELS.items()),
        *subset_notes(data, [*data.outcomes, *data.metrics]),
        f"all k and {_setting(data)}s together, as in the study: dpp also falls with k",
    )
    return Table(with_q_values(pd.DataFrame(rows)), (*notes, star_note("is not 0")))


def within_correlation(data: Data) -> Table:
    """Correlation within problems at one k, with the condition left free and held fixed."""
    free = data.judged[data.judged["temperature"] != 0]
    if free.empty:
        return Table(pd.DataFrame(), ("every subset is of temperature 0",))
    setting = _setting(data)
    rows = [
        {"k": k, "held": held or "nothing"} | row
        for k, part in free.groupby("k", sort=True)
        for held in (("", setting) if _varies(part, setting) else ("",))
        for row in _outcome_rows(data, part, [held] if held else [], level="within")
    ]
    notes = [f"within: {LEVELS['within']}; k is fixed, as most metrics and coverage depend on it"]
    notes.append(f"held: nothing, so that hotter pools count as more diverse ones; or {setting}")
    notes += _category_notes(setting)
    notes += subset_notes(data, [*data.outcomes, *data.metrics])
    return Table(with_q_values(pd.DataFrame(rows)), (*notes, star_note("is not 0")))


def correct_count_correlation(data: Data) -> Table:
    """Correlation of dpp with the number of correct samples, by condition and k."""
    if "dpp" not in data.metrics:
        return Table(pd.DataFrame(), (not_measured(data, "dpp"),))
    rows, pair = [], (["dpp"], ["num_correct"])
    groups = data.judged.groupby(["condition", "k"], sort=True, observed=True)
    for (condition, k), group in groups:
        by_method = (_correlations(data, group, *pair, method=method) for method in METHODS)
        for found in zip(*by_method, strict=True):
            _, rule, part, _ = found[0]
            row: Row = {"condition": condition, "k": k, "rows": rule}
            for method, (_, _, _, (one,)) in zip(METHODS, found, strict=True):
                row |= _columns(method, one)
            rows.append(row | {"count": len(part)})
    notes = (*subset_notes(data, ["num_correct", "dpp"]), star_note("is not 0"))
    return Table(with_q_values(pd.DataFrame(rows)), notes)


def partial_correlation(data: Data) -> Table:
    """Correlation of each metric with coverage, and the same with other things held fixed."""
    setting = _setting(data)
    chosen = {
        name: setting if name == TEMPERATURE else name for name in (*COVARIATES, "difficulty")
    }
    present = [name for name in chosen.values() if _varies(data.judged, name)]
    others = [name for name in data.metrics if name != LIKELIHOOD]
    rows: dict[tuple[object, str, str], Row] = {}
    sizes: dict[tuple[object, str, str], int] = {}
    for k, group in data.judged.groupby("k", sort=True):
        if data.unknown and group["difficulty"].notna().any():
            # no other sample of the problem is judged: left out of one column, so of all
            group = group[group["difficulty"].notna()]
        for label, names in {"Correlation": (), **PARTIAL}.items():
            wanted = [chosen[name] for name in names]
            for held, metrics in _metrics_by_covariates(others, wanted, present).items():
                found = _correlations(data, group, metrics, ["coverage"], held)
                for metric, rule, part, (one,) in found:
                    key = (k, metric, rule)
                    row = rows.setdefault(key, {"k": k, "Measure": metric, "rows": rule})
                    row |= _columns(label, one)
                    sizes[key] = int(np.isfinite(part[metric]).sum())
    table = pd.DataFrame([row | {"count": sizes[key]} for key, row in rows.items()])
    notes = subset_notes(data, ["coverage", *data.metrics])
    if LIKELIHOOD in present:
        how = f"{LIKELIHOOD} held fixed, {setting}s together, as in the study"
        notes.append(f"Partial Correlation: {how}")
    else:
        notes.append(f"no Partial Correlation, the study's: {not_measured(data, LIKELIHOOD)}")
    free = ", ".join(name for name in present if name != "difficulty") or "nothing that varies"
    difficulty = "the share of wrong ones among the problem's samples outside the subset"
    notes.append(f"all: {free}; difficulty: {difficulty}")
    notes += _category_notes(setting)
    return Table(with_q_values(table), (*notes, star_note("is not 0")))


def _metrics_by_covariates(
    metrics: Sequence[str], names: Sequence[str], present: Sequence[str]
) -> dict[tuple[str, ...], list[str]]:
    """Group metrics by those of the covariates ``names`` that can be held fixed for them.

    A metric is never a covariate of itself. A metric is left out where nothing is left to be held,
    and where only the likelihood is left of a longer list: that is the study's own column.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    alone = (LIKELIHOOD,)
    for metric in metrics:
        held = tuple(name for name in names if name in present and name != metric)
        if not names or (held and (tuple(names) == alone) == (held == alone)):
            found.setdefault(held, []).append(metric)
    return found


def _setting(data: Data) -> str:
    """Return what is held fixed of how samples were drawn: temperature, a number, or condition."""
    return CONDITION if has_names(data.conditions) else TEMPERATURE


def _category_notes(setting: str) -> list[str]:
    """Say how the condition is held fixed."""
    category = "condition held fixed: as a category, so that each may have a mean of its own"
    return [category] * (setting == CONDITION)


def _varies(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column is there and takes several values; a temperature, known in every row."""
    if name not in frame:
        return False
    values = frame[name].dropna()
    unknown = name == TEMPERATURE and len(values) < len(frame)
    return not unknown and values.nunique() > 1


def _outcome_rows(
    data: Data, frame: pd.DataFrame, covariates: Sequence[str] = (), **how: str
) -> Iterator[Row]:
    """Yield a row per metric: its correlation with every outcome, and how many subsets it has."""
    columns = (data.metrics, data.outcomes, covariates)
    for metric, rule, part, found in _correlations(data, frame, *columns, **how):
        row: Row = {"metric": metric, "rows": rule}
        for outcome, one in zip(data.outcomes, found, strict=True):
            row |= _columns(outcome, one)
        yield row | {"count": int(np.isfinite(part[metric]).sum())}


def _correlations(
    data: Data,
    frame: pd.DataFrame,
    metrics: Sequence[str],
    outcomes: Sequence[str],
    covariates: Sequence[str] = (),
    **how: str,
) -> Iterator[tuple[str, str, pd.DataFrame, list[Correlation]]]:
    """Yield each of ``rows_by_metric`` with the correlations of its metric with the outcomes.

    ``how`` is the method and the level.
    """
    choices = rows_by_metric(frame, metrics)
    confidence = data.run.experiment.analysis.confidence
    found: dict[tuple[str, str], list[Correlation]] = {}
    for rule, part in {rule: part for _, rule, part in choices}.items():
        names = [metric for metric, of, _ in choices if of == rule]
        x, y = part[list(names)], part[list(outcomes)]
        held = part[[name for name in covariates if name != CONDITION]]
        category = part[CONDITION] if CONDITION in covariates else None
        lines = correlations(
            x, y, data.codes(part), held, category=category, **how, confidence=confidence
        )
        found |= {(name, rule): line for name, line in zip(names, lines, strict=True)}
    for metric, rule, part in choices:
        yield metric, rule, part, found[metric, rule]


def _columns(name: str, found: Correlation) -> dict[str, float]:
    return bounded(name, found.r, found.low, found.high, found.p)
