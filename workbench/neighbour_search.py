"""Search for the samples of a run that are most like a text: ``workbench neighbours``.

The FAISS index has one entry for each distinct text of a problem, however often it was sampled. It
is kept in the run's folder under ``neighbours/``, and is rebuilt when the run's embeddings or
scores have changed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.config.conditions import pool_sizes
from workbench.core.conditions import temperature_name
from workbench.models.text_encoder import embed, text_hash
from workbench.rewards.hidden_states import encoder_identity
from workbench.rewards.nearest import Neighbours, Vectors, build, distinct_texts, read_embedded
from workbench.saved_run import Run
from workbench.storage import parquet

VERSION = 2
"""Raise when an index would come out differently, so that existing ones are rebuilt."""


def open_neighbours(run: Run) -> Neighbours:
    """Return the index of a run; it is built if there is none or if it is out of date.

    Raises:
        ValueError: the run has no embeddings or no scores.
    """
    import faiss

    if not run.blocks:
        raise ValueError(f"{run.root} holds no samples; run `workbench generate` first")
    home = run.root / "neighbours"
    tables, vectors = home / "entries.parquet", home / "index.faiss"
    paths = [[run.folder.block_path(t, b) for t in ("embeddings", "scores")] for b in run.blocks]
    contents = [[_content(path) for path in pair] for pair in paths]
    made_from = parquet.fingerprint(version=VERSION, blocks=contents)
    if vectors.exists() and parquet.read_stamps(tables).get("fingerprint") == made_from:
        return Neighbours(faiss.read_index(str(vectors)), parquet.read_table(tables).to_pandas())
    made = _make(run)
    parquet.write_atomically(vectors, lambda part: faiss.write_index(made.index, str(part)))
    entries = pa.Table.from_pandas(made.entries, preserve_index=False)
    parquet.write_table(tables, entries, made_from)
    return made


def _content(path: Path) -> str:
    content = parquet.read_stamps(path).get("content")
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
        rows, embeddings = read_embedded(run.folder, block)
        kept = (rows["sample_index"] < rows[parquet.CONDITION].map(sizes).fillna(0)).to_numpy()
        found, first = distinct_texts(rows[kept])
        vectors.append(embeddings[kept][first])
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
    """Return the ``count`` distinct texts of a run that are most like a sample or another text.

    Args:
        run: the run that is searched.
        count: how many texts to return.
        sample: ``PROBLEM/CONDITION/INDEX``, such as ``problem-3/T0.7/5``; a temperature stands for
            the condition of which only that is set (``problem-3/0.7/5``). The sample's own text is
            not returned.
        text: any text, instead of a sample.
        other_problems: whether to leave out all texts of the sample's own problem.

    Returns:
        One row per text, the most similar first: its ``cosine``, the ``problem_id``,
        ``condition`` (unless temperatures say it all), ``temperature`` and ``sample_index`` of its
        first sample, ``copies`` (the number of samples with this text), ``correct`` (the share of
        them that are right) and ``completion``.

    Raises:
        ValueError: not exactly one of ``sample`` and ``text`` is given, there is no such sample,
            or the index cannot be built.
    """
    if (sample is None) == (text is None):
        raise ValueError("give one of --sample PROBLEM/CONDITION/INDEX and --text TEXT")
    if count < 1:
        raise ValueError(f"cannot find {count} neighbours; ask for 1 or more")
    known = open_neighbours(run)
    problem, own = None, -1
    if sample is not None:
        problem, condition, index = _place(sample)
        pool = run.pool(problem, condition)
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
    columns = [*parquet.KEY, "completion"]
    blocks = set(found["block"]) or run.blocks[:1]  # of one at least, for its columns
    texts = [run.folder.read_samples(block, columns) for block in blocks]
    samples = pa.concat_tables(texts, promote_options="default").to_pandas()
    found = found.drop(columns=["text_hash", "block", "encoder"])
    joined = pd.merge(found, samples, how="left", on=list(parquet.KEY), validate="1:1")
    plain = all(one.name == temperature_name(one.temperature) for one in run.conditions)
    return joined.drop(columns=parquet.CONDITION) if plain else joined


def _place(sample: str) -> tuple[str, float | str | None, int]:
    parts = sample.rsplit("/", 2)
    try:
        problem, condition, index = parts
        number = int(index)
    except ValueError:
        raise ValueError(
            f"--sample must be PROBLEM/CONDITION/INDEX, such as problem-3/T0.7/5, got {sample!r}"
        ) from None
    try:
        return problem, None if condition == "null" else float(condition), number
    except ValueError:
        return problem, condition, number


def _encoded(run: Run, text: str, encoders: set[str]) -> Vectors:
    """Encode a text in the way in which the run's samples were encoded."""
    settings = run.experiment.embedding
    if settings.source == "orm":
        raise ValueError(
            f"the samples of {run.root} are encoded by a reward model together with their problem, "
            "so a text of no problem cannot be; give one of them with --sample"
        )
    if encoders != {parquet.fingerprint(encoder=encoder_identity(settings, None))}:
        raise ValueError(
            f"the samples of {run.root} were encoded by another encoder or version than is here "
            f"({settings.model}); run `workbench score {run.root}` first"
        )
    return embed([text], settings, {})[0]
