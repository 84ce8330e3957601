"""Odd but plausible files: what is read of them, and the sentence for those that are not."""

import gzip
import json

import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.interchange.import_preview import preview
from workbench.interchange.importer import import_file
from workbench.interchange.row_reader import FIRST_ROWS, RowReader
from workbench.interchange.sample_files import SampleFiles


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path, rows, *columns):
    reader = RowReader(SampleFiles.from_options([write(path, rows)], columns))
    found = [row for _, row in reader.rows()]
    reader.check(len(found))
    return found


def test_samples_of_one_number_are_named_and_the_file_is_not_called_broken(tmp_path):
    rows = [{"problem_id": "p", "text": "t", "correct": True, "sample_index": 0}] * 3
    source = SampleFiles.from_options([write(tmp_path / "a.jsonl", rows)])
    with pytest.raises(ValueError, match="cannot be imported") as fault:
        import_file(source, tmp_path / "run", AGGREGATORS)
    assert "line 2: sample 0 of 'p' at temperature null is also at line 1" in str(fault.value)
    assert "JSON object" not in str(fault.value)


WORDS = {"yes": True, "No": False, "CORRECT": True, "incorrect": False, "Pass": True, "fail": False}


@pytest.mark.parametrize("name", ["correct", "is_correct"])
def test_correctness_in_words(tmp_path, name):
    rows = [{"problem_id": "p", "text": "t", name: word} for word in [*WORDS, "", None, "1.0"]]
    found = read(tmp_path / "a.jsonl", rows)
    assert [row.correct for row in found] == [*WORDS.values(), None, None, True]


TEXTS = {"idx": 0, "completions": ["a", "b"]}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (TEXTS | {"correct": [1, 0, 1]}, "correct (its lists are not as long as those of "
         "completions: correct is not known)"),
        (TEXTS | {"pred": ["1"]}, "pred (its lists are not as long as those of completions: "
         "answer is not known)"),
        (TEXTS | {"pred": "1"}, "pred (one for the whole row, not for each sample: answer is not "
         "known)"),
        (TEXTS | {"rating": [3, 9]}, "rating (--column reward=rating)"),
        (TEXTS | {"answer": "4"}, None),  # it is taken for the known answer
    ],
)  # fmt: skip
def test_why_a_column_beside_lists_is_not_taken(tmp_path, row, words):
    said = preview(SampleFiles.from_options([write(tmp_path / "a.jsonl", [row] * 2)]))
    perhaps = [line.split(maxsplit=1)[1] for line in said.splitlines() if line.startswith("perh")]
    assert perhaps == ([words] if words else [])


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"question": "q", "output": "t", "gt": ["4"]}, "gt"),
        (TEXTS | {"gold": ["4", "four", "IV"]}, "gold"),
        (TEXTS | {"target": ["4"]}, "target"),
    ],
)
def test_a_list_of_known_answers_is_named_with_the_flag_that_takes_the_first(tmp_path, row, column):
    path = write(tmp_path / "a.jsonl", [row])
    flag = f"gold={column}.0"
    said = preview(SampleFiles.from_options([path]))
    assert f"perhaps       {column} (--column {flag} for the first of its list)" in said
    assert read(path, [row], flag)[0].gold == "4"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"gold": ["4", "four"]}, "gold: expected a text or a number, got ['4', 'four']; "
         "--column gold=gold.0 takes the first of the list"),
        ({"text": None}, "text: expected a text, got nothing; write '' for an empty text, and "
         "\"error\" with its message for a failed sample"),
        ({"reward": True}, "reward: expected a number, got true; if it is correctness: "
         "--column correct=reward"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_read_is_named_with_what_to_do(tmp_path, row, words):
    with pytest.raises(ValueError, match="cannot be imported") as fault:
        read(tmp_path / "a.jsonl", [{"problem_id": "p", "text": "t"} | row])
    assert str(fault.value).splitlines()[1] == f"  line 1: {words}"


def test_a_sample_that_failed_needs_no_text(tmp_path):
    failed = {"problem_id": "p", "text": None}
    rows = [failed | {"error": "timeout"}, failed | {"stop_reason": "error"}]
    assert [row.text for row in read(tmp_path / "a.jsonl", rows)] == ["", ""]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", "question,response\nq,t\n".encode("utf-16"), "is text in UTF-16: save it as UTF"),
        (
            "a.parquet.gz",
            gzip.compress(b"PAR1 ...", mtime=0),
            "is a Parquet file packed once more: unpack",
        ),
    ],
)
def test_what_a_file_is_that_is_not_read(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=words):
        SampleFiles.from_options([tmp_path / name])


