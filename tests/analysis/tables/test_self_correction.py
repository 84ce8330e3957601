"""Two turns by hand: six pairs of two problems, of which one cannot be judged."""

import numpy as np
import pytest

from workbench.analysis.tables import make_table
from workbench.analysis.turn_pairs import edit_ratio

BOX = r"\boxed{%s}"
A, B = BOX % 7, BOX % 8
FIRSTS = [[(A, 3), (B, 3), (B, 3)], [(B + "...", 3), (A, 3), (None, 0)]]
SECONDS = [[(A, 5), (A, 5), ("so " + B, 5)], [(B, 5), (B, 5), (A, 5)]]
TABLES = ("self_correction", "edit_distances", "sequential_against_parallel")


@pytest.fixture(scope="module")
def data(two_turns):
    return two_turns(["7", "7"], FIRSTS, SECONDS, TABLES)


@pytest.fixture(scope="module")
def row(data):
    (only,) = make_table("self_correction", data).frame.to_dict("records")
    return only


def test_shares_are_of_all_pairs(row):
    # right before and after: A->A; wrong to right: B->A; wrong twice: B->so B, B...->B; lost: A->B
    expected = {
        "first": "T1", "problems": 2, "pairs": 5, "accuracy@t1": 2 / 5, "accuracy@t2": 2 / 5,
        "delta": 0.0, "i_to_c": 1 / 5, "c_to_i": 1 / 5, "stays_right": 1 / 5, "stays_wrong": 2 / 5,
        "unchanged": 1 / 5, "changed_answer": 2 / 5,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_edit_distances_are_means_of_each_outcome(row):
    length = len(A)
    one = 1 / (2 * length)
    assert row["edit_i_to_c"] == pytest.approx(one)
    assert row["edit_c_to_i"] == pytest.approx(one)
    assert row["edit_stays_right"] == 0
    both = (3 / (2 * length + 3), 3 / (2 * length + 3))  # "so " before it, "..." behind it
    assert row["edit_stays_wrong"] == pytest.approx(np.mean(both))
    assert row["edit_distance"] == pytest.approx(np.mean([one, one, 0, *both]))


def test_what_is_left_out_is_counted(data):
    notes = " ".join(make_table("self_correction", data).notes)
    assert "1 of 6 pairs (1 of them could not be drawn)" in notes
    assert "1 of 5 first answers were cut" in notes


def test_the_histogram_counts_every_judged_pair_once(data):
    frame = make_table("edit_distances", data).frame
    assert frame.groupby("outcome")["pairs"].sum().to_dict() == {
        "i_to_c": 1, "c_to_i": 1, "stays_right": 1, "stays_wrong": 2,
    }  # fmt: skip
    assert frame.groupby("outcome")["share"].sum().to_numpy() == pytest.approx(1)
    there = frame[frame["pairs"] > 0].set_index("outcome")
    assert there.loc["stays_right", "low"] == 0
    assert there.loc["i_to_c", "low"] == pytest.approx(0.05)  # 1 / 18


@pytest.mark.parametrize("seed", range(3))
def test_delta_is_what_became_right_less_what_became_wrong(two_turns, seed):
    rng = np.random.default_rng(seed)
    texts = np.array([A, B, "no idea"])
    drawn = [[[(str(t), 2) for t in rng.choice(texts, n)] for _ in range(12)] for n in (4, 8)]
    found = two_turns(["7"] * 12, *drawn, TABLES)
    (row,) = make_table("self_correction", found).frame.to_dict("records")
    assert row["delta"] == pytest.approx(row["i_to_c"] - row["c_to_i"])
    assert row["delta"] == pytest.approx(row["accuracy@t2"] - row["accuracy@t1"])
    total = sum(row[name] for name in ("i_to_c", "c_to_i", "stays_right", "stays_wrong"))
    assert total == pytest.approx(1)
    assert row["delta_low"] <= row["delta"] <= row["delta_high"]
    assert 0 < row["delta_p"] <= 1
    firsts, seconds = drawn
    right1 = np.mean([text == A for texts in firsts for text, _ in texts])
    right2 = np.mean([text == A for texts in seconds for text, _ in texts])
    assert (row["accuracy@t1"], row["accuracy@t2"]) == pytest.approx((right1, right2))


def test_a_line_of_all_conditions_leaves_greedy_ones_out(cli, experiment, tmp_path):
    from workbench import load_run
    from workbench.analysis.frames import Data

    path = experiment(generation__turns=2)
    cli.must("run", path, "--out", tmp_path / "run", tables=TABLES)
    frame = make_table("self_correction", Data(load_run(tmp_path / "run"))).frame
    rows = frame.set_index("first")
    assert list(rows.index) == ["T0", "T0.3", "T1", "all"]
    assert rows.loc["all", "pairs"] == rows.loc[["T0.3", "T1"], "pairs"].sum()
    assert rows.loc["all", "accuracy@t2"] == pytest.approx(
        rows.loc[["T0.3", "T1"], "accuracy@t2"].mean()
    )


def test_runs_without_a_second_turn_say_so(finished):
    from workbench import load_run
    from workbench.analysis.frames import Data

    data = Data(load_run(finished[1]))
    for name in TABLES:
        table = make_table(name, data)
        assert table.frame.empty
        assert table.notes[0] == "there are no second answers: set generation.turns to 2"


@pytest.mark.parametrize(
    ("first", "second", "by", "expected"),
    [
        ("kitten", "sitting", "total", 3 / 13),  # the textbook's example
        ("kitten", "sitting", "longer", 3 / 7),
        ("ab", "cd", "total", 0.5),  # nothing in common
        ("ab", "cd", "longer", 1.0),
        ("", "abc", "total", 1.0),
        ("", "", "longer", 0.0),
    ],
)
def test_edit_ratios_by_hand(first, second, by, expected):
    assert edit_ratio(first, second, by) == pytest.approx(expected)
    assert edit_ratio(second, first, by) == pytest.approx(expected)
