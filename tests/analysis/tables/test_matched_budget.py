"""Outcomes at equal cost, by loops over the samples."""

import json
import shutil
from math import comb, floor

import numpy as np
import pytest

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.tables import make_table
from workbench.core.flops import ModelSize

NAMES = ["T1", "T1-brief", "T1-min_p0.1", "T1-min_p0.1-brief"]
SIZE = ModelSize(1000, 600, 300, 0, layers=2, attention_heads=2, head_dim=4)


def mean_of(data, name, column):
    """Mean over problems of the mean over a pool's samples."""
    frame = data.run.frame
    frame = frame[frame["condition"] == name]
    return np.mean([part[column].mean() for _, part in frame.groupby("problem_id")])


def coverage_at(data, name, k):
    """Coverage of each problem at a real-valued number of samples, by the formula of pass@k."""
    frame = data.run.frame
    frame = frame[frame["condition"] == name]
    found = []
    for _, part in frame.groupby("problem_id"):
        n, wrong = len(part), int((~part["correct"].astype(bool)).sum())
        low = min(floor(k + 1e-9), n - 1)
        below, above = (1 - comb(wrong, size) / comb(n, size) for size in (low, low + 1))
        found.append(below + (k - low) * (above - below))
    return np.array(found)


def fixed_and_each(budget, drawn, prompt):
    return {
        "completion tokens": (0, drawn),
        "all tokens, prompt once": (prompt, drawn),
        "all tokens, prompt per sample": (0, drawn + prompt),
        "price": (0, (0.5 * prompt + 2.0 * drawn) / 1000),
    }[budget]


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize(
    "budget",
    ["completion tokens", "all tokens, prompt once", "all tokens, prompt per sample", "price"],
)
def test_each_condition_has_the_samples_that_it_affords(crossed, budget, k):
    frame = make_table("matched_budget", crossed).frame
    rows = frame[(frame["budget"] == budget) & (frame["k"] == k)].set_index("condition")
    assert list(rows.index) == NAMES
    costs = {}
    for name in NAMES:
        lengths = (mean_of(crossed, name, f"num_{part}_tokens") for part in ("output", "prompt"))
        costs[name] = fixed_and_each(budget, *lengths)
    spent = max(fixed + k * each for fixed, each in costs.values())
    np.testing.assert_allclose(rows["cost"], spent)
    base = None
    for name, (fixed, each) in costs.items():
        afforded = (spent - fixed) / each
        assert rows.loc[name, "afforded"] == pytest.approx(afforded)
        if afforded > 8:
            assert np.isnan(rows.loc[name, "coverage"])
            continue
        coverage = coverage_at(crossed, name, afforded)
        assert rows.loc[name, "coverage"] == pytest.approx(coverage.mean())
        base = coverage if base is None else base
        if name != NAMES[0]:
            gap = rows.loc[name, "coverage_difference"]
            assert gap == pytest.approx((coverage - base).mean())
        pools = crossed.expectations[crossed.expectations["condition"] == name]
        known = pools.groupby("k")["maj@k"].mean()
        maj = np.interp(afforded, known.index, known)
        assert rows.loc[name, "maj_correct"] == pytest.approx(maj)
        subsets = crossed.run.subsets[crossed.run.subsets["condition"] == name]
        known = subsets.groupby("k")["distinct_2"].mean()
        if afforded <= 4:
            metric = np.interp(afforded, known.index, known)
            assert rows.loc[name, "distinct_2"] == pytest.approx(metric)
        else:
            assert np.isnan(rows.loc[name, "distinct_2"])


def test_the_first_condition_is_what_others_are_compared_with(crossed):
    table = make_table("matched_budget", crossed)
    first = table.frame[table.frame["condition"] == "T1"]
    assert first["coverage_difference"].isna().all()
    assert "…_difference: to T = 1, at the same cost" in table.notes
    others = table.frame[table.frame["condition"] == "T1-brief"]
    assert others["coverage_difference_q"].notna().all()
    assert {"min_p", "prompt"} <= {*table.frame}
    assert "temperature" not in table.frame  # it does not vary


