import pandas as pd

TWO = pd.DataFrame(
    {
        "reward": ["given", "given", "orm"], "temperature": [0.3, 1.0, 1.0],
        "bin": ["0.2-0.3", "0.2-0.3", "0.9-1"], "mean_reward": [0.21, 0.25, 0.95],
        "right": [0.5, 0.25, 1.0], "right_low": [0.4, None, None], "right_high": [0.6, None, None],
        "samples": [30, 4, 2],
    }
)  # fmt: skip


def test_reliability_has_a_panel_per_reward_and_a_line_per_temperature(
    with_tables, lines, words, dashed
):
    chart = with_tables({"reliability": (TWO, "")}).plot.reliability()
    panels = lines(chart)
    assert list(panels) == ["given", "orm"]
    rows = panels["given"]
    assert rows[["series", "x", "y", "size"]].to_numpy().tolist() == [
        ["T = 0.3", 0.21, 0.5, 30], ["T = 1", 0.25, 0.25, 4],
    ]  # fmt: skip
    assert rows["interval"].tolist() == ["[0.400, 0.600]", ""]
    assert "dashed: calibrated" in words(chart)
    assert "none below 10 problems" in words(chart)
    for place, panel in enumerate(chart.to_dict()["concat"]):
        assert dashed(chart, place) == [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
        domain = panel["layer"][-1]["encoding"]["x"]["scale"]["domain"]
        assert domain == panel["layer"][-1]["encoding"]["y"]["scale"]["domain"] == [-0.05, 1.05]


def test_the_best_by_each_reward_stand_between_oracle_and_random(with_tables, lines):
    frame = pd.DataFrame({"temperature": [0.7, 0.7], "k": [1, 2]})
    for name, values in {
        "random": [0.4, 0.4], "best:orm": [0.4, 0.5], "best:likelihood": [0.4, 0.3],
        "oracle": [0.4, 0.6],
    }.items():  # fmt: skip
        frame[name] = values
        frame[f"{name}_low"] = [v - 0.1 for v in values]
        frame[f"{name}_high"] = [v + 0.1 for v in values]
    frame["best:orm_p"] = [None, 0.01]
    rows = lines(with_tables({"reward_curve": (frame, "")}).plot.best_by_reward())[
        "temperature 0.7"
    ]
    assert list(dict.fromkeys(rows["series"])) == ["oracle", "orm", "likelihood", "random"]
    orm = rows[rows["series"] == "orm"]
    assert orm["x"].tolist() == [1, 2]
    assert orm["y"].tolist() == [0.4, 0.5]
    assert orm["interval"].tolist() == ["[0.300, 0.500]", "[0.400, 0.600]"]
