"""Problem files, good and bad."""

import gzip
import json
import re
from pathlib import Path

import pytest

from workbench.tasks.problem_files import read_jsonl

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "problems"
GOOD = {"problem": "1+1?", "gold": "2"}


def write(path, *lines):
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_both_spellings_of_each_key_and_the_rest_as_metadata(tmp_path):
    path = write(
        tmp_path / "p.jsonl",
        {"id": "a", "problem": "1+1?", "gold": "2", "level": 3},
        "",  # an empty line is skipped, and still counts as a line
        {"unique_id": 7, "question": "2+2?", "answer": 4},
        {"problem_id": None, "question": "3+3?", "answer": " 6 "},
    )
    problems = read_jsonl(path, "mine")
    assert [(p.id, p.question, p.gold) for p in problems] == [
        ("a", "1+1?", "2"),
        ("7", "2+2?", "4"),
        ("mine-2", "3+3?", "6"),
    ]
    assert problems[0].metadata == {"level": 3}
    assert problems[1].metadata == {}


def test_gzip_and_a_byte_order_mark(tmp_path):
    text = "\ufeff" + json.dumps({"problem": "x", "gold": "é"})
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(gzip.compress(text.encode("utf-8")))
    assert read_jsonl(path)[0].gold == "é"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{'problem': 1}", r"line 2: not JSON: .* at column 2"),
        ("[1, 2]", "line 2: expected a JSON object, got list"),
        (
            {"problem": "x"},
            "line 2: no known answer: needs the key 'gold' or 'answer', has 'problem'",
        ),
        ({"gold": "x"}, "line 2: no question: needs the key 'problem' or 'question', has 'gold'"),
        ({"problem": "x", "gold": None}, "line 2: no known answer"),
        ({"problem": "x", "gold": "  "}, "line 2: no known answer: 'gold' is empty"),
        (
            {"problem": "x", "gold": ["1"]},
            r"line 2: 'gold' must be a text or a number, got \['1'\]",
        ),
        (
            {"problem": "x", "gold": True},
            "line 2: 'gold' must be a text or a number, got true; write "
            'the word that a right answer has, such as "yes" or "true"',
        ),
        ({"problem": "x", "gold": "1", "id": "a"}, "line 2: id 'a' is also that of line 1"),
        ({"problem": "x", "gold": "1", "id": ["a"]}, "line 2: 'id' must be a text or a number"),
        ("{}", "line 2: no question: .* has no keys"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path, line, fault):
    path = write(tmp_path / "p.jsonl", GOOD | {"id": "a"}, line, GOOD)
    with pytest.raises(ValueError, match=fault) as error:
        read_jsonl(path)
    assert str(path) in str(error.value)
    assert "line 3" not in str(error.value)


def test_an_id_given_may_not_be_one_made_up(tmp_path):
    path = write(tmp_path / "p.jsonl", GOOD, GOOD | {"id": "problem-0"})
    with pytest.raises(ValueError, match="line 2: id 'problem-0' is also that of line 1"):
        read_jsonl(path)


def test_several_faults_at_once_but_not_thousands(tmp_path):
    path = write(tmp_path / "p.jsonl", *["nonsense"] * 8)
    with pytest.raises(ValueError, match="line 1: not JSON") as error:
        read_jsonl(path)
    assert len(str(error.value).splitlines()) == 1 + 5 + 1
    assert "line 5" in str(error.value)
    assert str(error.value).endswith("and 3 more")


def test_text_that_is_not_utf8_is_named_by_line(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"problem": "\xe9", "gold": "1"}\n')
    with pytest.raises(ValueError, match="line 2: not UTF-8 at byte 14"):
        read_jsonl(path)


def test_a_missing_an_empty_and_a_broken_file(tmp_path):
    with pytest.raises(ValueError, match=r"no problem file .*nowhere.jsonl .*current working"):
        read_jsonl(tmp_path / "nowhere.jsonl")
    with pytest.raises(ValueError, match="no problem file"):
        read_jsonl(tmp_path)  # a folder
    with pytest.raises(ValueError, match="holds no problems"):
        read_jsonl(write(tmp_path / "empty.jsonl", ""))
    broken = tmp_path / "p.jsonl.gz"
    broken.write_bytes(gzip.compress(b'{"problem": "x", "gold": "1"}')[:-9])
    with pytest.raises(ValueError, match="cannot be unpacked"):
        read_jsonl(broken)
    broken.write_bytes(b"not gzip at all")
    with pytest.raises(ValueError, match="line 1: not JSON"):
        read_jsonl(broken)


