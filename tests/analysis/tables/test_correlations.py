"""Correlations with the condition held fixed: which runs hold it, against least squares."""

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.correlation import correlate
from workbench.analysis.frames import Data
from workbench.analysis.tables import make_table


def residuals(values, *blocks):
    """What a regression on the dummies of several categories leaves of the values."""
    told = np.hstack([pd.get_dummies(block, dtype=float).to_numpy() for block in blocks])
    return values - told @ np.linalg.lstsq(told, values)[0]


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
