"""The reward ``quality``: the probability that a sample is right, learned from seven features.

They are the features of the ensemble in the study's companion on training metrics (section 3),
each of one sample. ``own`` is the model that drew the sample, ``secondary`` and ``evaluator`` are
entries of ``scoring.models``. Features that a run does not have are left out.

1. ``primary_confidence``: 1 - the mean token entropy under the own model; 1 at most, no bound below
   [1 - nats].
2. ``secondary_confidence``: exp(-|difference of the mean token log-probabilities under the own and
   the secondary model|), 0 to 1; 1 where both hold the sample equally likely.
3. ``evaluator_confidence``: 1 - the mean token entropy under the evaluator [1 - nats].
4. ``primary_entropy``: the mean token entropy under the own model [nats]. The same as 1 but for its
   sign: the regression's penalty shares one weight between them.
5. ``disagreement``: standard deviation, over the models that have scored the sample, of its mean
   token log-probability [nats/token]; 0 where they agree.
6. ``knn_similarity``: mean cosine to the ten most similar distinct texts of other problems, -1 to
   1.
7. ``example_quality``: share of right samples among these ten, weighted by cosine, 0 to 1.

Neighbours for 6 and 7 are looked for in the run itself, among the problems that may be learned
from: neither the sample's own problem, nor those whose quality is being predicted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.config.scoring_schema import Scoring
from workbench.config.setting_types import OWN
from workbench.core.console import notice
from workbench.core.types import Floats
from workbench.rewards import nearest
from workbench.rewards.block_step import BlockStep, read_matching
from workbench.rewards.logistic import cross_fit
from workbench.rewards.second_model import table_of
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import STORED_KEY, fingerprint, read_stamps, read_table
from workbench.storage.run_folder import Folder

TABLE = "rewards/quality"
"""The table: key, the features with which each quality was predicted, and ``reward``."""

VERSION = 1
"""Raise when a quality would come out otherwise, so that finished runs are learned from again."""

FEATURES = (
    "primary_confidence", "secondary_confidence", "evaluator_confidence", "primary_entropy",
    "disagreement", "knn_similarity", "example_quality",
)  # fmt: skip
MODELS = (OWN, "secondary", "evaluator")


def learn(run: OpenRun, scoring: Scoring, seed: int, inputs: Mapping[int, str]) -> None:
    """Learn the quality of a graded and embedded run's samples, if it is not up to date.

    Args:
        run: the run.
        scoring: the settings of its second models.
        seed: by which problems are split into folds.
        inputs: for each block, the fingerprint of its correctness and embeddings.

    Raises:
        ValueError: there is nothing to learn from; a table is missing or damaged.
    """
    held = list(run.blocks_with_samples())
    others = [table_of(name) for name in MODELS if name in scoring.models]
    made_from = fingerprint(
        version=VERSION,
        seed=seed,
        made_of=[inputs[block] for block in held],
        others=[[read_stamps(run.block_path(t, b)).get("content") for t in others] for b in held],
    )
    step = BlockStep(run, TABLE, TABLE, dict.fromkeys(held, made_from))
    if step.outdated_blocks() is None:
        return
    with run.manifest.running(TABLE, made_from) as entry:
        parts = [_read(run, block, scoring.models) for block in held]
        rows = pd.concat([part for part, _ in parts], ignore_index=True)
        vectors = np.concatenate([part for _, part in parts])
        problems, names = pd.factorize(rows["problem_id"])
        rng = np.random.default_rng([seed, len(names)])

        def features(known: NDArray[np.bool_]) -> Floats:
            return _features(rows, vectors, known[problems])

        found = cross_fit(features, rows["correct"].to_numpy(), problems.astype(np.int64), rng)
        entry["features"] = list(compress(FEATURES, found.used))
        start = 0
        for block, (part, _) in zip(held, parts, strict=True):
            inside = slice(start, start + len(part))
            keys = read_table(run.block_path("scores", block), STORED_KEY)
            columns: dict[str, Any] = {name: keys.column(name) for name in STORED_KEY}
            columns |= dict(zip(FEATURES, found.features[inside].T, strict=True))
            step.write(block, pa.table({**columns, "reward": found.quality[inside]}))
            start = inside.stop
    left = [name for name in FEATURES if name not in entry["features"]]
    if left:
        notice(f"{TABLE}: without {', '.join(left)}, which need entropies or further models")


def _read(
    folder: Folder, block: int, models: Collection[str]
) -> tuple[pd.DataFrame, nearest.Vectors]:
    """Read a block as ``read_embedded``, with the features that need no neighbours."""
    rows, vectors = nearest.read_embedded(folder, block)
    logprobs, entropies = model_means(folder, block, models)
    rows["primary_confidence"] = 1.0 - entropies[0]
    rows["secondary_confidence"] = np.exp(-np.abs(logprobs[0] - logprobs[1]))
    rows["evaluator_confidence"] = 1.0 - entropies[2]
    rows["primary_entropy"] = entropies[0]
    rows["disagreement"] = model_disagreement(logprobs)
    return rows, vectors


def model_means(folder: Folder, block: int, models: Collection[str]) -> tuple[Floats, Floats]:
    """Means over the tokens of a block's samples under each of ``MODELS``, in the samples' order.

    Returns:
        (M, R) log-probabilities, nats per token, 0 at most, and (M, R) entropies, nats; NaN where a
        sample has none, and for a model that is not among the run's ``models``.

    Raises:
        ValueError: a model has not scored these samples yet, or a table is damaged.
    """
    samples = folder.read_samples(block, [*STORED_KEY, "mean_logprob", "mean_entropy"])
    tables = {OWN: samples} | {
        name: read_matching(folder, table_of(name), block, samples)
        for name in MODELS
        if name in models
    }

    def means(name: str, column: str) -> Floats:
        if name not in tables or column not in tables[name].schema.names:
            return np.full(len(samples), np.nan)
        values = tables[name].column(column).to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64)

    logprobs, entropies = (
        np.stack([means(name, column) for name in MODELS])
        for column in ("mean_logprob", "mean_entropy")
    )
    return logprobs, entropies


def model_disagreement(logprobs: Floats) -> Floats:
    """Standard deviation (R,) of (M, R) mean token log-probabilities over the models with a value.

    It is in nats per token, 0 at least; NaN where fewer than two models have a value.

    >>> model_disagreement(np.array([[-1.0, -1.0], [-3.0, np.nan]]))
    array([ 1., nan])
    """
    there = np.isfinite(logprobs)
    count = there.sum(axis=0)
    values = np.where(there, logprobs, 0.0)
    mean = values.sum(axis=0) / np.maximum(count, 1)
    squares = np.where(there, (values - mean) ** 2, 0.0).sum(axis=0)
    return np.where(count > 1, np.sqrt(squares / np.maximum(count, 1)), np.nan)


def _features(rows: pd.DataFrame, vectors: nearest.Vectors, known: NDArray[np.bool_]) -> Floats:
    """Return (R, 7) features of all rows, with neighbours from the known rows only."""
    entries, places = nearest.distinct_texts(rows[known])
    index = nearest.build(vectors[np.flatnonzero(known)[places]], entries)
    near, right = nearest.neighbour_features(index, vectors, list(rows["problem_id"]))
    plain = rows[list(FEATURES[:5])].to_numpy(dtype=float)
    return np.column_stack([plain, near, right])
