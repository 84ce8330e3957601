import json

import pytest

from tests.lazily import Lazy

dashboard = Lazy("workbench.tracking.dashboard")
panels_made = Lazy("workbench.tracking.dashboard_panels")

NAMES = [
    "samples", "accuracy/T0.7", "status/answered/T0.7", "stage/score/seconds",
    "maj@4", "pass@4", "maj@8", "pass@8", "best@8", "drawn_sem_mbr@8", "best:orm@8", "cos_sim@8",
    "num_tokens@8", "dpp@8", "dpp_no_repeats@8", "maj@8/T0.7", "maj@8/T1.3", "maj@8/T1",
    "maj@8/mixed", "maj@16/T1", "maj@8/all/low", "maj@8/T0.7/high", 
    "drawn_sem_mbr@8/T0.7/error",
    "by_temperature/maj@8", "by_temperature/maj@8/low", "by_tokens/maj/T0.7",
]  # fmt: skip


@pytest.fixture(scope="module")
def built():
    """The workspace and the report as the server would be given them."""
    found = dashboard.project_contents(NAMES)
    made = dashboard.workspace_of("p", "lab", found), dashboard.report_of("p", "lab", found)
    models = [one._to_model() for one in made]
    return [
        json.loads(one.spec.model_dump_json(by_alias=True, exclude_none=True)) for one in models
    ]


def panels_of(built):
    workspace, report = built
    bank = workspace["section"]["panelBankConfig"]["sections"]
    grids = [block["metadata"] for block in report["blocks"] if block["type"] == "panel-grid"]
    return (
        {section["name"]: section["panels"] for section in bank},
        [grid["panelBankSectionConfig"]["panels"] for grid in grids],
    )


def test_what_there_is_to_show_is_read_off_the_runs():
    found = dashboard.project_contents(NAMES)
    assert found.k == 8  # 16 is not there for all temperatures together
    assert found.selections == ["pass", "maj", "best", "best:orm", "drawn_sem_mbr"]
    assert found.metrics == ["num_tokens", "cos_sim", "dpp", "dpp_no_repeats"]
    assert found.conditions == ["T0.7", "T1", "T1.3", "mixed"]
    assert found.sizes == [4, 8]
    assert found.axes() == {"temperature": [""]}
    assert found.grouped_by == []


def test_runs_are_grouped_by_the_factors_that_vary_within_or_among_them():
    configs = [
        {"min_p": 0.1, "top_p": 1.0, "N": 8}, {"min_p": 0.0, "top_p": 1.0},
        {"prompt": "default,brief", "top_p": 1.0},
    ]  # fmt: skip
    names = ["maj@8", "maj@8/mixed", "maj@8/T1", "maj@8/zeta", "maj@8/T1-min_p0.1"]
    found = dashboard.project_contents(names, configs)
    assert found.factors == ["min_p", "prompt"]
    assert found.conditions == ["T1", "T1-min_p0.1", "zeta", "mixed"]
    columns = dashboard._columns(found)
    assert columns[5:7] == ["config:min_p.value", "config:prompt.value"]


@pytest.mark.parametrize("names", [[], ["samples", "generate/tokens_drawn", "maj@8/T1"]])
def test_a_project_without_a_finished_run_is_refused(names):
    with pytest.raises(ValueError, match="none of the project's runs has been analysed yet"):
        dashboard.project_contents(names)


def test_curves_are_over_k_and_overlay_runs(built):
    sections, grids = panels_of(built)
    for panels in (sections["Accuracy against k, a line per run"], grids[2]):
        assert [panel["config"]["metrics"] for panel in panels] == [
            [f"curve/all/{name}@k"] for name in ("pass", "maj", "best", "best:orm", "drawn_sem_mbr")
        ]
        for panel in panels:
            assert panel["config"]["xAxis"] == "k"
            assert panel["config"]["xLogScale"]
    lines = [panel["config"]["metrics"] for panel in sections["Curves by temperature"]]
    assert ["curve/T0.7/maj@k"] in lines
    assert ["curve/mixed/drawn_sem_mbr@k"] in lines
    assert len(lines) == 4 * 5


ALL = ["pass@8", "maj@8", "best@8", "best:orm@8", "drawn_sem_mbr@8", ""]


def test_every_selection_coverage_and_a_single_sample_stand_against_temperature(built):
    sections, grids = panels_of(built)
    for panels in (sections["Accuracy against temperature"], grids[0]):
        assert [panel["config"]["xAxis"] for panel in panels] == ["temperature"] * 2
        names = [f"by_temperature/{name or 'accuracy'}" for name in ALL]
        assert [panel["config"]["metrics"] for panel in panels] == [
            [name.replace("@8", "@4") for name in names], names,
        ]  # fmt: skip
        assert panels[1]["config"]["chartTitle"] == "accuracy at k = 8 against temperature"


