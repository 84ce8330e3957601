"""Texts that are made to go on: parts by hand, and every backend but vLLM from end to end."""

from dataclasses import replace

import pytest

from tests.workbench.generate.test_second_turns import experiment, run
from workbench.config.schema import Generation
from workbench.core.thinking import FAMILIES
from workbench.core.types import Prompt, Request, Sample
from workbench.generate.continued import go_on, stopped
from workbench.generate.replay import sample as replay
from workbench.tasks.prompts import prompt_hash

ASKED = Request("p", 0.7, 0, Prompt(text="2 + 2 ="), "h", 11, goes_on=True)


def settings(**changes):
    own = {"model": "m", "backend": "replay", "max_tokens": 10, "continued": {"times": 2}}
    return Generation(**own | changes)


def part(request, text, reason="stop", ids=(1, 2, 3), **more):
    return request.sampled(text, reason, ids, (-0.5,) * len(ids), num_prompt_tokens=7, **more)


def test_a_text_goes_on_as_often_as_is_asked():
    first = go_on(ASKED, part(ASKED, " 5."), settings())
    assert isinstance(first, Request)
    assert (first.prompt.text, first.prompt.begun) == ("2 + 2 =", " 5.Wait")
    assert first.options["max_tokens"] == 7
    assert first.seed != ASKED.seed
    second = go_on(first, part(first, " 4.", ids=(4, 5)), settings())
    assert second.prompt.begun == " 5.Wait 4.Wait"
    assert second.options["max_tokens"] == 5
    whole = go_on(second, part(second, " Yes.", ids=(6,)), settings())
    assert isinstance(whole, Sample)
    assert whole.completion == " 5.Wait 4.Wait Yes."
    assert whole.output_token_ids == (1, 2, 3, 4, 5, 6)  # as they were drawn: not the words
    assert whole.token_logprobs == (-0.5,) * 6
    assert (whole.length, whole.num_prompt_tokens, whole.stop_reason) == (6, 7, "stop")
    assert (whole.seed, whole.prompt_hash) == (11, "h")


@pytest.mark.parametrize(
    ("reason", "ids"),
    [("length", (1, 2)), ("stop", tuple(range(10)))],  # cut; and no token is left
)
def test_a_text_without_room_ends(reason, ids):
    found = go_on(ASKED, part(ASKED, " 5", reason, ids), settings())
    assert isinstance(found, Sample)
    assert (found.completion, found.stop_reason) == (" 5", reason)


def test_a_text_that_is_cut_in_a_later_part_is_cut():
    first = go_on(ASKED, part(ASKED, " 5."), settings())
    found = go_on(first, part(first, " Hm", "length"), settings())
    assert (found.completion, found.stop_reason) == (" 5.Wait Hm", "length")


def test_a_part_that_fails_fails_the_sample():
    first = go_on(ASKED, part(ASKED, " 5."), settings())
    found = go_on(first, first.sampled("", "error", error="broken off"), settings())
    assert (found.stop_reason, found.error, found.seed) == ("error", "broken off", 11)


def test_where_the_model_reads_no_longer_text_the_text_has_ended():
    first = go_on(ASKED, part(ASKED, " 5."), settings())
    found = stopped(first, first.sampled("", "error", error="the prompt has 99 tokens"))
    assert (found.completion, found.stop_reason, found.error) == (" 5.", "stop", "")
    assert stopped(ASKED, part(ASKED, "", "error")).stop_reason == "error"  # nothing was drawn


def test_a_thought_stays_apart_and_its_tokens_are_counted():
    asked = replace(ASKED, thinking=(FAMILIES["think"],))
    first = part(asked, "<think>Hm.</think> 5.", count_tokens=lambda end: 2)
    assert first.completion == "<think>Hm.</think> 5."
    further = go_on(asked, first, settings(continued={"times": 1}))
    whole = go_on(further, part(further, " 4."), settings(continued={"times": 1}))
    assert (whole.thought, whole.completion) == ("Hm.", " 5.Wait 4.")
    assert (whole.num_thought_tokens, whole.length) == (2, 6)


