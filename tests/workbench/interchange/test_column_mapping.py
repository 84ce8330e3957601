"""Which column is taken for what: nothing about right and wrong is ever changed without a word."""

import json
import random

import pytest

from workbench.interchange.column_mapping import map_columns
from workbench.interchange.column_names import OTHER_NAMES
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.sample_row import SAMPLE_COLUMNS

ONE = {"problem_id": "p", "text": "t"}


def taken(row, *more, **given):
    mapping = map_columns([row, *more], given)
    return {ours: name for ours, name in mapping.theirs.items() if name in row}, mapping.likely


@pytest.mark.parametrize(
    ("row", "given", "expected"),
    [
        # what the user gives a meaning is not also what its name says
        (ONE | {"answer": "B"}, {"gold": "answer"}, {"gold": "answer"}),
        (ONE | {"correct": 0.3}, {"reward": "correct"}, {"reward": "correct"}),
        (ONE | {"reward": 1}, {"correct": "reward"}, {"correct": "reward"}),
        (ONE | {"answer": "B", "gt": "A"}, {"gold": "answer"}, {"gold": "answer"}),
        # but a bare label is text and answer, and a question names its problem
        (ONE, {"answer": "text"}, {"answer": "text"}),
        ({"question": "q", "text": "t"}, {}, {"problem_id": "question", "problem": "question"}),
        # names that can mean one thing only
        (ONE | {"pred": "4", "gt": 4, "passed": True, "model_id": "m", "epoch": 1, "seed": 7}, {},
         {"answer": "pred", "gold": "gt", "correct": "passed", "model": "model_id",
          "sample_index": "epoch", "seed": "seed"}),
        ({"task_id": "a", "idx": 3, "generation": "t"}, {},
         {"problem_id": "task_id", "text": "generation"}),
        ({"idx": 3, "model_output": "t", "target": "4"}, {},
         {"problem_id": "idx", "text": "model_output", "gold": "target"}),
        (ONE | {"score": 1}, {}, {"correct": "score"}),
        (ONE | {"score": 0, "is_correct": True}, {}, {"correct": "is_correct"}),
        # values of another kind are not taken
        (ONE | {"score": 0.5, "passed": "maybe", "target": {"a": 1}, "epoch": "last"}, {}, {}),
    ],
)  # fmt: skip
def test_a_column_has_one_meaning(row, given, expected):
    found, _ = taken(row, **given)
    own = {name: name for name in ("problem_id", "text") if name in row}
    assert found == own | expected


@pytest.mark.parametrize(
    ("row", "likely"),
    [
        (ONE | {"score": 7}, {"score": "--column reward=score"}),
        (ONE | {"prompt": "q"}, {"prompt": "--column problem=prompt"}),
        (ONE | {"gt": "1", "target": "2"}, {"gt": "--column gold=gt",
                                            "target": "--column gold=target"}),
    ],
)  # fmt: skip
def test_a_likely_column_that_was_not_taken_is_named_with_its_flag(row, likely):
    assert taken(row)[1] == likely


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {"task_id": 1, "output": "a", "response": "b"},
            r"'response' and 'output' can be the text",
        ),
        (ONE | {"answer": "4", "pred": "5"}, r"--column answer=pred --column gold=answer"),
    ],
)
def test_what_cannot_be_told_apart_is_asked(row, words):
    with pytest.raises(ValueError, match=words):
        map_columns([row], {})
    same = row | {"output": row.get("response")} if "output" in row else row | {"gold": "4"}
    map_columns([same], {})  # two columns that hold the same, or a gold beside them


def test_conditions_that_would_be_pooled_are_named():
    rows = [ONE | {"problem_id": p, "variant": v, "tag": f"{p}{v}"} for p in "ab" for v in "xy"]
    said = {"variant": "differs within problems (x, y): --where variant=VALUE"}
    assert taken(*rows)[1] == said


LISTS = {"idx": 0, "question": "2+2?", "gt": "4", "code": ["4", "5"], "pred": ["4", "5"]}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (LISTS | {"score": [True, False]}, {"correct": "score"}),
        (LISTS | {"graded_list": [0, 1], "rm_scores": [0.5, 0.7]},
         {"correct": "graded_list", "reward": "rm_scores"}),
        (LISTS | {"score": [0.1, 0.9], "correct": True, "rm_scores": [1]}, {}),  # of the row
    ],
)  # fmt: skip
def test_lists_beside_a_list_of_texts(row, expected):
    found, _ = taken(row)
    own = {"problem_id": "idx", "problem": "question", "gold": "gt", "text": "code",
           "answer": "pred"}  # fmt: skip
    assert found == own | expected


