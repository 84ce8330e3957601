"""Nearest neighbours among the distinct texts of a run, by the cosine of their embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.types import Floats, Ints

EXACT_UP_TO = 100_000
"""Most entries that are searched exhaustively; among more an HNSW graph finds nearly all."""

LINKS, BUILD_BREADTH, SEARCH_BREADTH = 32, 200, 256
"""Of the graph (M, efConstruction, efSearch): recall@10 was 1.00 on 20,000 clustered vectors."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """An index over the distinct texts of a run."""

    index: Any
    """FAISS, by inner product of unit vectors."""
    entries: pd.DataFrame
    """A row per vector: problem_id, text_hash, temperature and sample_index of its first sample,
    block, encoder, copies (samples with this text), correct (share of them; NaN where unknown)."""

    def nearest(
        self, vectors: Vectors, count: int, apart_from: Sequence[str | None] | None = None
    ) -> tuple[Floats, Ints]:
        """Find the entries most similar to some texts.

        Args:
            vectors: (Q, D) unit vectors of the texts, by the encoder of the run.
            count: how many to find for each.
            apart_from: for each text the problem whose entries are passed over, or None.

        Returns:
            (Q, count) cosines, falling, -1 to 1; NaN where there are no more entries. (Q, count)
            rows of ``entries``; -1 where there are no more.

        Raises:
            ValueError: the vectors are of another length than the index's.
        """
        import faiss

        if vectors.ndim != 2 or vectors.shape[1] != self.index.d:
            raise ValueError(
                f"the index holds vectors of {self.index.d} numbers, got shape {vectors.shape}; "
                "encode the texts with the encoder of the run"
            )
        wanted = np.ascontiguousarray(vectors, dtype=np.float32)
        cosines = np.full((len(wanted), count), np.nan)
        rows = np.full((len(wanted), count), -1, dtype=np.int64)
        owners = [None] * len(wanted) if apart_from is None else list(apart_from)
        places = self.entries.groupby("problem_id", sort=False).indices
        for owner in dict.fromkeys(owners):
            asked = np.flatnonzero([other == owner for other in owners])
            options: dict[str, Any] = {}
            if owner is not None and owner in places:
                own = np.asarray(places[owner], dtype=np.int64)
                options["sel"] = faiss.IDSelectorNot(faiss.IDSelectorBatch(own))
            if isinstance(self.index, faiss.IndexHNSW):
                options["efSearch"] = max(SEARCH_BREADTH, count)
                parameters = faiss.SearchParametersHNSW(**options)  # type: ignore[attr-defined]
            else:
                parameters = faiss.SearchParameters(**options)
            found, where = self.index.search(wanted[asked], count, params=parameters)
            cosines[asked] = np.where(where < 0, np.nan, np.clip(found, -1.0, 1.0))
            rows[asked] = where
        return cosines, rows


def neighbour_features(
    known: Neighbours, vectors: Vectors, problems: Sequence[str], count: int = 10
) -> tuple[Floats, Floats]:
    """Compute for each text how near its neighbours are, and how often these were right.

    Entries of a text's own problem are passed over: their correctness would reveal its own.

    Args:
        known: the index of the reference run.
        vectors: (Q, D) unit vectors of the texts.
        problems: (Q,) the problem of each.
        count: number of nearest entries.

    Returns:
        (Q,) mean cosine to the nearest entries, -1 to 1; larger means more like the reference.
        (Q,) share of right samples among these entries, 0 to 1, weighted by their cosines, negative
        ones as 0; NaN where no entry has a known correctness.
    """
    cosines, rows = known.nearest(vectors, count, problems)
    there = rows >= 0
    similarity = np.where(there, cosines, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    correct = known.entries["correct"].to_numpy(dtype=float)[rows]
    known_correct = there & np.isfinite(correct)
    weights = np.where(known_correct, np.maximum(cosines, 0.0), 0.0)
    total = weights.sum(axis=1)
    right = (weights * np.where(known_correct, correct, 0.0)).sum(axis=1)
    share = right / np.where(total > 0, total, 1.0)
    return (
        np.where(there.any(axis=1), similarity, np.nan),
        np.where(total > 0, share, np.nan),
    )


def build(vectors: Vectors, entries: pd.DataFrame, exact_up_to: int = EXACT_UP_TO) -> Neighbours:
    """Index some vectors: for exhaustive search if they are few, else by an HNSW graph.

    Args:
        vectors: (E, D) unit vectors.
        entries: their E rows, as ``Neighbours.entries``.
        exact_up_to: the most entries that are searched exhaustively.

    Raises:
        ValueError: there are no vectors.

    Source:
        Johnson et al. (2017), arXiv:1702.08734; HNSW: Malkov & Yashunin (2016), arXiv:1603.09320.
    """
    import faiss

    if not len(vectors):
        raise ValueError("an index of nothing finds nothing: the reference run has no samples")
    size = vectors.shape[1]
    index: Any
    if len(vectors) <= exact_up_to:
        index = faiss.IndexFlatIP(size)
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return Neighbours(index, entries)
    index = faiss.IndexHNSWFlat(size, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BUILD_BREADTH
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # with several threads the graph depends on their order
    try:
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    finally:
        faiss.omp_set_num_threads(before)
    return Neighbours(index, entries)


def distinct_texts(rows: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """Group the samples that have the same text and problem.

    Args:
        rows: a row per sample: problem_id, text_hash, temperature, sample_index, encoder, and
            correct (1, 0, NaN).

    Returns:
        The entries of an index over them, and (E,) the first row of each.
    """
    texts = rows.assign(first=np.arange(len(rows))).groupby(["problem_id", "text_hash"], sort=False)
    found = texts.agg(
        temperature=("temperature", "first"),
        sample_index=("sample_index", "first"),
        encoder=("encoder", "first"),
        copies=("first", "size"),
        correct=("correct", "mean"),
        first=("first", "first"),
    ).reset_index()
    return found.drop(columns="first"), found["first"].to_numpy()
