"""Stage 2: samples -> answers, statuses, correctness, clusters, rewards, embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.config import Experiment
from workbench.embed import embed, text_hash
from workbench.folder import Folder, Known, blocks
from workbench.lookup import lookup
from workbench.manifest import Manifest
from workbench.metrics import METRICS
from workbench.models import model_hash, resolve_encoder
from workbench.progress import bar, notice
from workbench.rewards import REWARDS
from workbench.store import KEY, DamagedFileError, fingerprint, marks, read_table, write_table
from workbench.tasks import TASKS
from workbench.tasks.math_answers import cluster_answers
from workbench.types import Aggregator

COLUMNS = (*KEY, "completion", "stop_reason", "num_output_tokens", "mean_logprob")
"""What this stage and the rewards read of a sample."""

VERSION = 1
"""Raise when this stage's code gives other numbers, so that finished runs are scored again."""


def score(
    folder: Folder,
    manifest: Manifest,
    experiment: Experiment,
    aggregators: Mapping[str, Aggregator],
) -> None:
    """Score every sample of the folder, block by block; blocks that are up to date are skipped.

    Raises:
        ValueError: there are no samples, a file is damaged, or a log-probability is NaN.
    """
    held = list(folder.blocks_with_samples())
    if not held:
        raise ValueError(f"{folder.root} holds no samples; run `workbench generate` first")
    grouped = blocks(folder.read_problems(), manifest.data["problems_per_block"])
    with_embeddings = needs_embeddings(experiment, aggregators)
    encoder = encoder_identity(experiment) if with_embeddings else None
    settings = {
        "version": VERSION,
        "task": [experiment.task.name, experiment.task.last_number, experiment.task.options],
        "math-verify": version("math-verify"),
        "rewards": list(experiment.scoring.rewards),
    }
    inputs = {block: _contents(folder, block) for block in held}
    golds = {block: [[k.problem.id, k.problem.gold] for k in grouped[block]] for block in held}
    scores_from = {
        block: fingerprint(**settings, samples=inputs[block], golds=golds[block]) for block in held
    }
    vectors_from = {block: fingerprint(encoder=encoder, samples=inputs[block]) for block in held}
    todo = [b for b in held if not fresh(folder, "scores", b, scores_from[b])]
    to_embed = [
        b for b in held if with_embeddings and not fresh(folder, "embeddings", b, vectors_from[b])
    ]
    if not todo and not to_embed and manifest.stage("score").get("status") == "done":
        notice("score: up to date")
        return
    with manifest.running("score", fingerprint(scores=scores_from, vectors=vectors_from)) as entry:
        work = len(todo) + len(to_embed)
        with bar("score", work, "blocks") as advance:
            for block in todo:
                known = {k.problem.id: k for k in grouped[block]}
                table = _score_block(folder.read_samples(block, COLUMNS), known, experiment)
                write_table(folder.block_path("scores", block), table, scores_from[block])
                advance(1)
            encoded = 0
            for block in to_embed:
                encoded += _embed_block(folder, block, experiment, vectors_from[block], encoder)
                advance(1)
        entry["texts_encoded"] = encoded


def needs_embeddings(experiment: Experiment, aggregators: Mapping[str, Aggregator]) -> bool:
    """Say whether any metric or aggregator of the experiment looks at embeddings."""
    needs = {need for name in experiment.measure.metrics for need in METRICS[name].needs}
    for name in experiment.selection.aggregators:
        needs |= set(lookup(aggregators, name.partition(":")[0], "aggregator").needs)
    return bool(needs & {"similarity", "embeddings"})


def encoder_identity(experiment: Experiment) -> dict[str, Any]:
    """Return what decides a vector: encoder, its version, and the treatment of long texts."""
    settings = experiment.embedding
    return {
        "model": model_hash(str(resolve_encoder(settings.model))),
        "long_texts": settings.long_texts,
        "sentence-transformers": version("sentence-transformers"),
    }


def fresh(folder: Folder, table: str, block: int, made_from: str) -> bool:
    """Say whether a derived block is there and up to date; a damaged one is named and remade."""
    path = folder.block_path(table, block)
    try:
        if marks(path).get("fingerprint") != made_from:
            return False
        read_table(path)  # the pages' checksums are looked at only in reading
        return True
    except DamagedFileError as fault:
        notice(f"{fault.path} is damaged and is made again")
        return False


