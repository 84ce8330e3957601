import dataclasses
from types import SimpleNamespace

import pytest

from workbench.core.thinking import FAMILIES
from workbench.core.types import Prompt, Request
from workbench.models.tokenization import (
    encode_prompt,
    has_special_markers,
    markers_behind,
    token_counter,
    too_long,
)

KINDS = tuple(FAMILIES.values())


class Tokenizer:
    """A token a character; begins every text with token 1, as many tokenizers do."""

    chat_template = "a template"

    def encode(self, text, add_special_tokens=True):
        return [1] * add_special_tokens + [ord(c) for c in text]

    def apply_chat_template(self, messages, *, tokenize, add_generation_prompt, thinks=False):
        assert not tokenize
        turns = "".join(f"<{m['role']}>{m['content']}" for m in messages)
        return "\x01" + turns + "<assistant>" * add_generation_prompt + "<think>\n" * thinks

    def decode(self, ids):
        return "".join(map(chr, ids))


def test_a_text_is_encoded_as_it_is():
    assert encode_prompt(Tokenizer(), Prompt(text="ab")) == [1, 97, 98]


def test_a_conversation_goes_through_the_template_and_begins_once():
    prompt = Prompt(messages=({"role": "user", "content": "hi"},))
    ids = encode_prompt(Tokenizer(), prompt)
    assert "".join(map(chr, ids)) == "\x01<user>hi<assistant>"
    assert ids.count(1) == 1


@pytest.mark.parametrize("thinks", [True, False])
def test_a_switch_goes_to_the_template_which_may_open_a_thought(thinks):
    user = ({"role": "user", "content": "What is <think>"},)
    ids = encode_prompt(Tokenizer(), Prompt(messages=user, template_options={"thinks": thinks}))
    behind = markers_behind(Tokenizer(), ids, KINDS)
    if thinks:
        assert behind == (dataclasses.replace(FAMILIES["think"], in_prompt=True),)
    else:
        assert behind == KINDS


@pytest.mark.parametrize(
    ("special", "kinds", "has"),
    [
        (["<|channel|>", "<|im_end|>"], KINDS, True),
        (["<|channel|>", "<|im_end|>"], KINDS[:1], False),
        (["<think>"], KINDS[:1], True),
        (["<|im_end|>"], KINDS, False),
    ],
)
def test_markers_among_the_special_tokens_are_found(special, kinds, has):
    tokens = [SimpleNamespace(content=text, special=True) for text in special]
    tokens.append(SimpleNamespace(content="</think>", special=False))
    tokenizer = SimpleNamespace(added_tokens_decoder=dict(enumerate(tokens)))
    assert has_special_markers(tokenizer, kinds) == has
    assert not has_special_markers(object(), kinds)


def test_the_tokens_of_a_thought_are_those_that_spell_it():
    tokenizers = pytest.importorskip("tokenizers")
    words = {"a": 0, "b": 1, "</think>": 2, "é": 3, "<end>": 4}
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="a"))
    backend.decoder = tokenizers.decoders.Fuse()
    tokenizer = SimpleNamespace(backend_tokenizer=backend)
    count = token_counter(tokenizer, [0], [0, 3, 2, 1, 4], skip_special=True)
    assert [count(end) for end in (0, 1, 2, 3, 10, 11)] == [0, 1, 2, 3, 3, 4]
    assert count(99) == 5
    assert token_counter(object(), [0], [0, 3, 2], skip_special=True)(3) is None


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
