"""Stage 3: pools -> one row per subset (metrics, selections) and exact expectations per pool."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from analysis.aggregate.outcomes import Selections, expectations, picked
from analysis.aggregate.pruning import prune_pool
from analysis.aggregate.temperature_mixture import mixed_pools
from workbench.config.schema import Experiment, pool_sizes
from workbench.core.console import notice, progress_bar
from workbench.core.parallel import spread
from workbench.core.subsets import choose_subsets, pool_rng
from workbench.core.types import NOBODY, Ints
from workbench.measure.correctness_split import split_pool
from workbench.measure.evaluate import compute_known
from workbench.measure.missing_inputs import left_out, listed, missing, needs_embeddings, without
from workbench.metrics.distinct import distinct_texts
from workbench.pools import Pool, by_problem, read_block
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import fingerprint, read_stamps, write_table
from workbench.storage.run_folder import Folder, fresh

VERSION = 4
"""Raise when this stage's code gives other numbers, so that finished runs are measured again."""

TABLES = ("subsets", "expectations", "mixed", "split", "pruned")
"""What is made of each block."""

STACKED = ("subsets", "mixed")
"""Those whose parts are columns; the others' are rows."""

TYPES = {
    "k": pa.int32(),
    "replicate": pa.int32(),
    "num_correct": pa.int32(),
    "coverage": pa.bool_(),
}
"""Of columns that are not what their numbers are; NaN is null there, as in ``…_correct``."""

Tally = tuple[float, float]
"""How many of a problem's samples are right, and of how many it is known."""
Made = dict[str, list[tuple[int, Any]]]
"""By table, parts of it, each with its place in the block."""
Share = tuple[int, int, int]
"""A block, which share of its problems, and of how many shares."""


def measure(
    folder: Folder,
    manifest: Manifest,
    experiment: Experiment,
    aggregators: Selections,
    workers: int = 1,
) -> None:
    """Measure subsets of every pool, block by block; blocks that are up to date are skipped.

    Args:
        folder: the run.
        manifest: its manifest.
        experiment: which subsets, metrics and selections.
        aggregators: the selections by name, from ``analysis``.
        workers: processes that measure. The tables do not depend on it, by a byte.

    Raises:
        ValueError: scores are missing or of other samples, or a worker was ended from outside.
    """
    sizes = pool_sizes(experiment.generation)
    _require_scores(folder)
    left = left_out(experiment, aggregators, missing(folder, experiment, aggregators))
    experiment = without(experiment, left)
    with_embeddings = needs_embeddings(experiment, aggregators)
    settings = {
        "version": VERSION,
        "measure": dataclasses.asdict(experiment.measure),
        "selection": dataclasses.asdict(experiment.selection),
        "pools": sorted(sizes.items(), key=lambda pool: (math.isnan(pool[0]), pool)),
    }
    tables = ("scores", "embeddings") if with_embeddings else ("scores",)
    made_from = {}
    for block in folder.blocks_with_samples():
        inputs = [read_stamps(folder.block_path(table, block)).get("content") for table in tables]
        if None in inputs:
            raise ValueError(f"{folder.root} is not embedded yet; run `workbench score` first")
        made_from[block] = fingerprint(**settings, inputs=inputs)
    todo = [
        block
        for block, made in made_from.items()
        if not all(fresh(folder, table, block, made) for table in TABLES)
    ]
    before = manifest.stage("measure")
    if not todo and before.get("status") == "done" and before.get("left_out", {}) == left:
        notice("measure: up to date")
        return
    if left:
        notice(f"measure: left out: {listed(left)}")
    with manifest.running("measure", fingerprint(blocks=made_from)) as entry:
        entry["left_out"] = left
        # whole blocks where these are many, so that each is read once
        shares = 1 if len(todo) >= 4 * workers else workers
        work = partial(
            measure_share, folder, sizes, experiment, aggregators, with_embeddings=with_embeddings
        )
        tasks = [(block, share, shares) for block in todo for share in range(shares)]
        with (
            progress_bar("measure", len(todo), "blocks") as advance,
            closing(spread(work, tasks, workers)) as results,
        ):
            for block in todo:
                made = [next(results) for _ in range(shares)]
                for name in TABLES:
                    table = _table(name, [part for share in made for part in share[name]])
                    write_table(folder.block_path(name, block), table, made_from[block])
                advance(1)
        entry["blocks"] = len(made_from)


def measure_share(
    folder: Folder,
    sizes: Mapping[float, int],
    experiment: Experiment,
    aggregators: Selections,
    share: Share,
    *,
    with_embeddings: bool,
) -> Made:
    """Measure a share of a block's problems, one after another: only one's pools are held.

    BLAS works on one core, since its sums depend on how many there are; it is several processes
    that make use of several cores.
    """
    block, number, shares = share
    rows = read_block(folder, block, with_embeddings=with_embeddings)
    made: Made = {name: [] for name in TABLES}
    with threadpool_limits(1, user_api="blas"):
        for pools in by_problem(rows, sizes, experiment.measure, number, shares):
            _measure_problem(pools, experiment, aggregators, made)
    return made


