"""What the programs of a block do, whether they are right, and which of them do the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.config.schema import TaskSettings
from workbench.core.types import UNANSWERED, Known
from workbench.sandbox.programs import Verdict
from workbench.score.behaviours import Calls, behaviours, call_rows, calls_for
from workbench.score.grading import Graded
from workbench.score.program_runner import Job, ProgramRunner
from workbench.tasks.code_problems import CodeProblem
from workbench.tasks.program_extraction import FoundProgram, find_program

COLUMNS = {
    "why": pa.string(),
    "tests_passed": pa.int32(),
    "tests_run": pa.int32(),
    "share_passed": pa.float64(),
    "failures": pa.string(),
    "outputs": pa.list_(pa.int32()),
}
"""What the scores hold of a program beside the columns of every task, null where nothing was run:
why it has its status; tests that it passed, of how many that were run, and their share; JSON of its
first failed tests, each with ``test``, ``call``, ``got`` and ``expected``; and the number of its
output on each call, among those of ``CALLS``; -1 = none."""
CALLS = pa.schema(
    [("problem_id", pa.string()), ("call", pa.string()), ("outputs", pa.list_(pa.string()))]
)
"""The table ``calls``: of each problem what its programs are called with, call by call, and the
outputs that they gave, by number."""


@dataclass(frozen=True)
class _Asked:
    """A problem, and what its programs are called with."""

    problem: CodeProblem
    calls: Calls


def grade_programs(
    samples: pa.Table,
    known: Mapping[str, Known],
    task: TaskSettings,
    given: pa.Table | None,
    runner: ProgramRunner,
    journal: Path | None = None,
    seed: int = 0,
) -> Graded:
    """Find the programs of whole problems and run them; each distinct one of a problem runs once.

    ``given`` holds the correctness that an imported run came with, row by row. By the ``seed``
    calls are made from those that are known. The status of a sample is the outcome of its program.
    What was cut off has no program unless that is whole, or passes as it is: what else it would
    have said is not known.
    """
    names = samples["problem_id"].to_pylist()
    reasons = samples["stop_reason"].to_pylist()
    asked = {name: _asked(known[name], task, seed) for name in dict.fromkeys(names)}
    found = [
        _program(asked[name], text, reason)
        for name, text, reason in zip(
            names, samples["completion"].to_pylist(), reasons, strict=True
        )
    ]
    rows = [row for row, one in enumerate(found) if one.source is not None]
    jobs = [_job(_known(asked[names[row]]), found[row]) for row in rows]
    verdicts = dict(zip(rows, runner.run(jobs, journal), strict=True))
    statuses: list[str] = []
    correct: list[bool | None] = []
    for row, name in enumerate(names):
        has_tests = asked[name] is not None
        status, right = _judged(verdicts.get(row), found[row], reasons[row], has_tests)
        statuses.append(status)
        correct.append(right)
    answers: list[str | None] = [None] * len(names)
    clusters = [UNANSWERED] * len(names)
    columns: dict[str, list[Any]] = {name: [None] * len(names) for name in COLUMNS}
    rows_of: dict[str, list[int]] = {}
    for row in rows:
        if statuses[row] != "truncated":
            rows_of.setdefault(names[row], []).append(row)
    called: list[dict[str, Any]] = []
    for name, some in rows_of.items():
        calls = _known(asked[name]).calls
        told = behaviours([verdicts[row] for row in some], calls, task)
        called += call_rows(name, calls, told)
        for place, row in enumerate(some):
            answers[row], clusters[row] = told.labels[place], int(told.clusters[place])
            columns["outputs"][row] = told.outputs[place].tolist()
    for row, status in enumerate(statuses):
        _describe(columns, row, verdicts.get(row), status)
    rules = [
        "none" if status == "truncated" else one.rule
        for one, status in zip(found, statuses, strict=True)
    ]
    if given is not None and "is_correct" in given.schema.names:
        for row, kept in enumerate(given["is_correct"].to_pylist()):
            if kept is not None:
                correct[row], statuses[row] = kept, "answered"
    return Graded(answers, rules, clusters, statuses, correct, columns, called)


def _asked(item: Known, task: TaskSettings, seed: int) -> _Asked | None:
    """Return a problem with its calls; None where it has no tests, as an imported one may not."""
    if item.problem.gold is None:
        return None
    problem = CodeProblem.of(item.problem)
    return _Asked(problem, calls_for(problem, task, seed))


def _program(asked: _Asked | None, text: str, reason: str) -> FoundProgram:
    if asked is None or reason == "error":
        return FoundProgram(None, "none")
    return find_program(text, asked.problem)


def _known(asked: _Asked | None) -> _Asked:
    assert asked is not None  # no program is looked for without tests
    return asked


def _job(asked: _Asked, found: FoundProgram) -> Job:
    return Job.of(found.source or "", asked.problem, asked.calls)


def _judged(
    verdict: Verdict | None, found: FoundProgram, reason: str, has_tests: bool
) -> tuple[str, bool | None]:
    """Return a sample's status and whether it is correct; None is unknown."""
    if reason == "error":
        return "error", None
    if verdict is None:
        missing = "no_answer" if has_tests else "ungraded"
        missing = "truncated" if reason == "length" else missing
        return missing, False if has_tests else None
    if not verdict.known:
        return verdict.outcome, None
    if verdict.outcome != "passed" and reason == "length" and found.is_open:
        return "truncated", False
    return verdict.outcome, verdict.outcome == "passed"


def _describe(
    columns: dict[str, list[Any]], row: int, verdict: Verdict | None, status: str
) -> None:
    """Fill in the columns of a sample that tell of its tests."""
    if verdict is None:
        if status in ("no_answer", "truncated"):
            columns["share_passed"][row] = 0.0
        return
    columns["why"][row] = verdict.why or None
    if not verdict.known:
        return
    columns["tests_passed"][row], columns["tests_run"][row] = verdict.passed, verdict.total
    columns["share_passed"][row] = verdict.share
    if verdict.failures:
        failures = [dict(one) for one in verdict.failures]
        columns["failures"][row] = json.dumps(failures, ensure_ascii=False)
