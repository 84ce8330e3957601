"""Stored rows -> pools: what the metrics and selections look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.config import Measure
from workbench.folder import Folder
from workbench.store import KEY, read_table
from workbench.types import Floats, Pool

SAMPLE_COLUMNS = (*KEY, "completion", "num_output_tokens", "mean_logprob", "mean_entropy")


@dataclass(frozen=True, eq=False)
class BlockRows:
    """A block's joined rows, and their embeddings in the same order."""

    frame: pd.DataFrame
    vectors: Floats | None


def read_block(folder: Folder, block: int, *, with_embeddings: bool) -> BlockRows:
    """Read a block's samples and scores, side by side.

    Raises:
        ValueError: a table is missing, damaged or of other samples.
    """
    samples = folder.read_samples(block, SAMPLE_COLUMNS).to_pandas()
    frame = samples.reindex(columns=list(SAMPLE_COLUMNS))  # older runs lack the latest columns
    scores = _table(folder, "scores", block).to_pandas()
    _same_rows(folder, "scores", frame, scores)
    joined = pd.concat([frame, scores.drop(columns=list(KEY))], axis=1)
    vectors = None
    if with_embeddings:
        table = _table(folder, "embeddings", block)
        _same_rows(folder, "embeddings", frame, table.select(KEY).to_pandas())
        flat = table.column("embedding").combine_chunks().flatten().to_numpy()
        vectors = flat.reshape(len(frame), -1).astype(np.float64)
    return BlockRows(joined, vectors)


def pools(rows: BlockRows, sizes: Mapping[float, int], settings: Measure) -> Iterator[Pool]:
    """Yield the pools of a block, problem by problem.

    Args:
        rows: the block.
        sizes: samples wanted per pool, by temperature (NaN: the unknown one); others are left
            aside, and of a larger pool the first samples are taken.
        settings: how BLEU is computed.
    """
    frame = rows.frame
    wanted = frame["temperature"].map(sizes).fillna(0)
    frame = frame[frame["sample_index"] < wanted]
    for key, part in frame.groupby(["problem_id", "temperature"], sort=False, dropna=False):
        problem_id, temperature = cast(tuple[str, float], key)
        part = part.sort_values("sample_index")
        yield Pool(
            problem_id=problem_id,
            temperature=temperature,
            texts=tuple(part["completion"]),
            logprobs=part["mean_logprob"].to_numpy(dtype=float),
            entropies=part["mean_entropy"].to_numpy(dtype=float),
            num_tokens=part["num_output_tokens"].to_numpy(dtype=float),
            answers=tuple(None if pd.isna(a) else a for a in part["answer"]),
            clusters=part["answer_cluster"].to_numpy(dtype=np.int64),
            correct=np.asarray(part["is_correct"].astype("Float64"), dtype=np.float64),
            statuses=tuple(part["status"]),
            rules=tuple(part["answer_rule"]),
            rewards={
                name.removeprefix("reward_"): part[name].to_numpy(dtype=float)
                for name in part.columns
                if name.startswith("reward_")
            },
            embeddings=None if rows.vectors is None else rows.vectors[part.index.to_numpy()],
            bleu_tokenize=settings.bleu_tokenize,
            bleu_smoothing=settings.bleu_smoothing,
        )


def _table(folder: Folder, name: str, block: int) -> pa.Table:
    path = folder.block_path(name, block)
    if not path.exists():
        raise ValueError(f"{path} is missing; run `workbench score` first")
    return read_table(path)


def _same_rows(folder: Folder, name: str, left: pd.DataFrame, right: pd.DataFrame) -> None:
    keys = list(KEY)
    if len(left) != len(right) or not left[keys].equals(right[keys].astype(left[keys].dtypes)):
        raise ValueError(
            f"{folder.root / name} is of other samples than {folder.root / 'samples'}; run "
            "`workbench score` first"
        )
