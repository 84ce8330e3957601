"""NaN in a file of samples means what null means: no vote, no known answer, no number."""

import json
import math

import pandas as pd
import pytest

from workbench.saved_run import Run

QUIET = ["--set", "tracking.mode=disabled", "--set", "analysis.resamples=100"]


def imported(cli, folder, rows, *options):
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = cli.must("import", folder / "rows.jsonl", "--out", folder / "run", *QUIET, *options).out
    cli.must("run", folder / "run", tables=())
    return Run(folder / "run"), said


@pytest.mark.parametrize("missing", [math.nan, None], ids=["nan", "null"])
def test_an_answer_that_is_missing_has_no_vote(cli, tmp_path, missing):
    answers = [8, 8, missing, missing, missing]
    rows = [
        {"problem_id": f"p{p}", "gold": 8, "temperature": 0.7, "text": f"t{p} {i}", "answer": a}
        for p in range(4) for i, a in enumerate(answers)
    ]  # fmt: skip
    metrics = ["--set", "measure.metrics=[distinct_texts]", "--set", "selection.aggregators=[maj]"]
    run, _ = imported(cli, tmp_path / "a", rows, *metrics, "--set", "measure.k=[5]")
    assert run.table("accuracy_by_k_temperature")["maj_correct"].tolist() == [1.0]
    assert run.scores["answer"].isna().sum() == 12
    assert (run.scores["status"] == "no_answer").sum() == 12


@pytest.mark.parametrize("missing", [math.nan, None], ids=["nan", "null"])
def test_a_known_answer_that_is_missing_leaves_correctness_unknown(cli, tmp_path, missing):
    rows = [
        {"problem_id": f"p{p}", "problem": f"What {p}?", "gold": missing, "temperature": 0.7,
         "text": f"The answer is {9 - i}."}
        for p in range(2) for i in range(2)
    ]  # fmt: skip
    run, said = imported(cli, tmp_path / "a", rows, "--set", "measure.metrics=[distinct_texts]")
    assert "known answers of 0 problems" in said
    assert "unknown       4 samples have neither correctness nor known answer" in said
    assert run.scores["correct"].isna().all()
    assert run.problems["gold"].isna().all()


def test_rows_of_pandas_with_gaps_come_as_they_are(cli, tmp_path):
    frame = pd.DataFrame(
        {
            "problem_id": ["a", "a", "b", "b"],
            "text": ["1", "2", "3", "4"],
            "gold": [1, None, 3, None],  # a column of floats, in which None is NaN
            "answer": ["1", None, "3", None],
            "temperature": [0.5] * 4,
            "correct": [1.0, None, 1.0, 0.0],
            "reward": [0.25, None, 0.5, None],
        }
    )
    (tmp_path / "a").mkdir()
    frame.to_parquet(tmp_path / "a" / "rows.parquet")
    cli.must("import", tmp_path / "a" / "rows.parquet", "--out", tmp_path / "a" / "run", *QUIET)
    cli.must("score", tmp_path / "a" / "run")
    run = Run(tmp_path / "a" / "run")
    assert run.problems["gold"].tolist() == ["1.0", "3.0"]
    assert [None if pd.isna(a) else a for a in run.scores["answer"]] == ["1", None, "3", None]
