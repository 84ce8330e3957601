"""Prompts of both kinds, as texts and as conversations."""

import dataclasses
from pathlib import Path

import pytest

from workbench.config import schema as config
from workbench.core.types import Problem, Prompt
from workbench.tasks import TASKS
from workbench.tasks.prompts import prompt_builder, prompt_hash, roles_of
from workbench.tasks.task import Example

HOME = Path(__file__).parents[3] / "experiments" / "problems"
QUIZ = {
    "source": str(HOME / "quiz.jsonl"),
    "examples": str(HOME / "quiz_examples.jsonl"),
    "options": {"compare": "choice"},
}
PROBLEM = Problem("p", "What is 2 + 2?", "4")
SHOWN = [Example("What is 4 + 9?", "It is 13."), Example("What is 1 - 3?", "It is -2.")]
TASK = dataclasses.replace(
    TASKS["arithmetic"], instruction="Add.", examples=lambda settings: list(SHOWN)
)


def prompt(**values):
    return prompt_builder(TASK, config.TaskSettings(name="arithmetic", **values))(PROBLEM)


def test_a_completion_is_one_text_that_ends_where_the_model_goes_on():
    first, second = "Q: What is 4 + 9?\nA: It is 13.", "Q: What is 1 - 3?\nA: It is -2."
    expected = f"{first}\n\n{second}\n\nQ: What is 2 + 2?\nA:"
    assert prompt(prompt="completion", few_shot=2, system="") == Prompt(text=expected)
    assert prompt(prompt="completion", few_shot=2) == Prompt(text=f"Add.\n\n{expected}")
    assert prompt(prompt="completion", system="") == Prompt(text="Q: What is 2 + 2?\nA:")


def test_a_chat_is_a_conversation():
    assert prompt(few_shot=1, system="Be brief.").messages == (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is 4 + 9?"},
        {"role": "assistant", "content": "It is 13."},
        {"role": "user", "content": "What is 2 + 2?"},
    )
    assert [m["content"] for m in prompt().messages] == ["Add.", "What is 2 + 2?"]
    assert [m["role"] for m in prompt(system="").messages] == ["user"]
    assert prompt().text is None


def test_who_speaks_is_known_without_a_problem():
    for values in ({}, {"few_shot": 2}, {"system": ""}, {"few_shot": 1, "system": "Be brief."}):
        settings = config.TaskSettings(name="arithmetic", **values)
        messages = prompt(**values).messages
        assert roles_of(TASK, settings) == tuple(message["role"] for message in messages)


def test_more_examples_than_there_are():
    with pytest.raises(ValueError, match=r"few_shot: 3 worked examples .* has 2; lower few_shot"):
        prompt(few_shot=3)


@pytest.mark.parametrize("name", ["arithmetic", "math500", "jsonl"])
@pytest.mark.parametrize("form", ["chat", "completion"])
def test_the_real_tasks_in_both_forms(name, form):
    files = QUIZ if name == "jsonl" else {}
    settings = config.TaskSettings(name=name, num_problems=2, few_shot=2, prompt=form, **files)
    built = prompt_builder(TASKS[name], settings)(PROBLEM)
    text = built.text if form == "completion" else " ".join(m["content"] for m in built.messages)
    assert text.count(r"\boxed{") == 3  # the instruction and two examples
    assert "What is 2 + 2?" in text


def test_equal_prompts_and_only_they_have_equal_hashes():
    prompts = [
        prompt(),
        prompt(few_shot=1),
        prompt(system=""),
        prompt(prompt="completion"),
        Prompt(text="a"),
        Prompt(messages=({"role": "user", "content": "a"},)),
        Prompt(text="é"),
    ]
    assert len({prompt_hash(p) for p in prompts}) == len(prompts)
    assert prompt_hash(prompt()) == prompt_hash(prompt())
    # sha256 of '{"messages": null, "text": "a"}', by coreutils' sha256sum
    assert (
        prompt_hash(Prompt(text="a"))
        == "b1fb27741c04a9011ca50b7b8c4ce88e4dcd5be79891e2c96edcfbcd7a535205"
    )
