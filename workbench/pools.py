"""Stored rows -> pools: what the metrics and selections look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.config import Measure
from workbench.folder import Folder
from workbench.store import KEY, read_table
from workbench.types import Ints, Pool

SAMPLE_COLUMNS = (*KEY, "completion", "num_output_tokens", "mean_logprob", "mean_entropy")
REWARD = "reward_"
"""What the columns of rewards begin with."""


@dataclass(frozen=True, eq=False)
class BlockRows:
    """A block's joined rows, and their embeddings in the same order."""

    frame: pd.DataFrame
    vectors: NDArray[np.float32] | None
    """As stored: a pool's become float64 when it is its turn."""


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
        vectors = flat.reshape(len(frame), -1)
    return BlockRows(joined, vectors)


def pools(rows: BlockRows, sizes: Mapping[float, int], settings: Measure) -> Iterator[Pool]:
    """Yield the pools of a block, in the order of their first samples.

    Args:
        rows: the block.
        sizes: samples wanted per pool, by temperature (NaN: the unknown one); others are left
            aside, and of a larger pool the first samples are taken.
        settings: how BLEU is computed.
    """
    ordered = _ordered(rows, sizes)
    for start, stop in ordered.bounds:
        yield _pool(ordered, start, stop, settings)


def by_problem(
    rows: BlockRows, sizes: Mapping[float, int], settings: Measure, share: int = 0, shares: int = 1
) -> Iterator[list[tuple[int, Pool]]]:
    """Yield all pools of one problem after another, each with its place among those of ``pools``.

    Args:
        rows: the block.
        sizes: as for ``pools``.
        settings: as for ``pools``.
        share: which problems: those in this place,
        shares: and every so many behind it.
    """
    ordered = _ordered(rows, sizes)
    problems: dict[str, list[int]] = {}
    for place, (start, _) in enumerate(ordered.bounds):
        problems.setdefault(ordered.columns["problem_id"][start], []).append(place)
    for places in list(problems.values())[share::shares]:
        yield [(place, _pool(ordered, *ordered.bounds[place], settings)) for place in places]


@dataclass(frozen=True, eq=False)
class _Ordered:
    """A block's wanted rows, pool by pool in the order of sample_index: a pool is a slice."""

    columns: Mapping[str, Any]
    """Numbers as arrays, all else as lists."""
    bounds: Sequence[tuple[int, int]]
    """(start, stop) of each pool."""
    vectors: NDArray[np.float32] | None
    index: Ints
    """Where each row's vector is."""


def _ordered(rows: BlockRows, sizes: Mapping[float, int]) -> _Ordered:
    frame = rows.frame
    wanted = frame["temperature"].map(sizes).fillna(0)
    frame = frame[frame["sample_index"] < wanted]
    groups = frame.groupby(["problem_id", "temperature"], sort=False, dropna=False)
    order = np.lexsort((frame["sample_index"], groups.ngroup()))
    frame = frame.iloc[order]
    ends = np.cumsum(groups.size().to_numpy())
    columns: dict[str, Any] = {
        name: frame[name].tolist()
        for name in ("problem_id", "temperature", "completion", "status", "answer_rule")
    }
    columns["answer"] = [None if pd.isna(answer) else answer for answer in frame["answer"]]
    columns["correct"] = np.asarray(frame["is_correct"].astype("Float64"), dtype=np.float64)
    columns["answer_cluster"] = frame["answer_cluster"].to_numpy(dtype=np.int64)
    for name in ("mean_logprob", "mean_entropy", "num_output_tokens"):
        columns[name] = frame[name].to_numpy(dtype=float)
    for name in frame.columns:
        if name.startswith(REWARD):
            columns[name] = frame[name].to_numpy(dtype=float)
    bounds = list(pairwise([0, *ends.tolist()]))
    return _Ordered(columns, bounds, rows.vectors, frame.index.to_numpy())


def _pool(ordered: _Ordered, start: int, stop: int, settings: Measure) -> Pool:
    part = {name: values[start:stop] for name, values in ordered.columns.items()}
    vectors = ordered.vectors
    return Pool(
        problem_id=part["problem_id"][0],
        temperature=part["temperature"][0],
        texts=tuple(part["completion"]),
        logprobs=part["mean_logprob"],
        entropies=part["mean_entropy"],
        num_tokens=part["num_output_tokens"],
        answers=tuple(part["answer"]),
        clusters=part["answer_cluster"],
        correct=part["correct"],
        statuses=tuple(part["status"]),
        rules=tuple(part["answer_rule"]),
        rewards={
            name.removeprefix(REWARD): values
            for name, values in part.items()
            if name.startswith(REWARD)
        },
        embeddings=(
            None if vectors is None else vectors[ordered.index[start:stop]].astype(np.float64)
        ),
        quality=settings.dpp_quality,
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
