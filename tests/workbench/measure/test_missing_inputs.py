import json
from dataclasses import replace

import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.config.schema import Experiment, Generation, Measure, Selection, TaskSettings
from workbench.config.scoring_schema import Scoring
from workbench.measure.missing_inputs import (
    left_out,
    listed,
    metric_needs,
    missing,
    selection_needs,
    without,
)
from workbench.saved_run import Run

ALL = ("avg_log_prob", "num_tokens", "distinct_texts", "cos_sim", "qual_dpp", "answer_entropy")


def experiment(metrics=ALL, rules=("maj", "best", "weighted", "lex_mbr"), reward="likelihood"):
    return Experiment(
        name="x",
        task=TaskSettings(name="arithmetic", num_problems=1),
        generation=Generation(model="m", n=8),
        measure=Measure(metrics=metrics),
        scoring=Scoring(rewards=("likelihood",)),
        selection=Selection(aggregators=rules, reward=reward),
    )


def needs(experiment):
    return metric_needs(experiment.measure) | selection_needs(experiment.selection, AGGREGATORS)


def test_nothing_is_left_out_where_nothing_is_absent():
    assert left_out(needs(experiment()), set()) == {}


@pytest.mark.parametrize(
    ("absent", "names"),
    [
        ({"logprobs"}, ["avg_log_prob", "qual_dpp"]),
        ({"num_tokens"}, ["num_tokens"]),
        ({"clusters"}, ["answer_entropy", "maj", "weighted"]),
        ({"reward_likelihood"}, ["best", "weighted"]),
        ({"reward_given"}, []),
    ],
)
def test_what_needs_it_is_left_out_and_nothing_else(absent, names):
    left = left_out(needs(experiment()), absent)
    assert list(left) == names
    kept = without(experiment(), left)
    assert kept.measure.metrics == tuple(m for m in ALL if m not in names)
    assert set(kept.selection.aggregators) == {"maj", "best", "weighted", "lex_mbr"} - set(names)
    assert left_out(needs(kept), absent) == {}


def test_without_a_chosen_reward_what_uses_one_is_left_out():
    left = left_out(needs(experiment(reward=None)), set())
    assert left == {"best": "no reward", "weighted": "no reward"}


def test_a_quality_that_is_a_reward_needs_that_reward():
    asked = experiment()
    asked = replace(asked, measure=replace(asked.measure, dpp_quality="likelihood"))
    assert list(left_out(needs(asked), {"logprobs"})) == ["avg_log_prob"]
    left = left_out(needs(asked), {"reward_likelihood"})
    assert left["qual_dpp"] == "no sample has the reward likelihood"


def test_reasons_are_listed_once():
    left = left_out(needs(experiment()), {"logprobs", "num_tokens"})
    assert listed(left) == (
        "avg_log_prob, qual_dpp (no log-probabilities); num_tokens (no token counts)"
    )


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_what_the_tables_of_a_run_lack_is_left_out_saying_so(cli, tmp_path):
    rows = [
        {"problem_id": p, "text": f"a long text without an answer, {'ab'[i % 2]}", "gold": "1",
             "temperature": 1.0}
        for p in range(2) for i in range(4)
    ]  # fmt: skip
    root = tmp_path / "run"
    cli.must("import", write(tmp_path / "a.jsonl", rows), "--out", root)
    asked = [
        "--set", "measure.metrics=[avg_log_prob, distinct_texts, seq_entropy]",
        "--set", "selection.aggregators=[maj, best, lex_mbr]", "--set", "tracking.mode=disabled",
    ]  # fmt: skip
    tables = ["correlation", "bucket", "partial_correlation"]
    child = cli.must("run", root, *asked, tables=tables)
    told = "avg_log_prob (no log-probabilities); seq_entropy (no entropies)"
    assert f"measure: left out: {told}" in child.err
    assert "analyze: left out: best (no reward)" in child.err
    run = Run(root)
    assert missing(run.folder, needs(run.experiment), "answer") == {"logprobs", "entropies"}
    assert run.manifest["stages"]["aggregate"]["left_out"]["best"] == "no reward"
    assert {"distinct_texts", "maj_correct", "lex_mbr_correct"} <= set(run.subsets)
    assert not {"avg_log_prob", "seq_entropy", "best_correct"} & set(run.subsets)
    assert run.subsets["abstained"].all()  # nobody answered: that is a result, and maj is wrong
    assert not run.subsets["maj_correct"].any()
    for name in ("accuracy_by_k", "correlation", "bucket", "coverage_curve"):
        notes = (root / "tables" / f"{name}.md").read_text()
        assert "not measured: " in notes
        assert "avg_log_prob (no log-probabilities)" in notes
        assert "num_tokens (no token counts)" in notes  # since the import
    assert (
        "avg_log_prob is not measured: no log-probabilities"
        in (root / "tables" / "partial_correlation.md").read_text()
    )

    again = cli.must("run", root, tables=tables)
    assert "measure: up to date" in again.err
    assert "analyze: up to date" in again.err
    # one more name that is absent: nothing is measured again, but the tables say so
    fewer = ("--set", "measure.metrics=[num_tokens, distinct_texts]")
    child = cli.must("run", root, *fewer, tables=())
    assert "num_tokens (no token counts)" in child.err
    assert Run(root).subsets.shape == run.subsets.shape

    reward = ("--set", "scoring.rewards=[likelihood]", "--set", "selection.reward=likelihood")
    child = cli.must("run", root, *reward, tables=())
    assert "best (no sample has the reward likelihood)" in child.err


def test_one_value_among_many_is_not_absent(cli, tmp_path):
    rows = [
        {"problem_id": p, "text": f"text {i}", "correct": i == 2, "mean_logprob": m}
        for p in range(3) for i, m in enumerate([None, None, -1.0 if p == 2 else None])
    ]  # fmt: skip
    blocks = {"problems_per_block": 1}
    root = tmp_path / "run"
    root.mkdir()
    (root / "manifest.json").write_text(json.dumps(blocks))
    cli.must("import", write(tmp_path / "a.jsonl", rows), "--out", root, "--set", "measure.k=[2]",
             "--set", "measure.metrics=[avg_log_prob]", "--set", "tracking.mode=disabled",
             "--set", "selection.aggregators=[best, lex_mbr]")  # fmt: skip
    cli.must("run", root, tables=["bucket"])
    run = Run(root)
    assert missing(run.folder, needs(run.experiment), "answer") == set()
    assert run.subsets["avg_log_prob"].isna().all()  # every pair holds one without
    assert "avg_log_prob 9" in (root / "tables" / "bucket.md").read_text()  # counted
    assert run.subsets.query("problem_id == '2'")["best_correct"].tolist().count(False) == 1
