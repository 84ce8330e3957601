"""Policy, reference and draws, with the toy's tiny model."""

import shutil
from dataclasses import replace

import pytest

from tests.lazily import Lazy, needs
from workbench.config.schema import Generation
from workbench.config.training_schema import CorrectionTraining
from workbench.core.types import Prompt, Request

needs("torch", "peft")
torch, transformers = Lazy("torch"), Lazy("transformers")
policies = Lazy("workbench.correction_training.policy")
rollouts = Lazy("workbench.correction_training.rollouts")
backend = Lazy("workbench.generate.transformers")

TURNS = [([5, 6, 7], (20, 0)), ([8], (21, 22, 0)), ([9, 10], ())]


@pytest.fixture
def open_toy(toy_base):
    """A function of settings that opens the toy's model."""

    def make(seed=0, **settings):
        generation = Generation(model=str(toy_base), max_tokens=3)
        return policies.open_policy(generation, CorrectionTraining(**settings), seed)

    return make


def test_a_batch_is_padded_on_both_sides():
    inputs, tokens, mask = policies.padded(TURNS)
    assert inputs["input_ids"].tolist() == [
        [5, 6, 7, 20, 0, 0], [0, 0, 8, 21, 22, 0], [0, 9, 10, 0, 0, 0],
    ]  # fmt: skip
    assert inputs["attention_mask"].tolist() == [
        [1, 1, 1, 1, 1, 0], [0, 0, 1, 1, 1, 1], [0, 1, 1, 0, 0, 0],
    ]  # fmt: skip
    assert inputs["position_ids"].tolist()[1] == [0, 0, 0, 1, 2, 3]
    assert tokens.tolist() == [[20, 0, 0], [21, 22, 0], [0, 0, 0]]
    assert mask.tolist() == [[1, 1, 0], [1, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize("rank", [0, 4])
def test_values_are_those_of_each_answer_alone_and_no_divergence_at_first(open_toy, rank):
    policy = open_toy(rank=rank, precision="float32")
    values, mask = policy.values(TURNS)
    for row, (prompt, answer) in enumerate(TURNS[:2]):
        with torch.no_grad():
            logits = policy.model.network(torch.tensor([[*prompt, *answer]])).logits[0].float()
        logs = torch.log_softmax(logits[len(prompt) - 1 : -1], -1)
        alone = logs.gather(1, torch.tensor(answer)[:, None])[:, 0]
        torch.testing.assert_close(values.logprobs[row, : len(answer)], alone, rtol=0, atol=1e-4)
    assert (values.kl * mask).abs().max() < 1e-5


@pytest.mark.parametrize("rank", [0, 4])
def test_only_the_policy_moves_and_the_reference_stays(open_toy, rank):
    policy = open_toy(rank=rank, precision="float32")
    named = policy.trained()
    assert all("lora" in name for name in named) == bool(rank)
    with torch.no_grad():
        for weight in named.values():
            weight.add_(0.02)
    values, mask = policy.values(TURNS[:2])
    assert (values.kl * mask).sum() > 1e-3
    again, _ = open_toy(rank=rank, precision="float32").values(TURNS[:2])
    assert (again.kl * mask).abs().max() < 1e-5
    assert (values.logprobs - again.logprobs).abs().max() > 1e-3


def test_the_first_weights_of_an_adapter_follow_from_the_seed(open_toy):
    one, same, other = (
        torch.cat([weight.flatten() for weight in open_toy(seed, rank=2).trained().values()])
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_reference_of_another_vocabulary_is_refused(open_toy, model, toy_base, tmp_path):
    words = "training.reference: .* has another vocabulary"
    with pytest.raises(ValueError, match=words):
        open_toy(reference=str(model))
    shutil.copytree(toy_base, tmp_path / "near")  # as many tokens, two of them in other places
    text = (tmp_path / "near" / "tokenizer.json").read_text()
    swapped = text.replace('"0"', '"?!"').replace('"1"', '"0"').replace('"?!"', '"1"')
    assert swapped != text
    (tmp_path / "near" / "tokenizer.json").write_text(swapped)
    with pytest.raises(ValueError, match=words):
        open_toy(reference=str(tmp_path / "near"))
    assert open_toy(reference=str(toy_base)).reference is not None


@pytest.mark.parametrize("rank", [0, 4])
def test_the_folder_it_writes_says_what_it_says(open_toy, tmp_path, rank):
    policy = open_toy(rank=rank, precision="float32")
    with torch.no_grad():
        for weight in policy.trained().values():
            weight.mul_(1.1).add_(0.01)
    values, _ = policy.values(TURNS[:2])
    policy.save(tmp_path)
    again = policies.open_policy(Generation(model=str(tmp_path)), CorrectionTraining(rank=0), 0)
    torch.testing.assert_close(
        again.values(TURNS[:2])[0].logprobs, values.logprobs, rtol=1e-4, atol=1e-4
    )
    assert again.model.ends == policy.model.ends


def request(text, seed):
    prompt = Prompt(messages=({"role": "user", "content": text},))
    return Request(text, 1.0, 0, prompt, text, seed)


def test_prompts_of_many_lengths_in_a_batch_draw_what_the_backend_draws(open_toy, toy_base):
    policy = open_toy(rank=0, precision="float32")
    texts = ["123", "what is 4?", "9", "99 bottles"]
    requests = [request(text, seed) for seed, text in enumerate(texts * 3)]
    drawn = rollouts.draw(policy, requests)
    settings = Generation(model=str(toy_base), backend="transformers", max_tokens=3)
    alone = [next(backend.sample([one], settings)) for one in requests]
    assert [one.output_token_ids for one in drawn.samples] == [
        one.output_token_ids for one in alone
    ]
    assert [one.completion for one in drawn.samples] == [one.completion for one in alone]
    assert {one.stop_reason for one in drawn.samples} >= {"stop"}
    assert [answer for _, answer in drawn.turns] == [one.output_token_ids for one in alone]
    assert drawn.tokens == sum(len(one.output_token_ids) for one in alone)


def test_a_prompt_that_is_too_long_is_no_answer_and_breaks_nothing(open_toy):
    policy = open_toy(rank=0)
    policy = replace(policy, model=replace(policy.model, limit=8))
    drawn = rollouts.draw(policy, [request("123", 1), request("a text of too many letters", 2)])
    assert [one.stop_reason for one in drawn.samples][1] == "error"
    assert len(drawn.turns[1][0]) == 1
    assert drawn.turns[1][1] == ()
    assert drawn.samples[0].output_token_ids
    only = rollouts.draw(policy, [request("a text of too many letters", 2)])
    assert only.samples[0].stop_reason == "error"
