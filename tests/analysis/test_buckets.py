import numpy as np
import pandas as pd
import pytest

from workbench.analysis.buckets import OUTCOMES, bucket

NAN = np.nan


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"k": np.repeat([4, 8], 150), "dpp": rng.normal(size=300)})
    for name in OUTCOMES:
        frame[name] = (rng.random(300) < 0.5).astype(float)
    return frame


def test_by_hand():
    frame = pd.DataFrame(
        {"metric": [0.0, 1.0, 2.0, 9.0, 10.0], "right": [1.0, 0.0, 0.0, 1.0, NAN]},
        index=[7, 7, 3, 2, 1],  # rows of a larger table
    )
    found = bucket(frame, "metric", num_buckets=5, outcomes=["right"])
    # widths of 2: (0-2], (2-4] … (8-10]; the middle three are empty
    expected = pd.DataFrame(
        {
            "right": [1 / 3, 1.0],
            "min": [0.0, 9.0],
            "max": [2.0, 10.0],
            "mean": [1.0, 9.5],
            "count": [3, 2],
        }
    )
    pd.testing.assert_frame_equal(found, expected)
    assert found.attrs["dropped"] == {"metric": 0, "right": 1}


def test_columns_are_those_of_the_study(rows):
    assert list(bucket(rows, "dpp").columns) == [*OUTCOMES, "min", "max", "mean", "count"]


@pytest.mark.parametrize(("width", "cut"), [("equal", pd.cut), ("quantile", pd.qcut)])
@pytest.mark.parametrize("num_buckets", [1, 2, 8, 50])
def test_agrees_with_pandas(rows, width, cut, num_buckets):
    groups = cut(rows["dpp"], num_buckets)
    expected = rows.groupby(groups, observed=True)["dpp"].agg(["min", "max", "mean", "count"])
    means = rows.groupby(groups, observed=True)[list(OUTCOMES)].mean()
    found = bucket(rows, "dpp", num_buckets=num_buckets, width=width)
    np.testing.assert_allclose(found[["min", "max", "mean", "count"]], expected)
    np.testing.assert_allclose(found[list(OUTCOMES)], means)


def test_quantile_buckets_hold_equally_many(rows):
    assert set(bucket(rows, "dpp", num_buckets=10, width="quantile")["count"]) == {30}
    assert len(set(bucket(rows, "dpp", num_buckets=10)["count"])) > 2


def test_buckets_put_every_row_in_one_place(rows):
    found = bucket(rows, "dpp")
    assert found["count"].sum() == 300
    assert (found["max"].to_numpy()[:-1] < found["min"].to_numpy()[1:]).all()
    overall = (found["maj_correct"] * found["count"]).sum() / 300
    assert overall == pytest.approx(rows["maj_correct"].mean())


def test_a_value_on_a_border_belongs_to_the_lower_bucket():
    frame = pd.DataFrame({"m": [0.0, 1.0, 2.0, 3.0, 4.0], "right": 1.0})
    assert bucket(frame, "m", num_buckets=2, outcomes=["right"])["count"].tolist() == [3, 2]


@pytest.mark.parametrize("width", ["equal", "quantile"])
def test_equal_values_make_one_bucket(width):
    frame = pd.DataFrame({"m": [0.1] * 5, "right": [1.0, 0, 0, 0, 0]})
    found = bucket(frame, "m", outcomes=["right"], width=width)
    assert found["count"].tolist() == [5]
    assert found["right"].tolist() == [0.2]


def test_k_filters(rows):
    only = bucket(rows, "dpp", k=8)
    pd.testing.assert_frame_equal(only, bucket(rows[rows["k"] == 8], "dpp"))
    assert only["count"].sum() == 150


def test_unusable_rows_are_dropped_and_counted(rows):
    holed = rows.copy()
    holed.loc[[0, 1], "dpp"] = [NAN, -np.inf]
    holed.loc[[1, 2, 3], "maj_correct"] = NAN  # row 1 is gone already
    found = bucket(holed, "dpp")
    assert found.attrs["dropped"] == {
        "dpp": 2,
        "maj_correct": 2,
        "best_correct": 0,
        "sem_mbr_correct": 0,
        "lex_mbr_correct": 0,
    }
    assert found["count"].sum() == 298
    whole = bucket(rows.drop(index=[0, 1]), "dpp")
    np.testing.assert_allclose(found["best_correct"], whole["best_correct"])


def test_a_bucket_whose_outcomes_are_all_missing_says_nan():
    frame = pd.DataFrame({"m": [0.0, 1.0], "right": [NAN, 1.0]})
    found = bucket(frame, "m", num_buckets=2, outcomes=["right"])
    np.testing.assert_array_equal(found["right"], [NAN, 1.0])


@pytest.mark.parametrize("dtype", ["boolean", "Int64", "Float64", "object"])
def test_nullable_columns_are_read(dtype):
    frame = pd.DataFrame({"m": [0.0, 1.0, 2.0]})
    frame["right"] = pd.Series([True, None, False], dtype="boolean").astype(dtype)
    found = bucket(frame, "m", num_buckets=1, outcomes=["right"])
    assert found["right"].tolist() == [0.5]
    assert found.attrs["dropped"]["right"] == 1


def test_nothing_left_is_an_empty_table():
    frame = pd.DataFrame({"m": [NAN, NAN], "right": [1.0, 0.0]})
    found = bucket(frame, "m", outcomes=["right"])
    assert found.empty
    assert list(found.columns) == ["right", "min", "max", "mean", "count"]
    assert found.attrs["dropped"]["m"] == 2


def test_the_given_table_is_not_changed(rows):
    before = rows.copy()
    bucket(rows, "dpp")
    pd.testing.assert_frame_equal(rows, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "dppp"}, "unknown metric 'dppp'; did you mean 'dpp'"),
        ({"outcomes": ["maj_corect"]}, "unknown outcome 'maj_corect'; did you mean 'maj_correct'"),
        ({"width": "equals"}, "unknown bucket width 'equals'; did you mean 'equal'"),
        ({"num_buckets": 0}, "num_buckets must be at least 1, got 0"),
        ({"k": 5}, r"no subsets of k=5 among the rows \(known: 4, 8\)"),
    ],
)
def test_impossible_requests_are_refused(rows, options, message):
    with pytest.raises(ValueError, match=message):
        bucket(rows, **{"metric": "dpp"} | options)


def test_k_needs_its_column(rows):
    with pytest.raises(ValueError, match="needs a column 'k'"):
        bucket(rows.drop(columns="k"), "dpp", k=4)
