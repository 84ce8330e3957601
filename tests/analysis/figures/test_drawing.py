import numpy as np
import pandas as pd
import pytest

from workbench.analysis.figures.drawing import (
    Axis,
    Drawing,
    Panel,
    join_lines,
    only_bands,
    points,
    sample_count_axis,
)

FRAME = pd.DataFrame(
    {"k": [4, 2, 8], "maj": [0.5, 0.4, np.nan], "maj_low": [0.3, 0.2, 0.1], "maj_high": [0.6] * 3}
)


def panel(title, rows):
    return Panel(title=title, rows=rows, x=Axis(title="x"), y=Axis(title="y"))


def test_a_line_is_in_order_with_its_intervals_and_without_what_is_undefined():
    rows = points(FRAME, "k", "maj", "vote")
    assert rows.drop(columns="size").to_numpy().tolist() == [
        ["vote", 2, 0.4, 0.2, 0.6], ["vote", 4, 0.5, 0.3, 0.6],
    ]  # fmt: skip
    assert rows["size"].isna().all()
    sizes = points(FRAME.drop(columns=["maj_low", "maj_high"]), "k", "maj", "vote", size="k")
    assert sizes["size"].tolist() == [2, 4]
    assert sizes["low"].isna().all()


@pytest.mark.parametrize(("count", "across"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (9, 3)])
def test_panels_stand_in_rows_of_three_and_four_in_a_square(count, across):
    drawing = Drawing(panels=[panel(str(i), points(FRAME, "k", "maj", "a")) for i in range(count)])
    assert drawing.across == across


def test_the_caption_says_what_bars_and_markers_mean_and_ends_with_the_signature():
    rows = points(FRAME, "k", "maj", "vote")
    drawing = Drawing(
        panels=[panel("a", rows)], size="samples", notes=["dashed: all"], interval="90% interval",
        signature="signed",
    )  # fmt: skip
    *lines, last = drawing.caption
    assert last == "signed"
    assert " ".join(lines) == (
        "dashed: all; bars: 90% intervals, the problem as the unit, none below 10 problems; area "
        "of a marker: samples"
    )
    bare = Drawing(panels=[panel("a", rows.assign(low=np.nan))], interval="90% interval")
    assert bare.caption == []


def test_what_every_marker_counts_alike_is_said_as_a_number():
    rows = points(FRAME, "k", "maj", "vote", size="k").assign(size=1200.0)
    drawing = Drawing(panels=[panel("a", rows.assign(low=np.nan))], size="subsets at a point")
    assert drawing.caption == ["subsets at a point: 1,200"]


def test_few_lines_have_an_area_each_and_many_have_those_that_are_named():
    few = join_lines(points(FRAME, "k", "maj", name) for name in "abcd")
    assert only_bands(few, ["a"])["band"].all()
    many = join_lines(points(FRAME, "k", "maj", name) for name in "abcde")
    assert set(only_bands(many, ["a", "e"]).query("band")["series"]) == {"a", "e"}
    told = only_bands(many.assign(condition="T1"), ["T1"])
    assert told["band"].all()  # rows that tell their conditions go by these


def test_lines_are_known_by_their_first_appearance():
    first, second = (points(FRAME, "k", "maj", name) for name in ("b", "a"))
    drawing = Drawing(panels=[panel("1", join_lines([first, second])), panel("2", second)])
    assert drawing.series == ["b", "a"]
    assert join_lines([]).empty
    assert list(join_lines([]).columns) == list(first.columns)


def test_sizes_are_ticks_once_each():
    assert sample_count_axis("k", pd.Series([8, 2, 8, 4])).ticks == [2, 4, 8]