MESSAGES = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
CHAT = {"id": 1, "messages": [*MESSAGES, {"role": "assistant", "content": "t"}]}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "q", "completion": "t"}, "has no column 'problem_id'; it has: prompt, "
         "completion. Say which one is meant with --column problem_id=THEIRS, such as --column "
         "problem=prompt"),
        (CHAT, "has no columns 'problem_id' and 'text'; it has: id, messages. Say which one is "
         "meant with --column problem_id=THEIRS, such as --column problem_id=id or --column "
         "text=messages.2.content"),
    ],
)  # fmt: skip
def test_a_missing_column_is_named_with_the_flag_that_takes_one(tmp_path, row, words):
    path = write(tmp_path / "a.jsonl", [row])
    with pytest.raises(ValueError, match="no column") as fault:
        preview(SampleFiles.from_options([path]))
    assert str(fault.value) == f"{path} {words}"


def test_a_dry_run_says_all_that_the_import_would(tmp_path, capsys):
    rows = [{"problem_id": "p", "text": f"It is {n}.", "gold": 4} for n in (4, 5)]
    one = write(tmp_path / "a.jsonl", rows)
    preview(SampleFiles.from_options([one]))
    assert "answers are compared as integer" in capsys.readouterr().err
    preview(SampleFiles.from_options([one]), compare="choice")
    assert "(--compare, now choice)" in capsys.readouterr().err
    both = SampleFiles.from_options([one, write(tmp_path / "b.jsonl", rows[:1])])
    said = preview(both)
    assert said.startswith(f"{one} and 1 more file, read as jsonl: JSONL: ")
    assert "refused       1 pool would be of samples from several of" in said
    named = preview(both, overrides=["generation.model=m"])
    assert "refused" not in named


def test_known_answers_may_be_true_and_false(tmp_path):
    rows = [{"problem_id": "p", "text": "It is True.", "gold": True, "answer": False}]
    assert [(row.gold, row.answer) for row in read(tmp_path / "a.jsonl", rows)] == [
        ("True", "False")
    ]


def test_a_question_with_white_space_around_it_is_the_same_question(tmp_path):
    rows = [{"question": question, "output": "t"} for question in ("2+2?", " 2+2?\n")]
    said = preview(SampleFiles.from_options([write(tmp_path / "a.jsonl", rows)]))
    assert "pools         1 of 2 samples" in said


def test_rewards_of_another_range_are_named_with_what_to_do(tmp_path):
    rows = [{"problem_id": "p", "text": "t", "reward": mark} for mark in (1, 7)]
    with pytest.raises(ValueError, match="divide marks by the best") as fault:
        read(tmp_path / "a.jsonl", rows)
    assert "7 is not a probability in [0, 1]" in str(fault.value)


def test_a_column_that_begins_behind_the_first_rows_is_named(tmp_path):
    rows = [{"question": f"q{n % 9}", "output": f"t{n}", "score": None} for n in range(FIRST_ROWS)]
    late = {"question": "q0", "output": "t", "score": 1, "model_name": "m", "gt": {"no": "answer"}}
    said = preview(SampleFiles.from_options([write(tmp_path / "a.jsonl", [*rows, late])]))
    why = "nothing in the first rows"
    assert f"score ({why}: --column correct=score)" in said
    assert f"model_name ({why}: --column model=model_name)" in said
