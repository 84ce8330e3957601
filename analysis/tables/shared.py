"""What several tables share: which rows a metric is judged by, and the notes beneath."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.analysis.frames import Data
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS
from workbench.core.conditions import where_at
from workbench.core.table_text import ALPHA
from workbench.measure.missing_inputs import listed
from workbench.metrics import METRICS

CUT_SHARE = 0.01
"""Share of samples that were cut, or are of unknown correctness, above which tables say how much
that may matter."""


def not_measured(data: Data, metric: str) -> str:
    """Say why a table that is about one metric is empty."""
    reason = data.left_out.get(metric)
    return f"{metric} is not measured: {reason or 'the experiment does not ask for it'}"


def rows_by_metric(
    frame: pd.DataFrame, metrics: Sequence[str]
) -> list[tuple[str, str, pd.DataFrame]]:
    """Return (metric, which rows, rows) of each metric, twice for a DPP.

    A repeated text costs a DPP about the logarithm of its jitter, so that its subsets without
    repeats are judged by themselves as well.
    """
    found = []
    for metric in metrics:
        found.append((metric, "all", frame))
        if "log_volumes" in METRICS[metric].needs:
            found.append((metric, "without repeats", frame[~frame["has_repeat"].astype(bool)]))
    return found


def subset_notes(data: Data, columns: Sequence[str]) -> list[str]:
    """Say what numbers over judged subsets rest on: sizes, missing values, texts cut short."""
    missing = missing_value_notes(data, columns)
    return [*sample_size_notes(data), *missing, *long_text_notes(data)]


def star_note(what: str) -> str:
    """Say what a star means under a table."""
    return (
        f"* {what}: q < {ALPHA:g}, corrected over the table (Benjamini-Hochberg); p, q: in the CSV"
    )


def sample_size_notes(data: Data, column: str = "") -> list[str]:
    """Say what the numbers over judged subsets and pools rest on.

    ``column`` is the accuracy of a single sample, of which both extremes are given.
    """
    frame = data.judged
    problems = frame["problem_id"].nunique()
    settings = data.run.experiment
    repeats, abstained = int(frame["has_repeat"].sum()), int(frame["abstained"].sum())
    notes = [f"{problems} problems, {len(frame):,} subsets; {repeats:,} hold a repeated text"]
    if "maj_correct" in data.outcomes:
        notes[0] += f", in {abstained:,} nobody answered (maj: not correct)"
    few = f"no intervals: {problems} problems are fewer than {MIN_PROBLEMS}"
    share = f"[low, high]: {settings.analysis.confidence:.0%} intervals, the problem as the unit"
    notes.append(few if problems < MIN_PROBLEMS else share)
    pools = data.expectations[data.expectations["k"] == 1]
    if settings.generation.greedy and 0.0 not in settings.generation.temperatures:
        pools = pools[pools["temperature"] != 0.0]  # of one sample each, on purpose
    short = sum(int((pools["n"] < k).sum()) for k in settings.measure.k)
    if short:
        notes.append(f"{short} pools smaller than k are left out for that k")
    notes += unknown_sample_notes(data, column)
    return notes + [f"not measured: {listed(data.left_out)}"] * bool(data.left_out)


def sandbox_notes(data: Data) -> list[str]:
    """Say in what the programs of a run were kept, where answers are programs."""
    scored = data.run.manifest.get("stages", {}).get("score", {})
    kinds = scored.get("programs", {}).get("sandbox", [])
    notes = []
    if "unsafe" in kinds:
        notes.append("programs ran without a sandbox (scoring.sandbox: unsafe)")
    if kept := [kind for kind in kinds if kind != "unsafe"]:
        notes.append(f"programs ran in a sandbox: {' and '.join(kept)}")
    return notes


def unknown_sample_notes(data: Data, column: str = "") -> list[str]:
    """Count the samples of unknown correctness that are left out, and what goes with them.

    ``column`` is the accuracy of a single sample, of which both extremes are given: all of them
    wrong, and all right.
    """
    if not data.unknown:
        return []
    pools = data.expectations[data.expectations["k"] == 1]
    note = f"{data.unknown:,} of {int(pools['n'].sum()):,} samples are of unknown correctness"
    left = len(data.subsets) - len(data.judged)
    notes = [f"{note} and left out, with the {left:,} subsets that hold one"]
    known = pools["n"] - pools["num_unknown"]
    sizes = {1, *data.run.experiment.measure.k}
    short = sum(int(((pools["n"] >= k) & (known < k)).sum()) for k in sizes)
    if short:
        few = "pools with fewer than k samples of known correctness are left out for that k"
        notes.append(f"{short} {few}")
    return [*notes, *extreme_notes(data, column)] if column else notes


def extreme_notes(data: Data, column: str) -> list[str]:
    """Say what the accuracy of a single sample is with all of unknown correctness wrong, or right.

    Pools of which nothing is known are left out. Said of each condition in which more than
    ``CUT_SHARE`` of the samples are of unknown correctness.
    """
    names = ("accuracy_if_unknown_wrong", "accuracy_if_unknown_right")
    found = _extremes(data, "unknown", names, "unknown")
    what = f"{column} with all samples of unknown correctness wrong, and all right: "
    return [what + "; ".join(found)] * bool(found)


def cut_sample_notes(data: Data, column: str) -> list[str]:
    """Say what the accuracy of a single sample would be if all samples that were cut were right.

    They count as wrong. Said of each condition in which more than ``CUT_SHARE`` were cut.
    """
    found = _extremes(data, "truncated", ("accuracy", "accuracy_if_cut_right"), "cut")
    what = f"samples that were cut count as wrong; {column} with all of them wrong, and all right: "
    return [what + "; ".join(found)] * bool(found)


def _extremes(data: Data, counted: str, names: tuple[str, str], word: str) -> list[str]:
    """Spell two means over pools for each condition where more than a share is counted."""
    found = []
    for condition, part in data.pools.groupby("condition", observed=True):
        share = part[counted].sum() / part["samples"].sum()
        if share > CUT_SHARE and part[names[0]].notna().any():
            least, most = (part[name].mean() for name in names)
            where = f" {where_at(str(condition))}"
            found.append(f"{least:.3f} to {most:.3f}{where} ({share:.1%} {word})")
    return found


def missing_value_notes(data: Data, columns: Sequence[str]) -> list[str]:
    """Say how many of the judged subsets have no value in a column."""
    missing = (~np.isfinite(data.judged[list(columns)].astype(float))).sum()
    found = ", ".join(f"{name} {count:,}" for name, count in missing.items() if count)
    return [f"subsets without a value, left out of that column: {found}"] * bool(found)


def long_text_notes(data: Data) -> list[str]:
    """Say what share of the texts is longer than the encoder reads."""
    longer, total = data.long_texts
    if not total:
        return []
    how = data.run.experiment.embedding.long_texts
    return [f"{longer / total:.1%} of the texts are longer than the encoder reads ({how})"]
