import dataclasses
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench import load_run
from workbench.storage.listed_runs import ListedRun, listed_runs

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
SMALL = ("experiment.yaml", "manifest.json", "problems.jsonl", "scores")


def copy_run(root, *, changed=0, without=()):
    """The parts of the reference run that a list looks at."""
    root.mkdir(parents=True)
    for name in SMALL:
        if name not in without:
            source = REFERENCE / name
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, root / name)
    if "manifest.json" not in without:
        os.utime(root / "manifest.json", (changed, changed))
    return root


def test_a_run_is_told_from_its_small_files(tmp_path):
    root = copy_run(tmp_path / "a", changed=86_400)
    (found,) = listed_runs(tmp_path)
    assert (found.root, found.task, found.model) == (root, "arithmetic", "SmolLM2-135M-Instruct")
    assert (found.problems, found.temperatures, found.n) == (30, (0.3, 0.7, 1.0), 16)
    assert (found.stage, found.unfinished, found.fault) == ("analyze", "", "")
    assert found.changed == datetime(1970, 1, 2, tzinfo=UTC)
    assert found.size == sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def test_the_accuracy_is_that_of_the_table(tmp_path):
    import pandas as pd

    copy_run(tmp_path / "a")
    (found,) = listed_runs(tmp_path)
    curve = pd.read_csv(REFERENCE / "tables" / "coverage_curve.csv").query("k == 1")
    told = dict(zip(curve["temperature"], curve["pass@k"], strict=True))
    assert len(told) == 4
    assert found.accuracy == pytest.approx(told)


def test_unknown_correctness_is_left_out_and_problems_weigh_the_same(tmp_path):
    import pyarrow as pa

    from workbench.storage.parquet import write_table

    root = copy_run(tmp_path / "a", without=("scores",))
    # the mean over all four known samples would be 1/4
    rows = [("p", True), ("p", None), ("q", False), ("q", False), ("q", False), ("r", None)]
    names, correct = zip(*rows, strict=True)
    table = pa.table(
        {
            "problem_id": pa.array(names).dictionary_encode(),
            "temperature": [1.0] * len(rows),
            "sample_index": list(range(len(rows))),
            "is_correct": pa.array(correct, pa.bool_()),
        }
    )
    write_table(root / "scores" / "block-00000.parquet", table, "fingerprint")
    (found,) = listed_runs(tmp_path)
    assert found.accuracy == {1.0: 0.5}


def test_what_changed_last_stands_first_and_runs_of_a_sweep_lie_deeper(tmp_path):
    old, new = copy_run(tmp_path / "b", changed=1), copy_run(tmp_path / "sweep" / "x", changed=2)
    (tmp_path / "notes").mkdir()
    (tmp_path / "orm").mkdir()
    (tmp_path / "orm" / "manifest.json").write_text("{}")  # of a trained model, which is no run
    assert [run.root for run in listed_runs(tmp_path)] == [new, old]


def test_how_far_a_run_is(tmp_path):
    root = copy_run(tmp_path / "a", without=("scores",))
    manifest = json.loads((root / "manifest.json").read_text())
    stages = manifest["stages"]
    stages["measure"]["status"] = "interrupted"
    del stages["analyze"], manifest["experiment"]  # which is written once a stage has ended
    (root / "manifest.json").write_text(json.dumps(manifest))
    (found,) = listed_runs(tmp_path)
    assert (found.stage, found.unfinished, found.accuracy) == ("score", "measure", {})
    assert found.n == 16  # from experiment.yaml


def damage(root, name):
    if name == "manifest":
        (root / "manifest.json").write_text("{")
    elif name == "manifest is a list":
        (root / "manifest.json").write_text("[1]")
    elif name == "no manifest":
        (root / "manifest.json").unlink()
        (root / "samples").mkdir()
    elif name == "no problems":
        (root / "problems.jsonl").unlink()
    elif name == "no generation":
        (root / "manifest.json").write_text(json.dumps({"experiment": {"task": {"name": "a"}}}))
    else:
        (root / "scores" / "block-00000.parquet").write_text("not Parquet")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("manifest", "manifest.json is damaged"), ("manifest is a list", "manifest.json is not"),
        ("no manifest", "manifest.json is missing"), ("no problems", "problems.jsonl"),
        ("no generation", "KeyError: 'generation'"), ("scores", "block-00000.parquet is damaged"),
    ],
)  # fmt: skip
def test_a_damaged_run_is_named_beside_the_others(tmp_path, name, word):
    whole, broken = copy_run(tmp_path / "a", changed=1), copy_run(tmp_path / "b", changed=2)
    damage(broken, name)
    found = {run.root: run for run in listed_runs(tmp_path)}
    assert word in found[broken].fault
    assert found[whole].fault == ""
    assert found[whole].problems == 30


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert listed_runs(tmp_path) == []
    with pytest.raises(ValueError, match="no-such is no folder; give one that holds runs"):
        listed_runs(tmp_path / "no-such")


def test_conditions_are_named_and_many_are_counted():
    named = ListedRun(
        root=Path("x"), changed=datetime.now(UTC), size=1, temperatures=("T1", "hot"),
        accuracy={"T1": 0.5},
    )  # fmt: skip
    assert named.varied == ("T1", "hot")
    assert named.shares == ("0.50", "-")
    cells = tuple(f"T1-top_k{k}" for k in range(1, 6))
    shares = {name: place / 10 for place, name in enumerate(cells)}
    many = dataclasses.replace(named, temperatures=cells, accuracy=shares)
    assert (many.varied, many.shares) == (("5 conditions",), ("0.00 to 0.40",))
    assert dataclasses.replace(many, accuracy={}).shares == ("-",)


def test_a_run_with_factors_tells_the_accuracy_of_each_condition(cli, experiment, tmp_path):
    grid = {"temperature": [0.3, 1.0], "min_p": [0, 0.1]}
    path = experiment(generation__grid=grid, generation__temperatures=[])
    for stage in ("generate", "score"):
        cli.must(stage, path, "--out", tmp_path / "runs" / "run")
    (found,) = listed_runs(tmp_path / "runs")
    assert found.varied == ("T0.3", "T0.3-min_p0.1", "T1", "T1-min_p0.1")
    scores = load_run(tmp_path / "runs" / "run").scores
    means = scores.groupby("condition", observed=True)["correct"].mean()
    assert found.shares == tuple(f"{means[name]:.2f}" for name in found.varied)
