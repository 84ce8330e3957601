import numpy as np
import pandas as pd
import pytest

from workbench import load_run
from workbench.analysis.figures.accuracy import accuracy_by_k, coverage_curve
from workbench.analysis.figures.arrange import LEFT_OUT, arrange
from workbench.analysis.figures.drawing import Axis, Drawing, Panel, points
from workbench.core.conditions import Condition

GRID = [
    Condition(f"T{t}-min_p{p}", t, 8, {}, {"temperature": t, "min_p": p})
    for t in (0.5, 1.5)
    for p in (0.0, 0.1)
]


def by_condition():
    """A panel for each condition and outcome, with a line for each of two methods."""
    panels = []
    for place, condition in enumerate(GRID):
        frame = pd.DataFrame({"k": [1, 2], "y": [place, place + 0.5]})
        lines = [points(frame.assign(y=frame["y"] + m), "k", "y", f"m{m}") for m in (0, 10)]
        panels += [
            Panel(
                title=f"{outcome}, {condition.name}", rows=pd.concat(lines), level=float(place),
                x=Axis(title="k"), y=Axis(title="y"), condition=condition.name, outcome=outcome,
            )
            for outcome in ("maj", "best")
        ]  # fmt: skip
    return Drawing(panels=panels, lines="method", columns=2)


def test_panels_of_conditions_become_one_grid_for_each_outcome():
    found = arrange(by_condition(), GRID)
    assert [panel.title for panel in found.panels] == ["maj", "best"]
    rows = found.panels[0].rows
    assert len(rows) == 16
    one = rows[(rows["condition"] == "T1.5-min_p0.0") & (rows["method"] == "m10")]
    assert one["y"].tolist() == [12.0, 12.5]
    assert one[["temperature", "min_p", "level"]].to_numpy().tolist() == [["1.5", "0", 2.0]] * 2
    assert found.facets is not None
    assert (found.facets.columns, found.facets.rows) == (("temperature",), ("min_p",))
    assert found.facets.colour == "method"


def test_a_figure_of_one_varying_thing_stays_as_it_is_and_has_no_choice():
    drawing = by_condition()
    assert arrange(drawing, GRID[:2]) is drawing
    with pytest.raises(ValueError, match="differ in one thing only"):
        arrange(drawing, GRID[:2], colour="min_p")
    with pytest.raises(ValueError, match="are no full grid of any of temperature, min_p"):
        arrange(drawing, GRID[:3], colour="min_p")
    rows = points(pd.DataFrame({"x": [1], "y": [1]}), "x", "y", "a")
    plain = Drawing(panels=[Panel(title="", rows=rows, x=Axis(title=""), y=Axis(title=""))])
    assert arrange(plain, GRID) is plain
    with pytest.raises(ValueError, match="it is not by condition"):
        arrange(plain, GRID, rows="min_p")


def test_no_number_of_a_table_is_lost_or_averaged(crossed):
    run = load_run(crossed)
    found = arrange(coverage_curve(run), run.conditions)
    table = run.table("coverage_curve")
    table = table[table["condition"].isin([one.name for one in run.conditions if not one.greedy])]
    for panel in found.panels:
        told = panel.rows.set_index(["condition", "x"])["y"].sort_index()
        expected = table.set_index(["condition", "k"])[panel.title].sort_index()
        assert np.array_equal(told.to_numpy(), expected.to_numpy())
        assert set(panel.rows["prompt"]) == {"default", "brief"}


def test_what_has_no_place_in_the_grid_is_said(crossed):
    run = load_run(crossed)
    found = arrange(accuracy_by_k(run), run.conditions)
    assert "mixed" not in set(found.panels[0].rows["condition"])
    assert LEFT_OUT in found.notes
    assert LEFT_OUT not in arrange(coverage_curve(run), run.conditions).notes


def test_a_factor_along_the_x_axis_is_not_among_the_fields(crossed):
    chart = load_run(crossed).plot.diversity_by_temperature().to_dict()
    fields = [field["name"] for field in chart["usermeta"]["facets"]["fields"]]
    assert fields == ["min_p", "prompt"]
    assert "means over the subsets of k = 4 samples" in " ".join(chart["title"]["text"])
