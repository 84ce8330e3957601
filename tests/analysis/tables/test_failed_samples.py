"""Samples that could not be drawn: of unknown correctness, in scores, subsets and tables."""

import numpy as np
import pytest

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.tables import TABLES
from workbench.analysis.tables.accuracy import accuracy_by_k

RIGHT, WRONG = r"It is \boxed{7}.", r"It is \boxed{8}."


@pytest.fixture(scope="module")
def failed(hand_made):
    """p0 right, failed, wrong; p1 wrong, cut off before an answer, right."""
    return load_run(
        hand_made(
            ["7", "7"],
            [
                [(RIGHT, -0.5, "stop"), ("", 0.0, "error"), (WRONG, -0.1, "stop")],
                [(WRONG, -0.2, "stop"), ("Let us", -0.1, "length"), (RIGHT, -0.3, "length")],
            ],
        )
    )


def test_a_failed_sample_is_unknown_and_not_wrong(failed):
    scores = failed.scores.set_index(["problem_id", "sample_index"])
    assert scores["status"].tolist() == [
        "answered", "error", "answered", "answered", "truncated", "answered",
    ]  # fmt: skip
    assert np.isnan(scores["correct"].astype(float)[("p0", 1)])
    assert not scores.loc[("p1", 1), "correct"]  # cut off without an answer: not correct
    assert scores.loc[("p1", 2), "correct"]  # cut off after its answer
    assert failed.samples["error"].tolist()[1] == "made to fail"


def test_subsets_that_hold_a_failed_sample(failed):
    rows = failed.subsets[failed.subsets["problem_id"] == "p0"]
    by_members = {tuple(sorted(row["members"])): row for row in rows.to_dict("records")}
    with_right, with_wrong, without = by_members[0, 1], by_members[1, 2], by_members[0, 2]
    for row in (with_right, with_wrong):
        assert np.isnan(row["num_correct"])
        for metric in ("avg_log_prob", "num_tokens", "distinct_2", "distinct_texts"):
            assert np.isnan(row[metric])
        # equal utilities: the first drawn is picked, and unknown if that is the failed one
        picked_failed = row["members"][0] == 1
        assert (row["lex_mbr_correct"] is None) == picked_failed
    assert with_right["coverage"] is True  # one right sample decides
    assert with_wrong["coverage"] is None
    assert with_right["maj_correct"] is True
    assert with_wrong["maj_correct"] is False
    assert with_right["best_correct"] is True  # a failed sample has no reward
    assert (without["num_correct"], without["best_correct"]) == (1, False)
    assert without["avg_log_prob"] == pytest.approx(-0.3)


def test_failed_samples_are_counted_under_the_tables_and_bounded_in_the_curves(failed):
    data = Data(failed)
    curve = TABLES["coverage_curve"].make(data)
    frame = curve.frame.set_index("k")
    # p0: one right of the two that are known; of all three, one, or two if the failed one were
    assert frame.loc[1, "pass@k"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert frame.loc[2, "pass@k"] == pytest.approx((1 + 2 / 3) / 2)
    assert frame.loc[2, "pass@k_lower"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert frame.loc[2, "pass@k_upper"] == pytest.approx((1 + 2 / 3) / 2)
    assert frame.loc[3, "pass@k"] == 1.0  # of p1 alone: p0 has no three
    by_k = accuracy_by_k(data)
    left = (
        "1 of 6 samples are of unknown correctness and left out, with the 2 subsets that hold one"
    )
    assert left in curve.notes
    assert left in by_k.notes
    # p0: one right of three, or two; p1: one of three
    extremes = "wrong, and all right: 0.333 to 0.500 at T = 1 (16.7% unknown)"
    assert any(note.endswith(extremes) for note in by_k.notes)
    assert "subsets without a value" not in " ".join(by_k.notes)
    (row,) = failed.table("statuses").to_dict("records")
    assert (row["error"], row["truncated"]) == (1, 1)
    assert row["accuracy"] == pytest.approx((1 / 2 + 1 / 3) / 2)  # of p0's, two are known
