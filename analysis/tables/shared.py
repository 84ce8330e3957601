"""What several tables share: which rows a metric is judged by, and notes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.frames import Data, long_text_notes, missing_value_notes, sample_size_notes
from workbench.metrics import METRICS


def not_measured(data: Data, metric: str) -> str:
    """Say why a table that is about one metric is empty."""
    reason = data.left_out.get(metric)
    return f"{metric} is not measured: {reason or 'the experiment does not ask for it'}"


def rows_by_metric(
    data: Data, frame: pd.DataFrame, metrics: Sequence[str]
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
    """Say what numbers over subsets rest on: sizes, values missing in columns, texts cut short."""
    missing = missing_value_notes(data, columns)
    return [*sample_size_notes(data), *missing, *long_text_notes(data)]
