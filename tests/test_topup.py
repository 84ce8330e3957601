"""What is done again when the experiment changes: only what the change touches."""

import json

import numpy as np
import pandas as pd
import pytest

DERIVED = ("scores", "subsets", "expectations", "mixed", "split", "pruned", "tables")


def times(folder, *names):
    """When each file of some of a run's folders was written, and what it is."""
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ino)
        for name in names
        for path in (folder / name).iterdir()
    }


def seconds(folder):
    """When each stage was started last."""
    stages = json.loads((folder / "manifest.json").read_text())["stages"]
    return {name: (entry["started"], entry["seconds"]) for name, entry in stages.items()}


def drawn(folder):
    """How many samples the last round of sampling drew."""
    return json.loads((folder / "manifest.json").read_text())["stages"]["generate"]["samples_drawn"]


def test_an_unchanged_run_does_nothing(cli, copied):
    path, folder = copied
    before, ran = times(folder, "samples", *DERIVED), seconds(folder)
    child = cli.must("run", path, "--out", folder)
    assert times(folder, "samples", *DERIVED) == before
    assert seconds(folder) == ran
    assert child.err.count("up to date") == 3
    assert "all 204 samples are there" in child.err


@pytest.mark.parametrize(
    ("change", "new", "tables"),
    [
        ("generation.n=11", 12 * 2 * 3, True),  # three more of each pool
        ("generation.temperatures=[0.3, 0.7, 1.0]", 12 * 8, ["pruning"]),  # a new temperature
        ("task.num_problems=15", 3 * 17, ["bucket"]),  # three new, a greedy sample for each
    ],
)
def test_topping_up_draws_what_is_missing_and_touches_nothing_old(
    cli, copied, rows_of, tables_of, tmp_path, change, new, tables
):
    path, folder = copied
    old, shards, before = rows_of(folder), times(folder, "samples"), tables_of(folder)
    cli.must("run", path, "--out", folder, "--set", change, tables=tables)
    now = rows_of(folder)
    assert drawn(folder) == new == len(now) - len(old)
    assert {key: now[key] for key in old} == old
    assert shards.items() <= times(folder, "samples").items()
    # the same as if it had been asked for at once
    cli.must("run", path, "--out", tmp_path / "at-once", "--set", change, tables=tables)
    assert rows_of(tmp_path / "at-once") == now
    for name in tables_of(tmp_path / "at-once"):
        if not (folder / "tables" / name).read_text().strip():
            continue  # empty: there is no dpp, for one
        at_once = pd.read_csv(tmp_path / "at-once" / "tables" / name)
        topped_up = pd.read_csv(folder / "tables" / name)
        pd.testing.assert_frame_equal(topped_up, at_once, rtol=1e-9)  # rows come in another order
    assert tables_of(folder) != before


def test_a_new_metric_is_measured_and_analysed_alone(cli, copied):
    path, folder = copied
    before, ran = times(folder, "samples", "scores"), seconds(folder)
    names = "[avg_log_prob, num_tokens, distinct_2, distinct_texts, num_answers]"
    cli.must("run", path, "--out", folder, "--set", f"measure.metrics={names}",
             tables=["correlation"])  # fmt: skip
    assert times(folder, "samples", "scores") == before
    now = seconds(folder)
    assert {name for name in now if now[name] != ran[name]} == {"measure", "aggregate", "analyze"}
    assert "num_answers" in set(pd.read_csv(folder / "tables" / "correlation.csv")["metric"])


def test_another_analysis_setting_reruns_the_analysis_alone(cli, copied):
    path, folder = copied
    before, ran = times(folder, "samples", "scores", "subsets"), seconds(folder)
    cli.must("run", path, "--out", folder, "--set", "analysis.num_buckets=3", tables=())
    assert times(folder, "samples", "scores", "subsets") == before
    now = seconds(folder)
    assert {name for name in now if now[name] != ran[name]} == {"analyze"}


@pytest.mark.parametrize("stage", ["run", "generate", "score", "measure", "analyze"])
def test_old_samples_are_not_taken_for_those_of_another_setting(cli, copied, rows_of, stage):
    path, folder = copied
    before = rows_of(folder)
    child = cli(stage, path, "--out", folder, "--set", "generation.top_p=0.9")
    assert child.code == 1
    for word in ("top_p", "1.0", "0.9", "--out", "restore", "delete"):
        assert word in child.err
    assert "Traceback" not in child.err
    assert rows_of(folder) == before


def test_other_prompts_under_old_samples_are_refused(cli, copied):
    path, folder = copied
    child = cli("run", path, "--out", folder, "--set", "task.few_shot=2")
    child.refuses("other prompts for 12 of its problems", "problem-0", "--out")


def test_speed_options_are_not_another_setting(cli, copied):
    path, folder = copied
    child = cli.must(
        "run", path, "--out", folder, "--set", "generation.engine.seconds_per_sample=0.001"
    )
    assert "all 204 samples are there" in child.err


def test_a_smaller_n_uses_the_first_samples(cli, copied, rows_of, tables_of, tmp_path):
    path, folder = copied
    old = times(folder, "samples")
    fewer = ("--set", "generation.n=5")
    cli.must("run", path, "--out", folder, *fewer, tables=["pruning", "bucket"])
    assert times(folder, "samples") == old
    cli.must("run", path, "--out", tmp_path / "small", *fewer, tables=["pruning", "bucket"])
    tables = tables_of(tmp_path / "small")
    assert len(tables) == 8
    assert tables.items() <= tables_of(folder).items()


def test_a_mended_gold_answer_is_scored_again_without_sampling(cli, experiment, tmp_path, rows_of):
    def problems(gold):
        lines = [
            {"id": f"p{i}", "problem": f"What is {i} + 1?", "gold": str(i + 1 + gold * (i == 3))}
            for i in range(10)
        ]
        (tmp_path / "p.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    problems(gold=0)
    path = experiment(task__name="math500", task__num_problems=10)
    source = ("--set", f"task.source={tmp_path / 'p.jsonl'}", "--out", tmp_path / "run")
    for stage in ("generate", "score"):
        cli.must(stage, path, *source)
    before, first = rows_of(tmp_path / "run"), accuracies(tmp_path / "run")
    problems(gold=1)  # p3: 5 instead of 4
    for stage in ("generate", "score"):
        cli.must(stage, path, *source)
    assert rows_of(tmp_path / "run") == before
    second = accuracies(tmp_path / "run")
    changed = [name for name in first.index if first[name] != second[name]]
    assert changed == ["p3"]


def accuracies(folder):
    frames = [pd.read_parquet(p) for p in sorted((folder / "scores").glob("*.parquet"))]
    return pd.concat(frames).groupby("problem_id")["is_correct"].mean()


def test_an_unfinished_run_is_scored_and_then_scored_again(cli, experiment, tmp_path):
    path = experiment()
    folder = tmp_path / "run"
    stop = """
import workbench.storage.journal as journal, errno
real = journal.Journal.add
count = iter(range(100))
def add(self, sample):
    if next(count) == 90:
        raise OSError(errno.ENOSPC, "No space left on device")
    real(self, sample)
journal.Journal.add = add
"""
    cli("generate", path, "--out", folder, before=stop).refuses("disk is full")
    for stage in ("score", "measure"):
        cli.must(stage, path, "--out", folder)
    assert len(pd.read_parquet(folder / "scores")) == 90
    cli.must("run", path, "--out", folder, tables=())
    scores = pd.read_parquet(folder / "scores")
    assert len(scores) == 204
    assert np.array_equal(scores.groupby("temperature").size(), [12, 96, 96])
