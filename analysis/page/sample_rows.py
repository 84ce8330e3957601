"""Samples of any run, finished or not, with as much as is known of them.

Where tables are missing or do not fit together, a stage raises an error. A page shows the samples
all the same and notes what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.config.conditions import pool_sizes
from workbench.pools import SAMPLE_COLUMNS
from workbench.saved_run import Run
from workbench.storage.parquet import STORED_KEY, read_table

SCORES = ("answer", "answer_cluster", "status", "is_correct")
"""Columns that every row has; empty where the samples are not scored."""


@dataclass(frozen=True, eq=False)
class SampleBlock:
    """A block's samples."""

    frame: pd.DataFrame
    """Samples beside their scores: problem by problem, pool by pool, by sample_index."""
    vectors: NDArray[np.float32] | None
    """(E, D) as stored, the last row NaN: of a sample that is not embedded."""
    places: NDArray[np.int64]
    """By the frame's index: which row of ``vectors`` is the sample's."""
    calls: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """By problem, what its programs are called with, where answers are programs."""

    def problems(self) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        """Yield each problem and the (start, stop) rows of its pools, by condition."""
        names = self.frame["problem_id"].tolist()
        pools = self.frame.groupby(["problem_id", "condition"], sort=False, observed=True)
        ends = np.cumsum(pools.size().to_numpy()).tolist()
        bounds: dict[str, list[tuple[int, int]]] = {}
        for start, stop in pairwise([0, *ends]):
            bounds.setdefault(str(names[start]), []).append((start, stop))
        yield from bounds.items()


def read_blocks(run: Run, notes: list[str]) -> Iterator[SampleBlock]:
    """Yield the blocks of a run; what cannot be read is left out, and ``notes`` gets the reason."""
    sizes = pool_sizes(run.experiment.generation)
    rank = {one.name: place for place, one in enumerate(run.conditions)}
    keys = list(STORED_KEY)
    unscored = unembedded = aside = 0
    embedded = any((run.root / "embeddings").glob("block-*.parquet"))
    for block in run.blocks:
        try:
            samples = run.folder.read_samples(block, SAMPLE_COLUMNS).to_pandas()
        except ValueError as fault:
            notes.append(f"the samples of block {block} are not shown: {fault}")
            continue
        wanted = samples["condition"].map(sizes).fillna(0)
        aside += int((samples["sample_index"] >= wanted).sum())
        samples = samples[samples["sample_index"] < wanted]
        samples = samples.reindex(columns=list(SAMPLE_COLUMNS))  # of older runs too
        scores = _table(run, "scores", block, notes)
        if scores is None:
            frame = samples.reindex(columns=[*SAMPLE_COLUMNS, *SCORES])
        else:
            frame = samples.merge(scores, on=keys, how="left")
        if frame.empty:
            continue
        frame = _ordered(frame, rank)
        unscored += int(frame["status"].isna().sum())
        calls = _calls(run, block, notes) if "outputs" in frame.columns else {}
        vectors = _table(run, "embeddings", block, notes) if embedded else None
        if vectors is None:
            yield SampleBlock(frame, None, np.zeros(0, dtype=np.int64), calls)
            continue
        found = np.stack(vectors.pop("embedding").to_numpy()).astype(np.float32)
        blank = np.full((1, found.shape[1]), np.nan, dtype=np.float32)
        placed = frame[keys].merge(vectors[keys].assign(place=vectors.index), on=keys, how="left")
        places = placed["place"].fillna(len(found)).to_numpy(dtype=np.int64)
        unembedded += int((places == len(found)).sum())
        yield SampleBlock(frame, np.concatenate([found, blank]), places, calls)
    if unscored:
        notes.append(
            f"{unscored:,} samples are not scored yet: no answer, status or correctness; run "
            f"`workbench score {run.root}`"
        )
    if unembedded:
        notes.append(f"{unembedded:,} samples are not embedded yet: their pools have no map")
    if not embedded:
        notes.append(
            "no map: the run has no embeddings on the disk; they are made where a metric or "
            "selection needs them (cos_sim, dpp, sem_mbr ...)"
        )
    if aside:
        notes.append(f"{aside:,} samples beyond generation.n, or of other conditions, left aside")


def _ordered(frame: pd.DataFrame, rank: Mapping[str, int]) -> pd.DataFrame:
    problems, _ = pd.factorize(frame["problem_id"])
    order = np.lexsort((frame["sample_index"], frame["condition"].map(rank), problems))
    ordered: pd.DataFrame = frame.iloc[order].reset_index(drop=True)
    return ordered


def _calls(run: Run, block: int, notes: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what the programs of each problem of a block are called with."""
    table = _table(run, "calls", block, notes)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in [] if table is None else table.to_dict("records"):
        found.setdefault(row["problem_id"], []).append(row)
    return found


def _table(run: Run, name: str, block: int, notes: list[str]) -> Any:
    """Return a block of a derived table as a frame; None where there is none to be read."""
    path = run.folder.block_path(name, block)
    if not path.exists():
        return None
    try:
        return read_table(path).to_pandas()
    except ValueError as fault:
        notes.append(f"{name} of block {block} are not shown: {fault}")
        return None
