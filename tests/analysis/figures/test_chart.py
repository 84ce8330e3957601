import json
import re
import struct

import altair as alt
import pandas as pd
import pytest

from workbench.analysis.figures.chart import INK, Chart, draw, save
from workbench.analysis.figures.colours import CATEGORIES, SHAPES
from workbench.analysis.figures.drawing import (
    Axis,
    Drawing,
    Panel,
    join_lines,
    points,
    sample_count_axis,
)
from workbench.analysis.figures.panel_marks import reach


def drawing(lines=2, **changes):
    frame = pd.DataFrame({"k": [1, 2, 4], "y": [0.2, 0.4, 0.5], "y_low": 0.1, "y_high": 0.6})
    rows = join_lines(
        points(frame.assign(y=frame["y"] + i / 100), "k", "y", f"line {i}") for i in range(lines)
    )
    whole = {
        "panels": [
            Panel(
                title=f"panel {i}",
                rows=rows,
                x=sample_count_axis("k", [1, 2, 4]),
                y=Axis(title="share"),
            )
            for i in range(2)
        ],
        "name": "made", "about": "Made by hand.", "interval": "95% interval", "signature": "signed",
    }  # fmt: skip
    return Drawing(**(whole | changes))


def test_a_figure_is_saved_as_png_and_svg_and_always_the_same(tmp_path):
    first, second = (
        [save(draw(drawing()), tmp_path / name, "x").with_suffix(kind) for kind in (".png", ".svg")]
        for name in ("a", "b")
    )
    assert first[0] == tmp_path / "a" / "x.png"
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    svg = first[1].read_text()
    for text in ("signed", "share", "line 1", "panel 0", "4"):
        assert re.search(f">{text}</(text|tspan)>", svg)  # as text, not as outlines
    assert f'fill="{INK}"' not in svg
    assert 'fill="white"' in svg
    width, height = struct.unpack(">II", first[0].read_bytes()[16:24])
    assert f'width="{width // 2}" height="{height // 2}"' in svg  # two pixels for each: sharp


def test_lines_are_told_apart_by_colour_and_by_shape():
    assert len(SHAPES) == len(CATEGORIES) + 1
    spec = draw(drawing(lines=20)).to_dict()
    encoding = spec["concat"][0]["layer"][-1]["encoding"]
    looks = list(
        zip(encoding["color"]["scale"]["range"], encoding["shape"]["scale"]["range"], strict=True)
    )
    assert len(set(looks)) == 20
    assert "#000000" not in CATEGORIES  # lost on a dark page


@pytest.mark.parametrize("page", ["#ffffff", "#181818"])
def test_text_is_legible_on_light_and_dark_pages(contrast, page):
    assert contrast(INK, page) > 4


def test_bars_of_several_lines_stand_apart_but_are_told_as_they_are():
    spec = draw(drawing(lines=3)).to_dict()
    (rows,) = spec["datasets"].values()
    aside = {row["series"]: row["aside"] for row in rows}
    assert aside == {"line 0": -3.5, "line 1": 0.0, "line 2": 3.5}
    for layer in spec["concat"][0]["layer"]:
        assert layer["mark"]["xOffset"] == {"expr": "datum.aside"}
    scale = spec["concat"][0]["layer"][0]["encoding"]["x"]
    assert (scale["scale"]["type"], scale["scale"]["base"]) == ("log", 2)
    assert scale["axis"]["values"] == [1, 2, 4]


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.2, 0.7], 0.17, 0.73), ([1.0, 1.0], 0.95, 1.05), ([0.0], -0.05, 0.05), ([-80], -84, -76)],
)
def test_an_axis_reaches_a_little_further_than_its_values(values, low, high):
    assert reach(pd.Series(values).to_numpy()) == pytest.approx((low, high))


def test_intervals_are_areas_behind_the_lines_where_they_are_asked_for():
    spec = draw(drawing(bands=True)).to_dict(validate=True)
    area, line, points_ = spec["concat"][0]["layer"]
    assert [area["mark"]["type"], line["mark"]["type"]] == ["area", "line"]
    assert (area["encoding"]["y"]["field"], area["encoding"]["y2"]["field"]) == ("low", "high")
    assert "bands: 95% intervals" in " ".join(spec["title"]["text"])
    assert points_["mark"]["type"] == "point"


