"""A large design of conditions is refused unless it is said that it is meant."""

import re

import pytest

import workbench as wb
from tests.conftest import EXPERIMENT
from workbench.cli.large_runs import refuse_large
from workbench.experiment import check_experiment

SIZE = "3 conditions x 12 problems x 300 samples = 10,800 samples, which is more than 10,000"
GRID = 'generation.grid={"temperature": [1], "min_p": [0, 0.1, 0.2]}'


def experiment_of(*overrides):
    tree = {name: dict(section) for name, section in EXPERIMENT.items() if name != "name"}
    tree["generation"].pop("temperatures", None)
    return check_experiment({"name": "large", **tree}, overrides, "it")


def test_the_size_is_said_and_nothing_is_made(cli, experiment, tmp_path):
    path, out = experiment(task__num_problems=12, generation__n=300), tmp_path / "out"
    sets = ["--set", GRID, "--set", "generation.temperatures=[]"]
    for command in ("run", "generate"):
        cli(command, path, *sets, "--out", out).refuses(SIZE, "--yes-it-is-large")
    assert not out.exists()
    said = " ".join(cli.must("validate", path, *sets).out.split())
    assert f"LARGE {SIZE}: `workbench run` needs --yes-it-is-large" in said
    assert "T1-min_p0.1 temperature 1, min_p 0.1" in said
    assert "--yes-it-is-large" in cli.must("run", "--help").out
    assert "--yes-it-is-large" in cli.must("generate", "--help").out


def test_temperatures_alone_are_never_large(tmp_path):
    plain = ["generation.temperatures=[0.3, 0.7, 1]", "generation.n=300", "task.num_problems=12"]
    refuse_large(experiment_of(*plain), tmp_path)
    largest = ["generation.temperatures=[]", GRID, "generation.n=250", "generation.greedy=true"]
    largest.append("task.num_problems=13")
    refuse_large(experiment_of(*largest), tmp_path)  # 3 x 13 x 250 = 9,750
    one_more = experiment_of(*largest, "generation.n=257")  # 10,023
    with pytest.raises(ValueError, match=re.escape("= 10,023 samples")):
        refuse_large(one_more, tmp_path)


def test_a_run_that_was_begun_is_not_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.config.size_estimate.LARGE", 10)
    small = EXPERIMENT | {
        "task": EXPERIMENT["task"] | {"num_problems": 3},
        "generation": {
            "model": "replay", "backend": "replay", "n": 2, "max_tokens": 16,
            "grid": {"temperature": [0.5, 1], "min_p": [0, 0.2]},
        },
        "measure": {"k": [2], "metrics": ["distinct_texts"]},
        "selection": {"aggregators": ["maj"]},
    }  # fmt: skip
    folder = tmp_path / "run"
    with pytest.raises(ValueError, match="4 conditions x 3 problems x 2 samples = 24 samples"):
        wb.run(small, out=folder)
    assert not folder.exists()
    run = wb.run(small, out=folder, yes_it_is_large=True)
    assert len(wb.run(run.root).samples) == 24
    with pytest.raises(ValueError, match="= 36 samples"):
        wb.run(run.root, generation={"n": 3})
