"""The rewards that are computed from tables of second models (``second_model.py``).

``density_ratio`` is the mean over a sample's tokens of log p_strong - log p_weak, nats per token:
high for what the stronger model holds likely and the weaker one does not. ``implicit_reward`` is
beta times the sum over the tokens of log policy - log reference: the reward that training has given
to a policy, compared with the reference it was trained from. Larger is better; both are 0 for a
model against itself. ``own`` is the run's own model, by the log-probabilities that its samples came
with.

``self_certainty`` is the mean over a sample's tokens of KL(uniform || p), nats: 0 for a model that
holds every token equally likely, and the larger the more certain the model is. It is not a
probability, and it grows with the size of the vocabulary, so compare it only under one model. It
needs whole distributions, so the samples are scored again with transformers: the 20 likeliest
tokens, which vLLM returns, say nothing about the unlikely ones, which make up most of the sum.

Source:
    Rafailov et al. (2023), arXiv:2305.18290, equation 5, without its term of the prompt alone; by
    step Yuan et al. (2024), arXiv:2412.01981, proposition 3.1 and equation 4. Self-certainty: Kang
    et al. (2025), arXiv:2502.18581, equation 9, under the untempered model; they vote with it by
    ranks (the selection ``borda``). Checked against the package scorio on whole distributions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.config.conditions import loading_of
from workbench.config.scoring_schema import Scoring
from workbench.config.setting_types import OWN
from workbench.core.console import notice
from workbench.core.types import Floats
from workbench.rewards.block_step import BlockStep, read_matching
from workbench.rewards.second_model import table_of
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import STORED_KEY, fingerprint, read_stamps
from workbench.storage.run_folder import Folder

VERSION = 1
"""Raise when a reward would come out otherwise, so that those of finished runs are made again."""


@dataclass(frozen=True, eq=False)
class ModelLogprobs:
    """Log-probabilities of a block's samples under one model, row by row."""

    name: str
    sums: Floats
    """(R,) log-probabilities of the completions, nats; NaN where there is none."""
    tokens: Sequence[Sequence[float] | None]
    """(R,) log-probabilities of the tokens, nats; None where there are none."""
    ids: Sequence[Sequence[int] | None]
    """(R,) the tokens."""
    steps: Sequence[Sequence[int] | None]
    """(R,) the line of each token; None where it is not known."""


def density_ratio(run: OpenRun, scoring: Scoring) -> None:
    """Compare the two models of ``scoring.density_ratio``, token by token.

    Raises:
        ValueError: they do not split the samples into the same tokens, or one has no values at all.
    """
    pair = scoring.density_ratio
    if pair is None:
        raise ValueError("the reward 'density_ratio' needs scoring.density_ratio")

    def compare(strong: ModelLogprobs, weak: ModelLogprobs) -> dict[str, Any]:
        apart = [row for row in range(len(strong.sums)) if not _same_tokens(strong, weak, row)]
        if apart:
            row = apart[0]
            counts = [len(model.ids[row] or ()) for model in (strong, weak)]
            raise ValueError(
                f"scoring.density_ratio: {_describe(run, scoring, strong.name)} and "
                f"{_describe(run, scoring, weak.name)} have mismatched tokenizers: they split "
                f"{len(apart):,} of {len(strong.sums):,} samples into different tokens (the first "
                f"into {counts[0] or 'unknown ones'} and {counts[1] or 'unknown ones'}), and a "
                "ratio per token needs the same ones; choose two models with one tokenizer, or "
                "compare whole samples with the reward implicit_reward"
            )
        lengths = np.array([len(values) if values else np.nan for values in strong.tokens])
        return {"reward": pa.array((strong.sums - weak.sums) / lengths, from_pandas=True)}

    _compare(run, "density_ratio", (pair.strong, pair.weak), 1.0, compare)


def implicit_reward(run: OpenRun, scoring: Scoring) -> None:
    """Compare the two models of ``scoring.implicit_reward``, sample by sample.

    Beside the reward stand ``token_rewards`` and, summed over each line of the completion,
    ``step_rewards``, which add up to it. They are null where the two models do not split a sample
    into the same tokens: then its text is compared as a whole, under each model with its own end.

    Raises:
        ValueError: a model has no values at all.
    """
    pair = scoring.implicit_reward
    if pair is None:
        raise ValueError("the reward 'implicit_reward' needs scoring.implicit_reward")
    beta = pair.beta
    apart = 0

    def compare(policy: ModelLogprobs, reference: ModelLogprobs) -> dict[str, Any]:
        nonlocal apart
        rewards = beta * (policy.sums - reference.sums)
        tokens: list[Any] = [None] * len(rewards)
        steps = tokens.copy()
        for row, (first, second) in enumerate(zip(policy.tokens, reference.tokens, strict=True)):
            same = _same_tokens(policy, reference, row)
            apart += not same
            if same and first is not None and second is not None:
                tokens[row] = beta * (np.array(first) - np.array(second))
                lines = reference.steps[row] if policy.steps[row] is None else policy.steps[row]
                steps[row] = None if lines is None else np.bincount(lines, tokens[row])
        return {
            "reward": pa.array(rewards, from_pandas=True),
            "token_rewards": pa.array(tokens, pa.list_(pa.float32())),
            "step_rewards": pa.array(steps, pa.list_(pa.float64())),
        }

    names = (pair.policy, pair.reference)
    _compare(run, "implicit_reward", names, beta, compare)
    if apart:
        policy, reference = (_describe(run, scoring, name) for name in names)
        notice(
            f"implicit_reward: {policy} and {reference} split {apart:,} samples into different "
            "tokens: these are compared as whole texts, without values by token and step"
        )


