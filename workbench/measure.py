"""Stage 3: pools -> one row per subset (metrics, selections) and exact expectations per pool."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.absent import left_out, listed, missing, without
from workbench.compute import compute
from workbench.config import Experiment
from workbench.folder import Folder, fresh
from workbench.generate.identity import pool_sizes
from workbench.lookup import lookup
from workbench.manifest import Manifest
from workbench.metrics.cosine import mean_over_pairs
from workbench.metrics.passk import pass_at_k
from workbench.mixed import mixed_pools
from workbench.pools import BlockRows, pools, read_block
from workbench.progress import bar, notice
from workbench.prune import prune_pool
from workbench.score import needs_embeddings
from workbench.split import split_pool
from workbench.store import fingerprint, marks, write_table
from workbench.subsets import choose_subsets, pool_rng
from workbench.types import Aggregator, Floats, Ints, Pool

VERSION = 3
"""Raise when this stage's code gives other numbers, so that finished runs are measured again."""

TABLES = ("subsets", "expectations", "mixed", "split", "pruned")
"""What is made of each block."""

Selections = Mapping[str, Aggregator]
Tally = tuple[float, float]
"""How many of a problem's samples are right, and of how many it is known."""


def measure(
    folder: Folder, manifest: Manifest, experiment: Experiment, aggregators: Selections
) -> None:
    """Measure subsets of every pool, block by block; blocks that are up to date are skipped.

    Args:
        folder: the run.
        manifest: its manifest.
        experiment: which subsets, metrics and selections.
        aggregators: the selections by name, from ``analysis``.

    Raises:
        ValueError: scores are missing or of other samples.
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
        inputs = [marks(folder.block_path(table, block)).get("content") for table in tables]
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
        with bar("measure", len(todo), "blocks") as advance:
            for block in todo:
                rows = read_block(folder, block, with_embeddings=with_embeddings)
                made = _measure_block(rows, sizes, experiment, aggregators)
                for name, table in zip(TABLES, made, strict=True):
                    path = folder.block_path(name, block)
                    write_table(path, _unknown_as_null(table), made_from[block])
                advance(1)
        entry["blocks"] = len(made_from)


def _measure_block(
    rows: BlockRows, sizes: Mapping[float, int], experiment: Experiment, aggregators: Selections
) -> tuple[pa.Table, ...]:
    """Return the tables of ``TABLES`` for one block."""
    tallies: dict[str, Tally] = {}
    for pool in pools(rows, sizes, experiment.measure):
        if pool.temperature != 0:  # greedy samples say something else of a problem
            right, known = tallies.get(pool.problem_id, (0.0, 0.0))
            here = np.nansum(pool.correct), np.isfinite(pool.correct).sum()
            tallies[pool.problem_id] = right + here[0], known + here[1]
    subsets: list[dict[str, Any]] = []
    expected: list[dict[str, Any]] = []
    split: list[dict[str, Any]] = []
    pruned: list[dict[str, Any]] = []
    for pool in pools(rows, sizes, experiment.measure):
        tally = tallies.get(pool.problem_id, (0.0, 0.0))
        for k in experiment.measure.k:
            if k <= len(pool):
                subsets.append(measure_subsets(pool, k, experiment, aggregators, tally))
        expected += expectations(pool, experiment, aggregators)
        split += split_pool(pool, experiment)
        pruned += prune_pool(pool, experiment, aggregators)
    mixed: list[dict[str, Any]] = []
    outcomes_only = dataclasses.replace(
        experiment, measure=dataclasses.replace(experiment.measure, metrics=())
    )
    for pool in mixed_pools(pools(rows, sizes, experiment.measure)):
        single = float(np.nan_to_num(pool.correct, nan=0.0).mean())
        for k in experiment.measure.k:
            if k <= len(pool):
                columns = measure_subsets(pool, k, outcomes_only, aggregators)
                mixed.append(columns | {"single_sample": [single] * len(columns["k"])})
    return (
        _columns(subsets), pa.Table.from_pylist(expected), _columns(mixed),
        pa.Table.from_pylist(split), pa.Table.from_pylist(pruned),
    )  # fmt: skip


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
        Columns of (S,): the key (problem_id, temperature, k, replicate), members (indices in
        drawn order), outcomes (``coverage``, ``num_correct``, one per selection; null where
        unknown), ``difficulty`` (the share of wrong ones among the problem's samples that are not
        in the subset; NaN where there are none), one per metric. A metric of a subset that holds
        a failed sample is NaN.
    """
    settings = experiment.measure
    rng = pool_rng(settings.seed, pool.problem_id, pool.temperature, k)
    subsets = choose_subsets(len(pool), k, settings.replicates, rng)  # (S, k)
    count = len(subsets)
    columns: dict[str, Any] = {
        "problem_id": [pool.problem_id] * count,
        "temperature": [pool.temperature] * count,
        "k": [k] * count,
        "replicate": list(range(count)),
        "members": subsets.tolist(),
    }
    correct = pool.correct[subsets]  # (S, k)
    columns["num_correct"] = _nullable(correct.sum(axis=1), int)
    inside = correct if pool.temperature != 0 else correct[:, :0]  # the tally has no greedy ones
    right, known = tally[0] - np.nansum(inside, axis=1), tally[1] - np.isfinite(inside).sum(axis=1)
    share = right / np.where(known > 0, known, 1)
    columns["difficulty"] = np.where(known > 0, 1 - share, np.nan).tolist()
    # one right sample decides; otherwise an unknown one leaves it open
    covered = np.where((correct == 1).any(axis=1), 1.0, correct.sum(axis=1) * 0.0)
    columns["coverage"] = _nullable(covered, bool)
    unanswered = (pool.clusters[subsets] < 0).all(axis=1)
    columns["abstained"] = unanswered.tolist()
    for name in experiment.selection.aggregators:
        base, _, reward = name.partition(":")
        rule = lookup(aggregators, base, "aggregator")
        picks = [
            rule.pick(pool, members, reward or experiment.selection.reward or "")
            for members in subsets
        ]
        outcomes = [
            _outcome(pool, members, pick) for members, pick in zip(subsets, picks, strict=True)
        ]
        columns[f"{name}_correct"] = outcomes
    failed = np.isin(np.array(pool.statuses), ["error"])[subsets].any(axis=1)
    repeats = np.array([len({pool.texts[i] for i in members}) < k for members in subsets])
    columns["has_repeat"] = repeats.tolist()
    for name in settings.metrics:
        values = compute(name, pool, subsets, settings)
        columns[name] = np.where(failed, np.nan, values).tolist()
    return columns


