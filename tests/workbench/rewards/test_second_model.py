"""The reading of a run under other models, through the command line, with tiny random models.

The models are random, with part of a real tokenizer; their template, and what runs them, are real.
"""

import dataclasses
import json
import shutil
import signal
from functools import cache

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.conftest import blocks_of, write_experiment
from tests.lazily import Lazy, needs
from workbench.analysis.aggregate import AGGREGATORS
from workbench.cli.check_models import check_models
from workbench.config.schema import dump_experiment
from workbench.experiment import ExperimentError, load_experiment
from workbench.generate import BACKENDS
from workbench.generate.stage import prompted_problems

needs("torch")
torch, transformers = Lazy("torch"), Lazy("transformers")

KEY = ["problem_id", "temperature", "sample_index"]


@pytest.fixture(scope="module")
def reading(model):
    """Settings of an experiment whose samples are read under a model that has two names."""
    first = {"model": str(model), "backend": "transformers", "dtype": "float32", "logprobs": 1}
    return {"scoring": {"models": {"first": first, "twin": first}}}


@pytest.fixture
def read(experiment, reading):
    """A function that writes such an experiment, with changes."""
    return lambda **changes: experiment(**{**reading, **changes})


@pytest.fixture(scope="module")
def drawn(cli, reading, tmp_path_factory):
    """A function: form of the prompts -> experiment and folder with samples; not to be changed."""

    @cache
    def draw(form):
        home = tmp_path_factory.mktemp(form)
        path = write_experiment(home / "experiment.yaml", **reading, task__prompt=form)
        blocks_of(home / "run", 4)
        cli.must("generate", path, "--out", home / "run")
        return path, home / "run"

    return draw


@pytest.fixture(scope="module")
def scored(cli, drawn, tmp_path_factory):
    """A function: form of the prompts -> the same with the values, and what was said."""

    @cache
    def score(form):
        path, samples = drawn(form)
        folder = shutil.copytree(samples, tmp_path_factory.mktemp(form) / "run")
        return path, folder, cli.must("score", path, "--out", folder)

    return score


def stage(folder, name):
    return json.loads((folder / "manifest.json").read_text())["stages"][f"under/{name}"]


@cache
def loaded(model):
    return (
        transformers.AutoTokenizer.from_pretrained(model),
        transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
    )


def by_hand(model, text, completion, ended):
    """Tokens, log-probabilities and entropies, from the logits of the whole in one pass."""
    tokenizer, network = loaded(model)
    before = tokenizer.encode(text)
    ids = tokenizer.encode(text + completion)[len(before) :]
    ids += [tokenizer.eos_token_id] * ended
    with torch.inference_mode():
        raw = network(torch.tensor([before + ids])).logits[0].log_softmax(dim=-1)
    raw = raw[len(before) - 1 : -1]
    logprobs = raw[range(len(ids)), ids].tolist()
    return ids, logprobs, float(-(raw.exp() * raw).sum(dim=-1).mean())


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_every_sample_gets_the_values_of_the_whole_logits(cli, scored, model, form, left_in):
    path, folder, child = scored(form)
    rows = wb.load_run(folder).samples.set_index(KEY).sort_index()
    values = left_in(folder, "under/first")
    assert values.index.equals(rows.index)
    assert values["missing"].isna().all()

    task = wb.load_run(folder).experiment.task
    asked = {item.problem.id: item.prompt for item in prompted_problems(task)}
    tokenizer, _ = loaded(model)
    for key in rows.index[::23]:
        prompt, row, found = asked[key[0]], rows.loc[key], values.loc[key]
        text = prompt.text or tokenizer.apply_chat_template(
            list(prompt.messages), tokenize=False, add_generation_prompt=True
        )
        ended = row["stop_reason"] == "stop"
        ids, logprobs, entropy = by_hand(model, text, row["completion"], ended)
        assert found["token_ids"].tolist() == ids
        np.testing.assert_allclose(found["token_logprobs"], logprobs, atol=2e-5)
        np.testing.assert_allclose(found["sum_logprob"], sum(logprobs), atol=1e-4)
        np.testing.assert_allclose(found["mean_logprob"], np.mean(logprobs), atol=1e-5)
        np.testing.assert_allclose(found["mean_entropy"], entropy, atol=1e-4)
        assert found["num_tokens"] == len(ids)
    assert values["mean_logprob"].std() > 0.05

    # a text that comes twice is read once; a model that has two names, too
    first, twin = stage(folder, "first"), stage(folder, "twin")
    assert first["texts_judged"] == values["text_hash"].nunique() < 204
    assert "texts_judged" not in twin
    pd.testing.assert_frame_equal(left_in(folder, "under/twin"), values)
    assert (first["entropies"], first["own_model"]) == ("exact", False)
    assert first["vocabulary"] == twin["vocabulary"] == loaded(model)[1].config.vocab_size
    assert f"under/first: {first['texts_judged']} texts to read" in child.err
    assert not list(folder.rglob("*.journal"))
    again = cli.must("score", path, "--out", folder).err
    assert "under/first: up to date" in again


