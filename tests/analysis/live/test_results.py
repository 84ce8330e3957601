"""The numbers of a look are those of the tables, once all is there."""

from pathlib import Path

import numpy as np
import pytest

from workbench.analysis.live.looks import Watched
from workbench.analysis.live.results import Estimate, results_so_far
from workbench.analysis.stats.bootstrap import Resamples
from workbench.saved_run import Run
from workbench.score.running_tally import Counted

ROOT = Path(__file__).parents[3]


def counted(known, right):
    known, right = np.array(known), np.array(right)
    return Counted(known, known, right, 0, 0, 0, False)


def test_a_finished_run_shows_the_numbers_of_its_tables():
    look = Watched(ROOT / "results" / "reference").look()
    curve = Run(ROOT / "results" / "reference").table("coverage_curve")
    shown = 0
    for condition in look.conditions:
        so_far = condition.so_far
        rows = curve[curve["temperature"] == float(condition.name[1:])].set_index("k")
        for k, found in ((1, so_far.accuracy), (so_far.k, so_far.coverage)):
            wanted = rows.loc[k, ["pass@k", "pass@k_low", "pass@k_high"]]
            assert [found.value, found.low, found.high] == pytest.approx(wanted.tolist())
            shown += 1
    assert shown == 2 * 4
    assert [one.so_far.k for one in look.conditions] == [1, 16, 16, 16]


def test_by_hand():
    known = [[4, 2]] * 6 + [[2, 0]] * 6
    right = [[4, 0]] * 6 + [[1, 0]] * 6
    first, second = results_so_far(counted(known, right), Resamples(12, 200, 0), 0.95)
    assert (first.accuracy.value, first.accuracy.problems) == (0.75, 12)
    assert (first.k, first.coverage.value, first.coverage.problems) == (2, 1.0, 12)
    assert first.accuracy.low < 0.75 < first.accuracy.high
    assert (second.k, second.coverage.value, second.coverage.problems) == (2, 0.0, 6)
    assert np.isnan(second.coverage.low)  # 6 problems give no interval


def test_a_condition_without_samples_has_a_dash():
    (empty,) = results_so_far(counted([[0]] * 12, [[0]] * 12), Resamples(12, 50, 0), 0.95)
    assert (empty.k, str(empty.accuracy), str(empty.coverage)) == (0, "-", "-")
    assert str(Estimate(0.5, np.nan, np.nan, 3)) == "0.50"
    assert str(Estimate(0.5, 0.25, 0.75, 30)) == "0.50 [0.25, 0.75]"
