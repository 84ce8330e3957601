"""The loss of an attempt, against exact sums and exact gradients over a small vocabulary."""

import itertools
import math

import pytest

from tests.lazily import Lazy, needs

needs("torch")
torch = Lazy("torch")
losses = Lazy("workbench.correction_training.losses")

WORDS = 5


def random_logits(rows, length, seed):
    return torch.randn(rows, length, WORDS, generator=torch.Generator().manual_seed(seed))


def test_the_divergence_of_a_token_is_the_exact_sum():
    policy, reference = random_logits(2, 3, 1), random_logits(2, 3, 2)
    found = losses.token_values(policy, reference, torch.zeros(2, 3, dtype=torch.long))
    for row, place in itertools.product(range(2), range(3)):
        p, q = (torch.softmax(one[row, place], dim=0).tolist() for one in (policy, reference))
        exact = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        entropy = -sum(a * math.log(a) for a in p)
        assert found.kl[row, place].item() == pytest.approx(exact, rel=1e-4)
        assert found.entropy[row, place].item() == pytest.approx(entropy, rel=1e-4)
        assert found.logprobs[row, place].item() == pytest.approx(math.log(p[0]), rel=1e-4)


def test_sums_over_drawn_answers_estimate_the_divergence_between_answers():
    """Two tokens, the second of which depends on the first: all 25 answers are gone through."""
    begins, ends = (
        random_logits(2, 1, 3)[:, 0],
        random_logits(2, WORDS, 4),
    )  # (which, V), (.., V, V)
    policy, reference = ((begins[at], ends[at]) for at in (0, 1))
    whole = estimate = 0.0
    for first, second in itertools.product(range(WORDS), repeat=2):
        logs = [
            torch.log_softmax(begin, 0)[first] + torch.log_softmax(after[first], 0)[second]
            for begin, after in (policy, reference)
        ]
        chance = logs[0].exp().item()
        whole += chance * (logs[0] - logs[1]).item()
        logits = [torch.stack([begin, after[first]])[None] for begin, after in (policy, reference)]
        values = losses.token_values(*logits, torch.tensor([[first, second]]))
        estimate += chance * values.kl.sum().item()
    assert whole > 0.1
    assert estimate == pytest.approx(whole, rel=1e-4)


def test_the_divergence_from_itself_is_zero_and_so_is_its_gradient():
    logits = random_logits(2, 3, 5).requires_grad_()
    found = losses.token_values(logits, logits.detach().clone(), torch.ones(2, 3).long())
    assert found.kl.abs().max().item() < 1e-6
    found.kl.sum().backward()
    assert logits.grad.abs().max().item() < 1e-6


def test_the_gradient_is_that_of_the_expected_reward_less_the_divergence():
    """One token: the mean over all tokens, by their chances, of the loss's gradients."""
    reward, beta = torch.tensor([0.0, 1.0, 0.0, 2.0, 0.0]), 0.3
    fixed = random_logits(1, 1, 6)
    logits = random_logits(1, 1, 7).requires_grad_()
    chances = torch.softmax(logits[0, 0], dim=0)
    divergence = (chances * (chances.log() - torch.log_softmax(fixed[0, 0], 0))).sum()
    (-(chances @ reward) + beta * divergence).backward()
    exact = logits.grad.clone()
    mean = torch.zeros_like(exact)
    for token in range(WORDS):
        logits.grad = None
        values = losses.token_values(logits, fixed, torch.tensor([[token]]))
        losses.attempt_loss(values, torch.ones(1, 1), reward[token][None], beta).backward()
        mean += chances[token].detach() * logits.grad
    assert exact.abs().max() > 0.01
    torch.testing.assert_close(mean, exact, rtol=1e-4, atol=1e-6)


def gradient(advantages, beta, mask=((1, 1, 1), (1, 1, 0))):
    logits = random_logits(2, 3, 8).requires_grad_()
    values = losses.token_values(logits, random_logits(2, 3, 9), torch.tensor([[0, 1, 2]] * 2))
    losses.attempt_loss(
        values, torch.tensor(mask).float(), torch.tensor(advantages), beta
    ).backward()
    return logits.grad


def test_without_advantages_the_gradient_comes_of_the_divergence_alone():
    assert gradient([0.0, 0.0], 0.0).abs().max() == 0
    alone = gradient([0.0, 0.0], 0.2)
    torch.testing.assert_close(alone, 2 * gradient([0.0, 0.0], 0.1))
    assert alone.abs().max() > 0
    torch.testing.assert_close(
        gradient([1.0, -2.0], 0.2), gradient([1.0, -2.0], 0.0) + alone, rtol=1e-4, atol=1e-6
    )


def test_what_stands_behind_an_answer_does_not_count():
    assert gradient([1.0, 1.0], 0.1)[1, 2].abs().max() == 0
    assert gradient([1.0, 1.0], 0.1)[0, 2].abs().max() > 0
