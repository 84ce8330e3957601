import re

import pytest

from workbench import load_run
from workbench.analysis.figures import FIGURES, save
from workbench.analysis.figures.drawing import Drawing
from workbench.analysis.figures.faceted_panels import colours_of, faceted_panels
from workbench.analysis.figures.facets import Field

COMPARED = (
    "accuracy_by_k", "accuracy_by_tokens", "accuracy_by_m", "coverage_curve", "best_by_reward",
    "diversity_by_temperature",
)  # fmt: skip


@pytest.mark.parametrize("name", COMPARED)
def test_a_grid_is_a_valid_specification_in_which_every_line_has_its_place(crossed, name, tmp_path):
    chart = FIGURES[name](load_run(crossed))
    spec = chart.to_dict(validate=True)
    told = spec["usermeta"]["facets"]
    for grid in spec["concat"]:
        rows = spec["datasets"][(grid.get("data") or spec["data"])["name"]]
        columns, lines = (grid["facet"][side]["sort"] for side in ("column", "row"))
        assert {row["column"] for row in rows} <= {*columns}
        assert {row["row"] for row in rows} <= {*lines}
        for row in rows:
            assert row["colour"] == row[f"f{told['colour']}"]
            assert row["row"] == ", ".join(row[f"f{place}"] for place in told["rows"])
        per_line = {}
        for row in rows:
            per_line.setdefault(row["line"], set()).add(row["condition"])
        if name != "diversity_by_temperature":  # whose lines go from condition to condition
            assert all(len(conditions) == 1 for conditions in per_line.values())
    save(chart, tmp_path, name)
    svg = (tmp_path / f"{name}.svg").read_text()
    assert re.search(">brief</(text|tspan)>", svg)
    assert "NaN" not in svg


def test_factors_are_chosen_by_name(crossed):
    run = load_run(crossed)
    spec = run.plot.coverage_curve(colour="temperature", columns="min_p").to_dict()
    grid = spec["concat"][0]
    assert grid["facet"]["column"]["sort"] == ["0", "0.1"]
    assert grid["facet"]["row"]["sort"] == [""]
    encoding = grid["spec"]["layer"][-1]["encoding"]
    assert encoding["color"]["legend"]["title"] == "temperature"
    assert encoding["shape"]["scale"]["domain"] == ["default", "brief"]
    assert "lines of one colour differ in prompt" in " ".join(spec["title"]["text"])
    with pytest.raises(ValueError, match="unknown factor of this figure 'heat'"):
        run.plot.coverage_curve(rows="heat")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_colours_of_numbers_get_lighter_with_them_and_are_seen_on_light_and_dark():
    found = colours_of(Field(name="t", levels=tuple("abcde"), numeric=True))
    light = [luminance(colour) for colour in found]
    assert light == sorted(light)
    for page in (1.0, luminance("#181818")):
        for one in light:
            low, high = sorted([one, page])
            assert (high + 0.05) / (low + 0.05) > 2
    assert len({*colours_of(Field(name="t", levels=("x", "y")))}) == 2


def test_a_drawing_that_is_not_arranged_is_refused():
    with pytest.raises(ValueError, match="call arrange first"):
        faceted_panels(Drawing())
