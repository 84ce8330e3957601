"""Nearest neighbours among the distinct texts of a run, by the cosine of their embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.core.types import Floats, Ints
from workbench.storage.parquet import read_table
from workbench.storage.run_folder import Folder

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
    """A row per vector: problem_id, text_hash, condition, temperature and sample_index of its first
    block, encoder, copies (samples with this text), correct (share of them; NaN where unknown)."""

    def nearest(
        self, vectors: Vectors, count: int, apart_from: Sequence[str | None] | None = None
    ) -> tuple[Floats, Ints]:
        """Find the ``count`` entries most similar to each text, given by its vector: (Q, D).

        The vectors are unit vectors by the encoder of the run. ``apart_from`` holds for each text
        the problem whose entries are passed over, or None.

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
        cosines = np.full((len(vectors), count), np.nan)
        rows = np.full((len(vectors), count), -1, dtype=np.int64)
        owners = [None] * len(vectors) if apart_from is None else list(apart_from)
        places = self.entries.groupby("problem_id", sort=False).indices
        kind: Any = faiss.SearchParameters
        options: dict[str, Any] = {}
        if isinstance(self.index, faiss.IndexHNSW):
            kind = faiss.SearchParametersHNSW  # type: ignore[attr-defined]
            options["efSearch"] = max(SEARCH_BREADTH, count)
        for owner in dict.fromkeys(owners):
            asked = np.flatnonzero([other == owner for other in owners])
            if owner in places:
                own = np.asarray(places[owner])
                options["sel"] = faiss.IDSelectorNot(faiss.IDSelectorBatch(own))
            found, where = self.index.search(vectors[asked], count, params=kind(**options))
            options.pop("sel", None)
            cosines[asked] = np.where(where < 0, np.nan, np.clip(found, -1.0, 1.0))
            rows[asked] = where
        return cosines, rows


def neighbour_features(
    known: Neighbours, vectors: Vectors, problems: Sequence[str], count: int = 10
) -> tuple[Floats, Floats]:
    """Compute for each text how near its neighbours are, and how often these were right.

    Entries of a text's own problem are passed over: their correctness would reveal its own. The
    texts are given by unit vectors, (Q, D), and their problems, (Q,).

    Returns:
        (Q,) mean cosine to the nearest entries, -1 to 1; larger means more like the reference.
        (Q,) share of right samples among these entries, 0 to 1, weighted by their cosines, negative
        ones as 0; NaN where no entry has a known correctness.
    """
    cosines, rows = known.nearest(vectors, count, problems)
    there = rows >= 0
    correct = known.entries["correct"].to_numpy(dtype=float)[rows]
    weights = np.where(there & np.isfinite(correct), np.maximum(cosines, 0.0), 0.0)
    return _weighted_means(cosines, there.astype(float)), _weighted_means(correct, weights)


def _weighted_means(values: Floats, weights: Floats) -> Floats:
    """Return the weighted mean of each row; NaN where all weights are 0."""
    total = weights.sum(axis=1)
    means = np.where(weights > 0, values * weights, 0.0).sum(axis=1) / np.where(total, total, 1.0)
    return np.where(total > 0, means, np.nan)


def build(vectors: Vectors, entries: pd.DataFrame, exact_up_to: int = EXACT_UP_TO) -> Neighbours:
    """Index unit vectors, (E, D): for exhaustive search if they are few, else by an HNSW graph.

    Raises:
        ValueError: there are no vectors.

    Source:
        Johnson et al. (2017), arXiv:1702.08734; HNSW: Malkov & Yashunin (2016), arXiv:1603.09320.
    """
    import faiss

    if not len(vectors):
        raise ValueError("an index of nothing finds nothing: the reference run has no samples")
    size = vectors.shape[1]
    index: Any = faiss.IndexFlatIP(size)
    if len(vectors) > exact_up_to:
        index = faiss.IndexHNSWFlat(size, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILD_BREADTH
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # with several threads the graph depends on their order
    try:
        index.add(vectors)
    finally:
        faiss.omp_set_num_threads(before)
    return Neighbours(index, entries)


def distinct_texts(rows: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """Group the samples, as ``read_embedded`` returns them, that have the same text and problem.

    Returns:
        The entries of an index over them, and (E,) the first row of each.
    """
    texts = rows.assign(copies=1, first=np.arange(len(rows)))
    kept = dict.fromkeys(("condition", "temperature", "sample_index", "encoder"), "first")
    counted = {"copies": "size", "correct": "mean", "first": "first"}
    found = texts.groupby(["problem_id", "text_hash"], sort=False).agg(kept | counted).reset_index()
    return found.drop(columns="first"), found["first"].to_numpy()


def read_embedded(folder: Folder, block: int) -> tuple[pd.DataFrame, Vectors]:
    """Read the graded samples of a block that has embeddings.

    Returns:
        A row per sample: key, text_hash, encoder, correct (1, 0, NaN). (R, D) their unit vectors.
    """
    table = read_table(folder.block_path("embeddings", block))
    rows = table.drop_columns(["embedding"]).to_pandas()
    scores = read_table(folder.block_path("scores", block), ["is_correct"]).to_pandas()
    rows["correct"] = np.asarray(scores["is_correct"].astype("Float64"), dtype=float)
    vectors = table.column("embedding").combine_chunks().flatten().to_numpy()
    return rows, vectors.reshape(len(rows), -1)
