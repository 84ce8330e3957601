import json
import math

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.wandb_curves import curves
from workbench.analysis.wandb_summary import condition_rows, diversity, summary

FRAMES = {
    "accuracy_by_k": pd.DataFrame(
        {
            "k": [8, 8], "pool": ["one T", "mixed"], "maj_correct": [0.2, 0.3],
            "maj_correct_high": [0.4, 0.6], "coverage": [0.7, np.nan],
            "drawn_weighted_correct": [0.3, 0.3], "drawn_weighted_correct_error": [0.01, 0.02],
        }
    ),
    "accuracy_by_k_temperature": pd.DataFrame(
        {
            "k": [8, 8], "temperature": [0.7, np.nan], "pool": ["one T", "mixed"],
            "maj_correct": [0.25, 0.3], "maj_correct_low": [0.1, 0.1],
            "best:orm_correct": [0.5, np.nan], "coverage": [0.75, 0.8],
        }
    ),
    "statuses": pd.DataFrame(
        {
            "temperature": [0.0, 0.7], "samples": [4, 8], "answered": [4, 6], "no_answer": [0, 0],
            "truncated": [0, 2], "timeout": [0, 0], "error": [0, 0], "accuracy": [0.5, 0.3],
            "distinct_texts": [np.nan, 0.2], "mean_tokens": [20.0, 22.0],
        }
    ),
    "coverage_curve": pd.DataFrame(
        {
            "temperature": [0.7, 0.7], "k": [1, 8], "pass@k": [0.3, 0.76], "maj@k": [0.3, np.nan],
            "pass@k_low": [0.0, 0.0],
        }
    ),
}  # fmt: skip


def test_the_scalars_of_a_run_by_hand():
    found = summary(FRAMES)
    assert {name: value for name, value in found.items() if not name.startswith("status/")} == {
        "samples": 12, "maj@8": 0.2, "pass@8": 0.7,
        "maj@8/T0.7": 0.25, "best:orm@8/T0.7": 0.5, "pass@8/T0.7": 0.75,
        "maj@8/T0.7/low": 0.1, "maj@8/mixed/low": 0.1, "maj@8/all/high": 0.4,
        "drawn_weighted@8": 0.3, "drawn_weighted@8/all/error": 0.01,
        "maj@8/mixed": 0.3, "pass@8/mixed": 0.8,
        "accuracy/T0": 0.5, "accuracy/T0.7": 0.3, "distinct_texts/T0.7": 0.2,
        "tokens/T0": 20.0, "tokens/T0.7": 22.0,
    }  # fmt: skip
    assert found["status/truncated/T0.7"] == 0.25
    assert found["status/answered/T0"] == 1.0


def test_diversity_is_the_mean_over_pools_of_the_subsets_on_disk(embedded):
    run = load_run(embedded[1])
    found = diversity(Data(run))
    rows = run.subsets
    for temperature in (0.3, 1.0):
        part = rows[(rows["k"] == 4) & (rows["temperature"] == temperature)]
        pools = [pool["cos_sim"].mean() for _, pool in part.groupby("problem_id")]
        assert found[f"cos_sim@4/T{temperature:g}"] == pytest.approx(np.mean(pools))
        kept = part[~part["has_repeat"]]
        pools = [pool["dpp"].mean() for _, pool in kept.groupby("problem_id")]
        assert found[f"dpp_no_repeats@4/T{temperature:g}"] == pytest.approx(np.mean(pools))
    both = (found["cos_sim@4/T0.3"] + found["cos_sim@4/T1"]) / 2  # of equally many pools
    assert found["cos_sim@4"] == pytest.approx(both)
    assert all(math.isfinite(value) for value in found.values())


def test_a_run_of_unknown_correctness_has_its_diversity(cli, tmp_path):
    rows = [{"problem_id": f"p{i}", "text": f"text {j % 3}"} for i in range(2) for j in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    quick = ("--set", "measure.metrics=[distinct_texts]", "--set", "measure.k=[2]")
    folder = tmp_path / "run"
    cli.must("import", tmp_path / "rows.jsonl", "--out", folder, *quick)
    cli.must("run", folder, "--set", "tracking.mode=disabled")
    run = load_run(folder)
    frames = {name: run.table(name) for name in run.tables}
    assert not [name for name in summary(frames) if name.startswith("maj@")]
    scalars = diversity(Data(run))
    assert scalars["distinct_texts@2/Tunknown"] == scalars["distinct_texts@2"] > 0.5
    assert [row["k"] for row in curves(scalars, frames)] == [2]


JUDGED = pd.DataFrame({"k": [4, 8, 8], "n": 9, "num_unknown": [0, 0, 9]})
"""Nothing is known of one pool, which costs none."""
NAMED = {
    "statuses": pd.DataFrame(
        {
            "condition": ["T0", "hot-min_p0.1"], "min_p": [0.0, 0.1], "samples": [4, 8],
            "accuracy": [0.5, 0.3], "mean_tokens": [20.0, 22.0],
        }
    ),
    "accuracy_by_k": pd.DataFrame({"k": [8], "pool": ["one T"], "maj_correct": [0.2]}),
    "accuracy_by_k_temperature": pd.DataFrame(
        {
            "k": [4, 8, 8], "condition": ["hot-min_p0.1", "hot-min_p0.1", "mixed"],
            "pool": ["one T", "one T", "mixed"], "maj_correct": [0.1, 0.25, 0.3],
            "coverage": [0.5, 0.75, 0.8],
        }
    ),
    "coverage_curve": pd.DataFrame(
        {"condition": ["T0", "T0.7"], "k": [1, 1], "min_p": [0.0, 0.1], "pass@k": [0.5, 0.3]}
    ),
}  # fmt: skip


def test_named_conditions_end_the_names_of_scalars_and_have_rows_of_their_own():
    found = summary(NAMED)
    assert found["maj@8/hot-min_p0.1"] == 0.25
    assert found["pass@8/mixed"] == 0.8
    rows = condition_rows(NAMED, JUDGED).set_index("condition")
    assert rows.loc["hot-min_p0.1", ["min_p", "accuracy", "maj@8", "pass@8"]].tolist() == [
        0.1, 0.3, 0.25, 0.75,
    ]  # fmt: skip
    assert rows.loc["T0", ["maj@8", "pass@8"]].isna().all()
    short = JUDGED.assign(num_unknown=[1, 2, 0])  # seven known: a pool less at k = 8
    assert "maj@4" in condition_rows(NAMED, short)
    assert condition_rows(FRAMES, JUDGED).empty  # temperatures alone are in a table already
