import itertools

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.known_outcomes import shown_outcomes
from workbench.analysis.stats.bootstrap import bootstrap_means
from workbench.analysis.stats.paired import sign_flip_p
from workbench.analysis.tables import TABLES, make_table
from workbench.analysis.tables.accuracy import (
    accuracy_by_k,
    accuracy_by_k_temperature,
    sampling_check,
)

RIGHT, WRONG, SILENT = r"It is \boxed{7}.", r"It is \boxed{8}.", "I do not know."

# Two pools of three, in subsets of two: all three subsets of each are looked at.
BY_HAND = [
    # one answers, and rightly; the likeliest does not answer
    [(RIGHT, -0.5, "stop"), (SILENT, -0.1, "stop"), (SILENT, -0.9, "stop")],
    # two agree on a wrong answer; the likeliest is right
    [(WRONG, -0.2, "stop"), (WRONG, -0.3, "stop"), (RIGHT, -0.1, "stop")],
]


@pytest.fixture(scope="module")
def small(hand_made):
    return load_run(hand_made(["7", "7"], BY_HAND))


def test_accuracies_of_two_pools_by_hand(small):
    (row,) = make_table("accuracy_by_k_temperature", Data(small)).frame.to_dict("records")
    assert (row["k"], row["temperature"]) == (2, 1.0)
    # p0: subsets {0,1} {0,2} {1,2} give maj 1 1 0, best 0 1 0, any right 1 1 0
    # p1: maj 0 and two ties, of which the first drawn wins; best 0 1 1, any right 0 1 1
    assert row["maj_correct"] == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert row["best_correct"] == pytest.approx((1 / 3 + 2 / 3) / 2)
    assert row["coverage"] == pytest.approx(2 / 3)
    assert row["single_sample"] == pytest.approx(1 / 3)
    assert "greedy" not in row
    assert np.isnan(row["maj_correct_low"])  # two problems: no interval
    by_k = accuracy_by_k(Data(small))
    assert by_k.frame.loc[0, "coverage"] == pytest.approx(2 / 3)
    assert by_k.notes[0].startswith("2 problems, 6 subsets; 2 hold a repeated text, in 1 nobody")
    assert by_k.notes[1] == "no intervals: 2 problems are fewer than 10"


def test_the_exact_curves_of_two_pools_by_hand(small):
    frame = small.table("coverage_curve").set_index("k")
    # k = 3 is the whole pool: p0's one vote is right, its likeliest silent; p1 the reverse
    expected = pd.DataFrame(
        {
            "pass@k": [1 / 3, 2 / 3, 1.0],
            "maj@k": [1 / 3, (2 / 3 + 1 / 3) / 2, 1 / 2],
            "best@k": [1 / 3, 1 / 2, 1 / 2],
        },
        index=pd.Index([1, 2, 3], name="k"),
    )
    pd.testing.assert_frame_equal(frame[list(expected)], expected)


def test_the_exact_curves_are_means_over_all_orders_of_drawing(small):
    """Brute force, in the words of the definition."""
    frame = small.table("coverage_curve").set_index("k")
    answers = [["7", None, None], ["8", "8", "7"]]
    for k in (1, 2, 3):
        right = []
        for pool in answers:
            for drawn in itertools.permutations(pool, k):
                votes = [a for a in drawn if a is not None]
                top = max((votes.count(a) for a in votes), default=0)
                winner = next((a for a in votes if votes.count(a) == top), None)
                right.append(winner == "7")
        assert frame.loc[k, "maj@k"] == pytest.approx(np.mean(right))


def test_the_statuses_of_two_pools_by_hand(small):
    (row,) = small.table("statuses").to_dict("records")
    assert (row["samples"], row["answered"], row["no_answer"]) == (6, 4, 2)
    assert (row["rule:boxed"], row["rule:none"]) == (4, 2)
    assert row["accuracy"] == pytest.approx(1 / 3)
    assert row["distinct_texts"] == pytest.approx(2 / 3)


@pytest.fixture(scope="module")
def data(embedded):
    return Data(load_run(embedded[1]))


def without_draws(frame):
    """A table without what tells how many subsets were drawn: counts, and errors of the draw."""
    counted = {"count", "subsets"}
    return frame[[c for c in frame if c not in counted and not c.endswith("_error")]]


def test_repeating_every_row_changes_no_value_and_no_interval(data):
    doubled = Data(data.run)
    twice = pd.concat([data.subsets, data.subsets], ignore_index=True)
    doubled.__dict__["subsets"] = twice  # where the cached property keeps it
    for name in TABLES:
        if name == "sampling_check":
            continue  # it says how the draw went, and the draw was not this
        once, again = (without_draws(TABLES[name].make(one).frame) for one in (data, doubled))
        # deviations from a mean that differ in their last bits may tie in one and not in the other
        tolerance = 1e-4 if name == "correlation" else 1e-9
        pd.testing.assert_frame_equal(again, once, rtol=tolerance, atol=1e-12)
    assert doubled.subsets.shape[0] == 2 * data.subsets.shape[0]


