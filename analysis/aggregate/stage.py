"""Outcomes of subsets and exact expectations: written beside the subsets, block by block."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.aggregate.outcomes import Tally, expectations, subset_outcomes
from workbench.analysis.aggregate.pruning import PRUNERS, prune_pool
from workbench.analysis.aggregate.temperature_mixture import mixed_pools
from workbench.config.schema import Measure, Selection
from workbench.config.second_turns import names_to_mix
from workbench.core.console import notice
from workbench.core.name_table import plugin_hashes
from workbench.measure import missing_inputs as needed
from workbench.measure.block_tables import Parts, Share, sizes_listed, write_block_tables
from workbench.measure.stage import (
    draw,
    input_contents,
    measuring_settings,
    require_embedded,
    require_scores,
)
from workbench.pools import Pool, by_problem, read_block
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import CONDITION, fingerprint, read_table
from workbench.storage.subset_table import DrawnSubsets, drawn_subsets

VERSION = 2
"""Raise when the outcomes would come out otherwise, so that finished runs are analysed again."""
STAGE = "aggregate"
"""The entry of the manifest."""
TABLES = ("outcomes", "expectations", "mixed", "pruned")
"""What is made of each block."""


def aggregate(
    run: OpenRun, measured: Measure, selection: Selection, with_embeddings: bool, workers: int = 1
) -> None:
    """Pick from every subset by every rule, block by block; what is up to date is skipped.

    Embeddings are read if the run has made them for its metrics and selections. Workers are
    processes. The tables do not depend on how many there are, by a byte.

    Raises:
        ValueError: subsets are missing or of other samples, or a worker was ended from outside.
    """
    require_scores(run)
    blocks = list(run.blocks_with_samples())
    subsets = {block: run.content("subsets", block) for block in blocks}
    if None in subsets.values():
        raise ValueError(f"{run.root} is not measured yet; run `workbench measure` first")
    if with_embeddings:
        require_embedded(run, measured.text)
    needs = needed.selection_needs(selection, AGGREGATORS)
    left = needed.left_out(needs, needed.missing(run, needs, measured.text))
    aggregators = tuple(name for name in selection.aggregators if name not in left)
    selection = dataclasses.replace(selection, aggregators=aggregators)
    settings = {
        "version": VERSION,
        "selection": selection_settings(selection),
        "measure": {k: v for k, v in measuring_settings(measured).items() if k != "metrics"},
        "n": run.generation.n,
        "pools": sizes_listed(run.conditions),
        **plugin_hashes(
            aggregators=AGGREGATORS.hashes(name.partition(":")[0] for name in aggregators),
            pruners=PRUNERS.hashes(PRUNERS),
        ),
    }
    made_from = {}
    for block in blocks:
        inputs = input_contents(run, block, with_embeddings=with_embeddings)
        made_from[block] = fingerprint(**settings, inputs=inputs, subsets=subsets[block])
    todo = {
        block: made
        for block, made in made_from.items()
        if not all(run.fresh(table, block, made) for table in TABLES)
    }
    before = run.manifest.stage(STAGE)
    if not todo and before.get("status") == "done" and before.get("left_out", {}) == left:
        return
    if left:
        notice(f"analyze: left out: {needed.listed(left)}")
    with run.manifest.running(STAGE, fingerprint(blocks=made_from)) as entry:
        entry["left_out"] = left
        work = partial(aggregate_share, run, measured, selection, with_embeddings=with_embeddings)
        write_block_tables(run, TABLES, todo, work, workers, "aggregate")


def selection_settings(selection: Selection) -> dict[str, Any]:
    """Return the settings that decide what is picked, for a fingerprint."""
    found = dataclasses.asdict(selection)
    if not selection.mixed:  # as in runs that were made before it could be chosen
        del found["mixed"]
    return found


def aggregate_share(
    run: OpenRun, measured: Measure, selection: Selection, share: Share, *, with_embeddings: bool
) -> Parts:
    """Pick from the subsets of a share of a block's problems; only one problem's pools are held.

    BLAS works on one core, since its sums depend on how many there are.
    """
    block, number, shares = share
    rows = read_block(run, block, with_embeddings=with_embeddings)
    columns = ("problem_id", CONDITION, "k", "members")
    drawn = drawn_subsets(read_table(run.block_path("subsets", block), columns))
    made: Parts = {name: [] for name in TABLES}
    mixed = names_to_mix(selection.mixed, run.conditions)
    selection = dataclasses.replace(selection, mixed=tuple(mixed))
    with threadpool_limits(1, user_api="blas"):
        for pools in by_problem(rows, run.pool_sizes, measured, number, shares):
            _aggregate_problem(pools, drawn, run.generation.n, measured, selection, made)
    return made


def _aggregate_problem(
    pools: Sequence[tuple[int, Pool]],
    drawn: Mapping[tuple[str, str], Mapping[int, DrawnSubsets]],
    n: int,
    measured: Measure,
    selection: Selection,
    made: Parts,
) -> None:
    """Add the parts of the tables that are made of one problem's pools."""
    tally = _tally([pool for _, pool in pools])
    for place, held in pools:
        pool = dataclasses.replace(held)  # this copy takes its matrices with it
        for subsets in drawn.get((pool.problem_id, pool.condition), {}).values():
            columns = subset_outcomes(pool, subsets.members, selection, tally)
            made["outcomes"].append((place, columns))
        made["expectations"].append((place, expectations(pool, (*measured.k, n), selection)))
        made["pruned"].append((place, prune_pool(pool, measured, selection)))
    for pool in mixed_pools((held for _, held in pools), selection.mixed):
        place = min(place for place, held in pools if (held.temperature or 0.0) > 0)
        known = pool.correct[~np.isnan(pool.correct)]
        single = float(known.mean()) if len(known) else np.nan
        for k in measured.k:
            if k <= len(pool):
                members = draw(pool, k, measured)
                columns = subset_outcomes(pool, members, selection)
                columns |= {"members": members, "single_sample": np.full(len(members), single)}
                made["mixed"].append((place, columns))


def _tally(pools: Sequence[Pool]) -> Tally:
    """Count a problem's right samples; greedy ones say something else of a problem."""
    sampled = [pool.correct for pool in pools if pool.temperature != 0]
    judged = np.concatenate([np.empty(0), *sampled])
    return float(np.nansum(judged)), float(np.isfinite(judged).sum())
