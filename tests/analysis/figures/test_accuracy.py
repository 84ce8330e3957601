import pandas as pd
import pytest

from workbench import load_run


@pytest.fixture(scope="module")
def run(embedded):
    return load_run(embedded[1])


def test_accuracy_is_drawn_as_it_stands_in_the_table(run, lines):
    table = run.table("accuracy_by_k_temperature")
    panels = lines(run.plot.accuracy_by_k())
    assert list(panels) == ["temperature 0.3", "temperature 1", "temperatures mixed"]
    parts = [table[table["temperature"] == t] for t in (0.3, 1.0)] + [
        table[table["pool"] == "mixed"]
    ]
    for rows, part in zip(panels.values(), parts, strict=True):
        part = part.sort_values("k")
        assert set(rows["series"]) >= {"maj", "best", "coverage", "single_sample"}
        maj = rows[rows["series"] == "maj"]
        assert maj["x"].tolist() == part["k"].tolist()  # the true k: bars are moved as drawn
        assert maj["y"].tolist() == part["maj_correct"].tolist()
        assert maj["low"].tolist() == part["maj_correct_low"].tolist()
        assert maj["high"].tolist() == part["maj_correct_high"].tolist()


def test_tokens_are_drawn_where_they_were_spent_and_never_at_0(with_tables, lines):
    frame = pd.DataFrame(
        {"temperature": [0.3, 0.3, 1.0], "k": [1, 2, 2], "tokens": [0.0, 40.5, 61.0],
         "maj_correct": [0.1, 0.2, 0.3], "coverage": [0.1, 0.5, 0.6]}
    )  # fmt: skip
    chart = with_tables({"budget": (frame, "")}).plot.accuracy_by_tokens()
    rows = lines(chart)["coverage"]
    assert rows[["series", "x", "y"]].to_numpy().tolist() == [
        ["T = 0.3", 40.5, 0.5], ["T = 1", 61.0, 0.6],
    ]  # fmt: skip
    marks = chart.to_dict()["concat"][0]["layer"][-1]["mark"]
    assert marks["xOffset"] == 0  # tokens differ by themselves


def test_what_was_kept_stands_beside_the_line_of_all(run, lines, dashed):
    table = run.table("pruning").query("selection == 'maj' and temperature == 1.0")
    chart = run.plot.accuracy_by_m()
    rows = lines(chart)["maj, T = 1"]
    assert rows[rows["series"] == "k_dpp"]["y"].tolist() == pytest.approx(
        table.query("method == 'k_dpp'").sort_values("m")["accuracy"].tolist()
    )
    assert "all" not in set(rows["series"])
    (whole,) = dashed(chart, list(lines(chart)).index("maj, T = 1"))
    assert [whole["y"]] == table.query("method == 'all'")["accuracy"].tolist()


def test_curves_are_the_exact_ones_without_the_greedy_sample(run, lines):
    panels = lines(run.plot.coverage_curve())
    table = run.table("coverage_curve").query("temperature == 1.0")
    assert set(panels) >= {"pass@k", "maj@k", "best@k"}
    rows = panels["pass@k"]
    assert set(rows["series"]) == {"T = 0.3", "T = 1"}
    assert rows[rows["series"] == "T = 1"]["y"].tolist() == table["pass@k"].tolist()
