"""The known solutions of HumanEval pass its tests, and functions that do nothing do not."""

import ast
import time

import pytest

from tests.workbench.sandbox.conftest import KINDS, SHORT, SQUARES, why_not
from workbench.config.schema import TaskSettings
from workbench.config.scoring_schema import Scoring
from workbench.score.behaviours import Calls
from workbench.score.program_runner import Job, ProgramRunner
from workbench.tasks import humaneval
from workbench.tasks.code_problems import CodeProblem


@pytest.fixture(scope="module")
def problems():
    return [CodeProblem.of(one) for one in humaneval.load(TaskSettings(name="humaneval"))]


MODULES = ("csv", "dataclasses", "enum", "inspect", "pathlib", "subprocess", "unittest", "zoneinfo")
"""Of the standard library, none of them loaded before a program comes."""


def test_a_program_may_import_what_python_brings_along(box):
    program = f"import {', '.join(MODULES)}\ndef answer(x):\n    return x * x"
    assert box.judge(program, SQUARES).outcome == "passed"


def test_a_program_may_call_itself_as_often_as_in_python(box):
    deep = "def answer(x, n={}):\n    return x * x if not n else answer(x, n - 1)"
    assert box.judge(deep.format(900), SQUARES).outcome == "passed"
    assert box.judge(deep.format(1100), SQUARES).outcome == "exception"


def test_a_call_that_does_not_end_is_given_up_and_the_others_are_answered(box):
    program = "def answer(x):\n    while x < 0:\n        pass\n    return x * x"
    start = time.monotonic()
    verdict = box.judge(program, SQUARES, [(5,), (-1,), (6,)])
    assert [one and one["value"] for one in verdict.answers] == [25, None, 36]
    assert verdict.outcome == "passed"
    assert time.monotonic() - start < SHORT.wall_seconds


@pytest.fixture(scope="module")
def outcomes():
    """A function: problems, sources -> what became of each program."""
    if all(map(why_not, KINDS)):
        pytest.skip("; ".join(map(why_not, KINDS)))

    def judge(problems, sources):
        jobs = [
            Job.of(source, problem, Calls())
            for problem, source in zip(problems, sources, strict=True)
        ]
        with ProgramRunner(Scoring()) as runner:
            verdicts = runner.run(jobs, quiet=True)
        return [verdict.outcome for verdict in verdicts]

    return judge


def with_body(problem, body):
    """The known solution, with another body of its entry point."""
    tree = ast.parse(problem.solution)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == problem.entry_point:
            node.body = ast.parse(body).body
    return ast.unparse(tree)


def test_every_known_solution_passes(problems, outcomes):
    assert len(problems) == 164
    assert outcomes(problems, [one.solution for one in problems]) == ["passed"] * 164


@pytest.mark.parametrize("body", ["return None", "raise ValueError"])
def test_no_function_passes_that_does_nothing(problems, outcomes, body):
    found = outcomes(problems, [with_body(one, body) for one in problems])
    assert set(found) <= {"failed", "exception"}
