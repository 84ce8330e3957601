import colorsys

import pytest

from workbench.analysis.figures.chart import draw
from workbench.analysis.figures.colours import CATEGORIES
from workbench.analysis.figures.drawing import Axis, Drawing, Panel, join_lines
from workbench.analysis.page.related_colours import related_colours, relative_luminance

PAPERS = ("#ffffff", "#15181b")


def hue(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return 360 * colorsys.rgb_to_hls(*parts)[0]


@pytest.mark.parametrize(("runs", "conditions"), [(1, 16), (2, 3), (5, 3), (8, 4), (12, 2)])
def test_colours_are_never_the_same_and_seen_on_white_and_dark(runs, conditions):
    lines = {f"r{r}": [f"r{r}, {c}" for c in range(conditions)] for r in range(runs)}
    found = related_colours(lines)
    assert list(found) == [name for names in lines.values() for name in names]
    assert len({*found.values()}) == runs * conditions
    for colour in found.values():
        for paper in PAPERS:
            low, high = sorted(map(relative_luminance, (colour, paper)))
            assert (high + 0.05) / (low + 0.05) > 3


def test_the_shades_of_a_run_have_one_hue_and_darken_in_order():
    lines = {"a": [f"a{c}" for c in range(4)], "b": [f"b{c}" for c in range(4)]}
    found = related_colours(lines)
    hues = []
    for names in lines.values():
        colours = [found[name] for name in names]
        luminances = [*map(relative_luminance, colours)]
        assert luminances == sorted(luminances, reverse=True)
        seen = [*map(hue, colours)]
        assert max(seen) - min(seen) < 3
        hues.append(sum(seen) / len(seen))
    assert abs(hues[0] - hues[1]) > 60


def test_a_chart_has_the_colours_that_its_drawing_names():
    import pandas as pd

    rows = join_lines(
        pd.DataFrame({"series": name, "x": [1.0, 2.0], "y": [0.1, 0.2], "low": float("nan"),
                      "high": float("nan"), "size": float("nan")})
        for name in ("a", "b")
    )  # fmt: skip
    panel = Panel(title="t", rows=rows, x=Axis(title="x"), y=Axis(title="y"))
    spec = str(draw(Drawing(panels=[panel], colours={"a": "#123456"})).to_dict())
    assert f"'domain': ['a', 'b'], 'range': ['#123456', '{CATEGORIES[1]}']" in spec
