"""Whether clusters of behaviour tell right programs from wrong ones."""

from itertools import combinations, product

import numpy as np
import pytest

from workbench import load_run
from workbench.analysis.tables.behaviour import told_apart


@pytest.fixture(scope="module")
def run(of_programs):
    return load_run(of_programs)


def test_pairs_are_counted_as_one_would_count_them():
    rng = np.random.default_rng(0)
    for _ in range(20):
        clusters = rng.integers(-1, 4, size=12)
        correct = rng.choice([0.0, 1.0, np.nan], size=12)
        found = told_apart(clusters, correct, np.zeros((12, 1), np.int64))
        voters = [i for i in range(12) if clusters[i] >= 0]
        right, wrong = ([i for i in voters if correct[i] == one] for one in (1, 0))
        joined = [clusters[i] == clusters[j] for i, j in product(right, wrong)]
        split = [clusters[i] != clusters[j] for i, j in combinations(right, 2)]
        mixed = {clusters[i] for i in right} & {clusters[i] for i in wrong}
        assert found["mixed"] == len(mixed)
        assert found["unanswered"] == 12 - len(voters)
        for name, pairs in (("joined", joined), ("split", split)):
            expected = np.mean(pairs) if pairs else np.nan
            assert found[name] == pytest.approx(expected, nan_ok=True)


def test_calls_that_tell_programs_apart_are_counted():
    outputs = np.array([[0, 0, 0, -1], [0, 1, -1, -1], [0, 1, 0, -1]])
    found = told_apart(np.array([0, 1, 2]), np.ones(3), outputs)
    assert (found["calls"], found["telling_calls"]) == (4, 1)
    assert found["outputs"] == pytest.approx((1 + 2 + 1 + 0) / 4)
    assert np.isnan(told_apart(np.array([0]), np.ones(1), np.zeros((1, 0), np.int64))["outputs"])


def test_the_table_of_a_run_by_hand(run):
    table = run.table("behaviour").set_index("problem_id")
    double, first = table.loc["double"], table.loc["first"]
    # 2n, n + n; n * n, n ** 2; what does not parse; what raises
    assert (double["programs"], double["unanswered"], double["clusters"]) == (6, 1, 3)
    assert double["calls"] == double["telling_calls"] > 1
    assert double[["joined", "split", "mixed"]].tolist() == [0, 0, 0]
    # no call: right and wrong ones are one cluster
    assert (first["calls"], first["clusters"], first["mixed"], first["joined"]) == (0, 1, 1, 1)


def test_the_sentences_say_what_the_clusters_are_worth(run):
    notes = run.notes("behaviour")
    assert (
        "1 of 2 problems have no call, as their examples and visible tests hold none: nothing "
        "tells their programs apart (first: first)" in notes
    )
    assert any(note.startswith("50.0% of pairs of a right and a wrong program") for note in notes)
    assert any(note.startswith("0.0% of pairs of right programs are in two") for note in notes)


def test_the_statuses_are_outcomes(run):
    (row,) = run.table("statuses").to_dict("records")
    assert row["samples"] == 12
    counted = {name: row[name] for name in ("passed", "failed", "exception", "syntax", "no_answer")}
    assert counted == {"passed": 4, "failed": 4, "exception": 1, "syntax": 1, "no_answer": 2}
    assert {"answered", "rule:boxed", "ungraded", "memory"}.isdisjoint(row)
    assert row["rule:continued"] == 10
    assert row["share_passed"] == pytest.approx((2 / 6 + (1 + 0.5 + 1) / 6) / 2)


def test_pools_hold_outputs_and_their_agreement(run):
    pool = run.pool("double", 1.0)
    assert pool.outputs.shape == (6, len(run.read("calls").query("problem_id == 'double'")))
    assert pool.agreement[0, 1] == 1
    assert pool.agreement[0, 5] == 0
    assert pool.agreement[0, 2] < 1
    assert pool.clusters.tolist()[4] == -1
    assert pool.answers[4] is None
    assert pool.answers[0] == pool.answers[1] != pool.answers[2]


def test_a_run_of_other_answers_has_no_rows(finished):
    from workbench.analysis.frames import Data
    from workbench.analysis.tables import make_table

    table = make_table("behaviour", Data(load_run(finished[1])))
    assert table.frame.empty
    assert table.notes == ("answers are no programs: nothing is called",)
