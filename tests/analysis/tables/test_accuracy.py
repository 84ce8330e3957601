"""Budget, oracle gap, mixed pools and the stars of the accuracy tables, against the rows."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench import load_run
from workbench.analysis.aggregate.exact import maj_at_k
from workbench.analysis.aggregate.outcomes import subset_outcomes
from workbench.analysis.aggregate.temperature_mixture import mixed_pools
from workbench.analysis.frames import Data, with_q_values
from workbench.analysis.known_outcomes import shown_outcomes
from workbench.analysis.tables import make_table
from workbench.config.schema import Measure, Selection
from workbench.core.table_text import format_table
from workbench.measure.stage import draw
from workbench.pools import Pool


@pytest.fixture(scope="module")
def data(embedded):
    return Data(load_run(embedded[1]))


def test_a_mixed_row_is_that_of_the_mixed_pools(data):
    frame = make_table("accuracy_by_k_temperature", data).frame
    row = frame[(frame["pool"] == "mixed") & (frame["k"] == 4)].iloc[0]
    pools = [pool for block in data.run.blocks for pool in data.run.pools(block)]
    mixed = list(mixed_pools(pools))
    assert len(mixed) == 12
    assert all(len(pool) == 8 for pool in mixed)
    assert row["single_sample"] == pytest.approx(np.mean([pool.correct.mean() for pool in mixed]))
    # exact over all the subsets, not only those that were drawn
    every = list(combinations(range(8), 4))
    covered = [np.mean([pool.correct[list(some)].any() for some in every]) for pool in mixed]
    assert row["coverage"] == pytest.approx(np.mean(covered), abs=1e-12)
    found = [maj_at_k(pool.clusters, pool.correct, 4) for pool in mixed]
    assert row["maj_correct"] == pytest.approx(np.mean(found), abs=1e-12)
    # drawn subsets of the mixed pools, read from the disk
    table = pd.concat([t.to_pandas() for t in data.run.tables_of("mixed")])
    drawn = table[table["k"] == 4].groupby("problem_id")["lex_mbr_correct"]
    assert row["drawn_lex_mbr_correct"] == pytest.approx(drawn.mean().astype(float).mean())
    errors = drawn.var().astype(float) / drawn.count()
    expected = np.sqrt(errors.sum()) / 12
    assert row["drawn_lex_mbr_correct_error"] == pytest.approx(expected)
    correct = {pool.problem_id: pool.correct for pool in mixed}
    for entry in table[table["k"] == 4].to_dict("records"):
        assert entry["coverage"] == bool(correct[entry["problem_id"]][entry["members"]].any())
    assert frame[frame["pool"] == "one T"]["temperature"].notna().all()


def test_a_star_is_a_paired_test_against_a_single_sample_corrected_over_the_table(data):
    frame = make_table("accuracy_by_k_temperature", data).frame
    row = frame[(frame["temperature"] == 1.0) & (frame["k"] == 4)].iloc[0]
    exact = data.expectations.query("temperature == 1.0").pivot(
        index="problem_id", columns="k", values="pass@k"
    )
    gains = (exact[4] - exact[1]).to_numpy()
    test = stats.permutation_test(
        (gains,), np.mean, permutation_type="samples", n_resamples=9999, rng=0
    )
    assert row["coverage_p"] == pytest.approx(test.pvalue, abs=0.01)
    p = frame[[name for name in frame if name.endswith("_p")]].to_numpy()
    q = frame[[name for name in frame if name.endswith("_q")]].to_numpy()
    np.testing.assert_allclose(q.ravel(), stats.false_discovery_control(p.ravel()))
    assert (q < 0.05).any()
    assert (q > 0.05).any()
    shown = format_table(frame)
    assert not [name for name in shown if name.endswith(("_p", "_q", "_error"))]
    for name in shown_outcomes(data).values():
        stars = shown[name].str.endswith("*").to_numpy()
        np.testing.assert_array_equal(stars, (frame[f"{name}_q"] < 0.05).to_numpy())


def test_no_test_without_a_p_value():
    frame = pd.DataFrame({"a": [1.0, 2.0], "a_low": 0.0, "a_high": 3.0, "a_p": [0.01, np.nan]})
    found = with_q_values(frame)
    assert list(found) == ["a", "a_low", "a_high", "a_p", "a_q"]
    assert found["a_q"].tolist()[0] == 0.01  # one test needs no correction
    assert np.isnan(found["a_q"].tolist()[1])
    assert format_table(found)["a"].tolist() == ["1.000 [0.000, 3.000]*", "2.000 [0.000, 3.000]"]


def test_the_oracle_gap_is_coverage_less_accuracy(data):
    frame = make_table("oracle_gap", data).frame
    row = frame[(frame["temperature"] == 0.3) & (frame["k"] == 2)].iloc[0]
    exact = data.expectations.query("temperature == 0.3 and k == 2")
    for name in ("maj", "best"):
        gap = (exact["pass@k"] - exact[f"{name}@k"]).mean()
        assert row[f"{name}_correct"] == pytest.approx(gap)
    drawn = data.judged.query("condition == 'T0.3' and k == 2").groupby("problem_id")
    drawn = drawn["lex_mbr_correct"].mean().to_numpy()
    assert row["drawn_lex_mbr_correct"] == pytest.approx(
        (exact["pass@k"].to_numpy() - drawn).mean()
    )
    assert (frame[[f"{n}_correct" for n in ("maj", "best")]].to_numpy() >= -1e-12).all()


def test_the_budget_counts_the_tokens_of_k_samples(data):
    frame = make_table("budget", data).frame.set_index(["temperature", "k"])
    samples = data.run.samples
    length = samples[samples["temperature"] == 1.0]["num_output_tokens"].mean()
    for k in (1, 2, 4):
        assert frame.loc[(1.0, k), "tokens"] == pytest.approx(k * length)
    curve = make_table("coverage_curve", data).frame.set_index(["temperature", "k"])
    assert frame.loc[(1.0, 4), "coverage"] == pytest.approx(curve.loc[(1.0, 4), "pass@k"])
    assert frame.loc[(1.0, 1), "maj_correct"] == pytest.approx(curve.loc[(1.0, 1), "pass@k"])


def pool(temperature=1.0):
    return Pool(
        "p", temperature, ("a", "b", "c", "d"), np.zeros(4), np.ones(4), ("1",) * 4,
        np.zeros(4, dtype=np.int64), np.array([1.0, 0.0, 1.0, np.nan]), ("answered",) * 4, {},
    )  # fmt: skip


def test_difficulty_is_of_the_samples_outside_the_subset():
    settings, none = Measure(metrics=(), replicates=99), Selection(aggregators=())

    def difficulty(shown, k, tally):
        members = draw(shown, k, settings)
        return members, subset_outcomes(shown, members, none, tally)["difficulty"]

    # 2 right of 3 known here, 3 right of 6 known with the other temperature's
    members, found = difficulty(pool(), 2, (3.0, 6.0))
    wrong = {tuple(sorted(some)): value for some, value in zip(members, found, strict=True)}
    assert wrong[0, 1] == pytest.approx(1 - 2 / 4)
    assert wrong[0, 2] == pytest.approx(1 - 1 / 4)
    assert wrong[1, 3] == pytest.approx(1 - 3 / 5)
    assert np.isnan(difficulty(pool(), 4, (2.0, 3.0))[1]).all()
    greedy = difficulty(pool(0.0), 2, (3.0, 6.0))[1]
    assert greedy == pytest.approx([0.5] * 6)  # the tally is of other samples