def expectations(
    pool: Pool, experiment: Experiment, aggregators: Selections
) -> list[dict[str, Any]]:
    """Return what is exactly known of all k-subsets of a pool, one row per k.

    ``pass@k``, and for each selection with a closed form ``NAME@k``, are means over all C(N, k)
    subsets with unknown samples counted as not correct; ``…_upper`` counts them as correct.
    ``mean_cos_sim`` is the mean cosine over all pairs, which is its mean over k-subsets for any k.
    """
    low = dataclasses.replace(pool, correct=np.nan_to_num(pool.correct, nan=0.0))
    high = dataclasses.replace(pool, correct=np.nan_to_num(pool.correct, nan=1.0))
    unknown = bool(np.isnan(pool.correct).any())
    pairs = (
        mean_over_pairs(pool.similarity) if pool.embeddings is not None and len(pool) > 1 else None
    )
    rows = []
    for k in curve_sizes(len(pool), (*experiment.measure.k, experiment.generation.n)):
        row: dict[str, Any] = {
            "problem_id": pool.problem_id,
            "temperature": pool.temperature,
            "k": k,
            "n": len(pool),
            "num_correct": int(low.correct.sum()),
            "num_unknown": int(np.isnan(pool.correct).sum()),
            "mean_cos_sim": pairs,
        }
        for suffix, version in (("", low), ("_upper", high)):
            row[f"pass@k{suffix}"] = float(pass_at_k(len(pool), int(version.correct.sum()), k))
            for name in experiment.selection.aggregators:
                base, _, reward = name.partition(":")
                expected = lookup(aggregators, base, "aggregator").expected
                if expected is None:
                    continue
                if suffix and not unknown:
                    row[f"{name}@k{suffix}"] = row[f"{name}@k"]
                else:
                    chosen = reward or experiment.selection.reward or ""
                    row[f"{name}@k{suffix}"] = float(expected(version, k, chosen))
        rows.append(row)
    return rows


def curve_sizes(n: int, measured: Sequence[int]) -> list[int]:
    """Return the k at which a pool's exact curves are kept: powers of two, and those measured.

    Up to N, but not N itself: at the size of one small pool a curve would rest on it alone.
    """
    powers = {2**power for power in range(n.bit_length())}
    return sorted(k for k in powers | set(measured) if k <= n)


def _outcome(pool: Pool, members: Ints, pick: int | None) -> bool | None:
    """Whether the picked sample is correct; nothing to pick is not correct, unknown is None."""
    if pick is None:
        return False
    value = pool.correct[members[pick]]
    return None if np.isnan(value) else bool(value)


def _nullable(values: Floats, convert: Callable[[float], Any]) -> list[Any]:
    return [None if np.isnan(value) else convert(value) for value in values]


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


def _columns(parts: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Stack column dicts into one table with fixed types."""
    names = list(parts[0]) if parts else []
    stacked = {name: [value for part in parts for value in part[name]] for name in names}
    types = {
        "k": pa.int32(),
        "replicate": pa.int32(),
        "num_correct": pa.int32(),
        "coverage": pa.bool_(),
        "members": pa.list_(pa.int32()),
    }
    arrays = {}
    for name, values in stacked.items():
        kind = types.get(name) or (pa.bool_() if name.endswith("_correct") else None)
        arrays[name] = pa.array(values, kind)
    return pa.table(arrays)
