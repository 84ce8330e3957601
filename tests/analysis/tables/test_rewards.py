import itertools
import shutil

import numpy as np
import pyarrow as pa
import pytest

from workbench import load_run
from workbench.analysis.frames import Data
from workbench.analysis.tables.rewards import reliability, reward_curve, reward_report
from workbench.storage.parquet import write_table


@pytest.fixture
def scored(copied):
    """A function: (problem, temperature, correct, rewards by name) of pools -> a run's data."""

    def write(pools):
        root = copied[1]
        for table in ("scores", "expectations"):
            shutil.rmtree(root / table)
        rows = [
            {"problem_id": problem, "temperature": temperature, "sample_index": place,
             "is_correct": right}
            | {f"reward_{name}": values[place] for name, values in rewards.items()}
            for problem, temperature, correct, rewards in pools
            for place, right in enumerate(correct)
        ]  # fmt: skip
        table = pa.Table.from_pylist(rows)
        write_table(root / "scores" / "block-00000.parquet", table, "by hand")
        measured = [
            {"problem_id": problem, "temperature": temperature, "k": 1, "n": len(correct),
             "num_correct": correct.count(True), "num_unknown": correct.count(None)}
            for problem, temperature, correct, _ in pools
        ]  # fmt: skip
        table = pa.Table.from_pylist(measured)
        write_table(root / "expectations" / "block-00000.parquet", table, "by hand")
        return Data(load_run(root))

    return write


POOLS = [  # a right sample outranks a wrong one in 3 of 4 pairs, in 1/2 of 2, and never
    ("a", 1.0, [True, True, False, False], {"given": [0.9, 0.3, 0.5, 0.1]}),
    ("b", 1.0, [True, False, False], {"given": [0.4, 0.4, 0.4]}),
    ("c", 1.0, [False, True], {"given": [0.8, 0.2]}),
    ("d", 1.0, [True, True], {"given": [0.7, 0.6]}),
    ("a", 0.0, [True], {"given": [0.9]}),  # greedy
]


def test_the_report_by_hand(scored):
    table = reward_report(scored(POOLS))
    (row,) = table.frame.to_dict("records")
    assert row["ranking_accuracy"] == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)
    assert row["problems"] == 3
    assert (row["samples"], row["right"]) == (11, 6 / 11)
    right, wrong = [0.9, 0.3, 0.4, 0.2, 0.7, 0.6], [0.5, 0.1, 0.4, 0.4, 0.8]
    pairs = [(g > b) + (g == b) / 2 for g, b in itertools.product(right, wrong)]
    assert row["auroc"] == pytest.approx(np.mean(pairs))
    squares = [*((r - 1) ** 2 for r in right), *(w**2 for w in wrong)]
    assert row["brier"] == pytest.approx(np.mean(squares))
    assert np.isnan(row["auroc_low"])  # four problems


def test_the_curve_by_hand(scored):
    frame = reward_curve(scored(POOLS)).frame
    two = frame[frame["k"] == 2].iloc[0]
    # a: of six pairs the best is right where 0.9 is in it, and in (0.3, 0.1); b: 1/3 by chance
    assert two["best:given"] == pytest.approx(np.mean([4 / 6, 1 / 3, 0.0, 1.0]))
    assert two["random"] == pytest.approx(np.mean([1 / 2, 1 / 3, 1 / 2, 1.0]))
    assert two["oracle"] == pytest.approx(np.mean([5 / 6, 2 / 3, 1.0, 1.0]))
    assert set(frame["condition"]) == {"T1"}


def test_reliability_by_hand(scored):
    frame = reliability(scored(POOLS)).frame.set_index("bin")
    found = frame.loc["0.4-0.5", ["mean_reward", "right", "samples"]].tolist()
    assert found == pytest.approx([0.4, 1 / 3, 3])
    assert frame["samples"].sum() == 11


