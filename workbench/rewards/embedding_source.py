"""Which encoder a run's embeddings come from."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from workbench.config.schema import Embedding
from workbench.config.scoring_schema import OutcomeRewardModel
from workbench.models.locate import model_hash, resolve_encoder
from workbench.rewards.hidden_states import encoded_by


def encoder_identity(settings: Embedding, orm: OutcomeRewardModel | None) -> dict[str, Any]:
    """Return what decides a vector: encoder, its version, long texts, and a dtype not float32.

    Of ``embedding.source: orm`` what decides an encoding of the reward model.
    """
    if settings.source == "orm":
        return encoded_by(orm)
    found = {
        "model": model_hash(str(resolve_encoder(settings.model))),
        "long_texts": settings.long_texts,
        "sentence-transformers": version("sentence-transformers"),
    }
    if settings.dtype != "float32":  # older runs know no dtype, and their vectors still fit
        found["dtype"] = settings.dtype
    return found
