import dataclasses
import json
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workbench import load_run
from workbench.analysis.aggregate.aggregator import Aggregator
from workbench.config.schema import (
    Embedding,
    Experiment,
    Generation,
    Measure,
    Selection,
    TaskSettings,
)
from workbench.measure.missing_inputs import needs_embeddings
from workbench.rewards import REWARDS
from workbench.rewards.hidden_states import encoder_identity

STAGES = ("generate", "score")
SAMPLES = [
    [
        (r"So it is \boxed{1/2}.", -0.5, "stop"),
        (r"\boxed{0.5}", -0.1, "stop"),
        (r"\boxed{0.50}", -0.2, "length"),
        (r"\boxed{3}", -0.2, "stop"),
        ("I give up.", -0.2, "stop"),
        ("Let us first", -0.2, "length"),
        ("", 0.0, "error"),
    ],
    [(r"\boxed{2}", -0.5, "stop")] * 6 + [(r"\boxed{3}", -0.4, "stop")],
]


@pytest.fixture(scope="module")
def run(hand_made):
    return load_run(hand_made(["0.5", "3"], SAMPLES, STAGES))


def test_answers_statuses_and_correctness_by_hand(run):
    scores = run.scores[run.scores["problem_id"] == "p0"]
    assert scores["answer"].tolist()[:4] == ["1/2", "0.5", "0.50", "3"]
    assert scores["answer"].isna().tolist() == [False] * 4 + [True] * 3
    assert scores["answer_rule"].tolist() == ["boxed"] * 4 + ["none"] * 3
    assert scores["status"].tolist() == [
        "answered", "answered", "answered", "answered", "no_answer", "truncated", "error",
    ]  # fmt: skip
    assert scores["correct"].tolist() == [True, True, True, False, False, False, pd.NA]


def test_equal_answers_share_a_cluster_and_silence_has_none(run):
    clusters = run.scores.loc[run.scores["problem_id"] == "p0", "answer_cluster"].tolist()
    assert clusters[0] == clusters[1] == clusters[2] >= 0
    assert clusters[3] not in (clusters[0], -1)
    assert clusters[4:] == [-1, -1, -1]


def test_the_reward_is_the_mean_log_probability(run):
    rewards = run.scores["reward_likelihood"].tolist()[:7]
    np.testing.assert_allclose(rewards, [-0.5, -0.1, -0.2, -0.2, -0.2, -0.2, np.nan], rtol=1e-6)
    assert REWARDS["likelihood"].is_log


def test_a_check_that_times_out_is_unknown_and_not_wrong(cli, experiment, tmp_path):
    """At the level of the stage: the task's check says None."""
    slow = """
from workbench.tasks import TASKS
import dataclasses
task = TASKS["arithmetic"]
def checker(settings):
    plain = task.checker(settings)
    def equal(gold, answer):
        return None if int(answer) % 3 == 0 else plain.equal(gold, answer)
    return dataclasses.replace(plain, equal=equal, quick=None)
TASKS["arithmetic"] = dataclasses.replace(task, checker=checker)
"""
    cli.must("run", experiment(), "--out", tmp_path / "run", before=slow, tables=())
    run = load_run(tmp_path / "run")
    slow_ones = pd.to_numeric(run.scores["answer"]) % 3 == 0
    assert slow_ones.sum() > 20
    assert set(run.scores.loc[slow_ones, "status"]) == {"timeout"}
    assert run.scores.loc[slow_ones, "correct"].isna().all()
    assert run.scores.loc[~slow_ones, "correct"].notna().all()
    # counted, and bounded from above
    table = run.table("statuses")
    assert table["timeout"].sum() == slow_ones.sum()
    curve = run.table("coverage_curve")
    assert (curve["pass@k_upper"] >= curve["pass@k"]).all()
    assert (curve["pass@k_upper"] > curve["pass@k"]).any()


def test_comparisons_beyond_a_problem_s_time_are_counted(cli, hand_made):
    texts = [rf"\boxed{{\frac{{x^{n}+1}}{{2}}}}" for n in (2, 3)]
    samples = [[(text, -0.5, "stop") for text in texts]]
    folder = hand_made([r"\frac{1+x^2}{2}"], samples, stages=("generate",))
    no_time = "import workbench.tasks.answer_checking as checking; checking.SECONDS_PER_PROBLEM = 0"
    child = cli.must("score", folder, before=no_time)
    assert "score: 4 comparisons of answers were not made: each problem has 30 s" in child.err
    scores = load_run(folder).scores
    assert scores["status"].tolist() == ["timeout"] * 2
    assert scores["correct"].isna().all()
    assert len(set(scores["answer_cluster"])) == 2


