"""Operations as PyTorch counts them while a model runs, against those that are computed.

With torch 2.13 and transformers 5.19 both are equal to the last one; the thousandth that is allowed
is for versions that compute positions by a matrix product.
"""

import os

import numpy as np
import pytest

from tests.lazily import Lazy, needs
from workbench.core.flops import completion_flops, prompt_flops
from workbench.models.locate import resolve_model
from workbench.models.model_size import read_model_size

os.environ.setdefault("HF_HUB_OFFLINE", "1")
needs("torch")
torch, transformers = Lazy("torch"), Lazy("transformers")
flop_counter = Lazy("torch.utils.flop_counter")

SIZES = {
    "vocab_size": 300, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 24, "num_hidden_layers": 3, "eos_token_id": 299,
    "bos_token_id": 1, "pad_token_id": 0,
}  # fmt: skip
EXPERTS = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
GLOBAL, LOCAL = "full_attention", "sliding_attention"
WINDOW = {"layer_types": [LOCAL, GLOBAL, LOCAL], "sliding_window": 16}
RANDOM = {
    "Llama, untied": ("LlamaConfig", {"tie_word_embeddings": False}),
    "Llama, tied": ("LlamaConfig", {"tie_word_embeddings": True}),
    "Gemma 3": ("Gemma3TextConfig", WINDOW | {"use_cache": True}),
    "Mistral": ("MistralConfig", {"sliding_window": 16}),
    "Qwen 3 with experts": ("Qwen3MoeConfig", EXPERTS),
    "GPT-2": (
        "GPT2Config",
        {
            "vocab_size": 300, "n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 128,
            "bos_token_id": 1, "eos_token_id": 299,
        },
    ),
}  # fmt: skip


def loaded(folder):
    """The model as it computes attention by plain matrix products, which alone are counted."""
    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    ).eval()


@pytest.fixture(scope="module", params=RANDOM)
def random_model(request, tmp_path_factory):
    """A tiny random model and the size that is read from its folder."""
    folder = tmp_path_factory.mktemp("random")
    name, settings = RANDOM[request.param]
    sizes = {} if name == "GPT2Config" else SIZES
    config = getattr(transformers, name)(**(sizes | settings))
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    reading = read_model_size(folder)
    assert reading.size is not None, reading.unknown
    network = loaded(folder)
    if "experts" in request.param:
        network.set_experts_implementation("eager")  # grouped products are not counted
    return network, reading.size


@pytest.fixture(scope="module")
def small_model():
    try:
        folder = resolve_model("SmolLM2-135M-Instruct")
    except ValueError as fault:
        pytest.skip(str(fault))
    return loaded(folder), read_model_size(folder).size


def prompt_of(tokens):
    return torch.arange(tokens)[None] % 250 + 3


def counted(call):
    with torch.inference_mode(), flop_counter.FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def drawn(network, prompt, completion):
    """Operations of drawing so many tokens, the likeliest ones, with a cache."""
    tokens = prompt_of(prompt)
    lengths = {"min_new_tokens": completion, "max_new_tokens": completion}

    def draw():
        mask = torch.ones_like(tokens)
        made = network.generate(tokens, attention_mask=mask, do_sample=False, **lengths)
        assert made.shape[1] == prompt + completion

    return counted(draw)


def computed(size, prompt, completion):
    return float(prompt_flops(size, prompt) + completion_flops(size, prompt, completion))


def forward(size, tokens):
    """Operations of one pass that gives logits at all positions."""
    return float(prompt_flops(size, tokens) + 2 * size.output_head * (tokens - 1))


LENGTHS = [(1, 1), (12, 20), (60, 2), (40, 30)]


@pytest.mark.parametrize(("prompt", "completion"), LENGTHS)
def test_random_models_draw(random_model, prompt, completion):
    network, size = random_model
    found = drawn(network, prompt, completion)
    assert computed(size, prompt, completion) == pytest.approx(found, rel=0.001)


def test_random_models_read(random_model):
    network, size = random_model
    found = counted(lambda: network(prompt_of(50)))
    assert forward(size, 50) == pytest.approx(found, rel=0.001)


def test_the_parameters_are_those_of_the_network(random_model):
    network, size = random_model
    assert size.parameters == network.num_parameters()


# Attention is 2, 11 and 28 per cent of the operations.
@pytest.mark.parametrize(("prompt", "completion"), [(60, 24), (400, 6), (1200, 3)])
def test_the_small_model_draws(small_model, prompt, completion):
    network, size = small_model
    found = drawn(network, prompt, completion)
    assert computed(size, prompt, completion) == pytest.approx(found, rel=0.001)


def test_the_small_model_reads(small_model):
    network, size = small_model
    found = counted(lambda: network(prompt_of(300)))
    assert forward(size, 300) == pytest.approx(found, rel=0.001)
    assert size.parameters == network.num_parameters() == 134_515_008


def test_several_samples_of_one_prompt(small_model):
    """In one batch, which reads the prompt once for each."""
    network, size = small_model
    lengths = {"min_new_tokens": 8, "max_new_tokens": 8, "num_return_sequences": 3}
    found = counted(lambda: network.generate(prompt_of(30), do_sample=True, **lengths))
    prompts = np.full(3, 30)
    flops = prompt_flops(size, prompts) + completion_flops(size, prompts, 8)
    assert flops.sum() == pytest.approx(found, rel=0.001)
