"""Other tools' files through the whole command line: in, out, and back to the same tables."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from workbench.interchange.writers import EXPORTS
from workbench.saved_run import Run
from workbench.storage.parquet import KEY

ROOT = Path(__file__).parents[1]
FILES = Path(__file__).parent / "files"
QUIET = ["--set", "tracking.mode=disabled", "--set", "analysis.resamples=100"]
LIGHT = {"metrics": ["avg_log_prob", "num_tokens", "distinct_3", "distinct_texts"],
         "aggregators": ["maj", "best", "weighted", "lex_mbr"]}  # fmt: skip


def as_in(run):
    """Settings that make an import be looked at as a run was."""
    experiment = yaml.safe_load((run.root / "experiment.yaml").read_text())
    wanted = {"measure": ("k", "replicates", "seed", "metrics"), "selection": ("aggregators",),
              "analysis": ("resamples",)}  # fmt: skip
    found = []
    for section, keys in wanted.items():
        for key in keys:
            found += ["--set", f"{section}.{key}={json.dumps(experiment[section][key])}"]
    return found


def same_tables(one, other):
    """Compare all tables, but for the rules that answers were found by, which are not kept."""
    assert one.tables == other.tables
    for name in one.tables:
        left, right = one.table(name), other.table(name)
        if name == "statuses":
            left, right = (t[[c for c in t if "rule:" not in c]] for t in (left, right))
        pd.testing.assert_frame_equal(left, right, rtol=0, atol=1e-12, check_dtype=False, obj=name)


def there_and_back(cli, run, name, home):
    """Export a run and import what came of it; returns the new run."""
    said = cli.must("export", run.root, "--to", name, "--out", home / "out").out
    back = said.splitlines()[-1].split()
    assert back[:3] == ["back", "workbench", "import"]
    options = ["--out", home / "run", *back[6:], *as_in(run), "--set", "tracking.mode=disabled"]
    said = cli.must("import", home / "out", *options).out
    assert "the one sample at temperature 0 is a baseline, not a pool" in said
    return Run(home / "run")


@pytest.mark.parametrize("name", EXPORTS)
def test_a_make_believe_run_comes_back_with_the_same_scores(cli, finished, tmp_path, name):
    run, back = Run(finished[1]), there_and_back(cli, Run(finished[1]), name, tmp_path)
    cli.must("score", back.root)
    kept = [*KEY, "completion", "stop_reason", "mean_logprob"]
    pd.testing.assert_frame_equal(back.samples[kept], run.samples[kept])
    kept = [*KEY, "answer", "answer_cluster", "correct", "reward_likelihood"]
    pd.testing.assert_frame_equal(back.scores[kept], run.scores[kept], rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def reference(cli, tmp_path_factory):
    """The reference run, as it is without embeddings."""
    root = tmp_path_factory.mktemp("reference") / "run"
    shutil.copytree(ROOT / "results" / "reference", root)
    shutil.rmtree(root / "tables")
    options = [*QUIET, "--set", "measure.replicates=5",
               "--set", f"measure.metrics={json.dumps(LIGHT['metrics'])}",
               "--set", f"selection.aggregators={json.dumps(LIGHT['aggregators'])}"]  # fmt: skip
    for stage in ("score", "measure", "analyze"):
        cli.must(stage, root, *options, tables=True)
    return Run(root)


NOT_KEPT = {
    "samples": {"token_logprobs", "output_token_ids", "prompt_hash", "seed"},
    "scores": {"answer_rule"},
    "problems": {"metadata"},
}  # fmt: skip
"""Columns that not every format has a place for; no table but ``statuses`` is made of them."""


@pytest.mark.parametrize("name", EXPORTS)
def test_the_reference_run_comes_back_with_the_same_rows_and_tables(cli, reference, tmp_path, name):
    """Tables are made of these rows alone, so that those of one format stand for all."""
    back = there_and_back(cli, reference, name, tmp_path)
    cli.must("run" if name == "lm-eval" else "score", back.root, tables=True)
    for rows, lost in NOT_KEPT.items():
        left, right = (getattr(run, rows).drop(columns=[*lost]) for run in (reference, back))
        pd.testing.assert_frame_equal(left, right, rtol=0, atol=1e-12, obj=rows)
    if name == "lm-eval":
        same_tables(reference, back)
        assert {"accuracy_by_k_temperature", "coverage_curve", "correlation"} <= set(back.tables)


def test_a_real_inspect_log_becomes_a_run(cli, tmp_path):
    root = tmp_path / "run"
    path = next((FILES / "inspect").glob("*_sums_*"))
    said = cli.must("import", path, "--out", root, *QUIET, "--compare", "integer",
                    "--set", "measure.metrics=[distinct_2]").out  # fmt: skip
    assert "imported      24 samples of 6 problems, model hf/SmolLM2-135M-Instruct" in said
    assert "read as       inspect: epochs as samples" in said
    assert "maj" not in said.partition("left out")[2]
    cli.must("run", root, "--set", 'selection.aggregators=["maj"]')
    run = Run(root)
    assert run.table("statuses")["accuracy"].tolist() == [run.scores["correct"].mean()]


def test_a_real_lm_eval_file_has_to_be_asked_for_a_filter(cli, tmp_path):
    path = next((FILES / "lm-eval").glob("*/samples_sums_2*"))
    cli("import", path, "--out", tmp_path / "run").refuses(
        "2 gradings", "'each' (24)", "'first' (24)", "--where graded_by=VALUE"
    )
    cli.must("import", path, "--out", tmp_path / "run", "--where", "graded_by=each", *QUIET)
    cli.must("score", tmp_path / "run")
    scores = Run(tmp_path / "run").scores
    whole = json.loads(path.with_name(path.name.replace("samples_sums", "results")
                                      .replace(".jsonl", ".json")).read_text())  # fmt: skip
    assert scores["correct"].mean() == whole["results"]["sums"]["exact_match,each"]


def test_mixed_models_and_duplicate_epochs_are_named(cli, tmp_path):
    logs = [str(path) for path in (FILES / "inspect").glob("*.eval")]
    cli("import", *logs, "--where", "graded_by=number", "--out", tmp_path / "a").refuses(
        "2 models", "'hf/SmolLM2-135M-Instruct' (24)", "'mockllm/model' (12)"
    )
    one = next((FILES / "inspect").glob("*_sums_*"))
    shutil.copy(one, tmp_path / "again.eval")
    child = cli("import", one, tmp_path / "again.eval", "--out", tmp_path / "b")
    assert child.code == 1
    for words in ("sample 0 of 'sum-1' at temperature 0.7 is also at", one.name,
                  "again.eval, samples/sum-1_epoch_1.json"):  # fmt: skip
        assert words in child.err


def test_completions_with_scores_are_chosen_among_by_them(cli, tmp_path):
    root = tmp_path / "run"
    cli.must("import", FILES / "search-and-learn", "--out", root, *QUIET, "--compare", "integer",
             "--set", "measure.metrics=[distinct_2]", "--set", "measure.k=[4]",
             "--set", "selection.aggregators=[best]")  # fmt: skip
    cli.must("run", root)
    # the best scored completions are the first, by hand: 13 right, 5 right, 14 wrong
    curve = Run(root).table("coverage_curve").set_index("k")
    assert curve.loc[4, "best@k"] == pytest.approx(2 / 3)
