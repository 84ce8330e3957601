"""Trainings on the toy, through the code of every training: what is learnt, and what ends one."""

import json
import math

import pytest

from tests.lazily import Lazy, needs

needs("torch", "peft")
torch = Lazy("torch")
loop = Lazy("workbench.correction_training.training_loop")
SHORT = {"steps_1": 40, "steps_2": 0, "evaluation_samples": 4}
FEW = {"steps_1": 2, "steps_2": 2, "warmup": 0, "batch_size": 16, "samples": 4, "held_out": 0.05}


@pytest.mark.parametrize("shuffled", [False, True])
def test_stage_one_learns_to_correct_and_learns_nothing_of_shuffled_rewards(trained, shuffled):
    """The short form of ``python -m tests.correction_study``, with one seed."""
    _, found = trained(**SHORT, shuffled_rewards=shuffled)
    told = found["held_out"]
    rise = told["after/held_out_t2"] - told["before/held_out_t2"]
    assert abs(rise) < 0.1 if shuffled else rise > 0.2
    if not shuffled:
        assert told["after/held_out_delta"] > 0.1
        assert abs(told["before/held_out_delta"]) < 0.1


def test_a_heavy_divergence_keeps_the_first_attempt(trained):
    _, found = trained(**SHORT, beta_2=10.0)
    told = found["held_out"]
    assert abs(told["after/held_out_t1"] - told["before/held_out_t1"]) < 0.03
    assert told["after/held_out_t2"] - told["before/held_out_t2"] > 0.1


@pytest.mark.parametrize("rank", [0, 4])
def test_the_curves_tell_all_of_a_training(trained, curves_of, rank):
    out, found = trained(**FEW, rank=rank, evaluate_every=3, accumulation=2)
    lines = curves_of(out)
    assert [line["step"] for line in lines] == [0, 1, 2, 3, 4]
    assert [line.get("stage") for line in lines] == [None, 1, 1, 2, 2]
    assert [line["step"] for line in lines if "held_out_t1" in line] == [0, 2, 3, 4]
    assert [line["learning_rate"] for line in lines[1:]] == [1e-3, 5e-4, 1e-3, 5e-4]
    assert abs(lines[1]["kl_1"]) < 1e-5  # the policy is its own reference at first
    assert abs(lines[1]["kl_2"]) < 1e-5
    assert lines[2]["kl_2"] > 1e-5
    assert 0 < lines[1]["entropy_1"] < math.log(100)
    assert lines[1]["tokens"] >= 2 * 2 * 16  # two batches of 16 pairs
    assert set(lines[1]) >= {"loss", "reward_1", "reward_2", "gradient_norm"}
    assert found["held_out"]["after/held_out_delta"] == lines[-1]["held_out_delta"]
    assert (out / "curves.csv").read_text().count("\n") == 6


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("rank", [0, 4])
def test_half_precision_trains_float32_weights(trained, curves_of, precision, rank):
    out, _ = trained(**FEW, precision=precision, rank=rank)
    lines = curves_of(out)
    assert all(math.isfinite(line["loss"]) for line in lines[1:])
    assert abs(lines[1]["kl_1"]) < 1e-3
    assert abs(lines[-1]["kl_2"]) > 1e-6
    from safetensors.torch import load_file

    weights = load_file(out / "model.safetensors").values()
    assert {weight.dtype for weight in weights} == {getattr(torch.module, precision)}


def ended(trained, words, **settings):
    with pytest.raises(ValueError, match=words):
        trained(**FEW | {"save_every": 1} | settings)


def test_a_loss_that_is_no_number_ends_it_and_the_checkpoint_stays(trained, monkeypatch, tmp_path):
    whole, count = loop.backward, []

    def spoiled(*given):
        count.append(1)
        return whole(*given) | ({"loss": math.nan} if len(count) == 3 else {})

    monkeypatch.setattr(loop.module, "backward", spoiled)
    words = r"the loss is nan at step 3, batch 3 \(problems .*the checkpoint of step 2 is kept"
    ended(trained, words)
    assert (tmp_path / "out" / ".training" / "checkpoint-0000002").is_dir()
    assert not (tmp_path / "out" / "config.json").exists()
    monkeypatch.undo()
    out, found = trained(**FEW, save_every=1)
    assert found["stages"]["train"]["status"] == "done"
    assert found["stages"]["train"]["interruptions"] == 1
    assert (out / "config.json").exists()


def test_weights_that_are_no_numbers_end_it_before_any_update(make_model, trained, tmp_path):
    """A real NaN, of a damaged model: no checkpoint is there yet, and none is written."""
    base = make_model(tmp_path / "damaged", damage=True)
    with pytest.raises(ValueError, match="the loss is nan at step 1, batch 1"):
        trained(**FEW, base=base)
    assert not list((tmp_path / "out" / ".training").glob("checkpoint-*"))


@pytest.mark.parametrize("kind", ["gpu", "cpu", "python"])
def test_too_little_memory_is_one_message(trained, monkeypatch, kind):
    faults = {
        "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nand more"),
        "cpu": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        "python": MemoryError(),
    }

    def full(*given):
        raise faults[kind]

    monkeypatch.setattr(loop.module, "apply_update", full)
    ended(trained, "a batch of 16 pairs of answers does not fit in memory at step 1 .*batch_size")


def test_other_faults_are_not_taken_for_a_lack_of_memory(trained, monkeypatch):
    def broken(*given):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(loop.module, "apply_update", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        trained(**FEW)


def test_rewards_that_never_differ_end_it(trained, monkeypatch):
    rewarder = Lazy("workbench.correction_training.rewards")
    import numpy as np

    monkeypatch.setattr(
        rewarder.module.Rewarder, "rewards", lambda self, problems, samples: np.ones(len(samples))
    )
    ended(
        trained,
        "equal rewards for 3 steps in a row, up to step 3 .*1.000 for first answers.*nothing can "
        "be learnt.*the checkpoint of step 2 is kept",
        patience=3,
    )


def test_problems_held_out_are_never_drawn_for_training(trained, monkeypatch, tmp_path):
    drawn = []
    whole = loop.draw_attempts

    def watched(policy, problems, *given):
        drawn.extend(one.digest for one in problems)
        return whole(policy, problems, *given)

    monkeypatch.setattr(loop.module, "draw_attempts", watched)
    out, found = trained(**FEW)
    rows = [line.split(",") for line in (out / "split.csv").read_text().splitlines()[1:]]
    held = {row[3] for row in rows if row[0] == "held_out"}
    assert len(held) == found["counts"]["held_out"] == 45
    assert drawn
    assert not held & set(drawn)
    assert json.loads((out / "training.json").read_text())["counts"]["train"] == 855
