import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.figures import FIGURES, save, training_curves

TABLE_OF = {
    "accuracy_by_temperature": "accuracy_by_k_temperature",
    "accuracy_by_diversity": "diversity",
    "accuracy_by_k": "accuracy_by_k_temperature",
    "accuracy_by_tokens": "budget",
    "coverage_curve": "coverage_curve",
    "diversity_by_temperature": "diversity",
    "outcome_by_bucket": "bucket",
    "accuracy_by_m": "pruning",
    "best_by_reward": "reward_curve",
    "reliability": "reliability",
    "edit_distance": "self_correction",
    "turn_flow": "self_correction",
}
"""Name of each figure -> the table that says why there is nothing to draw."""


@pytest.fixture(scope="module")
def run(embedded):
    return load_run(embedded[1])


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_signed_named_and_says_what_it_shows(run, lines, name):
    chart = getattr(run.plot, name)()
    spec = chart.to_dict()
    assert spec["title"]["text"][-1] == run.signature
    assert spec["name"] == name
    assert spec["description"].endswith(".")
    assert name in repr(chart)
    assert "background" not in spec  # a page has its own
    if TABLE_OF[name] == "self_correction":  # of which this run has nothing: see test_turns.py
        return
    for title, rows in lines(chart).items():
        assert title
        assert len(rows)


def test_every_figure_is_of_a_table_and_those_that_answer_come_first():
    assert set(FIGURES) == set(TABLE_OF)
    assert list(FIGURES)[:4] == list(TABLE_OF)[:4]


def test_one_word_stands_for_accuracy_on_every_axis(run):
    for name in FIGURES:
        for panel in getattr(run.plot, name)().to_dict()["concat"]:
            for layer in panel.get("layer", ()):
                title = layer["encoding"].get("y", {}).get("axis", {}).get("title")
                assert title in ("accuracy", "", None)


@pytest.mark.parametrize("name", TABLE_OF)
def test_an_empty_table_says_why_in_its_first_words(with_tables, words, name, tmp_path):
    run = with_tables({TABLE_OF[name]: (pd.DataFrame(), "there were no samples to speak of")})
    chart = FIGURES[name](run)
    assert words(chart) == "there were no samples to speak of hand|made"
    save(chart, tmp_path, name)
    assert ">there were no samples" in (tmp_path / f"{name}.svg").read_text()


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("temperature", [0.7, np.nan])
def test_all_wrong_or_all_right_at_one_k_is_drawn(with_tables, lines, tmp_path, value, temperature):
    key = {"k": [4], "temperature": [temperature]}
    share = {"maj_correct": [value], "coverage": [value]}
    bounds = {f"{name}_{end}": [np.nan] for name in share for end in ("low", "high")}
    accuracy = pd.DataFrame(key | share | bounds | {"single_sample": [value], "pool": ["one T"]})
    exact = pd.DataFrame(key | {name: [value] for name in ("pass@k", "maj@k", "best@k")})
    best = {"random": [value], "best:given": [value], "best:given_low": [0], "oracle": [value]}
    binned = {"reward": ["given"], "mean_reward": [value], "right": [value], "samples": [1]}
    run = with_tables(
        {
            "accuracy_by_k_temperature": (accuracy, ""), "coverage_curve": (exact, ""),
            "budget": (pd.DataFrame(key | share | {"tokens": [20.0]}), ""),
            "reward_curve": (pd.DataFrame(key | best), ""),
            "reliability": (pd.DataFrame(key | binned), ""),
        }
    )  # fmt: skip
    for name in (
        "accuracy_by_k", "accuracy_by_tokens", "coverage_curve", "best_by_reward", "reliability",
    ):  # fmt: skip
        chart = FIGURES[name](run)
        assert all((rows["y"] == value).all() for rows in lines(chart).values())
        if (value == 1) != np.isnan(temperature):
            continue  # a picture of each value and of each temperature is enough
        assert save(chart, tmp_path, name).stat().st_size > 3000
        svg = (tmp_path / f"{name}.svg").read_text()
        assert ("unknown<" if np.isnan(temperature) else "0.7<") in svg
        assert "NaN" not in svg
        assert "Infinity" not in svg


def test_a_panel_without_any_value_is_named_under_the_others(with_tables, lines, words):
    frame = pd.DataFrame(
        {"k": [1, 2], "temperature": 0.7, "pass@k": [0.5, 0.6], "maj@k": [np.nan, np.nan]}
    )
    chart = with_tables({"coverage_curve": (frame, "")}).plot.coverage_curve()
    assert set(lines(chart)) == {"pass@k"}
    assert "no value of maj@k" in words(chart)


def test_training_shows_both_parts_and_the_step_that_was_kept(lines, words, dashed):
    curves = pd.DataFrame(
        {
            "step": [0, 5, 10], "loss": [0.7, 0.5, 0.4], "accuracy": [0.5, 0.7, 0.8],
            "validation_loss": [0.7, np.nan, 0.6], "validation_accuracy": [0.5, np.nan, 0.6],
        }
    )  # fmt: skip
    chart = training_curves(curves, 10, "signed")
    loss = lines(chart)["loss [nats]"].set_index("series")
    assert loss.loc["train", "y"].tolist() == [0.7, 0.5, 0.4]
    assert loss.loc["validation", ["x", "y"]].to_numpy().tolist() == [[0, 0.7], [10, 0.6]]
    accuracy = lines(chart)["accuracy"].set_index("series")
    assert accuracy.loc["train", "y"].tolist() == [0.5, 0.7, 0.8]
    assert words(chart) == "dashed: the step that was kept signed"
    assert dashed(chart, 0) == dashed(chart, 1) == [{"x": 10}]


def test_an_unknown_figure_names_the_known_ones(run):
    with pytest.raises(AttributeError, match=r"no figure 'accuracy'.*accuracy_by_k"):
        _ = run.plot.accuracy