def read(path, rows, *columns):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    reader = RowReader(SampleFiles.from_options([path], columns))
    found = [row for _, row in reader.rows()]
    reader.check(len(found))
    return found


def test_a_row_becomes_its_samples(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = read(path, [LISTS | {"score": [True, False], "answer": "four"}, LISTS | {"idx": 1}])
    assert [(r.problem_id, r.text, r.answer, r.correct, r.gold) for r in rows] == [
        ("0", "4", "4", True, "4"), ("0", "5", "5", False, "4"),
        ("1", "4", "4", None, "4"), ("1", "5", "5", None, "4"),
    ]  # fmt: skip
    answered = {"completions": ["a", "b"], "answer": "4"}  # one for all of them: the known answer
    assert [(r.problem_id, r.gold, r.answer) for r in read(path, [answered])] == [
        ("line 1", "4", None)
    ] * 2
    inside = {"id": 7, "samples": [{"text": "a", "correct": True}, {"text": "b", "correct": None}]}
    assert [(r.problem_id, r.text, r.correct) for r in read(path, [inside])] == [
        ("7", "a", True), ("7", "b", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"pred": ["4"]}, r"line 2: pred: has 1 values for 2 texts of code"),
        ({"pred": "4"}, r"line 2: pred: has one value for 2 texts of code"),
        ({"code": "4"}, r"line 2: code: a list of texts is in other rows, and here is one str"),
    ],
)
def test_lists_that_differ_are_faults(tmp_path, second, words):
    with pytest.raises(ValueError, match=words):
        read(tmp_path / "a.jsonl", [LISTS, LISTS | second], "answer=pred")


def test_a_path_leads_to_a_nested_column(tmp_path):
    # of the form of a batch's output, which is read as such where nobody says where the texts are
    row = {"custom_id": "a", "response": {"body": {"choices": [{"message": {"content": "t"}}]}}}
    path = "response.body.choices.0.message.content"
    (found,) = read(tmp_path / "a.jsonl", [row], f"text={path}", "problem_id=custom_id")
    assert (found.problem_id, found.text) == ("a", "t")
    with pytest.raises(ValueError, match=rf"leads nowhere: .* did you mean '{path}'"):
        read(tmp_path / "a.jsonl", [row], "text=response.body.choices.0.message.contents")
    row = {"number": "a", "response": row["response"]}
    with pytest.raises(ValueError, match=f"such as --column text={path}"):
        read(tmp_path / "a.jsonl", [row], "problem_id=number")


COLUMNS = ("problem_id", "problem", "text", "gold", "answer", "correct", "reward", "model")


def truth(rng):
    problem = rng.randrange(3)
    return {
        "problem_id": f"p{problem}", "problem": f"What is {problem}?", "gold": str(problem),
        "text": f"It is {rng.random()}", "answer": rng.choice(["0", "1", "2", None]),
        "correct": rng.choice([True, False, None]), "reward": rng.choice([0.25, 0.5, 1.0, None]),
        "model": rng.choice(["small", "large"]),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(150))
def test_no_table_changes_correctness_answers_or_counts_without_a_word(tmp_path, seed):
    """Columns under any names, even under those of one another, in any order, some left out."""
    rng = random.Random(seed)
    rows = [truth(rng) for _ in range(12)]
    held = [c for c in COLUMNS if c in ("problem_id", "text") or rng.random() < 0.8]
    names, told = {}, []
    for column in rng.sample(held, len(held)):
        others = [*OTHER_NAMES.get(column, ()), column]
        misleading = rng.random() < 0.3  # the name of another column, said by the user
        name = rng.choice(SAMPLE_COLUMNS if misleading else others)
        if name in names.values():
            name = f"my {column}"
        if misleading or name.startswith("my "):
            told.append(f"{column}={name}")
        names[column] = name
    written = [{names[c]: row[c] for c in names} | {"note": rng.random()} for row in rows]
    try:
        found = read(tmp_path / "a.jsonl", written, *told)
    except ValueError as fault:
        assert "--column" in str(fault) or "cannot be imported" in str(fault)  # noqa: PT017
        return
    mapping = map_columns(written, dict(option.split("=") for option in told))
    assert len(found) == len(rows)
    for column in COLUMNS:
        got = [getattr(row, column) for row in found]
        if got != [row[column] if column in names else None for row in rows]:
            assert not any(value is not None for value in got) or (
                column == "problem_id" and got == [row["problem"] for row in rows]
            ), (column, names, told)
            assert names[column] in mapping.likely or column == "problem_id"
