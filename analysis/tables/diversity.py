"""Tables of diversity: outcomes by the value of a metric, and right samples against wrong ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.buckets import bucket, bucket_numbers
from workbench.analysis.frames import POOL, Data, Table, stack_lines, table_lines, with_q_values
from workbench.analysis.tables import shared
from workbench.analysis.tables.shared import star_note
from workbench.measure.correctness_split import GROUPS, split_size


def buckets(data: Data) -> Table:
    """Outcomes by the value of each metric, in buckets, for each k."""
    settings = data.run.experiment.analysis
    parts = []
    for k, group in data.judged.groupby("k", sort=True):
        found, sums = [], []
        for metric, rule, rows in shared.rows_by_metric(group, data.metrics):
            kept = rows[np.isfinite(rows[metric])]
            if kept.empty:
                continue
            shape = settings.num_buckets, settings.bucket_width
            numbers = bucket_numbers(kept[metric].to_numpy(dtype=float), *shape)
            _, lines = np.unique(numbers, return_inverse=True)
            sums.append(data.sums(kept, data.outcomes, lines))
            table = bucket(kept, metric, shape[0], outcomes=(), width=shape[1])
            found.append(table.assign(metric=metric, k=k, rows=rule))
        if sums:
            joined, others = (stack_lines(some) for some in (sums, [one.others for one in sums]))
            p = data.p_values(joined.means - others.means, data.outcomes)
            rest = pd.concat(found, ignore_index=True)
            first = pd.concat([rest.pop(name) for name in ("metric", "k", "rows")], axis=1)
            parts.append(pd.concat([first, data.intervals(joined), p, rest], axis=1))
    notes = (
        *shared.subset_notes(data, [*data.outcomes, *data.metrics]),
        f"buckets of {settings.bucket_width} width; empty ones are not shown",
        star_note("differs from the other buckets of the same problems"),
    )
    table = with_q_values(pd.concat(parts, ignore_index=True)) if parts else pd.DataFrame()
    return Table(table, notes)


def diversity(data: Data) -> Table:
    """Mean of each metric over the drawn subsets, by k and condition."""
    frame = data.subsets
    metrics = [metric for metric in data.metrics if metric in frame]
    if frame.empty or not metrics:
        return Table(pd.DataFrame(), ("no subset is measured",))
    parts = []
    for metric, rule, rows in shared.rows_by_metric(frame, metrics):
        kept = rows[np.isfinite(rows[metric].astype(float))]
        if kept.empty:
            continue
        pools = kept.groupby(POOL, observed=True)[metric].agg(["mean", "size"]).reset_index()
        labels, lines = table_lines(pools, ["k", "condition"])
        named = pools.rename(columns={"mean": "diversity"})
        found = data.intervals(data.sums(named, ["diversity"], lines))
        counts = {
            "subsets": np.bincount(lines, weights=pools["size"]).astype(int),
            "problems": np.bincount(lines),
        }
        labels.insert(0, "metric", metric)
        labels.insert(2, "rows", rule)
        parts.append(pd.concat([labels, found], axis=1).assign(**counts))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    notes = (
        f"{frame['problem_id'].nunique()} problems, {len(frame):,} subsets",
        "diversity: the metric's mean over the subsets of a pool, then over problems",
        *["subsets with samples of unknown correctness are among them"] * bool(data.unknown),
        *shared.long_text_notes(data),
    )
    return Table(table, notes)


def diversity_by_correctness(data: Data) -> Table:
    """Diversity of the right and of the wrong samples of a pool, as many of each."""
    frame = data.run.read("split")
    if frame.empty:
        size = split_size(data.run.experiment.measure)
        return Table(pd.DataFrame(), (f"no pool has {size} right and {size} wrong samples",))
    metrics = [metric for metric in data.metrics if metric in frame]
    if not metrics:
        return Table(pd.DataFrame(), (shared.not_measured(data, ", ".join(data.metrics)),))
    rows = []
    for metric in metrics:
        wide = frame.pivot(index=POOL, columns="group", values=metric).reset_index()
        wide["difference"] = wide["correct"] - wide["wrong"]
        labels, lines = table_lines(wide, ["condition", "k"])
        sums = data.sums(wide, [*GROUPS, "difference"], lines)
        p = data.p_values(sums.means[:, :, -1:], ["difference"])
        labels.insert(1, "metric", metric)
        parts = [labels, data.intervals(sums), p]
        rows.append(pd.concat(parts, axis=1).assign(pools=np.bincount(lines)))
    notes = (
        "k samples at a time, drawn among all, the right and the wrong ones of a pool; "
        f"{len(wide)} pools have k of both kinds",
        "difference: correct - wrong of the same pools",
        *["samples of unknown correctness are drawn among all, and are in neither other group"]
        * bool(data.unknown),
        *shared.long_text_notes(data),
        star_note("is not 0"),
    )
    return Table(with_q_values(pd.concat(rows, ignore_index=True)), notes)
