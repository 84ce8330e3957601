"""What the reward model holds of each solution where it is about to judge it, as a unit vector.

The last hidden state at the token before the sign: what ``+`` or ``-`` is made of. A step of its
own beside the reward ``orm``, with transformers whatever runs the reward. Each text of a block is
encoded once, vectors go to a journal as they come, and a finished block's table stands in
``encodings``. ``embedding.source: orm`` has cosine, DPP, MBR and pruning look at these in place of
the sentence encoder's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.config.schema import Experiment
from workbench.config.scoring_schema import OutcomeRewardModel
from workbench.core.console import notice, progress_bar
from workbench.generate import engine_versions
from workbench.models.locate import model_hash, resolve_model
from workbench.models.protocols import Encoder
from workbench.models.text_encoder import text_hash
from workbench.rewards.judgement_cache import journal_path, judged_blocks, read_kept
from workbench.rewards.outcome_prompt import find_signs, judged_text
from workbench.storage.journal import Journal
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import KEY, fingerprint, read_table, write_table
from workbench.storage.run_folder import Folder, fresh

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
    judged_by = fingerprint(**_identity(settings))
    questions, made_from = judged_blocks(folder, manifest, judged_by)
    todo = [block for block, made in made_from.items() if not fresh(folder, TABLE, block, made)]
    if not todo and manifest.stage(TABLE).get("status") == "done":
        notice(f"{TABLE}: up to date")
        return
    with manifest.running(TABLE, fingerprint(blocks=made_from)), ExitStack() as stack:
        texts = sum(len(_read(folder, b, questions[b], judged_by).missing) for b in todo)
        if texts:
            notice(f"{TABLE}: {texts:,} texts to encode with {settings.model}")
        advance = stack.enter_context(progress_bar(TABLE, texts, "texts"))
        encoder: Encoder | None = None
        for block in todo:
            work = _read(folder, block, questions[block], judged_by)
            if work.missing:
                encoder = encoder or stack.enter_context(_open(settings))
                with Journal(journal_path(folder, TABLE, block)) as journal:
                    for name, vector in _vectors(encoder, work.missing):
                        kept = None if vector is None else vector.tolist()
                        journal.add({"judged_by": judged_by, "text": name, "encoding": kept})
                        work.values[name] = kept
                        advance(1)
            write_table(folder.block_path(TABLE, block), work.table(judged_by), made_from[block])
            journal_path(folder, TABLE, block).unlink(missing_ok=True)


@dataclass(frozen=True)
class Work:
    """A block's samples and what is known of their encodings."""

    samples: pa.Table
    names: list[str]
    """For each sample, what its problem and solution are known by."""
    values: dict[str, list[float] | None]
    missing: dict[str, str]
    """Texts by name that have not been encoded."""

    def table(self, judged_by: str) -> pa.Table:
        """Return the block's table; call it when nothing is missing."""
        vectors = [self.values[name] for name in self.names]
        columns: dict[str, Any] = {name: self.samples.column(name) for name in KEY}
        columns["encoding"] = pa.array(vectors, pa.list_(pa.float32()))
        columns["text_hash"] = pa.array(self.names)
        columns["judged_by"] = pa.array([judged_by] * len(vectors))
        return pa.table(columns)


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
    from workbench.models.hf_scoring import open_encoder  # a slow import

    return open_encoder(settings)


def _read(folder: Folder, block: int, questions: Mapping[str, str], judged_by: str) -> Work:
    """Read a block's samples, and the encodings that they have from this very model."""
    samples = folder.read_samples(block, [*KEY, "completion"])
    columns = (samples.column(name).to_pylist() for name in ("problem_id", "completion"))
    texts = [judged_text(questions[name], text) for name, text in zip(*columns, strict=True)]
    names = [text_hash(text) for text in texts]
    known = read_kept(folder, TABLE, block, judged_by, ["encoding"])
    by_name = dict(zip(names, texts, strict=True))
    return Work(
        samples=samples,
        names=names,
        values={name: known[name]["encoding"] for name in by_name if name in known},
        missing={name: text for name, text in by_name.items() if name not in known},
    )


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