def test_without_the_size_of_the_model_there_are_no_operations(crossed):
    table = make_table("matched_budget", crossed)
    assert "GFLOPs" not in {*table.frame["budget"]}
    (note,) = [note for note in table.notes if note.startswith("budget GFLOPs")]
    assert "left out, as the size of the model replay is unknown: it was not recorded" in note
    assert any("weighted_correct, lex_mbr_correct" in note for note in table.notes)


def test_operations_are_those_of_each_sample(crossed_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(crossed_run, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["model_sizes"] = {"replay": SIZE.to_dict()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    data = Data(load_run(folder))
    frame = make_table("matched_budget", data).frame
    rows = frame[(frame["budget"] == "GFLOPs") & (frame["k"] == 2)].set_index("condition")
    costs = {}
    for name in NAMES:
        samples = data.run.frame.query("condition == @name")
        reading, writing = [], []
        for prompt, length in samples[["num_prompt_tokens", "num_output_tokens"]].to_numpy():
            reading.append(2 * 600 * prompt + 2 * 300 + 4 * 2 * 2 * 4 * prompt**2)
            contexts = range(int(prompt) + 1, int(prompt + length))
            writing.append(sum(2 * (600 + 300) + 4 * 2 * 2 * 4 * context for context in contexts))
        costs[name] = np.mean(reading), np.mean(writing)
    spent = max(fixed + 2 * each for fixed, each in costs.values())
    np.testing.assert_allclose(rows["cost"], spent / 1e9)
    for name, (fixed, each) in costs.items():
        assert rows.loc[name, "afforded"] == pytest.approx((spent - fixed) / each)


def test_a_run_that_never_counted_its_prompts_is_compared_by_what_it_drew(finished):
    data = Data(load_run(finished[1]))
    data.__dict__["pools"] = data.pools.assign(mean_prompt_tokens=np.nan)  # as of an older run
    table = make_table("matched_budget", data)
    assert {*table.frame["budget"]} == {"completion tokens"}
    left = [note for note in table.notes if note.startswith("budget all tokens")]
    assert len(left) == 2
    assert all(note.endswith("the lengths of the prompts are unknown") for note in left)


def test_nothing_is_compared_where_no_length_is_known(finished):
    data = Data(load_run(finished[1]))
    data.__dict__["pools"] = data.pools.assign(mean_tokens=np.nan)
    table = make_table("matched_budget", data)
    assert table.frame.empty
    assert table.notes[0].endswith("as the lengths of the samples are unknown")


def test_a_condition_of_unknown_cost_is_named_and_the_others_are_compared(crossed):
    data = Data(crossed.run)
    unknown = data.pools["condition"] == "T1-brief"
    lengths = data.pools["mean_prompt_tokens"].mask(unknown)
    data.__dict__["pools"] = data.pools.assign(mean_prompt_tokens=lengths)
    table = make_table("matched_budget", data)
    note = "budget all tokens, prompt once: no numbers in T1-brief, as the lengths of the prompts"
    assert any(one.startswith(note) for one in table.notes)
    rows = table.frame[table.frame["budget"] == "all tokens, prompt once"]
    rows = rows[rows["k"] == 2].set_index("condition")
    assert np.isnan(rows.loc["T1-brief", "coverage"])
    assert rows.loc["T1-min_p0.1", "coverage"] > 0


def test_a_k_that_all_others_afford_more_than_is_left_out(crossed_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(crossed_run, folder)
    data = Data(load_run(folder))
    cheap = data.pools["mean_tokens"].where(data.pools["condition"] == "T1", 1.0)
    data.__dict__["pools"] = data.pools.assign(mean_tokens=cheap)
    table = make_table("matched_budget", data)
    assert "completion tokens" not in {*table.frame["budget"]}
    (note,) = [note for note in table.notes if note.startswith("left out, as all conditions")]
    assert "k = 2, 4 of completion tokens" in note
