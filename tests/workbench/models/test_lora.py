"""Adapters on a network: nothing changes at first, and which weights are trained."""

import pytest

from tests.lazily import Lazy, needs

needs("torch", "peft")
torch = Lazy("torch")
lora = Lazy("workbench.models.lora")


def test_an_adapter_says_at_first_what_the_network_says(networks):
    network = networks["rotary"]().eval()
    ids = torch.tensor([[3, 4, 5]])
    with torch.no_grad():
        before = network(ids).logits
        adapted = lora.with_adapter(network, 2).eval()
        assert torch.equal(adapted(ids).logits, before)
        trained = {name: one for name, one in adapted.named_parameters() if one.requires_grad}
        assert trained
        assert all("lora" in name for name in trained)
        assert not any("lm_head" in name for name in trained)
        for weight in trained.values():
            weight.add_(0.1)
        assert not torch.equal(adapted(ids).logits, before)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_a_type_that_is_named_is_taken(name):
    assert lora.resolve_dtype(name) == name


def test_on_a_processor_auto_is_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert lora.resolve_dtype("auto") == "float32"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert lora.resolve_dtype("auto") == "bfloat16"