def test_a_thought_that_was_not_closed_goes_on_and_is_not_counted():
    asked = replace(ASKED, thinking=(FAMILIES["think"],))
    first = part(asked, "<think>Hm.", count_tokens=lambda end: 3)
    further = go_on(asked, first, settings(continued={"times": 1}))
    whole = go_on(further, part(further, " No.</think> 4."), settings(continued={"times": 1}))
    assert (whole.thought, whole.completion) == ("Hm.Wait No.", " 4.")
    assert whole.num_thought_tokens is None


def test_a_thought_that_a_server_keeps_apart_stays():
    first = part(ASKED, " 5.", reasoning="Hm.", num_thought_tokens=1)
    further = go_on(ASKED, first, settings(continued={"times": 1}))
    whole = go_on(further, part(further, " 4."), settings(continued={"times": 1}))
    assert (whole.thought, whole.completion, whole.num_thought_tokens) == ("Hm.", " 5.Wait 4.", 1)


def test_without_the_setting_nothing_changes():
    plain = replace(ASKED, goes_on=False)
    one = part(plain, " 5.")
    assert go_on(plain, one, settings(continued=None)) is one
    assert prompt_hash(Prompt(text="a")) != prompt_hash(Prompt(text="a", begun="b"))


def test_samples_of_a_run_go_on_and_count_their_tokens(tmp_path):
    plain = run(tmp_path / "plain", experiment(n=2, max_tokens=40))
    longer = run(tmp_path / "longer", experiment(n=2, max_tokens=40, continued={"text": " Hm,"}))
    both = plain.merge(longer, on=["problem_id", "condition", "sample_index"])
    assert len(both) == len(plain)
    assert (both["seed_x"] == both["seed_y"]).all()
    for row in both.itertuples():
        assert row.completion_y.startswith(row.completion_x + " Hm,")
        assert row.num_output_tokens_y > row.num_output_tokens_x
        ids = [list(ids) for ids in (row.output_token_ids_x, row.output_token_ids_y)]
        assert ids[1][: len(ids[0])] == ids[0]
    with pytest.raises(ValueError, match="  continue: the samples have None"):
        run(tmp_path / "plain", experiment(n=2, max_tokens=40, continued={}))


def test_replay_is_limited_to_the_tokens_of_the_whole(tmp_path):
    request = replace(ASKED, prompt=Prompt(text="What is 2 + 2?"))
    (found,) = replay([request], settings(max_tokens=14, continued={"times": 50}))
    assert found.length == 14
    assert found.stop_reason == "length"


CHAT = [{"role": "user", "content": "2 + 2?"}]


def test_a_server_goes_on_from_the_words_of_the_model(server):
    from workbench.generate.openai import sample

    own = settings(
        backend="openai", model="small", engine={"base_url": server.url, "max_retries": 0},
        continued={"times": 1}, max_tokens=30,
    )  # fmt: skip
    for prompt in (Prompt(text="2 + 2 ="), Prompt(messages=tuple(CHAT))):
        server.asked.clear()
        (found,) = sample([replace(ASKED, prompt=prompt)], own)
        first, second = server.asked
        text = found.completion.partition("Wait")[0]
        if prompt.messages is None:
            assert second["prompt"] == f"2 + 2 ={text}Wait"
        else:
            assert second["messages"] == [*CHAT, {"role": "assistant", "content": f"{text}Wait"}]
            assert (second["continue_final_message"], second["add_generation_prompt"]) == (
                True,
                False,
            )
            assert "continue_final_message" not in first
        assert second["max_tokens"] < 30
        assert second["seed"] != first["seed"]


def test_a_server_that_does_not_go_on_is_found_out_before_the_first_sample(server):
    from workbench.generate.openai_probe import probe

    server.accepts = lambda asked: "no such field" * ("continue_final_message" in asked)
    own = settings(
        backend="openai", model="small", engine={"base_url": server.url, "max_retries": 0},
        temperatures=(0.7,),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"generation\.continue: the server does not go on from"):
        probe(own, Prompt(messages=tuple(CHAT)), "")
    probe(replace(own, continued=None), Prompt(messages=tuple(CHAT)), "")
