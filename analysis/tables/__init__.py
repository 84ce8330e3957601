"""TABLES: rows -> DataFrames, one function per table of the study.

Accuracies are in ``analysis.tables.accuracy``; here are correlations, with jackknife intervals over
problems, and buckets. A number ``x`` stands in column ``x``, its interval in ``x_low`` and
``x_high``, its p-value in ``x_p`` and, corrected over the whole table, in ``x_q`` (all empty below
10 problems).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.buckets import bucket, bucket_numbers
from analysis.correlation import LEVELS, METHODS, Correlation, correlations
from analysis.frames import (
    RULE,
    Data,
    Table,
    counts,
    cut,
    dropped,
    lines_of,
    side_by_side,
    tested,
    with_q,
)
from analysis.tables.accuracy import (
    accuracy_by_k,
    accuracy_by_k_temperature,
    accuracy_by_temperature,
    budget,
    coverage_curve,
    oracle_gap,
    sampling_check,
)
from analysis.tables.entropies import entropy_bounds
from analysis.tables.pruning import pruning
from analysis.tables.quality import quality_coefficients
from analysis.tables.rewards import reliability, reward_curve, reward_report
from analysis.tables.submitted import submitted
from workbench.core.types import STATUSES
from workbench.measure.correctness_split import GROUPS, split_size
from workbench.metrics import METRICS
from workbench.tasks.math_answers import RULES


def correlation(data: Data) -> Table:
    """Correlation of each metric with each outcome: pooled, within and between problems."""
    rows = []
    for level in LEVELS:
        for method in METHODS:
            for metric, rule, part, found in _correlated(
                data, data.subsets, data.metrics, data.outcomes, method=method, level=level
            ):
                row: dict[str, object] = {
                    "level": level, "method": method, "metric": metric, "rows": rule,
                }  # fmt: skip
                for outcome, one in zip(data.outcomes, found, strict=True):
                    row |= _interval(outcome, one)
                rows.append(row | {"count": int(np.isfinite(part[metric]).sum())})
    notes = [f"{name}: {meaning}" for name, meaning in LEVELS.items()]
    notes += [*counts(data), *dropped(data, [*data.outcomes, *data.metrics]), *cut(data)]
    notes.append("all k and temperatures together, as in the study: dpp also falls with k")
    return Table(with_q(pd.DataFrame(rows)), (*notes, tested("is not 0")))


def within_correlation(data: Data) -> Table:
    """Correlation within problems at one k, with temperature left free and held fixed."""
    free = data.subsets[data.subsets["temperature"] != 0]
    if free.empty:
        return Table(pd.DataFrame(), ("every subset is of temperature 0",))
    rows = []
    for k, cell in free.groupby("k", sort=True):
        for held in ("nothing", "temperature") if _varies(cell, "temperature") else ("nothing",):
            covariates = ["temperature"] if held == "temperature" else []
            for metric, rule, part, found in _correlated(
                data, cell, data.metrics, data.outcomes, covariates, level="within"
            ):
                row: dict[str, object] = {"k": k, "held": held, "metric": metric, "rows": rule}
                for outcome, one in zip(data.outcomes, found, strict=True):
                    row |= _interval(outcome, one)
                rows.append(row | {"count": int(np.isfinite(part[metric]).sum())})
    notes = [f"within: {LEVELS['within']}; k is fixed, as most metrics and coverage depend on it"]
    notes.append("held: nothing, so that hotter pools count as more diverse ones; or temperature")
    notes += [*counts(data), *dropped(data, [*data.outcomes, *data.metrics]), *cut(data)]
    return Table(with_q(pd.DataFrame(rows)), (*notes, tested("is not 0")))


def correct_count_correlation(data: Data) -> Table:
    """Correlation of dpp with the number of correct samples, by temperature and k."""
    rows = []
    if "dpp" not in data.metrics:
        return Table(pd.DataFrame(), (_unmeasured(data, "dpp"),))
    cells = data.subsets.groupby(["temperature", "k"], sort=True, dropna=False)
    for (temperature, k), cell in cells:
        by_method = (
            _correlated(data, cell, ["dpp"], ["num_correct"], method=method) for method in METHODS
        )
        for found in zip(*by_method, strict=True):
            _, rule, part, _ = found[0]
            row: dict[str, object] = {"temperature": temperature, "k": k, "rows": rule}
            for method, (_, _, _, (one,)) in zip(METHODS, found, strict=True):
                row |= _interval(method, one)
            rows.append(row | {"count": len(part)})
    notes = (*counts(data), *dropped(data, ["num_correct", "dpp"]), *cut(data), tested("is not 0"))
    return Table(with_q(pd.DataFrame(rows)), notes)


LIKELIHOOD = "avg_log_prob"
COVARIATES = (LIKELIHOOD, "num_tokens", "temperature")
"""What else moves with diversity: held fixed, as far as the run has them."""
PARTIAL = {
    "Partial Correlation": (LIKELIHOOD,),
    "Partial, all": COVARIATES,
    "Partial, all and difficulty": (*COVARIATES, "difficulty"),
}
"""Columns of ``partial_correlation`` and what each holds fixed; the first is the study's."""


