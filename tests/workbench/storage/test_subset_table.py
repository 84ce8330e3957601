import numpy as np
import pyarrow as pa

from workbench.storage.subset_table import drawn_subsets, side_by_side


def subsets():
    return pa.table(
        {
            "problem_id": ["p", "p", "p", "q"],
            "condition": ["unknown", "unknown", "unknown", "T0.5"],
            "temperature": pa.array([None, None, None, 0.5]),
            "k": pa.array([2, 2, 1, 2], pa.int32()),
            "replicate": [0, 1, 0, 0],
            "members": [[0, 1], [2, 1], [3], [1, 0]],
            "dpp": [0.1, 0.2, 0.3, 0.4],
        }
    )


def test_subsets_are_found_by_pool_and_size_with_their_rows():
    found = drawn_subsets(subsets())
    assert list(found) == [("p", "unknown"), ("q", "T0.5")]
    assert list(found["p", "unknown"]) == [2, 1]
    np.testing.assert_array_equal(found["p", "unknown"][2].members, [[0, 1], [2, 1]])
    assert found["p", "unknown"][2].rows.tolist() == [0, 1]
    assert found["q", "T0.5"][2].rows.tolist() == [3]
    assert drawn_subsets(subsets().slice(4)) == {}


def test_outcomes_stand_between_the_members_and_the_metrics():
    columns = ["problem_id", "condition", "temperature", "k", "replicate"]
    key = subsets().select(columns)
    outcomes = key.append_column("coverage", pa.array([True, False, None, True]))
    names = [
        "problem_id",
        "condition",
        "temperature",
        "k",
        "replicate",
        "members",
        "coverage",
        "dpp",
    ]
    joined = side_by_side(subsets(), outcomes)
    assert joined.column_names == names
    assert joined.column("coverage").to_pylist() == [True, False, None, True]
    older = subsets().append_column("coverage", pa.array([False] * 4))  # as older runs have it
    assert side_by_side(older, outcomes).equals(joined)
    without = subsets().drop_columns("members")
    assert side_by_side(without, outcomes).column_names == [n for n in names if n != "members"]


def test_outcomes_of_other_subsets_are_left_out():
    outcomes = subsets().drop_columns(["members", "dpp"]).append_column("a", pa.array([1] * 4))
    assert side_by_side(subsets().slice(1), outcomes).equals(subsets().slice(1))
    other = outcomes.set_column(4, "replicate", pa.array([1, 0, 0, 0]))
    assert side_by_side(subsets(), other).equals(subsets())
