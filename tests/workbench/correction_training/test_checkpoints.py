"""What a checkpoint holds, and which one a training goes on from."""

import shutil

import pytest

from tests.lazily import Lazy, needs
from workbench.config.schema import Generation
from workbench.config.training_schema import CorrectionTraining

needs("torch")
torch = Lazy("torch")
policies = Lazy("workbench.correction_training.policy")
checkpoints = Lazy("workbench.correction_training.checkpoints")


@pytest.fixture
def open_parts(toy_base):
    """A function of a rank: policy, optimiser and scaler."""

    def make(rank=0):
        training = CorrectionTraining(rank=rank, precision="float32")
        policy = policies.open_policy(Generation(model=str(toy_base)), training, 0)
        optimizer = torch.optim.AdamW(policy.trained().values(), lr=0.01)
        return policy, optimizer, torch.amp.GradScaler("cpu", init_scale=256.0)

    return make


def step(policy, optimizer, scaler):
    values, mask = policy.values([([5, 6], (20, 0))])
    scaler.scale(-(values.logprobs * mask).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad()


def flat(policy):
    return torch.cat([weight.detach().flatten() for weight in policy.trained().values()])


@pytest.mark.parametrize("rank", [0, 2])
def test_what_follows_a_checkpoint_is_what_would_have_followed(open_parts, tmp_path, rank):
    policy, optimizer, scaler = open_parts(rank)
    step(policy, optimizer, scaler)
    checkpoints.save_checkpoint(tmp_path, policy, optimizer, scaler, checkpoints.Place(1, 3))
    drawn = torch.rand(3)
    step(policy, optimizer, scaler)
    path, place = checkpoints.last_checkpoint(tmp_path)
    assert (place.step, place.quiet) == (1, 3)
    again, fresh, scale = open_parts(rank)
    assert not torch.equal(flat(again), flat(policy))
    checkpoints.load_checkpoint(path, again, fresh, scale)
    assert torch.equal(torch.rand(3), drawn)
    step(again, fresh, scale)
    assert torch.equal(flat(again), flat(policy))
    assert scale.get_scale() == scaler.get_scale()


def test_two_are_kept_and_a_damaged_one_is_passed_over(open_parts, tmp_path):
    parts = open_parts()
    assert checkpoints.last_checkpoint(tmp_path) is None
    for number in (10, 20, 100):
        checkpoints.save_checkpoint(tmp_path, *parts, checkpoints.Place(number))
    (tmp_path / ".checkpoint-0000110.partial").mkdir()  # of a process that was killed
    assert checkpoints.last_checkpoint(tmp_path)[1].step == 100
    names = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
    assert names == ["checkpoint-0000020", "checkpoint-0000100"]
    (tmp_path / names[1] / "place.json").unlink()
    assert checkpoints.last_checkpoint(tmp_path)[1].step == 20
    shutil.rmtree(tmp_path / names[0])
    assert checkpoints.last_checkpoint(tmp_path) is None


def test_one_of_another_model_is_refused(open_parts, tmp_path):
    checkpoints.save_checkpoint(tmp_path, *open_parts(2), checkpoints.Place(1))
    path, _ = checkpoints.last_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="holds the weights of another model"):
        checkpoints.load_checkpoint(path, *open_parts(4))
