import gzip
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.interchange.reward_scales import REWARD_SCALES
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.sample_row import SAMPLE_COLUMNS, SampleRow


def lines(path, *records):
    """Write records (or raw bytes) as JSONL."""
    text = b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records)
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def row(**changes):
    return {"problem_id": "p", "text": "t"} | changes


def read(path, *records, columns=(), where=(), scale="probability"):
    reader = RowReader(SampleFiles.from_options([lines(path, *records)], columns, where, scale))
    found = list(reader.rows())
    reader.check(len(found))
    return found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "samples.jsonl"


def test_only_two_columns_are_needed_and_numbers_may_name_problems(path):
    ((place, found),) = read(path, row(problem_id=7))
    assert (place.label, found.problem_id, found.text) == ("line 1", "7", "t")
    assert (found.temperature, found.answer, found.correct, found.reward) == (None,) * 4


def test_line_numbers_count_empty_lines_and_a_byte_order_mark_is_no_text(path):
    found = read(path, b"\xef\xbb\xbf" + json.dumps(row()).encode(), b"", row())
    assert [place for place, _ in found] == [(1, "line 1"), (2, "line 3")]


def test_gzip_is_noticed_whatever_the_name(tmp_path):
    packed = lines(tmp_path / "a.jsonl.gz", row(text="packed"))
    renamed = packed.rename(tmp_path / "a.jsonl")
    assert [r.text for _, r in RowReader(SampleFiles.from_options([renamed])).rows()] == ["packed"]


@pytest.mark.parametrize(
    ("given", "tokens", "total", "mean"),
    [
        ({}, None, None, None),
        ({"token_logprobs": [-1, -2, -6]}, 3, -9, -3),
        ({"logprob": -9, "num_tokens": 3}, 3, -9, -3),
        ({"logprob": -9}, None, -9, None),
        ({"mean_logprob": -3}, None, None, -3),
        ({"num_tokens": 3}, 3, None, None),
        ({"logprob": 0, "num_tokens": 0}, 0, 0, None),
        ({"token_logprobs": [], "num_tokens": 4}, 4, None, None),
        (
            {"token_logprobs": [-1, -2], "mean_logprob": -1.50001, "logprob": -3.00002},
            2,
            -3.00002,
            -1.50001,
        ),  # of more digits than the tokens'
    ],
)
def test_likelihood_from_whatever_is_there(given, tokens, total, mean):
    assert SampleRow(problem_id="p", text="t", **given).likelihood() == (tokens, total, mean)


def test_renamed_and_filtered(path):
    records = [
        {"id": "a", "out": "x", "T": 0.5, "m": "big", "n": 1},
        {"id": "a", "out": "y", "T": 1, "m": "small", "n": None},
        {"id": "a", "out": "z", "T": None, "m": "small", "n": True},
    ]
    columns = ["problem_id=id", "text=out", "temperature=T"]

    def taken(*where):
        return [r.text for _, r in read(path, *records, columns=columns, where=where)]

    assert taken() == ["x", "y", "z"]
    assert taken("m=small") == ["y", "z"]
    assert taken("T=1.0") == taken("temperature=1") == ["y"]  # by either name, by value
    assert taken("temperature=null") == ["z"]
    assert taken("T=0.5", "T=1") == ["x", "y"]  # either value of one column
    assert taken("m=small", "T=1") == ["y"]  # both columns
    assert taken("n=1") == ["x"]  # true is not 1
    with pytest.raises(ValueError, match=r"no row of .* asks for: m is big, small$"):
        taken("m=medium")
    with pytest.raises(ValueError, match=r"no column 'model'; it has: id, out, T, m, n\. Say"):
        taken("model=big")


