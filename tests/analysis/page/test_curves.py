import pandas as pd

from workbench import load_run
from workbench.analysis.page.curves import MOST_PAIRS, gaps, overlaid


def test_every_run_and_temperature_has_a_line_but_for_greedy_decoding(finished):
    run = load_run(finished[1])
    drawing = overlaid([run, run], ["one", "two"], "coverage_curve", ["pass@k", "best@k"])
    assert [panel.title for panel in drawing.panels] == ["pass@k", "best@k"]
    assert drawing.series == ["one, T = 0.3", "one, T = 1", "two, T = 0.3", "two, T = 1"]
    curve = run.table("coverage_curve")
    rows = drawing.panels[0].rows
    ours = rows[rows["series"] == "two, T = 1"][["x", "y", "low", "high"]]
    theirs = curve.loc[curve["temperature"] == 1, ["k", "pass@k", "pass@k_low", "pass@k_high"]]
    assert ours.to_numpy().tolist() == theirs.to_numpy(dtype=float).tolist()
    alone = overlaid([run], ["one"], "accuracy_by_k_temperature", ["maj_correct"])
    assert alone.series == ["T = 0.3", "T = 1"]  # neither those mixed across temperatures


def test_without_the_table_the_figure_says_so(copied):
    (copied[1] / "tables" / "coverage_curve.csv").unlink()
    drawing = overlaid([load_run(copied[1])], ["one"], "coverage_curve", ["pass@k"])
    assert not drawing.panels
    assert "no run has a curve over k" in drawing.notes[0]


def test_a_band_of_which_nothing_is_known_does_not_press_the_others_flat():
    frame = pd.DataFrame(
        {
            "temperature": 1.0, "selection": "maj", "against": "T = 0.3", "k": [1, 2, 4],
            "difference": [0.1, 0.2, 0.0], "difference_low": [0.0, 0.1, -1.0],
            "difference_high": [0.2, 0.3, 1.0],
        }
    )  # fmt: skip
    (panel,) = gaps(frame).panels
    assert panel.y.ends == (-0.33, 0.33)
    assert panel.rows["low"].tolist() == [0.0, 0.1, -0.33]
    assert set(panel.rows["series"]) == {"T = 1 less 0.3"}
    assert gaps(pd.DataFrame()).notes


def test_of_many_pairs_the_largest_are_drawn_and_the_others_counted():
    sizes = [place / 100 for place in range(20)]
    frame = pd.DataFrame(
        {
            "temperature": [1 + size for size in sizes for _ in range(2)], "selection": "maj",
            "against": "T = 0.3", "k": [1, 2] * 20,
            "difference": [value for size in sizes for value in (0.5, -size)],
            "difference_low": -0.6, "difference_high": 0.6,
        }
    )  # fmt: skip
    drawing = gaps(frame)
    (panel,) = drawing.panels
    assert set(panel.rows["series"]) == {f"T = {1 + size:g} less 0.3" for size in sizes[8:]}
    assert drawing.notes == [f"the {MOST_PAIRS} largest of 20 pairs at k = 2"]
    assert len({*drawing.colours.values()}) == MOST_PAIRS
