"""Encodes texts as unit vectors. The only module that imports sentence-transformers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.config.schema import Embedding
from workbench.core.types import Ints
from workbench.models.locate import resolve_encoder

Vectors = NDArray[np.float32]

TOKENS_AT_ONCE = 1024
"""Most tokens in a batch on a CPU, padding included. The process then keeps the memory for what
passes between two layers. With four times as many tokens it returns that memory and asks for it
again at every layer, which takes as long as two thirds of the arithmetic."""

PLAIN_ATTENTION = 512
"""An encoder that reads at most this many tokens computes attention, in float32 on a CPU, as two
plain products: short texts then take two thirds of the time, but a number is held for each pair of
tokens. In bfloat16 this would round the values between the two products, and gain nothing."""


def text_hash(text: str) -> str:
    """Return the name of a text in the cache."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def embed(
    texts: Sequence[str], settings: Embedding, held: Mapping[str, NDArray[Any]]
) -> tuple[Vectors, NDArray[np.bool_], int]:
    """Encode texts: each distinct text once, and none whose vector is held already.

    Args:
        texts: (R,) texts, which may repeat.
        settings: the encoder, and what to do with long texts.
        held: vectors of earlier texts, (D + 1,) by ``text_hash``: the last entry says whether the
            text was longer than the encoder reads.

    Returns:
        (R, D) float32 unit vectors in the order of ``texts``; (R,) whether each text was longer
        than the encoder reads; and the number of texts that were encoded in this call.
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
    whole = {"add_special_tokens": False, "truncation": False, "verbose": False}
    pieces = encoder.tokenizer(texts, **whole)["input_ids"]
    lengths = np.array([len(ids) for ids in pieces])
    cut = lengths > limit
    if settings.long_texts == "truncate" or not cut.any():
        return _vectors(encoder, texts, np.minimum(lengths, limit), settings), cut
    chunks, sizes, owners = [], [], []
    for owner, (text, ids) in enumerate(zip(texts, pieces, strict=True)):
        parts = [ids[start : start + limit] for start in range(0, len(ids), limit)] or [ids]
        chunks += [encoder.tokenizer.decode(p) for p in parts] if len(parts) > 1 else [text]
        sizes += [len(part) for part in parts]
        owners += [owner] * len(parts)
    vectors = _vectors(encoder, chunks, np.array(sizes), settings)
    sums = np.zeros((len(texts), vectors.shape[1]))
    np.add.at(sums, owners, vectors)
    return _units(sums), cut


def _vectors(encoder: Any, texts: Sequence[str], lengths: Ints, settings: Embedding) -> Vectors:
    """Encode texts of so many tokens each, in batches of like length; in the order of the texts."""
    device = encoder.device.type
    tokens = TOKENS_AT_ONCE if device == "cpu" else None
    split = list(batches(lengths, settings.batch_size, tokens))
    how = {"normalize_embeddings": True, "convert_to_numpy": True, "show_progress_bar": False}
    with _arithmetic(device, settings.dtype):
        encoded = [
            encoder.encode([texts[place] for place in batch], batch_size=len(batch), **how)
            for batch in split
        ]
    return _units(np.concatenate(encoded)[np.argsort(np.concatenate(split))])


def batches(lengths: Ints, most: int, tokens: int | None) -> Iterator[Ints]:
    """Split texts into batches of similar length, so that there is little padding.

    Args:
        lengths: (R,) lengths of the texts, in tokens.
        most: largest number of texts in a batch.
        tokens: largest number of tokens in a batch, padding included, unless a single text is
            longer; None for no such limit.

    Yields:
        Indices of the texts of a batch, the longest first, each text in one batch.
    """
    order = np.argsort(-lengths, kind="stable")
    while len(order):
        size = most if tokens is None else tokens // max(1, int(lengths[order[0]]))
        size = min(most, max(1, size))
        yield order[:size]
        order = order[size:]


def _units(vectors: NDArray[Any]) -> Vectors:
    wide = vectors.astype(np.float64)
    units: Vectors = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    return units


@contextmanager
def _arithmetic(device: str, dtype: str) -> Iterator[None]:
    """Let PyTorch multiply at the precision of the settings, in the fastest way on this machine."""
    import torch

    how: AbstractContextManager[Any] = nullcontext()
    if dtype == "bfloat16":  # only products: sums and norms between the layers stay float32
        how = torch.autocast(device, dtype=torch.bfloat16)
    elif device == "cpu" and _onednn_is_exact():
        how = _onednn()
    with how:
        yield


@contextmanager
def _onednn() -> Iterator[None]:
    """Let oneDNN compute products of float32 matrices on a CPU.

    Unless the products may be rounded to bfloat16, PyTorch uses MKL, which takes twice as long on a
    CPU of another maker than its own (13 ms against 7 for 1,024 tokens through the widest layer of
    all-MiniLM-L6-v2). Whether oneDNN then really rounds, ``_onednn_is_exact`` tells.
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
    """Return whether oneDNN multiplies float32 numbers on this CPU without rounding them.

    It rounds on CPUs with matrix units for bfloat16, and is not used there: the vectors would not
    have the precision of the settings. The limit lies between the errors of both cases, which are
    5e-7 of the largest product and 2e-3.
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
    float32 = {"dtype": torch.float32}  # whatever dtype the weights are stored in
    encoder = SentenceTransformer(str(resolve_encoder(model)), model_kwargs=float32)
    network = encoder.transformers_model
    short = encoder.max_seq_length is not None and encoder.max_seq_length <= PLAIN_ATTENTION
    on_cpu = encoder.device.type == "cpu"
    if network is not None and short and on_cpu and dtype == "float32":
        network.set_attn_implementation("eager")
    return encoder
