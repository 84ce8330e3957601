import json
import math

import pytest

from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request
from workbench.generate.openai_protocol import (
    NEUTRAL_VALUES,
    OPTIONAL_FIELDS,
    parse_answer,
    path_of,
    request_body,
    to_sample,
)

TEXT = Prompt(text="One, two,")
CHAT = Prompt(messages=({"role": "user", "content": "Count."},))
REQUEST = Request("p", 0.7, 3, TEXT, "hash", 11)


def settings(**changes):
    return Generation(model="m", backend="openai", **changes)


def said(prompt=TEXT, left_out=(), top=0, **changes):
    asked = settings(max_tokens=9, logprobs=top, **changes)
    return request_body(prompt, asked, temperature=0.7, seed=11, left_out=left_out)


def answer(logprobs=None, usage=None, **choice):
    fields = {"text": "three", "finish_reason": "stop", "logprobs": logprobs, **choice}
    return parse_answer(json.dumps({"choices": [fields], "usage": usage, "id": "x"}).encode())


def test_a_text_and_a_conversation_ask_in_their_own_ways():
    assert path_of(TEXT) == "/completions"
    assert path_of(CHAT) == "/chat/completions"
    text, chat = said(top=4), said(CHAT, top=4)
    assert (text["prompt"], text["logprobs"]) == ("One, two,", 4)
    assert said()["logprobs"] == 1  # 0 means none to some servers
    assert chat["messages"] == [{"role": "user", "content": "Count."}]
    assert (chat["logprobs"], chat["top_logprobs"]) == (True, 4)
    assert "top_logprobs" not in said(CHAT)


@pytest.mark.parametrize("prompt", [TEXT, CHAT])
def test_every_option_is_named_with_the_experiment_s_value(prompt):
    given = {"top_p": 0.9, "top_k": 7, "min_p": 0.1, "repetition_penalty": 1.2, "stop": ("\n",)}
    fields = said(prompt, **given)
    assert fields["stop"] == ["\n"]
    for name in ("top_p", "top_k", "min_p", "repetition_penalty"):
        assert fields[name] == given[name]
    for name, neutral in NEUTRAL_VALUES.items():
        assert said(prompt)[name] == neutral
    assert said(prompt)["top_p"] == 1.0
    assert (fields["n"], fields["seed"], fields["max_tokens"]) == (1, 11, 9)
    assert fields["temperature"] == 0.7


@pytest.mark.parametrize("prompt", [TEXT, CHAT])
def test_what_is_left_out_is_not_there(prompt):
    everything = said(prompt, top=3)
    for name in OPTIONAL_FIELDS:
        gone = {name} | ({"top_logprobs"} if name == "logprobs" else set())
        assert set(everything) - set(said(prompt, [name], top=3)) == gone & set(everything)


def test_a_completion_s_tokens():
    reported = {
        "tokens": ["token_id:5", "token_id:6"], "token_logprobs": [-0.5, -0.25],
        "top_logprobs": [{"token_id:5": math.log(0.5), "token_id:1": math.log(0.25),
                          "token_id:9": -9.0}, {"token_id:6": 0.0}],
    }  # fmt: skip
    sample = to_sample(REQUEST, answer(reported, {"completion_tokens": 2}), top=2)
    assert sample.output_token_ids == (5, 6)
    assert sample.token_logprobs == (-0.5, -0.25)
    assert sample.token_entropies == pytest.approx((1.5 * math.log(2), 0))  # of two, not three
    assert sample.missing_mass == pytest.approx((0.25, 0))
    assert (sample.seed, sample.prompt_hash, sample.length) == (11, "hash", 2)
    assert to_sample(REQUEST, answer(reported), top=0).token_entropies == ()


def test_a_conversation_s_tokens():
    entries = [
        {"token": "a", "logprob": -0.5, "id": 5, "bytes": [97],
         "top_logprobs": [{"token": "a", "logprob": -0.5}, {"token": "a", "logprob": -1.5}]},
        {"token": "", "logprob": -0.25, "id": 6, "top_logprobs": []},
    ]  # fmt: skip
    found = answer({"content": entries}, text=None, message={"content": "a"}, token_ids=None)
    sample = to_sample(REQUEST, found, top=5)
    assert sample.completion == "a"
    assert sample.output_token_ids == (5, 6)  # as llama.cpp tells them
    assert sample.token_logprobs == (-0.5, -0.25)
    missing = 1 - math.exp(-0.5) - math.exp(-1.5)  # two tokens may have one text
    assert sample.missing_mass == pytest.approx((missing, 1), abs=1e-6)
    found = answer({"content": entries}, text=None, message={"content": "a"}, token_ids=[8, 9])
    assert to_sample(REQUEST, found, top=0).output_token_ids == (8, 9)


