"""Which problems are held out, and which share a batch."""

import json

import pytest

from workbench.config.schema import TaskSettings
from workbench.core.types import Problem, Prompt
from workbench.correction_training.problems import (
    AskedProblem,
    BatchPlan,
    Parts,
    asked_problems,
    part_rows,
    problem_digest,
    split,
)


def made(task, texts):
    return [
        AskedProblem(task, Problem(f"{task}-{at}", text), Prompt(text), "?", problem_digest(text))
        for at, text in enumerate(texts)
    ]


MATHS = made("task", [f"{at} + 1" for at in range(20)])
PROGRAMS = made("code", [f"def f{at}" for at in range(10)])


def test_a_share_of_each_task_is_held_out_whatever_the_order():
    parts = split([*MATHS, *PROGRAMS], 0.2, seed=3)
    assert len(parts.train) == 24
    assert sorted(one.task for one in parts.held_out) == ["code"] * 2 + ["task"] * 4
    again = split([*PROGRAMS, *reversed(MATHS)], 0.2, seed=3)
    assert {one.digest for one in again.held_out} == {one.digest for one in parts.held_out}
    other = split([*MATHS, *PROGRAMS], 0.2, seed=4)
    assert {one.digest for one in other.held_out} != {one.digest for one in parts.held_out}
    rows = part_rows(parts)
    assert len(rows) == 30
    assert {row["part"] for row in rows} == {"train", "held_out"}


def test_equal_texts_are_in_one_part_even_in_two_tasks():
    copies = made("other", [f" {at}  + 1\n" for at in range(20)])
    parts = split([*MATHS, *copies], 0.3, seed=0)
    assert not {one.digest for one in parts.train} & {one.digest for one in parts.held_out}
    assert len(parts.held_out) == 12


def test_a_problem_that_is_held_out_cannot_be_trained_on():
    parts = split(MATHS, 0.2, seed=0)
    parts.require_apart(parts.train)
    with pytest.raises(ValueError, match=r"problem 'task-\d+' of task is held out"):
        parts.require_apart([*parts.train, parts.held_out[0]])


def test_a_batch_is_of_one_task_and_an_epoch_has_no_problem_twice():
    parts = split([*MATHS, *PROGRAMS], 0.2, seed=0)
    plan = BatchPlan(parts, 4, seed=5)
    assert plan.per_epoch == 4 + 2
    epochs = [[plan.batch(6 * epoch + at) for at in range(6)] for epoch in range(2)]
    for batches in epochs:
        assert all(len({one.task for one in batch}) == 1 for batch in batches)
        names = [one.problem.id for batch in batches for one in batch]
        assert len(names) == len(set(names)) == 24
    assert epochs[0] != epochs[1]
    again = BatchPlan(parts, 4, seed=5)
    assert again.batch(9) == epochs[1][3]  # the place in the data is one number
    assert BatchPlan(parts, 4, seed=6).batch(0) != epochs[0][0]


def test_a_batch_that_cannot_be_formed_is_refused():
    parts = split([*MATHS, *PROGRAMS], 0.2, seed=0)
    with pytest.raises(
        ValueError, match="a batch of 9 problems cannot be formed: 8 problems of code"
    ):
        BatchPlan(parts, 9, seed=0)
    held = Parts([], MATHS)
    with pytest.raises(ValueError, match="cannot be formed: 0 problems of task"):
        BatchPlan(held, 1, seed=0)


def written(tmp_path, rows, **settings):
    path = tmp_path / "problems.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return TaskSettings(name="jsonl", source=str(path), **settings)


def test_a_correction_may_tell_a_column_of_the_problem(tmp_path):
    task = written(
        tmp_path,
        [
            {"problem": "A?", "gold": "1", "hint": "mind b"},
            {"problem": "B?", "gold": "2", "hint": ""},
        ],
        correction="Look again: {{ hint }}",
    )
    found = asked_problems("task", task)
    assert [one.correction for one in found] == ["Look again: mind b", "Look again: "]
    plain = written(tmp_path, [{"problem": "A?", "gold": "1"}], correction="Look { again }.")
    assert asked_problems("task", plain)[0].correction == "Look { again }."
    unknown = written(tmp_path, [{"problem": "A?", "gold": "1"}], correction="{{ gold }}")
    with pytest.raises(ValueError, match=r"correction: problem .*'gold' is undefined"):
        asked_problems("task", unknown)


def test_a_problem_that_nothing_can_check_is_refused(monkeypatch):
    monkeypatch.setattr("workbench.tasks.task.Task.problems", lambda *given: [Problem("x7", "A?")])
    with pytest.raises(ValueError, match="problem 'x7' of task has no known answer"):
        asked_problems("task", TaskSettings(name="arithmetic", num_problems=1))
