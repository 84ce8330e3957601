"""TABLES: rows -> DataFrames, one function per table of the study.

Every accuracy is a mean over problems' pools with a percentile bootstrap interval over problems;
every correlation has a jackknife interval over problems. A number ``x`` stands in column ``x``,
its interval in ``x_low`` and ``x_high`` (empty below 10 problems).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.buckets import bucket, bucket_numbers
from analysis.correlation import LEVELS, Correlation, correlate
from analysis.data import POOL, RULE, Data, Table, counts, cut, dropped
from workbench.metrics import METRICS
from workbench.tasks.math_answers import RULES
from workbench.types import STATUSES


def accuracy_by_k(data: Data) -> Table:
    """Accuracy of each selection by subset size, all temperatures together."""
    return _accuracy(data, ["k"])


def accuracy_by_temperature(data: Data) -> Table:
    """Accuracy of each selection by temperature, all subset sizes together."""
    return _accuracy(data, ["temperature"])


def accuracy_by_k_temperature(data: Data) -> Table:
    """Accuracy of each selection by subset size and temperature."""
    return _accuracy(data, ["k", "temperature"])


def _accuracy(data: Data, keys: list[str]) -> Table:
    """Selections and coverage by ``keys``, beside a single sample and greedy decoding."""
    single = data.expectations[data.expectations["k"] == 1]
    pool = ["problem_id", "temperature"]
    singles = single[[*pool, "pass@k"]].rename(columns={"pass@k": "single_sample"})
    frame = data.collapsed.merge(singles, on=pool, how="left")  # an unknown temperature too
    columns = [*data.outcomes, "single_sample"]
    greedy = single[single["temperature"] == 0.0]
    if not greedy.empty:
        frame = frame.join(
            greedy.set_index("problem_id")["pass@k"].rename("greedy"), on="problem_id"
        )
        columns.append("greedy")
    rows = []
    for key, part in frame.groupby(keys, sort=True, dropna=False):
        rows.append(dict(zip(keys, key, strict=True)) | data.means(part, columns))
    notes = [*counts(data), *dropped(data, data.outcomes)]
    notes.append("single_sample is pass@1, exact; coverage: any of the k is correct")
    return Table(pd.DataFrame(rows), tuple(notes))


def coverage_curve(data: Data) -> Table:
    """Exact pass@k, maj@k and best@k over all k-subsets, by temperature."""
    frame = data.expectations
    unknown = data.unknown
    names = [c for c in frame.columns if c.endswith("@k") or (unknown and c.endswith("@k_upper"))]
    rows = []
    for (temperature, k), part in frame.groupby(["temperature", "k"], sort=True, dropna=False):
        rows.append({"temperature": temperature, "k": k} | data.means(part, names))
    notes = [*counts(data), "exact expectations over all k-subsets, no sampling error"]
    if unknown:
        notes.append(
            f"{unknown} samples whose correctness is unknown count as not correct; as correct in "
            "the columns …_upper"
        )
    return Table(pd.DataFrame(rows), tuple(notes))


def sampling_check(data: Data) -> Table:
    """Means over the drawn subsets against exact expectations: z beyond ±4 would be a fault."""
    drawn = data.subsets.groupby(POOL, dropna=False)[list(data.outcomes)].agg(["mean", "count"])
    drawn.columns = drawn.columns.map(" ".join)
    known = drawn.reset_index().merge(data.expectations, on=POOL)
    known = known[known["num_unknown"] == 0]
    rows = []
    for (k, temperature), part in known.groupby(["k", "temperature"], dropna=False):
        for outcome in data.outcomes:
            name = outcome.removesuffix("_correct").replace("coverage", "pass") + "@k"
            if name not in part:
                continue
            p = part[name].to_numpy()
            mean = part[f"{outcome} mean"].to_numpy()
            variance = p * (1 - p) / part[f"{outcome} count"].to_numpy()
            error = float(np.sqrt(np.clip(variance, 0, None).sum())) / len(p)
            gap = float(mean.mean() - p.mean())
            rows.append(
                {
                    "k": k, "temperature": temperature, "outcome": outcome, "sampled": mean.mean(),
                    "exact": p.mean(), "z": gap / error if error > 1e-12 else 0.0,
                    "pools": len(p),
                }
            )  # fmt: skip
    return Table(
        pd.DataFrame(
            rows, columns=["k", "temperature", "outcome", "sampled", "exact", "z", "pools"]
        ),
        ("z = (sampled - exact) / standard error of the draw",),
    )


def correlation(data: Data) -> Table:
    """Correlation of each metric with each outcome: pooled, within and between problems."""
    rows = []
    for level in LEVELS:
        for metric, rule, part in _metric_rows(data):
            row: dict[str, object] = {"level": level, "metric": metric, "rows": rule}
            for outcome in data.outcomes:
                found = correlate(
                    part[metric], part[outcome], part["problem_id"],
                    level=level, confidence=data.run.experiment.analysis.confidence,
                )  # fmt: skip
                row |= _interval(outcome, found)
            rows.append(row | {"count": int(np.isfinite(part[metric]).sum())})
    notes = [f"{name}: {meaning}" for name, meaning in LEVELS.items()]
    notes += [*counts(data), *dropped(data, [*data.outcomes, *data.metrics]), *cut(data)]
    notes.append("all k and temperatures together, as in the study: dpp also falls with k")
    return Table(pd.DataFrame(rows), tuple(notes))


def correct_count_correlation(data: Data) -> Table:
    """Correlation of dpp with the number of correct samples, by temperature and k."""
    rows = []
    if "dpp" not in data.metrics:
        return Table(pd.DataFrame(), (_unmeasured(data, "dpp"),))
    cells = data.subsets.groupby(["temperature", "k"], sort=True, dropna=False)
    for (temperature, k), cell in cells:
        for _, rule, part in _metric_rows(data, cell, ["dpp"]):
            row: dict[str, object] = {"temperature": temperature, "k": k, "rows": rule}
            for method in ("pearson", "spearman"):
                found = correlate(
                    part["dpp"], part["num_correct"], part["problem_id"],
                    method=method, confidence=data.run.experiment.analysis.confidence,
                )  # fmt: skip
                row |= _interval(method, found)
            rows.append(row | {"count": len(part)})
    notes = (*counts(data), *dropped(data, ["num_correct", "dpp"]), *cut(data))
    return Table(pd.DataFrame(rows), notes)


def partial_correlation(data: Data) -> Table:
    """Correlation of each metric with coverage, and the same with likelihood held fixed."""
    if "avg_log_prob" not in data.metrics:
        return Table(pd.DataFrame(), (_unmeasured(data, "avg_log_prob"),))
    rows = []
    others = [name for name in data.metrics if name != "avg_log_prob"]
    for k, cell in data.subsets.groupby("k", sort=True):
        for metric, rule, part in _metric_rows(data, cell, others):
            row: dict[str, object] = {"k": k, "Measure": metric, "rows": rule}
            for label, covariates in (
                ("Correlation", None),
                ("Partial Correlation", part["avg_log_prob"]),
            ):
                found = correlate(
                    part[metric], part["coverage"], part["problem_id"], covariates,
                    confidence=data.run.experiment.analysis.confidence,
                )  # fmt: skip
                row |= _interval(label, found)
            rows.append(row | {"count": int(np.isfinite(part[metric]).sum())})
    notes = [*counts(data), *dropped(data, ["coverage", *data.metrics]), *cut(data)]
    notes.append("partial: avg_log_prob held fixed; temperatures together, as in the study")
    return Table(pd.DataFrame(rows), tuple(notes))


def buckets(data: Data) -> Table:
    """Outcomes by the value of each metric, in buckets, for each k."""
    settings = data.run.experiment.analysis
    parts = []
    for k, cell in data.subsets.groupby("k", sort=True):
        for metric, rule, rows in _metric_rows(data, cell):
            kept = rows[np.isfinite(rows[metric])]
            if kept.empty:
                continue
            found = bucket(
                kept, metric, settings.num_buckets, outcomes=data.outcomes,
                width=settings.bucket_width,
            )  # fmt: skip
            numbers = bucket_numbers(
                kept[metric].to_numpy(), settings.num_buckets, settings.bucket_width
            )
            means = [data.means(kept[numbers == n], data.outcomes) for n in np.unique(numbers)]
            intervals = pd.DataFrame(means)
            found = pd.concat([intervals, found.drop(columns=list(data.outcomes))], axis=1)
            found.insert(0, "rows", rule)
            found.insert(0, "k", k)
            found.insert(0, "metric", metric)
            parts.append(found)
    notes = [*counts(data), *dropped(data, [*data.outcomes, *data.metrics]), *cut(data)]
    notes.append(f"buckets of {settings.bucket_width} width; empty ones are not shown")
    return Table(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), tuple(notes))


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
        accuracy_by_k, accuracy_by_temperature, accuracy_by_k_temperature, coverage_curve,
        sampling_check, correlation, correct_count_correlation, buckets, partial_correlation,
        statuses,
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
        if "jitter" in METRICS[metric].settings:
            found.append((metric, "without repeats", rows[~rows["has_repeat"].astype(bool)]))
    return found


def _interval(name: str, found: Correlation) -> dict[str, float]:
    return {name: found.r, f"{name}_low": found.low, f"{name}_high": found.high}