def test_tokens_without_numbers_are_counted_all_the_same():
    reported = {
        "tokens": ["a", "b", "c"],
        "token_logprobs": [-1.0, -2.0, -3.0],
        "top_logprobs": None,
    }
    sample = to_sample(REQUEST, answer(reported), top=3)
    assert (sample.output_token_ids, sample.length) == ((), 3)
    assert sample.token_entropies == ()  # nothing to bound them with
    sample = to_sample(REQUEST, answer(None, {"completion_tokens": 7}), top=0)
    assert (sample.token_logprobs, sample.length) == ((), 7)
    assert to_sample(REQUEST, answer(None, None), top=0).length is None  # unknown, not 0


def test_log_probabilities_are_rounded_as_the_tables_round_them():
    reported = {"tokens": ["a"], "token_logprobs": [-0.1], "top_logprobs": None}
    assert to_sample(REQUEST, answer(reported), top=0).token_logprobs == (-0.10000000149011612,)


@pytest.mark.parametrize("reason", ["content_filter", "tool_calls", "abort", None])
def test_an_ending_out_of_the_ordinary_is_an_error_row(reason):
    sample = to_sample(REQUEST, answer(text=None, finish_reason=reason), top=0)
    assert sample.stop_reason == "error"
    assert repr(reason) in sample.error
    assert sample.length == 0


@pytest.mark.parametrize(
    ("message", "finish", "thought", "answer", "spent", "counted"),
    [
        ({"content": "8", "reasoning_content": "7"}, "stop", "7", "8", 5, 5),
        ({"content": "8", "reasoning": "7"}, "stop", "7", "8", 5, 5),
        ({"content": "8", "reasoning": "7", "reasoning_content": "7"}, "stop", "7", "8", 5, 5),
        ({"content": "8", "reasoning_content": ""}, "stop", None, "8", 0, None),
        ({"content": None, "reasoning": "7"}, "length", "7", "", 9, 9),
        ({"content": None, "reasoning": "7"}, "stop", "7", "", 9, 9),
        ({"content": "<think>7"}, "length", "7", "", None, None),
        ({"content": "7</think>8"}, "stop", "7", "8", None, None),
    ],
)
def test_reasoning_is_kept_apart_and_counted(message, finish, thought, answer, spent, counted):
    usage = {"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": spent}}
    choice = {"index": 0, "finish_reason": finish, "message": message}
    whole = parse_answer(json.dumps({"choices": [choice], "usage": usage}).encode())
    sample = to_sample(REQUEST, whole, 0)
    assert (sample.thought, sample.completion, sample.stop_reason) == (thought, answer, finish)
    assert (sample.length, sample.num_thought_tokens) == (9, counted)


def test_switches_of_the_template_go_to_the_server():
    prompt = Prompt(messages=({"role": "user", "content": "?"},),
                    template_options={"enable_thinking": False})  # fmt: skip
    assert said(prompt)["chat_template_kwargs"] == {"enable_thinking": False}
    assert "chat_template_kwargs" not in said(CHAT)


def test_a_sample_cut_off_while_it_reasons_is_empty_and_no_fault():
    message = {"content": None, "reasoning_content": "Let me see"}
    sample = to_sample(REQUEST, answer(text=None, message=message, finish_reason="length"), top=0)
    assert (sample.completion, sample.stop_reason) == ("", "length")
    empty = to_sample(REQUEST, answer(text=""), top=0)
    assert empty.stop_reason == "stop"  # an empty text is a text


NO_TEXT = {"text": None}
CONTENT = {"text": None, "message": {"content": [{"type": "text", "text": "th"}, {"text": "ree"}]}}


@pytest.mark.parametrize(
    ("choice", "text", "why"),
    [
        (NO_TEXT, "", "ended it with 'stop' and sent no text"),
        (NO_TEXT | {"message": {}, "finish_reason": "length"}, "", "sent no text"),
        (NO_TEXT | {"message": {"refusal": "I cannot."}}, "", "refused: 'I cannot.'"),
        ({"finish_reason": "content_filter"}, "three", "'content_filter'"),
        ({"finish_reason": "tool_calls"}, "three", "'tool_calls'"),
        ({"finish_reason": "SAFETY"}, "three", "'SAFETY'"),
        ({"text": "a \ud83d b"}, "a \ufffd b", "half a surrogate pair"),
        ({"text": "a \udc80"}, "a \ufffd", "half a surrogate pair"),
        ({"logprobs": {"tokens": ["a"], "token_logprobs": [math.nan]}}, "three", "is NaN"),
        ({"logprobs": {"content": [{"logprob": math.nan}]}}, "three", "is NaN"),
    ],
)
def test_no_whole_text_is_an_error_row_with_what_text_there_was(choice, text, why):
    sample = to_sample(REQUEST, answer(**choice), top=0)
    assert (sample.stop_reason, sample.completion) == ("error", text)
    assert why in sample.error
    assert (sample.token_logprobs, sample.length) == ((), 0)
    json.dumps(vars(sample), ensure_ascii=False).encode()  # a file can hold it