def test_a_row_more_does_change_the_tables(data):
    """Else the test above would prove nothing."""
    other = Data(data.run)
    other.__dict__["subsets"] = data.subsets.iloc[1:]
    found = accuracy_by_k_temperature(other).frame
    assert not found.equals(accuracy_by_k_temperature(data).frame)


def test_intervals_hold_their_values_and_are_there_for_twelve_problems(data):
    frame = accuracy_by_k_temperature(data).frame
    for name in [*shown_outcomes(data).values(), "single_sample", "greedy"]:
        assert (frame[f"{name}_low"] <= frame[name]).all()
        assert (frame[name] <= frame[f"{name}_high"]).all()
        assert (frame[f"{name}_low"] < frame[f"{name}_high"]).any()


def test_sampled_means_are_within_their_own_error_of_exact_ones(data):
    frame = sampling_check(data).frame
    assert set(frame["outcome"]) == {"maj_correct", "best_correct", "coverage"}
    assert len(frame) == 3 * 2 * 2
    assert frame["z"].abs().max() < 4
    assert (frame["z"] != 0).any()


def test_a_faulty_selection_would_be_noticed(data):
    faulty = Data(data.run)
    faulty.__dict__["subsets"] = data.subsets.assign(maj_correct=1.0)
    frame = sampling_check(faulty).frame.set_index("outcome")
    assert frame.loc["maj_correct", "z"].max() > 4
    assert frame.loc["coverage", "z"].abs().max() < 4


def test_the_mean_cosine_of_subsets_is_that_of_all_pairs(data):
    """Sampled and exact, as for the accuracies; here the standard error is from the draws."""
    drawn = data.subsets.groupby(["problem_id", "temperature", "k"])["cos_sim"]
    exact = data.expectations.set_index(["problem_id", "temperature", "k"])["mean_cos_sim"]
    gaps = drawn.mean() - exact.loc[drawn.mean().index]
    errors = np.sqrt((drawn.var() / drawn.count()).groupby("k").sum())
    assert (gaps.groupby("k").sum().abs() < 4 * errors).all()


def test_every_table_has_its_key_columns_first(data):
    keys = {
        "accuracy_by_k": ["k", "pool"],
        "accuracy_by_temperature": ["temperature", "pool"],
        "accuracy_by_k_temperature": ["k", "temperature", "pool"],
        "coverage_curve": ["temperature", "k"],
        "correct_count_correlation": ["temperature", "k", "rows", "pearson"],
        "budget": ["temperature", "k", "tokens"],
        "oracle_gap": ["k", "temperature"],
        "within_correlation": ["k", "held", "metric", "rows"],
        "pruning": ["temperature", "selection", "m", "method"],
        "diversity": ["metric", "k", "rows", "temperature"],
        "diversity_by_correctness": ["temperature", "metric", "k"],
        "correlation": ["level", "method", "metric", "rows"],
        "bucket": ["metric", "k", "rows", "maj_correct"],
        "partial_correlation": ["k", "Measure", "rows", "Correlation"],
        "statuses": ["temperature", "samples"],
        "reward_report": ["temperature", "reward", "samples"],
        "reward_curve": ["temperature", "k", "random"],
        "reliability": ["reward", "temperature", "bin"],
        "behaviour": [],
        **{key: [] for key in ("quality_coefficients", "answer_audit", "entropy_bounds")},
        **{key: [] for key in ("self_correction", "sequential_against_parallel", "edit_distances")},
        "sampling_check": ["k", "temperature", "outcome"],
        "submitted": ["temperature", "k", "drawn_answers@1"],
        "main_effects": ["factor", "level", "against", "outcome", "k"],
        "interactions": [],
        "matched_budget": ["budget", "k", "cost", "temperature", "afforded"],
    }
    for name, spec in TABLES.items():
        assert name in keys, f"say here what the first columns of the table {name} are"
        assert list(make_table(name, data).frame.columns)[: len(keys[name])] == keys[name]
        assert spec.summary


