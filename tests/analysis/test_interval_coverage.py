"""The simulation itself, and the quick form of it; its long form is results/simulation."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.interval_coverage import (
    SUBSETS,
    WORLDS,
    K,
    N,
    coverage_study,
    simulate,
    truth,
)

SAVED = Path(__file__).parents[2] / "results" / "simulation" / "simulation.csv"


@pytest.fixture(scope="module", autouse=True)
def _sooner():
    """Truth to within a hundredth: enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.analysis.interval_coverage.TRUTH_PROBLEMS", 20_000)
        yield


@pytest.fixture(scope="module")
def quick():
    """80 studies of 50 problems: shares are known to some 2.5 points."""
    return coverage_study(80, sizes=(50,)).set_index(["world", "number"])


def test_a_study_has_the_difficulty_that_it_should_have():
    study = simulate(WORLDS["both"], 40_000, np.random.default_rng(1))
    assert len(study.rows) == 40_000 * SUBSETS
    easiness = np.random.default_rng(2).normal(0, 1.5, 400_000)
    chance = 1 / (1 + np.exp(-easiness))
    assert study.accuracy[:, 0].mean() == pytest.approx(chance.mean(), abs=0.006)
    expected = chance.var() + (chance * (1 - chance)).mean() / N
    assert study.accuracy[:, 0].var() == pytest.approx(expected, rel=0.03)
    # any of K different samples is right: an expectation over the same difficulties
    covered = study.rows["coverage"].mean()
    assert covered == pytest.approx((1 - (1 - chance) ** K).mean(), abs=0.006)


def test_what_is_not_related_is_known_to_be_zero():
    assert truth(WORLDS["nothing related"])["pearson pooled"] == 0
    drives = truth(WORLDS["difficulty drives both"])
    assert drives["pearson within"] == 0
    assert drives["pearson between"] > 0.5
    assert truth(WORLDS["both"])["difference"] > 0.05


def test_the_pooled_correlation_misleads_where_difficulty_drives_both(quick):
    row = quick.loc["difficulty drives both"]
    for method in ("pearson", "spearman"):
        assert row.loc[f"{method} pooled", "rejected"] > 0.95
        assert row.loc[f"{method} within", "rejected"] < 0.15
    related = quick.loc["related within problems"]
    assert related.loc["pearson within", "rejected"] > related.loc["pearson pooled", "rejected"]


def test_intervals_hold_about_what_they_promise(quick):
    assert (quick["studies"] == 80).all()
    assert (quick["covered"] > 0.86).all()
    assert 0.93 < quick["covered"].mean() < 0.97
    nothing = quick[(quick["true"] == 0) & quick["rejected"].notna()]
    assert (nothing["rejected"] < 0.15).all()
    assert 0.03 < nothing["rejected"].mean() < 0.07


def test_the_long_form_holds_what_the_intervals_promise():
    saved = pd.read_csv(SAVED)
    assert set(saved["problems"]) == {24, 50, 200}
    assert (saved["studies"] >= 990).all()
    enough = saved[saved["problems"] >= 50]
    assert enough["covered"].between(0.93, 0.97).all()
    assert enough.loc[enough["true"] == 0, "rejected"].dropna().between(0.03, 0.07).all()