def test_truth_and_blank_answers(path):
    values = [True, False, 1, 0, 1.0, None]
    found = read(path, *(row(correct=value, answer=" ", gold=5) for value in values))
    assert [r.correct for _, r in found] == [True, False, True, False, True, None]
    assert {(r.answer, r.gold) for _, r in found} == {(None, "5")}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"temperature": "hot"}, "temperature: expected a number, got 'hot'"),
        ({"temperature": True}, "temperature: expected a number, got true"),
        ({"temperature": -1}, "temperature: must be at least 0, got -1"),
        ({"token_logprobs": [math.nan]}, "token_logprobs: expected a finite number, got nan"),
        ({"problem_id": math.nan}, "problem_id: expected a text, got nothing"),
        ({"text": math.nan}, "text: expected a text, got nothing"),
        ({"correct": "maybe"}, "correct: expected true or false, got 'maybe'"),
        ({"answer": ["5"]}, "answer: expected a text or a number, got ['5']"),
        ({"text": None}, "text: expected a text, got nothing"),
        ({"text": "\ud800"}, "text: holds half a surrogate pair at character 1"),
        ({"problem_id": ""}, "problem_id: expected a text, got nothing"),
        ({"problem_id": True}, "problem_id: expected a text or a number, got True"),
        ({"sample_index": 1.5}, "sample_index: expected an integer, got 1.5"),
        ({"sample_index": -1}, "sample_index: must be at least 0, got -1"),
        ({"reward": math.inf}, "Infinity is no number in JSON; write null"),
        ({"reward": "good"}, "reward: expected a number, got 'good'"),
        ({"logprob": 0.7}, "logprob: must be at most 0.001, got 0.7"),
        ({"token_logprobs": [-1, "x"]}, "token_logprobs: expected a number, got 'x'"),
        ({"token_logprobs": [-1], "num_tokens": 2}, "num_tokens is 2, but token_logprobs has 1"),
        ({"token_logprobs": [-1, -3], "mean_logprob": -3}, "mean_logprob is -3, but by token_logp"),
        (
            {"token_logprobs": [-1, -3], "logprob": -3},
            "logprob is -3, but by token_logprobs it is -4",
        ),
        ({"mean_entropy": -1}, "mean_entropy: must be at least 0, got -1"),
    ],
)
def test_a_value_of_another_kind_is_named_by_line(path, wrong, words):
    with pytest.raises(ValueError, match="cannot be imported") as fault:
        read(path, row(), row(**wrong))
    assert f"  line 2: {words}" in str(fault.value)


OPTIONAL = [name for name in SAMPLE_COLUMNS if name not in ("problem_id", "text")]


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_nan_in_any_column_is_null(tmp_path, name, kind):
    file = tmp_path / f"rows.{kind}"
    if kind == "jsonl":
        lines(file, row(**{name: math.nan}))
    else:
        pq.write_table(pa.table({"problem_id": ["p"], "text": ["t"], name: [math.nan]}), file)
    reader = RowReader(SampleFiles.from_options([file], where=[f"{name}=null"]))
    ((_, found),) = reader.rows()
    assert getattr(found, name) is None
    assert (found.problem_id, found.text) == (row()["problem_id"], row()["text"])


def test_infinity_from_parquet_is_no_answer(tmp_path):
    columns = {"problem_id": ["p"], "text": ["t"], "answer": [math.inf]}
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    reader = RowReader(SampleFiles.from_options([tmp_path / "rows.parquet"]))
    assert not list(reader.rows())
    with pytest.raises(ValueError, match="row 1: answer: expected a finite number, got inf"):
        reader.check(0)


def test_a_renamed_column_is_named_both_ways(path):
    with pytest.raises(ValueError, match=r"line 1: temperature \(T\): expected a number"):
        read(path, row(T="hot"), columns=["temperature=T"])


