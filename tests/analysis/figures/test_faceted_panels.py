import re

import pytest

from workbench import load_run
from workbench.analysis.figures import FIGURES, save
from workbench.analysis.figures.drawing import Drawing
from workbench.analysis.figures.faceted_panels import faceted_panels

COMPARED = (
    "accuracy_by_temperature", "accuracy_by_diversity",
    "accuracy_by_k", "accuracy_by_tokens", "accuracy_by_m", "coverage_curve", "best_by_reward",
    "diversity_by_temperature",
)  # fmt: skip

ALONG = ("accuracy_by_temperature", "accuracy_by_diversity", "diversity_by_temperature")


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
        if name not in ALONG:  # whose lines go from condition to condition
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


def test_a_drawing_that_is_not_arranged_is_refused():
    with pytest.raises(ValueError, match="call arrange first"):
        faceted_panels(Drawing())
