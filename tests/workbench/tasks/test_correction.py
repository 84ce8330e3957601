from workbench.tasks.correction import second_prompt


def test_the_second_prompt_holds_the_first_its_answer_and_the_instruction():
    text = second_prompt("Q: 1 + 1?\nA:", " 3", "Correct it.")
    assert text.startswith("Q: 1 + 1?\nA: 3")
    assert "Correct it." in text
    first = [{"role": "user", "content": "1 + 1?"}]
    chat = second_prompt(first, "3", "Correct it.")
    assert chat[1:] == [
        {"role": "assistant", "content": "3"}, {"role": "user", "content": "Correct it."},
    ]  # fmt: skip
    assert first == chat[:1]
