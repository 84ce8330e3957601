"""``workbench init``: what it makes runs as it is, and nothing that is there is overwritten."""

import re

import pytest

import workbench as wb
from workbench.cli.init import SHIPPED, new_folder
from workbench.config.yaml_file import read_mapping


def test_the_starter_runs_as_it_is(cli, tmp_path):
    told = cli.must("init", "mine", cwd=tmp_path).out
    home = tmp_path / "mine"
    assert {path.name for path in home.iterdir()} == {
        "experiment.yaml", "my_metrics.py", "problems.jsonl",
    }  # fmt: skip
    for line in told.splitlines():  # every command that it prints, as it is printed
        if command := re.search(r"workbench (check|run) experiment.yaml", line):
            replay = ["--set", "generation.backend=replay"]
            cli.must(command[1], "experiment.yaml", *replay, cwd=home)
    run = wb.load_run(home / "results" / "mine")
    assert run.experiment.name == "mine"
    members = run.subsets["first_words"]
    assert members.between(0, 1).all()
    assert members.nunique() > 1


def test_the_metric_of_the_starter_by_hand(cli, tmp_path):
    import numpy as np

    new_folder(tmp_path / "mine", "starter")
    code = (tmp_path / "mine" / "my_metrics.py").read_text()
    space: dict[str, object] = {}
    exec(code.partition("METRICS[")[0], space)  # without adding its row here
    texts = ("The cat", "the dog", "A cat", "")
    found = space["first_words"](texts, np.array([[0, 1], [0, 2], [2, 3]]))
    assert found.tolist() == [0.5, 1.0, 1.0]


@pytest.mark.parametrize("source", sorted(path.stem for path in SHIPPED.glob("*.yaml")))
def test_an_experiment_that_ships_has_its_files_and_its_new_name(source, tmp_path, monkeypatch):
    new_folder(tmp_path / "mine", source)
    text = (tmp_path / "mine" / "experiment.yaml").read_text()
    assert "experiments/" not in text.replace("workbench/experiments", "")
    tree = read_mapping(tmp_path / "mine" / "experiment.yaml")
    assert tree["name"] == "mine"
    for value in (tree["task"].get("source"), tree["task"].get("options", {}).get("examples")):
        if value and "/" not in value:
            assert (tmp_path / "mine" / value).exists()


def test_jsonl_is_valid_where_it_is(cli, tmp_path):
    cli.must("init", "quiz", "--from", "jsonl", cwd=tmp_path)
    replay = ["--set", "generation.backend=replay"]
    cli.must("validate", "experiment.yaml", *replay, cwd=tmp_path / "quiz")


@pytest.mark.parametrize("made", ["folder", "file"])
def test_nothing_is_overwritten(tmp_path, made):
    target = tmp_path / "mine"
    target.mkdir() if made == "folder" else target.write_text("mine")
    with pytest.raises(ValueError, match="mine is there already and is left as it is"):
        new_folder(target, "starter")
    assert target.is_dir() or target.read_text() == "mine"
    assert not list(tmp_path.glob("mine/*"))


def test_faults_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"'quickstrat'; did you mean 'quickstart'\?"):
        new_folder(tmp_path / "mine", "quickstrat")
    with pytest.raises(ValueError, match="must be letters, digits"):
        new_folder(tmp_path / "my study", "starter")
    assert not list(tmp_path.iterdir())
