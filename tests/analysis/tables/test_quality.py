import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.tables.quality import quality_coefficients
from workbench.rewards.quality import FEATURES
from workbench.storage.parquet import write_table


def test_a_run_without_it_says_so(embedded):
    table = quality_coefficients(Data(load_run(embedded[1])))
    assert table.frame.empty
    assert "no reward quality" in table.notes[0]


@pytest.fixture
def study(copied):
    """A function: (correct, features by name) of 8 samples of 40 problems -> a run's data."""
    root = copied[1]

    def write(correct, features):
        ids = [f"p{i:02}" for i in range(40)]
        keys = {"problem_id": np.repeat(ids, 8), "temperature": 1.0,
                "sample_index": np.tile(np.arange(8), 40)}  # fmt: skip
        nothing = dict.fromkeys(FEATURES, np.full(320, np.nan))
        for name, columns in {
            "scores": {"is_correct": correct.astype(bool)},
            "rewards/quality": nothing | features,
        }.items():
            table = pa.Table.from_pandas(pd.DataFrame(keys | columns), preserve_index=False)
            for old in (root / name).glob("*"):
                old.unlink()
            write_table(root / name / "block-00000.parquet", table, "by hand")
        return Data(load_run(root))

    return write


def test_what_matters_has_a_weight_and_what_does_not_has_none(study):
    rng = np.random.default_rng(0)
    tells, noise = rng.normal(size=(2, 320))
    correct = rng.random(320) < 1 / (1 + np.exp(-1.5 * tells))
    data = study(correct, {"disagreement": -tells, "knn_similarity": noise})
    table = quality_coefficients(data)
    frame = table.frame.set_index("feature")
    assert list(frame.index) == ["disagreement", "knn_similarity"]
    row = frame.loc["disagreement"]
    assert row["weight_low"] < -1.5 < row["weight_high"] < 0
    assert row["weight_q"] < 0.01
    other = frame.loc["knn_similarity"]
    assert other["weight_low"] < 0 < other["weight_high"]
    assert "primary_entropy" in table.notes[-1]


def test_the_problem_is_the_unit(study):
    """A feature of the problem alone: as wide an interval as 40 problems give, not 320 rows."""
    rng = np.random.default_rng(1)
    ease = np.repeat(rng.normal(size=40), 8)
    correct = np.repeat(rng.random(40) < 0.5, 8)
    frame = quality_coefficients(study(correct, {"knn_similarity": ease})).frame
    wide = frame["weight_high"][0] - frame["weight_low"][0]
    assert wide > 2 * 2 * 2 / np.sqrt(320)  # twice what independent rows would give