def test_partial_correlation_at_one_k_is_the_textbooks(data):
    """r(x, y | z) from the three pairwise correlations."""
    frame = TABLES["partial_correlation"].make(data).frame
    row = frame[(frame["k"] == 4) & (frame["Measure"] == "cos_sim")].iloc[0]
    cell = data.subsets[data.subsets["k"] == 4]
    x, y, z = cell["cos_sim"], cell["coverage"], cell["avg_log_prob"]
    xy, xz, yz = (np.corrcoef(a, b)[0, 1] for a, b in ((x, y), (x, z), (y, z)))
    assert row["Correlation"] == pytest.approx(xy)
    assert row["Partial Correlation"] == pytest.approx(
        (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    )


def test_buckets_add_up_to_all_rows(data):
    frame = TABLES["bucket"].make(data).frame
    whole = frame[(frame["rows"] == "all") & (frame["metric"] == "distinct_2")]
    for k, part in whole.groupby("k"):
        rows = data.subsets[data.subsets["k"] == k]
        assert part["count"].sum() == len(rows)
        assert np.average(part["coverage"], weights=part["count"]) == pytest.approx(
            rows["coverage"].mean()
        )
    without = frame[(frame["rows"] == "without repeats") & (frame["metric"] == "dpp")]
    assert without["count"].sum() == (~data.subsets["has_repeat"]).sum()


def test_the_study_s_correlation_of_dpp_with_the_number_of_correct_samples(data):
    frame = make_table("correct_count_correlation", data).frame
    row = frame[(frame["k"] == 2) & (frame["temperature"] == 1.0) & (frame["rows"] == "all")]
    cell = data.subsets[(data.subsets["k"] == 2) & (data.subsets["temperature"] == 1.0)]
    assert row["pearson"].item() == pytest.approx(cell["dpp"].corr(cell["num_correct"]))
    ranked = cell["dpp"].rank().corr(cell["num_correct"].rank())
    assert row["spearman"].item() == pytest.approx(ranked)
    assert not any("freedom" in c or c in ("p", "df") for c in frame.columns)


def test_diversity_of_right_and_wrong_samples_is_of_the_same_pools(data):
    frame = make_table("diversity_by_correctness", data).frame
    rows = data.run.read("split")
    cell = rows[rows["temperature"] == 1.0].set_index(["problem_id", "group"])["distinct_2"]
    row = frame[(frame["temperature"] == 1.0) & (frame["metric"] == "distinct_2")].iloc[0]
    assert row["pools"] == len(cell) / 3
    assert row["pools"] >= 5
    wide = cell.unstack()
    assert row["difference"] == pytest.approx((wide["correct"] - wide["wrong"]).mean())
    assert row["wrong"] == pytest.approx(wide["wrong"].mean())


def test_within_problems_and_at_one_temperature_is_what_is_left_of_both(data):
    """By subtracting each problem's mean by hand, then what temperature says of the rest."""
    frame = TABLES["within_correlation"].make(data).frame
    assert set(frame["held"]) == {"nothing", "temperature"}
    cell = data.subsets[data.subsets["k"] == 4]
    names = ["distinct_2", "coverage", "temperature"]
    left = cell[names] - cell.groupby("problem_id")[names].transform("mean")
    x, y, z = (left[name].to_numpy() for name in names)
    rows = frame[(frame["k"] == 4) & (frame["metric"] == "distinct_2")].set_index("held")
    assert rows.loc["nothing", "coverage"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    x, y = (values - z * (z @ values) / (z @ z) for values in (x, y))
    assert rows.loc["temperature", "coverage"] == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_an_accuracy_s_interval_is_that_of_its_rows(data):
    frame = make_table("accuracy_by_k_temperature", data).frame
    row = frame[(frame["temperature"] == 0.3) & (frame["k"] == 4)].iloc[0]
    cell = data.expectations.query("condition == 'T0.3' and k == 4")
    found = bootstrap_means(cell[["best@k"]], cell["problem_id"], resamples=100, rng=data.rng())
    bounds = [row["best_correct_low"], row["best_correct_high"]]
    assert bounds == pytest.approx([found.low[0], found.high[0]], rel=1e-12)


def test_a_bucket_is_resampled_and_tested_problem_by_problem(data):
    """By the rows: those of the drawn problems, and each problem's inside against outside."""
    frame = TABLES["bucket"].make(data).frame
    whole = frame[(frame["k"] == 2) & (frame["rows"] == "all") & (frame["metric"] == "distinct_2")]
    rows = data.subsets[data.subsets["k"] == 2].set_index("problem_id")
    judged = 0
    for row in whole.to_dict("records"):
        inside = rows["distinct_2"].between(row["min"], row["max"]).to_numpy()
        assert inside.sum() == row["count"]
        part = [
            kept.groupby("problem_id")["coverage"].mean() for kept in (rows[inside], rows[~inside])
        ]
        gaps = (part[0] - part[1]).dropna()
        if rows.index[inside].nunique() < 10:
            assert np.isnan(row["coverage_low"])
            continue
        means = []
        for weights in np.concatenate(list(data.resamples)).astype(int):
            times = weights[data.problems.get_indexer(rows.index[inside])]
            drawn = rows["coverage"].to_numpy()[inside]
            means.append(np.average(drawn, weights=times))
        low, high = np.quantile(means, [0.025, 0.975])
        assert (row["coverage_low"], row["coverage_high"]) == pytest.approx((low, high))
        p = sign_flip_p(gaps.to_numpy()[:, None], rng=data.rng())[0]
        assert row["coverage_p"] == (
            pytest.approx(p) if len(gaps) >= 10 else pytest.approx(np.nan, nan_ok=True)
        )
        judged += 1
    assert judged > 1


def test_a_problem_that_is_not_measured_is_named(data):
    with pytest.raises(ValueError, match="'new' that are not measured; run `workbench measure"):
        data.means(pd.DataFrame({"problem_id": ["new"], "x": [1.0]}), ["x"])
