"""What an import says before it writes, and what it refuses: the rows of shared/faults/imports."""

import json

import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.interchange.import_preview import preview
from workbench.interchange.importer import import_file
from workbench.interchange.sample_files import SampleFiles
from workbench.saved_run import Run

CHEAP = ("measure.metrics=[distinct_1]", "selection.aggregators=[maj]")


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def bring(root, *paths, columns=(), where=(), overrides=CHEAP, **options):
    files = SampleFiles.from_options(paths, columns, where)
    return import_file(files, root, overrides=overrides, aggregators=AGGREGATORS, **options)


GOLD_IS_ANSWER = [
    {"id": "a", "question": "Which is even?", "answer": "B", "completion": "The answer is C"},
    {"id": "a", "question": "Which is even?", "answer": "B", "completion": "The answer is D"},
    {"id": "b", "question": "Which is odd?", "answer": "A", "completion": "The answer is D"},
    {"id": "b", "question": "Which is odd?", "answer": "A", "completion": "The answer is C"},
]
COLUMNS = ("problem_id=id", "text=completion", "problem=question", "gold=answer")


def test_the_known_answer_is_not_also_the_samples_answer(tmp_path, capsys):
    """Row 2: accuracy was 1.000, and all four samples are wrong."""
    path = write(tmp_path / "a.jsonl", GOLD_IS_ANSWER)
    said = bring(tmp_path / "run", path, columns=COLUMNS, compare="choice")
    table = capsys.readouterr().err
    assert "given         known answers of 2 problems" in said
    assert "answer gold 100 % B | A" in " ".join(table.split())
    assert "answer answer" not in " ".join(table.split())
    run = Run(tmp_path / "run")
    assert run.problems["gold"].tolist() == ["B", "A"]


def test_models_in_a_column_of_any_known_name_are_not_pooled(tmp_path):
    """Row 11."""
    rows = [
        {"problem_id": "a", "model_id": name, "temperature": 1.0, "text": f"story of {name}"}
        for name in ("m1", "m2")
    ]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(ValueError, match=r"2 models, .* choose with --where model_id=VALUE"):
        bring(tmp_path / "run", path)
    assert not (tmp_path / "run").exists()
    said = bring(tmp_path / "run", path, where=["model_id=m1"])
    assert "1 samples of 1 problems, model m1" in said


def test_pools_across_files_need_a_model(tmp_path):
    files = [
        write(tmp_path / f"{name}.jsonl", [{"problem_id": "p", "text": name}]) for name in "ab"
    ]
    with pytest.raises(ValueError, match=r"no model is named: .* --set generation\.model=NAME"):
        bring(tmp_path / "run", *files)
    said = bring(tmp_path / "run", *files, overrides=(*CHEAP, "generation.model=m"))
    assert "files         1 pools have samples of several files" in said
    write(files[1], [{"problem_id": "q", "text": "b"}])  # shards share no pool
    assert "several files" not in bring(tmp_path / "shards", *files)


@pytest.mark.parametrize(
    ("empty", "words"), [(0, None), (1, None), (2, "2 of 20 texts have nothing"), (20, "all 20")]
)
def test_empty_texts_are_said_and_none_but_empty_ones_refused(tmp_path, empty, words):
    rows = [{"problem_id": i % 4, "text": "" if i < empty else f"t{i}"} for i in range(20)]
    rows.append(rows[0] | {"text": "", "stop_reason": "error"})  # failed, and counted as that
    path = write(tmp_path / "a.jsonl", rows[:20] if empty == 20 else rows)
    if empty == 20:
        with pytest.raises(ValueError, match=r"all 20 texts of .* or give --allow-empty"):
            bring(tmp_path / "run", path)
    said = bring(tmp_path / "run", path, allow_empty=empty == 20)
    assert ("empty  " in said) == (words is not None)