def _contents(folder: Folder, block: int) -> list[str]:
    """Return what a block's samples are known by: each part's content and the journal's length."""
    journal = folder.journal(block)
    late = [f"journal:{journal.stat().st_size}"] if journal.exists() else []
    return [marks(path)["content"] for path in folder.parts(block)] + late


def _score_block(samples: pa.Table, known: Mapping[str, Known], experiment: Experiment) -> pa.Table:
    _refuse_nan(samples)
    task = TASKS[experiment.task.name]
    found = [task.extract(text, experiment.task) for text in samples["completion"].to_pylist()]
    answers = [answer for answer, _ in found]
    ids = samples["problem_id"].to_pylist()
    reasons = samples["stop_reason"].to_pylist()
    equal = cache(task.equal)  # each distinct pair of texts is compared once
    clusters = [0] * len(ids)
    for rows in _rows_of(ids).values():
        found_clusters = cluster_answers([answers[row] for row in rows], task.canonical, equal)
        for row, cluster in zip(rows, found_clusters, strict=True):
            clusters[row] = cluster
    verdicts = [
        _judge(reason, answer, known[name].problem.gold, equal)
        for name, reason, answer in zip(ids, reasons, answers, strict=True)
    ]
    columns: dict[str, Any] = {name: samples.column(name) for name in KEY}
    columns["answer"] = pa.array(answers, pa.string())
    columns["answer_rule"] = pa.array([rule for _, rule in found], pa.string())
    columns["answer_cluster"] = pa.array(clusters, pa.int32())
    columns["status"] = pa.array([status for status, _ in verdicts], pa.string())
    columns["is_correct"] = pa.array([correct for _, correct in verdicts], pa.bool_())
    frame = samples.to_pandas()
    for name in experiment.scoring.rewards:
        columns[f"reward_{name}"] = pa.array(REWARDS[name].fn(frame), pa.float64())
    return pa.table(columns)


def _rows_of(ids: list[str]) -> dict[str, list[int]]:
    """Return the rows of each problem."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(ids):
        rows.setdefault(name, []).append(row)
    return rows


def _judge(
    stop_reason: str, answer: str | None, gold: str, equal: Callable[[str, str], bool | None]
) -> tuple[str, bool | None]:
    """Return a sample's status and whether it is correct; None is unknown."""
    if stop_reason == "error":
        return "error", None
    if answer is None:
        return ("truncated" if stop_reason == "length" else "no_answer"), False
    verdict = equal(gold, answer)
    return ("timeout", None) if verdict is None else ("answered", verdict)


def _refuse_nan(samples: pa.Table) -> None:
    bad = samples.filter(pc.is_nan(samples.column("mean_logprob"))).select(KEY).to_pylist()
    if bad:
        raise ValueError(
            f"{len(bad)} samples have NaN log-probabilities (first: {bad[0]['problem_id']}, "
            f"temperature {bad[0]['temperature']}, sample {bad[0]['sample_index']}); draw them "
            "again with generation.dtype: float32 in another folder"
        )


def _embed_block(
    folder: Folder, block: int, experiment: Experiment, made_from: str, encoder: Any
) -> int:
    """Encode a block's completions, reusing the vectors of texts it held before."""
    path = folder.block_path("embeddings", block)
    held: dict[str, Any] = {}
    known_encoder = fingerprint(encoder=encoder)
    if path.exists():
        try:
            old = read_table(path)
        except DamagedFileError:
            old = None  # named by `fresh` already
        if old is not None and set(old.column("encoder").to_pylist()) == {known_encoder}:
            values = old.column("embedding").combine_chunks().flatten().to_numpy()
            vectors = values.reshape(old.num_rows, -1)
            stacked = np.column_stack([vectors, old.column("cut").to_numpy()])
            held = dict(zip(old.column("text_hash").to_pylist(), stacked, strict=True))
    samples = folder.read_samples(block, [*KEY, "completion"])
    texts = samples.column("completion").to_pylist()
    vectors, cut, encoded = embed(texts, experiment.embedding, held)
    columns: dict[str, Any] = {name: samples.column(name) for name in KEY}
    columns["text_hash"] = pa.array([text_hash(text) for text in texts])
    columns["encoder"] = pa.array([known_encoder] * len(texts))
    columns["cut"] = pa.array(cut)
    flat = pa.array(np.ascontiguousarray(vectors).ravel(), pa.float32())
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    write_table(path, pa.table(columns), made_from)
    return encoded
