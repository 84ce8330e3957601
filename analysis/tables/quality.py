"""The table of what the learned quality looks at: weights of its features, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

from workbench.analysis.frames import Data, Table, with_q_values
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS
from workbench.analysis.tables.shared import star_note
from workbench.core.types import Floats
from workbench.rewards.logistic import coefficients
from workbench.rewards.quality import FEATURES, TABLE

GROUPS = 50
"""Parts that the problems are dealt into where there are more: each left out is a fit."""


def quality_coefficients(data: Data) -> Table:
    """Weights of the features behind the reward quality, in log odds per standard deviation."""
    parts = [table.to_pandas() for table in data.run.tables_of(TABLE)]
    if not parts:
        return Table(pd.DataFrame(), ("the run has no reward quality (scoring.rewards)",))
    kept = pd.concat(parts, ignore_index=True)
    scores = pa.concat_tables(t.select(["is_correct"]) for t in data.run.tables_of("scores"))
    right: Floats = scores.column("is_correct").cast("float64").to_numpy()
    names = [name for name in FEATURES if kept[name].notna().any()]
    whole = kept[names].notna().all(axis=1).to_numpy() & np.isfinite(right)
    values, right = kept[names].to_numpy(dtype=float)[whole], right[whole]
    problems, labels = pd.factorize(kept["problem_id"][whole])
    groups = problems % GROUPS
    found = coefficients(values, right)
    rows = pd.DataFrame({"feature": names, "weight": found})
    if len(labels) >= MIN_PROBLEMS:
        rows = pd.concat([rows, _judged(found, values, right, groups, data)], axis=1)
    notes = [
        "log odds of being right per standard deviation of the feature, the others held fixed; "
        f"over all {len(labels)} problems, {len(right):,} samples",
        "[low, high]: jackknife, the problem as the unit",
        "features that say nearly the same (primary_confidence, primary_entropy) share a weight",
        star_note("is not 0"),
    ]
    notes += [f"{data.unknown:,} samples of unknown correctness are left out"] * bool(data.unknown)
    left = ", ".join(name for name in FEATURES if name not in names)
    return Table(with_q_values(rows), (*notes, *[f"the run has no {left}"] * bool(left)))


def _judged(
    found: Floats, values: Floats, right: Floats, groups: Floats, data: Data
) -> pd.DataFrame:
    """Interval and p-value of each weight, from fits without one part of the problems."""
    count = int(groups.max()) + 1
    others = [groups != group for group in range(count)]
    without = np.array([coefficients(values[rows], right[rows]) for rows in others])
    spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    error = np.sqrt(spread * (count - 1) / count)
    reach = stats.t.ppf((1 + data.run.experiment.analysis.confidence) / 2, count - 1) * error
    p = 2 * stats.t.sf(np.abs(found) / np.where(error > 0, error, 1.0), count - 1)
    return pd.DataFrame({"weight_low": found - reach, "weight_high": found + reach, "weight_p": p})
