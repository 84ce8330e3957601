"""Scores and texts in logs made by Inspect's schema, as they were before August 2025 and after."""

import json
from pathlib import Path

import pytest

from tests.lazily import Lazy
from workbench.interchange.readers.inspect_scores import as_number
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles

logs, scorers = Lazy("inspect_ai.log"), Lazy("inspect_ai.scorer")
solvers = Lazy("inspect_ai.solver")
multiple_choice = Lazy("inspect_ai.solver._multiple_choice")

FILES = Path(__file__).parents[3] / "files" / "inspect"
(SUMS,) = FILES.glob("*_sums_*.eval")


def read(path, *where):
    reader = RowReader(SampleFiles.from_options([path], (), where))
    rows = [row for _, row in reader.rows()]
    reader.check(len(rows))
    return rows


def log(path, values, scorer="rating", answer=None, text="essay", version=2, **more):
    """Write a log of a problem for each of a scorer's values."""
    samples = [
        {
            "id": number, "epoch": 1, "input": "?", "target": "a rubric",
            "output": {"choices": [{"message": {"content": text}, "stop_reason": "stop"}]},
            "scores": {scorer: {"value": value, "answer": answer}}, **more,
        }
        for number, value in enumerate(values)
    ]  # fmt: skip
    header = {"version": version, "status": "success", "eval": {"model": "m"}, "plan": {}}
    path.write_text(json.dumps(header | {"samples": samples}))
    return path


def test_a_log_without_completions_has_the_texts_of_its_messages(tmp_path):
    whole = logs.read_eval_log(str(SUMS))
    path = tmp_path / "old.json"
    logs.write_eval_log(whole, str(path))
    old = json.loads(path.read_text())
    for number, sample in enumerate(old["samples"]):
        text = sample["output"].pop("completion")
        if number % 2:
            parts = [{"type": "text", "text": text[:5]}, {"type": "text", "text": text[5:]}]
            sample["output"]["choices"][0]["message"]["content"] = parts
    path.write_text(json.dumps(old))
    texts = [row.text for row in read(path)]
    assert texts == [sample.output.completion for sample in logs.read_eval_log(str(path)).samples]
    assert texts[0] == whole.samples[0].output.completion != ""
    assert texts[1].replace("\n", "") == whole.samples[1].output.completion.replace("\n", "")


@pytest.mark.parametrize(
    ("values", "correct", "rewards"),
    [
        ([1, 0, 1.0, False], [True, False, True, False], [None] * 4),
        (["C", "I", "N"], [True, False, False], [None] * 3),
        (["C", "P", "I", "N"], [True, None, False, False], [1, 0.5, 0, 0]),
        ([1, 1, 10, 8, 7], [None] * 5, [0.1, 0.1, 1, 0.8, 0.7]),  # 1 is the lowest mark
        ([0, 55, 100], [None] * 3, [0, 0.55, 1]),  # a suspicion in percent
        ([0, 0.5, 1], [None] * 3, [0, 0.5, 1]),
        ([-1, 0, 1], [None] * 3, [0, 0.5, 1]),
        (["yellow", "3"], [None, None], [None, 0.3]),
    ],
)
def test_a_scorer_is_taken_for_what_all_of_its_values_are(tmp_path, values, correct, rewards):
    rows = read(log(tmp_path / "a.json", values))
    assert [row.correct for row in rows] == correct
    assert [row.reward for row in rows] == pytest.approx(rewards)
    is_correctness = rewards == [None] * len(values)
    assert {row.gold for row in rows} == {"a rubric" if is_correctness else None}


def test_what_is_no_correctness_is_said_once(tmp_path, capfd):
    path = log(tmp_path / "marks.json", [1, 10])
    read(path)
    read(path)
    said = capfd.readouterr().err
    assert said.count("marks.json: the scorer 'rating' gives marks from 1 to 10: they are") == 1
    assert "divided by 10, and correctness is unknown" in said
    read(log(tmp_path / "partial.json", ["C", "P"]))
    assert (
        "the scorer 'rating' gives partial credit: P is read as unknown" in capfd.readouterr().err
    )


def test_a_model_graded_answer_is_not_the_whole_response(tmp_path):
    for scorer, answer, kept, gold in [
        ("model_graded_qa", "essay", None, None),
        ("model_graded_qa", "4", "4", None),
        ("match", "essay", "essay", "a rubric"),
    ]:
        (row,) = read(log(tmp_path / "a.json", ["C"], scorer, answer))
        assert (row.answer, row.gold, row.correct) == (kept, gold, True)


@pytest.mark.parametrize(
    "scoring",
    [
        {"event": "step", "action": "begin", "type": "scorer", "name": "model_graded_fact"},
        {"event": "span_begin", "type": "scorers", "name": "scorers"},
        {"event": "span_begin", "type": None, "name": "scorers"},
    ],
)
@pytest.mark.parametrize("own", [0.7, None])
def test_the_temperature_of_a_judge_is_not_the_samples(tmp_path, scoring, own):
    def call(temperature):
        return {"event": "model", "config": {"temperature": temperature}}

    events = [{"event": "step", "type": "solver", "name": "generate"}, call(own), scoring, call(0)]
    (row,) = read(log(tmp_path / "a.json", ["C"], events=events))
    assert row.temperature == own


def test_letters_are_numbers_as_inspect_converts_them():
    for value in ("C", "P", "I", "N", 0.25, True, "7"):
        assert as_number(value) == scorers.value_to_float()(value)
    assert as_number(float("nan")) is as_number([1]) is as_number("none") is None


def test_choices_are_part_of_the_problem(tmp_path):
    options = [f"option {i}" for i in range(28)]
    (row,) = read(log(tmp_path / "a.json", ["C"], choices=options))
    assert row.problem == "?\n" + multiple_choice.answer_options(solvers.Choices(options))
    (row,) = read(log(tmp_path / "b.json", ["C"]))
    assert row.problem == "?"


def test_a_log_of_a_newer_version_is_read_as_far_as_it_goes(tmp_path, capfd):
    (row,) = read(log(tmp_path / "new.json", ["C"], version=3, shape="new"))
    assert (row.text, row.correct) == ("essay", True)
    assert "new.json is a log of version 3, and 2 is known" in capfd.readouterr().err
