"""Which samples of a reference run are most like a text, and were they right? The FAISS index.

One entry per distinct text of a problem, however often it was sampled. The index lies in the run's
folder, under ``neighbours/``, and is made again when the run's embeddings or scores have changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.config.schema import pool_sizes
from workbench.models.text_encoder import embed, text_hash
from workbench.rewards.embedding_source import encoder_identity
from workbench.rewards.nearest import Neighbours, Vectors, build, distinct_texts
from workbench.run import Run
from workbench.storage.parquet import (
    KEY,
    fingerprint,
    read_stamps,
    read_table,
    write_atomically,
    write_table,
)

VERSION = 1
"""Raise when an index would come out otherwise, so that finished ones are made again."""


def open_neighbours(run: Run) -> Neighbours:
    """Return the index of a run, made now where there is none or it is out of date.

    Raises:
        ValueError: the run has no embeddings or no scores.
    """
    import faiss

    home = run.root / "neighbours"
    tables, vectors = home / "entries.parquet", home / "index.faiss"
    made_from = fingerprint(version=VERSION, blocks=_inputs(run))
    if vectors.exists() and read_stamps(tables).get("fingerprint") == made_from:
        return Neighbours(faiss.read_index(str(vectors)), read_table(tables).to_pandas())
    made = _make(run)
    write_atomically(vectors, lambda part: faiss.write_index(made.index, str(part)))
    write_table(tables, pa.Table.from_pandas(made.entries, preserve_index=False), made_from)
    return made


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
    content = read_stamps(path).get("content")
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
