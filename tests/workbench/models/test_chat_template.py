"""Chat templates that refuse something, beside what transformers makes of them."""

import json
import shutil
import subprocess
import sys

import pytest

from workbench.core.types import Prompt
from workbench.models.chat_template import check_conversation
from workbench.models.tokenization import encode_prompt, tokenizer_here

TURNS = "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}{% endfor %}"
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + TURNS
)
ALTERNATING = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}{% endfor %}" + TURNS
)
NOTHING = "{{ raise_exception('Not today') }}"
SOMETHING = "{% if messages|length > 9 %}{{ raise_exception('Too many') }}{% endif %}" + TURNS
OF_TRANSFORMERS = (
    "{{ bos_token }}{{ strftime_now('%Y') }}{{ messages | tojson(indent=1) }}"
    "{% for m in messages %}{% if loop.index > 5 %}{% break %}{% endif %}{% generation %}"
    "{{ m.content }}{% endgeneration %}{% endfor %}{% if tools is none and add_generation_prompt %}"
    "x{% endif %}"
)
SWITCH = "{% if not enable_thinking %}{{ raise_exception('I have to think') }}{% endif %}" + TURNS
SYNTAX = "{% for %}"
TALK = ("system", "user")
EXAMPLES = ("user", "assistant", "user")
TWO = ("user", "user")


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
        elif template is not None:
            (folder / "chat_template.jinja").write_text(template)
        return str(folder)

    return make


@pytest.mark.parametrize(
    ("template", "roles", "fault"),
    [
        (NO_SYSTEM, TALK, r'takes no system message: .*not supported\); set task\.system: "", or'),
        (ALTERNATING, TWO, r"refuses messages of user, user \(Roles must .*set task.few_shot: 0"),
        (ALTERNATING, TALK, r"takes no system message: .*alternate"),
        (NOTHING, TALK, r"refuses the conversation \(Not today\); set task\.prompt: completion"),
        (SWITCH, ("user",), r"I have to think\).* or correct task.template_options"),
        (SYNTAX, ("user",), r"refuses the conversation \(Expected an expression"),
        (TURNS, TALK, None),
        (SOMETHING, TALK, None),
        (NO_SYSTEM, EXAMPLES, None),
        (ALTERNATING, EXAMPLES, None),
        (OF_TRANSFORMERS, TALK, None),
    ],
)
def test_what_is_refused_here_is_what_transformers_refuses(named, template, roles, fault):
    folder = named(template)
    messages = tuple({"role": role, "content": "Name a colour."} for role in roles)
    tokenizer = tokenizer_here(folder)
    if fault is None:
        check_conversation(folder, roles, {})
        assert encode_prompt(tokenizer, Prompt(messages=messages))
        return
    with pytest.raises(ValueError, match=fault):
        check_conversation(folder, roles, {})
    with pytest.raises(ValueError, match="refuses the conversation"):
        encode_prompt(tokenizer, Prompt(messages=messages))


def test_a_switch_reaches_the_template(named):
    check_conversation(named(SWITCH), ("user",), {"enable_thinking": True})


@pytest.mark.parametrize("stored", [NO_SYSTEM, [{"name": "default", "template": NO_SYSTEM}]])
def test_a_template_among_the_settings_is_found(named, stored):
    with pytest.raises(ValueError, match="System role not supported"):
        check_conversation(named(stored, inside=True), TALK, {})


def test_a_model_without_a_template_is_for_completions(named):
    with pytest.raises(ValueError, match=r"has no chat template; set task.prompt to completion"):
        check_conversation(named(None), ("user",), {})


def test_validate_says_it_before_anything_is_drawn(cli, experiment, named, tmp_path):
    given = {"generation__model": named(NO_SYSTEM), "generation__backend": "transformers"}
    path = experiment(**given, task__prompt="chat")
    for command in (("validate", path), ("run", path, "--out", tmp_path / "run")):
        cli(*command).refuses("task.prompt: ", "System role not supported", 'task.system: ""')
    assert not list((tmp_path / "run").glob("samples"))
    path = experiment(**given, task__prompt="chat", task__system="")
    cli.must("validate", path)
    path = experiment(**given, task__prompt="completion")
    cli.must("validate", path)
    messages = [{"role": role, "content": "{{ problem }}"} for role in TALK]
    path = experiment(**given, task__prompt=messages, task__few_shot=0)
    cli("validate", path).refuses("task.prompt: ", "leave the message out of a template")


def test_validate_tries_every_variant_that_is_a_chat(cli, experiment, named):
    given = {"generation__model": named(NO_SYSTEM), "generation__backend": "transformers"}
    two = [{"role": role, "content": "{{ problem }}"} for role in TALK]
    variants = {
        "told": {"prompt": "chat", "system": "Be brief."},
        "written": {"prompt": two, "few_shot": 0},
        "bare": {"prompt": "chat", "system": ""},
        "plain": {"prompt": "completion", "system": "Be brief."},
    }
    asked = {"generation__grid": {"prompt": ["default", *variants]}}
    path = experiment(**given, **asked, task__prompt="completion", task__prompts=variants)
    refused = cli("validate", path)
    refused.refuses(
        "task.prompts.told.prompt: ", 'set task.prompts.told.system: "", or leave the message out',
        "task.prompts.written.prompt: ", "out of a template in task.prompts.written.prompt",
    )  # fmt: skip
    assert not any(words in refused.err for words in ("bare", "plain", "task.prompt:"))
    given |= {"task__prompts": {"bare": variants["bare"], "plain": variants["plain"]}}
    cli.must("validate", experiment(**given, task__prompt="completion"))


def test_validate_tries_the_prompts_with_the_second_models_too(cli, experiment, named):
    second = {"second": {"model": named(NO_SYSTEM), "backend": "transformers"}}
    variants = {"told": {"prompt": "chat", "system": "Be brief."}, "bare": {"system": ""}}
    path = experiment(
        task__prompt="completion", task__prompts=variants, scoring__models=second,
        generation__grid={"prompt": ["default", *variants]},
    )  # fmt: skip
    told = cli("validate", path)
    told.refuses("scoring.models.second.model: ", "set task.prompts.told.system")
    assert told.err.count("scoring.models.second.model: ") == 1


def test_of_a_packaged_model_it_is_known_whether_it_takes_one():
    check_conversation("SmolLM2-135M-Instruct", TALK, {})
    with pytest.raises(ValueError, match=r"gemma-3-270m has no chat template; set task\.prompt to"):
        check_conversation("gemma-3-270m", TALK, {})


def test_a_model_on_the_hub_that_is_not_cached_is_not_looked_at():
    check_conversation("nobody/has-this-model", TALK, {})


def test_nothing_slow_is_imported(named):
    script = (
        "import sys; from workbench.models.chat_template import check_conversation; "
        f"check_conversation({named(TURNS)!r}, ['user'], {{}}); "
        "assert not {'torch', 'transformers', 'tokenizers', 'pyarrow'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