def self_certainty(run: OpenRun, scoring: Scoring) -> None:
    """Take the certainty of the model ``scoring.self_certainty`` as a reward.

    Raises:
        ValueError: there is no such model, or it has not scored the samples.
    """
    name = scoring.self_certainty
    if name is None:
        raise ValueError("the reward 'self_certainty' needs scoring.self_certainty")

    def columns(block: int, samples: pa.Table) -> dict[str, Any]:
        values = _floats(read_matching(run, table_of(name), block, samples), "mean_certainty")
        # one impossible token makes a certainty infinite, and such values cannot be ranked
        return {"reward": pa.array(np.where(np.isfinite(values), values, np.nan), from_pandas=True)}

    settings = {"version": VERSION, "model": name}
    _write_reward(run, "self_certainty", settings, [name], columns)


def _compare(
    run: OpenRun,
    reward: str,
    names: tuple[str, str],
    beta: float,
    compare: Callable[[ModelLogprobs, ModelLogprobs], dict[str, Any]],
) -> None:
    """Write the reward of ``beta`` and what ``compare`` makes of two models' log-probabilities."""

    def columns(block: int, samples: pa.Table) -> dict[str, Any]:
        return compare(*(_logprobs_of(run, name, block, samples) for name in names))

    settings = {"version": VERSION, "beta": beta, "names": names}
    _write_reward(run, reward, settings, [name for name in names if name != OWN], columns)


def _logprobs_of(folder: Folder, name: str, block: int, samples: pa.Table) -> ModelLogprobs:
    if name == OWN:
        logprobs = samples.column("token_logprobs").to_pylist()
        kept = [values if values and np.isfinite(values).all() else None for values in logprobs]
        if not any(kept) and len(samples):
            raise ValueError(
                "the samples came without log-probabilities of their tokens, so 'own' cannot be "
                "compared; name the model that drew them in scoring.models and give its name there"
            )
        sums = np.array([np.nan if values is None else np.sum(values) for values in kept])
        ids = samples.column("output_token_ids").to_pylist()
        return ModelLogprobs(name, sums, kept, ids, [None] * len(kept))
    table = read_matching(folder, table_of(name), block, samples)
    lists = [table.column(c).to_pylist() for c in ("token_logprobs", "token_ids", "token_steps")]
    return ModelLogprobs(name, _floats(table, "sum_logprob"), *lists)


def _same_tokens(first: ModelLogprobs, second: ModelLogprobs, row: int) -> bool:
    """Say whether two models split a sample into the same tokens; true if one has no values."""
    unknown = first.tokens[row] is None or second.tokens[row] is None
    return unknown or first.ids[row] == second.ids[row]


def _describe(run: OpenRun, scoring: Scoring, name: str) -> str:
    if name != OWN:
        return f"{name!r} ({scoring.models[name].model})"
    models = dict.fromkeys(loading_of(one, run.generation).model for one in run.conditions)
    return f"{name!r} ({' or '.join(models)})"


def _floats(table: pa.Table, column: str) -> Floats:
    values = table.column(column).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _write_reward(
    run: OpenRun,
    reward: str,
    settings: Mapping[str, Any],
    models: Sequence[str],
    columns: Callable[[int, pa.Table], dict[str, Any]],
) -> None:
    """Write ``rewards/REWARD`` for every block that has none, or one of other values."""
    tables = [table_of(name) for name in models]
    made_from = {
        block: fingerprint(
            **settings,
            samples=run.sample_hashes(block),
            said=[read_stamps(run.block_path(t, block)).get("content") for t in tables],
        )
        for block in run.blocks_with_samples()
    }
    step = BlockStep(run, reward, f"rewards/{reward}", made_from)
    outdated = step.outdated_blocks()
    if outdated is None:
        return
    with step.running() as entry:
        for block in outdated:
            samples = run.read_samples(block, [*STORED_KEY, "output_token_ids", "token_logprobs"])
            rows = {name: samples.column(name) for name in STORED_KEY} | columns(block, samples)
            step.write(block, pa.table(rows))
        entry["without"] = sum(step.read_column(b, "reward").null_count for b in made_from)
    if without := entry["without"]:
        notice(f"{reward}: {without:,} samples have no reward: a model has no values for them")
