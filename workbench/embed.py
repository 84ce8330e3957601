"""Texts -> unit vectors. The only module that imports the sentence encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.config import Embedding
from workbench.models import resolve_encoder

Vectors = NDArray[np.float32]


def text_hash(text: str) -> str:
    """Return what the cache knows a text by."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def embed(
    texts: Sequence[str], settings: Embedding, held: Mapping[str, NDArray[Any]]
) -> tuple[Vectors, NDArray[np.bool_], int]:
    """Encode texts, each distinct one once, and none that is held already.

    Args:
        texts: (R,) texts, repeats and all.
        settings: encoder and what to do with long texts.
        held: vectors of earlier texts, (D + 1,) by ``text_hash``: the last entry says whether
            the text was longer than the encoder reads.

    Returns:
        (R, D) float32 unit vectors in the order of ``texts``; (R,) whether each text was longer
        than the encoder reads; how many texts were encoded now.
    """
    names = [text_hash(text) for text in texts]
    fresh = {name: text for name, text in zip(names, texts, strict=True) if name not in held}
    rows = dict(held)
    if fresh:
        vectors, cut = _encode(list(fresh.values()), settings)
        rows.update(zip(fresh, np.column_stack([vectors, cut]), strict=True))
    table = np.stack([rows[name] for name in names]).astype(np.float32)
    return table[:, :-1], table[:, -1] > 0, len(fresh)


def _encode(texts: list[str], settings: Embedding) -> tuple[Vectors, NDArray[np.bool_]]:
    encoder = _load(settings.model)
    limit = encoder.max_seq_length - encoder.tokenizer.num_special_tokens_to_add()
    pieces = encoder.tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)[
        "input_ids"
    ]
    cut = np.array([len(ids) > limit for ids in pieces])
    options = {
        "batch_size": settings.batch_size,
        "normalize_embeddings": True,
        "convert_to_numpy": True,
        "show_progress_bar": False,
    }
    if settings.long_texts == "truncate" or not cut.any():
        return encoder.encode(texts, **options).astype(np.float32), cut
    chunks, owners = [], []
    for owner, (text, ids) in enumerate(zip(texts, pieces, strict=True)):
        parts = [ids[start : start + limit] for start in range(0, len(ids), limit)]
        chunks += [encoder.tokenizer.decode(p) for p in parts] if len(parts) > 1 else [text]
        owners += [owner] * max(1, len(parts))
    vectors = encoder.encode(chunks, **options).astype(np.float64)
    sums = np.zeros((len(texts), vectors.shape[1]))
    np.add.at(sums, owners, vectors)
    return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32), cut


@cache
def _load(model: str) -> Any:
    from sentence_transformers import SentenceTransformer  # a slow import
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar for loading weights says nothing here
    return SentenceTransformer(str(resolve_encoder(model)))
