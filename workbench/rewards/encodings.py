"""What the reward model holds of each solution where it is about to judge it, as a unit vector.

The last hidden state at the token before the sign: what ``+`` or ``-`` is made of. A step of its
own beside the reward ``orm``, with transformers whatever runs the reward. Each text of a block is
encoded once, vectors go to a journal as they come, and a finished block's table stands in
``encodings``. ``embedding.source: orm`` has cosine, DPP, MBR and pruning look at these in place of
the sentence encoder's.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.config import Experiment
from workbench.embed import text_hash
from workbench.folder import Folder, blocks, contents, fresh
from workbench.generate import engine_versions
from workbench.journal import Journal, read_entries
from workbench.manifest import Manifest
from workbench.models import model_hash, resolve_model
from workbench.progress import bar, notice
from workbench.rewards.kept import journal_path
from workbench.rewards.signs import Encoder, find_signs, judged_text
from workbench.settings import OutcomeRewardModel
from workbench.store import KEY, DamagedFileError, fingerprint, read_table, write_table

TABLE = "encodings"

VERSION = 1
"""Raise when an encoding would come out otherwise, so that finished runs are encoded again."""

Vector = NDArray[np.float32]


def encode(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    """Encode every sample of the folder that has not been encoded, if the experiment asks for it.

    A failed sample is encoded as an empty solution. One that is too long with its problem has null.

    Raises:
        ValueError: the model cannot be loaded or gives NaN, or a file is damaged. Finished vectors
            are kept.
    """
    settings = experiment.scoring.orm
    if settings is None or not settings.encodings:
        return
    held = list(folder.blocks_with_samples())
    grouped = blocks(folder.read_problems(), manifest.data["problems_per_block"])
    judged_by = fingerprint(**_identity(settings))
    made_from = {
        block: fingerprint(
            judged_by=judged_by,
            samples=contents(folder, block),
            questions=[[k.problem.id, k.problem.question] for k in grouped[block]],
        )
        for block in held
    }
    todo = [block for block in held if not fresh(folder, TABLE, block, made_from[block])]
    if not todo and manifest.stage(TABLE).get("status") == "done":
        notice(f"{TABLE}: up to date")
        return
    with manifest.running(TABLE, fingerprint(blocks=made_from)), ExitStack() as stack:
        questions = {k.problem.id: k.problem.question for b in todo for k in grouped[b]}
        unread = {}
        for block in todo:
            known = _known(folder, block, judged_by)
            unread[block] = {*_texts(folder, block, questions)} - known.keys()
        texts = sum(map(len, unread.values()))
        if texts:
            notice(f"{TABLE}: {texts:,} texts to encode with {settings.model}")
        advance = stack.enter_context(bar(TABLE, texts, "texts"))
        encoder: Encoder | None = None
        for block in todo:
            by_name = _texts(folder, block, questions)
            vectors = _known(folder, block, judged_by)
            missing = {name: by_name[name] for name in by_name if name in unread[block]}
            if missing:
                encoder = encoder or stack.enter_context(_open(settings))
                with Journal(journal_path(folder, TABLE, block)) as journal:
                    for name, vector in _vectors(encoder, missing):
                        kept = (
                            None if vector is None else base64.b64encode(vector.tobytes()).decode()
                        )
                        journal.add({"judged_by": judged_by, "text": name, "encoding": kept})
                        vectors[name] = vector
                        advance(1)
            table = _table(folder, block, questions, vectors, judged_by)
            write_table(folder.block_path(TABLE, block), table, made_from[block])
            journal_path(folder, TABLE, block).unlink(missing_ok=True)


def encoded_by(experiment: Experiment) -> dict[str, Any]:
    """Return what decides an encoding, apart from the text.

    Raises:
        ValueError: the experiment keeps no encodings, or its model is not to be found.
    """
    settings = experiment.scoring.orm
    if settings is None or not settings.encodings:
        raise ValueError("embedding.source: 'orm' needs scoring.orm with encodings: true")
    return _identity(settings)


def read_encodings(folder: Folder, block: int, samples: pa.Table) -> Vector:
    """Return a block's encodings, row by row in the order of the samples.

    Returns:
        (R, D) float32 unit vectors.

    Raises:
        ValueError: there are none, they are of other samples, or a sample has none.
    """
    path = folder.block_path(TABLE, block)
    if not path.exists():
        raise ValueError(f"{path} is missing; run `workbench score` first")
    table = read_table(path)
    if not table.select(KEY).equals(samples.select(KEY)):
        raise ValueError(f"{path} is of other samples than {folder.root / 'samples'}; delete it")
    column = table.column("encoding").combine_chunks()
    if column.null_count:
        raise ValueError(
            f"{column.null_count:,} samples of {path} are too long for the reward model with their "
            "problem, so they have no encoding; raise scoring.orm.max_model_len, or set "
            "embedding.source to text"
        )
    vectors: Vector = column.flatten().to_numpy().reshape(table.num_rows, -1)
    return vectors


def _identity(settings: OutcomeRewardModel) -> dict[str, Any]:
    return {
        "version": VERSION,
        "model": model_hash(resolve_model(settings.model)),
        "engine_versions": engine_versions("transformers", "scoring.orm.encodings"),
        "dtype": settings.dtype,
        "max_model_len": settings.max_model_len,
    }


def _open(settings: OutcomeRewardModel) -> Any:
    from workbench.rewards.next_token import open_encoder  # a slow import

    return open_encoder(settings)


def _rows(folder: Folder, block: int, questions: Mapping[str, str]) -> tuple[pa.Table, list[str]]:
    """Return a block's samples, and the text of each that is encoded."""
    samples = folder.read_samples(block, [*KEY, "completion"])
    columns = (samples.column(name).to_pylist() for name in ("problem_id", "completion"))
    texts = [judged_text(questions[name], text) for name, text in zip(*columns, strict=True)]
    return samples, texts