def _measure_problem(
    pools: Sequence[tuple[int, Pool]], experiment: Experiment, aggregators: Selections, made: Made
) -> None:
    """Add the parts of the tables that are made of one problem's pools."""
    # greedy samples say something else of a problem
    sampled = [pool.correct for _, pool in pools if pool.temperature != 0]
    judged = np.concatenate([np.empty(0), *sampled])
    tally = float(np.nansum(judged)), float(np.isfinite(judged).sum())
    for place, held in pools:
        pool = dataclasses.replace(held)  # this copy takes its matrices with it
        for k in experiment.measure.k:
            if k <= len(pool):
                columns = measure_subsets(pool, k, experiment, aggregators, tally)
                made["subsets"].append((place, columns))
        made["expectations"].append((place, expectations(pool, experiment, aggregators)))
        made["split"].append((place, split_pool(pool, experiment)))
        made["pruned"].append((place, prune_pool(pool, experiment, aggregators)))
    outcomes_only = dataclasses.replace(
        experiment, measure=dataclasses.replace(experiment.measure, metrics=())
    )
    for pool in mixed_pools(held for _, held in pools):
        place = min(place for place, held in pools if held.temperature > 0)
        single = float(np.nan_to_num(pool.correct, nan=0.0).mean())
        for k in experiment.measure.k:
            if k <= len(pool):
                columns = measure_subsets(pool, k, outcomes_only, aggregators)
                columns["single_sample"] = np.full(len(columns["k"]), single)
                made["mixed"].append((place, columns))


def _require_scores(folder: Folder) -> None:
    for block in folder.blocks_with_samples():
        if not folder.block_path("scores", block).exists():
            raise ValueError(f"{folder.root} is not scored yet; run `workbench score` first")


def measure_subsets(
    pool: Pool,
    k: int,
    experiment: Experiment,
    aggregators: Selections,
    tally: Tally = (0.0, 0.0),
) -> dict[str, Any]:
    """Draw a pool's subsets of one size and look at each with every metric and selection.

    Args:
        pool: scored samples.
        k: size of the subsets, N at most.
        experiment: which metrics and selections.
        aggregators: the selections by name.
        tally: of all the problem's samples at every temperature above 0, for ``difficulty``.

    Returns:
        As ``look_at``.
    """
    settings = experiment.measure
    rng = pool_rng(settings.seed, pool.problem_id, pool.temperature, k)
    subsets = choose_subsets(len(pool), k, settings.replicates, rng)
    return look_at(subsets, pool, experiment, aggregators, tally)


def look_at(
    subsets: Ints,
    pool: Pool,
    experiment: Experiment,
    aggregators: Selections,
    tally: Tally = (0.0, 0.0),
) -> dict[str, Any]:
    """Look at subsets (S, k) of a pool with every metric and selection.

    Returns:
        Columns of (S,): the key (problem_id, temperature, k, replicate), members (S, k) (indices
        in drawn order), outcomes (``coverage``, ``num_correct``, one per selection; NaN where
        unknown), ``difficulty`` (the share of wrong ones among the problem's samples that are not
        in the subset; NaN where there are none), one per metric. A metric of a subset that holds
        a failed sample is NaN.
    """
    count, k = subsets.shape
    settings = experiment.measure
    columns: dict[str, Any] = {
        "problem_id": np.full(count, pool.problem_id, dtype=object),
        "temperature": np.full(count, pool.temperature),
        "k": np.full(count, k),
        "replicate": np.arange(count),
        "members": subsets,
    }
    correct = pool.correct[subsets]  # (S, k)
    columns["num_correct"] = correct.sum(axis=1)
    inside = correct if pool.temperature != 0 else correct[:, :0]  # the tally has no greedy ones
    right, known = tally[0] - np.nansum(inside, axis=1), tally[1] - np.isfinite(inside).sum(axis=1)
    share = right / np.where(known > 0, known, 1)
    columns["difficulty"] = np.where(known > 0, 1 - share, np.nan)
    # one right sample decides; otherwise an unknown one leaves it open
    columns["coverage"] = np.where((correct == 1).any(axis=1), 1.0, correct.sum(axis=1) * 0.0)
    columns["abstained"] = (pool.clusters[subsets] < 0).all(axis=1)
    for name in experiment.selection.aggregators:
        picks = picked(name, pool, subsets, experiment.selection, aggregators)
        # nothing to pick is not correct
        columns[f"{name}_correct"] = np.where(picks == NOBODY, 0.0, pool.correct[picks])
    columns["has_repeat"] = distinct_texts(pool.text_ids, subsets) < 1
    return columns | compute_known(settings.metrics, pool, subsets, settings)


def _table(name: str, parts: Sequence[tuple[int, Any]]) -> pa.Table:
    """Put the parts of a table in their places, with fixed types."""
    ordered = [part for _, part in sorted(parts, key=itemgetter(0))]
    if name in STACKED:
        names = list(ordered[0]) if ordered else []
        table = pa.table({key: _stacked(key, [part[key] for part in ordered]) for key in names})
    else:
        table = pa.Table.from_pylist([row for rows in ordered for row in rows])
    return _unknown_as_null(table)


def _stacked(name: str, parts: Sequence[Any]) -> pa.Array:
    """Return the column made of the arrays of several pools."""
    if name == "members":
        flat = np.concatenate([part.ravel() for part in parts]).astype(np.int32)
        lengths = np.concatenate([np.full(len(part), part.shape[1]) for part in parts])
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return pa.ListArray.from_arrays(ends, flat)
    values = np.concatenate(parts)
    kind = pa.bool_() if name.endswith("_correct") and name != "num_correct" else TYPES.get(name)
    if kind is None:
        return pa.array(values)
    unknown = np.isnan(values)
    return pa.array(np.where(unknown, 0, values).astype(kind.to_pandas_dtype()), mask=unknown)


def _unknown_as_null(table: pa.Table) -> pa.Table:
    """Store an unknown temperature as null, as the samples have it."""
    if "temperature" not in table.schema.names:
        return table
    values = table.column("temperature").combine_chunks()
    if not pc.any(pc.is_nan(values)).as_py():
        return table
    place = table.schema.names.index("temperature")
    known = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    return table.set_column(place, "temperature", known)
