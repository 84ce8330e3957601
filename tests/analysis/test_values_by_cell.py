"""Means by problem, condition and k, of a handful of rows."""

import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.values_by_cell import (
    diversity_columns,
    pooled_conditions,
    values_by_cell,
)


@pytest.fixture(scope="module")
def data(embedded):
    return Data(load_run(embedded[1]))


def test_means_by_hand(data):
    first, second = data.problems[:2]
    rows = [
        (first, "T0.3", 2, 1.0), (first, "T0.3", 2, 4.0), (first, "T1", 2, 5.0),
        (second, "T1", 4, np.inf), (second, "T1", 4, 7.0), (second, "T1", 4, np.nan),
        (second, "T0", 4, 9.0), (second, "T1", 8, 9.0),  # neither the condition nor the k is asked
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["problem_id", "condition", "k", "x"])
    conditions = pooled_conditions(data)
    assert [one.name for one in conditions] == ["T0.3", "T1"]  # greedy is a baseline
    found = values_by_cell(data, frame, ["x"], conditions, [2, 4])
    assert found.shape == (12, 2, 2, 1)
    np.testing.assert_equal(found[0, :, :, 0], [[2.5, np.nan], [5.0, np.nan]])
    np.testing.assert_equal(found[1, :, :, 0], [[np.nan, np.nan], [np.nan, 7.0]])
    assert np.isnan(found[2:]).all()
    together = values_by_cell(data, frame, ["x"], conditions)
    np.testing.assert_equal(together[:2, :, 0, 0], [[2.5, 5.0], [np.nan, 8.0]])


def test_a_dpp_stands_twice(data):
    frame, names = diversity_columns(data)
    assert names == [*data.metrics, "dpp_no_repeats", "qual_dpp_no_repeats"]
    repeats = data.judged["has_repeat"].astype(bool)
    assert repeats.any()
    assert frame["dpp_no_repeats"].isna().equals(repeats)
    assert frame["dpp"].notna().all()
