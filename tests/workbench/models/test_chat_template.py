"""Templates of chats that refuse something, with the tokenizer of a random model."""

import json
import shutil

import pytest

from workbench.models.chat_template import check_system_message

TURNS = "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}{% endfor %}"
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + TURNS
)
NOTHING = "{{ raise_exception('Not today') }}"
SOMETHING = "{% if messages|length > 9 %}{{ raise_exception('Too many') }}{% endif %}" + TURNS


@pytest.fixture(scope="module")
def named(make_model, tmp_path_factory):
    """A function: template -> folder of a model with it, as a file or among the settings."""
    model = make_model(tmp_path_factory.mktemp("model"))

    def make(template, inside=False):
        folder = tmp_path_factory.mktemp("named")
        shutil.copytree(model, folder, dirs_exist_ok=True)
        (folder / "chat_template.jinja").unlink()
        if inside:
            path = folder / "tokenizer_config.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": template}))
        else:
            (folder / "chat_template.jinja").write_text(template)
        return str(folder)

    return make


@pytest.mark.parametrize("inside", [False, True])
def test_a_template_without_system_messages_is_said(named, inside):
    with pytest.raises(ValueError, match=r'not supported\); set task\.system: ""'):
        check_system_message(named(NO_SYSTEM, inside), fetch=False)


@pytest.mark.parametrize("template", [TURNS, SOMETHING])
def test_one_that_takes_them_is_taken(named, template):
    check_system_message(named(template), fetch=False)


def test_one_that_takes_nothing_is_not_taken_for_one_without_system_messages(named):
    with pytest.raises(ValueError, match=r"Not today\); set task\.prompt: completion"):
        check_system_message(named(NOTHING), fetch=False)


def test_validate_says_it_before_anything_is_drawn(cli, experiment, named, tmp_path):
    given = {"generation__model": named(NO_SYSTEM), "generation__backend": "transformers"}
    path = experiment(**given, task__prompt="chat")
    for command in (("validate", path), ("run", path, "--out", tmp_path / "run")):
        cli(*command).refuses("task.system: ", "System role not supported", 'task.system: ""')
    assert not list((tmp_path / "run").glob("samples"))
    path = experiment(**given, task__prompt="chat", task__system="")
    cli.must("validate", path)
    path = experiment(**given, task__prompt="completion")
    cli.must("validate", path)


def test_a_packaged_model_is_known_to_take_one():
    check_system_message("SmolLM2-135M-Instruct", fetch=False)


def test_a_model_on_the_hub_that_is_not_cached_is_not_looked_at():
    check_system_message("nobody/has-this-model", fetch=False)
