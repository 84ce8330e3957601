"""The section ``task`` made in Python: names of prompts, and settings that exclude each other."""

import pytest
from pydantic import ValidationError

from workbench.config.schema import Experiment, Generation
from workbench.config.task_schema import PromptVariant, TaskSettings


@pytest.mark.parametrize("name", ["terse", "few-shot.v2", "8_shots", "A" * 40])
def test_names_of_variants(name):
    assert [*TaskSettings(name="x", prompts={name: {}}).prompts] == [name]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("default", "'default' is the name of the task section's own prompt; give this variant"),
        ("", "name of a variant must be at most 40 letters"),
        ("two words", "got 'two words'"),
        ("a/b", "got 'a/b'"),
        ("..", r"got '\.\.'"),
        ("kürzer", "letters of A-Z and a-z"),
        ("A" * 41, "at most 40"),
    ],
)
def test_a_name_that_does_not_do_for_files_and_figures_is_refused(name, fault):
    with pytest.raises(ValidationError, match=fault):
        TaskSettings(name="x", prompts={name: {}})


@pytest.mark.parametrize(
    "values",
    [
        {"few_shot": -1},
        {"examples_seed": -1},
        {"prompt": "chatt"},
        {"prompt": [{"role": "user", "content": 3}]},
        {"template_options": {"tokenize": True}},
        {"few_shots": 1},
    ],
)
def test_a_variant_is_as_strict_as_the_section(values):
    with pytest.raises(ValidationError):
        PromptVariant(**values)


def refused(**task):
    with pytest.raises(ValidationError) as caught:
        Experiment(name="a", task=TaskSettings(name="x", **task), generation=Generation(model="m"))
    return str(caught.value)


def test_what_excludes_itself_is_said_of_every_variant_in_one_message():
    said = refused(
        template_options={"thinks": False},
        prompts={
            "plain": {"prompt": "completion", "template_options": {"thinks": True}},
            "written": {"prompt": "{{ problem }}", "template_options": {"thinks": True}},
            "without": {"prompt": "completion"},  # does not take those of the section
            "seeded": {"examples_seed": 3},
        },
    )
    assert (
        "task.prompts.plain.template_options: a completion prompt goes through no chat template; "
        "leave them out, or set task.prompts.plain.prompt to chat; "
        "task.prompts.written.template_options: "
    ) in said
    assert (
        "task.prompts.seeded.examples_seed: there are no worked examples to draw, as few_shot is "
        "0; set task.prompts.seeded.few_shot, or leave the seed out"
    ) in said
    assert "without" not in said
    assert "task.template_options" not in said


def test_a_variant_that_takes_its_form_and_its_examples_from_the_section():
    said = refused(prompt="completion", prompts={"a": {"template_options": {"thinks": True}}})
    assert "task.prompts.a.template_options" in said
    for task in (
        {"few_shot": 2, "prompts": {"seeded": {"examples_seed": 3}}},
        {"prompts": {"seeded": {"examples_seed": 3, "few_shot": 1}}},
        {"examples_seed": 3, "few_shot": 2, "prompts": {"bare": {"few_shot": 0}}},
        {
            "prompt": "completion",
            "prompts": {"a": {"prompt": "chat", "template_options": {"t": 1}}},
        },
    ):
        settings = TaskSettings(name="x", **task)
        Experiment(name="a", task=settings, generation=Generation(model="m"))
