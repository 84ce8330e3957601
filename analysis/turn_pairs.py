"""First and second answers side by side: what became of each first answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from workbench.core.conditions import Condition
from workbench.pools import joined_rows
from workbench.saved_run import Run

OUTCOMES = {
    (0.0, 1.0): "i_to_c",
    (1.0, 0.0): "c_to_i",
    (1.0, 1.0): "stays_right",
    (0.0, 0.0): "stays_wrong",
}
"""What became of correctness, by that of the first and of the second answer (1 right, 0 wrong)."""
READ = (
    "problem_id", "condition", "temperature", "sample_index", "completion", "stop_reason", "parent",
)  # fmt: skip


def edit_ratio(first: str, second: str, by: Literal["total", "longer"] = "total") -> float:
    """Return the Levenshtein distance of two texts as a share of their length, 0 to 1.

    Insertions, deletions and substitutions of characters count 1 each. With ``total`` the distance
    is divided by the length of both together, so that two texts of equal length without anything
    in common have 0.5; with ``longer`` by that of the longer one, and they have 1.

    Source:
        Kumar et al. (2024), arXiv:2409.12917, section 4, divide by the total length.

    Example:
        >>> edit_ratio("it is 5", "it is 6"), edit_ratio("5", "", "longer"), edit_ratio("", "")
        (0.07142857142857142, 1.0, 0.0)
    """
    from rapidfuzz.distance import Levenshtein  # which only runs with second answers need

    length = len(first) + len(second) if by == "total" else max(len(first), len(second))
    return Levenshtein.distance(first, second) / length if length else 0.0


def turn_pairs(run: Run) -> pd.DataFrame:
    """Return a row for each second answer that the experiment asks for, its first answer beside it.

    Columns: ``problem_id``; ``first``, the condition of the first answer; ``parent``, its index,
    and ``sample_index``, that of the second one; ``right1`` and ``right2``, 1, 0 or NaN where
    correctness is unknown; ``cluster1`` and ``cluster2``, -1 where there is no answer; ``cut1``,
    whether the first answer was cut; ``failed``, whether one of the two could not be drawn;
    ``same_text``; and ``edit_distance``, the ratio by ``analysis.edit_distance``.
    """
    seconds = {one.name: one for one in run.conditions if one.first}
    sizes = {one.name: one.n for one in run.conditions}
    by = run.experiment.analysis.edit_distance
    found = [_of_block(run, block, seconds, sizes, by) for block in run.blocks if seconds]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _of_block(
    run: Run,
    block: int,
    seconds: Mapping[str, Condition],
    sizes: Mapping[str, int],
    by: Literal["total", "longer"],
) -> pd.DataFrame:
    rows = joined_rows(run.folder, block, READ)
    rows = rows.assign(condition=rows["condition"].astype(str))
    rows = rows[rows["sample_index"] < rows["condition"].map(sizes).fillna(0)]
    rows["right"] = np.asarray(rows["is_correct"].astype("Float64"), dtype=np.float64)
    second = rows[rows["condition"].isin(seconds)]
    names = second["condition"].map({name: one.first for name, one in seconds.items()})
    second = second.assign(first=names, parent=second["parent"].astype(int))
    both = second.merge(
        rows,
        left_on=["problem_id", "first", "parent"],
        right_on=["problem_id", "condition", "sample_index"],
        suffixes=("2", "1"),
        validate="many_to_one",
    )
    texts = [*zip(both["completion1"], both["completion2"], strict=True)]
    failed = (both["stop_reason1"] == "error") | (both["stop_reason2"] == "error")
    return pd.DataFrame(
        {
            "problem_id": both["problem_id"],
            "first": both["first"],
            "parent": both["parent2"],
            "sample_index": both["sample_index2"],
            "right1": both["right1"],
            "right2": both["right2"],
            "cluster1": both["answer_cluster1"],
            "cluster2": both["answer_cluster2"],
            "cut1": both["stop_reason1"] == "length",
            "failed": failed,
            "same_text": [one == other for one, other in texts],
            "edit_distance": [edit_ratio(one, other, by) for one, other in texts],
        }
    )
