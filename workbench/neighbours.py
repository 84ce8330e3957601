"""Which samples of a reference run are most like a text, and were they right? The FAISS index.

One entry per distinct text of a problem, however often it was sampled. The index lies in the run's
folder, under ``neighbours/``, and is made again when the run's embeddings or scores have changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.embed import embed, text_hash
from workbench.generate.identity import pool_sizes
from workbench.run import Run
from workbench.score import encoder_identity
from workbench.store import KEY, appear, fingerprint, marks, read_table, write_table
from workbench.types import Floats, Ints

VERSION = 1
"""Raise when an index would come out otherwise, so that finished ones are made again."""
EXACT_UP_TO = 100_000
"""Entries up to which the search is exhaustive; of more an HNSW graph finds nearly all."""
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
        """Find the entries most like some texts.

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


def features(
    known: Neighbours, vectors: Vectors, problems: Sequence[str], count: int = 10
) -> tuple[Floats, Floats]:
    """Say of each text how near others of the reference run are, and how often those were right.

    Entries of a text's own problem are passed over: their correctness would give away its own.

    Args:
        known: the index of the reference run.
        vectors: (Q, D) unit vectors of the texts.
        problems: (Q,) the problem of each.
        count: nearest entries that are looked at.

    Returns:
        (Q,) ``knn_similarity``, the mean cosine to them, -1 to 1, larger means more like what is
        known. (Q,) ``knn_correct``, the share of right samples among them, 0 to 1, each entry
        weighing as its cosine, those below 0 nothing; NaN where none has a known correctness.
    """
    cosines, rows = known.nearest(vectors, count, problems)
    there = rows >= 0
    similarity = np.where(there, cosines, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    correct = known.entries["correct"].to_numpy(dtype=float)[rows]
    told = there & np.isfinite(correct)
    weights = np.where(told, np.maximum(cosines, 0.0), 0.0)
    total = weights.sum(axis=1)
    share = (weights * np.where(told, correct, 0.0)).sum(axis=1) / np.where(total > 0, total, 1.0)
    return (
        np.where(there.any(axis=1), similarity, np.nan),
        np.where(total > 0, share, np.nan),
    )


def open_neighbours(run: Run) -> Neighbours:
    """Return the index of a run, made now where there is none or it is out of date.

    Raises:
        ValueError: the run has no embeddings or no scores.
    """
    import faiss

    home = run.root / "neighbours"
    tables, vectors = home / "entries.parquet", home / "index.faiss"
    made_from = fingerprint(version=VERSION, blocks=_inputs(run))
    if vectors.exists() and marks(tables).get("fingerprint") == made_from:
        return Neighbours(faiss.read_index(str(vectors)), read_table(tables).to_pandas())
    made = _make(run)
    appear(vectors, lambda part: faiss.write_index(made.index, str(part)))
    write_table(tables, pa.Table.from_pandas(made.entries, preserve_index=False), made_from)
    return made


def build(vectors: Vectors, entries: pd.DataFrame, exact_up_to: int = EXACT_UP_TO) -> Neighbours:
    """Index some vectors: exhaustively searched where they are few, else by an HNSW graph.

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
    faiss.omp_set_num_threads(1)  # with several the graph depends on which comes first
    try:
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    finally:
        faiss.omp_set_num_threads(before)
    return Neighbours(index, entries)


def distinct_texts(rows: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """Gather samples that are one text of one problem.

    Args:
        rows: a row per sample: problem_id, text_hash, temperature, sample_index, encoder, and
            correct (1, 0, NaN).

    Returns:
        The entries of an index over them, and (E,) the first row of each.
    """
    texts = rows.assign(first=np.arange(len(rows))).groupby(["problem_id", "text_hash"], sort=False)
    found = texts.agg(
        temperature=("temperature", "first"), sample_index=("sample_index", "first"),
        encoder=("encoder", "first"), copies=("first", "size"), correct=("correct", "mean"),
        first=("first", "first"),
    ).reset_index()  # fmt: skip
    return found.drop(columns="first"), found["first"].to_numpy()


def _inputs(run: Run) -> list[list[str]]:
    """Return what the index is made of: the contents of each block's embeddings and scores."""
    found = []
    for block in run.blocks:
        contents = [_content(run, table, block) for table in ("embeddings", "scores")]
        found.append(contents)
    if not found:
        raise ValueError(f"{run.root} holds no samples; run `workbench generate` first")
    return found


def _content(run: Run, table: str, block: int) -> str:
    path: Path = run.folder.block_path(table, block)
    content = marks(path).get("content")
    if content is None:
        raise ValueError(
            f"{path} is missing: neighbours are found among scored samples with embeddings; add "
            "a metric that needs them, such as cos_sim, and run `workbench score`"
        )
    return content


def _make(run: Run) -> Neighbours:
    sizes = pool_sizes(run.experiment.generation)
    vectors, entries = [], []
    for block in run.blocks:
        table = read_table(run.folder.block_path("embeddings", block))
        rows = table.drop_columns(["embedding"]).to_pandas()
        flat = table.column("embedding").combine_chunks().flatten().to_numpy()
        scores = read_table(run.folder.block_path("scores", block), ["is_correct"]).to_pandas()
        rows["correct"] = np.asarray(scores["is_correct"].astype("Float64"), dtype=float)
        rows["place"] = np.arange(len(rows))
        rows = rows[rows["sample_index"] < rows["temperature"].map(sizes).fillna(0)]
        found, first = distinct_texts(rows)
        vectors.append(flat.reshape(table.num_rows, -1)[rows["place"].to_numpy()[first]])
        entries.append(found.assign(block=block))
    return build(np.concatenate(vectors), pd.concat(entries, ignore_index=True))


def neighbours_of(
    run: Run,
    count: int,
    *,
    sample: str | None = None,
    text: str | None = None,
    other_problems: bool = False,
) -> pd.DataFrame:
    """Return the distinct texts of a run that are most like one of its samples, or like a text.

    Args:
        run: the reference run.
        count: how many.
        sample: ``PROBLEM/TEMPERATURE/INDEX``, such as ``problem-3/0.7/5``; its own text is left
            out.
        text: any text, instead.
        other_problems: pass over texts of the sample's own problem.

    Returns:
        A row per text: cosine, problem_id, temperature and sample_index of its first sample,
        copies, correct (share of the copies), completion.

    Raises:
        ValueError: not exactly one of ``sample`` and ``text`` is given, there is no such sample,
            or the index cannot be made.
    """
    if (sample is None) == (text is None):
        raise ValueError("give one of --sample PROBLEM/TEMPERATURE/INDEX and --text TEXT")
    if count < 1:
        raise ValueError(f"cannot find {count} neighbours; ask for 1 or more")
    known = open_neighbours(run)
    problem, own = None, -1
    if sample is not None:
        problem, temperature, index = _place(sample)
        pool = run.pool(problem, temperature)
        if not 0 <= index < len(pool) or pool.embeddings is None:
            raise ValueError(f"{sample}: that pool holds samples 0 to {len(pool) - 1}")
        vector = pool.embeddings[index : index + 1].astype(np.float32)
        named = known.entries["text_hash"] == text_hash(pool.texts[index])
        own = int(np.flatnonzero(named & (known.entries["problem_id"] == problem))[0])
    else:
        vector = _encoded(run, str(text), set(known.entries["encoder"]))
    apart_from = [problem] if other_problems else None
    cosines, rows = known.nearest(vector, count + 1, apart_from)
    kept = (rows[0] >= 0) & (rows[0] != own)
    found = known.entries.iloc[rows[0][kept][:count]].reset_index(drop=True)
    found.insert(0, "cosine", cosines[0][kept][:count])
    found["completion"] = [_completion(run, row) for row in found.to_dict("records")]
    shown: pd.DataFrame = found.drop(columns=["text_hash", "block", "encoder"])
    return shown


def _place(sample: str) -> tuple[str, float | None, int]:
    parts = sample.rsplit("/", 2)
    try:
        problem, temperature, index = parts
        return problem, None if temperature == "null" else float(temperature), int(index)
    except ValueError:
        raise ValueError(
            f"--sample must be PROBLEM/TEMPERATURE/INDEX, such as problem-3/0.7/5, got {sample!r}"
        ) from None


def _encoded(run: Run, text: str, encoders: set[str]) -> Vectors:
    """Encode a text as the run's samples were."""
    if run.experiment.embedding.source == "orm":
        raise ValueError(
            f"the samples of {run.root} are encoded by a reward model together with their problem, "
            "so a text of no problem cannot be; give one of them with --sample"
        )
    if encoders != {fingerprint(encoder=encoder_identity(run.experiment))}:
        raise ValueError(
            f"the samples of {run.root} were encoded by another encoder or version than is here "
            f"({run.experiment.embedding.model}); run `workbench score {run.root}` first"
        )
    return embed([text], run.experiment.embedding, {})[0]


def _completion(run: Run, entry: Mapping[Any, Any]) -> str:
    rows = run.folder.read_samples(int(entry["block"]), [*KEY, "completion"]).to_pandas()
    same = (rows["problem_id"] == entry["problem_id"]) & (
        rows["sample_index"] == entry["sample_index"]
    )
    temperature = entry["temperature"]
    at = rows["temperature"].isna() if pd.isna(temperature) else rows["temperature"] == temperature
    return str(rows.loc[same & at, "completion"].iloc[0])