def test_several_faults_at_once_and_no_more_than_a_few(path):
    with pytest.raises(ValueError, match="cannot be imported") as fault:
        read(path, row(), b"{", b"[]", b'"\xff"', *[row(correct="maybe")] * 4)
    told = str(fault.value).splitlines()
    assert [line[:9] for line in told[1:]] == [f"  line {n}:" for n in range(2, 6)]
    assert "not JSON" in told[1]
    assert "a JSON object, got list" in told[2]
    assert "not UTF-8" in told[3]
    assert told[-1].endswith("got 'maybe' (and 3 more rows like it)")


def test_missing_columns_are_named_once_with_those_there_are(path):
    with pytest.raises(ValueError, match=r"no column 'text'; it has: problem_id, out\. ") as fault:
        read(path, *[{"problem_id": 1, "out": "x"}] * 9)
    assert str(fault.value).endswith("Say which one is meant with --column text=THEIRS")
    with pytest.raises(ValueError, match="no column 'score'; it has: problem_id, text"):
        read(path, row(), columns=["reward=score"])


def test_a_file_that_is_empty_missing_or_cut_off(path, tmp_path):
    with pytest.raises(ValueError, match=r"is empty$"):
        read(path, b"")
    with pytest.raises(ValueError, match="there is no file"):
        SampleFiles.from_options([tmp_path / "no.jsonl"])
    packed = lines(tmp_path / "cut.jsonl.gz", *(row(text=str(i) * 50) for i in range(500)))
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"cannot be unpacked beyond byte [\d,]+ .* cut off"):
        list(RowReader(SampleFiles.from_options([packed])).rows())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": ["text"]}, "--column text: expected OURS=THEIRS"),
        ({"columns": ["txet=a"]}, "unknown column 'txet'; did you mean 'text'"),
        ({"columns": ["text=a", "text=b"]}, "text is already a"),
        ({"where": ["model"]}, "--where model: expected COLUMN=VALUE"),
        ({"scale": "logits"}, "unknown reward scale 'logits'; did you mean 'logit'"),
    ],
)
def test_malformed_options(path, options, words):
    lines(path, row())
    with pytest.raises(ValueError, match=words):
        SampleFiles.from_options([path], **options)


def test_rewards_become_weights_in_the_same_order(path):
    def weights(scale, *rewards):
        return [r.reward for _, r in read(path, *(row(reward=x) for x in rewards), scale=scale)]

    assert weights("probability", 0, 0.5, 1) == [0, 0.5, 1]
    assert weights("log", -math.log(4), 0) == pytest.approx([0.25, 1])
    found = weights("logit", -800, -math.log(3), 0, math.log(3), 800)
    assert found == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert found == sorted(found)
    for reward in (-0.1, 3.5):
        with pytest.raises(ValueError, match=r"line 1: reward: .* give --reward-scale logit"):
            weights("probability", reward)
    with pytest.raises(ValueError, match=r"line 1: reward: 2 is not a log-probability"):
        weights("log", 2)
    assert set(REWARD_SCALES) == {"probability", "logit", "log"}


def test_why_a_sample_ended_in_our_words(path):
    reasons = ["stop", "length", "max_tokens", "model_length", "error", "content_filter", None, 3]
    found = read(path, *(row(stop_reason=reason, error=reason) for reason in reasons))
    said = ["stop", "length", "length", "length", "error", None, None, None]
    assert [r.stop_reason for _, r in found] == said
    assert found[-1][1].error == "3"


def test_several_files_are_one_source_and_places_name_the_file(tmp_path):
    first = lines(tmp_path / "a.jsonl", row(text="one"))
    second = lines(tmp_path / "b.jsonl", row(text="two"), row(text=2))
    reader = RowReader(SampleFiles.from_options([tmp_path]))
    assert [(place.number, r.text) for place, r in reader.rows()] == [(1, "one"), (2, "two")]
    with pytest.raises(ValueError, match=r"a\.jsonl and 1 more file cannot be imported"):
        reader.check(2)
    assert reader.faults.listed() == "  b.jsonl, line 2: text: expected a text, got 2"
    assert SampleFiles.from_options([second, first]).files == (second, first)