@pytest.mark.parametrize(
    ("word", "ended", "note"),
    [
        ("stop", "stop", ""),
        ("length", "length", ""),
        ("eos_token", "stop", "ended it with 'eos_token'"),
        ("STOP", "stop", "'STOP'"),
        ("max_tokens", "length", "'max_tokens'"),
        (None, "stop", "ended it with None"),
        ("whatever", "stop", "'whatever'"),
        ({"type": "stop"}, "stop", "'type'"),
    ],
)
def test_a_word_for_the_end_that_is_not_ours_keeps_the_text(word, ended, note):
    found = answer(finish_reason=word, usage={"completion_tokens": 4})
    sample = to_sample(REQUEST, found, top=0, max_tokens=5)
    assert (sample.completion, sample.stop_reason) == ("three", ended)
    assert note in sample.error
    assert bool(note) == bool(sample.error)
    cut = to_sample(REQUEST, found, top=0, max_tokens=4).stop_reason
    assert cut == (ended if word in ("stop", "STOP", "eos_token") else "length")  # as many as asked


def tokens(*values, **more):
    return {"tokens": ["a"] * len(values), "token_logprobs": values} | more


@pytest.mark.parametrize(
    ("choice", "note"),
    [
        ({"logprobs": tokens(-0.1, 0.9)}, "0.9 is no log-probability"),
        ({"logprobs": tokens(-0.1, -math.inf)}, "-inf is no log-probability"),
        ({"logprobs": tokens(-0.1, math.inf)}, "inf is no log-probability"),
        ({"logprobs": tokens(-0.1, top_logprobs=[{"b": 0.5}])}, "0.5 is no log-probability"),
        ({"logprobs": tokens(-0.1, top_logprobs=[{"b": math.nan}])}, "nan is no log-probability"),
        ({"logprobs": tokens(None, -0.1)}, "token_logprobs.0"),
        ({"logprobs": {"content": [{"token": "a", "logprob": None}]}}, "content.0.logprob"),
        ({"logprobs": tokens(-0.1, top_logprobs=[{"\ud83d": "x"}])}, "top_logprobs.0.\ufffd"),
        ({"logprobs": "none"}, "log-probabilities left out"),
        ({"logprobs": tokens(-1.0, -2.0), "token_ids": [1]}, "1 token ids and 2 log-prob"),
        ({"token_ids": [-1]}, "greater than or equal to 0"),
        ({"token_ids": [2**31]}, "less than or equal to 2147483647"),
        ({"logprobs": {"tokens": ["token_id:-1"]}}, ""),  # no number: a text like another
        ({"logprobs": {"tokens": [f"token_id:{2**40}"]}}, "2147483647"),
        ({"logprobs": tokens(0.0005, -0.1)}, ""),  # rounding
        ({"logprobs": tokens(-9999.0)}, ""),  # as vLLM writes minus infinity
    ],
)
def test_what_a_server_cannot_know_is_left_out_and_said(choice, note):
    sample = to_sample(REQUEST, answer(**choice), top=1)
    assert (sample.completion, sample.stop_reason) == ("three", "stop")
    assert note in sample.error
    if note:
        assert (sample.output_token_ids, sample.token_logprobs, sample.token_entropies) == ((),) * 3
    else:
        assert sample.error == ""


@pytest.mark.parametrize(
    ("usage", "count"),
    [
        ({"completion_tokens": 7}, 7),
        ({"completion_tokens": 5.0}, 5),
        ({"completion_tokens": None}, None),
        (None, None),
        ([], None),
        ({"completion_tokens": -1}, "token count left out"),
        ({"completion_tokens": 2**31}, "token count left out"),
        ({"completion_tokens": "many"}, "token count left out"),
    ],
)
def test_a_count_that_cannot_be_is_unknown(usage, count):
    sample = to_sample(REQUEST, answer(usage=usage), top=0)
    assert sample.num_output_tokens == (None if isinstance(count, str) else count)
    assert sample.error.startswith(count) if isinstance(count, str) else sample.error == ""


def test_odd_ways_to_say_something_plain_are_understood():
    assert to_sample(REQUEST, answer(**CONTENT), top=0).completion == "three"  # a text in parts
    bare = {"content": [{"logprob": -0.1, "top_logprobs": None}]}
    assert to_sample(REQUEST, answer(bare), top=1).token_logprobs == pytest.approx([-0.1])
    raw = b'{"choices": [{"text": "\xff\xfe", "finish_reason": "stop"}]}'
    assert to_sample(REQUEST, parse_answer(raw), top=0).completion == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>Welcome</html>", "<html>Welcome"),
        (b"", "the answer"),
        (b"[]", "the answer"),
        (b"{}", "choices"),
        (b'{"choices": []}', "choices"),
        (b'{"choices": [{"text": 5}]}', r"choices\.0\.text"),
        (b'{"error": {"message": "overloaded"}}', "choices.*overloaded"),
        (b"[" * 100_000, "the answer"),
        (b'{"choices": [{"text": "a"}, {"text": "b"}]}', "choices"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_named(content, words):
    with pytest.raises(ValueError, match=words):
        parse_answer(content)
