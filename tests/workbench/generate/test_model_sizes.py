"""What the manifest keeps of the models that samples are drawn from."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

from workbench import load_run
from workbench.config.conditions import conditions_of
from workbench.config.schema import Generation
from workbench.generate.identity import load_groups
from workbench.generate.model_sizes import record_model_sizes
from workbench.storage.manifest import Manifest

CONFIG = {
    "model_type": "llama", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
    "vocab_size": 10, "tie_word_embeddings": True,
}  # fmt: skip


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    names = {"model.embed_tokens": (10, 8), "model.layers.0.self_attn.o_proj": (8, 8)}
    tensors = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in names.items()}
    save_file(tensors, folder / "model.safetensors")
    return folder


def record(tmp_path, **generation):
    settings = Generation(**({"backend": "transformers", "temperatures": (1.0,)} | generation))
    manifest = Manifest(tmp_path / "manifest.json")
    run = SimpleNamespace(manifest=manifest)
    record_model_sizes(run, load_groups(settings, conditions_of(settings)))
    return manifest.data.get("model_sizes")


def test_the_size_is_read_from_the_folder(tmp_path, model):
    found = record(tmp_path, model=str(model))
    assert found[str(model)]["layers"] == 1
    assert found[str(model)]["output_head"] == 80
    assert json.loads((tmp_path / "manifest.json").read_text())["model_sizes"] == found


def test_why_a_size_is_unknown_is_kept_until_it_is_known(tmp_path, model):
    weights = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").unlink()
    assert "holds neither model.safetensors" in record(tmp_path, model=str(model))[str(model)]
    (model / "model.safetensors").write_bytes(weights)
    assert record(tmp_path, model=str(model))[str(model)]["layers"] == 1


def test_models_behind_a_server_and_make_believe_ones_have_none(tmp_path):
    assert record(tmp_path, model="replay", backend="replay") is None


def test_equal_operations_of_two_models_that_were_drawn_from(cli, make_model, experiment, tmp_path):
    small, large = (make_model(tmp_path / f"of-{dim}", head_dim=dim) for dim in (16, 20))
    path = experiment(
        task__num_problems=3, generation__model=str(small), generation__backend="transformers",
        generation__dtype="float32", generation__temperatures=[1.0], generation__n=4,
        generation__grid={"model": ["small", "large"]}, generation__max_tokens=24,
        generation__models={"small": {"model": str(small)}, "large": {"model": str(large)}},
        generation__greedy=False, measure__k=[2], measure__metrics=["num_tokens"],
        selection__aggregators=["maj"],
    )  # fmt: skip
    cli.must("run", path, "--out", tmp_path / "run", tables=["matched_budget"])
    recorded = json.loads((tmp_path / "run" / "manifest.json").read_text())["model_sizes"]
    assert recorded[str(small)]["head_dim"] == 16
    assert recorded[str(large)]["head_dim"] == 20
    table = load_run(tmp_path / "run").table("matched_budget")
    afforded = table[table["budget"] == "GFLOPs"].set_index("model")["afforded"]
    assert afforded["large"] == 2
    assert 2 < afforded["small"] < 4
