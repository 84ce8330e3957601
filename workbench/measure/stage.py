"""Stage 3: pools -> one row per subset, with the samples it holds and its metrics."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from workbench.config.schema import Measure, MeasuredText
from workbench.core.conditions import drawing_key
from workbench.core.console import notice
from workbench.core.name_table import plugin_hashes
from workbench.core.subsets import choose_subsets, pool_rng
from workbench.core.types import Ints
from workbench.measure import missing_inputs as inputs
from workbench.measure.block_tables import Parts, Share, sizes_listed, write_block_tables
from workbench.measure.correctness_split import split_pool
from workbench.measure.evaluate import compute_known
from workbench.measure.remeasure import check_needs
from workbench.metrics import METRICS
from workbench.metrics.distinct import distinct_texts
from workbench.pools import Pool, by_problem, read_block
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import fingerprint
from workbench.storage.run_folder import Folder

VERSION = 5
"""Raise when this stage's code gives other numbers, so that finished runs are measured again."""

TABLES = ("subsets", "split")
"""What is made of each block."""


def measure(run: OpenRun, settings: Measure, workers: int = 1) -> None:
    """Measure subsets of every pool, block by block; blocks that are up to date are skipped.

    Workers are processes. The tables do not depend on how many there are, by a byte.

    Raises:
        ValueError: scores are missing or of other samples, or a worker was ended from outside.
    """
    require_scores(run)
    check_needs(settings.metrics)
    needs = inputs.metric_needs(settings)
    left = inputs.left_out(needs, inputs.missing(run, needs, settings.text))
    metrics = tuple(name for name in settings.metrics if name not in left)
    settings = dataclasses.replace(settings, metrics=metrics)
    with_embeddings = inputs.reads_embeddings(inputs.metric_needs(settings))
    if with_embeddings:
        require_embedded(run, settings.text)
    made_from = {
        block: fingerprint(
            version=VERSION,
            measure=measuring_settings(settings),
            pools=sizes_listed(run.conditions),
            inputs=input_contents(run, block, with_embeddings=with_embeddings),
            **plugin_hashes(metrics=METRICS.hashes(metrics)),
        )
        for block in run.blocks_with_samples()
    }
    todo = {
        block: made
        for block, made in made_from.items()
        if not all(run.fresh(table, block, made) for table in TABLES)
    }
    before = run.manifest.stage("measure")
    if not todo and before.get("status") == "done" and before.get("left_out", {}) == left:
        notice("measure: up to date")
        return
    if left:
        notice(f"measure: left out: {inputs.listed(left)}")
    with run.manifest.running("measure", fingerprint(blocks=made_from)) as entry:
        entry["left_out"] = left
        work = partial(measure_share, run, settings, with_embeddings=with_embeddings)
        write_block_tables(run, TABLES, todo, work, workers, "measure")
        entry["blocks"] = len(made_from)


def measuring_settings(settings: Measure) -> dict[str, Any]:
    """Return the settings that decide what is measured, for a fingerprint."""
    found = dataclasses.asdict(settings)
    if settings.text == "answer":  # as in runs that were made before there was another
        del found["text"]
    return found


def require_scores(folder: Folder) -> None:
    """Refuse a run that is not scored.

    Raises:
        ValueError: a block has no scores.
    """
    for block in folder.blocks_with_samples():
        if not folder.block_path("scores", block).exists():
            raise ValueError(f"{folder.root} is not scored yet; run `workbench score` first")


def require_embedded(run: OpenRun, part: MeasuredText) -> None:
    """Refuse embeddings of another part of the samples than is measured.

    Raises:
        ValueError: ``measure.text`` has changed since.
    """
    embedded = run.manifest.stage("score").get("embedded", "answer")
    if embedded != part:
        raise ValueError(
            f"{run.root}: its embeddings are of the {embedded}, and measure.text is {part}; run "
            f"`workbench score {run.root} --set measure.text={part}` first"
        )


def input_contents(folder: Folder, block: int, *, with_embeddings: bool) -> list[str]:
    """Return the content hashes of what a block's pools are read from.

    Raises:
        ValueError: embeddings are needed and not there.
    """
    tables = ("scores", "embeddings") if with_embeddings else ("scores",)
    contents = [folder.content(table, block) for table in tables]
    if None in contents:
        raise ValueError(f"{folder.root} is not embedded yet; run `workbench score` first")
    return [content for content in contents if content is not None]


def measure_share(run: OpenRun, settings: Measure, share: Share, *, with_embeddings: bool) -> Parts:
    """Measure a share of a block's problems, one after another: only one's pools are held.

    BLAS works on one core, since its sums depend on how many there are; it is several processes
    that make use of several cores.
    """
    block, number, shares = share
    rows = read_block(run, block, with_embeddings=with_embeddings)
    made: Parts = {name: [] for name in TABLES}
    with threadpool_limits(1, user_api="blas"):
        for pools in by_problem(rows, run.pool_sizes, settings, number, shares):
            for place, held in pools:
                pool = dataclasses.replace(held)  # this copy takes its matrices with it
                for k in settings.k:
                    if k <= len(pool):
                        made["subsets"].append((place, measure_subsets(pool, k, settings)))
                made["split"].append((place, split_pool(pool, settings)))
    return made


def draw(pool: Pool, k: int, settings: Measure) -> Ints:
    """Draw a pool's subsets of one size, (S, k), N at most; the same ones whenever it is asked."""
    key = drawing_key(pool.condition, pool.temperature)
    rng = pool_rng(settings.seed, pool.problem_id, key, k)
    return choose_subsets(len(pool), k, settings.replicates, rng)


def measure_subsets(pool: Pool, k: int, settings: Measure) -> dict[str, Any]:
    """Draw a pool's subsets of one size, N at most, and apply every metric to them.

    Returns:
        Columns of (S,): the key (problem_id, condition, temperature, k, replicate), members (S, k)
        (indices in drawn order), whether a text comes twice (``has_repeat``), and one for each
        metric. A metric of a subset that holds a failed sample is NaN.
    """
    subsets = draw(pool, k, settings)
    columns = subset_key(pool, subsets) | {"members": subsets}
    columns["has_repeat"] = distinct_texts(pool.text_ids, subsets) < 1
    return columns | compute_known(settings.metrics, pool, subsets, settings)


def subset_key(pool: Pool, subsets: Ints) -> dict[str, Any]:
    """Return the key columns, (S,) each, of the subsets (S, k) of a pool."""
    count, k = subsets.shape
    temperature = np.nan if pool.temperature is None else pool.temperature
    return {
        "problem_id": np.full(count, pool.problem_id, dtype=object),
        "condition": np.full(count, pool.condition, dtype=object),
        "temperature": np.full(count, temperature),
        "k": np.full(count, k),
        "replicate": np.arange(count),
    }
