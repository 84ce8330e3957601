"""What a page tells of samples that are programs: tests that failed, and outputs on calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.analysis.page.code_colours import code_blocks, code_runs
from workbench.core.types import Problem

FACTS = ("answer_rule", "why", "tests_passed", "tests_run", "failures", "outputs")
"""Columns of the scores of programs that are looked at here."""
PLAIN_RULES = ("whole", "continued", "trimmed")
"""Rules by which a text is a program, or goes on from one, without lines of backticks."""


def is_of_programs(frame: pd.DataFrame) -> bool:
    """Say whether the answers of some samples are programs."""
    return "failures" in frame.columns


def program_columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Return what is looked at here as lists of what JSON knows; nothing of other answers."""
    if not is_of_programs(frame):
        return {}
    columns: dict[str, list[Any]] = {}
    for name in FACTS:
        values = frame[name].tolist() if name in frame.columns else [None] * len(frame)
        columns[name] = [_plain(value) for value in values]
    return columns


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return None
    if isinstance(value, str):
        return value
    return int(value) if isinstance(value, int | float) else [int(one) for one in value]


def program_parts(part: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return what a pool of programs has beside what every pool has.

    ``verdicts`` and ``rows`` hold each different one once: what became of the tests, and the
    outputs by call. ``verdict`` and ``row`` say which is a sample's; -1: it has none.
    """
    if "failures" not in part:
        return {}
    verdicts: dict[str, int] = {}
    rows: dict[str, int] = {}
    of_verdict, of_row = [], []
    facts = zip(*(part[name] for name in FACTS[1:]), strict=True)
    for why, passed, run, failures, outputs in facts:
        told = {"why": why, "passed": passed, "run": run, "failures": json.loads(failures or "[]")}
        known = any(value not in (None, []) for value in told.values())
        of_verdict.append(_number(told, verdicts) if known else -1)
        of_row.append(-1 if outputs is None else _number(outputs, rows))
    return {
        "verdicts": [json.loads(one) for one in verdicts], "verdict": of_verdict,
        "rows": [json.loads(one) for one in rows], "row": of_row,
    }  # fmt: skip


def _number(value: Any, seen: dict[str, int]) -> int:
    return seen.setdefault(json.dumps(value), len(seen))


def code_of(text: str, rule: str | None) -> list[list[int]]:
    """Return the blocks of code in a sample's text: all of it where it is a program itself."""
    if rule not in PLAIN_RULES:
        return code_blocks(text)
    runs = code_runs(text, "python")
    return [[0, *runs]] if runs else []


def problem_parts(problem: Problem | None, calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is told of a problem whose answers are programs, in place of a known answer.

    ``tests`` is their source, ``tests_code`` and ``question_code`` are the colours, and ``calls``
    what its programs are called with, each with the outputs that they gave.
    """
    found: dict[str, Any] = {
        "calls": [{"call": one["call"], "outputs": list(one["outputs"])} for one in calls]
    }
    if problem is None:
        return found
    question, tests = problem.question or "", problem.gold
    if tests is not None:
        found |= {"tests": tests, "tests_code": code_of(tests, "whole"), "gold": None}
    if f"def {problem.metadata.get('entry_point')}(" in question:
        found["question_code"] = code_of(question, "whole")
    return found
