"""The problems whose majority changed most between two runs, or two conditions of one run.

A mean difference says how many answers are won or lost, and not where. Here each problem of a pair
has its row: the exact expectation of the majority vote over all k-subsets on both sides, beside
coverage and the share of right samples, which tell a lucky vote from a problem that was learnt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.compare.conditions import DIGITS, SINGLE, Pair
from workbench.analysis.frames import Table

MOST_ROWS = 1_000
"""Rows of the table; those with the largest differences are kept."""
WORDS = 90
"""Characters of a question that a row shows."""
TO_RIGHT, TO_WRONG = "to right", "to wrong"


def flips(pairs: Iterable[Pair], questions: Mapping[str, str]) -> Table:
    """Return the problems that changed, a row per problem and pair, the largest changes first.

    Args:
        pairs: those of one pair of runs or conditions may be of several k; the largest at which
            both have a majority is shown. Where no majority is known, single samples are.
        questions: text by problem.

    Returns:
        Beside what the pair is: ``maj``, ``coverage`` and ``right``, the share of right samples,
        each with its value in what the row is ``against``; ``difference`` of ``maj``, or of
        ``right`` where no majority is known; ``flipped``, ``to right`` where that rose from one
        half or below to above it, ``to wrong`` where it fell so; and the ``question``'s first
        words. Problems without any difference have no row.
    """
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(str({**pair.labels, "selection": ""}), []).append(pair)
    voting = [group for group in groups.values() if max(pair.k for pair in group) > 1]
    parts = [_rows(group) for group in voting or groups.values()]
    changed = [part[part["difference"].abs() > 0] for part in parts]
    found = pd.concat(changed, ignore_index=True) if changed else pd.DataFrame()
    if found.empty:
        return Table(pd.DataFrame(), ("no problem's majority differs",))
    first = found["difference"].abs().round(DIGITS - 2)  # equal ones stay in the problems' order
    second = (found["right"] - found["right_against"]).abs().round(DIGITS - 2)
    found = found.iloc[np.lexsort((-second.to_numpy(), -first.to_numpy()))]
    found = found.reset_index(drop=True).dropna(axis=1, how="all")
    firsts = [_first_words(questions.get(str(name), "")) for name in found["problem_id"]]
    notes = [
        "maj: exact over all k-subsets of a problem's samples; right: share of right samples; "
        "…_against: of what the row is against; difference: of maj, or of right without a vote",
        "flipped: the difference crosses one half",
        "problems whose value is the same on both sides have no row; rows are singled out for "
        "being large, so that some of each difference is chance",
    ]
    if len(voting) < len(groups) and voting:
        notes.append("where a side has one sample, as of greedy decoding, there is no vote to flip")
    if len(found) > MOST_ROWS:
        notes.append(f"the {MOST_ROWS:,} largest of {len(found):,} differences")
    return Table(found.assign(question=firsts).head(MOST_ROWS), tuple(notes))


def _rows(group: Sequence[Pair]) -> pd.DataFrame:
    """Return a row per problem of one pair of runs or conditions."""
    votes = {pair.k: pair for pair in group if pair.selection == "maj"}
    k = max(votes, default=1)
    chosen = {"maj": votes.get(k)}
    for name, selection, size in (("coverage", "coverage", k), ("right", SINGLE, 1)):
        alike = (pair for pair in group if (pair.selection, pair.k) == (selection, size))
        chosen[name] = next(alike, None)
    columns: dict[str, Any] = {}
    for name, pair in chosen.items():
        values = pd.DataFrame(columns=["accuracy", "baseline"], dtype=float)
        values = values if pair is None else pair.problems
        columns |= {name: values["accuracy"], f"{name}_against": values["baseline"]}
    frame = pd.DataFrame(columns)
    judged = "maj" if chosen["maj"] is not None else "right"
    after, before = frame[judged], frame[f"{judged}_against"]
    frame.insert(2, "difference", after - before)
    up, down = (after > 0.5) & (before <= 0.5), (after <= 0.5) & (before > 0.5)
    frame.insert(3, "flipped", up.map({True: TO_RIGHT, False: ""}).mask(down, TO_WRONG))
    labels = {name: value for name, value in group[0].labels.items() if name != "selection"}
    frame = frame.rename_axis("problem_id").reset_index()
    for place, (name, value) in enumerate([*labels.items(), ("k", k)], start=1):
        frame.insert(place, name, value)
    return frame


def _first_words(question: str) -> str:
    text = " ".join(question.split())
    return text if len(text) <= WORDS else f"{text[: WORDS - 1]}…"