def test_diversity_is_an_axis_of_accuracy_condition_by_condition(built):
    sections, grids = panels_of(built)
    for panels in (sections["Diversity against accuracy"], grids[1]):
        metrics = ("num_tokens", "cos_sim", "dpp", "dpp_no_repeats")
        axes = [f"by_temperature/{name}@8" for name in metrics]
        assert [panel["config"]["xAxis"] for panel in panels] == axes
        for panel in panels:
            assert "by_temperature/pass@8" in panel["config"]["metrics"]
            assert "by_temperature/maj@8" in panel["config"]["metrics"]


def test_accuracy_stands_against_tokens_with_a_line_per_condition(built):
    sections, grids = panels_of(built)
    for panels in (sections["Accuracy against tokens"], grids[3]):
        assert len(panels) == 5
        assert panels[1]["config"]["xAxis"] == "tokens"
        assert panels[1]["config"]["xLogScale"]
        assert panels[1]["config"]["metrics"] == [
            "by_tokens/maj/T0.7", "by_tokens/maj/T1", "by_tokens/maj/T1.3",
        ]  # fmt: skip
    for panel in (*sections["Accuracy against temperature"], *sections["Accuracy against tokens"]):
        assert panel["config"]["yAxisTitle"] == "accuracy"


def test_another_factor_is_an_axis_and_runs_that_differ_in_one_are_averaged_apart():
    names = [
        "maj@8", "maj@8/T1", "by_temperature/maj@8/min_p0", "by_temperature/maj@8/min_p0.1/low",
        "by_temperature/maj@8/min_p0.1", "by_min_p/maj@8/temperature1",
    ]  # fmt: skip
    configs = [
        {"task_name": "arithmetic", "model": "a", "prompt": "brief", "min_p": "0,0.1"},
        {"task_name": "arithmetic", "model": "b", "prompt": "default", "min_p": "0,0.1"},
    ]
    found = dashboard.project_contents(names, configs)
    assert found.grouped_by == ["model", "prompt"]  # not min_p, which both runs vary alike
    axes = [(p.x, p.y[0]) for p in panels_made.against_factors(found)]
    assert axes == [
        ("temperature", "by_temperature/maj@8/min_p0"),
        ("temperature", "by_temperature/maj@8/min_p0.1"),
        ("min_p", "by_min_p/maj@8/temperature1"),
    ]
    shown = dashboard.workspace_of("p", "lab", found)._to_model()
    (runs,) = json.loads(shown.spec.model_dump_json(by_alias=True))["section"]["runSets"]
    assert json.dumps(runs["grouping"]).count('"config"') == 2
    for name in ("model.value", "prompt.value"):
        assert name in json.dumps(runs["grouping"])
    report = dashboard.report_of("p", "lab", found)._to_model()
    blocks = json.loads(report.spec.model_dump_json(by_alias=True))["blocks"]
    sets = [block["metadata"]["runSets"] for block in blocks if block["type"] == "panel-grid"]
    assert all("prompt" in json.dumps(one[0]["grouping"]) for one in sets)


def test_diversity_is_set_against_accuracy_at_the_largest_k(built):
    sections, grids = panels_of(built)
    for panels in (sections["Diversity against accuracy, a point per run"], grids[4]):
        axes = [(p["config"].get("xAxis"), p["config"].get("yAxis")) for p in panels]
        assert ("summary:cos_sim@8", "summary:maj@8") in axes
        assert ("summary:dpp_no_repeats@8", "summary:pass@8") in axes
        columns = [column["accessor"] for column in panels[-1]["config"]["columns"]]
        assert columns[:4] == [
            "config:task_name.value", "config:model.value", "config:temperatures.value",
            "config:N.value",
        ]  # fmt: skip
        assert {"summary:cos_sim@8", "summary:pass@8", "summary:best@8"} <= set(columns)


def test_tables_figures_and_columns_of_the_table_of_runs_are_there(built):
    sections, grids = panels_of(built)
    for panels in (sections["Tables"], grids[5]):
        assert len(panels) == len(dashboard.TABLES)
        for name, panel in zip(dashboard.TABLES, panels, strict=True):
            assert f"tables/{name}" in json.dumps(panel)
    media = [panel["config"]["mediaKeys"] for panel in sections["Figures of each run"]]
    assert [f"charts/{dashboard.FIGURES[0]}"] in media
    assert [f"figures/{dashboard.FIGURES[0]}"] in media
    (runs,) = built[0]["section"]["runSets"]
    shown = runs["runFeed"]["columnOrder"]
    assert shown[0] == "run:displayName"
    assert {"config:model.value", "summary:maj@8", "summary:cos_sim@8"} <= set(shown)


def test_text_tells_how_to_read_it(built):
    for one in built:
        assert "workbench compare" in json.dumps(one)
        assert "fall" in json.dumps(one)


def test_panels_of_a_report_do_not_overlap(built):
    for panels in panels_of(built)[1]:
        cells = set()
        for panel in panels:
            place = panel["layout"]
            own = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not own & cells
            assert max(x for x, _ in own) < 24
            cells |= own


def test_every_table_and_figure_that_is_shown_is_made():
    from workbench.analysis.figures import FIGURES as DRAWN
    from workbench.analysis.tables import TABLES as MADE

    assert set(dashboard.TABLES) <= set(MADE)
    assert set(dashboard.FIGURES) <= set(DRAWN)
