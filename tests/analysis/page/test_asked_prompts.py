"""The prompt beside a problem is the one that was sent, or there is none."""

import json

import numpy as np

from workbench import load_run
from workbench.analysis.page.asked_prompts import AskedPrompts, asked_prompts, plain_text
from workbench.analysis.page.explorer import explore
from workbench.core.types import Prompt
from workbench.tasks.prompts import prompt_hash


def test_a_prompt_is_whole_and_its_beginning_is_kept_once(finished):
    run = load_run(finished[1])
    prompts = asked_prompts(run)
    known = run.folder.read_problems()
    assert len(known) > 1
    for one in known:
        ((name, (caption, rest)),) = prompts.of(one).items()
        assert name == "default"
        assert caption.startswith("Prompt, as ")
        assert prompts.shared + rest
        if caption == "Prompt, as the model got it":
            assert prompt_hash(Prompt(text=prompts.shared + rest)) == one.prompt_hash
        assert one.problem.question in prompts.shared + rest
    caption, text = run.first_prompt
    if "as the model gets it" in caption:
        assert prompts.shared + prompts.of(known[0])["default"][1] == text


def test_a_prompt_that_is_not_the_one_that_was_sent_is_left_out(copied, unpack):
    folder = copied[1]
    lines = [json.loads(line) for line in (folder / "problems.jsonl").read_text().splitlines()]
    lines[1]["prompt_hash"] = "0" * 64
    (folder / "problems.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = explore(load_run(folder), np.random.default_rng(0))
    have = {one["id"]: "prompts" in unpack(one["chunk"]) for one in found.problems}
    assert have == {line["id"]: line["id"] != lines[1]["id"] for line in lines}


def test_messages_stand_under_their_roles():
    prompt = Prompt(
        messages=({"role": "system", "content": "Be."}, {"role": "user", "content": "1+1?"})
    )
    assert plain_text(prompt) == "[system]\nBe.\n\n[user]\n1+1?"


def test_a_prompt_beside_second_answers_is_said_to_be_of_the_first_turn():
    prompts = AskedPrompts({}, "", None, first_turn=True)
    assert prompts.caption(messages=False) == "Prompt of the first turn, as the model got it"
