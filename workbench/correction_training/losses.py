"""The loss of one attempt, of logits: B answers, T tokens, V words of the vocabulary."""

from __future__ import annotations

from typing import NamedTuple

import torch


class TokenValues(NamedTuple):
    """Of each token that an answer has; what stands behind its end means nothing."""

    logprobs: torch.Tensor
    """(B, T) log-probabilities, nats."""
    kl: torch.Tensor
    """(B, T) divergence from the reference, nats."""
    entropy: torch.Tensor
    """(B, T) entropy of the policy, nats; without a gradient."""


def token_values(
    logits: torch.Tensor, reference: torch.Tensor, tokens: torch.Tensor
) -> TokenValues:
    """Return log-probability, divergence and entropy at each place.

    The divergence at a place is ``KL(π(·|s) ‖ π_ref(·|s))``, summed over the whole vocabulary,
    given what stands before (``s``), which the policy drew. Its sum over a drawn answer is an
    unbiased estimate of the divergence between the distributions over answers, with less spread
    than estimates by the drawn tokens alone. Its gradient is that of the divergences at the places
    that were drawn: the part that comes of drawing other places is left out, as in GRPO. (The
    gradient of the usual estimate ``r - 1 - log r`` would be that of ``KL(π_ref ‖ π)``.)

    Args:
        logits: (B, T, V) of the policy.
        reference: (B, T, V) of the reference model.
        tokens: (B, T) what was drawn.

    Source:
        Amini et al. (2025), arXiv:2504.10637, on the estimate; Tang & Munos (2025),
        arXiv:2506.09477, on gradients.
    """
    policy = torch.log_softmax(logits.float(), dim=-1)
    fixed = torch.log_softmax(reference.detach().float(), dim=-1)
    chances = policy.exp()
    kl = (chances * (policy - fixed)).sum(dim=-1)
    entropy = -(chances * policy).detach().sum(dim=-1)
    return TokenValues(policy.gather(-1, tokens[..., None]).squeeze(-1), kl, entropy)


def attempt_loss(
    values: TokenValues, mask: torch.Tensor, advantages: torch.Tensor, beta: float
) -> torch.Tensor:
    """Return the loss of one attempt, the mean over answers of ``Σ_t (β KL_t - A log π_t)``.

    Its gradient is that of ``-E[r] + β KL``: REINFORCE, with the advantage of an answer for each of
    its tokens. Sums are over an answer's tokens, so that a long answer does not count less than the
    formula says.

    Args:
        values: of the answers.
        mask: (B, T) 1 for the tokens of an answer, else 0.
        advantages: (B,).
        beta: weight of the divergence.
    """
    per_token = beta * values.kl - advantages[:, None] * values.logprobs
    return (per_token * mask).sum() / len(mask)
