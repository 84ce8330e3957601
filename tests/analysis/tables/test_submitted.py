"""Several submitted answers, against the plain rule on every subset that was drawn."""

import json
from functools import cache

import numpy as np
import pytest

from tests.analysis.aggregate.vote_rules import best_answers
from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.tables import make_table


def by_hand(run, pool_of, temperature, k, count, threshold=0.15):
    """Mean over problems of the mean over subsets: is one of ``count`` answers right?"""
    rows = run.subsets[(run.subsets["temperature"] == temperature) & (run.subsets["k"] == k)]
    means = []
    for problem, part in rows.groupby("problem_id"):
        pool = pool_of(problem, temperature)
        rewards, found = pool.rewards["likelihood"], []
        for members in part["members"]:
            picks = best_answers(pool.clusters[members], rewards[members], threshold, count)
            found.append(any(pool.correct[members[place]] == 1 for place in picks))
        means.append(np.mean(found))
    return np.mean(means)


def test_every_value_is_that_of_the_plain_rule(finished):
    run = load_run(finished[1])
    pool_of = cache(run.pool)  # which reads a file
    table = make_table("submitted", Data(run))
    assert {*table.frame["k"]} == {2, 4}
    for row in table.frame.to_dict("records"):
        for count in (1, 2, 4):
            expected = by_hand(run, pool_of, row["temperature"], row["k"], count)
            assert row[f"drawn_answers@{count}"] == pytest.approx(expected)
        assert row["drawn_answers@1"] <= row["drawn_answers@2"] <= row["drawn_answers@4"]
        assert row["handed_in"] <= min(4, row["k"])
    # at k = 2 every answer has half of the votes or all of them, so that two are all there are
    two = table.frame[table.frame["k"] == 2]
    drawn = run.subsets[run.subsets["k"] == 2].groupby(["temperature", "problem_id"])["coverage"]
    drawn = drawn.mean().groupby("temperature").mean().astype(float)
    np.testing.assert_allclose(two["drawn_answers@2"], drawn)
    exact = run.table("coverage_curve").set_index(["temperature", "k"])["pass@k"]
    for row in table.frame.to_dict("records"):
        assert row["coverage"] == pytest.approx(exact[row["temperature"], row["k"]], abs=1e-12)
        assert 0 < row["drawn_answers@2_error"] < 0.1
    assert (table.frame["drawn_answers@2"] > table.frame["drawn_answers@1"]).any()
    assert any("no closed form" in note for note in table.notes)


def test_the_settings_decide(cli, copied):
    path, folder = copied
    sets = ("--set", "selection.threshold=0.6", "--set", "selection.submitted=[3, 1]")
    cli.must("run", path, "--out", folder, *sets, tables=["submitted"])
    run = load_run(folder)
    pool_of = cache(run.pool)
    frame = run.table("submitted")
    assert [c for c in frame if c.startswith("drawn_answers@") and c[-1].isdigit()] == [
        "drawn_answers@1", "drawn_answers@3",
    ]  # fmt: skip
    for row in frame.to_dict("records"):
        for count in (1, 3):
            expected = by_hand(run, pool_of, row["temperature"], row["k"], count, 0.6)
            assert row[f"drawn_answers@{count}"] == pytest.approx(expected)


def test_without_a_reward_it_says_so(cli, copied):
    path, folder = copied
    sets = ("--set", "selection.reward=null", "--set", "selection.aggregators=[maj]")
    cli.must("run", path, "--out", folder, *sets, tables=["submitted"])
    assert load_run(folder).table("submitted").empty
    assert "set selection.reward" in (folder / "tables" / "submitted.md").read_text()


def test_a_subset_with_a_sample_of_unknown_correctness_is_left_out_of_every_column(cli, hand_made):
    sure = [
        ("The answer is \\boxed{1}.", -0.5, "stop"),
        ("The answer is \\boxed{2}.", -1.0, "stop"),
    ]
    lost = [("The answer is \\boxed{2}.", -1.0, "stop"), ("", 0.0, "error")]
    folder = hand_made(["1", "1"], [sure, lost], measure__metrics=[], measure__k=[2],
                       tables=["submitted"])  # fmt: skip
    frame = load_run(folder).table("submitted")
    (row,) = frame.to_dict("records")
    assert json.loads((folder / "manifest.json").read_text())["stages"]["analyze"]
    # of the second problem's one pair a sample failed: the first problem's pair is left
    assert (row["drawn_answers@1"], row["coverage"], row["handed_in"]) == (1.0, 1.0, 2.0)
