"""``wb.run``: an experiment as a file, a dictionary or the folder of a run."""

import copy

import numpy as np
import pytest
import yaml

import workbench as wb
from tests.conftest import EXPERIMENT
from workbench.cli.whole_run import as_overrides

SMALL = EXPERIMENT | {
    "task": EXPERIMENT["task"] | {"num_problems": 3},
    "measure": EXPERIMENT["measure"] | {"k": [2], "metrics": ["distinct_texts"]},
    "selection": {"aggregators": ["maj", "best"]},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dictionary run with some settings replaced; the run, and the dictionary as it is after."""
    tree, folder = copy.deepcopy(SMALL), tmp_path_factory.mktemp("runs") / "mine"
    run = wb.run(tree, out=folder, generation={"n": 4}, name="own")
    return run, tree


def test_a_dictionary_is_run_with_settings_replaced(made):
    run, tree = made
    assert tree == SMALL
    assert len(run.frame) == 3 * (2 * 4 + 1)
    assert (run.experiment.name, run.experiment.generation.n) == ("own", 4)
    assert run.experiment.generation.temperatures == (0.3, 1.0)  # not named, so as it was
    assert "accuracy_by_k" in run.tables
    assert run.manifest["overrides"] == ["generation.n=4", 'name="own"']
    assert (run.root / "report.html").exists()


def test_it_prints_what_the_command_prints_and_is_taken_up_again(made, capsys):
    run, _ = made
    again = wb.run(run.root, **{"generation.n": 5})
    printed = capsys.readouterr()
    assert f"page     {run.root}/report.html" in printed.out
    assert "Traceback" not in printed.err
    assert len(again.samples) == 3 * (2 * 5 + 1)


def test_a_file_goes_to_results_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(SMALL))
    run = wb.run("small.yaml", generation={"n": 2, "greedy": False})
    assert str(run.root) == "results/tested"
    assert len(run.samples) == 3 * 2 * 2


def test_all_faults_are_one_value_error_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="is not a valid experiment") as fault:
        wb.run(SMALL, out=tmp_path / "run", generation={"n": "x", "temprature": 1})
    assert "the dictionary" in str(fault.value)
    assert "generation.n: " in str(fault.value)
    assert "did you mean 'temperatures'" in str(fault.value)
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match="there is no such file"):
        wb.run(tmp_path / "none.yaml")


def test_settings_are_spelt_so_that_yaml_reads_the_same_back():
    values = {"a": 1e-06, "b": "1", "c": None, "d": [0.3, None], "e": "x: y", "f": np.float64(0.5)}
    spelt = list(as_overrides({"options": values, "k": np.array([2, 4])}))
    assert [yaml.safe_load(one.partition("=")[2]) for one in spelt[1:]] == [
        "1", None, [0.3, None], "x: y", 0.5, [2, 4],
    ]  # fmt: skip
    assert spelt[0] == "options.a=1e-06"
    with pytest.raises(ValueError, match=r"options\.x: cannot be <object .* give text"):
        list(as_overrides({"options": {"x": object()}}))


PLUGIN = """
import pandas as pd
import workbench as wb

wb.METRICS["longest"] = wb.Metric(
    fn=lambda spread, subsets: spread, needs=("spread", "subsets"), label="longest [tokens]",
    summary="the longest", larger_means="neither",
)
wb.INTERMEDIATES["spread"] = wb.Intermediate(
    fn=lambda num_tokens, subsets: num_tokens[subsets].max(axis=1), needs=("num_tokens", "subsets"),
)
wb.TABLES["of_mine"] = wb.TableSpec(
    make=lambda data: wb.Table(pd.DataFrame({"x": [1]})), needs="nothing"
)
"""


def test_a_run_has_nothing_of_the_plug_ins_of_the_run_before_it(tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    given = {"generation": {"n": 2, "greedy": False}, "plugins": [str(tmp_path / "mine.py")]}
    first = wb.run(SMALL, out=tmp_path / "first", measure={"metrics": ["longest"]}, **given)
    assert first.subsets["longest"].min() > 0
    assert "of_mine" in first.tables
    (tmp_path / "mine.py").write_text(PLUGIN.replace("spread, needs", "-spread, needs"))
    assert wb.run(first.root).subsets["longest"].max() < 0  # the file as it is now
    second = wb.run(SMALL, out=tmp_path / "second", generation=given["generation"])
    assert {*first.tables} - {*second.tables} == {"of_mine"}
    with pytest.raises(ValueError, match=r"unknown metric 'longest'.* plug-in .*mine\.py"):
        wb.run(SMALL, out=tmp_path / "third", measure={"metrics": ["longest"]})