def _texts(folder: Folder, block: int, questions: Mapping[str, str]) -> dict[str, str]:
    return {text_hash(text): text for text in _rows(folder, block, questions)[1]}


def _known(folder: Folder, block: int, judged_by: str) -> dict[str, Vector | None]:
    """Return the vectors that a block's texts have from this very model, by text."""
    known: dict[str, Vector | None] = {}
    path = folder.block_path(TABLE, block)
    if path.exists():
        try:
            old = read_table(path)
        except DamagedFileError:
            old = None  # named by `fresh` already
        if old is not None and set(old.column("judged_by").to_pylist()) == {judged_by}:
            names = old.column("text_hash").to_pylist()
            for name, value in zip(names, old.column("encoding"), strict=True):
                known[name] = value.values.to_numpy() if value.is_valid else None
    for entry in read_entries(journal_path(folder, TABLE, block)):
        if entry["judged_by"] == judged_by:
            kept = entry["encoding"]
            known[entry["text"]] = (
                None if kept is None else np.frombuffer(base64.b64decode(kept), np.float32)
            )
    return known


def _vectors(encoder: Encoder, texts: Mapping[str, str]) -> Iterator[tuple[str, Vector | None]]:
    """Yield each text's name and vector as they come; those too long for the model first."""
    signs = find_signs(encoder.tokenizer)
    prompts = {}
    for name, text in texts.items():
        ids = signs.prompt(encoder.tokenizer, text)
        if len(ids) < encoder.limit:
            prompts[name] = ids
        else:
            yield name, None
    for name, vector in encoder.states(prompts):
        if not np.isfinite(vector).all():
            raise ValueError(
                "the reward model gave a hidden state of NaN: its weights are damaged or its "
                "numbers overflow; try scoring.orm.dtype: float32. Finished encodings are kept"
            )
        yield name, vector


def _table(
    folder: Folder,
    block: int,
    questions: Mapping[str, str],
    vectors: Mapping[str, Vector | None],
    judged_by: str,
) -> pa.Table:
    samples, texts = _rows(folder, block, questions)
    names = [text_hash(text) for text in texts]
    columns: dict[str, Any] = {name: samples.column(name) for name in KEY}
    columns["encoding"] = pa.array([vectors[name] for name in names], pa.list_(pa.float32()))
    columns["text_hash"] = pa.array(names)
    columns["judged_by"] = pa.array([judged_by] * len(names))
    return pa.table(columns)
