"""Which programs of a problem behave alike: clusters of equal outputs, and what is known of them.

Programs that passed the same tests, or failed them, need not be the same answer. Here two programs
are one answer just where they have the same output on every call. That is how AlphaCode clusters
its samples (Li et al. 2022, arXiv:2203.07814, section 4.6: programs with the same outputs on
generated inputs) and what S* tells them apart by (Li et al. 2025, arXiv:2502.14382); CodeT groups
them by the tests that they pass instead (Chen et al. 2022, arXiv:2207.10397), and MBR-EXEC compares
outputs pair by pair (Shi et al. 2022, arXiv:2204.11454), as ``agreement`` does.

A program with no output on any call is unanswered: one that does not parse, or was stopped by a
limit before it returned anything. Such a program does not vote, as a text without an answer does
not. One that raises an exception has done something: it is in the cluster of those that raise the
same exceptions on the same calls, and counts as a vote. One with outputs on some calls alone agrees
with those that have the same outputs on these calls and none on the others.

Where a problem has no calls, nothing tells its programs apart: all that could be called at all are
one cluster, so that a vote is a random pick among them, and not a wrong answer.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.behaviour.outputs import (
    Output,
    clipped,
    has_fraction,
    read_output,
    same_output,
    skeleton,
    spell_answer,
    written,
)
from workbench.core.types import UNANSWERED, Floats, Ints

TOLERANCE = 1e-9
"""How far two floats may differ; what ``math.isclose`` takes for close."""
NO_OUTPUT = -1
"""The number of an output where there is none."""
UNTOLD = "no call tells the programs apart"
"""The label where there are no calls."""
SHOWN_CALLS = 3
"""Calls whose outputs a label tells."""
SHOWN_LETTERS = 30
"""Letters of a call, or of an output, in a label."""


@dataclass(frozen=True, eq=False)
class BehaviourClusters:
    """How N programs of one problem behave on C calls."""

    clusters: Ints
    """(N,) cluster numbers from 0, the largest cluster first; -1 = unanswered."""
    labels: tuple[str | None, ...]
    """(N,) what the programs of a cluster do, in short; None for those unanswered."""
    outputs: Ints
    """(N, C) the number of each output among those of its call, the commonest first; -1 = none."""
    spelt: tuple[tuple[str, ...], ...]
    """(C,) the outputs of each call, by their numbers, as text."""


def behaviour_clusters(
    answers: Sequence[Sequence[object] | None],
    calls: Sequence[str],
    tolerance: float = TOLERANCE,
) -> BehaviourClusters:
    """Cluster the programs of one problem by their outputs.

    Being near each other is not transitive, so on each call the different outputs are taken in
    order of falling count, then text, and each joins the first it is near to that stands for
    itself (leader clustering, as of other answers). Having the same outputs is then an equivalence,
    and neither it nor a label depends on the order of the programs.

    Args:
        answers: (N,) of each program, its ``Verdict.answers``: one to each call, or none at all;
            None of a program that could not be called.
        calls: (C,) what the programs were called with, as text, for the labels.
        tolerance: see ``same_output``.

    Raises:
        ValueError: a program has neither as many answers as there are calls, nor none.

    Example:
        >>> found = behaviour_clusters(
        ...     [[{"value": 2}, {"value": 4}], [{"value": 3}, {"value": 9}],
        ...      [{"value": 2.0}, {"value": 4}], []],
        ...     ["1", "2"],
        ... )
        >>> found.clusters.tolist(), found.labels[1]
        ([0, 1, 0, -1], '1 → 3; 2 → 9')
    """
    for place, given in enumerate(answers):
        if given and len(given) != len(calls):
            raise ValueError(
                f"program {place} has {len(given)} answers to {len(calls)} calls; give one answer "
                "to each call, or none at all"
            )
    outputs = np.full((len(answers), len(calls)), NO_OUTPUT, dtype=np.int64)
    spelt: list[tuple[str, ...]] = []
    marks: list[list[str]] = []
    for call in range(len(calls)):
        column = [given[call] if given else None for given in answers]
        numbers, texts, leaders = _number_outputs(column, tolerance)
        outputs[:, call] = numbers
        spelt.append(texts)
        marks.append(leaders)
    if calls:
        answered = (outputs != NO_OUTPUT).any(axis=1)
    else:
        answered = np.array([given is not None for given in answers], dtype=bool)
    rows = [
        tuple(row) if there else None
        for row, there in zip(outputs.tolist(), answered.tolist(), strict=True)
    ]
    names = {row: _label(row, calls, spelt, marks) for row in rows if row is not None}
    counts = Counter(row for row in rows if row is not None)
    ranked = sorted(counts, key=lambda row: (-counts[row], names[row]))
    numbers_of = {row: number for number, row in enumerate(ranked)}
    return BehaviourClusters(
        np.array([UNANSWERED if row is None else numbers_of[row] for row in rows], dtype=np.int64),
        tuple(None if row is None else names[row] for row in rows),
        outputs,
        tuple(spelt),
    )


def _number_outputs(
    answers: Sequence[object], tolerance: float
) -> tuple[list[int], tuple[str, ...], list[str]]:
    """Return the outputs of one call by number, what each reads like, and its part of a mark."""
    found = [read_output(answer) for answer in answers]
    counts = Counter(output for output in found if output is not None)
    full = {output: written(output) for output in counts}
    ranked = sorted(counts, key=lambda output: (-counts[output], full[output]))
    joined = _joined(ranked, tolerance)
    totals: Counter[Output] = Counter()
    for output in ranked:
        totals[joined[output]] += counts[output]
    leaders = sorted(totals, key=lambda output: (-totals[output], full[output]))
    number_of = {output: number for number, output in enumerate(leaders)}
    numbers = [NO_OUTPUT if one is None else number_of[joined[one]] for one in found]
    spellings: list[Counter[str]] = [Counter() for _ in leaders]
    for number, output, answer in zip(numbers, found, answers, strict=True):
        if number != NO_OUTPUT and output == leaders[number]:
            spellings[number][spell_answer(answer, SHOWN_LETTERS)] += 1
    texts = tuple(min(one, key=lambda text: (-one[text], text)) for one in spellings)
    return numbers, texts, [written(leader, 8) for leader in leaders]


def _joined(ranked: Sequence[Output], tolerance: float) -> dict[Output, Output]:
    """Return which output stands for each, itself or one that it is near to."""
    stands: dict[Output, Output] = {}
    leaders: dict[Output, list[Output]] = {}
    for output in ranked:
        near = leaders.setdefault(skeleton(output), [])
        loose = has_fraction(output)
        for leader in near:
            if (loose or has_fraction(leader)) and same_output(output, leader, tolerance):
                stands[output] = leader
                break
        else:
            stands[output] = output
            near.append(output)
    return stands


def _label(
    row: Sequence[int],
    calls: Sequence[str],
    spelt: Sequence[Sequence[str]],
    marks: Sequence[Sequence[str]],
) -> str:
    """Return the outputs on the first calls, and a mark of all of them where that is not all.

    In the mark floats have few digits, so that it is mostly the same in another run as well, where
    another of several near outputs stands for them.
    """
    parts = []
    cut = len(row) > SHOWN_CALLS
    for call in range(min(len(row), SHOWN_CALLS)):
        text = spelt[call][row[call]] if row[call] != NO_OUTPUT else "no answer"
        cut = cut or text.endswith("…")
        parts.append(f"{clipped(calls[call], SHOWN_LETTERS)} → {text}")
    shown = "; ".join(parts) or UNTOLD
    if not cut:
        return shown
    whole = "\n".join(
        marks[call][number] if number != NO_OUTPUT else "" for call, number in enumerate(row)
    )
    return f"{shown}; … #{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def agreement(outputs: Ints) -> Floats:
    """Share of the calls on which each two programs have the same output.

    Between 0 and 1; larger means more alike. Where a program has no output it agrees with nobody,
    not even with another that has none: what either would have said is not known. So two programs
    of one cluster have an agreement below 1 where they were stopped by a limit. Unlike here,
    MBR-EXEC takes no two exceptions for the same.

    Args:
        outputs: (N, C) numbers of outputs, -1 = none.

    Returns:
        (N, N), symmetric; all 0 where there are no calls.

    Source:
        Shi et al. (2022), "Natural Language to Code Translation with Execution", arXiv:2204.11454,
        whose utility asks that all outputs agree.

    Example:
        >>> agreement(np.array([[0, 0], [0, 1], [0, -1]])).tolist()
        [[1.0, 0.5, 0.5], [0.5, 1.0, 0.5], [0.5, 0.5, 0.5]]
    """
    programs, calls = outputs.shape
    same = np.zeros((programs, programs), dtype=np.int64)
    for column in outputs.T:
        known = column != NO_OUTPUT
        same += (column[:, None] == column[None, :]) & known[:, None] & known[None, :]
    return np.asarray(same / max(calls, 1), dtype=np.float64)
