"""Sizes of well-known models, from their settings and the shapes of their weights."""

import json
import struct
import subprocess
import sys

import pytest

from workbench.models.model_size import read_model_size


def write_header(path, shapes, dtype="BF16"):
    """Write a safetensors file that ends after its header."""
    lines = {
        name: {"dtype": dtype, "shape": list(shape), "data_offsets": [0, 0]}
        for name, shape in shapes.items()
    }
    text = json.dumps(lines).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)


def decoder_shapes(config, prefix="model."):
    """The weights of a model that is built as Llama is, with or without experts."""
    hidden, width = config["hidden_size"], config["intermediate_size"]
    heads, shared = config["num_attention_heads"], config["num_key_value_heads"]
    dim = config.get("head_dim") or hidden // heads
    shapes = {
        f"{prefix}embed_tokens.weight": (config["vocab_size"], hidden),
        f"{prefix}norm.weight": (hidden,),
    }
    if not config.get("tie_word_embeddings"):
        shapes["lm_head.weight"] = (config["vocab_size"], hidden)
    for number in range(config["num_hidden_layers"]):
        layer = f"{prefix}layers.{number}."
        shapes |= {
            f"{layer}input_layernorm.weight": (hidden,),
            f"{layer}post_attention_layernorm.weight": (hidden,),
            f"{layer}self_attn.q_proj.weight": (heads * dim, hidden),
            f"{layer}self_attn.k_proj.weight": (shared * dim, hidden),
            f"{layer}self_attn.v_proj.weight": (shared * dim, hidden),
            f"{layer}self_attn.o_proj.weight": (hidden, heads * dim),
        }
        experts = config.get("num_experts", 0)
        if experts:
            shapes[f"{layer}mlp.gate.weight"] = (experts, hidden)
        for place in [f"experts.{n}." for n in range(experts)] or [""]:
            shapes |= {
                f"{layer}mlp.{place}gate_proj.weight": (width, hidden),
                f"{layer}mlp.{place}up_proj.weight": (width, hidden),
                f"{layer}mlp.{place}down_proj.weight": (hidden, width),
            }
    return shapes


MISTRAL = {
    "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "vocab_size": 32000,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "sliding_window": 4096, "tie_word_embeddings": False,
}  # fmt: skip
QWEN_MOE = {
    "model_type": "qwen3_moe", "hidden_size": 2048, "intermediate_size": 768,
    "vocab_size": 151936, "num_hidden_layers": 48, "num_attention_heads": 32,
    "num_key_value_heads": 4, "head_dim": 128, "num_experts": 128, "num_experts_per_tok": 8,
    "use_sliding_window": False, "sliding_window": None, "tie_word_embeddings": False,
}  # fmt: skip
SMALL = {
    "model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "vocab_size": 50,
    "num_hidden_layers": 6, "num_attention_heads": 2, "num_key_value_heads": 1,
    "tie_word_embeddings": False,
}  # fmt: skip


@pytest.fixture
def made(tmp_path):
    """A function that writes a model's folder and reads its size."""

    def make(config, shapes=None, dtype="BF16"):
        (tmp_path / "config.json").write_text(json.dumps(config))
        write_header(tmp_path / "model.safetensors", shapes or decoder_shapes(config), dtype)
        return read_model_size(tmp_path)

    return make


def test_mistral_7b(made):
    size = made(MISTRAL).size
    assert size.parameters == 7_241_732_096  # as its model card says: 7.24 billion
    assert size.output_head == size.input_embedding == 32000 * 4096
    norms = (2 * 32 + 1) * 4096
    assert size.layer_parameters == size.parameters - 2 * 32000 * 4096 - norms
    assert (size.layers, size.attention_heads, size.head_dim) == (32, 32, 128)
    assert (size.local_layers, size.sliding_window) == (32, 4096)


