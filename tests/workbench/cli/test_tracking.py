from pathlib import Path

import pytest
import yaml

from workbench.cli.tracking import default_folder

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("sweep", "run", "folder"),
    [
        ("", "", "results/hot"),
        ("", "abc", "results/hot"),  # a run id alone is no agent's
        ("s1", "abc", "results/hot-s1/abc"),
    ],
)
def test_the_runs_of_a_sweep_have_folders_of_their_own(monkeypatch, sweep, run, folder):
    monkeypatch.setenv("WANDB_SWEEP_ID", sweep)
    monkeypatch.setenv("WANDB_RUN_ID", run)
    assert default_folder("hot") == Path(folder)


@pytest.mark.parametrize("name", ["temperature", "prompt"])
def test_every_setting_that_a_sweep_tries_is_one_an_experiment_takes(name):
    from workbench.experiment import load_experiment

    sweep = yaml.safe_load((ROOT / "experiments" / "sweeps" / f"{name}.yaml").read_text())
    assert sweep["name"] == name
    assert sweep["command"][:2] == ["${program}", "run"]
    assert sweep["program"] == "workbench"
    assert sweep["command"][-1] == "${args_no_hyphens}"
    for key, one in sweep["parameters"].items():
        for value in one["values"]:
            taken = load_experiment(ROOT / sweep["command"][2], (f"{key}={value}",))
            section, setting = key.split(".")
            found = getattr(getattr(taken, section), setting)
            wanted = yaml.safe_load(str(value))
            assert found == (tuple(wanted) if isinstance(wanted, list) else wanted)


def test_settings_may_follow_the_experiment_as_words(cli, experiment, tmp_path):
    cli.must(
        "run", experiment(), "generation.n=4", "measure.k=[2]", "--out", tmp_path / "run",
        "--set", "generation.n=5",
    )  # fmt: skip
    saved = yaml.safe_load((tmp_path / "run" / "experiment.yaml").read_text())
    assert saved["generation"]["n"] == 5  # the later one, as ever
    assert saved["measure"]["k"] == [2]
    cli("run", experiment(), "generation.nn=4").refuses("nn")