def partial_correlation(data: Data) -> Table:
    """Correlation of each metric with coverage, and the same with other things held fixed."""
    present = [name for name in (*COVARIATES, "difficulty") if _varies(data.subsets, name)]
    others = [name for name in data.metrics if name != LIKELIHOOD]
    rows: dict[tuple[object, str, str], dict[str, object]] = {}
    sizes: dict[tuple[object, str, str], int] = {}
    for k, cell in data.subsets.groupby("k", sort=True):
        for label, names in {"Correlation": (), **PARTIAL}.items():
            metrics_by: dict[tuple[str, ...], list[str]] = {}
            for metric in others:
                held = tuple(name for name in names if name in present and name != metric)
                if names and (not held or (names == (LIKELIHOOD,)) != (held == (LIKELIHOOD,))):
                    continue
                metrics_by.setdefault(held, []).append(metric)
            for held, metrics in metrics_by.items():
                for metric, rule, part, (one,) in _correlated(
                    data, cell, metrics, ["coverage"], held
                ):
                    key = (k, metric, rule)
                    row = rows.setdefault(key, {"k": k, "Measure": metric, "rows": rule})
                    row |= _interval(label, one)
                    sizes[key] = int(np.isfinite(part[metric]).sum())
    table = pd.DataFrame([row | {"count": sizes[key]} for key, row in rows.items()])
    notes = [*counts(data), *dropped(data, ["coverage", *data.metrics]), *cut(data)]
    if LIKELIHOOD in present:
        notes.append("Partial Correlation: avg_log_prob held fixed, temperatures together, as in "
                     "the study")  # fmt: skip
    else:
        notes.append(f"no Partial Correlation, the study's: {_unmeasured(data, LIKELIHOOD)}")
    free = [name for name in present if name != "difficulty"]
    notes.append(f"all: {', '.join(free) or 'nothing that varies'}; difficulty: the share of wrong "
                 "ones among the problem's samples outside the subset")  # fmt: skip
    return Table(with_q(table), (*notes, tested("is not 0")))


