import json

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.held_out_rewards import TABLES, held_out, judge, show
from workbench.core.conditions import temperature_name
from workbench.reward_training.train import TrainedReward
from workbench.tracking.wandb_run import Tracker

CURVES = pd.DataFrame(
    [
        {"step": 1, "loss": 0.7, "accuracy": 0.5},
        {"step": 2, "loss": 0.5, "accuracy": 0.6, "validation_loss": 0.6,
         "validation_accuracy": 0.55},
        {"step": 4, "loss": 0.1, "accuracy": 0.9, "validation_loss": 0.8,
         "validation_accuracy": 0.5},
    ]
)  # fmt: skip


def rows(part, problem, right, trained, untrained=0.5, likelihood=np.nan, run=0, temperature=1.0):
    return pd.DataFrame(
        {"part": part, "problem": problem, "run": run, "condition": temperature_name(temperature),
         "right": np.array(right, dtype=bool), "trained": trained, "untrained": untrained,
         "likelihood": likelihood}
    )  # fmt: skip


def study(problems=30, signal=2.0, seed=0):
    rng = np.random.default_rng(seed)
    found = []
    for number in range(problems):
        right = rng.random(12) < 0.4
        found.append(
            rows(
                "test" if number % 3 else "validation", f"q{number}", right,
                rng.normal(size=12) + signal * right, rng.normal(size=12),
                rng.normal(size=12) + 0.3 * right,
            )
        )  # fmt: skip
    return pd.concat(found, ignore_index=True)


def test_ranking_is_within_pools_and_counts_each_problem_once():
    frame = pd.concat(
        [
            # right one above one of two wrong: 1/2; the other pool orders all: 1; mean 3/4
            rows("test", "a", [1, 0, 0], [0.5, 0.9, 0.1]),
            rows("test", "a", [1, 0], [0.05, 0.01], temperature=0.5),
            # a pool of one class says nothing, and is not compared with the same problem's other
            rows("test", "b", [0, 0], [0.1, 0.15], run=1),
            rows("test", "b", [1, 0], [0.2, 0.6]),
            rows("test", "c", [1, 1], [0.1, 0.2]),
            rows("validation", "d", [1, 0], [0.2, 0.1], temperature=np.nan),
        ],
        ignore_index=True,
    )
    table = held_out(frame)["held_out"].frame.set_index(["part", "reward"])
    trained = table.loc[("test", "trained")]
    assert trained["ranking_accuracy"] == pytest.approx((0.75 + 0) / 2)
    assert trained["problems"] == 2
    assert trained["samples"] == 11
    assert trained["right"] == pytest.approx(5 / 11)
    assert np.isnan(trained["ranking_accuracy_low"])  # of two problems
    assert table.loc[("test", "untrained"), "ranking_accuracy"] == 0.5  # ties
    assert np.isnan(table.loc[("test", "likelihood"), "ranking_accuracy"])
    assert table.loc[("test", "likelihood"), "samples"] == 0
    assert table.loc[("validation", "trained"), "ranking_accuracy"] == 1.0
    gains = held_out(frame)["held_out_gains"].frame.set_index(["part", "trained_less"])
    gain = gains.loc[("test", "untrained")]
    assert gain["ranking_accuracy"] == pytest.approx(0.375 - 0.5)
    assert gain["problems"] == 2


def test_a_reward_that_knows_is_told_from_one_that_guesses():
    table = held_out(study())["held_out"].frame.set_index(["part", "reward"])
    trained, untrained = table.loc[("test", "trained")], table.loc[("test", "untrained")]
    for name in ("ranking_accuracy", "auroc"):
        assert trained[f"{name}_low"] > 0.8
        assert untrained[f"{name}_low"] < 0.5 < untrained[f"{name}_high"]
    assert trained["problems"] == 20
    gains = held_out(study())["held_out_gains"].frame.set_index(["part", "trained_less"])
    over = gains.loc[("test", "likelihood")]
    assert over["ranking_accuracy_low"] > 0.15
    assert over["ranking_accuracy_p"] < 0.01


def test_what_is_found_is_written_printed_and_json(tmp_path, capsys):
    frame = study(12)
    outcome = TrainedReward(frame, CURVES, best_step=2, signature="orm|tiny|run|seed:0|v1")
    found = judge(tmp_path, outcome, Tracker())
    assert json.loads(json.dumps(found)) == found
    assert "NaN" not in json.dumps(found)
    assert set(found) == set(TABLES)
    assert (tmp_path / "figures" / "training.png").stat().st_size > 5000
    saved = pd.read_csv(tmp_path / "tables" / "held_out.csv")
    assert saved["ranking_accuracy"].tolist() == pytest.approx(
        [row["ranking_accuracy"] for row in found["held_out"]]
    )
    show(tmp_path)
    printed = capsys.readouterr().out
    for words in ("held_out_gains", "validation", "orm|tiny|run|seed:0|v1", "0.5 is chance"):
        assert words in printed


def test_a_runs_other_rewards_are_judged_beside_the_trained_one():
    frame = study()
    frame["reward_quality"] = frame["trained"]
    tables = held_out(frame)
    levels = tables["held_out"].frame.set_index(["part", "reward"])["ranking_accuracy"]
    assert levels["test", "quality"] == levels["test", "trained"]
    gains = tables["held_out_gains"].frame.set_index(["part", "trained_less"])
    assert gains.loc[("test", "quality"), "ranking_accuracy"] == 0
    assert gains.loc[("test", "likelihood"), "ranking_accuracy"] > 0
