"""The values of a text by hand; a scorer of given numbers stands for the model."""

import math

import pytest

from workbench.core.types import Prompt
from workbench.models.protocols import CompletionScorer, CompletionScores
from workbench.rewards.second_model_reader import no_values, score_texts, to_columns
from workbench.rewards.sequences import Spelling

PROMPT = Prompt(text="abc")


class Letters:
    """A tokenizer of one token a letter."""

    eos_token_id = 9

    def encode(self, text, add_special_tokens=True):
        return [ord(letter) - ord("a") for letter in text]

    def decode(self, ids, skip_special_tokens=False):
        return "".join("\n" if i == 8 else chr(ord("a") + i) for i in ids if i != 9)


def scorer(says, limit=100, vocabulary=10):
    """A scorer whose log-probabilities are those of ``says``, by the tokens."""
    asked = []

    def score(sequences):
        for name, (prompt, completion) in reversed(sequences.items()):
            asked.append((tuple(prompt), tuple(completion)))
            places = range(len(completion))
            entropies, certainties = [0.5 * i for i in places], [2.0 * i for i in places]
            yield CompletionScores(name, says[tuple(completion)], entropies, certainties)

    return CompletionScorer(Letters(), limit, vocabulary, score), asked


def values_of(model, *ids):
    rows = {
        str(i): {"problem_id": "p", "prompt_hash": "h", "output_token_ids": list(of)}
        for i, of in enumerate(ids)
    }
    spelling = Spelling(same=True, ends=None, may_stop=False)
    found = list(score_texts(model, rows, {("p", "h"): PROMPT}, spelling, "x"))
    return {name: values for name, values, _ in found}, [tokens for _, _, tokens in found]


def test_values_by_hand():
    model, asked = scorer({(3, 8, 4): [-1.0, -0.5, -0.25], (7,): [-2.0]})
    found, tokens = values_of(model, (3, 8, 4), (7,))
    assert asked == [((0, 1, 2), (7,)), ((0, 1, 2), (3, 8, 4))]
    assert found["0"] == {
        "token_logprobs": (-1.0, -0.5, -0.25), "token_ids": [3, 8, 4], "token_steps": [0, 0, 1],
        "mean_entropy": 0.5, "mean_certainty": 2.0, "missing": None,
    }  # fmt: skip
    assert found["1"]["mean_entropy"] == 0.0
    assert tokens == [3 + 1, 3 + 3]


def test_what_has_no_values_says_why_and_is_never_zero():
    model, asked = scorer({(1, 2): [-1.0, -math.inf]}, limit=7)
    found, _ = values_of(model, (1, 2), (1, 10), (1, 2, 3, 4), ())
    assert [found[name]["missing"] for name in "0123"] == [
        "no_logprob", "no_logprob", "too_long", None,
    ]  # fmt: skip
    assert [found[name]["token_logprobs"] for name in "0123"] == [None, None, None, []]
    assert asked == [((0, 1, 2), (1, 2))]


@pytest.mark.parametrize("spoilt", [[math.nan, -1.0], [-1.0, math.nan]])
def test_a_model_of_nans_is_refused(spoilt):
    model, _ = scorer({(1, 2): spoilt})
    with pytest.raises(ValueError, match=r"x gave a NaN.*scoring\.models\.x\.dtype: float32"):
        values_of(model, (1, 2))


def test_a_sample_is_read_behind_the_prompt_that_it_answers():
    model, asked = scorer({(7,): [-2.0], (6,): [-1.0]})
    row = {"problem_id": "p", "prompt_hash": "h", "output_token_ids": [7]}
    rows = {"0": row, "1": row | {"prompt_hash": "brief", "output_token_ids": [6]}}
    prompts = {("p", "h"): PROMPT, ("p", "brief"): Prompt(text="c")}
    spelling = Spelling(same=True, ends=None, may_stop=False)
    assert len(list(score_texts(model, rows, prompts, spelling, "x"))) == 2
    assert {*asked} == {((0, 1, 2), (7,)), ((2,), (6,))}


def test_the_table_by_hand():
    read = dict(
        token_logprobs=[-1.0, -0.5], token_ids=[1, 2], token_steps=[0, 0],
        mean_entropy=0.25, mean_certainty=1.5, missing=None,
    )  # fmt: skip
    empty = no_values(None) | {"token_logprobs": [], "token_ids": [], "token_steps": []}
    table = to_columns([read, None, no_values("too_long"), empty])
    assert table["sum_logprob"].to_pylist() == [-1.5, None, None, 0.0]
    assert table["mean_logprob"].to_pylist() == [-0.75, None, None, None]
    assert table["num_tokens"].to_pylist() == [2, None, None, 0]
    assert table["mean_entropy"].to_pylist() == [0.25, None, None, None]
    assert table["mean_certainty"].to_pylist() == [1.5, None, None, None]
    assert table["missing"].to_pylist() == [None, "failed", "too_long", None]
