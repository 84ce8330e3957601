"""What the toy study found, as it is kept: the claims hold on each seed, and the README says so."""

from pathlib import Path

import pandas as pd
import pytest

from tests.correction_study.study import I_ONLY, MEASURES, interval, one_row_each

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "results" / "correction"


@pytest.fixture(scope="module")
def kept():
    """Training -> its rows, by seed."""
    if not (KEPT / "toy.csv").exists():
        pytest.skip("the study was not run yet: make correction-study")
    rows = pd.read_csv(KEPT / "toy.csv")
    return {name: part.set_index("seed") for name, part in rows.groupby("training")}


def test_stage_one_raises_the_second_answers_accuracy_on_each_seed(kept):
    rise = kept["Stage I"]["t2"] - kept["base model"]["t2"]
    assert len(rise) == rise.index.nunique() >= 3
    assert rise.min() > 0.2


def test_shuffled_rewards_teach_nothing_on_any_seed(kept):
    change = kept["Stage I, shuffled rewards"]["t2"] - kept["base model"]["t2"]
    assert change.abs().max() < 0.1


def test_a_heavy_divergence_keeps_the_first_answer_on_each_seed(kept):
    change = kept["Stage I, beta_2 = 10"]["t1"] - kept["base model"]["t1"]
    assert change.abs().max() < 0.03


def test_what_changed_is_what_was_gained_less_what_was_lost(kept):
    for rows in kept.values():
        pd.testing.assert_series_equal(
            rows["delta"], rows["gained"] - rows["lost"], check_names=False, atol=2e-4
        )


def test_the_table_of_the_readme_is_the_kept_one(kept):
    body = (KEPT / "toy.md").read_text().partition("\n\n")[2].strip()
    assert body in (ROOT / "results" / "README.md").read_text()


def test_an_interval_by_hand():
    """Mean 2, standard error 1 / sqrt(3), and 4.303 is the 0.975 quantile of t with 2 degrees."""
    mean, low, high = interval([1.0, 2.0, 3.0])
    assert mean == 2
    assert high - mean == pytest.approx(4.303 / 3**0.5, abs=1e-3)
    assert mean - low == pytest.approx(high - mean)


def test_the_last_evaluation_counts_and_stage_one_is_scores_first_part():
    def rows(training, steps):
        return [
            {"training": training, "seed": seed, "step": step} | dict.fromkeys(MEASURES, step / 100)
            for seed in (0, 1)
            for step in steps
        ]

    half = I_ONLY["steps_1"]
    parts = rows("SCoRe", (0, half, 180)), rows("naive multi-turn", (0, 180))
    found = one_row_each(pd.concat(map(pd.DataFrame, parts)))  # numbered from 0 in each part
    assert not found.duplicated(["training", "seed"]).any()
    told = found[found["seed"] == 1].set_index("training")["step"].to_dict()
    assert told == {"base model": 0, "Stage I": half, "SCoRe": 180, "naive multi-turn": 180}
