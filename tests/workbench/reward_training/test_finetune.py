"""Fine-tuning with a tiny random model, and once with the small real one."""

import json

import numpy as np
import pytest

from tests.lazily import Lazy, needs
from workbench.models.locate import resolve_model
from workbench.reward_training.options import Training
from workbench.rewards.outcome_prompt import find_verdict_tokens

needs("torch", "peft")
torch, transformers = Lazy("torch"), Lazy("transformers")
finetune = Lazy("workbench.reward_training.finetune")

QUICK = {"epochs": 2, "batch_size": 4, "lr": 0.01}


@pytest.fixture(scope="module")
def judgements(tiny_judge):
    """A function: texts with their correctness -> what is learnt from, and the verdict tokens."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_judge)
    verdict = find_verdict_tokens(tokenizer)

    def make(pairs):
        return [
            finetune.TrainingExample(verdict.prompt(tokenizer, text), right)
            for text, right in pairs
        ]

    return make, verdict


PAIRS = [(f"What is {i} + 1? It is {'more ' * (i % 4)}{i + i % 2}.", i % 3 == 0) for i in range(16)]


def tuned(model, judgements, work, pairs=PAIRS, **changes):
    make, verdict = judgements
    told = []
    items = make(pairs)
    found = finetune.tune(
        str(model), verdict, items, make(pairs[:5]), Training(**QUICK | changes), "float32", work,
        told.append,
    )  # fmt: skip
    return found, told


def weights(found):
    from safetensors.torch import load_file

    return load_file(found.checkpoint / "adapter_model.safetensors")


def test_the_loss_of_a_batch_is_that_of_the_reward_by_hand(tiny_judge, judgements):
    make, verdict = judgements
    items = make(PAIRS[:3])
    items[1] = finetune.TrainingExample(items[1].ids, items[1].right, weight=2.5)
    network = transformers.AutoModelForCausalLM.from_pretrained(tiny_judge).eval()
    losses = []
    for item in items:  # each alone, unpadded
        with torch.inference_mode():
            logits = network(torch.tensor([item.ids])).logits[0, -1]
        chance = torch.softmax(logits[[verdict.plus, verdict.minus]].double(), dim=0)[0].item()
        losses.append(-item.weight * np.log(chance if item.right else 1 - chance))
    trainer = finetune.VerdictTrainer.__new__(finetune.VerdictTrainer)
    trainer.verdict, trainer.hits = verdict, []
    loss, outputs = trainer.compute_loss(network, finetune.collate(items), return_outputs=True)
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-4)
    assert outputs["odds"].shape == (3,)
    assert trainer.hits == []  # counted in training only


def test_padding_is_on_the_left_and_not_counted():
    batch = finetune.collate(
        [finetune.TrainingExample([5, 6, 7], True), finetune.TrainingExample([8], False, 0.5)]
    )
    assert batch["input_ids"].tolist() == [[5, 6, 7], [0, 0, 8]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [0, 0, 1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2], [0, 0, 0]]
    assert batch["right"].tolist() == [1.0, 0.0]
    assert batch["weight"].tolist() == [1.0, 0.5]


def test_sixteen_solutions_are_memorised(tiny_judge, judgements, tmp_path):
    found, told = tuned(tiny_judge, judgements, tmp_path, epochs=40, lr=0.01, batch_size=16)
    losses = [line["loss"] for line in found.curves if "loss" in line]
    assert max(losses[:2]) > 0.3
    assert losses[-1] < 0.01
    assert found.curves[-1]["accuracy"] == 1.0
    assert found.steps == 40 == found.curves[-1]["step"]
    # what was told as it came is what is kept
    kept = {line["step"]: line["loss"] for line in found.curves if "loss" in line}
    assert {line["step"]: line["loss"] for line in told if "loss" in line} == kept
    # and the checkpoint is the one of the smallest validation loss
    seen = {line["step"]: line["validation_loss"] for line in found.curves
            if "validation_loss" in line}  # fmt: skip
    assert found.step == min(seen, key=seen.get)
    assert max(seen) == 40


class Killed(BaseException):
    pass


def test_stopped_in_the_middle_it_ends_as_undisturbed(
    tiny_judge, judgements, tmp_path, monkeypatch, capsys
):
    whole, _ = tuned(tiny_judge, judgements, tmp_path / "whole", epochs=3)
    step = finetune.ProgressCallback.on_step_end

    def stop(self, args, state, control, **unused):
        step(self, args, state, control)
        if state.global_step == 6:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(finetune.ProgressCallback, "on_step_end", stop)
        with pytest.raises(Killed):
            tuned(tiny_judge, judgements, tmp_path / "parts", epochs=3)
    assert (tmp_path / "parts" / "checkpoint-5").is_dir()
    half = tmp_path / "parts" / "checkpoint-7"  # as a kill in the middle of writing leaves it
    half.mkdir()
    (half / "adapter_model.safetensors").write_bytes(b"half")
    (half / "trainer_state.json").write_text('{"global_step": 7, "log_')
    again, late = tuned(tiny_judge, judgements, tmp_path / "parts", epochs=3)
    assert "train: goes on from step 5 of 12" in capsys.readouterr().err
    assert [line["step"] for line in late if "loss" in line] == list(range(6, 13))
    assert again.curves == whole.curves
    assert again.step == whole.step
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(again).items())
    # a training that had ended is not done again
    third, nothing = tuned(tiny_judge, judgements, tmp_path / "parts", epochs=3)
    assert (third, nothing) == (again, [])


def test_seed_and_rank_and_rate_and_steps_matter(tiny_judge, judgements, tmp_path):
    first, _ = tuned(tiny_judge, judgements, tmp_path / "a", max_steps=2)
    assert first.steps == 2
    shape = {tuple(value.shape) for name, value in weights(first).items() if "lora_A" in name}
    assert {size[0] for size in shape} == {16}
    again, _ = tuned(tiny_judge, judgements, tmp_path / "b", max_steps=2)
    assert again.curves == first.curves
    for number, change in enumerate(({"seed": 1}, {"lr": 0.02}, {"rank": 4}, {"batch_size": 8})):
        other, _ = tuned(tiny_judge, judgements, tmp_path / str(number), max_steps=2, **change)
        assert other.curves != first.curves, change


def test_recomputing_activations_changes_nothing(tiny_judge, judgements, tmp_path):
    kept, _ = tuned(tiny_judge, judgements, tmp_path / "a", max_steps=3, recompute=False)
    made, _ = tuned(tiny_judge, judgements, tmp_path / "b", max_steps=3, recompute=True)
    for one, other in zip(kept.curves, made.curves, strict=True):
        assert one == pytest.approx(other, rel=1e-5)


def test_a_training_that_runs_away_is_told(tiny_judge, judgements, tmp_path):
    with pytest.raises(ValueError, match=r"the validation loss is no number.*lower --lr"):
        tuned(tiny_judge, judgements, tmp_path, lr=1e30)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_merged_folder_says_what_the_checkpoint_says(tiny_judge, judgements, tmp_path, dtype):
    from peft import PeftModel

    found, _ = tuned(tiny_judge, judgements, tmp_path / "work")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "left-over.safetensors").write_text("of a process that was killed")
    finetune.merge(str(tiny_judge), found.checkpoint, dtype, tmp_path / "model")
    assert not (tmp_path / "model" / "left-over.safetensors").exists()
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]  # vLLM chooses by it
    merged = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "model", dtype="auto"
    ).eval()
    assert merged.dtype == getattr(torch, dtype)
    base = transformers.AutoModelForCausalLM.from_pretrained(tiny_judge, dtype=torch.float32)
    ids = torch.tensor([judgements[0](PAIRS[:1])[0].ids])
    with torch.inference_mode():
        untrained = base(ids).logits
        expected = PeftModel.from_pretrained(base, found.checkpoint).eval()(ids).logits
        logits = merged(ids).logits.float()
    gained = (expected - untrained).abs().mean().item()
    assert gained > 0.1  # or the training did nothing
    error = (logits - expected).abs().mean().item()
    assert error < (1e-4 if dtype == "float32" else 0.1) * gained


def test_the_log_becomes_a_line_per_step():
    history = [
        {"loss": 0.7, "accuracy": 0.5, "learning_rate": 0.1, "grad_norm": 3, "epoch": 0.5,
         "step": 2},
        {"eval_loss": 0.6, "eval_accuracy": 0.75, "eval_runtime": 9, "epoch": 0.5, "step": 2},
        {"train_runtime": 3, "epoch": 0.5, "step": 2},
    ]  # fmt: skip
    assert finetune.curves(history) == [
        {"step": 2, "epoch": 0.5, "loss": 0.7, "accuracy": 0.5, "learning_rate": 0.1,
         "validation_loss": 0.6, "validation_accuracy": 0.75}
    ]  # fmt: skip
    assert finetune.curves(history[2:]) == []


def test_the_small_real_model_learns_too(judgements, tmp_path):
    """135 million weights: a few steps on two solutions."""
    place = resolve_model("SmolLM2-135M-Instruct")
    found, _ = tuned(place, judgements, tmp_path, pairs=PAIRS[:2], max_steps=5, lr=1e-3, rank=4)
    losses = [line["loss"] for line in found.curves if "loss" in line]
    assert losses[-1] < 0.3 < 0.9 < losses[0]
