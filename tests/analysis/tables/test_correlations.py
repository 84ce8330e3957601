"""Correlations with the condition held fixed as a category, against least squares."""

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.correlation import correlate
from workbench.analysis.frames import Data
from workbench.analysis.tables import make_table
from workbench.analysis.tables.correlations import _held_columns


def residuals(values, *blocks):
    """What a regression on the dummies of several categories leaves of the values."""
    columns = [pd.get_dummies(block, dtype=float).to_numpy() for block in blocks]
    told = np.hstack(columns)
    return values - told @ np.linalg.lstsq(told, values)[0]


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    problems = np.repeat(np.arange(12), 12)
    conditions = rng.permutation(np.tile(["a", "b", "c", "d"], 36))  # uneven within problems
    shift = pd.Series(conditions).map({"a": 0.0, "b": 3.0, "c": -2.0, "d": 1.0}).to_numpy()
    x = problems + shift + rng.normal(size=144)
    y = 2 * problems - 2 * shift + 0.5 * x + rng.normal(size=144)
    category = pd.Categorical(conditions, ["a", "b", "c", "d", "never drawn"], ordered=True)
    return pd.DataFrame({"problem_id": problems, "condition": category, "x": x, "y": y})


def test_a_category_held_fixed_is_a_regression_on_the_means_of_its_levels(rows):
    held = _held_columns(rows, ["condition"])
    assert list(held) == ["b", "c", "d"]
    found = correlate(rows["x"], rows["y"], rows["problem_id"], held)
    left = [residuals(rows[name].to_numpy(), rows["condition"]) for name in ("x", "y")]
    assert found.r == pytest.approx(np.corrcoef(*left)[0, 1])
    assert abs(found.r - np.corrcoef(rows["x"], rows["y"])[0, 1]) > 0.05


def test_within_problems_it_is_a_regression_on_the_means_of_both(rows):
    held = _held_columns(rows, ["condition"])
    found = correlate(rows["x"], rows["y"], rows["problem_id"], held, level="within")
    both = rows["condition"], rows["problem_id"]
    left = [residuals(rows[name].to_numpy(), *both) for name in ("x", "y")]
    assert found.r == pytest.approx(np.corrcoef(*left)[0, 1])
    assert found.low < found.r < found.high


def test_the_jackknife_leaves_out_a_problem_that_alone_has_a_condition(rows):
    alone = rows["problem_id"] == 3
    names = rows["condition"].astype(str).mask(alone, "never drawn")
    rows["condition"] = pd.Categorical(names, rows["condition"].cat.categories)
    held = _held_columns(rows, ["condition"])
    for level in ("pooled", "within"):
        found = correlate(rows["x"], rows["y"], rows["problem_id"], held, level=level)
        blocks = [rows["condition"], rows["problem_id"]][: 2 if level == "within" else 1]
        left = [residuals(rows[name].to_numpy(), *blocks) for name in ("x", "y")]
        assert found.r == pytest.approx(np.corrcoef(*left)[0, 1])
        assert np.isfinite([found.low, found.high]).all()


def test_a_number_that_the_condition_decides_changes_nothing_beside_it(rows):
    codes = rows["condition"].cat.codes.astype(float)
    held = _held_columns(
        rows.assign(temperature=codes, one=1.0), ["one", "temperature", "condition"]
    )
    again = correlate(rows["x"], rows["y"], rows["problem_id"], held)
    plain = correlate(rows["x"], rows["y"], rows["problem_id"], _held_columns(rows, ["condition"]))
    assert again.r == pytest.approx(plain.r)
    assert again.low == pytest.approx(plain.low)


def test_the_table_holds_the_condition_where_there_is_more_than_a_temperature(crossed):
    table = make_table("within_correlation", crossed)
    assert {*table.frame["held"]} == {"nothing", "condition"}
    rows = crossed.judged.query("k == 4")
    both = rows["condition"].cat.remove_unused_categories(), rows["problem_id"]
    left = [residuals(rows[n].to_numpy(float), *both) for n in ("distinct_2", "coverage")]
    wanted = np.corrcoef(*left)[0, 1]
    found = table.frame.query("k == 4 and held == 'condition' and metric == 'distinct_2'")
    assert found["coverage"].item() == pytest.approx(wanted)
    assert any(note.startswith("condition held fixed: as a category") for note in table.notes)
    partial = make_table("partial_correlation", crossed)
    assert any("all: avg_log_prob, num_tokens, condition;" in note for note in partial.notes)
    assert partial.frame["Partial, all"].notna().all()


def test_a_run_of_temperatures_alone_holds_the_temperature_as_a_number(finished):
    data = Data(load_run(finished[1]))
    table = make_table("within_correlation", data)
    assert {*table.frame["held"]} == {"nothing", "temperature"}
    assert any(note.endswith("or temperature") for note in table.notes)
    rows = data.judged.query("k == 4")
    how = {"level": "within", "confidence": data.run.experiment.analysis.confidence}
    by_hand = correlate(
        rows["distinct_2"], rows["coverage"], data.codes(rows), rows[["temperature"]], **how
    )
    found = table.frame.query("k == 4 and held == 'temperature' and metric == 'distinct_2'")
    assert found["coverage"].item() == by_hand.r
