"""Where thoughts end and answers begin: by hand, and of real texts that are made to think."""

import time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config.schema import Thinking
from workbench.core.thinking import FAMILIES, split_thought, whole_text
from workbench.core.types import Prompt, Request

KINDS = tuple(FAMILIES.values())
OPENED = Thinking(in_prompt=True).markers


@pytest.mark.parametrize(
    ("text", "thought", "answer", "why"),
    [
        ("It is 8.", None, "It is 8.", "no thought"),
        ("", None, "", "nothing at all"),
        ("<think>7?</think> It is 8.", "7?", " It is 8.", "the usual kind"),
        ("\n<think>\n7?\n</think>\n\n8", "\n7?\n", "\n\n8", "white space is kept"),
        ("7?</think>8", "7?", "8", "the prompt opened it"),
        ("</think>8", "", "8", "opened by the prompt, and empty"),
        ("<think></think>8", "", "8", "empty"),
        ("<think>7?", "7?", "", "cut inside"),
        ("<think>7?</thi", "7?</thi", "", "cut inside the marker"),
        ("<think>", "", "", "cut behind the marker"),
        ("<think>7?</think>", "7?", "", "cut where the answer begins"),
        ("<think>7</think>6<think>5</think>8", "7</think>6<think>5", "8", "several: the last"),
        ("<think>7</think>6<think>5", "7</think>6<think>5", "", "cut inside the second"),
        ("Well. <think>7</think>8", "Well. <think>7", "8", "words before it are no answer"),
        ("Well. <think>7", "Well. <think>7", "", "cut, with words before it"),
        ("<think>a <think> b</think>8", "a <think> b", "8", "one inside the other"),
        ("<think>[/THINK] 7</think>8", "[/THINK] 7", "8", "the kind that comes first"),
        ("<think>7</think>[/THINK]8", "7", "[/THINK]8", "and no other"),
        ("<thinking>7</thinking>8", "7", "8", "another kind"),
        ("<thought>7</thought>8", "7", "8", "another kind"),
        ("[THINK]7[/THINK]8", "7", "8", "Magistral"),
        ("<seed:think>7</seed:think>8", "7", "8", "Seed-OSS"),
        ("◁think▷7◁/think▷8", "7", "8", "Kimi"),
        ("<|begin_of_thought|>7<|end_of_thought|>8", "7", "8", "Sky-T1"),
        ("<|channel|>analysis<|message|>7<|end|><|start|>assistant<|channel|>final<|message|>8",
         "7", "8", "gpt-oss"),
        ("<|channel|>analysis<|message|>7", "7", "", "gpt-oss, cut"),
        ("<|channel|>final<|message|>8", "", "8", "gpt-oss, at once"),
        ("If 3 < think > 2, it is 8", None, "If 3 < think > 2, it is 8", "no marker"),
    ],
)  # fmt: skip
def test_by_hand(text, thought, answer, why):
    found = split_thought(text, KINDS)
    assert (found.thought, found.answer) == (thought, answer), why
    assert text[found.start :] == answer
    assert found.closed == bool(thought is None or answer or text.endswith("</think>"))


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("8? Let me", "8? Let me", ""),  # cut: neither marker is there
        ("7</think>8", "7", "8"),
        ("<think>7</think>8", "7", "8"),  # the model opens it again
        ("7[/THINK]8", "7", "8"),  # any kind, if the setting names none
    ],
)
def test_a_prompt_that_opens_the_thought_is_told(text, thought, answer):
    assert split_thought(text, OPENED)[:2] == (thought, answer)
    assert split_thought("8", OPENED, reasoning="7")[:2] == ("7", "8")  # kept apart already


def test_reasoning_that_is_kept_apart_stands_before_what_the_text_has():
    assert split_thought("8", KINDS, "7")[:2] == ("7", "8")
    assert split_thought("", KINDS, "7")[:2] == ("7", "")
    assert split_thought("<think>6</think>8", KINDS, "7")[:2] == ("7\n6", "8")


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        ({}, "8"),
        ({"family": "think"}, "8"),
        ({"family": "none"}, "<think>7</think>8"),
        ({"family": "harmony"}, "<think>7</think>8"),
        ({"open": "<think>7", "close": "k>"}, "8"),
        ({"open": "(", "close": ")"}, "<think>7</think>8"),
    ],
)
def test_the_experiment_says_which_markers_there_are(settings, answer):
    assert split_thought("<think>7</think>8", Thinking(**settings).markers).answer == answer


def test_every_family_has_its_name_in_the_settings():
    for name, markers in FAMILIES.items():
        assert Thinking(family=name).markers == (markers,)
    assert Thinking().markers == KINDS


@pytest.mark.parametrize(
    "settings", [{"open": "("}, {"close": ")"}, {"open": "(", "close": ")", "family": "think"}]
)
def test_markers_that_contradict_one_another_are_refused(settings):
    with pytest.raises(ValueError, match=r"leave out open and close|needs its counterpart"):
        Thinking(**settings)


def test_every_family_can_be_chosen_by_its_name():
    choices = get_args(Thinking.__annotations__["family"])
    assert sorted(choices) == sorted(["auto", "none", *FAMILIES])


PIECES = st.lists(
    st.sampled_from(["<think>", "</think>", "7", "\n", "[/THINK]", "the answer is 8"]), max_size=8
)


@given(PIECES.map("".join), st.booleans())
def test_the_answer_is_the_end_of_the_text_and_holds_no_marker(text, opened):
    found = split_thought(text, Thinking(family="think", in_prompt=opened).markers)
    assert text.endswith(found.answer)
    assert "<think>" not in found.answer
    assert "</think>" not in found.answer
    if found.answer and found.thought is not None:
        assert split_thought(whole_text(found.thought, found.answer), KINDS[:1])[:2] == found[:2]


def test_time_grows_with_the_length_alone():
    hard = ("<think>" * 200_000, "</think>" * 200_000, "<think></think>" * 200_000, "<" * 2_000_000)
    began = time.perf_counter()
    for text in hard:
        split_thought(text, KINDS)
    assert time.perf_counter() - began < 1


def test_a_sample_keeps_both_and_counts_the_tokens_of_the_thought():
    request = Request("p", 0.7, 0, Prompt(text="?"), "h", 1)
    ids, values = (5, 6, 7, 8, 2), (-1.0, -2.0, -3.0, -4.0, -5.0)
    drawn = request.sampled(
        "<think>7</think>8", "stop", ids, values, count_tokens=lambda end: {16: 3}[end]
    )
    assert (drawn.thought, drawn.completion, drawn.num_thought_tokens) == ("7", "8", 3)
    assert (drawn.output_token_ids, drawn.length) == (ids, 5)
    cut = request.sampled("<think>7", "length", ids, values, count_tokens=lambda end: 0)
    assert (cut.thought, cut.completion, cut.num_thought_tokens) == ("7", "", 5)
    plain = request.sampled("8", "stop", ids, values, count_tokens=lambda end: 3)
    assert (plain.thought, plain.completion, plain.num_thought_tokens) == (None, "8", None)
    failed = request.sampled("", "error", error="too long")
    assert (failed.thought, failed.completion) == (None, "")
