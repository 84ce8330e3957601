import pandas as pd
import pytest
import yaml

from workbench import load_run
from workbench.analysis.figures import FIGURES
from workbench.analysis.figures.by_factor import along, diversity_table, one_condition
from workbench.analysis.figures.facets import Field

EXACT = pd.DataFrame(
    {
        "temperature": [0.3, 0.3, 1.0, 1.0], "k": [1, 2, 1, 2],
        "pass@k": [0.4, 0.5, 0.3, 0.7], "pass@k_low": [0.3, 0.4, 0.2, 0.6],
        "pass@k_high": [0.5, 0.6, 0.4, 0.8], "maj@k": [0.4, 0.4, 0.3, 0.35],
    }
)  # fmt: skip
DIVERSITY = pd.DataFrame(
    {
        "metric": ["cos_sim", "cos_sim", "num_tokens"], "k": 2, "temperature": [0.3, 1.0, 1.0],
        "rows": "all", "diversity": [0.9, 0.6, 20.0], "diversity_low": [0.8, 0.5, 19.0],
        "diversity_high": [0.95, 0.7, 21.0], "subsets": 20, "problems": 10,
    }
)  # fmt: skip


def test_accuracy_stands_against_temperature_with_a_panel_for_each_k(with_tables, lines):
    chart = with_tables({"coverage_curve": (EXACT, "")}).plot.accuracy_by_temperature()
    assert list(lines(chart)) == ["k = 2"]
    rows = lines(chart)["k = 2"].sort_values(["series", "x"], ignore_index=True)
    assert rows[["series", "x", "y"]].to_numpy().tolist() == [
        ["coverage", 0.3, 0.5], ["coverage", 1.0, 0.7], ["maj", 0.3, 0.4], ["maj", 1.0, 0.35],
        ["single sample", 0.3, 0.4], ["single sample", 1.0, 0.3],
    ]  # fmt: skip
    assert rows["interval"][0] == "[0.400, 0.600]"
    assert chart.to_dict()["description"].endswith("against temperature.")


def test_greedy_decoding_is_a_dashed_line(embedded, lines, dashed):
    run = load_run(embedded[1])
    chart = run.plot.accuracy_by_temperature()
    greedy = run.table("coverage_curve").query("temperature == 0")["pass@k"].tolist()
    expected = [{"y": greedy[0]}] if greedy else None
    assert expected
    assert dashed(chart, 0) == expected


def test_diversity_and_accuracy_are_joined_from_the_coldest_to_the_hottest(with_tables, lines):
    tables = {"coverage_curve": (EXACT, ""), "diversity": (DIVERSITY, "")}
    chart = with_tables(tables).plot.accuracy_by_diversity()
    panels = lines(chart)
    assert list(panels) == ["cos_sim"]  # lengths say nothing of diversity
    rows = panels["cos_sim"]
    coverage = rows[rows["series"] == "coverage"]
    assert coverage[["x", "y", "place", "label", "at"]].to_numpy().tolist() == [
        [0.9, 0.5, 0.3, "T = 0.3", "0.3"], [0.6, 0.7, 1.0, "T = 1", "1"],
    ]  # fmt: skip
    assert coverage["x_interval"].tolist() == ["[0.800, 0.950]", "[0.500, 0.700]"]
    assert coverage["interval"].tolist() == ["[0.400, 0.600]", "[0.600, 0.800]"]
    assert set(rows["series"]) == {"coverage", "maj", "single sample"}
    layers = chart.to_dict(validate=True)["concat"][0]["layer"]
    (line,) = [layer for layer in layers if layer["mark"]["type"] == "line"]
    assert line["encoding"]["order"]["field"] == "place"  # not by x, which falls here
    assert [layer["mark"]["type"] for layer in layers].count("rule") == 2


@pytest.mark.parametrize("name", ["accuracy_by_temperature", "accuracy_by_diversity"])
def test_one_condition_has_nothing_to_be_set_against_and_says_so(one_temperature, words, name):
    said = words(FIGURES[name](one_temperature))
    assert "all samples are of one condition, T = 0.7" in said


@pytest.fixture
def one_temperature(with_tables):
    part = EXACT[EXACT["temperature"] == 1.0].assign(temperature=0.7)
    found = DIVERSITY[:1].assign(temperature=0.7)
    run = with_tables({"coverage_curve": (part, ""), "diversity": (found, "")})
    settings = run.root / "experiment.yaml"
    changed = yaml.safe_load(settings.read_text())
    changed["generation"]["temperatures"] = [0.7]
    settings.write_text(yaml.safe_dump(changed))
    return load_run(run.root)


def test_names_stand_beside_one_another_and_an_unknown_temperature_nowhere():
    prompts = Field(name="prompt", levels=("default", "brief"), of={"a": "brief", "b": "default"})
    places, axis = along(prompts)
    assert places == {"a": 1.0, "b": 0.0}
    assert axis.names == ("default", "brief")
    heat = Field(name="temperature", levels=("0.3", "1", "unknown"), of={
        "T0.3": "0.3", "T1": "1", "unknown": "unknown",
    })  # fmt: skip
    places, axis = along(heat)
    assert places == {"T0.3": 0.3, "T1": 1.0}
    assert axis.ticks == [0.3, 1.0]


def test_subsets_without_repeats_are_in_the_table_only(with_tables):
    doubled = pd.concat([DIVERSITY, DIVERSITY.assign(rows="without repeats")])
    run = with_tables({"diversity": (doubled, "")})
    assert len(diversity_table(run)) == len(DIVERSITY)
    assert one_condition(run, "look there").notes[-1] == "look there"
