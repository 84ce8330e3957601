"""The data of a page's sample explorer: the pools of each problem, stored column by column.

Blocks are read one at a time, and only as many problems are kept as fit into ``BUDGET``.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.condition_columns import with_levels
from workbench.analysis.page.asked_prompts import AskedPrompts, asked_prompts
from workbench.analysis.page.grid import grid_of, pool_outcomes, shown_condition
from workbench.analysis.page.packing import json_numbers, pack
from workbench.analysis.page.program_facts import (
    code_of,
    is_of_programs,
    problem_parts,
    program_columns,
    program_parts,
)
from workbench.analysis.page.sample_rows import SampleBlock, read_blocks
from workbench.analysis.page.typesetting import has_formula, needed_fonts
from workbench.core.types import REWARD_PREFIX, STATUSES, UNANSWERED, Known
from workbench.saved_run import Run

BUDGET = 5_000_000
"""Characters of samples that a page carries: a few thousand solutions, or all of a small run."""
LABEL = 90
"""Characters of a question that stand beside the problem's name in the list."""


@dataclass(frozen=True, eq=False)
class Explorer:
    """What the page's explorer shows."""

    problems: Sequence[dict[str, Any]]
    """In the run's order: ``id``, ``label``, ``pools`` (condition, samples, right ones), ``fonts``
    (of its formulae; None without any) and ``chunk``, the packed problem."""
    total: int
    """Problems of the run that have a sample."""
    facts: pd.DataFrame
    """A row per condition: problems, samples, what is known of them."""
    notes: Sequence[str]
    """What is not shown, and why."""
    grid: Mapping[str, Any] = field(default_factory=dict)
    """Of every problem of the run; see ``grid_of``."""
    prompts_begin: str = ""
    """How the prompts of all problems begin."""

    @property
    def index(self) -> list[dict[str, Any]]:
        """The problems without their samples."""
        left_out = ("chunk", "fonts")
        return [{k: v for k, v in one.items() if k not in left_out} for one in self.problems]

    @property
    def fonts(self) -> set[str] | None:
        """The special fonts that formulae of the problems need; None where there is no formula."""
        needed = [one["fonts"] for one in self.problems if one["fonts"] is not None]
        return {font for fonts in needed for font in fonts} if needed else None


def explore(
    run: Run, rng: np.random.Generator, budget: int = BUDGET, wanted: Sequence[str] = ()
) -> Explorer:
    """Read a run's samples, finished or not, and keep a random part of the problems that fits.

    Args:
        run: any run.
        rng: shuffles the problems: those that come first are kept.
        budget: characters of packed samples; one problem is kept whatever its size.
        wanted: the only problems that are looked at, if any are named: the first come first.
    """
    notes: list[str] = []
    known, prompts = _problems(run, notes), asked_prompts(run)
    ranks = dict(zip(known, rng.permutation(len(known)).tolist(), strict=True))
    if wanted:
        ranks = {name: rank for rank, name in enumerate(wanted)}
    kept: list[tuple[int, int, dict[str, Any]]] = []  # a heap: (-rank, place in the run, problem)
    first_left_out, held, place = math.inf, 0, 0
    facts: list[pd.DataFrame] = []
    outcomes: list[pd.DataFrame] = []
    for rows in read_blocks(run, notes):
        if wanted and ranks.keys().isdisjoint(rows.frame["problem_id"]):
            continue
        facts.append(_facts(rows.frame))
        outcomes.append(pool_outcomes(rows.frame))
        columns = _columns(rows.frame)
        for name, bounds in rows.problems():
            if wanted and name not in ranks:
                continue
            place += 1
            rank = ranks.setdefault(name, len(ranks))
            if rank >= first_left_out:
                continue
            problem = _problem(name, known.get(name), bounds, columns, rows, prompts)
            heapq.heappush(kept, (-rank, place, problem))
            held += len(problem["chunk"])
            while held > budget and len(kept) > 1:
                least, _, dropped = heapq.heappop(kept)
                first_left_out = -least
                held -= len(dropped["chunk"])
    problems = [problem for _, _, problem in sorted(kept, key=lambda one: one[1])]
    if len(problems) < place and not wanted:
        notes.insert(
            0,
            f"{len(problems)} of {place:,} problems, drawn at random (analysis.seed of the "
            "experiment): the samples of all of them would make the page too large",
        )
    grid = grid_of(run, outcomes, {one["id"] for one in problems})
    return Explorer(problems, place, _sum_by_condition(facts, run), notes, grid, prompts.shared)


def _problems(run: Run, notes: list[str]) -> dict[str, Known]:
    try:
        return {one.problem.id: one for one in run.folder.read_problems()}
    except ValueError as fault:
        notes.append(f"questions and known answers are not shown: {fault}")
        return {}


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Return a block's columns as lists of what JSON knows, so that pools are slices of them."""
    columns: dict[str, list[Any]] = {
        "index": frame["sample_index"].tolist(),
        "completion": frame["completion"].tolist(),
        "thought": [None if pd.isna(thought) else thought for thought in frame["thought"]],
        "answer": [None if pd.isna(answer) else str(answer) for answer in frame["answer"]],
        "cluster": frame["answer_cluster"].fillna(UNANSWERED).astype(int).tolist(),
        "status": [STATUSES.index(s) if s in STATUSES else -1 for s in frame["status"]],
        "correct": [None if pd.isna(right) else int(right) for right in frame["is_correct"]],
        "logprob": json_numbers(frame["mean_logprob"].astype(float)),
        "tokens": json_numbers(frame["num_output_tokens"].astype(float), 0),
        "condition": frame["condition"].tolist(),
    }
    for name in map(str, frame.columns):
        if name.startswith(REWARD_PREFIX):
            columns[name] = json_numbers(frame[name].astype(float))
    return columns | program_columns(frame)


