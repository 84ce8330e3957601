import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.page.factor_sentences import largest_effect
from workbench.analysis.page.headline import headline


class Tables:
    """Stands for a run that has just this table."""

    def __init__(self, frame):
        self.tables = {} if frame is None else {"main_effects": frame}

    def table(self, name):
        return self.tables[name]


def effect(factor, level, difference, outcome="coverage", k=8, q=0.01, combinations=4):
    low, high = difference - 0.05, difference + 0.05
    return {
        "factor": factor, "level": level, "against": "0", "outcome": outcome, "k": k,
        "combinations": combinations, "difference": difference, "difference_low": low,
        "difference_high": high, "difference_q": q,
    }  # fmt: skip


def said(*rows):
    return largest_effect(Tables(pd.DataFrame(rows)), 8)


def test_the_largest_effect_that_is_shown_is_told():
    assert said(
        effect("temperature", "1.5", -0.9),  # told by the sentence before
        effect("min_p", "0.1", 0.2),
        effect("min_p", "0.05", -0.3, outcome="maj_correct"),
        effect("prompt", "brief", 0.4, q=0.2),  # not shown
        effect("prompt", "brief", 0.5, k=4),  # not at the largest k
        effect("prompt", "brief", 0.6, outcome="cos_sim"),  # no accuracy
    ) == (
        "Of the other settings the largest effect that is shown is of min_p 0.05 instead of 0: "
        "maj@8 is right less often by 0.300 [0.250, 0.350], averaged over the other factors."
    )


def test_a_single_sample_counts_whatever_k_is():
    alone = effect("min_p", "0.1", 0.2, outcome="single_sample", k=1, combinations=1)
    assert said(alone).endswith("a single sample is right more often by 0.200 [0.150, 0.250].")


def test_without_an_effect_that_is_shown_that_is_said_and_without_a_table_nothing():
    none = effect("min_p", "0.1", 0.02), effect("prompt", "brief", 0.3, q=0.05)
    assert said(*none) == "No effect of min_p or prompt on accuracy is shown."
    assert said(effect("temperature", "1.5", 0.5)) == ""
    for frame in (None, pd.DataFrame()):
        assert largest_effect(Tables(frame), 8) == ""


def test_the_headline_says_at_which_levels_the_temperature_changes(crossed):
    top = headline(load_run(crossed))
    assert top.sentence.startswith("From T = 0.5 to T = 1.5 at min_p 0, prompt default, ")
    assert top.compared == ("T0.5", "T1.5")
    assert top.levels is not None
    conditions = [one.name for one in load_run(crossed).conditions]
    assert top.levels["condition"].tolist() == [
        c for c in conditions if c in {*top.levels["condition"]}
    ]


@pytest.mark.parametrize("factor", ["min_p", "prompt"])
def test_the_levels_are_in_the_table_of_the_headline(crossed, factor):
    top = headline(load_run(crossed))
    assert factor in [name for name, _ in top.table.columns]
