"""Texts -> unit vectors. The only module that imports the sentence encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.config.schema import Embedding
from workbench.models.locate import resolve_encoder

Vectors = NDArray[np.float32]

TOKENS_AT_ONCE = 1024
"""Most tokens in a batch on a CPU, padding included. What stands between two layers is then kept by
the process; of four times as many it is given back and asked for again at every layer, which takes
as long as two thirds of the arithmetic."""

PLAIN_ATTENTION = 512
"""Tokens that an encoder reads at most, for attention in float32 on a CPU to be two plain products:
short texts then take two thirds of the time, but a number is held for each pair of tokens. Not in
bfloat16, which would round what stands between the two, for no gain."""


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
    encoder = _load(settings.model, settings.dtype)
    limit = encoder.max_seq_length - encoder.tokenizer.num_special_tokens_to_add()
    pieces = encoder.tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)[
        "input_ids"
    ]
    lengths = np.array([len(ids) for ids in pieces])
    cut = lengths > limit
    if settings.long_texts == "truncate" or not cut.any():
        return _units(_vectors(encoder, texts, np.minimum(lengths, limit), settings)), cut
    chunks, sizes, owners = [], [], []
    for owner, (text, ids) in enumerate(zip(texts, pieces, strict=True)):
        parts = [ids[start : start + limit] for start in range(0, len(ids), limit)] or [ids]
        chunks += [encoder.tokenizer.decode(p) for p in parts] if len(parts) > 1 else [text]
        sizes += [len(part) for part in parts]
        owners += [owner] * len(parts)
    vectors = _units(_vectors(encoder, chunks, np.array(sizes), settings))
    sums = np.zeros((len(texts), vectors.shape[1]))
    np.add.at(sums, owners, vectors)
    return _units(sums), cut


def _vectors(
    encoder: Any, texts: Sequence[str], lengths: NDArray[np.int64], settings: Embedding
) -> NDArray[Any]:
    """Encode texts of so many tokens each, in batches of like length; in the order of the texts."""
    device = encoder.device.type
    tokens = TOKENS_AT_ONCE if device == "cpu" else None
    split = list(batches(lengths, settings.batch_size, tokens))
    with _arithmetic(device, settings.dtype):
        encoded = [
            encoder.encode(
                [texts[place] for place in batch],
                batch_size=len(batch),
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            for batch in split
        ]
    vectors: NDArray[Any] = np.concatenate(encoded)[np.argsort(np.concatenate(split))]
    return vectors


def batches(
    lengths: NDArray[np.int64], most: int, tokens: int | None
) -> Iterator[NDArray[np.int64]]:
    """Split texts into batches of like length, so that little of them is padding.

    Args:
        lengths: (R,) lengths of the texts, in tokens.
        most: texts in a batch.
        tokens: tokens in a batch, padding included, where one text alone is not longer; None
            for no such limit.

    Yields:
        Indices of the texts of a batch, the longest first, each text in one batch.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = most
        if tokens is not None:
            size = min(most, max(1, tokens // max(1, int(lengths[order[start]]))))
        yield order[start : start + size]
        start += size


def _units(vectors: NDArray[Any]) -> Vectors:
    wide = vectors.astype(np.float64)
    units: Vectors = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    return units


@contextmanager
def _arithmetic(device: str, dtype: str) -> Iterator[None]:
    """Let PyTorch multiply as the settings say, by the quickest way there is here."""
    import torch

    if dtype == "bfloat16":  # products alone: sums and norms between the layers stay float32
        with torch.autocast(device, dtype=torch.bfloat16):
            yield
    elif device == "cpu" and _onednn_is_exact():
        with _onednn():
            yield
    else:
        yield


@contextmanager
def _onednn() -> Iterator[None]:
    """Hand products of float32 matrices on a CPU to oneDNN.

    PyTorch gives them to MKL, which uses half of what a CPU of another maker than its own can do
    (13 ms against 7 for 1,024 tokens through the widest layer of all-MiniLM-L6-v2), unless the
    products may be rounded to bfloat16. Hence the permission; whether it is made use of, see
    ``_onednn_is_exact``.
    """
    import torch

    matmul = torch.backends.mkldnn.matmul
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before


@cache
def _onednn_is_exact() -> bool:
    """Whether oneDNN multiplies float32 as float32 on this CPU, though it may round.

    It rounds where there are matrix units for bfloat16, and is not used there: vectors would be of
    another precision than the settings say. The limit is far from either kind of error: 5e-7 of
    the largest product, and 2e-3.
    """
    import torch

    draw = torch.Generator().manual_seed(0)
    left = torch.randn(256, 384, generator=draw)
    right = torch.randn(1536, 384, generator=draw)
    exact = left.double() @ right.double().T
    with _onednn():
        found = torch.nn.functional.linear(left, right)
    return bool((found - exact).abs().max() < 1e-5 * exact.abs().max())


@cache
def _load(model: str, dtype: str) -> Any:
    import torch
    from sentence_transformers import SentenceTransformer  # a slow import
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar for loading weights says nothing here
    # not in the dtype the weights happen to be stored in
    encoder = SentenceTransformer(
        str(resolve_encoder(model)), model_kwargs={"dtype": torch.float32}
    )
    network = encoder.transformers_model
    short = encoder.max_seq_length is not None and encoder.max_seq_length <= PLAIN_ATTENTION
    on_cpu = encoder.device.type == "cpu"
    if network is not None and short and on_cpu and dtype == "float32":
        network.set_attn_implementation("eager")
    return encoder
