"""TABLES: rows -> DataFrames, one function per table of the study.

Every accuracy is a mean over problems' pools with a percentile bootstrap interval over problems;
every correlation has a jackknife interval over problems. A number ``x`` stands in column ``x``,
its interval in ``x_low`` and ``x_high`` (empty below 10 problems).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.buckets import bucket, bucket_numbers
from analysis.correlation import LEVELS, Correlation, correlate
from analysis.resample import MIN_PROBLEMS, bootstrap_means
from workbench.metrics import METRICS
from workbench.run import Run
from workbench.types import STATUSES

POOL = ["problem_id", "temperature", "k"]


@dataclass(frozen=True, eq=False)
class Table:
    """A table and what stands under it."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Data:
    """The rows of a run that the tables are made of."""

    run: Run
    metrics: Sequence[str] = field(init=False)
    outcomes: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        """Note which columns there are."""
        experiment = self.run.experiment
        selections = [f"{name}_correct" for name in experiment.selection.aggregators]
        object.__setattr__(self, "metrics", list(experiment.measure.metrics))
        object.__setattr__(self, "outcomes", [*selections, "coverage"])

    @cached_property
    def subsets(self) -> pd.DataFrame:
        """One row per subset; outcomes as floats, NaN where unknown."""
        frame = self.run.subsets.drop(columns=["members"], errors="ignore")
        for name in [*self.outcomes, "num_correct"]:
            frame[name] = frame[name].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        return frame

    @cached_property
    def expectations(self) -> pd.DataFrame:
        """One row per pool and k."""
        return self.run.expectations

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per sample of the pools that are measured."""
        frame = self.run.scores
        return frame

    @cached_property
    def collapsed(self) -> pd.DataFrame:
        """Mean outcomes per pool and k, so that each pool counts alike whatever its subsets."""
        return self.subsets.groupby(POOL, sort=True)[list(self.outcomes)].mean().reset_index()

    @property
    def temperatures(self) -> list[float]:
        """The sampling temperatures, rising."""
        return sorted(self.subsets["temperature"].unique())

    def rng(self) -> np.random.Generator:
        """Return a new generator, the same for every table."""
        return np.random.default_rng(self.run.experiment.analysis.seed)

    def means(self, frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, float]:
        """Return mean, low and high of columns over the problems of ``frame``."""
        settings = self.run.experiment.analysis
        found = bootstrap_means(
            frame[list(columns)],
            frame["problem_id"],
            resamples=settings.resamples,
            confidence=settings.confidence,
            rng=self.rng(),
        )
        row: dict[str, float] = {}
        for place, name in enumerate(columns):
            row[name] = float(found.value[place])
            row[f"{name}_low"] = float(found.low[place])
            row[f"{name}_high"] = float(found.high[place])
        return row


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
    singles = single.set_index(["problem_id", "temperature"])["pass@k"].rename("single_sample")
    frame = data.collapsed.join(singles, on=["problem_id", "temperature"])
    columns = [*data.outcomes, "single_sample"]
    greedy = single[single["temperature"] == 0.0]
    if not greedy.empty:
        frame = frame.join(
            greedy.set_index("problem_id")["pass@k"].rename("greedy"), on="problem_id"
        )
        columns.append("greedy")
    rows = []
    for key, part in frame.groupby(keys, sort=True):
        rows.append(dict(zip(keys, key, strict=True)) | data.means(part, columns))
    notes = [*_counts(data), *_dropped(data, data.outcomes)]
    notes.append("single_sample is pass@1, exact; coverage: any of the k is correct")
    return Table(pd.DataFrame(rows), tuple(notes))


def coverage_curve(data: Data) -> Table:
    """Exact pass@k, maj@k and best@k over all k-subsets, by temperature."""
    frame = data.expectations
    unknown = int(frame.drop_duplicates(["problem_id", "temperature"])["num_unknown"].sum())
    names = [c for c in frame.columns if c.endswith("@k") or (unknown and c.endswith("@k_upper"))]
    rows = []
    for (temperature, k), part in frame.groupby(["temperature", "k"], sort=True):
        rows.append({"temperature": temperature, "k": k} | data.means(part, names))
    notes = [*_counts(data), "exact expectations over all k-subsets, no sampling error"]
    if unknown:
        notes.append(
            f"{unknown} samples whose correctness is unknown count as not correct; as correct in "
            "the columns …_upper"
        )
    return Table(pd.DataFrame(rows), tuple(notes))


def sampling_check(data: Data) -> Table:
    """Means over the drawn subsets against exact expectations: z beyond ±4 would be a fault."""
    drawn = data.subsets.groupby(POOL)[list(data.outcomes)].agg(["mean", "count"])
    exact = data.expectations.set_index(POOL)
    rows = []
    for (k, temperature), part in drawn.groupby(level=["k", "temperature"]):
        known = exact.loc[part.index]
        sampled = known["num_unknown"] == 0
        for outcome in data.outcomes:
            name = outcome.removesuffix("_correct").replace("coverage", "pass") + "@k"
            if name not in known or not sampled.any():
                continue
            p = known.loc[sampled, name].to_numpy()
            mean = part.loc[sampled, (outcome, "mean")].to_numpy()
            variance = p * (1 - p) / part.loc[sampled, (outcome, "count")].to_numpy()
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
    notes += [*_counts(data), *_dropped(data, [*data.outcomes, *data.metrics]), *_cut(data)]
    notes.append("all k and temperatures together, as in the study: dpp also falls with k")
    return Table(pd.DataFrame(rows), tuple(notes))


def correct_count_correlation(data: Data) -> Table:
    """Correlation of dpp with the number of correct samples, by temperature and k."""
    rows = []
    if "dpp" not in data.metrics:
        return Table(pd.DataFrame(), ("the experiment does not measure dpp",))
    for (temperature, k), cell in data.subsets.groupby(["temperature", "k"], sort=True):
        for _, rule, part in _metric_rows(data, cell, ["dpp"]):
            row: dict[str, object] = {"temperature": temperature, "k": k, "rows": rule}
            for method in ("pearson", "spearman"):
                found = correlate(
                    part["dpp"], part["num_correct"], part["problem_id"],
                    method=method, confidence=data.run.experiment.analysis.confidence,
                )  # fmt: skip
                row |= _interval(method, found)
            rows.append(row | {"count": len(part)})
    notes = (*_counts(data), *_dropped(data, ["num_correct", "dpp"]), *_cut(data))
    return Table(pd.DataFrame(rows), notes)


def partial_correlation(data: Data) -> Table:
    """Correlation of each metric with coverage, and the same with likelihood held fixed."""
    if "avg_log_prob" not in data.metrics:
        return Table(pd.DataFrame(), ("the experiment does not measure avg_log_prob",))
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
    notes = [*_counts(data), *_dropped(data, ["coverage", *data.metrics]), *_cut(data)]
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
    notes = [*_counts(data), *_dropped(data, [*data.outcomes, *data.metrics]), *_cut(data)]
    notes.append(f"buckets of {settings.bucket_width} width; empty ones are not shown")
    return Table(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), tuple(notes))


def statuses(data: Data) -> Table:
    """What became of the samples, by temperature: statuses, answer rules, accuracy, repeats."""
    samples = data.run.samples[["problem_id", "temperature", "completion", "num_output_tokens"]]
    frame = pd.concat(
        [samples, data.scores.drop(columns=["problem_id", "temperature", "sample_index"])], axis=1
    )
    rows = []
    rules = sorted(frame["answer_rule"].dropna().unique())
    for temperature, part in frame.groupby("temperature", sort=True):
        row: dict[str, object] = {"temperature": temperature, "samples": len(part)}
        row |= {status: int((part["status"] == status).sum()) for status in STATUSES}
        row |= {f"rule:{rule}": int((part["answer_rule"] == rule).sum()) for rule in rules if rule}
        correct = part["is_correct"].astype("Float64")
        row["accuracy"] = float(correct.mean()) if correct.notna().any() else float("nan")
        row["distinct_texts"] = float(
            part.groupby("problem_id")["completion"].agg(_distinct).mean()
        )
        row["mean_tokens"] = float(part["num_output_tokens"].mean())
        rows.append(row)
    return Table(
        pd.DataFrame(rows),
        (
            "counts of samples; accuracy over samples whose correctness is known",
            "distinct_texts: mean over problems of the share of distinct texts in a pool",
            *_cut(data),
        ),
    )


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


def _distinct(texts: pd.Series[str]) -> float:
    return float(texts.nunique() / len(texts))


def _counts(data: Data) -> list[str]:
    """Say what the numbers rest on."""
    frame = data.subsets
    problems = frame["problem_id"].nunique()
    settings = data.run.experiment
    notes = [
        f"{problems} problems, {len(frame):,} subsets; "
        f"{int(frame['has_repeat'].sum()):,} hold a repeated text, in "
        f"{int(frame['abstained'].sum()):,} nobody answered (maj: not correct)"
    ]
    if problems < MIN_PROBLEMS:
        notes.append(f"no intervals: {problems} problems are fewer than {MIN_PROBLEMS}")
    else:
        share = f"{settings.analysis.confidence:.0%}"
        notes.append(f"[low, high]: {share} intervals, the problem as the unit")
    expected = (
        len(settings.measure.k) * frame[["problem_id", "temperature"]].drop_duplicates().shape[0]
    )
    short = expected - frame[POOL].drop_duplicates().shape[0]
    if short:
        notes.append(f"{short} pools smaller than k are left out for that k")
    return notes


def _dropped(data: Data, columns: Sequence[str]) -> list[str]:
    """Say how many subsets have no value in a column."""
    missing = {
        name: int((~np.isfinite(data.subsets[name].astype(float))).sum()) for name in columns
    }
    found = [f"{name} {count:,}" for name, count in missing.items() if count]
    return (
        [f"subsets without a value, left out of that column: {', '.join(found)}"] if found else []
    )


def _cut(data: Data) -> list[str]:
    """Say what share of the texts is longer than the encoder reads."""
    total = cut = 0
    for table in data.run.tables_of("embeddings"):
        total += table.num_rows
        cut += int(np.sum(table.column("cut").to_numpy()))
    if not total:
        return []
    how = data.run.experiment.embedding.long_texts
    return [f"{cut / total:.1%} of the texts are longer than the encoder reads ({how})"]
