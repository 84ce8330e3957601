"""The problems that changed most, by hand."""

import pandas as pd
import pytest

from workbench.analysis.compare.conditions import SINGLE, Pair
from workbench.analysis.compare.flips import MOST_ROWS, WORDS, flips
from workbench.analysis.compare.runs import compare

RIGHT, WRONG, ODD = ((f"The answer is \\boxed{{{number}}}.", -1.0, "stop") for number in (1, 2, 3))


def pair(selection, k, after, before, condition="T1", **more):
    names = [f"p{place}" for place in range(len(after))]
    values, baseline = (pd.Series(part, index=names, dtype=float) for part in (after, before))
    return Pair(condition, k, selection, "base", values, baseline, **more)


def test_the_largest_changes_of_the_majority_come_first():
    pairs = [
        pair("maj", 4, [1.0, 0.5, 0.2, 0.3], [0.2, 0.5, 0.9, 0.1]),
        pair("maj", 2, [0.9] * 4, [0.1] * 4),  # of fewer samples
        pair("coverage", 4, [1.0, 1.0, 0.8, 1.0], [0.7, 1.0, 1.0, 0.6]),
        pair(SINGLE, 1, [0.75, 0.5, 0.25, 0.25], [0.25, 0.5, 0.75, 0.2]),
    ]
    table = flips(pairs, {"p0": "What is\n4 - 1?", "p2": "long " * 40})
    frame = table.frame
    assert frame["problem_id"].tolist() == ["p0", "p2", "p3"]  # p1 does not differ
    assert frame["difference"].tolist() == pytest.approx([0.8, -0.7, 0.2])
    assert frame["flipped"].tolist() == ["to right", "to wrong", ""]
    assert set(frame["k"]) == {4}
    assert frame["coverage_against"].tolist() == [0.7, 1.0, 0.6]
    assert frame["right"].tolist() == [0.75, 0.25, 0.25]
    assert frame["question"][0] == "What is 4 - 1?"
    assert len(frame["question"][1]) == WORDS
    assert "selection" not in frame


def test_of_equal_changes_the_one_with_more_right_samples_comes_first():
    pairs = [
        pair("maj", 2, [0.3, 0.2 + 0.1], [0.2 + 0.1 - 0.1, 0.2]),  # alike but for a rounding
        pair(SINGLE, 1, [0.3, 0.9], [0.2, 0.2]),
    ]
    assert flips(pairs, {}).frame["problem_id"].tolist() == ["p1", "p0"]


def test_single_samples_are_shown_where_no_majority_is_known():
    greedy = pair(SINGLE, 1, [1.0, 0.0], [0.0, 0.0], condition="T0")
    frame = flips([greedy], {}).frame
    assert frame["problem_id"].tolist() == ["p0"]
    assert "maj" not in frame
    voted = pair("maj", 2, [0.5, 0.5], [0.5, 0.4])
    both = flips([greedy, voted], {})
    assert both.frame["condition"].tolist() == ["T1"]  # a single sample is no vote
    assert any("greedy" in note for note in both.notes)


def test_no_change_and_very_many_are_said():
    assert flips([pair("maj", 2, [0.5], [0.5])], {}).notes == ("no problem's majority differs",)
    count = MOST_ROWS + 5
    many = flips([pair("maj", 2, [1.0] * count, [0.0] * count)], {})
    assert len(many.frame) == MOST_ROWS
    assert many.notes[-1] == "the 1,000 largest of 1,005 differences"


def test_flips_of_two_runs_are_the_exact_votes_of_their_samples(hand_made):
    # of four samples two right and two wrong ones of two kinds: all pairs of them are six
    torn = [RIGHT, RIGHT, WRONG, ODD]
    first = hand_made(["1"] * 3, [torn, [RIGHT] * 4, [WRONG] * 4])
    second = hand_made(["1"] * 3, [[WRONG] * 4, [RIGHT] * 4, torn])
    frame = compare([first, second], k=[2])["flips"].frame
    # RR right; RW, RO four times a tie; WO wrong: (1 + 4/2) / 6
    assert frame["problem_id"].tolist() == ["p0", "p2"]
    assert frame["maj_against"].tolist() == pytest.approx([0.5, 0.0])
    assert frame["maj"].tolist() == pytest.approx([0.0, 0.5])
    assert frame["coverage_against"].tolist() == pytest.approx([5 / 6, 0.0])
    assert frame["right"].tolist() == [0.0, 0.5]
    assert frame["question"].tolist() == ["Problem 0?", "Problem 2?"]