def test_a_killed_step_goes_on_where_it_was(cli, drawn, scored, tmp_path, left_in, telling):
    path, undisturbed, _ = scored("completion")
    killed = shutil.copytree(drawn("completion")[1], tmp_path / "killed")
    journal, told = killed / "under/first/block-00000.journal", tmp_path / "told"
    child = cli.start("score", path, "--out", killed, before=telling("model_step", 0.01))
    child.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 20)
    child.stop(signal.SIGKILL)
    assert stage(killed, "first")["status"] == "running"
    whole, _, _ = journal.read_bytes().rpartition(b"\n")
    kept = {json.loads(line[9:])["text"] for line in whole.splitlines()}
    told.unlink()
    cli.must("score", path, "--out", killed, before=telling("model_step"))

    again = told.read_text().split()
    assert len(again) == len({*again})
    assert not {*again} & kept
    rows, expected = left_in(killed, "under/first"), left_in(undisturbed, "under/first")
    assert len(kept) + len(again) == rows["text_hash"].nunique()
    pd.testing.assert_frame_equal(rows, expected, check_exact=False, atol=1e-4)
    assert stage(killed, "first")["interruptions"] == 1

    # more samples, of which the old ones are not read again; and a table that is damaged
    more = ("--set", "generation.n=10")
    cli.must("generate", path, "--out", killed, *more)
    told.unlink()
    cli.must("score", path, "--out", killed, *more, before=telling("model_step"))
    after = left_in(killed, "under/first")
    assert len(after) == 12 * (10 + 10 + 1)
    pd.testing.assert_frame_equal(after.loc[rows.index], rows)
    new = {*after["text_hash"]} - {*rows["text_hash"]}
    assert sorted(told.read_text().split()) == sorted(new)
    path_of = killed / "under/first/block-00000.parquet"
    path_of.write_bytes(path_of.read_bytes()[:-100])
    assert f"{path_of} is damaged" in cli.must("score", path, "--out", killed, *more).err
    pd.testing.assert_frame_equal(left_in(killed, "under/first"), after)


SAMPLES = [[("It is 3.", -0.5, "stop"), ("", -0.1, "length"), ("", 0.0, "error"),
            ("one and one and " * 40, -0.2, "length"), ("It is 3.", -0.5, "stop")]]  # fmt: skip


def test_missing_values_are_counted_and_other_settings_read_anew(cli, hand_made, model, left_in):
    first = {
        "model": str(model), "backend": "transformers", "dtype": "float32", "max_model_len": 150,
    }  # fmt: skip
    folder = hand_made(
        ["2"], SAMPLES, stages=("generate", "score"), scoring={"models": {"first": first}}
    )
    found = left_in(folder, "under/first")
    assert found["missing"].fillna("").tolist() == ["", "", "failed", "too_long", ""]
    assert found["num_tokens"].isna().tolist() == [False, False, True, True, False]
    assert found["num_tokens"].iloc[1] == 0
    assert np.isnan(found["mean_logprob"].iloc[1])
    assert stage(folder, "first")["missing"] == {"failed": 1, "too_long": 1}
    assert stage(folder, "first")["texts_judged"] == 1
    path = folder / "experiment.yaml"
    child = cli.must(
        "score", path, "--out", folder, "--set", "scoring.models.first.max_model_len=1000"
    )
    assert left_in(folder, "under/first")["missing"].fillna("").tolist() == [
        "",
        "",
        "failed",
        "",
        "",
    ]
    assert "under/first: samples without values: 1 had failed" in child.err
    other = ("--set", "task.system=Think.", "--set", "scoring.models.first.logprobs=1")
    cli("score", path, "--out", folder, *other).refuses("not the one that its samples answer")


