"""Rewards from the log-ratio of two models over a sample, and the features of second models.

``density_ratio`` is the mean over a sample's tokens of log p_strong - log p_weak, nats per token:
high for what the stronger model holds likely and the weaker one does not. ``implicit_reward`` is
beta times the sum over the tokens of log policy - log reference: the reward that training has given
to a policy, compared with the reference it was trained from. Larger is better; both are 0 for a
model against itself. They are computed from the tables ``under/NAME`` (``second_model.py``);
``own`` is the run's own model, by the log-probabilities that its samples came with.

Source:
    Rafailov et al. (2023), arXiv:2305.18290, equation 5, without its term of the prompt alone; by
    step Yuan et al. (2024), arXiv:2412.01981, proposition 3.1 and equation 4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.config.scoring_schema import Scoring
from workbench.config.setting_types import OWN
from workbench.core.console import notice
from workbench.core.types import Floats
from workbench.rewards.second_model_rewards import read_second_model, write_reward
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import KEY
from workbench.storage.run_folder import Folder

VERSION = 1
"""Raise when a ratio would come out otherwise, so that finished runs are compared again."""

ROLES = ("secondary", "evaluator")
"""Names of ``scoring.models`` from which the learned reward ``quality`` has features."""


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
        tokens: list[Any] = []
        steps: list[Any] = []
        for row in range(len(policy.sums)):
            same = _same_tokens(policy, reference, row)
            apart += not same
            if not same or policy.tokens[row] is None or reference.tokens[row] is None:
                tokens.append(None)
                steps.append(None)
                continue
            values = beta * (np.array(policy.tokens[row]) - np.array(reference.tokens[row]))
            lines = reference.steps[row] if policy.steps[row] is None else policy.steps[row]
            tokens.append(values)
            steps.append(None if lines is None else np.bincount(lines, values))
        rewards = beta * (policy.sums - reference.sums)
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


def model_features(
    folder: Folder, block: int, models: Collection[str], names: Sequence[str] = ROLES
) -> dict[str, Floats]:
    """Return means over the tokens of a block's samples under some models, in the samples' order.

    Args:
        folder: a run whose second models have scored it (``score_under_second_models``).
        block: its number.
        models: those of ``scoring.models``; names that are not among them are passed over.
        names: of models, or ``own`` for the run's own model.

    Returns:
        ``NAME_mean_logprob`` (nats per token, 0 at most) and ``NAME_mean_entropy`` (nats), (R,)
        each; NaN where a sample has none.

    Raises:
        ValueError: a model has not scored these samples yet, or a table is damaged.
    """
    samples = folder.read_samples(block, [*KEY, "mean_logprob", "mean_entropy"])
    found: dict[str, Floats] = {}
    for name in names:
        if name == OWN:
            table = samples
        elif name in models:
            table = read_second_model(folder, name, block, samples)
        else:
            continue
        for column in ("mean_logprob", "mean_entropy"):
            values = table.column(column) if column in table.schema.names else None
            found[f"{name}_{column}"] = (
                np.full(len(samples), np.nan) if values is None else _floats(values)
            )
    return found


def _compare(
    run: OpenRun,
    reward: str,
    names: tuple[str, str],
    beta: float,
    compare: Callable[[ModelLogprobs, ModelLogprobs], dict[str, Any]],
) -> None:
    """Write the table of a reward for every block that has none, or one of other values."""

    def columns(block: int, samples: pa.Table) -> dict[str, Any]:
        first, second = (_logprobs_of(run, name, block, samples) for name in names)
        return compare(first, second)

    settings = {"version": VERSION, "beta": beta}
    models = [name for name in names if name != OWN]
    write_reward(run, reward, settings | {"names": names}, models, columns)


def _logprobs_of(folder: Folder, name: str, block: int, samples: pa.Table) -> ModelLogprobs:
    if name == OWN:
        kept = [
            values if values and np.isfinite(values).all() else None
            for values in samples.column("token_logprobs").to_pylist()
        ]
        if not any(kept) and len(samples):
            raise ValueError(
                "the samples came without log-probabilities of their tokens, so 'own' cannot be "
                "compared; name the model that drew them in scoring.models and give its name there"
            )
        sums = np.array([np.nan if values is None else np.sum(values) for values in kept])
        ids = samples.column("output_token_ids").to_pylist()
        return ModelLogprobs(name, sums, kept, ids, [None] * len(kept))
    table = read_second_model(folder, name, block, samples)
    return ModelLogprobs(
        name,
        _floats(table.column("sum_logprob")),
        *(table.column(c).to_pylist() for c in ("token_logprobs", "token_ids", "token_steps")),
    )


def _same_tokens(first: ModelLogprobs, second: ModelLogprobs, row: int) -> bool:
    """Say whether two models split a sample into the same tokens; true if one has no values."""
    if first.tokens[row] is None or second.tokens[row] is None:
        return True
    return first.ids[row] == second.ids[row]


def _describe(run: OpenRun, scoring: Scoring, name: str) -> str:
    model = run.generation.model if name == OWN else scoring.models[name].model
    return f"{name!r} ({model})"


def _floats(column: Any) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