def _problem(
    name: str,
    known: Known | None,
    bounds: Sequence[tuple[int, int]],
    columns: dict[str, list[Any]],
    rows: SampleBlock,
    prompts: AskedPrompts,
) -> dict[str, Any]:
    question = str(known.problem.question or "") if known else ""
    pools, sizes = [], []
    for start, stop in bounds:
        pools.append(_pool({k: v[start:stop] for k, v in columns.items()}, start, rows))
        right = columns["correct"][start:stop]
        spelt = pools[-1]["condition"]
        sizes.append([spelt, stop - start, right.count(1), right.count(None)])
    gold = known.problem.gold if known else None
    whole: dict[str, Any] = {"question": question, "pools": pools}
    whole["gold"] = None if gold is None else str(gold)
    if known and (asked := prompts.of(known)):
        whole["prompts"] = asked
    if is_of_programs(rows.frame):
        whole |= problem_parts(known.problem if known else None, rows.calls.get(name, ()))
    label = " ".join(question.split())
    label = label if len(label) <= LABEL else f"{label[: LABEL - 1]}…"
    texts = [question, *(text for pool in pools for text in pool["texts"])]
    formulae = [text for text in texts if has_formula(text)]
    fonts = sorted(set().union(*map(needed_fonts, formulae))) if formulae else None
    return {"id": name, "label": label, "pools": sizes, "fonts": fonts, "chunk": pack(whole)}


def _pool(part: dict[str, list[Any]], start: int, rows: SampleBlock) -> dict[str, Any]:
    """Return a pool as columns; equal texts stand there once."""
    texts, first = _numbered(part["completion"])
    answers = {
        a: n for n, a in enumerate(dict.fromkeys(a for a in part["answer"] if a is not None))
    }
    same = ("index", "cluster", "status", "correct", "logprob", "tokens")
    pool: dict[str, Any] = {name: part[name] for name in same}
    pool |= {
        "condition": shown_condition(part["condition"][0]),
        "text": texts,
        "texts": [part["completion"][place] for place in first],
        "answer": [answers.get(answer, -1) for answer in part["answer"]],
        "answers": list(answers),
        "rewards": {
            name.removeprefix(REWARD_PREFIX): values
            for name, values in part.items()
            if name.startswith(REWARD_PREFIX) and any(value is not None for value in values)
        },
    }
    rules = part.get("answer_rule") or [None] * len(texts)
    code = {n: code_of(pool["texts"][n], rules[place]) for n, place in enumerate(first)}
    if code := {n: blocks for n, blocks in code.items() if blocks}:
        pool["code"] = code
    pool |= program_parts(part)
    if any(thought is not None for thought in part["thought"]):
        pool["thoughts"] = part["thought"]
    if rows.vectors is not None:
        vectors = rows.vectors[rows.places[[start + place for place in first]]]
        pool["map"] = project(vectors.astype(np.float64), np.bincount(texts))
    return pool


def _numbered(texts: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the number of each text, equal texts alike, and where each is seen first."""
    seen: dict[str, int] = {}
    found = [seen.setdefault(text, len(seen)) for text in texts]
    first = [found.index(number) for number in range(len(seen))]
    return found, first


def project(vectors: NDArray[np.float64], copies: NDArray[np.int64]) -> dict[str, Any] | None:
    """Return the first two principal components of a pool's distinct texts.

    Args:
        vectors: (R, D) unit vectors, one per distinct text; NaN where one is not embedded.
        copies: (R,) how many samples have each text: their weight.

    Returns:
        ``x`` and ``y`` (R,) and ``share``, the shares of variance along each; None where texts
        are fewer than three or not all embedded, so that there is nothing to project. Signs are
        fixed: the text farthest from the middle lies on the positive side.
    """
    if len(vectors) < 3 or not np.isfinite(vectors).all():
        return None
    centred = vectors - np.average(vectors, axis=0, weights=copies)
    left, scales, _ = np.linalg.svd(centred * np.sqrt(copies)[:, None], full_matrices=False)
    total = float((scales**2).sum())
    if total < 1e-12:
        return None
    points = left[:, :2] * scales[:2] / np.sqrt(copies)[:, None]
    far = np.abs(points).argmax(axis=0)
    points = points * np.where(points[far, [0, 1]] < 0, -1.0, 1.0)
    return {
        "x": json_numbers(points[:, 0]),
        "y": json_numbers(points[:, 1]),
        "share": json_numbers(scales[:2] ** 2 / total),
    }


def _facts(frame: pd.DataFrame) -> pd.DataFrame:
    """Count a block's samples by condition."""
    known = frame["is_correct"].astype("Float64")
    counted = frame.assign(
        right=known.eq(1).fillna(False),
        wrong=known.eq(0).fillna(False),
        unknown=known.isna(),
        scored=frame["status"].notna(),
    )
    groups = counted.groupby("condition", sort=False)
    found: pd.DataFrame = groups[["scored", "right", "wrong", "unknown"]].sum().astype(int)
    found.insert(0, "problems", groups["problem_id"].nunique())
    found.insert(1, "samples", groups.size())
    return found


def _sum_by_condition(parts: Sequence[pd.DataFrame], run: Run) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame()
    whole = pd.concat(parts)
    added = whole.groupby(level="condition", sort=False).sum()
    order = [one.name for one in run.conditions if one.name in added.index]
    return with_levels(added.loc[order].reset_index(), run.conditions)
