"""``workbench train-reward`` from samples to a model that judges, with a tiny random model."""

import json
import os
import shutil
import signal

import numpy as np
import pandas as pd
import pytest
import yaml

from workbench.models.locate import model_hash

KEY = ["problem_id", "temperature", "sample_index"]
PROBLEMS = 24
OPTIONS = ("--lr", "0.02", "--epochs", "3", "--batch-size", "8", "--test", "0.5")
MODULES = (
    "workbench.reward_training.finetune", "workbench.models.hf_scoring",
    "transformers.models.llama.modeling_llama",
)  # fmt: skip

NO_FIGURE = "import workbench.analysis.held_out_rewards as m; m.save = lambda *drawn: None"


def samples(right):
    """Six solutions to each problem: one that is right says blue, one that is wrong red."""
    found = []
    for problem in range(PROBLEMS):
        for number in range(6):
            blue = (problem + number) % 3 == 0
            found.append(
                {
                    "problem_id": f"p{problem}", "temperature": 1.0, "sample_index": number,
                    "text": f"{problem} {number} {'blue' if blue else 'red'}",
                    "correct": bool(right(blue)), "logprob": -1.0 - (number * 7 + problem) % 5,
                    "num_tokens": 4,
                }
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def run(graded):
    folder = graded(samples(lambda blue: blue))
    path = folder / "experiment.yaml"  # what the training logs is looked for below
    path.write_text(path.read_text().replace("mode: disabled", "mode: offline"))
    return folder


@pytest.fixture(scope="module")
def trained(cli, run, tiny_judge, tmp_path_factory):
    """(run, folder of the model, what was said)."""
    cli.load(*MODULES)
    out = tmp_path_factory.mktemp("trained") / "orm"
    child = cli.must("train-reward", run, "--out", out, "--model", tiny_judge, *OPTIONS)
    return run, out, child


def told(out):
    return json.loads((out / "training.json").read_text())


def held_out(out):
    import pyarrow.parquet as pq

    return pq.read_table(out / "held_out.parquet").to_pandas()


def test_what_can_be_learnt_is_learnt_and_told(trained):
    run, out, child = trained
    found = told(out)
    assert found["stages"]["train"]["status"] == "done"
    assert found["counts"]["train"] == {
        "problems": 8, "samples": 48, "distinct": 48, "distinct_right": 16
    }  # fmt: skip
    assert found["counts"]["test"]["problems"] == 12
    assert found["steps"] == 18
    assert found["made_from"]["lr"] == 0.02
    assert found["runs"] == [json.loads((run / "manifest.json").read_text())["signature"]]
    row = {r["reward"]: r for r in found["held_out"]["held_out"] if r["part"] == "test"}
    assert row["trained"]["ranking_accuracy"] > 0.95
    assert row["trained"]["auroc"] > 0.95
    assert abs(row["likelihood"]["auroc"] - 0.5) < 0.2
    assert found["curves"][-1]["validation_loss"] < 0.2
    for words in ("48 distinct solutions (16 right) of 8 problems", "18 steps"):
        assert words in child.err
    for words in ("held_out_gains", f"scoring.orm.model={out}", "split.csv"):
        assert words in child.out
    assert not (out / ".training").exists()


def test_the_split_is_recorded_and_the_held_out_rows_are_of_other_problems(trained):
    _, out, _ = trained
    split = pd.read_csv(out / "split.csv")
    assert sorted(split["problem_id"]) == sorted(f"p{i}" for i in range(PROBLEMS))
    assert split["part"].value_counts().to_dict() == {"test": 12, "train": 8, "validation": 4}
    rows = held_out(out)
    part_of = split.set_index("problem_id")["part"]
    assert rows["part"].tolist() == part_of[rows["problem_id"]].tolist()
    assert set(rows["part"]) == {"validation", "test"}
    assert len(rows) == 16 * 6


def test_the_folder_is_a_model_that_reward_orm_takes(cli, trained, tmp_path):
    run, out, _ = trained
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    judged = ("--set", "scoring.rewards=[likelihood, orm]", "--set",
              f"scoring.orm={{model: {out}, backend: transformers}}")  # fmt: skip
    before = model_hash(out)
    cli.must("score", folder, *judged)
    import workbench as wb

    scores = wb.load_run(folder).scores.set_index(KEY)["reward_orm"]
    rows = held_out(out).set_index(KEY)
    np.testing.assert_allclose(scores[rows.index], rows["trained"], atol=1e-6)
    assert (rows["trained"] - rows["untrained"]).abs().max() > 0.3
    assert model_hash(out) == before


def test_the_curves_go_to_the_tracked_run(trained):
    run, out, _ = trained
    assert told(out)["tracked"].startswith(str(out / "wandb" / "offline-run-"))
    (file,) = out.glob("wandb/offline-run-*/*.wandb")
    held = file.read_bytes()
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy", "step"):
        assert f"train/{name}".encode() in held
    for name in (b"tables/held_out_gains", b"figures/training", b"test/trained/ranking_accuracy"):
        assert name in held
    name = yaml.safe_load((run / "experiment.yaml").read_text())["name"]
    for artifact in (f"{name}-samples", f"{name}-scores", "reward-model"):  # from what, and what
        assert artifact.encode() in held


def test_again_it_is_up_to_date_and_other_settings_are_refused(cli, trained, tiny_judge):
    run, out, first = trained
    before = (out / "training.json").read_bytes()
    again = cli.must("train-reward", run, "--out", out, "--model", tiny_judge, *OPTIONS)
    assert "train: up to date" in again.err
    assert again.out == first.out
    other = (*OPTIONS, "--lr", "0.01", "--rank", "8")
    cli("train-reward", run, "--out", out, "--model", tiny_judge, *other).refuses(
        "made from something else (lr: 0.02 there, 0.01 now; rank: 16 there, 8 now)", "--out"
    )
    assert (out / "training.json").read_bytes() == before


def test_killed_and_started_again_it_ends_as_undisturbed(cli, trained, tiny_judge, tmp_path):
    run, undisturbed, _ = trained
    run, out = shutil.copytree(run, tmp_path / run.name), tmp_path / "orm"
    path = run / "experiment.yaml"
    path.write_text(path.read_text().replace("mode: offline", "mode: disabled"))
    command = ("train-reward", run, "--out", out, "--model", tiny_judge, *OPTIONS)
    child = cli.start(*command)
    child.until(lambda: (out / ".training" / "checkpoint-8").is_dir())
    child.stop(signal.SIGKILL)
    assert told(out)["stages"]["train"]["status"] == "running"
    assert not (out / "config.json").exists()  # not a model yet
    child = cli.must(*command, before=NO_FIGURE)
    assert "train: goes on from step " in child.err
    assert told(out)["curves"] == told(undisturbed)["curves"]
    assert told(out)["stages"]["train"]["interruptions"] == 1
    weights = "model.safetensors"
    assert (out / weights).read_bytes() == (undisturbed / weights).read_bytes()
    pd.testing.assert_frame_equal(held_out(out), held_out(undisturbed))


def test_shuffled_labels_teach_nothing(cli, graded, tiny_judge, tmp_path):
    rng = np.random.default_rng(5)
    run = graded(samples(lambda blue: rng.random() < 1 / 3))
    command = ("train-reward", run, "--out", tmp_path, "--model", tiny_judge, *OPTIONS)
    cli.must(*command, before=NO_FIGURE)
    rows = told(tmp_path)["held_out"]["held_out"]
    (row,) = (r for r in rows if (r["part"], r["reward"]) == ("test", "trained"))
    for name in ("auroc", "ranking_accuracy"):
        assert row[f"{name}_low"] < 0.5 < row[f"{name}_high"]


def test_a_folder_that_holds_something_else_is_left_alone(cli, run, tiny_judge, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    cli("train-reward", run, "--out", tmp_path, "--model", tiny_judge).refuses(
        "holds something else (notes.txt)", "give a new folder with --out"
    )
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_model_without_the_signs_is_refused_before_anything_is_written(
    cli, run, tiny_judge, tmp_path
):
    plain = tmp_path / "plain"
    shutil.copytree(tiny_judge, plain)
    (plain / "chat_template.jinja").unlink()
    out = tmp_path / "out"
    cli("train-reward", run, "--out", out, "--model", plain).refuses("no chat template")
    cli("train-reward", run, "--out", out, "--model", tmp_path / "gone").refuses("gone")
    assert not out.exists()


def test_balance_weighs_both_classes_alike():
    from workbench.reward_training.train import _class_weights

    counts = {"distinct": 48, "distinct_right": 16}
    assert _class_weights(counts, balance=False) == {True: 1.0, False: 1.0}
    weights = _class_weights(counts, balance=True)
    assert 16 * weights[True] == 32 * weights[False] == 24
