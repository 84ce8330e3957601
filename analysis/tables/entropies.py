"""Table of what the likeliest tokens alone tell of a run's token entropies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.analysis.correlation import correlate
from workbench.analysis.frames import Data, Table, bounded
from workbench.config.conditions import pool_sizes
from workbench.rewards.second_model import table_of
from workbench.saved_run import with_factors
from workbench.storage.parquet import STORED_KEY, read_table

TOLERANCE = 0.01
"""By how much the engine that drew the samples and the one that read them again may differ, nats:
bfloat16 has three digits."""


def entropy_bounds(data: Data) -> Table:
    """Exact mean token entropy beside its bounds from the likeliest tokens, by condition.

    A sample's ``lower`` bound takes all other tokens for one, its ``upper`` bound for equally
    likely ones: per token with missing mass m and r tokens left out, m ln r higher
    (``workbench.models.token_entropy``).
    """
    experiment = data.run.experiment
    name = _exact_model(data)
    if name is None or not experiment.generation.logprobs:
        needed = (
            "no exact entropies beside bounded ones: set generation.logprobs to 20, and in "
            "scoring.models name the run's own model with backend transformers and logprobs above 0"
        )
        return Table(pd.DataFrame(), (needed,))
    left_out = data.run.manifest["stages"][table_of(name)]["vocabulary"]
    left_out -= experiment.generation.logprobs
    frame = _samples(data, name, left_out)
    columns = ["exact", "lower", "upper", "gap_lower", "gap_upper"]
    rows = []
    for condition, part in frame.groupby("condition", sort=True, observed=True):
        row: dict[str, object] = {"condition": condition, "samples": len(part)}
        row |= data.means(part, columns)
        x, y, problems = (part[name] for name in ("exact", "lower", "problem_id"))
        confidence = experiment.analysis.confidence
        found = correlate(x, y, problems, method="spearman", confidence=confidence)
        row |= bounded("rank", found.r, found.low, found.high)
        outside = (x < y - TOLERANCE) | (x > part["upper"] + TOLERANCE)
        rows.append(row | {"outside": int(outside.sum())})
    kind = data.run.manifest.get("identity", {}).get("entropies", "unknown")
    notes = (
        "mean token entropy of a sample, nats, mean over samples; the same tokens in every column",
        f"exact: read again as scoring.models.{name}; lower, upper: kept while drawing ({kind}, "
        f"{experiment.generation.logprobs} likeliest tokens, {left_out:,} left out)",
        "gap_lower: exact - lower; gap_upper: upper - exact",
        "rank: Spearman correlation of exact and lower over the samples; outside: samples whose "
        f"exact entropy is not between the bounds, by more than {TOLERANCE:g}",
    )
    return Table(pd.DataFrame(rows), notes)


def _exact_model(data: Data) -> str | None:
    """Return a name of the run's own model under which its samples have exact entropies."""
    stages: dict[str, Any] = data.run.manifest.get("stages", {})
    wanted = {"own_model": True, "status": "done", "entropies": "exact"}.items()
    for name in data.run.experiment.scoring.models:
        stage = stages.get(table_of(name), {})
        if wanted <= stage.items() and stage.get("vocabulary"):
            return name
    return None


def _samples(data: Data, name: str, left_out: int) -> pd.DataFrame:
    """One row per sample that has both: key, exact, lower, upper, and their differences."""
    kept = [*STORED_KEY, "mean_entropy", "missing_mass"]
    tables = []
    for block in data.run.blocks:
        samples = data.run.folder.read_samples(block, kept)
        path = data.run.folder.block_path(table_of(name), block)
        again = read_table(path, [*STORED_KEY, "mean_entropy"])
        if not again.select(STORED_KEY).equals(samples.select(STORED_KEY)):
            raise ValueError(f"{path} is of other samples; run `workbench score` first")
        masses = samples.column("missing_mass").to_pylist()
        found = samples.select(STORED_KEY).append_column("exact", again.column("mean_entropy"))
        found = found.append_column("lower", samples.column("mean_entropy"))
        missing = [float(np.mean(mass)) if mass else None for mass in masses]
        tables.append(found.append_column("missing", pa.array(missing, pa.float64())))
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    frame = with_factors(frame, data.conditions)
    wanted = pool_sizes(data.run.experiment.generation)
    sizes = frame["condition"].astype(str).map(wanted).fillna(0)
    frame = frame[frame["sample_index"] < sizes].dropna(subset=["exact", "lower", "missing"])
    exact, lower = frame["exact"], frame["lower"].astype(float)
    upper = lower + frame["missing"].astype(float) * np.log(max(1, left_out))
    return frame.assign(upper=upper, gap_lower=exact - lower, gap_upper=upper - exact)
