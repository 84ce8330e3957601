import pytest

from workbench.core.types import Prompt, Request
from workbench.models.tokenization import encode_prompt, too_long


class Tokenizer:
    """A token a character; begins every text with token 1, as many tokenizers do."""

    chat_template = "a template"

    def encode(self, text, add_special_tokens=True):
        return [1] * add_special_tokens + [ord(c) for c in text]

    def apply_chat_template(self, messages, *, tokenize, add_generation_prompt):
        assert not tokenize
        turns = "".join(f"<{m['role']}>{m['content']}" for m in messages)
        return "\x01" + turns + "<assistant>" * add_generation_prompt


def test_a_text_is_encoded_as_it_is():
    assert encode_prompt(Tokenizer(), Prompt(text="ab")) == [1, 97, 98]


def test_a_conversation_goes_through_the_template_and_begins_once():
    prompt = Prompt(messages=({"role": "user", "content": "hi"},))
    ids = encode_prompt(Tokenizer(), prompt)
    assert "".join(map(chr, ids)) == "\x01<user>hi<assistant>"
    assert ids.count(1) == 1


def test_a_model_without_a_template_is_refused_a_conversation():
    tokenizer = Tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(ValueError, match=r"no chat template; set task\.prompt to completion"):
        encode_prompt(tokenizer, Prompt(messages=({"role": "user", "content": "hi"},)))
    assert encode_prompt(tokenizer, Prompt(text="")) == [1]


@pytest.mark.parametrize("tokens", [9, 10, 11])
def test_a_prompt_must_leave_room_for_one_token(tokens):
    request = Request("p", 0.7, 3, Prompt(text="x"), "hash", 11)
    found = too_long(request, tokens, 10)
    if tokens < 10:
        assert found is None
        return
    assert (found.stop_reason, found.completion, found.output_token_ids) == ("error", "", ())
    assert (found.problem_id, found.sample_index, found.seed) == ("p", 3, 11)
    assert found.error == f"the prompt has {tokens} tokens and max_model_len is 10"
