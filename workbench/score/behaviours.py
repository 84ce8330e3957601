"""The answers of programs: what they do when they are called, on inputs that may be known.

This is the one place where the answer of a sample comes from the outputs of its program.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.config.schema import TaskSettings
from workbench.core.types import UNANSWERED
from workbench.tasks.code_problems import CodeProblem, parsed

Outputs = Sequence[Any]
"""``Verdict.answers`` of a program: one for each call, or none at all."""


@dataclass(frozen=True)
class Calls:
    """What the programs of a problem are called with."""

    arguments: tuple[tuple[Any, ...], ...] = ()
    spelt: tuple[str, ...] = ()
    """The same, as text."""


@dataclass(frozen=True)
class Behaviours:
    """Lists of one entry per program."""

    answers: list[str | None]
    """What it does, in short; equal just where the clusters are. None where it did nothing."""
    clusters: list[int]
    """-1 where it did nothing."""
    outputs: list[list[int]]
    """The number of each output among those of its call; -1 = none."""


def calls_for(problem: CodeProblem, task: TaskSettings) -> Calls:
    """Return the calls of a problem: those of its examples and visible tests, never hidden ones."""
    found: dict[str, tuple[Any, ...]] = {}
    for line in problem.shown:
        tree = parsed(line)
        for node in ast.walk(tree) if tree else ():
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == problem.entry_point and not node.keywords:
                try:
                    found[ast.unparse(node)] = tuple(ast.literal_eval(one) for one in node.args)
                except ValueError:
                    continue
    return Calls(tuple(found.values()), tuple(found))


def behaviours(outputs: Sequence[Outputs], calls: Calls) -> Behaviours:
    """Return what the programs of one problem do, by their outputs."""
    rows = [
        tuple(json.dumps(one, sort_keys=True) if one is not None else None for one in given)
        for given in outputs
    ]
    counts = Counter(row for row in rows if any(one is not None for one in row))
    number_of = {row: number for number, (row, _) in enumerate(counts.most_common())}
    spelt = {row: "; ".join(one or "no answer" for one in row)[:120] for row in counts}
    numbers: list[dict[str, int]] = [{} for _ in calls.spelt]
    return Behaviours(
        [spelt.get(row) for row in rows],
        [number_of.get(row, UNANSWERED) for row in rows],
        [
            [
                -1 if one is None else seen.setdefault(one, len(seen))
                for seen, one in zip(numbers, row, strict=True)
            ]
            if row
            else [-1] * len(numbers)
            for row in rows
        ],
    )
