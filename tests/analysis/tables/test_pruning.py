import itertools
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from workbench import load_run
from workbench.analysis.aggregate.pruning import PRUNERS, prune_pool
from workbench.analysis.frames import Data
from workbench.analysis.tables.pruning import pruning
from workbench.core.conditions import temperature_name
from workbench.storage.parquet import write_table

ODD = np.arange(12) % 2


@pytest.fixture
def written(copied):
    """A function: rows of ``pruned`` -> the data of a finished run that has these."""

    def write(rows):
        root = copied[1]
        shutil.rmtree(root / "pruned", ignore_errors=True)
        write_table(root / "pruned" / "block-00000.parquet", pa.Table.from_pylist(rows), "by hand")
        return Data(load_run(root))

    return write


def rows(method, m, coverage, maj, n=8, unknown=0, temperature=1.0):
    """One row for each of 12 problems; values are shares, alike for all or one for each."""
    shares = {"coverage": coverage, "maj_correct": maj}
    return [
        {"problem_id": f"p{i:02}", "temperature": temperature, "m": m, "method": method, "n": n,
         "num_unknown": unknown}
        | {name: float(np.broadcast_to(share, 12)[i]) for name, share in shares.items()}
        for i in range(12)
    ]  # fmt: skip


BY_HAND = [
    *rows("random", 2, 0.5, 0.25),
    *rows("k_medoids", 2, 0.75, 0.25 + 0.5 * ODD),
    *rows("greedy_map", 2, 0.5, 0.25 * ODD),
    *rows("all", 8, 1.0, ODD),
]


def cell(table, selection, method, m=2):
    frame = table.frame
    (row,) = frame[
        (frame["selection"] == selection) & (frame["method"] == method) & (frame["m"] == m)
    ].to_dict("records")
    return row


def test_means_and_paired_differences_by_hand(written):
    table = pruning(written(BY_HAND))
    assert table.frame[["selection", "m", "method"]].to_numpy().tolist() == [
        [selection, m, method]
        for selection, (m, method) in itertools.product(
            ("maj", "coverage"), [(2, "random"), (2, "k_medoids"), (2, "greedy_map"), (8, "all")]
        )
    ]
    better = cell(table, "coverage", "k_medoids")
    assert (better["accuracy"], better["accuracy_low"], better["accuracy_high"]) == (0.75,) * 3
    assert better["difference"] == better["difference_low"] == better["difference_high"] == 0.25
    # of 2^12 choices of signs, those that flip none or all are as extreme
    assert better["p"] == pytest.approx(2 / 4096)
    assert better["problems"] == 12
    half = cell(table, "maj", "k_medoids")
    assert (half["accuracy"], half["difference"]) == (0.5, 0.25)
    assert half["difference_low"] < 0.25 < half["difference_high"]
    assert half["p"] == pytest.approx(2 / 64)  # six problems differ, all to one side
    worse = cell(table, "maj", "greedy_map")
    assert (worse["accuracy"], worse["difference"]) == (0.125, -0.125)
    assert cell(table, "maj", "all", 8)["accuracy"] == 0.5


def test_q_is_corrected_for_all_tests_of_the_table(written):
    table = pruning(written(BY_HAND))
    # p: 2/4096, then 2/64 twice, then 1: times 4 and over the rank
    expected = {
        ("coverage", "k_medoids"): 2 / 4096 * 4, ("maj", "k_medoids"): 2 / 64 * 4 / 3,
        ("maj", "greedy_map"): 2 / 64 * 4 / 3, ("coverage", "greedy_map"): 1.0,
    }  # fmt: skip
    for (selection, method), q in expected.items():
        assert cell(table, selection, method)["q"] == pytest.approx(q)
    for method, m in (("random", 2), ("all", 8)):
        row = cell(table, "maj", method, m)
        assert np.isnan([row["difference"], row["p"], row["q"]]).all()
    assert any("p corrected for the 4 tests of the table" in note for note in table.notes)


def test_only_problems_with_both_are_compared(written):
    rewards = rows("k_medoids_reward", 2, 0.5 * ODD, 0.25)
    found = [*BY_HAND, *(row for row in rewards if row["problem_id"] < "p11")]
    table = pruning(written(found))
    row = cell(table, "coverage", "k_medoids_reward")
    assert row["problems"] == 11
    assert row["difference"] == pytest.approx(np.mean(0.5 * ODD[:11] - 0.5))
    assert "k_medoids_reward: 1 pools without what it needs are left out" in table.notes


