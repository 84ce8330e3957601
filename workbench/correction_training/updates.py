"""One update of the policy: pairs are drawn and rewarded, and the weights follow the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workbench.config.training_schema import CorrectionTraining
from workbench.core.types import Floats
from workbench.correction_training.advantages import TurnAdvantages, turn_advantages
from workbench.correction_training.losses import attempt_loss
from workbench.correction_training.policy import Policy, Turn


@dataclass(frozen=True)
class RewardedBatch:
    """The answers of a batch with their rewards, (P, N), and what follows from these."""

    first_turns: Sequence[Turn]
    second_turns: Sequence[Turn]
    first: Floats
    second: Floats
    advantages: TurnAdvantages


def rewarded(
    turns: tuple[Sequence[Turn], Sequence[Turn]],
    rewards: tuple[Floats, Floats],
    training: CorrectionTraining,
    stage: int,
    rng: np.random.Generator,
) -> RewardedBatch:
    """Return a batch with the advantages of its answers.

    Args:
        turns: of the first and of the second answers, problem by problem.
        rewards: of the same, NaN where unknown.
        training: the settings.
        stage: 1 or 2.
        rng: deals the rewards anew where ``training.shuffled_rewards`` says so; pairs stay pairs.
    """
    pairs = np.stack(rewards)  # (2, pairs)
    if training.shuffled_rewards:
        pairs = pairs[:, rng.permutation(pairs.shape[1])]
    first, second = (one.reshape(-1, training.samples) for one in pairs)
    advantages = turn_advantages(first, second, stage=stage, alpha=training.alpha)
    return RewardedBatch(*turns, first, second, advantages)


def backward(
    policy: Policy, batch: RewardedBatch, training: CorrectionTraining, stage: int, scaler: Any
) -> dict[str, float]:
    """Add the gradient of one batch to that of the update; return what can be said of the batch.

    ``kl_1`` and ``kl_2`` are the mean divergences of an answer from the reference, nats, and
    ``entropy_1`` and ``entropy_2`` the mean over answers of the mean entropy of a token, nats.
    """
    found: dict[str, float] = {"loss": 0.0}
    parts = (
        ("1", batch.first_turns, batch.advantages.first,
         training.beta_2 if stage == 1 else training.beta_1),
        ("2", batch.second_turns, batch.advantages.second, training.beta_1),
    )  # fmt: skip
    for name, turns, advantages, beta in parts:
        values, mask = policy.values(turns)
        weights = torch.tensor(advantages.ravel(), dtype=torch.float32, device=mask.device)
        loss = attempt_loss(values, mask, weights, beta)
        if torch.isfinite(loss):  # a NaN is told by who called, and must not reach the weights
            scaler.scale(loss / training.accumulation).backward()
        lengths = mask.sum(dim=1).clamp_min(1)
        found["loss"] += float(loss.detach())
        found[f"kl_{name}"] = float((values.kl.detach() * mask).sum() / len(mask))
        found[f"entropy_{name}"] = float(((values.entropy * mask).sum(dim=1) / lengths).mean())
    found["reward_1"], found["reward_2"] = _mean(batch.first), _mean(batch.second)
    return found


def apply_update(policy: Policy, optimizer: Any, scaler: Any, rate: float, clip: float) -> float:
    """Follow the gradient with a learning rate; return its norm before it was shortened."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    scaler.unscale_(optimizer)
    norm = torch.nn.utils.clip_grad_norm_(policy.trained().values(), clip)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    return float(norm)


def _mean(rewards: Floats) -> float:
    known = rewards[~np.isnan(rewards)]
    return float(known.mean()) if known.size else float("nan")
