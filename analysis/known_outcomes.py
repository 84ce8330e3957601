"""What is known of each outcome of a pool: exactly where that can be, else over drawn subsets.

One name has one number. An outcome of which the expectation over all k-subsets is known is that
expectation, in the column of its own name (``maj_correct``, ``coverage``), of every pool that has k
samples of known correctness. Of the others only the mean over the drawn subsets is known, which
stands in ``drawn_weighted_correct`` with its sampling error, of the pools of which a subset
without a sample of unknown correctness was drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.frames import POOL, Data
from workbench.core.types import Ints

DRAWN = "drawn_"
"""Begins the name of an outcome of which only a mean over drawn subsets is known."""
ERROR = "_error"
"""Ends the name of the column with such a mean's sampling error."""
VARIANCE = "_variance"
"""Ends the name of the column with a pool's share in it."""
SINGLE = "single_sample"


def exact_columns(data: Data) -> dict[str, str]:
    """Outcomes, each with the column of its exact expectation."""
    names = {o: o.removesuffix("_correct").replace("coverage", "pass") for o in data.outcomes}
    return {o: f"{n}@k" for o, n in names.items() if f"{n}@k" in data.expectations}


def shown_outcomes(data: Data) -> dict[str, str]:
    """Outcomes, each with the name under which tables show it."""
    exact = exact_columns(data)
    return {name: name if name in exact else f"{DRAWN}{name}" for name in data.outcomes}


def drawn_outcomes(data: Data) -> list[str]:
    """Return the names under which tables show means over drawn subsets."""
    return [shown for name, shown in shown_outcomes(data).items() if shown != name]


def largest_whole(expected: pd.DataFrame, sizes: Iterable[int]) -> int:
    """Return the largest of some k at which samples of unknown correctness cost no pool.

    So that what is made of k samples, and a single one, are of the same problems; the smallest k
    where they cost some at every one. Whatever shows one k alone shows this one.

    Args:
        expected: a run's expectations, a row per pool and k.
        sizes: the k to choose from, one at least.
    """
    known = expected["n"] - expected["num_unknown"]
    short = {*expected.loc[known.between(1, expected["k"] - 1), "k"]}
    found = {*sizes}
    return int(max(found - short, default=min(found)))


def known_outcomes(data: Data) -> pd.DataFrame:
    """Return a row for each pool and measured k: ``single_sample`` and what tables show.

    Beside a mean over drawn subsets stands its ``…_variance``: that of the mean over other draws
    from the same pool.
    """
    return _known(data, data.expectations, data.judged)


def mixed_outcomes(data: Data) -> pd.DataFrame:
    """Return the same of the pools mixed across conditions; may be empty."""
    return _known(data, data.mixed_expectations, data.mixed)


def _known(data: Data, expected: pd.DataFrame, subsets: pd.DataFrame) -> pd.DataFrame:
    """Put together what is exactly known of pools, and means over their drawn subsets."""
    shown, exact = shown_outcomes(data), exact_columns(data)
    drawn = [name for name in shown if name not in exact]
    ends = [f"{DRAWN}{name}{VARIANCE}" for name in drawn]
    columns = [*POOL, SINGLE, *shown.values(), *ends]
    if expected.empty:
        return pd.DataFrame(columns=columns)
    judged = expected["n"] - expected["num_unknown"]
    frame = expected.assign(judged=judged)[[*POOL, "judged", *exact.values()]]
    ones = frame.loc[frame["k"] == 1, [*POOL[:2], "pass@k"]].rename(columns={"pass@k": SINGLE})
    measured = frame["k"].isin(data.subsets["k"].unique()) & (frame["judged"] >= frame["k"])
    frame = frame[measured].rename(columns={column: name for name, column in exact.items()})
    frame = frame.merge(ones, on=POOL[:2], how="left")
    if drawn:
        groups = subsets.groupby(POOL, observed=True)[drawn]
        for end, part in {"": groups.mean(), VARIANCE: groups.var() / groups.count()}.items():
            part.columns = pd.Index([f"{DRAWN}{name}{end}" for name in drawn])
            frame = frame.merge(part.reset_index(), on=POOL, how="left")
        only = frame["k"] == frame["judged"]
        for name in ends:  # the only subset there is: no other could have been drawn
            there = frame[name.removesuffix(VARIANCE)].notna()
            frame[name] = frame[name].mask(only & there, 0.0)
    return frame[columns]


def mean_variances(outcomes: pd.DataFrame, *, only: bool) -> dict[str, float]:
    """Return ``NAME_variance`` of the means over a pool's drawn subsets, a row each.

    ``only`` says whether it has no other subset of that size.
    """
    found = (outcomes.var() / len(outcomes)).to_dict()
    return {f"{name}{VARIANCE}": 0.0 if only else value for name, value in found.items()}


def drawn_errors(frame: pd.DataFrame, lines: Ints, names: Sequence[str]) -> pd.DataFrame:
    """Return ``NAME_error`` of means over drawn subsets, a row per line of a table.

    It is the standard error of the mean over the line's pools, given the pools: how far other
    draws of subsets would move it. NaN where a pool has one drawn subset of several, which says
    nothing of its spread. Draws that happen to be all the subsets there are vary less than this.

    Args:
        frame: a row per pool, with each name and ``NAME_variance``.
        lines: which line of the table each row is of.
        names: columns of means over drawn subsets.
    """
    found: dict[str, Any] = {}
    for name in names:
        there = frame[name].notna().to_numpy()
        variance = np.where(there, frame[f"{name}{VARIANCE}"], 0.0)
        count = np.bincount(lines, weights=there)
        total = np.bincount(lines, weights=variance)
        error = np.sqrt(total) / np.where(count > 0, count, np.nan)
        found[f"{name}{ERROR}"] = error
    return pd.DataFrame(found)


def with_errors(table: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Put each sampling error behind the bounds of the mean that it belongs to."""
    order = list(table.columns)
    for column in map(str, errors.columns):
        order.insert(order.index(f"{column.removesuffix(ERROR)}_high") + 1, column)
    return pd.concat([table, errors], axis=1)[order]


def how_known(data: Data) -> str:
    """Say which outcomes are exact expectations, and which are means over drawn subsets."""
    exact, drawn = (", ".join(names) for names in (exact_columns(data), drawn_outcomes(data)))
    return f"exact over all k-subsets: {exact}" + (f"; over the drawn ones: {drawn}" * bool(drawn))


def drawn_notes(data: Data, table: pd.DataFrame) -> list[str]:
    """Say how uncertain means over drawn subsets are, and of which pools there are none."""
    notes = [how_known(data), *error_notes(table)]
    if drawn := drawn_outcomes(data):
        short = int(known_outcomes(data)[drawn[0]].isna().sum())
        what = "without a sample of unknown correctness; they are left out of what is drawn"
        notes += [f"{short} pools of which no subset was drawn {what}"] * bool(short)
    return notes


def error_notes(table: pd.DataFrame) -> list[str]:
    """Give the largest sampling error of a table's means over drawn subsets."""
    names = [c for c in map(str, table) if c.startswith(DRAWN) and c.endswith(ERROR)]
    largest = np.nanmax(table[names].to_numpy(dtype=float), initial=-np.inf)
    if largest < 0:
        return []
    what = "standard error of the draw, given the pools"
    return [f"sampling error of {DRAWN}… ({what}): {largest:.4f} at most; {ERROR[1:]}s: in the CSV"]
