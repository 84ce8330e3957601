import pytest

from workbench.core.types import Prompt
from workbench.tasks.correction import corrected_prompt, second_prompt
from workbench.tasks.prompts import prompt_hash

ASKED = [{"role": "system", "content": "Add."}, {"role": "user", "content": "2 + 2?"}]


def test_a_conversation_goes_on():
    found = second_prompt(ASKED, "It is 5.", "Correct it.")
    assert found == [
        *ASKED,
        {"role": "assistant", "content": "It is 5."},
        {"role": "user", "content": "Correct it."},
    ]
    assert len(ASKED) == 2  # what was given is left as it was


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("Q: 2 + 2?\nA:", "Q: 2 + 2?\nA: 5\n\nQ: Correct it.\nA:"),  # the built-in form
        ("2 + 2 =", "2 + 2 = 5\n\nCorrect it.\n\n"),  # any other text
    ],
)
def test_a_text_goes_on_in_its_own_form(first, expected):
    assert second_prompt(first, " 5\n", "Correct it.") == expected


def test_switches_of_the_chat_template_stay():
    first = Prompt(messages=tuple(ASKED), template_options={"enable_thinking": False})
    found = corrected_prompt(first, "5", "Correct it.")
    assert found.template_options == {"enable_thinking": False}
    assert [turn["role"] for turn in found.messages] == ["system", "user", "assistant", "user"]


def test_different_first_answers_are_different_prompts():
    first = Prompt(text="2 + 2 =")
    hashes = {prompt_hash(corrected_prompt(first, answer, "Mend it.")) for answer in "456"}
    assert len(hashes) == 3
