"""Encodings of solutions by the reward model: its last hidden states, as unit vectors.

The hidden state is that of the last token before the verdict, from which ``+`` or ``-`` is
predicted. It is read in a step of its own beside the reward ``orm``, always with transformers,
whichever backend runs the reward. Its table is ``encodings``. With ``embedding.source: orm`` the
cosine metrics, the DPP, MBR and pruning use these vectors instead of the sentence encoder's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.config.scoring_schema import OutcomeRewardModel
from workbench.models.protocols import PromptEncoder
from workbench.rewards.block_step import BlockStep, require_matching
from workbench.rewards.model_step import ModelStep, Values, model_identity
from workbench.rewards.outcome_model import judged_blocks, read_solutions
from workbench.rewards.outcome_prompt import find_verdict_tokens
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import fingerprint
from workbench.storage.run_folder import Folder

TABLE = "encodings"

VERSION = 1
"""Raise when an encoding would come out otherwise, so that finished runs are encoded again."""

Vector = NDArray[np.float32]


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
    questions, made_from = judged_blocks(run, judged_by)
    step = BlockStep(run, stage=TABLE, table=TABLE, made_from=made_from)
    outdated = step.outdated_blocks()
    if outdated is None:
        return

    def open_model() -> AbstractContextManager[PromptEncoder]:
        from workbench.models.hf_scoring import open_prompt_encoder  # a slow import

        return open_prompt_encoder(settings)

    model_step = ModelStep(
        step=step,
        judged_by=judged_by,
        columns=["encoding"],
        cached_in=[TABLE],
        read_texts=lambda block: read_solutions(run, block, questions, with_failed=True),
        open_model=open_model,
        judge=_encode_texts,
        to_columns=_to_columns,
    )
    with step.running() as entry:
        model_step.run(outdated, entry, f"to encode with {settings.model}")


def encoded_by(settings: OutcomeRewardModel | None) -> dict[str, Any]:
    """Return what decides an encoding, apart from the text.

    Raises:
        ValueError: there are to be no encodings, or the model is not to be found.
    """
    if settings is None or not settings.encodings:
        raise ValueError("embedding.source: 'orm' needs scoring.orm with encodings: true")
    return _identity(settings)


def read_encodings(folder: Folder, block: int, samples: pa.Table) -> Vector:
    """Return the encodings of a block, row by row in the order of the samples.

    Returns:
        (R, D) float32 unit vectors.

    Raises:
        ValueError: there are none, they are of other samples, or a sample has none.
    """
    column = require_matching(folder, TABLE, block, samples).column("encoding").combine_chunks()
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


def _encode_texts(encoder: PromptEncoder, texts: Mapping[str, str]) -> Iterator[tuple[str, Values]]:
    """Yield the name and the vector of each text; first None for those too long to be read."""
    verdict = find_verdict_tokens(encoder.tokenizer)
    prompts, too_long = verdict.prompts(encoder.tokenizer, texts, encoder.limit)
    for name in too_long:
        yield name, {"encoding": None}
    for name, vector in encoder.last_states(prompts):
        if not np.isfinite(vector).all():
            raise ValueError(
                "the reward model gave a hidden state of NaN: its weights are damaged or its "
                "numbers overflow; try scoring.orm.dtype: float32. Finished encodings are kept"
            )
        yield name, {"encoding": vector.tolist()}


def _to_columns(rows: Sequence[Values | None]) -> dict[str, pa.Array]:
    encodings = [None if row is None else row["encoding"] for row in rows]
    return {"encoding": pa.array(encodings, pa.list_(pa.float32()))}
