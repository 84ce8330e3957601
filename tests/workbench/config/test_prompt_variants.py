"""The task section as a prompt has it: by hand, what goes before what."""

from dataclasses import fields, replace

import pytest

from workbench.config.prompt_variants import (
    prompt_names,
    prompt_section,
    settings_of,
    task_with_prompt,
)
from workbench.config.task_schema import PromptVariant, TaskSettings

MESSAGES = ({"role": "user", "content": "{{ problem }}"},)
EVERYTHING = {
    "system": "Be brief.", "few_shot": 2, "examples": "other.jsonl", "examples_seed": 7,
    "prompt": MESSAGES, "template_options": {"thinks": True},
}  # fmt: skip
SECTION = TaskSettings(
    name="jsonl", source="problems.jsonl", num_problems=5, system="Think.", few_shot=4,
    examples="shown.jsonl", examples_seed=1, template_options={"thinks": False}, last_number=True,
    options={"compare": "math"},
)  # fmt: skip


def with_variant(**settings):
    return replace(SECTION, prompts={"one": PromptVariant(**settings), "other": {"few_shot": 1}})


def test_default_is_the_section_without_its_variants():
    assert task_with_prompt(with_variant(**EVERYTHING), "default") == SECTION
    assert task_with_prompt(SECTION, "default") == SECTION


def test_every_setting_of_a_variant_replaces_that_of_the_section():
    assert {*EVERYTHING} == {one.name for one in fields(PromptVariant)}
    assert task_with_prompt(with_variant(**EVERYTHING), "one") == replace(SECTION, **EVERYTHING)


@pytest.mark.parametrize(
    "own",
    [{}, {"system": ""}, {"few_shot": 0}, {"examples_seed": 0}, {"template_options": {}}],
)
def test_what_a_variant_leaves_out_is_the_sections_and_what_is_empty_is_not_left_out(own):
    assert task_with_prompt(with_variant(**own), "one") == replace(SECTION, **own)


def test_a_template_takes_no_instruction_from_the_section_and_a_completion_no_switches():
    def given(**own):
        settings = task_with_prompt(with_variant(**own), "one")
        return settings.system, settings.template_options

    assert given(prompt=MESSAGES) == (None, {"thinks": False})
    assert given(prompt="{{ problem }}") == (None, {})
    assert given(prompt="completion") == ("Think.", {})
    assert given(prompt="chat") == ("Think.", {"thinks": False})
    # What it says itself is kept, to be refused: it is not passed over in silence.
    assert given(prompt="{{ problem }}", system="S", template_options={"a": 1}) == ("S", {"a": 1})


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(ValueError, match=r"^unknown prompt 'othr'; did you mean 'other'\? \(known"):
        task_with_prompt(with_variant(), "othr")
    with pytest.raises(ValueError, match=r"\(known: default\)$"):
        task_with_prompt(SECTION, "other")


def test_names_and_keys():
    assert prompt_names(with_variant()) == ["default", "one", "other"]
    assert [prompt_section(name) for name in ("default", "v.2")] == ["task", "task.prompts.v.2"]
    assert settings_of(PromptVariant()) == []
    assert settings_of(PromptVariant(system="", few_shot=0)) == ["system", "few_shot"]
