"""``workbench train-correction`` from an experiment to a model, killed and started again."""

import json
import os
import random
import signal

import pytest

from workbench.models.locate import model_hash

MODULES = (
    "workbench.correction_training.training_loop", "workbench.analysis.correction_training",
    "transformers.models.llama.modeling_llama",
)  # fmt: skip
STEPS = {
    "steps_1": 12, "steps_2": 12, "batch_size": 16, "samples": 4, "held_out": 0.02,
    "save_every": 3, "evaluate_every": 5, "evaluation_samples": 1,
}  # fmt: skip
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def toy(toy_base, tmp_path_factory):
    """The file of an experiment."""
    from tests.correction_study.toy import write_toy

    return write_toy(tmp_path_factory.mktemp("toy"), toy_base, 1, **STEPS)


@pytest.fixture(scope="module")
def undisturbed(cli, toy, tmp_path_factory):
    """(folder of a training that nothing disturbed, what was said)."""
    cli.load(*MODULES)
    out = tmp_path_factory.mktemp("corrected") / "policy"
    offline = ("--set", "tracking.mode=offline")
    return out, cli.must("train-correction", toy, "--out", out, *offline, figures=True)


def told(out):
    return json.loads((out / "training.json").read_text())


def test_it_makes_a_model_and_says_where(undisturbed):
    out, child = undisturbed
    assert f"generation.model={out}" in child.out
    for words in (
        "882 problems to learn from, 18 held out",
        "12 steps of Stage I",
        "24 of 24 steps",
    ):
        assert words in child.err
    found = told(out)
    assert found["stages"]["train"]["status"] == "done"
    assert found["made_from"]["alpha"] == 10
    assert set(found["held_out"]) >= {"before/held_out_t1", "after/held_out_delta"}
    assert (out / "figures" / "training.png").stat().st_size > 10_000
    assert not (out / ".training").exists()


def test_the_folder_is_a_model_that_an_experiment_takes(cli, toy, undisturbed, tmp_path):
    out, _ = undisturbed
    before = model_hash(out)
    drawn = ("--set", f"generation.model={out}", "--set", "generation.n=2", "--set",
             "task.num_problems=3", "--set", "measure.k=[2]")  # fmt: skip
    cli.must("generate", toy, "--out", tmp_path / "run", *drawn)
    import workbench as wb

    assert len(wb.load_run(tmp_path / "run").samples) == 18
    assert model_hash(out) == before


def test_the_curves_go_to_the_tracked_run(undisturbed):
    out, _ = undisturbed
    (file,) = out.glob("wandb/offline-run-*/*.wandb")
    held = file.read_bytes()
    for name in ("loss", "reward_1", "reward_2", "kl_1", "learning_rate", "entropy_2",
                 "held_out_delta"):  # fmt: skip
        assert f"train/{name}".encode() in held
    for name in (b"figures/training", b"after/held_out_t2", b"corrected-model"):
        assert name in held


def test_killed_three_times_it_ends_as_undisturbed(cli, toy, undisturbed, tmp_path, curves_of):
    out, rng = tmp_path / "policy", random.Random(8)
    command = ("train-correction", toy, "--out", out)
    curves = out / ".training" / "curves.jsonl"
    for kill in sorted(rng.sample(range(2, 22), 3)):
        child = cli.start(*command)

        def reached(step=kill):
            lines = curves.read_text().splitlines() if curves.exists() else []
            return any(f'"step": {step},' in line for line in lines[-2:])

        child.until(reached)
        child.stop(signal.SIGKILL)
        assert not (out / "config.json").exists()  # not a model yet
    child = cli.must(*command, before=NO_FIGURE)
    assert "train: goes on from step " in child.err
    assert told(out)["stages"]["train"]["interruptions"] == 3
    assert curves_of(out) == curves_of(undisturbed[0])
    assert (out / WEIGHTS).read_bytes() == (undisturbed[0] / WEIGHTS).read_bytes()


NO_FIGURE = "import workbench.analysis.correction_training as m; m.save = lambda *drawn: None"


def test_again_it_is_up_to_date_and_other_settings_are_refused(cli, toy, undisturbed):
    out, first = undisturbed
    before = (out / "training.json").read_bytes()
    again = cli.must("train-correction", toy, "--out", out)
    assert "train: up to date" in again.err
    assert again.out == first.out
    other = ("--set", "training.alpha=1", "--set", "training.lr=0.1")
    cli("train-correction", toy, "--out", out, *other).refuses("lr: 0.001 there, 0.1 now", "--out")
    assert (out / "training.json").read_bytes() == before


def test_what_cannot_be_trained_is_refused_before_anything_is_written(cli, toy, tmp_path):
    out = tmp_path / "out"
    for setting, words in (
        ("training.reward=partial", "training.reward: 'partial' is the share of tests"),
        ("training.alpha=-1", "training.alpha: must be at least 0, got -1"),
        ("training.batch_size=10", "a batch of 10 cannot be formed of 4 samples"),
        ("training.warmup=12", "rise for 12 steps, and Stage I has 12"),
        ("generation.model=./gone", "--set generation.model: "),
        ("training.reference=./lost", "model folder ./lost does not exist"),
        ("training.tasks={sums: {name: arithmetic}}", "training.tasks.sums: num_problems: arithm"),
        ("training.tasks={sums: {name: arithmetics}}", "unknown task 'arithmetics'"),
        ("training.tasks={few: {name: arithmetic, num_problems: 4}}",
         "a batch of 4 problems cannot be formed: 3 problems of few are left"),
    ):  # fmt: skip
        child = cli("train-correction", toy, "--out", out, "--set", setting)
        assert child.code == 1, setting
        assert words in child.err
        assert "Traceback" not in child.err
    assert not out.exists()


def test_a_folder_that_holds_something_else_is_left_alone(cli, toy, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    cli("train-correction", toy, "--out", tmp_path).refuses(
        "holds something else (notes.txt)", "give a new folder with --out"
    )
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_two_tasks_are_trained_on_in_batches_of_one_each(cli, toy, tmp_path):
    path, rows = tmp_path / "more.jsonl", (toy.parent / "problems.jsonl").read_text().splitlines()
    others = [json.loads(row) for row in rows[:40]]
    lines = [json.dumps(row | {"problem": f"0{row['problem']}"}) + "\n" for row in others]
    path.write_text("".join(lines))
    more = {"name": "jsonl", "source": str(path), "system": "", "correction": "{{ hidden }}",
            "options": {"compare": "exact", "whole_text": True}}  # fmt: skip
    settings = ("steps_1=2", "steps_2=0", "warmup=0", f"tasks={json.dumps({'more': more})}")
    short = [word for one in settings for word in ("--set", f"training.{one}")]
    out = tmp_path / "out"
    cli.must("train-correction", toy, "--out", out, *short, before=NO_FIGURE)
    text = (out / "split.csv").read_text()
    assert text.count(",more,") == 40
    assert text.count("held_out,more,") == 1
    assert told(out)["counts"] == {"train": 921, "held_out": 19}