def test_a_model_that_cannot_read_is_refused_at_the_start(
    cli, read, make_model, model, hand_made, tmp_path
):
    bare = shutil.copytree(model, tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    path = read(scoring__models__first__model=str(bare), task__prompt="chat")
    folder = tmp_path / "run"
    for command in (("validate", path), ("run", path, "--out", folder)):
        cli(*command).refuses("error: scoring.models.first.model: ", "has no chat template")
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('No system') }}{% endif %}"
    (bare / "chat_template.jinja").write_text(refusing)
    told = cli("validate", path).refuses("scoring.models.first.model: ", "no system message")
    assert "(No system)" in told
    cli("run", read(scoring__models__first__model=str(tmp_path / "gone")), "--out", folder).refuses(
        "error: scoring.models.first.model: ", "gone does not exist"
    )
    assert not folder.exists()
    broken = make_model(tmp_path / "broken", damage=True)
    cli("run", read(scoring__models__first__model=str(broken)), "--out", folder).refuses(
        "first gave a NaN", "scoring.models.first.dtype: float32"
    )
    assert stage(folder, "first")["status"] == "interrupted"


def test_an_engine_that_is_not_installed_is_named(read, monkeypatch):
    path = read(scoring__models__first__backend="vllm")
    absent = dataclasses.replace(BACKENDS["vllm"], packages=("no-such-package",))
    monkeypatch.setitem(BACKENDS, "vllm", absent)
    with pytest.raises(ValueError, match=r"not installed.*set scoring\.models\.first\.backend to"):
        check_models(load_experiment(path, aggregators=AGGREGATORS))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("scoring.models={own: {model: m}}", "--set scoring.models.own: 'own' is the run's own mo"),
        ("scoring.models={a b: {model: m}}", "--set scoring.models.a b: must be letters, digits"),
        ("scoring.models={a: {}}", "--set scoring.models.a.model: missing: a folder, a hub name"),
        ("scoring.models={a: {modl: m, model: m}}", "--set scoring.models.a.modl: unknown key; di"),
        ("scoring.models={a: 3}", "--set scoring.models.a: expected a mapping"),
        ("scoring.rewards=[likelihood, density_ratio]", "scoring.density_ratio: missing: the rewa"),
        ("scoring.density_ratio={strong: b, weak: own}", "--set scoring.density_ratio.strong: 'b'"),
        ("scoring.density_ratio={strong: own}", "--set scoring.density_ratio.weak: missing: the "),
        ("scoring.implicit_reward={policy: a, reference: own, beta: 0}",
         "--set scoring.implicit_reward.beta: must be more than 0"),
    ],
)  # fmt: skip
def test_each_fault_of_the_settings_is_said_once(experiment, override, message):
    path = experiment(scoring={"models": {"a": {"model": "SmolLM2-135M-Instruct"}}})
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, [override], aggregators=AGGREGATORS)
    (found,) = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert found.startswith(message)


def test_the_settings_survive_the_dump(experiment, tmp_path):
    scoring = {
        "models": {"a": {"model": "m/m"}}, "rewards": ["likelihood", "implicit_reward"],
        "implicit_reward": {"policy": "a", "reference": "own"},
    }  # fmt: skip
    settings = load_experiment(experiment(scoring=scoring), aggregators=AGGREGATORS)
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_experiment(settings))
    assert load_experiment(copy, aggregators=AGGREGATORS) == settings
    assert settings.scoring.implicit_reward.beta == 0.05