def test_of_qwen3_30b_a3b_each_token_uses_3_billion_parameters(made):
    size = made(QWEN_MOE).size
    assert size.parameters == pytest.approx(30.5e9, rel=2e-3)  # both as its model card says
    used = size.layer_parameters + size.output_head + size.input_embedding
    assert used == pytest.approx(3.3e9, rel=2e-2)
    assert size.local_layers == 0


def test_experts_that_are_stored_as_one_block_count_the_same(made):
    config = QWEN_MOE | {"num_hidden_layers": 2, "num_experts": 6, "num_experts_per_tok": 4}
    apart = made(config).size
    shapes = {k: v for k, v in decoder_shapes(config).items() if ".experts." not in k}
    for layer in range(2):
        shapes[f"model.layers.{layer}.mlp.experts.gate_up_proj"] = (6, 2048, 2 * 768)
        shapes[f"model.layers.{layer}.mlp.experts.gate_up_proj_bias"] = (6, 2 * 768)
        shapes[f"model.layers.{layer}.mlp.experts.down_proj"] = (6, 768, 2048)
    stacked = made(config, shapes).size
    assert stacked.layer_parameters == apart.layer_parameters


@pytest.mark.parametrize("stored", [False, True])
def test_a_tied_embedding_counts_once(made, stored):
    config = SMALL | {"tie_word_embeddings": True}
    shapes = decoder_shapes(config) | ({"lm_head.weight": (50, 8)} if stored else {})
    size = made(config, shapes).size
    assert (size.output_head, size.input_embedding) == (400, 0)
    untied = made(SMALL).size
    assert (untied.output_head, untied.input_embedding) == (400, 400)
    assert untied.parameters == size.parameters + 400


def test_only_the_text_part_of_a_model_of_images_is_multiplied(made):
    shapes = decoder_shapes(SMALL, "model.language_model.")
    shapes["model.vision_tower.layers.0.self_attn.q_proj.weight"] = (70, 70)
    size = made({"model_type": "gemma3", "text_config": SMALL}, shapes).size
    assert size.layer_parameters == made(SMALL).size.layer_parameters
    assert size.parameters == made(SMALL).size.parameters + 4900


@pytest.mark.parametrize(
    ("settings", "local"),
    [
        ({"layer_types": ["sliding_attention"] * 5 + ["full_attention"]}, 5),
        ({"layer_types": ["full_attention"] * 6}, 0),
        ({"model_type": "gemma3_text"}, 5),
        ({"model_type": "gemma3_text", "sliding_window_pattern": 3}, 4),
        ({"model_type": "gemma2"}, 3),
        ({"model_type": "mistral"}, 6),
        ({"model_type": "mistral", "sliding_window": None}, 0),
        ({"model_type": "qwen2", "use_sliding_window": True, "max_window_layers": 4}, 2),
        ({"model_type": "qwen2", "use_sliding_window": False}, 0),
    ],
)
def test_which_layers_have_a_window(made, settings, local):
    size = made(SMALL | {"sliding_window": 32} | settings).size
    assert (size.local_layers, size.sliding_window) == (local, 32 if local else None)


def test_what_is_stored_beside_the_parameters_does_not_count(made):
    plain = made(SMALL).size
    more = {
        "model.layers.0.self_attn.rotary_emb.inv_freq": (4,),
        "model.layers.0.self_attn.bias": (1, 1, 64, 64),
        "model.layers.0.mlp.up_proj.weight_scale_inv": (2, 2),
    }
    assert made(SMALL, decoder_shapes(SMALL) | more).size == plain
    assert made(SMALL, dtype="F8_E4M3").size == plain


def test_layers_that_only_training_used_are_not_multiplied(made):
    shapes = decoder_shapes(SMALL) | {"model.layers.6.eh_proj.weight": (8, 16)}
    size = made(SMALL, shapes).size
    assert size.parameters == made(SMALL).size.parameters + 128
    assert size.layer_parameters == made(SMALL).size.layer_parameters


