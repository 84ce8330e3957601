"""Encoding texts, beside ``SentenceTransformer.encode`` as it comes: float32, 32 texts at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from tests.bench import DATA, Row, once
from workbench.analysis.aggregate import mbr
from workbench.config.schema import Embedding
from workbench.core.subsets import draw_subsets
from workbench.metrics.cosine import similarity_matrix
from workbench.models.locate import resolve_encoder
from workbench.models.text_encoder import embed, text_hash

POOLS, N, WORDS = 20, 32, 100
SIZES, REPLICATES = (4, 8, 16, 32), 20
TURNS = 4
DTYPES = ("float32", "bfloat16")
WITHIN = 0.003
"""How far a cosine may be from the one in float32."""


def rows(full: bool) -> Iterator[Row]:
    """Time distinct texts in both dtypes, then repeats, and a second time."""
    if not DATA.exists():
        print(f"encoding: left out, as there are no real solutions in {DATA}", file=sys.stderr)
        return
    disable_progress_bar()
    peer = SentenceTransformer(str(resolve_encoder(Embedding().model)))
    texts = _texts(np.random.default_rng(0))
    vectors, taken, peaks = _in_turn(texts, peer)
    work = _operations(texts, peer)
    theirs = len(texts) / taken["peer"]
    for dtype in DTYPES:
        rate, limit = len(texts) / taken[dtype], len(texts) * peaks[dtype] / work
        yield Row(
            f"encoding {len(texts)} distinct texts of {WORDS} words, {dtype}"
            f"{' (the default)' if dtype == Embedding().dtype else ''}; "
            f"{_compared(vectors[dtype], vectors['peer'])}",
            f"{rate:.1f} texts/s",
            f"{theirs:.1f} texts/s (SentenceTransformer.encode)",
            rate / theirs,
            f"at least 1.6 x, cosines within {WITHIN}",
            f"{limit:.0f} texts/s at the {peaks[dtype] / 1e9:.0f} GFLOP/s of a large product: "
            f"{rate / limit:.0%}",
        )
    yield _repeated(texts[: 3 * N], peer)


def _texts(rng: np.random.Generator) -> list[str]:
    """Pools of worked solutions, of which each text has some words exchanged; all distinct."""
    path = DATA / "problems" / "gsm8k_test.jsonl"
    solutions = [json.loads(line)["solution"] for line in path.open(encoding="utf-8")]
    whole = np.array(" ".join(solutions).split())
    texts = []
    for words in whole[: POOLS * WORDS].reshape(POOLS, WORDS):
        for share in rng.uniform(0.05, 0.3, N):
            others = rng.choice(whole, WORDS)
            texts.append(" ".join(np.where(rng.random(WORDS) < share, others, words)))
    if len(set(texts)) < len(texts):
        raise ValueError("two texts are equal: edit more of their words")
    return texts


def _in_turn(
    texts: list[str], peer: SentenceTransformer
) -> tuple[dict[str, NDArray[Any]], dict[str, float], dict[str, float]]:
    """Encode the texts in parts, each part in all ways; vectors, seconds, and what is possible."""
    ways: dict[str, Callable[[list[str]], NDArray[Any]]] = {
        dtype: partial(_ours, settings=Embedding(dtype=dtype)) for dtype in DTYPES
    }
    ways["peer"] = peer.encode
    for way in ways.values():
        way(texts[::N])
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in ways}
    taken = dict.fromkeys(ways, 0.0)
    peaks = dict.fromkeys(DTYPES, 0.0)
    for turn in range(TURNS):
        part = texts[turn * len(texts) // TURNS : (turn + 1) * len(texts) // TURNS]
        for name, way in ways.items():
            taken[name] += once(lambda: found[name].append(way(part)))  # noqa: B023
        peaks = {dtype: max(peaks[dtype], _peak(dtype)) for dtype in DTYPES}
    return {name: np.concatenate(parts) for name, parts in found.items()}, taken, peaks


def _ours(texts: list[str], settings: Embedding) -> NDArray[Any]:
    return embed(texts, settings, {})[0]


def _compared(vectors: NDArray[Any], reference: NDArray[Any]) -> str:
    """Say how far cosines are from the reference, and how many picks of ``sem_mbr`` are others.

    Raises:
        ValueError: a cosine, of any two texts, is further off than the target allows.
    """
    furthest = float(np.abs(vectors @ vectors.T - reference @ reference.T).max())
    if furthest > WITHIN:
        raise ValueError(f"a cosine is {furthest} from float32, more than {WITHIN}")
    rng = np.random.default_rng(1)
    changed = []
    for start in range(0, len(vectors), N):
        ours, theirs = (similarity_matrix(v[start : start + N]) for v in (vectors, reference))
        for k in SIZES:
            for members in draw_subsets(N, k, REPLICATES, rng):
                inside = np.ix_(members, members)
                changed.append(mbr(ours[inside]) != mbr(theirs[inside]))
    return f"cosines within {furthest:.0e}, {np.mean(changed):.1%} of sem_mbr picks changed"


def _repeated(texts: list[str], peer: SentenceTransformer) -> Row:
    """Time texts that are all there four times, as at a low temperature, and then a second run."""
    settings, repeats = Embedding(), texts * 4
    told: list[Any] = []
    first = once(lambda: told.append(embed(repeats, settings, {})))
    vectors, cut, count = told.pop()
    held = {
        text_hash(text): np.append(vector, long)
        for text, vector, long in zip(repeats, vectors, cut, strict=True)
    }
    second = once(lambda: told.append(embed(repeats, settings, held)))
    again, _, none = told.pop()
    theirs = once(lambda: told.append(peer.encode(repeats)))
    if (count, none) != (len(texts), 0) or (again != vectors).any():
        raise ValueError(f"{count} and then {none} of {len(texts)} distinct texts were encoded")
    np.testing.assert_allclose(vectors, told.pop(), rtol=0, atol=1e-6)
    return Row(
        f"encoding {len(texts)} texts that are all there four times",
        f"{first:.2f} s, {count} encoded; a second run {second:.3f} s, {none} encoded",
        f"{theirs:.2f} s (SentenceTransformer.encode)",
        theirs / first,
        "repeats encoded once; a second run encodes nothing",
    )


def _operations(texts: list[str], encoder: SentenceTransformer) -> float:
    """Floating-point operations that the encoder's products take for the texts, without padding."""
    network = encoder[0].auto_model
    layers = network.encoder.layer
    weights = sum(
        part.weight.numel() for part in layers.modules() if isinstance(part, torch.nn.Linear)
    )
    ids = encoder.tokenizer(texts, truncation=True, max_length=encoder.max_seq_length)["input_ids"]
    tokens = np.array([len(row) for row in ids], dtype=float)
    attention = 2 * len(layers) * network.config.hidden_size * tokens**2
    return float(np.sum(2 * (weights * tokens + attention)))


def _peak(dtype: str) -> float:
    """Operations a second of a large product of matrices, as quick as the machine does it."""
    size = 2048
    matrix = torch.rand(size, size, dtype=getattr(torch, dtype))
    matmul = torch.backends.mkldnn.matmul
    before, matmul.fp32_precision = (
        matmul.fp32_precision,
        "bf16",
    )  # see workbench.models.text_encoder
    try:
        return 2 * size**3 / min(once(lambda: matrix @ matrix) for _ in range(4))
    finally:
        matmul.fp32_precision = before
