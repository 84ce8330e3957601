"""Looks whether the tests of problems pass the solutions that the problems come with."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.config.schema import TaskSettings
from workbench.config.scoring_schema import Scoring
from workbench.core.console import notice
from workbench.core.counted import counted
from workbench.core.types import Known, Problem
from workbench.sandbox.programs import Verdict
from workbench.score.behaviours import Calls
from workbench.score.program_runner import Job, ProgramRunner
from workbench.tasks import TASKS
from workbench.tasks.code_problems import CodeProblem


def check_solutions(task: TaskSettings, scoring: Scoring, before: Sequence[Known] = ()) -> None:
    """Run the solutions of a task's problems, and say which tests cannot be judged here.

    Nothing is done where answers are no programs, nor for the problems ``before``, which were
    checked when they were taken into a run.

    Raises:
        ValueError: a solution does not pass the tests of its problem, no program can be run here,
            or the problems cannot be read.
    """
    if not TASKS[task.name].programs:
        return
    checked = {item.problem.id: item.problem for item in before}
    new = [p for p in TASKS[task.name].problems(task) if not _same(checked.get(p.id), p)]
    if not new:
        return
    problems = [CodeProblem.of(problem) for problem in new]
    jobs = [Job.of(p.solution, p, Calls()) for p in problems if p.solution is not None]
    names = [p.id for p in problems if p.solution is not None]
    with ProgramRunner(scoring) as runner:
        runner.start()  # whether it can be had is to be known before anything is drawn
        verdicts = dict(zip(names, runner.run(jobs, quiet=True), strict=True))
    unknown = {name: one for name, one in verdicts.items() if not one.known}
    wrong = {name: one for name, one in verdicts.items() if one.known and one.outcome != "passed"}
    if unknown:
        name, verdict = next(iter(unknown.items()))
        notice(
            f"check: {counted(len(unknown), 'problem')} of {len(names)} cannot be judged here "
            f"(first: {name!r}: {verdict.why}); the correctness of their programs stays unknown"
        )
    if wrong:
        name, verdict = next(iter(wrong.items()))
        raise ValueError(
            f"task.source: {counted(len(wrong), 'solution')} of {len(names)} fail the tests of "
            f"their own problem (first: {name!r}: {_told(verdict)}); mend the solution or the "
            "tests, or leave the problem out"
        )


def _same(one: Problem | None, other: Problem) -> bool:
    return one is not None and (one.gold, one.question) == (other.gold, other.question)


def _told(verdict: Verdict) -> str:
    """Return in short why a program did not pass."""
    if not verdict.failures:
        return f"{verdict.outcome} {verdict.why}".strip()
    first = verdict.failures[0]
    expected = f", expected {first['expected']}" if first.get("expected") else ""
    return f"{verdict.outcome}, {first['test'] or 'the tests'}: got {first['got']}{expected}"