def test_a_column_that_numbers_the_rows_is_not_taken_for_the_problem(tmp_path):
    rows = [{"idx": i, "question": f"What is {i // 4}?", "output": str(i)} for i in range(12)]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(ValueError, match=r"'idx' differs in every row .* only 3 questions: give "):
        bring(tmp_path / "run", path)
    said = bring(tmp_path / "run", path, columns=["problem_id=question"])
    assert "pools         3 of 4 samples" in said
    assert "12 of 1 samples" in bring(tmp_path / "b", path, columns=["problem_id=idx"])


def test_a_preview_names_everything_and_writes_nothing(tmp_path):
    rows = [
        {"idx": p, "question": f"{p}?", "gt": str(p), "code": ["a", "b", "c"], "score": [1, 0, 1],
         "pred": ["1", None, "2"], "temp": 0.7, "model_name": f"m{p % 2}"}
        for p in range(4)
    ]  # fmt: skip
    path = write(tmp_path / "a.jsonl", rows)
    said = preview(SampleFiles.from_options([path]))
    assert [*tmp_path.iterdir()] == [path]
    words_of = " ".join(said.split())
    for words in (
        "read as jsonl", "code text 100 %", "score correct 100 %", "temp temperature 100 % 0.7",
        "pred answer 66.7 %", "12 samples of 4 problems", "pools 4 of 3 samples",
        "models m0 (6), m1 (6)", "missing answer in 4", '"text": "b"', "refused",
        "--where model_name=VALUE", "nothing was written",
    ):  # fmt: skip
        assert words in words_of
    assert said.count("\nsample ") == 3


def test_a_fault_of_every_row_is_one_line(tmp_path):
    """Row 10: the message ended with "71,870 more"."""
    rows = [{"problem_id": 1, "text": "t", "temperature": f"hot {i}"} for i in range(500)]
    with pytest.raises(ValueError, match="cannot be imported") as fault:
        preview(SampleFiles.from_options([write(tmp_path / "a.jsonl", rows)]))
    told = str(fault.value).splitlines()
    assert len(told) == 2
    assert told[1].endswith("got 'hot 0' (and 499 more rows like it)")


def test_a_text_that_is_no_rows_is_one_message(tmp_path):
    (tmp_path / "a.txt").write_text("question: What is 2+2?\n" * 300)
    with pytest.raises(ValueError, match="no line that is a JSON object, as JSONL has") as fault:
        preview(SampleFiles.from_options([tmp_path / "a.txt"]))
    assert "line 1: not JSON: Expecting value at column 1 (and 299 more" in str(fault.value)
    assert len(str(fault.value).splitlines()) == 3


def test_cells_of_csv_are_the_values_that_they_spell(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "task_id,output,gt,passed,temp,score\n007,1.0,08,True,0.7,3\n007,x,08,False,0.7,\n"
    )
    said = preview(SampleFiles.from_options([path]))
    assert '{"problem_id": "007", "text": "1.0", "gold": "08", "temperature": 0.7, ' in said
    assert '"correct": true}' in said
    assert "perhaps       score (--column reward=score)" in said


def test_the_same_rows_in_two_files_are_said(tmp_path):
    rows = [{"problem_id": i // 2, "text": f"t{i}", "model": "m", "seed": 0} for i in range(4)]
    one = write(tmp_path / "one.jsonl", rows)
    files = {
        "lines.jsonl": rows[::-1],  # in whatever order
        "more.jsonl": [*rows, rows[0]],
        "drawn.jsonl": [row | {"seed": 1} for row in rows],
        "other.jsonl": [*rows[:3], rows[3] | {"text": "t4"}],
    }
    paths = {name: write(tmp_path / name, there) for name, there in files.items()}
    said = preview(SampleFiles.from_options([one, *paths.values()]))
    assert said.count("holds the same samples") == 1
    copied = paths["lines.jsonl"]
    assert f"twice         {copied} holds the same samples as {one}, and all are counted" in said
    assert "twice" not in preview(SampleFiles.from_options([one, paths["drawn.jsonl"]]))
    again = write(tmp_path / "again.jsonl", rows)
    said = preview(SampleFiles.from_options([one, copied, again]))
    assert "(and 1 more file like it)" in said
