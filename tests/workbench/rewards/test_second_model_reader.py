"""What is kept of a text, by hand: a reader that says given numbers stands for the model."""

import math

import pyarrow as pa
import pytest

from workbench.core.types import Prompt
from workbench.models.protocols import Reader, Told
from workbench.rewards.judgement_cache import Facts
from workbench.rewards.second_model_reader import SAMPLE, Reading, Work, nothing, read_values
from workbench.rewards.sequences import Spelling

PROMPT = Prompt(text="abc")


class Letters:
    """A tokenizer of one token a letter."""

    eos_token_id = 9

    def encode(self, text, add_special_tokens=True):
        return [ord(letter) - ord("a") for letter in text]

    def decode(self, ids, skip_special_tokens=False):
        return "".join("\n" if i == 8 else chr(ord("a") + i) for i in ids if i != 9)


def reader(says, limit=100, vocabulary=10):
    """A reader whose log-probabilities are those of ``says``, by the tokens."""
    asked = []

    def read(sequences):
        for name, (prompt, completion) in reversed(sequences.items()):
            asked.append((tuple(prompt), tuple(completion)))
            places = range(len(completion))
            entropies, certainties = [0.5 * i for i in places], [2.0 * i for i in places]
            yield Told(name, says[tuple(completion)], entropies, certainties)

    return Reader(Letters(), limit, vocabulary, read), asked


@pytest.fixture
def reading(tmp_path):
    spelling = Spelling(same=True, ends=None, may_stop=False)
    return Reading(tmp_path, ["under/x"], "me", {"p": PROMPT}, spelling)


def values_of(reading, reader, *ids):
    rows = {
        str(i): {"problem_id": "p", "output_token_ids": list(of), "completion": "x"}
        for i, of in enumerate(ids)
    }
    facts = Facts()
    return dict(read_values(reading, reader, rows, facts, "x")), facts


def test_values_by_hand(reading):
    told, asked = reader({(3, 8, 4): [-1.0, -0.5, -0.25], (7,): [-2.0]})
    found, facts = values_of(reading, told, (3, 8, 4), (7,))
    assert asked == [((0, 1, 2), (7,)), ((0, 1, 2), (3, 8, 4))]
    assert found["0"] == {
        "token_logprobs": (-1.0, -0.5, -0.25), "token_ids": [3, 8, 4], "token_steps": [0, 0, 1],
        "mean_entropy": 0.5, "mean_certainty": 2.0, "missing": None,
    }  # fmt: skip
    assert found["1"]["mean_entropy"] == 0.0
    assert (facts.texts, facts.tokens) == (2, 3 + 3 + 3 + 1)


def test_what_has_no_values_says_why_and_is_never_zero(reading):
    told, asked = reader({(1, 2): [-1.0, -math.inf]}, limit=7)
    found, _ = values_of(reading, told, (1, 2), (1, 10), (1, 2, 3, 4), ())
    assert [found[name]["missing"] for name in "0123"] == [
        "no_logprob", "no_logprob", "too_long", None,
    ]  # fmt: skip
    assert [found[name]["token_logprobs"] for name in "0123"] == [None, None, None, []]
    assert asked == [((0, 1, 2), (1, 2))]


@pytest.mark.parametrize("spoilt", [[math.nan, -1.0], [-1.0, math.nan]])
def test_a_model_of_nans_is_refused(reading, spoilt):
    told, _ = reader({(1, 2): spoilt})
    with pytest.raises(ValueError, match=r"x gave a NaN.*scoring\.models\.x\.dtype: float32"):
        values_of(reading, told, (1, 2))


def test_the_table_by_hand():
    rows = [("p", 1.0, i, "x", "stop", []) for i in range(4)]
    samples = pa.table({name: [row[i] for row in rows] for i, name in enumerate(SAMPLE)})
    read = dict(
        token_logprobs=[-1.0, -0.5], token_ids=[1, 2], token_steps=[0, 0],
        mean_entropy=0.25, mean_certainty=1.5, missing=None,
    )  # fmt: skip
    empty = nothing(None) | {"token_logprobs": [], "token_ids": [], "token_steps": []}
    values = {"a": read, "b": nothing("too_long"), "c": empty}
    table = Work(samples, ["a", None, "b", "c"], values, {}).table("me")
    assert table.column("sum_logprob").to_pylist() == [-1.5, None, None, 0.0]
    assert table.column("mean_logprob").to_pylist() == [-0.75, None, None, None]
    assert table.column("num_tokens").to_pylist() == [2, None, None, 0]
    assert table.column("mean_entropy").to_pylist() == [0.25, None, None, None]
    assert table.column("mean_certainty").to_pylist() == [1.5, None, None, None]
    assert table.column("missing").to_pylist() == [None, "failed", "too_long", None]
    assert table.column("text_hash").to_pylist() == ["a", None, "b", "c"]