def test_correctness_is_against_gold_and_not_through_the_cluster(cli, hand_made):
    """math-verify: gold 50% accepts 0.5 as well as 50, which do not equal each other."""
    answers = [(rf"\boxed{{{text}}}", -0.5, "stop") for text in ("0.5", "50", "50", "7")]
    scores = load_run(hand_made([r"50\%"], [answers], STAGES)).scores
    assert scores["correct"].tolist() == [True, True, True, False]
    assert scores["answer_cluster"].nunique() == 3


def test_nan_in_stored_samples_is_refused_and_named(cli, copied):
    path, folder = copied
    shard = folder / "samples" / "block-00000.000.parquet"
    spoil = f"""
from pathlib import Path
import pyarrow as pa
from workbench.storage.parquet import read_table, write_table
path = Path({str(shard)!r})
table = read_table(path)
values = table["mean_logprob"].to_pylist()
values[3] = float("nan")
place = table.schema.get_field_index("mean_logprob")
write_table(path, table.set_column(place, "mean_logprob", pa.array(values, pa.float64())), "x")
"""
    child = cli("score", path, "--out", folder, before=spoil)
    row = pd.read_parquet(shard).iloc[3]
    child.refuses(
        "1 samples have NaN", row["problem_id"], f"sample {row['sample_index']}", "float32"
    )


@pytest.mark.parametrize(
    ("metrics", "rules", "needed"),
    [
        (("distinct_2",), ("maj",), False),
        (("dpp",), ("maj",), True),
        (("cos_sim",), (), True),
        ((), ("sem_mbr",), True),
        ((), ("best:likelihood",), False),
    ],
)
def test_the_encoder_is_loaded_only_where_it_is_needed(metrics, rules, needed):
    def pick(pool, members, reward):
        return 0

    rows = {
        "maj": Aggregator(pick=pick, summary="", needs=("clusters",)),
        "best": Aggregator(pick=pick, summary="", needs=("rewards",)),
        "sem_mbr": Aggregator(pick=pick, summary="", needs=("similarity",)),
    }
    experiment = Experiment(
        name="x",
        task=TaskSettings(name="arithmetic", num_problems=1),
        generation=Generation(model="m"),
    )
    experiment = dataclasses.replace(
        experiment, measure=Measure(metrics=metrics), selection=Selection(aggregators=rules)
    )
    assert needs_embeddings(experiment, rows) == needed


def test_vectors_from_before_a_dtype_could_be_set_still_fit(monkeypatch):
    monkeypatch.setattr("workbench.rewards.hidden_states.model_hash", lambda name: "0123")
    before = {
        "model": "0123", "long_texts": "truncate",
        "sentence-transformers": version("sentence-transformers"),
    }  # fmt: skip
    assert encoder_identity(Embedding(), None) == before
    assert encoder_identity(Embedding(dtype="bfloat16"), None) == before | {"dtype": "bfloat16"}


def test_a_run_without_embeddings_never_loads_the_encoder(finished):
    assert not (finished[1] / "embeddings").exists()


def test_a_killed_stage_goes_on_at_the_next_block(cli, experiment, blocks, tmp_path):
    path, folder = experiment(), tmp_path / "run"
    blocks(folder, 4)
    cli.must("generate", path, "--out", folder)
    stop = """
import os, workbench.score.stage as score
real = score.write_table
def once(path, table, made):
    if path.name == "block-00001.parquet":
        os._exit(9)
    real(path, table, made)
score.write_table = once
"""
    assert cli("score", path, "--out", folder, before=stop).code == 9
    first = folder / "scores" / "block-00000.parquet"
    written = first.stat().st_mtime_ns
    cli.must("score", path, "--out", folder)
    assert first.stat().st_mtime_ns == written
    assert len(list((folder / "scores").glob("*.parquet"))) == 3
    stage = json.loads((folder / "manifest.json").read_text())["stages"]["score"]
    assert (stage["status"], stage["interruptions"]) == ("done", 1)
    assert pq.read_table(folder / "scores").num_rows == 204