def test_names_stand_on_an_axis_where_there_are_no_numbers():
    rows = points(pd.DataFrame({"x": [0, 1], "y": [0.2, 0.4]}), "x", "y", "a")
    across = Axis(title="prompt", names=("default", 'the "brief"'))
    panel = Panel(title="p", rows=rows, x=across, y=Axis(title="accuracy"))
    line, marks = draw(drawing(panels=[panel])).to_dict(validate=True)["concat"][0]["layer"]
    assert line["mark"]["strokeOpacity"] == 0  # names are not joined
    axis = marks["encoding"]["x"]["axis"]
    assert axis["values"] == [0, 1]
    assert axis["labelExpr"] == '["default", "the \\"brief\\""][datum.value]'


def test_all_panels_have_one_range_of_y_unless_they_are_of_different_things():
    for same in (True, False):
        frame = pd.DataFrame({"k": [1, 2], "y": [0.0, 1.0], "z": [10.0, 20.0]})
        panels = [
            Panel(title=y, rows=points(frame, "k", y, "a"), x=Axis(title="k"), y=Axis(title=y))
            for y in ("y", "z")
        ]
        spec = draw(drawing(panels=panels, same_y=same)).to_dict()
        ends = [p["layer"][-1]["encoding"]["y"]["scale"]["domain"] for p in spec["concat"]]
        assert (ends[0] == ends[1]) is same


def test_a_notebook_shows_it_without_a_network():
    chart = draw(drawing())
    data, metadata = chart._repr_mimebundle_()
    assert list(data) == ["application/vnd.vegalite.v5+json", "image/png", "text/plain"]
    assert data["text/plain"] == "Chart(made: Made by hand.)"
    spec = data["application/vnd.vegalite.v5+json"]
    assert "v5" in spec["$schema"]  # what notebooks carry
    assert spec["background"] == "white"
    size = struct.unpack(">II", data["image/png"][16:24])
    assert (metadata["image/png"]["width"] * 2, metadata["image/png"]["height"] * 2) == size
    assert alt.renderers.active == "default"  # other charts are shown as ever


def test_a_renderer_of_one_s_choice_is_used():
    with alt.renderers.enable("json"):
        shown = draw(drawing())._repr_mimebundle_()
    assert "application/json" in (shown[0] if isinstance(shown, tuple) else shown)


def test_a_chart_that_was_changed_still_shows_itself():
    changed = draw(drawing()).properties(description="Mine.")
    assert isinstance(changed, Chart)
    assert "Mine." in repr(changed)


def test_in_a_browser_the_legend_chooses_and_shift_with_the_wheel_zooms(browser, tmp_path):
    import vl_convert

    spec = json.dumps(draw(drawing()).to_dict())
    (tmp_path / "page.html").write_text(
        f"<meta charset=utf-8><body style='background:#181818'><div id=c></div><script type=module>"
        f"{vl_convert.javascript_bundle()}\n"
        f"window.view = (await vegaEmbed('#c', {spec}, {{renderer: 'svg'}})).view</script>"
    )
    page = browser.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.context.set_offline(True)
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function("window.view")
    faint = ".points_1_marks path[opacity='0.08']"
    assert page.locator(faint).count() == 0
    page.get_by_text("line 1", exact=True).click()
    page.wait_for_selector(faint, state="attached")
    assert page.locator(faint).count() == 3  # in the other panel, and of the other line
    page.locator(".points_0_marks path").nth(4).hover()
    page.wait_for_selector("#vg-tooltip-element.visible")
    told = page.locator("#vg-tooltip-element").inner_text().split()
    assert told[told.index("share") + 1] == "0.41"
    assert "[0.100," in told
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(300)
    assert page.evaluate("JSON.stringify(view.signal('zoom_0'))") == "{}"
    page.keyboard.down("Shift")
    page.mouse.wheel(0, -200)
    page.wait_for_function("JSON.stringify(view.signal('zoom_0')) != '{}'")
    page.evaluate("{view.signal('ink', '#dddddd').runAsync(); 0}")
    page.wait_for_selector("text[fill='#dddddd']")
    page.close()
    assert said == []
