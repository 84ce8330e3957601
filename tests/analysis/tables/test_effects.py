"""Main effects and interactions of finished runs, recomputed from their samples."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.known_outcomes import shown_outcomes
from workbench.analysis.tables import effects, make_table

PLAIN, BRIEF, CUT, BOTH = "T1", "T1-brief", "T1-min_p0.1", "T1-min_p0.1-brief"


def singles(data):
    """Accuracy of a single sample, a row per problem and a column per condition."""
    frame = data.run.frame
    return frame.groupby(["problem_id", "condition"], observed=True)["correct"].mean().unstack()


def coverages(data, k):
    """Coverage by looking at every k of the samples of a pool."""
    frame = data.run.frame

    def covered(correct):
        return np.mean([max(some) for some in combinations(correct.astype(float), k)])

    pools = frame[frame["temperature"] > 0].groupby(["problem_id", "condition"], observed=True)
    return pools["correct"].agg(covered).unstack()


def row_of(table, **wanted):
    for name, value in wanted.items():
        table = table[table[name] == value]
    (row,) = table.to_dict("records")
    return row


@pytest.mark.parametrize(("outcome", "k"), [("single_sample", 1), ("coverage", 2)])
def test_a_main_effect_is_the_mean_of_differences_by_problem(crossed, outcome, k):
    values = singles(crossed) if k == 1 else coverages(crossed, k)
    found = make_table("main_effects", crossed).frame
    gap = (values[CUT] - values[PLAIN] + values[BOTH] - values[BRIEF]) / 2
    row = row_of(found, factor="min_p", level="0.1", outcome=outcome, k=k)
    assert row["difference"] == pytest.approx(gap.mean())
    assert row["mean"] == pytest.approx((values[CUT] + values[BOTH]).mean() / 2)
    assert (row["against"], row["combinations"], row["problems"]) == ("0", 2, 12)
    interval = stats.ttest_1samp(gap, 0).confidence_interval()
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(interval)
    row = row_of(found, factor="prompt", level="brief", outcome=outcome, k=k)
    gap = (values[BRIEF] - values[PLAIN] + values[BOTH] - values[CUT]) / 2
    assert row["difference"] == pytest.approx(gap.mean())
    assert abs(row["difference"]) > 0.001, "the factor does something here"
    reference = row_of(found, factor="prompt", level="default", outcome=outcome, k=k)
    assert reference["mean"] == pytest.approx((values[PLAIN] + values[CUT]).mean() / 2)
    assert np.isnan(reference["difference"])


def test_an_interaction_is_the_difference_of_two_effects(crossed):
    found = make_table("interactions", crossed).frame
    values = singles(crossed)
    gap = values[BOTH] - values[CUT] - values[BRIEF] + values[PLAIN]
    row = row_of(found, outcome="single_sample")
    levels = ("min_p", "0.1", "0", "prompt", "brief", "default")
    names = ("factor_a", "level_a", "against_a", "factor_b", "level_b", "against_b")
    assert tuple(row[name] for name in names) == levels
    assert row["interaction"] == pytest.approx(gap.mean())


def test_metrics_are_means_over_the_subsets_of_each_pool(crossed):
    found = make_table("main_effects", crossed).frame
    frame = crossed.run.subsets.query("k == 4")
    means = frame.groupby(["problem_id", "condition"], observed=True)["distinct_2"].mean().unstack()
    gap = (means[CUT] - means[PLAIN] + means[BOTH] - means[BRIEF]) / 2
    row = row_of(found, factor="min_p", level="0.1", outcome="distinct_2", k=4)
    assert row["difference"] == pytest.approx(gap.mean())


def test_all_outcomes_and_metrics_are_there_at_every_k(crossed):
    found = make_table("main_effects", crossed).frame
    wanted = {("single_sample", 1)}
    wanted |= {
        (name, k) for name in (*shown_outcomes(crossed).values(), *crossed.metrics) for k in (2, 4)
    }
    assert {*found[["outcome", "k"]].itertuples(index=False, name=None)} == wanted
    q = stats.false_discovery_control(found["difference_p"].dropna())
    np.testing.assert_allclose(found["difference_q"].dropna(), q)


def test_saved_tables_are_those_that_are_made(crossed):
    saved = crossed.run.table("main_effects")
    made = make_table("main_effects", crossed).frame
    assert saved["level"].astype(str).tolist() == made["level"].tolist()
    np.testing.assert_allclose(saved["difference"], made["difference"])


def test_a_cut_is_compared_with_none_where_nothing_else_is_cut(unbalanced):
    table = make_table("main_effects", unbalanced)
    values = singles(unbalanced)
    row = row_of(table.frame, factor="top_p", level="0.9", outcome="single_sample")
    assert (row["against"], row["combinations"]) == ("1", 2)
    gap = values["T0.5-top_p0.9"] - values["T0.5"] + values["T1.5-top_p0.9"] - values["T1.5"]
    assert row["difference"] == pytest.approx(gap.mean() / 2)
    row = row_of(table.frame, factor="temperature", level="1.5", outcome="single_sample")
    assert row["combinations"] == 4
    crossed_with = make_table("interactions", unbalanced)
    pairs = crossed_with.frame[["factor_a", "factor_b"]].drop_duplicates()
    assert pairs["factor_a"].tolist() == ["temperature"] * 3
    assert sorted(pairs["factor_b"]) == ["min_p", "top_k", "top_p"]
    (note,) = [note for note in crossed_with.notes if note.startswith("not crossed")]
    assert note.endswith("top_p and top_k, top_p and min_p, top_k and min_p")


def test_what_moves_together_has_no_effect_of_its_own(confounded):
    for name in ("main_effects", "interactions"):
        table = make_table(name, confounded)
        assert table.frame.empty
        (note,) = [note for note in table.notes if note.startswith("confounded: ")]
        assert "temperature and min_p move together" in note
        assert note.endswith("no separate effect is printed")


def test_temperatures_alone_have_main_effects_and_no_interaction(finished):
    data = Data(load_run(finished[1]))
    values = singles(data)
    row = row_of(make_table("main_effects", data).frame, level="1", outcome="single_sample")
    assert (row["factor"], row["against"], row["combinations"]) == ("temperature", "0.3", 1)
    assert row["difference"] == pytest.approx((values["T1"] - values["T0.3"]).mean())
    table = make_table("interactions", data)
    assert table.frame.empty
    assert table.notes == (
        "one factor varies (temperature): an interaction is between two factors",
    )


def test_one_condition_has_nothing_to_be_compared_with(hand_made):
    right = (r"It is \boxed{7}.", -0.5, "stop")
    data = Data(load_run(hand_made(["7"], [[right, right, right]])))
    for name in ("main_effects", "interactions", "matched_budget"):
        table = make_table(name, data)
        assert table.frame.empty
        assert "there is one condition" in table.notes[0]


@pytest.mark.parametrize("table", ["main_effects", "interactions"])
def test_conditions_that_differ_in_what_nobody_knows_have_no_effects(crossed, monkeypatch, table):
    known = [  # as samples are imported whose prompts are not a column
        replace(one, levels={k: v for k, v in one.levels.items() if k != "prompt"})
        for one in effects.pooled_conditions(crossed)
    ]
    monkeypatch.setattr(effects, "pooled_conditions", lambda data: known)
    found = make_table(table, crossed)
    assert found.frame.empty
    assert "T1, T1-brief: the same level of every factor that is known" in found.notes[0]
