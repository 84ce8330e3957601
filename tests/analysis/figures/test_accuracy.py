from itertools import product

import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.figures.accuracy import shown_conditions
from workbench.core.conditions import Condition


@pytest.fixture(scope="module")
def run(embedded):
    return load_run(embedded[1])


def test_accuracy_against_k_is_exact_where_that_is_known(run, lines):
    drawn, exact = (run.table(name) for name in ("accuracy_by_k_temperature", "coverage_curve"))
    panels = lines(run.plot.accuracy_by_k())
    assert list(panels) == ["temperature 0.3", "temperature 1", "temperatures mixed"]
    for t, rows in zip((0.3, 1.0), panels.values(), strict=False):
        assert set(rows["series"]) >= {"maj", "best", "coverage", "single sample"}
        part = exact[exact["temperature"] == t]
        maj = rows[rows["series"] == "maj"]
        assert maj["x"].tolist() == part["k"].tolist()
        for end, column in {"y": "maj@k", "low": "maj@k_low", "high": "maj@k_high"}.items():
            assert maj[end].fillna(-1).tolist() == part[column].fillna(-1).tolist()
    mixed = panels["temperatures mixed"].query("series == 'coverage'")
    assert mixed["y"].tolist() == drawn[drawn["pool"] == "mixed"]["coverage"].tolist()


def test_too_many_areas_are_not_drawn_over_one_another(run, lines, words):
    chart = run.plot.accuracy_by_k()
    rows = lines(chart)["temperature 1"]
    assert set(rows[rows["band"]]["series"]) == {"coverage", "maj", "best", "single sample"}
    assert "bands of coverage, maj, best, single sample alone" in words(chart)
    assert rows["low"].notna().any()  # still told at the marker


def conditions(*levels, **others):
    found = [
        Condition(f"T{t}-{p}", t, 8, {}, {"temperature": t, **dict(zip(others, p, strict=True))})
        for t in levels
        for p in product(*others.values())
    ]
    return [*found, Condition("T0", 0.0, 1, {}, {"temperature": 0.0})]


def test_rows_of_panels_are_at_most_twelve_with_both_ends():
    eleven = conditions(*[tenth / 10 for tenth in range(1, 12)])
    kept = [one.temperature for one in eleven if one.name in shown_conditions(eleven)]
    assert kept == [0.1, 0.3, 0.5, 0.7, 0.9, 1.1]
    many = conditions(0.5, 1.0, 1.5, 2.0, min_p=[0.0, 0.1, 0.2, 0.3], prompt=["a", "b"])
    kept = [one for one in many if one.name in shown_conditions(many)]
    assert len(kept) == 12
    assert {one.levels["prompt"] for one in kept} == {"a"}
    assert {one.levels["min_p"] for one in kept} == {0.0, 0.2, 0.3}
    few = conditions(0.5, 1.0, min_p=[0.0, 0.1], prompt=["a", "b"])
    assert shown_conditions(few) == {one.name for one in few if not one.greedy}


def test_what_is_left_out_of_the_rows_is_counted(with_tables, lines, words):
    frame = pd.DataFrame(
        [(t, "maj", m, way, 0.5) for t in (0.3, 1.0) for m in (2, 4) for way in ("random", "all")],
        columns=["temperature", "selection", "m", "method", "accuracy"],
    )
    frame = pd.concat([frame, frame.assign(temperature=3.0)])
    chart = with_tables({"pruning": (frame, "")}).plot.accuracy_by_m()
    assert list(lines(chart)) == ["maj, T = 0.3", "maj, T = 1"]
    assert "2 of 3 conditions; the table pruning has 1 more" in words(chart)


def test_tokens_are_drawn_where_they_were_spent_and_never_at_0(with_tables, lines):
    frame = pd.DataFrame(
        {"temperature": [0.3, 0.3, 1.0], "k": [1, 2, 2], "tokens": [0.0, 40.5, 61.0],
         "drawn_weighted_correct": 0.4, "maj_correct": [0.1, 0.2, 0.3], "coverage": [0.1, 0.5, 0.6]}
    )  # fmt: skip
    chart = with_tables({"budget": (frame, "")}).plot.accuracy_by_tokens()
    assert list(lines(chart)) == ["weighted (drawn)", "maj", "coverage"]
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
