"""Stage 2: samples -> answers, statuses, correctness, clusters, rewards, embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.config.schema import Experiment
from workbench.core.console import notice, progress_bar
from workbench.core.types import REWARD_PREFIX, Known
from workbench.models.text_encoder import embed, text_hash
from workbench.rewards import REWARDS
from workbench.rewards.embedding_source import encoder_identity
from workbench.rewards.hidden_states import TABLE as ENCODINGS
from workbench.rewards.hidden_states import encode, read_encodings
from workbench.rewards.second_model import read_under
from workbench.score.grading import grade
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import (
    KEY,
    DamagedFileError,
    fingerprint,
    read_stamps,
    read_table,
    write_table,
)
from workbench.storage.run_folder import Folder, blocks, fresh, sample_hashes
from workbench.tasks import TASKS
from workbench.tasks.answer_checking import Comparer

COLUMNS = (*KEY, "completion", "stop_reason", "num_output_tokens", "mean_logprob")
"""What this stage and the rewards read of a sample."""

VERSION = 1
"""Raise when this stage's code gives other numbers, so that finished runs are scored again."""


def score(
    folder: Folder,
    manifest: Manifest,
    experiment: Experiment,
    *,
    with_embeddings: bool,
    workers: int | None = None,
) -> None:
    """Score every sample of the folder, block by block; blocks that are up to date are skipped.

    Args:
        folder: the run.
        manifest: its manifest.
        experiment: its task, rewards and encoder.
        with_embeddings: whether the texts are embedded too.
        workers: processes for slow comparisons of answers; by default one for each core.

    Raises:
        ValueError: there are no samples, a file is damaged, or a log-probability is NaN.
    """
    held = list(folder.blocks_with_samples())
    if not held:
        raise ValueError(f"{folder.root} holds no samples; run `workbench generate` first")
    grouped = blocks(folder.read_problems(), manifest.data["problems_per_block"])
    encoder = encoder_identity(experiment) if with_embeddings else None
    settings: dict[str, Any] = {
        "version": VERSION,
        "task": [experiment.task.name, experiment.task.last_number, experiment.task.options],
        "math-verify": version("math-verify"),
        "rewards": list(experiment.scoring.rewards),
        "regrade": experiment.scoring.regrade,
    }
    if any(REWARDS[name].learn for name in experiment.scoring.rewards):
        settings["deals"] = experiment.measure.seed  # problems into the parts that are learned from
    read_under(folder, manifest, experiment)
    encode(folder, manifest, experiment)
    for name in experiment.scoring.rewards:
        if judge := REWARDS[name].judge:
            judge(folder, manifest, experiment)
    inputs = {block: sample_hashes(folder, block) for block in held}
    golds = {block: [[k.problem.id, k.problem.gold] for k in grouped[block]] for block in held}

    def graded_from(block: int, *, learned: bool = True) -> str:
        beside = _beside(folder, block, experiment, learned=learned)
        return fingerprint(**settings, samples=inputs[block], golds=golds[block], beside=beside)

    scores_from = {block: graded_from(block) for block in held}
    vectors_from = {
        block: fingerprint(
            encoder=encoder, samples=inputs[block], **_encodings(folder, block, experiment)
        )
        for block in held
    }
    todo = [b for b in held if not fresh(folder, "scores", b, scores_from[b])]
    to_embed = [
        b for b in held if with_embeddings and not fresh(folder, "embeddings", b, vectors_from[b])
    ]
    if not todo and not to_embed and manifest.stage("score").get("status") == "done":
        notice("score: up to date")
        return
    made_from = fingerprint(scores=scores_from, vectors=vectors_from)
    checker = TASKS[experiment.task.name].checker(experiment.task)
    with manifest.running("score", made_from) as entry, Comparer(checker, workers) as comparer:
        work = len(todo) + len(to_embed)
        with progress_bar("score", work, "blocks") as advance:
            for block in todo:
                known = {k.problem.id: k for k in grouped[block]}
                table = _score_block(folder, block, known, experiment, comparer)
                # learned rewards come later, and with them the mark by which the block is fresh
                unlearned = graded_from(block, learned=False)
                write_table(folder.block_path("scores", block), table, unlearned)
                advance(1)
            encoded = 0
            for block in to_embed:
                encoded += _embed_block(folder, block, experiment, vectors_from[block], encoder)
                advance(1)
        entry["texts_encoded"] = encoded
        for name in experiment.scoring.rewards:
            if learn := REWARDS[name].learn:
                graded = {block: graded_from(block, learned=False) for block in held}
                made_of = {b: fingerprint(graded=graded[b], vectors=vectors_from[b]) for b in held}
                learn(folder, manifest, experiment, made_of)
                for block in held:
                    _put_learned(folder, block, name, graded_from(block))


