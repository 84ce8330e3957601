"""Tables of second turns: what a model makes of its own first answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.analysis.frames import Data, Table, table_lines, with_q_values
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS
from workbench.analysis.tables.shared import star_note
from workbench.analysis.turn_pairs import OUTCOMES
from workbench.core.conditions import ALL
from workbench.core.types import Ints

NONE = "there are no second answers: set generation.turns to 2"
OUTCOME_NAMES = tuple(OUTCOMES.values())
SHARES = ("accuracy@t1", "accuracy@t2", "delta", *OUTCOME_NAMES, "unchanged", "changed_answer")
EDITS = ("edit_distance", *(f"edit_{name}" for name in OUTCOME_NAMES))
BINS = 20
"""Of equal width, of edit-distance ratios from 0 to 1."""


def self_correction(data: Data) -> Table:
    """What a second turn does: accuracy of first and second answers, what changed, and how much.

    All shares are of all pairs of a first and a second answer, over all problems, so that
    ``delta`` = ``i_to_c`` - ``c_to_i``.
    """
    frame = judged_pairs(data)
    if frame.empty:
        return Table(pd.DataFrame(), (no_second_answers(data),))
    labels, lines = _lines(frame, data)
    rows = pd.concat([frame, frame[_of_all(frame, data)]], ignore_index=True)
    sums = data.sums(rows, [*SHARES, *EDITS], lines)
    table = data.intervals(sums)
    place = SHARES.index("delta")
    p = data.p_values(sums.means[:, :, [place]], ["delta"])
    counts = rows.groupby(lines).agg(problems=("problem_id", "nunique"), pairs=("right1", "size"))
    table = pd.concat([labels, counts.reset_index(drop=True), table, p], axis=1)
    notes = (
        *_size_notes(data, frame),
        "delta = accuracy@t2 - accuracy@t1 = i_to_c - c_to_i: shares of all pairs that became "
        "right (wrong before), and wrong (right before)",
        "unchanged: the second text is the first, letter by letter; changed_answer: its answer is "
        "another",
        f"edit_distance: Levenshtein distance ÷ {_divisor(data)}; edit_…: of pairs of this outcome "
        "alone",
        *left_out_notes(data),
        *_cut_notes(frame),
        star_note("differs from 0"),
    )
    return Table(with_q_values(table), notes)


def edit_distances(data: Data) -> Table:
    """How much second answers differ from first ones, by what became of correctness: a histogram.

    ``share`` is that of the pairs of this outcome.
    """
    frame = judged_pairs(data)
    if frame.empty:
        return Table(pd.DataFrame(), (no_second_answers(data),))
    edges = np.linspace(0, 1, BINS + 1)
    rows = []
    for first, part in frame.groupby("first", sort=False):
        for name in OUTCOME_NAMES:
            ratios = part.loc[part[name] == 1, "edit_distance"]
            counts = np.histogram(ratios, edges)[0]
            rows += [
                {"first": first, "outcome": name, "low": low, "high": high, "pairs": int(count),
                 "share": count / len(ratios) if len(ratios) else np.nan}
                for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
            ]  # fmt: skip
    divided = f"edit-distance ratios: Levenshtein distance ÷ {_divisor(data)}"
    last = "a bin holds its low end, and the last one both; means: in self_correction"
    return Table(pd.DataFrame(rows), (divided, last, *left_out_notes(data)))


def judged_pairs(data: Data) -> pd.DataFrame:
    """Return the pairs of which the correctness of both answers is known, with all shares as 0/1.

    They stand in the order of the conditions of the first answers.
    """
    pairs = data.turn_pairs
    if pairs.empty:
        return pairs
    pairs = pairs[pairs["right1"].notna() & pairs["right2"].notna()]
    order = [one.name for one in data.conditions]
    pairs = pairs.sort_values("first", key=lambda names: names.map(order.index), kind="stable")
    found = pairs.rename(columns={"right1": "accuracy@t1", "right2": "accuracy@t2"})
    found = found.assign(
        right1=pairs["right1"],
        delta=pairs["right2"] - pairs["right1"],
        unchanged=pairs["same_text"].astype(float),
        changed_answer=(pairs["cluster1"] != pairs["cluster2"]).astype(float),
    )
    for (first, second), name in OUTCOMES.items():
        there = (pairs["right1"] == first) & (pairs["right2"] == second)
        found[name] = there.astype(float)
        found[f"edit_{name}"] = pairs["edit_distance"].where(there)
    return found.reset_index(drop=True)


def _lines(frame: pd.DataFrame, data: Data) -> tuple[pd.DataFrame, Ints]:
    """Return a line for each condition of first answers, and one of all that are not greedy."""
    labels, lines = table_lines(frame, ["first"], sort=False)
    total = int(_of_all(frame, data).sum())
    if total:
        labels = pd.concat([labels, pd.DataFrame({"first": [ALL]})], ignore_index=True)
    return labels, np.concatenate([lines, np.full(total, len(labels) - 1)])


def _of_all(frame: pd.DataFrame, data: Data) -> pd.Series[bool]:
    """Say which pairs are in the line of all: those of sampled conditions, where there are two."""
    greedy = {one.name for one in data.conditions if one.greedy}
    sampled = ~frame["first"].isin(greedy)
    return sampled & (frame.loc[sampled, "first"].nunique() > 1)


def no_second_answers(data: Data) -> str:
    """Say why there is no pair to look at."""
    asked = any(one.first for one in data.conditions)
    return "; ".join(left_out_notes(data)) or "no second answer is drawn yet" if asked else NONE


def _divisor(data: Data) -> str:
    total = data.run.experiment.analysis.edit_distance == "total"
    return "the length of both texts" if total else "the length of the longer text"


def _size_notes(data: Data, frame: pd.DataFrame) -> list[str]:
    problems = frame["problem_id"].nunique()
    confidence = data.run.experiment.analysis.confidence
    few = f"no intervals: {problems} problems are fewer than {MIN_PROBLEMS}"
    share = f"[low, high]: {confidence:.0%} intervals, the problem as the unit"
    pairs = f"{problems} problems, {len(frame):,} pairs of a first and a second answer"
    return [pairs, few if problems < MIN_PROBLEMS else share]


def left_out_notes(data: Data) -> list[str]:
    """Count the pairs that are left out, as the correctness of one of the two is unknown."""
    pairs = data.turn_pairs
    if pairs.empty:
        return []
    unknown = pairs["right1"].isna() | pairs["right2"].isna()
    if not unknown.any():
        return []
    failed = int((unknown & pairs["failed"]).sum())
    why = f" ({failed:,} of them could not be drawn)" * bool(failed)
    told = f"{int(unknown.sum()):,} of {len(pairs):,} pairs{why}"
    return [f"left out, as the correctness of one of the two answers is unknown: {told}"]


def _cut_notes(frame: pd.DataFrame) -> list[str]:
    cut = int(frame["cut1"].sum())
    told = f"{cut:,} of {len(frame):,} first answers were cut, and corrected as they stood"
    return [told] * bool(cut)
