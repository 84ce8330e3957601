"""Encodings of solutions by the reward model: its last hidden states, as unit vectors.

The hidden state is that of the last token before the verdict, from which ``+`` or ``-`` is
predicted. It is read in a step of its own beside the reward ``orm``, always with transformers,
whichever backend runs the reward. Its table is ``encodings``. With ``embedding.source: orm`` the
cosine metrics, the DPP, MBR and pruning use these vectors instead of the sentence encoder's.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.config.schema import Embedding
from workbench.config.scoring_schema import OutcomeRewardModel
from workbench.models.locate import model_hash, resolve_encoder
from workbench.models.protocols import PromptEncoder, Vector
from workbench.rewards.block_step import BlockStep, read_matching
from workbench.rewards.model_step import Judged, ModelStep, model_identity
from workbench.rewards.outcome_model import solutions
from workbench.rewards.outcome_prompt import find_verdict_tokens
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import fingerprint
from workbench.storage.run_folder import Folder

TABLE = "encodings"

VERSION = 1
"""Raise when an encoding would come out otherwise, so that finished runs are encoded again."""


def encode(run: OpenRun, settings: OutcomeRewardModel | None) -> None:
    """Encode every sample of a run that has not been encoded, if the settings ask for it.

    A failed sample is encoded as an empty solution. A sample that is too long with its problem has
    null.

    Raises:
        ValueError: the model cannot be loaded or gives NaN, or a file is damaged. Finished vectors
            are kept.
    """
    if settings is None or not settings.encodings:
        return
    judged_by = fingerprint(**_identity(settings))
    made_from, read_texts = solutions(run, judged_by, with_failed=True)
    step = BlockStep(run, stage=TABLE, table=TABLE, made_from=made_from)
    outdated = step.outdated_blocks()
    if outdated is None:
        return

    def open_model() -> AbstractContextManager[PromptEncoder]:
        from workbench.models.hf_scoring import open_prompt_encoder  # a slow import

        return open_prompt_encoder(settings)

    columns = {"encoding": pa.list_(pa.float32())}
    model_step = ModelStep(step, judged_by, columns, read_texts, open_model, _encode_texts)
    with step.running() as entry:
        model_step.run(outdated, entry, f"to encode with {settings.model}")


def encoder_identity(settings: Embedding, orm: OutcomeRewardModel | None) -> dict[str, Any]:
    """Return what decides the embedding of a text, or its encoding with ``embedding.source: orm``.

    Raises:
        ValueError: encodings are asked for, and there are to be none; or there is no such model.
    """
    if settings.source == "orm":
        if orm is None or not orm.encodings:
            raise ValueError("embedding.source: 'orm' needs scoring.orm with encodings: true")
        return _identity(orm)
    found = {
        "model": model_hash(str(resolve_encoder(settings.model))),
        "long_texts": settings.long_texts,
        "sentence-transformers": version("sentence-transformers"),
    }
    if settings.dtype != "float32":  # older runs know no dtype, and their vectors still fit
        found["dtype"] = settings.dtype
    return found


def read_encodings(folder: Folder, block: int, samples: pa.Table) -> Vector:
    """Return the encodings of a block in the order of the samples: (R, D) float32 unit vectors.

    Raises:
        ValueError: there are none, they are of other samples, or a sample has none.
    """
    column = read_matching(folder, TABLE, block, samples).column("encoding").combine_chunks()
    if column.null_count:
        raise ValueError(
            f"{column.null_count:,} samples of {folder.block_path(TABLE, block)} are too long for "
            "the reward model with their problem, so they have no encoding; raise "
            "scoring.orm.max_model_len, or set embedding.source to text"
        )
    vectors: Vector = column.flatten().to_numpy().reshape(len(samples), -1)
    return vectors


def _identity(settings: OutcomeRewardModel) -> dict[str, Any]:
    identity = model_identity(settings, VERSION, "transformers", "scoring.orm.encodings")
    del identity["backend"], identity["engine"]  # neither has an influence on an encoding
    return identity


def _encode_texts(encoder: PromptEncoder, texts: Mapping[str, str]) -> Judged:
    verdict = find_verdict_tokens(encoder.tokenizer)
    prompts, too_long = verdict.prompts(encoder.tokenizer, texts, encoder.limit)
    for name in too_long:
        yield name, {"encoding": None}, None
    for name, vector in encoder.last_states(prompts):
        if not np.isfinite(vector).all():
            raise ValueError(
                "the reward model gave a hidden state of NaN: its weights are damaged or its "
                "numbers overflow; try scoring.orm.dtype: float32. Finished encodings are kept"
            )
        yield name, {"encoding": vector.tolist()}, None
