"""Stage 2: samples -> answers, statuses, correctness, clusters, rewards, embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.config.schema import Embedding, MeasuredText, TaskSettings
from workbench.config.scoring_schema import Scoring
from workbench.core.console import notice, progress_bar
from workbench.core.name_table import plugin_hashes
from workbench.core.types import REWARD_PREFIX, Known, Problem
from workbench.models.text_encoder import embed, text_hash
from workbench.rewards import REWARDS
from workbench.rewards.block_step import read_matching
from workbench.rewards.hidden_states import TABLE as ENCODINGS
from workbench.rewards.hidden_states import encode, encoder_identity, read_encodings
from workbench.rewards.second_model import score_under_second_models
from workbench.score.graders import Grader, open_grader
from workbench.score.program_runner import VERSION as PROGRAMS_VERSION
from workbench.score.programs import CALLS
from workbench.score.programs import COLUMNS as OF_PROGRAMS
from workbench.storage.measured_text import PART_COLUMNS, measured_part
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import (
    STORED_KEY,
    DamagedFileError,
    fingerprint,
    read_stamps,
    read_table,
    write_table,
)
from workbench.storage.run_folder import Folder
from workbench.tasks import TASKS

COLUMNS = (*STORED_KEY, "completion", "stop_reason", "num_output_tokens", "mean_logprob")
"""What this stage and the rewards read of a sample."""

VERSION = 4
"""Raise when this stage's code gives other numbers, so that finished runs are scored again."""


def score(
    run: OpenRun,
    scoring: Scoring,
    embedding: Embedding,
    *,
    with_embeddings: bool,
    seed: int,
    text: MeasuredText = "answer",
    workers: int | None = None,
) -> None:
    """Score every sample of a run, block by block; blocks that are up to date are skipped.

    Texts are embedded only ``with_embeddings``, of each sample the part ``text``. By the seed
    problems are dealt into the parts that rewards are learned from. Workers are processes for slow
    comparisons of answers; by default one for each core.

    Raises:
        ValueError: there are no samples, a file is damaged, or a log-probability is NaN.
    """
    held = list(run.blocks_with_samples())
    if not held:
        raise ValueError(f"{run.root} holds no samples; run `workbench generate` first")
    grouped = run.known_problems()
    encoder = encoder_identity(embedding, scoring.orm) if with_embeddings else None
    settings: dict[str, Any] = {
        "version": VERSION,
        "task": [run.task.name, run.task.last_number, run.task.options],
        "math-verify": version("math-verify"),
        "rewards": list(scoring.rewards),
        "regrade": scoring.regrade,
        **plugin_hashes(
            task=TASKS.hashes([run.task.name]), rewards=REWARDS.hashes(scoring.rewards)
        ),
    }
    if any(REWARDS[name].learn for name in scoring.rewards):
        settings["deals"] = seed
    if TASKS[run.task.name].programs:
        settings["programs"] = [PROGRAMS_VERSION, scoring.sandbox, asdict(scoring.limits), seed]
    score_under_second_models(run, scoring.models)
    encode(run, scoring.orm)
    for name in scoring.rewards:
        if judge := REWARDS[name].judge:
            judge(run, scoring)
    inputs = {block: run.sample_hashes(block) for block in held}
    golds = {block: [_what_is_right(k.problem, run.task) for k in grouped[block]] for block in held}

    def graded_from(block: int, *, learned: bool = True) -> str:
        rows = {name: REWARDS[name] for name in scoring.rewards}
        made = [name for name, row in rows.items() if row.judge or (learned and row.learn)]
        tables = ["given", *(f"rewards/{name}" for name in made)]
        beside = {table: run.content(table, block) for table in tables}
        return fingerprint(**settings, samples=inputs[block], golds=golds[block], beside=beside)

    def embedded_from(block: int) -> str:
        of_orm = embedding.source == "orm"
        own = {"encodings": run.content(ENCODINGS, block)} if of_orm else {}
        own |= {} if text == "answer" else {"text": text}
        return fingerprint(encoder=encoder, samples=inputs[block], **own)

    scores_from = {block: graded_from(block) for block in held}
    vectors_from = {block: embedded_from(block) for block in held}
    todo = [b for b in held if not run.fresh("scores", b, scores_from[b]) or _broken(run, b)]
    wanted = held if with_embeddings else []
    to_embed = [b for b in wanted if not run.fresh("embeddings", b, vectors_from[b])]
    if not todo and not to_embed and run.manifest.stage("score").get("status") == "done":
        notice("score: up to date")
        return
    made_from = fingerprint(scores=scores_from, vectors=vectors_from)
    with (
        run.manifest.running("score", made_from) as entry,
        open_grader(run.task, scoring, workers, seed) as grader,
    ):

        def score_block(block: int) -> None:
            known = {k.problem.id: k for k in grouped[block]}
            table, calls = _score_block(run, block, known, scoring, grader)
            # learned rewards come later, and with them the mark by which the block is fresh
            unlearned = graded_from(block, learned=False)
            if calls is not None:
                write_table(run.block_path("calls", block), calls, unlearned)
            write_table(run.block_path("scores", block), table, unlearned)

        for block in todo if not grader.counts_blocks else ():
            score_block(block)
        counted = todo if grader.counts_blocks else []
        with progress_bar("score", len(counted) + len(to_embed), "blocks") as advance:
            for block in counted:
                score_block(block)
                advance(1)
            encoded = 0
            for block in to_embed:
                encoded += _embed_block(run, block, embedding, text, vectors_from[block], encoder)
                advance(1)
        entry["texts_encoded"] = encoded
        entry.update(grader.facts())
        for line in grader.remarks():
            notice(f"score: {line}")
        if with_embeddings and text != "answer":
            entry["embedded"] = text
        for name in scoring.rewards:
            if learn := REWARDS[name].learn:
                graded = {block: graded_from(block, learned=False) for block in held}
                made_of = {b: fingerprint(graded=graded[b], vectors=vectors_from[b]) for b in held}
                learn(run, scoring, seed, made_of)
                for block in held:
                    _put_learned(run, block, name, graded_from(block))