def _varies(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column is there, known in every row but for a few, and not always the same."""
    if name not in frame:
        return False
    values = frame[name].dropna()
    unknown = name == "temperature" and len(values) < len(frame)
    return not unknown and values.nunique() > 1


def buckets(data: Data) -> Table:
    """Outcomes by the value of each metric, in buckets, for each k."""
    settings = data.run.experiment.analysis
    parts = []
    for k, cell in data.subsets.groupby("k", sort=True):
        found, sums = [], []
        for metric, rule, rows in _metric_rows(data, cell):
            kept = rows[np.isfinite(rows[metric])]
            if kept.empty:
                continue
            shape = settings.num_buckets, settings.bucket_width
            numbers = bucket_numbers(kept[metric].to_numpy(dtype=float), *shape)
            _, lines = np.unique(numbers, return_inverse=True)
            sums.append(data.sums(kept, data.outcomes, lines))
            table = bucket(kept, metric, shape[0], outcomes=data.outcomes, width=shape[1])
            table = table.drop(columns=list(data.outcomes))
            found.append(table.assign(metric=metric, k=k, rows=rule))
        if sums:
            joined, others = (side_by_side(some) for some in (sums, [one.others for one in sums]))
            p = data.p_values(joined.means - others.means, data.outcomes)
            rest = pd.concat(found, ignore_index=True)
            first = rest[["metric", "k", "rows"]]
            rest = rest.drop(columns=list(first))
            parts.append(pd.concat([first, data.intervals(joined), p, rest], axis=1))
    notes = [*counts(data), *dropped(data, [*data.outcomes, *data.metrics]), *cut(data)]
    notes.append(f"buckets of {settings.bucket_width} width; empty ones are not shown")
    notes.append(tested("differs from the other buckets of the same problems"))
    table = with_q(pd.concat(parts, ignore_index=True)) if parts else pd.DataFrame()
    return Table(table, tuple(notes))


def diversity_by_correctness(data: Data) -> Table:
    """Diversity of the right and of the wrong samples of a pool, as many of each."""
    frame = data.run.frame("split")
    if frame.empty:
        size = split_size(data.run.experiment.measure)
        return Table(pd.DataFrame(), (f"no pool has {size} right and {size} wrong samples",))
    metrics = [metric for metric in data.metrics if metric in frame]
    if not metrics:
        return Table(pd.DataFrame(), (_unmeasured(data, ", ".join(data.metrics)),))
    rows = []
    keys = ["problem_id", "temperature", "k"]
    for metric in metrics:
        wide = frame.pivot(index=keys, columns="group", values=metric).reset_index()
        wide["difference"] = wide["correct"] - wide["wrong"]
        labels, lines = lines_of(wide, ["temperature", "k"])
        sums = data.sums(wide, [*GROUPS, "difference"], lines)
        p = data.p_values(sums.means[:, :, -1:], ["difference"])
        labels.insert(1, "metric", metric)
        parts = [labels, data.intervals(sums), p]
        rows.append(pd.concat(parts, axis=1).assign(pools=np.bincount(lines)))
    notes = [
        "k samples at a time, drawn among all, the right and the wrong ones of a pool; "
        f"{len(wide)} pools have k of both kinds",
        "difference: correct - wrong of the same pools",
        *cut(data),
    ]
    table = with_q(pd.concat(rows, ignore_index=True))
    return Table(table, (*notes, tested("is not 0")))


def statuses(data: Data) -> Table:
    """What became of the samples, by temperature: statuses, answer rules, accuracy, repeats."""
    usual = [f"{RULE}{rule}" for rule in RULES]
    others = sorted(c for c in data.pools.columns if c.startswith(RULE) and c not in usual)
    names = ["samples", *STATUSES, *usual, *others]
    values = ["accuracy", "distinct_texts", "mean_tokens"]
    shown = [v for v in values if v == "distinct_texts" or data.pools[v].notna().any()]
    rows = []
    for temperature, part in data.pools.groupby("temperature", sort=True, dropna=False):
        row: dict[str, object] = {"temperature": temperature}
        row |= {name: int(part[name].sum()) for name in names}
        rows.append(row | data.means(part, shown))
    notes = ["counts of samples; accuracy over samples whose correctness is known"]
    if data.unknown:
        notes.append(f"{data.unknown:,} samples are of unknown correctness")
    notes.append("distinct_texts: share of distinct texts in a pool, mean over problems")
    if "mean_tokens" not in shown:
        notes.append("lengths in tokens are unknown")
    return Table(pd.DataFrame(rows), (*notes, *cut(data)))


@dataclass(frozen=True, slots=True)
class Maker:
    """How a table is made, and one line on what it shows."""

    make: Callable[[Data], Table]
    summary: str


TABLES: dict[str, Maker] = {
    maker.__name__.replace("buckets", "bucket"): Maker(maker, (maker.__doc__ or "").split("\n")[0])
    for maker in (
        accuracy_by_k, accuracy_by_temperature, accuracy_by_k_temperature, coverage_curve, budget,
        oracle_gap, sampling_check, correlation, within_correlation, correct_count_correlation,
        buckets, partial_correlation, diversity_by_correctness, pruning, submitted, reward_report,
        reward_curve, reliability, quality_coefficients, entropy_bounds, statuses,
    )
}  # fmt: skip


def make_table(name: str, data: Data) -> Table:
    """Return a table of ``TABLES``; empty where it needs correctness and none is known."""
    if not data.judged and name != "statuses":
        return Table(
            pd.DataFrame(),
            (f"no sample's correctness is known ({data.unknown:,} samples): nothing to compare",),
        )
    return TABLES[name].make(data)


def _unmeasured(data: Data, metric: str) -> str:
    """Say why a table that is about one metric is empty."""
    reason = data.left_out.get(metric)
    return f"{metric} is not measured: {reason or 'the experiment does not ask for it'}"


def _metric_rows(
    data: Data, frame: pd.DataFrame | None = None, metrics: Sequence[str] | None = None
) -> list[tuple[str, str, pd.DataFrame]]:
    """Return (metric, which rows, rows); a DPP twice, as repeats cost it about log jitter each."""
    rows = data.subsets if frame is None else frame
    found = []
    for metric in metrics if metrics is not None else data.metrics:
        found.append((metric, "all", rows))
        if "log_volumes" in METRICS[metric].needs:
            found.append((metric, "without repeats", rows[~rows["has_repeat"].astype(bool)]))
    return found


def _correlated(
    data: Data,
    frame: pd.DataFrame,
    metrics: Sequence[str],
    outcomes: Sequence[str],
    held: Sequence[str] = (),
    *,
    method: str = "pearson",
    level: str = "pooled",
) -> Iterator[tuple[str, str, pd.DataFrame, list[Correlation]]]:
    """Yield each of ``_metric_rows`` with the correlations of its metric with the outcomes."""
    cells = _metric_rows(data, frame, metrics)
    found: dict[tuple[str, str], list[Correlation]] = {}
    for rule, part in {rule: part for _, rule, part in cells}.items():
        names = [metric for metric, of, _ in cells if of == rule]
        lines = correlations(
            part[names], part[list(outcomes)], data.codes(part), part[list(held)], method=method,
            level=level, confidence=data.run.experiment.analysis.confidence,
        )  # fmt: skip
        found |= {(name, rule): line for name, line in zip(names, lines, strict=True)}
    for metric, rule, part in cells:
        yield metric, rule, part, found[metric, rule]


def _interval(name: str, found: Correlation) -> dict[str, float]:
    return {
        name: found.r, f"{name}_low": found.low, f"{name}_high": found.high, f"{name}_p": found.p,
    }  # fmt: skip