def test_rewards_that_are_no_probabilities_are_ranked_but_not_calibrated(scored):
    pools = [(p, t, c, {"given": [v * 10 for v in r["given"]]}) for p, t, c, r in POOLS]
    data = scored(pools)
    row = reward_report(data).frame.iloc[0]
    assert row["ranking_accuracy"] == pytest.approx(1.25 / 3)
    assert "brier" not in row
    assert reliability(data).frame.empty


def test_a_log_probability_is_judged_by_its_exponential(scored):
    logs = [(p, t, c, {"likelihood": list(np.log(r["given"]))}) for p, t, c, r in POOLS]
    as_it_is, as_log = reward_report(scored(POOLS)).frame, reward_report(scored(logs)).frame
    for column in ("auroc", "brier", "ece"):
        assert as_log[column][0] == pytest.approx(as_it_is[column][0])


def test_the_gain_over_the_likelihood_is_paired_by_problem(scored):
    def both(given, plain):
        return {"likelihood": [np.log(v) for v in plain], "given": given}

    pools = [  # given ranks 1, 1 and 1/2; the likelihood 0, 1/2 and nothing, as all are right
        ("a", 1.0, [True, False], both([0.9, 0.1], [0.2, 0.3])),
        ("b", 1.0, [True, False, False], both([0.9, 0.1, 0.2], [0.2, 0.1, 0.3])),
        ("c", 1.0, [True, True], both([0.9, 0.1], [0.2, 0.3])),
        ("c", 0.3, [True, False], both([0.9, 0.1], [0.4, 0.3])),
    ]
    table = reward_report(scored(pools))
    found = table.frame.set_index(["condition", "reward"])["gain"]
    assert found["T1", "given"] == pytest.approx((1 + 1 / 2) / 2)
    assert found["T0.3", "given"] == 0
    assert found.loc[:, "likelihood"].isna().all()
    assert any(note.startswith("gain:") for note in table.notes)
    alone = reward_report(scored([(p, t, c, {"likelihood": r["likelihood"]})
                                  for p, t, c, r in pools]))  # fmt: skip
    assert "gain" not in alone.frame


def noisy(labels_are_rewards):
    rng = np.random.default_rng(1)
    for number in range(40):
        rewards = rng.random(8)
        truth = rewards if labels_are_rewards else rng.random(8)
        yield f"p{number:02}", 1.0, [bool(v) for v in truth > rng.random(8)], {"given": rewards}


def test_shuffled_labels_are_at_chance_and_labels_that_follow_the_reward_are_not(scored):
    chance = reward_report(scored(list(noisy(False)))).frame.iloc[0]
    for name in ("ranking_accuracy", "auroc"):
        assert chance[f"{name}_low"] < 0.5 < chance[f"{name}_high"]
        assert chance[f"{name}_q"] > 0.05
    found = reward_report(scored(list(noisy(True)))).frame.iloc[0]
    for name in ("ranking_accuracy", "auroc"):
        assert found[f"{name}_low"] > 0.5
        assert found[f"{name}_q"] < 0.01
    assert found["ece"] < chance["ece"]


def test_samples_without_a_reward_or_a_verdict_are_left_out(scored):
    pools = [
        ("a", 1.0, [True, False, None, False], {"given": [0.9, 0.1, 1.0, None]}),
        ("b", 1.0, [True, True], {"given": [None, None]}),
    ]
    data = scored(pools)
    row = reward_report(data).frame.iloc[0]
    assert (row["samples"], row["ranking_accuracy"], row["problems"]) == (2, 1.0, 1)
    curve = reward_curve(data).frame.set_index("k")
    assert curve.loc[2, "random"] == pytest.approx((1 / 3 + 1) / 2)  # of those with a verdict


def test_nothing_to_judge_gives_empty_tables(scored):
    data = scored([("a", 1.0, [True, False], {"given": [None, None]})])
    for make in (reward_report, reliability, reward_curve):
        assert make(data).frame.empty
        assert make(data).notes
