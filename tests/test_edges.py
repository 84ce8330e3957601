"""Runs in which little or nothing varies: what can be shown is shown, the rest says why not."""

import numpy as np
import pytest

import workbench as wb
from workbench.analysis.tables import TABLES

RIGHT, WRONG = r"It is \boxed{7}.", r"No: it is \boxed{8}."


def run_of(hand_made, text, problems):
    samples = [(text + " x" * i, -0.1 * (i + 1), "stop") for i in range(4)]
    return wb.load_run(
        hand_made(["7"] * problems, [samples] * problems, measure__k=[2, 4], tables=True)
    )


@pytest.mark.parametrize(("text", "accuracy"), [(RIGHT, 1.0), (WRONG, 0.0)])
def test_all_right_or_all_wrong(hand_made, text, accuracy):
    run = run_of(hand_made, text, problems=12)
    assert set(run.tables) == set(TABLES)
    row = run.table("accuracy_by_k_temperature").iloc[0]
    for name in ("maj_correct", "best_correct", "coverage", "single_sample"):
        assert (row[name], row[f"{name}_low"], row[f"{name}_high"]) == (accuracy,) * 3
    assert row["maj_correct_p"] == 1  # nothing differs from a single sample
    assert "pool" not in row  # one temperature: nothing is mixed
    found = run.table("correlation")
    assert found["coverage"].isna().all()  # what does not vary is not correlated
    assert found["coverage_p"].isna().all()
    assert (run.table("oracle_gap")["maj_correct"] == 0).all()
    assert (run.table("coverage_curve")["pass@k"] == accuracy).all()
    pruned = run.table("pruning")
    np.testing.assert_allclose(pruned["accuracy"], accuracy, atol=1e-12)
    np.testing.assert_allclose(pruned["difference"].dropna(), 0, atol=1e-12)
    assert run.table("diversity_by_correctness").empty
    text = (run.root / "tables" / "diversity_by_correctness.md").read_text()
    assert "no pool has 2 right and 2 wrong samples" in text


def test_one_problem_has_values_and_no_intervals(hand_made):
    run = run_of(hand_made, RIGHT, problems=1)
    assert set(run.tables) == set(TABLES)
    frame = run.table("accuracy_by_k_temperature")
    assert (frame["maj_correct"] == 1).all()
    bounds = [name for name in frame if name.endswith(("_low", "_high", "_p", "_q"))]
    assert frame[bounds].isna().to_numpy().all()
    notes = (run.root / "tables" / "accuracy_by_k_temperature.md").read_text()
    assert "no intervals: 1 problems are fewer than 10" in notes
    assert "*" not in notes.split("\n\n")[1]


def test_nine_problems_are_too_few_and_ten_are_enough(hand_made):
    samples = [[(RIGHT, -0.1, "stop"), (WRONG, -0.2, "stop")], [(WRONG, -0.1, "stop")] * 2]
    for problems in (9, 10):
        pools = [samples[i % 2] for i in range(problems)]
        run = wb.load_run(hand_made(["7"] * problems, pools))
        frame = run.table("accuracy_by_temperature")
        assert frame["coverage"].iloc[0] == pytest.approx((problems + 1) // 2 / problems)
        assert np.isnan(frame["coverage_low"].iloc[0]) == (problems < 10)
        assert np.isnan(frame["coverage_p"].iloc[0]) == (problems < 10)