def _score_block(
    folder: Folder,
    block: int,
    known: Mapping[str, Known],
    experiment: Experiment,
    comparer: Comparer,
) -> pa.Table:
    samples = folder.read_samples(block, COLUMNS)
    _refuse_nan(samples)
    given = read_beside(folder, "given", block, samples)
    graded = grade(samples, known, experiment, given, comparer)
    columns: dict[str, Any] = {name: samples.column(name) for name in KEY}
    columns["answer"] = pa.array(graded.answers, pa.string())
    columns["answer_rule"] = pa.array(graded.rules, pa.string())
    columns["answer_cluster"] = pa.array(graded.clusters, pa.int32())
    columns["status"] = pa.array(graded.statuses, pa.string())
    columns["is_correct"] = pa.array(graded.correct, pa.bool_())
    frame = samples.to_pandas()
    if given is not None and "reward" in given.schema.names:
        frame["given_reward"] = given.column("reward").to_numpy()
    for name in experiment.scoring.rewards:
        reward = REWARDS[name]
        if reward.fn is not None:
            values = reward.fn(frame)
        elif reward.learn is not None:  # from these very scores, and put in later
            values = np.full(len(frame), np.nan)
        else:
            judged = read_beside(folder, f"rewards/{name}", block, samples)
            assert judged is not None  # just made
            values = judged.column("reward").to_numpy()
        columns[f"{REWARD_PREFIX}{name}"] = pa.array(values, pa.float64())
    return pa.table(columns)


def read_beside(folder: Folder, table: str, block: int, samples: pa.Table) -> pa.Table | None:
    """Read a block of a table that stands beside the samples, row by row; None if there is none.

    Raises:
        ValueError: it is of other samples, or damaged.
    """
    path = folder.block_path(table, block)
    if not path.exists():
        return None
    found = read_table(path)
    if not found.select(KEY).equals(samples.select(KEY)):
        raise ValueError(f"{path} is of other samples than {folder.root / 'samples'}; delete it")
    return found


def _put_learned(folder: Folder, block: int, name: str, made_from: str) -> None:
    """Put a learned reward into a block's scores, if they have not got it yet."""
    path = folder.block_path("scores", block)
    if read_stamps(path).get("fingerprint") == made_from:
        return
    table = read_table(path)
    learned = read_beside(folder, f"rewards/{name}", block, table)
    assert learned is not None  # just made
    place = table.schema.names.index(f"{REWARD_PREFIX}{name}")
    values = learned.column("reward")
    write_table(path, table.set_column(place, f"{REWARD_PREFIX}{name}", values), made_from)


def _beside(
    folder: Folder, block: int, experiment: Experiment, *, learned: bool
) -> dict[str, str | None]:
    """Return what else a block's scores are made of: what it was given, and judged rewards."""
    names = [
        f"rewards/{name}"
        for name in experiment.scoring.rewards
        if REWARDS[name].judge or (learned and REWARDS[name].learn)
    ]
    return {
        name: read_stamps(folder.block_path(name, block)).get("content")
        for name in ("given", *names)
    }


def _encodings(folder: Folder, block: int, experiment: Experiment) -> dict[str, str | None]:
    """Return which encodings a block's vectors are, where they are those of the reward model."""
    if experiment.embedding.source != "orm":
        return {}
    return {"encodings": read_stamps(folder.block_path(ENCODINGS, block)).get("content")}


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
    if experiment.embedding.source == "orm":
        vectors = read_encodings(folder, block, samples)
        cut, encoded = np.zeros(len(texts), dtype=bool), 0
    else:
        vectors, cut, encoded = embed(texts, experiment.embedding, held)
    columns: dict[str, Any] = {name: samples.column(name) for name in KEY}
    columns["text_hash"] = pa.array([text_hash(text) for text in texts])
    columns["encoder"] = pa.array([known_encoder] * len(texts))
    columns["cut"] = pa.array(cut)
    flat = pa.array(np.ascontiguousarray(vectors).ravel(), pa.float32())
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    write_table(path, pa.table(columns), made_from)
    return encoded
