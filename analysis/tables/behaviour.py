"""Table of what is known of clusters of behaviour: whether they tell right programs from wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.frames import Data, Table
from workbench.behaviour.clusters import NO_OUTPUT
from workbench.core.types import UNANSWERED, Floats, Ints
from workbench.pools import outputs_of
from workbench.storage.parquet import read_table

SCORES = ["problem_id", "answer_cluster", "is_correct", "outputs"]
FEW = 2
"""Problems whose calls tell programs apart less often than this are named as having few."""


def behaviour(data: Data) -> Table:
    """How well the calls of a problem tell its programs apart, and right ones from wrong ones.

    ``unanswered`` programs gave no output. ``telling_calls`` got more than one output, and
    ``outputs`` is the mean number of different ones. ``mixed`` clusters hold right and wrong
    programs. ``joined`` is the share of pairs of a right and a wrong program that are in one
    cluster, and ``split`` that of pairs of right ones that are in two: inputs that the problem does
    not allow can tell right programs apart.
    """
    rows = []
    for block in data.run.blocks:
        path = data.run.folder.block_path("scores", block)
        if "outputs" not in (table := read_table(path)).schema.names:
            continue
        frame = table.select(SCORES).to_pandas()
        for name, part in frame.groupby("problem_id", sort=False):
            correct = part["is_correct"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
            clusters = part["answer_cluster"].to_numpy(np.int64)
            outputs = outputs_of(part["outputs"].tolist())
            rows.append({"problem_id": name, **told_apart(clusters, correct, outputs)})
    if not rows:
        return Table(pd.DataFrame(), ("answers are no programs: nothing is called",))
    return Table(pd.DataFrame(rows), tuple(_notes(rows)))


def told_apart(clusters: Ints, correct: Floats, outputs: Ints) -> dict[str, Any]:
    """Return what clusters (N,) of one problem's programs say of their correctness.

    Correctness (N,) is NaN where it is unknown; outputs are (N, C), -1 where there is none.

    Example:
        >>> of_two = np.array([[0], [0], [0], [1]])
        >>> found = told_apart(np.array([0, 0, 0, 1]), np.array([1.0, 1.0, 0.0, 1.0]), of_two)
        >>> found["mixed"], round(found["joined"], 3), round(found["split"], 3)
        (1, 0.667, 0.667)
    """
    different = [len({*column.tolist()} - {NO_OUTPUT}) for column in outputs.T]
    voters = clusters != UNANSWERED
    right, wrong = (np.unique(clusters[voters & (correct == one)], return_counts=True)
                    for one in (1, 0))  # fmt: skip
    _, of_right, of_wrong = np.intersect1d(right[0], wrong[0], return_indices=True)
    joined = int((right[1][of_right] * wrong[1][of_wrong]).sum())
    total = int(right[1].sum())
    alike = int((right[1] * (right[1] - 1)).sum())
    pairs = total * int(wrong[1].sum())
    return {
        "programs": len(clusters),
        "unanswered": int((~voters).sum()),
        "calls": outputs.shape[1],
        "telling_calls": sum(count > 1 for count in different),
        "outputs": float(np.mean(different)) if different else np.nan,
        "clusters": len(np.unique(clusters[voters])),
        "mixed": len(of_right),
        "joined": joined / pairs if pairs else np.nan,
        "split": 1 - alike / (total * (total - 1)) if total > 1 else np.nan,
    }


def _notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what the clusters are worth, over problems."""
    notes = ["programs with the same output on every call are one answer, a cluster"]
    silent = [row["problem_id"] for row in rows if not row["calls"]]
    few = [row for row in rows if row["calls"] and row["telling_calls"] < FEW]
    if silent:
        notes.append(
            f"{len(silent)} of {len(rows)} problems have no call, as their examples and visible "
            f"tests hold none: nothing tells their programs apart (first: {silent[0]})"
        )
    if few:
        notes.append(
            f"of {len(few)} of {len(rows)} problems fewer than {FEW} calls got more than one "
            "output: their programs are alike, or their calls too few or too plain to show it"
        )
    known = [row["joined"] for row in rows if not np.isnan(row["joined"])]
    if known:
        notes.append(
            f"{np.mean(known):.1%} of pairs of a right and a wrong program are in one cluster, "
            f"mean over {len(known)} problems that have both: no vote can tell these apart; "
            f"{sum(row['mixed'] > 0 for row in rows)} problems have such a cluster"
        )
    split = [row["split"] for row in rows if not np.isnan(row["split"])]
    if split:
        notes.append(
            f"{np.mean(split):.1%} of pairs of right programs are in two clusters, mean over "
            f"{len(split)} problems: their calls reach beyond what the tests decide"
        )
    return notes
