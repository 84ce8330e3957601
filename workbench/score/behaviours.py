"""The answers of programs: what they do when they are called, on inputs that may be known.

This is the one place where the answer of a sample comes from the outputs of its program; how
outputs are compared is said in the room ``behaviour``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.behaviour.calls import spell_call
from workbench.behaviour.clusters import BehaviourClusters, behaviour_clusters
from workbench.behaviour.inputs import problem_calls, read_input_options
from workbench.config.schema import TaskSettings
from workbench.sandbox.programs import Verdict
from workbench.tasks.code_problems import CodeProblem


@dataclass(frozen=True)
class Calls:
    """What the programs of a problem are called with."""

    arguments: tuple[tuple[Any, ...], ...] = ()
    spelt: tuple[str, ...] = ()
    """The same, as text."""


def calls_for(problem: CodeProblem, task: TaskSettings, seed: int = 0) -> Calls:
    """Return the calls of a problem: none is made of the arguments of a hidden test."""
    found = problem_calls(
        problem.id,
        problem.entry_point,
        read_input_options(task.options),
        seed,
        prompts=[problem.question, *problem.wordings],
        examples=problem.examples,
        visible_tests=problem.visible_tests,
    )
    return Calls(tuple(found), tuple(map(spell_call, found)))


def behaviours(
    verdicts: Sequence[Verdict | None], calls: Calls, task: TaskSettings
) -> BehaviourClusters:
    """Return which programs of one problem do the same, by their outputs; None is no program."""
    tolerance = read_input_options(task.options).tolerance
    return behaviour_clusters([_answers(one) for one in verdicts], calls.spelt, tolerance)


def _answers(verdict: Verdict | None) -> Sequence[Any] | None:
    """Return what a program answered; None where it could not be called at all."""
    if verdict is None or not (verdict.answers or verdict.total):
        return None
    return verdict.answers


def call_rows(problem_id: str, calls: Calls, found: BehaviourClusters) -> list[dict[str, Any]]:
    """Return what is kept of a problem's calls: each with the outputs that programs gave."""
    return [
        {"problem_id": problem_id, "call": text, "outputs": list(outputs)}
        for text, outputs in zip(calls.spelt, found.spelt, strict=True)
    ]
