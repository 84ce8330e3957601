"""What the tests of steps with a model share: models, and what such a step leaves and tells."""

import warnings

import pandas as pd
import pyarrow.parquet as pq
import pytest

KEY = ["problem_id", "temperature", "sample_index"]
TOLD = """
import time
import workbench.rewards.{module} as module
real = module.Journal.add
def add(self, entry):
    real(self, entry)
    if not isinstance(entry, dict):
        return  # a sample
    time.sleep({seconds})
    with open({path!r}, "a") as file:
        print(entry["text"], file=file)
module.Journal.add = add
"""


@pytest.fixture(scope="session")
def model(make_model, tmp_path_factory):
    """The folder of a random model that reads every text."""
    return make_model(tmp_path_factory.mktemp("model"))


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


@pytest.fixture
def telling(tmp_path):
    """A function: a module, seconds -> code by which its step tells each text, and takes so long.

    It is told to ``told`` in the test's folder, which the workbench knows nothing of.
    """

    def code(module, seconds=0):
        return TOLD.format(module=module, seconds=seconds, path=str(tmp_path / "told"))

    return code


@pytest.fixture(scope="session")
def left_in():
    """A function: a run's folder and a table of it -> its rows by the key of the sample."""

    def read(folder, table):
        paths = sorted((folder / table).glob("*.parquet"))
        frames = [pq.read_table(path).to_pandas() for path in paths]
        return pd.concat(frames).set_index(KEY).sort_index()

    return read
