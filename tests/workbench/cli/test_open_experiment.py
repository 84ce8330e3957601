import json

import pytest
import yaml

from workbench.cli.open_experiment import open_experiment, with_comparison


@pytest.fixture
def own(tmp_path, experiment):
    """An experiment of one's own questions, in a file that does not say how to compare."""
    problems = tmp_path / "own.jsonl"
    problems.write_text(json.dumps({"problem": "Capital of France?", "gold": "Paris"}) + "\n")
    task = {"name": "jsonl", "source": str(problems)}
    return experiment(task=task, generation__n=2, measure__k=[2])


def test_a_new_run_says_how_its_answers_are_compared_and_keeps_to_it(own, cli, tmp_path):
    folder = tmp_path / "run"
    made = cli.must("run", own, "--out", folder)
    assert made.err.count("answers are compared as contains: all 1 known answers are texts") == 1
    assert "only equal texts vote together" in " ".join(made.err.split())
    kept = yaml.safe_load((folder / "experiment.yaml").read_text())
    assert kept["task"]["options"] == {"compare": "contains"}
    again = cli.must("run", own, "--out", folder)
    assert "compared as" not in again.err
    assert "score: up to date" in again.err


def test_a_run_that_is_there_keeps_its_comparison(own, tmp_path, capfd):
    new = with_comparison(open_experiment(own, []))
    assert new.task.options == {"compare": "contains"}
    assert "compared as contains" in capfd.readouterr().err
    folder = tmp_path / "older"
    folder.mkdir()
    (folder / "experiment.yaml").write_text("task: {name: jsonl}\n")
    older = with_comparison(open_experiment(own, []), folder)  # made before there was a choice
    assert older.task.options == {}
    chosen = open_experiment(own, ["task.options.compare=exact"])
    assert with_comparison(chosen) is chosen
    assert capfd.readouterr().err == ""


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is not a run: it has no experiment\.yaml"):
        open_experiment(tmp_path, [])
    (tmp_path / "experiment.yaml").write_text("name: mine\n")
    with pytest.raises(
        ValueError, match=r"no manifest\.json; to run the .* name the file .*\.yaml"
    ):
        open_experiment(tmp_path, [])


def test_a_metric_that_needs_what_no_pool_has_is_refused_before_anything_is_drawn(own, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import workbench as wb\n"
        "wb.METRICS['odd'] = wb.Metric(fn=max, needs=('texs', 'subsets'), label='', summary='', "
        "larger_means='neither')\n"
    )
    with pytest.raises(ValueError, match=r"need of metric 'odd' 'texs'; did you mean 'texts'\?"):
        open_experiment(own, [f"plugins=[{tmp_path}/mine.py]", "measure.metrics=[odd]"])