HALF = "\\ud83d"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"problem": "x", "gold": NaN}', "no known answer: needs the key 'gold' or 'answer'"),
        ('{"problem": NaN, "gold": "1"}', "no question: needs the key 'problem' or 'question'"),
        ('{"id": NaN, "problem": "x", "gold": "1"}', "'id' is NaN; give the problem an id"),
        ('{"unique_id": NaN, "problem": "x", "gold": "1"}', "'unique_id' is NaN"),
        ('{"problem": "x", "gold": Infinity}', "Infinity is no number in JSON"),
        ('{"problem": "x", "gold": -Infinity}', "-Infinity is no number in JSON"),
        ('{"problem": "x", "gold": 1, "level": 1e400}', "1e400 is larger than any number"),
        ('{"problem": "x", "gold": -1e999}', "-1e999 is larger than any number"),
        ('{"problem": "x", "gold": ' + "9" * 6000 + "}", "an integer has thousands of digits"),
        ('{"problem": "x", "gold": 1, "gold": 2}', "the key 'gold' is given twice"),
        ('{"problem": "x", "gold": 1, "m": {"a": 1, "a": 1}}', "the key 'a' is given twice"),
        ('{"problem": "x", "gold": 1, "answer": 2}', "two columns for the known answer: 'gold' a"),
        ('{"problem": "x", "question": "y", "gold": 1}', "two columns for the question: 'problem'"),
        ('{"problem": "x", "gold": 1, "m": ' + "[" * 120 + "]" * 120 + "}", "more than 100 deep"),
        ('{"problem": "x", "gold": 1, "m": ' + "[" * 99_999, "more than 100 deep"),
        (f'{{"problem": "half {HALF}", "gold": 1}}', "'problem' holds half a surrogate pair"),
        (f'{{"problem": "x", "gold": "{HALF}"}}', "'gold' holds half a surrogate pair"),
        (f'{{"id": "{HALF}", "problem": "x", "gold": 1}}', "'id' holds half a surrogate pair"),
        (f'{{"problem": "x", "gold": 1, "m": [{{"a": "{HALF}"}}]}}', "'m' holds half a surr"),
        (f'{{"problem": "x", "gold": 1, "{HALF}": 2}}', "holds half a surrogate pair"),
    ],
)
def test_what_is_no_json_or_says_two_things_is_named_by_its_line(tmp_path, line, fault):
    path = write(tmp_path / "p.jsonl", GOOD, line)
    with pytest.raises(ValueError, match=re.escape(fault)) as error:
        read_jsonl(path)
    told = str(error.value)
    assert f"{path} is not a valid problem file:\n  line 2: " in told
    assert max(map(len, told.splitlines())) < 300


def test_what_is_missing_is_null_and_what_agrees_is_one(tmp_path):
    path = write(
        tmp_path / "p.jsonl",
        '{"problem": "x", "gold": "1", "answer": NaN, "level": NaN}',
        '{"problem": "y", "question": "y", "gold": 2, "answer": "2", "id": null}',
        '{"problem": "\\ud83d\\ude00", "gold": "NaN"}',
    )
    first, second, third = read_jsonl(path)
    assert (first.gold, first.metadata) == ("1", {"level": None})
    assert (second.id, second.question, second.gold) == ("problem-1", "y", "2")
    assert (third.question, third.gold) == ("😀", "NaN")  # a text that says so is a text


@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("math500.jsonl", 500, "test/precalculus/807.json"),
        ("gsm8k_test.jsonl", 1319, "gsm8k-test/0"),
    ],
)
def test_real_files(name, count, first):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no real data at {path}")
    problems = read_jsonl(path)
    assert len(problems) == count
    assert problems[0].id == first
