"""What becomes of samples whose answers are programs, by hand: the verdicts are made up here."""

import json

import pyarrow as pa
import pytest

from workbench.config.schema import TaskSettings
from workbench.core.types import STATUSES, Known, Problem
from workbench.sandbox.programs import OUTCOMES, Verdict
from workbench.score.programs import COLUMNS, grade_programs
from workbench.tasks.code_problems import parse_code

QUESTION = 'def double(n):\n    """Twice n."""\n'
ROW = {"prompt": QUESTION, "entry_point": "double", "tests": ["assert double(2) == 4"] * 4}
FAILURE = {"test": "double(2) == 4", "call": "double(2)", "got": "2", "expected": "4"}


class Judge:
    """Gives the verdict that the body of a program asks for, and counts what it was given."""

    def __init__(self):
        self.jobs = []

    def run(self, jobs, journal=None):
        self.jobs += jobs
        return [self.verdict(job.program.rpartition("return ")[2].strip()) for job in jobs]

    def verdict(self, outcome):
        if outcome not in OUTCOMES:
            return Verdict(outcome="syntax", why="SyntaxError")
        failures = [FAILURE] if outcome == "failed" else []
        passed = {"passed": 4, "failed": 3}.get(outcome, 0)
        return Verdict(outcome=outcome, why="", passed=passed, total=4, failures=failures)


def graded(rows, problem=None, given=None):
    known = {"p": Known(problem or parse_code(ROW, "p"), "")}
    names = ("completion", "stop_reason")
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    table = table.append_column("problem_id", pa.array(["p"] * len(rows)))
    judge = Judge()
    return grade_programs(table, known, TaskSettings(name="code"), given, judge), judge


def body(outcome):
    return f"    return {outcome}\n"


@pytest.mark.parametrize(
    ("outcome", "correct"),
    [
        ("passed", True), ("failed", False), ("exception", False), ("syntax", False),
        ("timeout", False), ("memory", False), ("limit", False), ("unsupported", None),
        ("infrastructure", None),
    ],
)  # fmt: skip
def test_an_outcome_is_the_status(outcome, correct):
    found, _ = graded([(body(outcome), "stop")])
    assert found.statuses == [outcome]
    assert found.correct == [correct]
    assert outcome in STATUSES


def test_every_outcome_of_the_sandbox_is_a_status():
    assert {*OUTCOMES} <= {*STATUSES}


@pytest.mark.parametrize(
    ("text", "reason", "status", "correct"),
    [
        ("I do not know.", "stop", "no_answer", False),
        ("", "length", "truncated", False),
        (body("failed"), "length", "truncated", False),  # it may have gone on
        (body("passed"), "length", "passed", True),  # and so may this: it is right as it is
        (body("infrastructure"), "length", "infrastructure", None),
        (f"```\n{QUESTION}{body('failed')}```\nand", "length", "failed", False),  # it is whole
        (body("failed") + "\nSo it is don", "length", "failed", False),
        (body("passed"), "error", "error", None),
    ],
)
def test_what_was_cut_or_is_no_program(text, reason, status, correct):
    found, _ = graded([(text, reason)])
    assert (found.statuses, found.correct) == ([status], [correct])
    if status == "truncated":
        assert (found.answers, found.clusters, found.rules) == ([None], [-1], ["none"])


def test_what_is_told_of_the_tests():
    texts = [body("passed"), body("failed"), "no", body("infrastructure"), body("passed")]
    reasons = ["stop"] * 4 + ["error"]
    found, _ = graded([*zip(texts, reasons, strict=True)])
    assert {*found.columns} == {*COLUMNS}
    assert found.columns["tests_passed"] == [4, 3, None, None, None]
    assert found.columns["tests_run"] == [4, 4, None, None, None]
    assert found.columns["share_passed"] == [1.0, 0.75, 0.0, None, None]
    assert [one and json.loads(one) for one in found.columns["failures"]] == [
        None, [FAILURE], None, None, None,
    ]  # fmt: skip


def test_a_problem_without_tests_has_nothing_to_judge_by():
    found, judge = graded([(body("passed"), "stop"), ("", "length")], Problem("p", QUESTION))
    assert found.statuses == ["ungraded", "truncated"]
    assert found.correct == [None, None]
    assert judge.jobs == []


def test_correctness_that_came_with_the_samples_is_kept():
    given = pa.table({"is_correct": [True, None]})
    found, _ = graded([(body("failed"), "stop")] * 2, given=given)
    assert found.correct == [True, False]
    assert found.statuses == ["answered", "failed"]
