"""The problems that flipped between runs or conditions, with the samples of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.compare.summary import labels_of
from workbench.analysis.frames import Table
from workbench.analysis.page.explorer import BUDGET, Explorer, explore
from workbench.analysis.page.grid import shown_condition
from workbench.analysis.page.packing import pack, unpack
from workbench.core.conditions import temperature_name
from workbench.saved_run import Run

MOST_PROBLEMS = 30
"""Problems whose samples a page carries: those that changed most."""


@dataclass(frozen=True)
class Flip:
    """One problem in the list, which opens both sides of it in the explorer."""

    problem: str
    left: str
    """What the explorer calls the pool that the row is against."""
    right: str
    """What it calls the pool of the row itself."""
    pair: str
    """Both, in words."""
    change: str
    """The vote on both sides."""
    direction: str
    """``to right``, ``to wrong`` or ``""``."""
    question: str


def flipped(
    runs: Sequence[Run], names: Sequence[str], table: Table, budget: int = BUDGET
) -> tuple[list[Flip], Explorer | None]:
    """Return the list of problems that flipped, and the explorer of their samples.

    Args:
        runs: all that are compared.
        names: of the runs.
        table: ``flips``, the largest changes first.
        budget: characters of packed samples.
    """
    rows = table.frame.to_dict("records")
    if not rows:
        return [], None
    ids = list(dict.fromkeys(str(row["problem_id"]) for row in rows))
    wanted = ids[:MOST_PROBLEMS]
    # seeds decide nothing: the wanted problems come in their own order
    share = budget // len(runs)
    parts = [explore(run, np.random.default_rng(0), share, wanted) for run in runs]
    held = [{one["id"]: one for one in part.problems} for part in parts]
    kept = [name for name in wanted if all(name in part for part in held)]
    several = len(runs) > 1
    problems = [
        _together([part[name] for part in held], names) if several else held[0][name]
        for name in kept
    ]
    flips = [_flip(row, names) for row in rows if str(row["problem_id"]) in set(kept)]
    pools = {one["id"]: {pool[0] for pool in one["pools"]} for one in problems}
    flips = [one for one in flips if {one.left, one.right} <= pools[one.problem]]
    of_all = [note for note in parts[0].notes if all(note in part.notes for part in parts)]
    notes = of_all + [
        f"{name}: {note}"
        for name, part in zip(names, parts, strict=True)
        for note in part.notes
        if note not in of_all
    ]
    if len(kept) < len(ids):
        notes.insert(
            0,
            f"the {len(kept):,} problems that changed most, of {len(ids):,} in the table flips: "
            "the samples of all of them would make the page too large",
        )
    return flips, Explorer(problems, len(ids), pd.DataFrame(), notes)


def _together(parts: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Return one problem with the pools of all runs, each named after its run."""
    whole, pools, sizes = unpack(parts[0]["chunk"]), [], []
    for name, part in zip(names, parts, strict=True):
        for pool in unpack(part["chunk"])["pools"]:
            pools.append(pool | {"condition": _pool_name(name, pool["condition"])})
        sizes += [[_pool_name(name, pool[0]), *pool[1:]] for pool in part["pools"]]
    return parts[0] | {"pools": sizes, "chunk": pack(whole | {"pools": pools})}


def _pool_name(run: str, condition: str) -> str:
    """Return what the explorer calls a pool of one of several runs: ``eight, T = 0.7``."""
    plain = condition[:1].isdigit() or condition == "unknown"
    return f"{run}, T = {condition}" if plain else f"{run}, {condition}"


def _flip(row: Mapping[Any, Any], names: Sequence[str]) -> Flip:
    who, number = labels_of(row)
    judged = "maj" if not pd.isna(row.get("maj")) else "right"
    number = number if judged == "maj" else "share right"
    name = row["condition"] if "condition" in row else temperature_name(row["temperature"])
    at, against = shown_condition(str(name)), str(row["against"])
    if "run" in row:
        # runs of one condition each are paired though their conditions differ: "base at T = 0.5"
        before = against.removeprefix(names[0])
        other = before.removeprefix(" at ").removeprefix(" in ").removeprefix("T = ")
        left, right = _pool_name(names[0], other or at), _pool_name(str(row["run"]), at)
    else:
        left, right = against.removeprefix("T = "), at
    return Flip(
        problem=str(row["problem_id"]),
        left=left,
        right=right,
        pair=f"{who} against {against}",
        change=f"{number} {row[f'{judged}_against']:.3f} → {row[judged]:.3f}",
        direction=str(row["flipped"]),
        question=str(row["question"]),
    )