def test_weights_in_several_files(tmp_path):
    shapes = decoder_shapes(SMALL)
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    write_header(tmp_path / "model.safetensors", shapes)
    whole = read_model_size(tmp_path).size
    (tmp_path / "model.safetensors").rename(tmp_path / "consolidated.safetensors")  # not read
    names = [*shapes]
    parts = {"a.safetensors": names[:9], "b.safetensors": names[9:]}
    index = {name: file for file, part in parts.items() for name in part}
    place = tmp_path / "model.safetensors.index.json"
    place.write_text(json.dumps({"metadata": {}, "weight_map": index}))
    for file, part in parts.items():
        write_header(tmp_path / file, {name: shapes[name] for name in part})
    assert read_model_size(tmp_path).size == whole
    (tmp_path / "b.safetensors").unlink()
    assert "b.safetensors" in read_model_size(tmp_path).unknown


SLIDING = {"sliding_window": 32}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"num_hidden_layers": None}, "does not give num_hidden_layers"),
        ({"num_hidden_layers": 7}, "there are no weights of layer 6"),
        ({"num_attention_heads": [2, 4]}, "gives [2, 4] for num_attention_heads"),
        ({"num_attention_heads": 3}, "a width of 8 cannot be shared by 3 heads"),
        ({"head_dim": 16}, "has the shape (8, 8), where config.json gives heads of 32"),
        ({"kv_lora_rank": 4}, "attends in a compressed space (kv_lora_rank)"),
        ({"is_encoder_decoder": True}, "has an encoder"),
        (SLIDING, "gives a sliding_window of 32, but neither"),
        ({"model_type": "gemma3_text"}, "does not give the sliding_window"),
        (SLIDING | {"use_sliding_window": True}, "does not give max_window_layers"),
        (SLIDING | {"layer_types": ["linear_attention"] * 6}, "of type 'linear_attention'"),
        ({"layer_types": ["full_attention"]}, "gives layer_types ['full_attention'] for 6"),
    ],
)
def test_settings_that_do_not_tell_the_size(made, settings, said):
    reading = made(SMALL | settings, decoder_shapes(SMALL))
    assert reading.size is None
    assert said in reading.unknown


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"model.layers.0.mixer.conv1d.weight": (8, 1, 4)}, "conv1d.weight (8, 1, 4) is used"),
        ({"model.embed_tokens_per_layer.weight": (50, 16)}, "embed_tokens_per_layer.weight"),
        ({"model.layers.0.mlp.experts.0.up.weight": (8, 8)}, "does not give num_experts_per_tok"),
    ],
)
def test_weights_whose_use_is_not_known(made, shapes, said):
    reading = made(SMALL, decoder_shapes(SMALL) | shapes)
    assert reading.size is None
    assert said in reading.unknown


def test_a_mixture_with_fewer_experts_than_it_says(made):
    config = SMALL | {"num_experts": 4, "num_experts_per_tok": 2}
    shapes = {k: v for k, v in decoder_shapes(config).items() if ".experts.3." not in k}
    assert "gives 4 experts, and there are weights of 3" in made(config, shapes).unknown


def test_packed_weights(made):
    assert "quantised" in made(SMALL, dtype="U8").unknown


def test_folders_that_hold_no_model(tmp_path):
    assert "config.json" in read_model_size(tmp_path).unknown
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    assert "neither model.safetensors nor its index" in read_model_size(tmp_path).unknown
    (tmp_path / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0cut")
    assert "cannot be read" in read_model_size(tmp_path).unknown
    (tmp_path / "config.json").write_text("[1")
    assert "config.json" in read_model_size(tmp_path).unknown


def test_no_library_of_models_is_imported(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    write_header(tmp_path / "model.safetensors", decoder_shapes(SMALL))
    code = (
        "import sys; from workbench.models.model_size import read_model_size\n"
        f"assert read_model_size({str(tmp_path)!r}).size\n"
        "print({'torch', 'transformers', 'safetensors'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
