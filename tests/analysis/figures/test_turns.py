import pandas as pd
import pytest

BINS = pd.DataFrame(
    {
        "first": ["T0.7"] * 3 + ["T1"] * 3,
        "outcome": ["i_to_c", "i_to_c", "stays_wrong"] * 2,
        "low": [0.0, 0.05, 0.9] * 2, "high": [0.05, 0.1, 0.95] * 2,
        "pairs": [3, 1, 0, 2, 2, 0], "share": [0.75, 0.25, None, 0.5, 0.5, None],
    }
)  # fmt: skip
SHARES = {
    "accuracy@t1": [0.5, 0.4, 0.45],
    "accuracy@t2": [0.6, 0.3, 0.45],
    "i_to_c": [0.2, 0.1, 0.15],
}
MEANS = pd.DataFrame(
    {"first": ["T0.7", "T1", "all"], **SHARES}
    | dict.fromkeys(("c_to_i", "stays_right", "stays_wrong"), 0.1)
    | {f"edit_{name}": 0.3 for name in ("i_to_c", "c_to_i", "stays_right", "stays_wrong")}
)


@pytest.fixture
def run(with_tables):
    return with_tables({"edit_distances": (BINS, ""), "self_correction": (MEANS, "")})


def test_each_condition_has_a_histogram_and_all_have_means(run, lines):
    panels = lines(run.plot.edit_distance())
    assert list(panels) == ["temperature 0.7", "temperature 1", "means"]
    first = panels["temperature 0.7"]
    assert first[["series", "x", "y"]].round(3).to_numpy().tolist() == [
        ["became right", 0.025, 0.75], ["became right", 0.075, 0.25],
    ]  # fmt: skip
    assert panels["means"]["series"].nunique() == 4
    assert set(panels["means"]["x"]) == {0, 1}  # the line of all stands nowhere


def test_the_flow_has_both_accuracies_and_what_became_of_answers(run, lines):
    panels = lines(run.plot.turn_flow())
    found = panels["accuracy"].groupby("series")["y"].agg(list).to_dict()
    assert found == {"first answers": [0.5, 0.4], "second answers": [0.6, 0.3]}
    became = panels["what became of first answers"]
    assert list(dict.fromkeys(became["series"])) == [
        "became right", "became wrong", "stayed right", "stayed wrong",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["edit_distance", "turn_flow"])
def test_without_second_answers_it_says_so(with_tables, words, name):
    run = with_tables({"self_correction": (pd.DataFrame(), "there are no second answers")})
    assert "there are no second answers" in words(getattr(run.plot, name)())
