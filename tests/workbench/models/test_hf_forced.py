"""Batches of given completions against one sequence at a time, from the whole of its logits."""

import os
import warnings

import numpy as np
import pytest
from scorio.aggregate import self_certainty

torch = pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of torch and transformers, at import
    from workbench.models import hf_forced as forced


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
def test_a_batch_gives_what_each_sequence_gives_alone(networks, build, size, places, monkeypatch):
    torch.manual_seed(3)
    network = networks[build]().eval()
    rng = np.random.default_rng(5)
    prompts = [rng.integers(0, 60, length).tolist() for length in (12, 1, 5)]
    lengths = [(0, 7), (0, 1), (0, 19), (0, 7), (0, 2), (1, 4), (2, 1), (2, 11)]
    sequences = {
        str(i): (prompts[p], rng.integers(0, 60, n).tolist()) for i, (p, n) in enumerate(lengths)
    }
    monkeypatch.setattr(forced, "LOGITS", places * min(size, 5) * 60)

    found = {n: rest for n, *rest in forced.read_tokens(network, sequences, size, True)}

    assert found.keys() == sequences.keys()
    for name, (prompt, completion) in sequences.items():
        logprobs, entropies, certainty = alone(network, prompt, completion)
        np.testing.assert_allclose(found[name][0], logprobs, atol=2e-5)
        np.testing.assert_allclose(found[name][1], entropies, atol=2e-5)
        np.testing.assert_allclose(np.mean(found[name][2]), certainty, atol=2e-5)
        assert min(found[name][2]) > 0.01
    assert np.std([found[n][0][0] for n in found]) > 0.1  # or there is nothing to tell apart


def test_entropies_are_left_out_where_nobody_asks(networks):
    found = list(forced.read_tokens(networks["rotary"]().eval(), {"a": ([1, 2], [3, 4])}, 8, False))
    assert [tuple(map(len, told)) for told in found] == [(1, 2, 0, 0)]


def test_no_more_logits_are_held_than_there_is_room_for(networks, monkeypatch):
    network = networks["rotary"]().eval()
    shapes = []
    network.lm_head.register_forward_hook(lambda module, given, out: shapes.append(out.shape))
    monkeypatch.setattr(forced, "LOGITS", 2 * 6 * 60)
    sequences = {"a": ([5] * 50, [6] * 20), "b": ([5] * 50, [7] * 9)}
    list(forced.read_tokens(network, sequences, 8, True))
    # the prompt once, at one place, and then six places of both at a time
    assert shapes == [(1, 1, 60), (2, 6, 60), (2, 6, 60), (2, 6, 60), (2, 2, 60)]