def _score_block(
    run: OpenRun, block: int, known: Mapping[str, Known], scoring: Scoring, grader: Grader
) -> tuple[pa.Table, pa.Table | None]:
    """Return a block's scores and, where its answers are programs, what these are called with."""
    samples = run.read_samples(block, COLUMNS)
    _refuse_nan(samples)
    there = run.block_path("given", block).exists()
    given = read_matching(run, "given", block, samples) if there else None
    journal = run.root / "programs" / f"block-{block:05}.journal"
    graded = grader.grade(samples, known, None if scoring.regrade else given, journal)
    columns: dict[str, Any] = {name: samples.column(name) for name in STORED_KEY} | {
        "answer": pa.array(graded.answers, pa.string()),
        "answer_rule": pa.array(graded.rules, pa.string()),
        "answer_cluster": pa.array(graded.clusters, pa.int32()),
        "status": pa.array(graded.statuses, pa.string()),
        "is_correct": pa.array(graded.correct, pa.bool_()),
    }
    columns |= {name: pa.array(held, OF_PROGRAMS[name]) for name, held in graded.columns.items()}
    frame = samples.to_pandas()
    if "share_passed" in graded.columns:
        frame["share_passed"] = columns["share_passed"].to_numpy(zero_copy_only=False)
    if given is not None and "reward" in given.schema.names:
        frame["given_reward"] = given.column("reward").to_numpy()
    for name in scoring.rewards:
        reward = REWARDS[name]
        if reward.fn is not None:
            values = np.asarray(reward.fn(frame))
            if values.shape != (len(frame),):
                raise ValueError(
                    f"reward {name!r} gave an array of shape {values.shape}; it must return one "
                    f"number for each of {len(frame)} samples, as an array of shape "
                    f"({len(frame)},)"
                )
        elif reward.learn is not None:  # from these very scores, and put in later
            values = np.full(len(frame), np.nan)
        else:
            values = read_matching(run, f"rewards/{name}", block, samples)["reward"].to_numpy()
        columns[f"{REWARD_PREFIX}{name}"] = pa.array(values, pa.float64())
    calls = None if graded.calls is None else pa.Table.from_pylist(graded.calls, CALLS)
    return pa.table(columns), calls


def _what_is_right(problem: Problem, task: TaskSettings) -> list[Any]:
    """Return what decides whether an answer to a problem is right."""
    found: list[Any] = [problem.id, problem.gold]
    return [*found, problem.question, problem.metadata] if TASKS[task.name].programs else found


def _broken(run: OpenRun, block: int) -> bool:
    """Say whether some programs of a scored block could not be run, and are to be tried again."""
    if not TASKS[run.task.name].programs:
        return False
    statuses = read_table(run.block_path("scores", block), ["status"])["status"]
    return "infrastructure" in statuses.unique().to_pylist()


def _put_learned(folder: Folder, block: int, name: str, made_from: str) -> None:
    """Put a learned reward into a block's scores, if they have not got it yet."""
    path = folder.block_path("scores", block)
    if read_stamps(path).get("fingerprint") == made_from:
        return
    table, column = read_table(path), f"{REWARD_PREFIX}{name}"
    values = read_matching(folder, f"rewards/{name}", block, table).column("reward")
    place = table.schema.names.index(column)
    write_table(path, table.set_column(place, column, values), made_from)


def _refuse_nan(samples: pa.Table) -> None:
    bad = samples.filter(pc.is_nan(samples.column("mean_logprob"))).select(STORED_KEY).to_pylist()
    if bad:
        raise ValueError(
            f"{len(bad)} samples have NaN log-probabilities (first: {bad[0]['problem_id']}, "
            f"temperature {bad[0]['temperature']}, sample {bad[0]['sample_index']}); draw them "
            "again with generation.dtype: float32 in another folder"
        )


def _embed_block(
    folder: Folder,
    block: int,
    settings: Embedding,
    part: MeasuredText,
    made_from: str,
    encoder: Any,
) -> int:
    """Encode a part of each of a block's samples, reusing the vectors of texts it held before."""
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
    samples = folder.read_samples(block, [*STORED_KEY, *PART_COLUMNS])
    texts = measured_part(samples.to_pandas(), part)["text"].tolist()
    if settings.source == "orm":
        vectors = read_encodings(folder, block, samples)
        cut, encoded = np.zeros(len(texts), dtype=bool), 0
    else:
        vectors, cut, encoded = embed(texts, settings, held)
    columns: dict[str, Any] = {name: samples.column(name) for name in STORED_KEY}
    columns["text_hash"] = pa.array([text_hash(text) for text in texts])
    columns["encoder"] = pa.array([known_encoder] * len(texts))
    columns["cut"] = pa.array(cut)
    flat = pa.array(np.ascontiguousarray(vectors).ravel(), pa.float32())
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    write_table(path, pa.table(columns), made_from)
    return encoded
