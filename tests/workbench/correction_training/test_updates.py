"""Gradients of one batch: which attempt's tokens hear of what."""

import numpy as np
import pytest

from tests.lazily import Lazy, needs
from workbench.config.schema import Generation
from workbench.config.training_schema import CorrectionTraining

needs("torch")
torch = Lazy("torch")
policies = Lazy("workbench.correction_training.policy")
updates = Lazy("workbench.correction_training.updates")

FIRST = [([5, 6], (20, 0)), ([5, 6], (21, 0)), ([7], (20, 0)), ([7], (22, 0))]
SECOND = [([5, 6, 20, 9], (21, 0)), ([5, 6, 21, 9], (21, 0)), ([7, 20, 9], (23, 0)),
          ([7, 22, 9], (20, 0))]  # fmt: skip
EMPTY = [(prompt, ()) for prompt, _ in SECOND]
REWARDS = np.array([0.0, 1, 1, 0]), np.array([1.0, 0, 0, 0])


@pytest.fixture
def policy(toy_base):
    """A policy that has moved away from its reference."""
    made = policies.open_policy(
        Generation(model=str(toy_base)), CorrectionTraining(rank=0, precision="float32"), 0
    )
    with torch.no_grad():
        for weight in made.trained().values():
            weight.mul_(1.05)
    return made


@pytest.fixture
def gradient(policy):
    """A function: turns, rewards, settings -> gradient of a batch, and what is told of it."""

    def of(turns, stage, rewards=REWARDS, **settings):
        training = CorrectionTraining(**{"samples": 2, "batch_size": 4} | settings)
        batch = updates.rewarded(turns, rewards, training, stage, np.random.default_rng(0))
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        for weight in policy.trained().values():
            weight.grad = None
        told = updates.backward(policy, batch, training, stage, scaler)
        parts = [weight.grad.flatten() for weight in policy.trained().values()]
        return torch.cat(parts), told

    return of


def test_the_gradient_of_first_attempts_is_unchanged_by_alpha(gradient):
    calm, bold = (gradient((FIRST, EMPTY), 2, alpha=alpha)[0] for alpha in (0, 10))
    assert torch.equal(calm, bold)
    assert calm.abs().max() > 0
    calm, bold = (gradient((FIRST, SECOND), 2, alpha=alpha)[0] for alpha in (0, 10))
    assert not torch.equal(calm, bold)  # it is the second attempts that hear of it


def test_in_stage_one_the_gradient_of_first_attempts_comes_of_the_divergence_alone(gradient):
    nothing, _ = gradient((FIRST, EMPTY), 1, beta_2=0)
    assert nothing.abs().max() == 0
    one, _ = gradient((FIRST, EMPTY), 1, beta_2=1)
    other, _ = gradient((FIRST, EMPTY), 1, tuple(1 - r for r in REWARDS), beta_2=2)
    torch.testing.assert_close(2 * one, other)
    assert one.abs().max() > 0


def test_each_weight_counts_where_it_should(gradient):
    """beta_2: first attempts of Stage I; beta_1: second ones of Stage I, and both of Stage II."""
    none = {"beta_1": 0.0, "beta_2": 0.0}
    turns, empty = (FIRST, SECOND), (FIRST, EMPTY)
    for stage, of, name, matters in (
        (1, empty, "beta_2", True), (1, empty, "beta_1", False), (1, turns, "beta_1", True),
        (2, empty, "beta_2", False), (2, empty, "beta_1", True), (2, turns, "beta_2", False),
    ):  # fmt: skip
        without, _ = gradient(of, stage, **none)
        heavy, _ = gradient(of, stage, **none | {name: 1.0})
        assert torch.equal(without, heavy) != matters, (stage, name)


def test_gradients_of_several_batches_are_their_mean(gradient):
    whole, told = gradient((FIRST, SECOND), 2)
    half, same = gradient((FIRST, SECOND), 2, accumulation=2)
    torch.testing.assert_close(whole, 2 * half)
    assert told == same
    assert told["reward_1"] == 0.5
    assert told["reward_2"] == 0.25
    assert told["kl_1"] > 0
    assert 0 < told["entropy_2"] < np.log(100)


def test_shuffled_rewards_stay_pairs():
    training = CorrectionTraining(samples=4, batch_size=16, shuffled_rewards=True)
    first = np.arange(16.0)
    turns = ([(one, ()) for one in range(16)],) * 2
    batch = updates.rewarded(turns, (first, first + 100), training, 2, np.random.default_rng(3))
    assert batch.first.ravel().tolist() != first.tolist()
    assert sorted(batch.first.ravel()) == first.tolist()
    assert (batch.second - batch.first == 100).all()


def test_an_update_follows_a_shortened_gradient(policy):
    named = policy.trained()
    before = {name: weight.detach().clone() for name, weight in named.items()}
    optimizer = torch.optim.SGD(named.values(), lr=9)
    for weight in named.values():
        weight.grad = torch.ones_like(weight)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    norm = updates.apply_update(policy, optimizer, scaler, 0.5, 1.0)
    count = sum(weight.numel() for weight in named.values())
    assert norm == pytest.approx(count**0.5, rel=1e-4)
    for name, weight in named.items():
        torch.testing.assert_close(before[name] - weight, torch.full_like(weight, 0.5 / norm),
                                   rtol=1e-2, atol=1e-6)  # fmt: skip
        assert weight.grad is None
