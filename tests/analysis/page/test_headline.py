import math

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.compare.runs import compare
from workbench.analysis.page.headline import headline, is_significant, sentence, sentence_on_k


def rows(problems=30, **gaps):
    """A frame of differences: selection -> (difference, low, high, q)."""
    return pd.DataFrame(
        [
            {
                "selection": name, "k": 1 if name == "single_sample" else 8, "problems": problems,
                "difference": gap, "difference_low": low, "difference_high": high, "q": q,
            }
            for name, (gap, low, high, q) in gaps.items()
        ]
    )  # fmt: skip


def test_the_sentence_claims_only_what_the_intervals_show():
    changed = rows(
        single_sample=(-0.2, -0.3, -0.1, 0.001),
        maj=(-0.1, -0.2, 0.02, 0.1),  # the interval holds 0
        best=(-0.1, -0.19, -0.01, 0.07),  # lost in the correction
        coverage=(0.2, 0.1, 0.3, 0.001),
    )
    assert sentence(changed, "From T = 0.3 to T = 1") == (
        "From T = 0.3 to T = 1, a single sample is right less often and any of 8 is right more "
        "often; no change is shown in maj@8 or best@8."
    )


def test_where_nothing_is_shown_nothing_is_claimed():
    unsure = (0.1, -0.1, 0.3, 0.5)
    said = sentence(rows(maj=unsure, coverage=unsure), "From T = 0 to T = 1")
    assert said == "From T = 0 to T = 1, no change is shown."
    few = rows(problems=9, maj=(0.5, math.nan, math.nan, math.nan))
    assert "no change can be claimed: below 10 problems" in sentence(few, "From T = 0 to T = 1")


@pytest.mark.parametrize(
    ("low", "q", "expected"),
    [(0.1, 0.01, True), (-0.1, 0.01, False), (0.1, 0.05, False), (math.nan, 0.01, False)],
)
def test_a_star_needs_the_interval_and_the_corrected_test(low, q, expected):
    assert is_significant({"difference_low": low, "difference_high": 0.3, "q": q}) is expected


def test_the_numbers_are_those_of_the_tables_and_of_the_comparison(finished):
    run = load_run(finished[1])
    top = headline(run)
    curve = run.table("coverage_curve")
    last = curve[curve["k"] == 8].set_index("temperature")
    labels = {tile.label: tile for tile in top.tiles}
    assert list(labels) == ["single sample", "maj@8", "best@8", "coverage@8", "distinct texts"]
    for label, column in (("maj@8", "maj@k"), ("best@8", "best@k"), ("coverage@8", "pass@k")):
        cold, hot = last.loc[0.3, column], last.loc[1.0, column]
        assert labels[label].value == f"{cold:.3f} → {hot:.3f}"
    texts = run.table("statuses").set_index("temperature")["distinct_texts"]
    assert labels["distinct texts"].value == f"{texts[0.3]:.3f} → {texts[1.0]:.3f}"
    paired = compare([run], [8])["temperatures"].frame
    row = paired[(paired["selection"] == "maj") & (paired["k"] == 8)].iloc[0]
    interval = f"[{row.difference_low:.3f}, {row.difference_high:.3f}]"
    assert labels["maj@8"].detail.rstrip("*") == f"{row.difference:+.3f} {interval}"
    assert [cells[0] for cells in top.table.rows] == ["0", "0.3", "1"]
    assert np.isnan(curve.loc[curve["temperature"] == 0, "pass@k_p"]).all()  # greedy: k = 1 alone
    assert top.table.rows[0][2:] == ["-"] * 4


def test_a_condition_that_does_not_set_a_factor_is_told_once(cli, finished, tmp_path):
    cells = "[{temperature: 1, engine.seconds_per_sample: 0}, {temperature: 1}, {temperature: 2}]"
    settings = ["temperatures=[]", f"conditions={cells}", "n=2", "greedy=false"]
    changes = [word for one in settings for word in ("--set", f"generation.{one}")]
    changes += ["--set", "measure.k=[2]", "--set", "tracking.mode=disabled"]
    cli.must("run", finished[0], "--out", tmp_path / "run", *changes, tables=True)
    levels = headline(load_run(tmp_path / "run")).levels
    assert list(levels["condition"]) == ["T1-seconds_per_sample0", "T1", "T2"]
    assert levels["single sample"].notna().all()


def test_of_one_temperature_it_says_what_more_samples_are_worth(hand_made):
    """Two samples of 12 problems; in 10 one of them is right and the likelier one is wrong."""
    right, wrong = (r"\boxed{1}", -0.5, "stop"), (r"\boxed{2}", -0.1, "stop")
    samples = [[right, wrong]] * 10 + [[right, right], [wrong, wrong]]
    run = load_run(hand_made(["1"] * 12, samples))
    top = headline(run)
    # a single sample: (10 x 0.5 + 1) / 12; any: 11 / 12; the likelier: 1 / 12
    assert top.sentence == (
        "With 2 samples instead of one, any of 2 is right more often (0.500 → 0.917) and the best "
        "of 2 by reward is right less often (0.500 → 0.083); no change is shown in maj@2."
    )
    assert [tile.label for tile in top.tiles[:2]] == ["single sample", "maj@2"]


def test_of_one_sample_each_there_is_no_change_to_tell():
    one = {(0.7, 1, "coverage"): pd.Series([0.0, 1.0]), (0.7, 1, "single_sample"): None}
    assert "no change to tell" in sentence_on_k(None, one, 1)