def test_methods_that_are_left_out_are_named_with_the_reason(written):
    notes = "\n".join(pruning(written([*rows("random", 2, 0.5, 0.5), *rows("all", 8, 1, 1)])).notes)
    assert "k_medoids_reward is left out: no sample has both a likelihood and a reward" in notes
    for name in ("k_medoids", "k_dpp", "greedy_map", "farthest_point"):
        assert f"{name} is left out: no embeddings" in notes


def test_the_whole_pool_is_one_row_though_pools_differ_in_size(written):
    found = [*rows("random", 2, 0.5, 0.5), *rows("all", 8, ODD, ODD)]
    found[-1] |= {"m": 2, "n": 2}  # of p11, which has no row at m = 2 then
    del found[11]
    table = pruning(written(found))
    assert cell(table, "coverage", "all", 8)["accuracy"] == 0.5
    assert cell(table, "coverage", "random")["problems"] == 11
    assert "1 pools of no more than m samples are left out for that m" in table.notes


def test_samples_of_unknown_correctness_are_counted(written):
    found = [*rows("random", 2, 0.5, 0.5, n=7, unknown=1), *rows("all", 7, 0.5, 0.5, 7, unknown=1)]
    table = pruning(written(found))
    assert cell(table, "maj", "random")["accuracy"] == 0.5
    left = "12 samples of unknown correctness are left out before any is kept"
    assert left in table.notes  # and none of them counts as one that could not be drawn
    assert not any("cannot be kept" in note for note in table.notes)
    assert not any("unknown" in note for note in pruning(written(BY_HAND)).notes)


def test_an_unknown_temperature_is_one_of_its_own(written):
    nowhere = rows("random", 2, 0.25, 0.0, temperature=None)
    frame = pruning(written([*rows("random", 2, 0.5, 0.5), *nowhere, *rows("all", 8, 1, 1)])).frame
    coverage = frame[(frame["selection"] == "coverage") & (frame["method"] == "random")]
    assert coverage["accuracy"].tolist() == [0.5, 0.25]
    assert coverage["condition"].tolist() == ["T1", "unknown"]


def test_few_problems_have_no_interval_and_no_p(written):
    table = pruning(written([row for row in BY_HAND if row["problem_id"] < "p09"]))
    assert table.frame[["accuracy_low", "difference_low", "p", "q"]].isna().all(axis=None)
    assert "no intervals and no p: 9 problems are fewer than 10" in table.notes


@pytest.fixture(scope="module")
def measured(embedded, tmp_path_factory):
    """A finished run with embeddings, all of it pruned."""
    root = tmp_path_factory.mktemp("pruned") / "run"
    shutil.copytree(embedded[1], root)
    run = load_run(root)
    for block in run.blocks:
        told = run.experiment.measure, run.experiment.selection
        found = [row for p in run.pools(block) for row in prune_pool(p, *told)]
        path = root / "pruned" / f"block-{block:05}.parquet"
        write_table(path, pa.Table.from_pylist(found), "again")
    return run


def test_a_real_run_is_pruned_in_every_way(measured):
    table = pruning(Data(measured))
    frame = table.frame
    assert set(frame["method"]) == {*PRUNERS, "all"}
    assert set(frame["condition"]) == {"T0.3", "T1"}  # greedy samples are alone
    assert not any("left out" in note for note in table.notes)
    assert (frame["problems"] == 12).all()
    exact = measured.table("coverage_curve")
    exact["condition"] = exact["temperature"].map(temperature_name)
    exact = exact.set_index(["condition", "k"])
    for selection, name in (("coverage", "pass@k"), ("maj", "maj@k"), ("best", "best@k")):
        part = frame[(frame["selection"] == selection) & frame["method"].isin(["random", "all"])]
        known = exact.loc[list(zip(part["condition"], part["m"], strict=True)), name]
        np.testing.assert_allclose(part["accuracy"], known)
    compared = frame[~frame["method"].isin(["random", "all"])]
    assert compared["p"].notna().all()
    assert (compared["q"] >= compared["p"]).all()
    rates = (frame["accuracy_low"] <= frame["accuracy"]) & (
        frame["accuracy"] <= frame["accuracy_high"]
    )
    assert rates.all()
    pd.testing.assert_frame_equal(frame, pruning(Data(measured)).frame)
