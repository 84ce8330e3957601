import numpy as np
import pytest

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.tables import make_table


@pytest.fixture(scope="module")
def data(embedded):
    return Data(load_run(embedded[1]))


def test_diversity_is_the_mean_over_pools_with_its_interval_and_counts(data):
    table = make_table("diversity", data).frame
    row = table.query("metric == 'distinct_2' and k == 4 and temperature == 1.0").iloc[0]
    part = data.subsets.query("k == 4 and temperature == 1.0")
    pools = part.groupby("problem_id")["distinct_2"].mean()
    assert row["diversity"] == pytest.approx(pools.mean())
    assert (row["subsets"], row["problems"]) == (len(part), len(pools))
    if len(pools) >= 10:
        assert row["diversity_low"] < row["diversity"] < row["diversity_high"]
    else:
        assert np.isnan(row["diversity_low"])


def test_a_dpp_stands_twice_and_its_second_row_leaves_repeats_out(data):
    table = make_table("diversity", data).frame
    dpp = table[(table["metric"] == "dpp") & (table["k"] == 4) & (table["temperature"] == 0.3)]
    assert dpp["rows"].tolist() == ["all", "without repeats"]
    whole, without = dpp["diversity"]
    assert without > whole  # a repeat costs a DPP much
    kept = data.subsets.query("k == 4 and temperature == 0.3 and not has_repeat")
    assert dpp["subsets"].tolist()[1] == len(kept)
    assert set(table.query("metric == 'distinct_2'")["rows"]) == {"all"}
