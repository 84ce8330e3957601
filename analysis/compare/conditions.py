"""What can be compared: the conditions of a run, and which of them make a pair.

A *condition* is one temperature, subset size and selection of one run; it has one value per
problem, the exact expectation over all k-subsets where that is known and the mean over the drawn
subsets otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, cast

import pandas as pd

from analysis.aggregate import AGGREGATORS
from analysis.frames import Data
from workbench.core.table_text import spell_temperature
from workbench.run import Run

Condition = tuple[float, int, str]
"""Temperature (that of an imported run which does not say is ``UNKNOWN``), k, selection."""
ConditionValues = Mapping[Condition, "pd.Series[float]"]
"""One value per problem, by condition."""

UNKNOWN = math.inf
"""NaN as a key: it has to equal itself, and sorts last."""
SINGLE = "single_sample"
DIGITS = 12
"""Decimals kept, so that two ways to the same value give the same value."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two conditions to be compared."""

    temperature: float
    """NaN where an imported run does not say."""
    k: int
    selection: str
    against: str
    """What it is compared with: a temperature, a selection or a run."""
    values: pd.Series[float]
    """By problem."""
    baseline: pd.Series[float]
    """By problem, of what it is compared with."""
    run: str = ""
    """Which run it is of, where there are several."""

    @cached_property
    def problems(self) -> pd.DataFrame:
        """``accuracy`` and ``baseline`` of the problems that have both."""
        both = pd.DataFrame({"accuracy": self.values, "baseline": self.baseline})
        return both.dropna().sort_index()

    @property
    def labels(self) -> dict[str, Any]:
        """The columns that tell pairs of the same k apart."""
        named = {"run": self.run} if self.run else {}
        return named | {
            "temperature": self.temperature, "selection": self.selection, "against": self.against,
        }  # fmt: skip


def conditions(run: Run) -> ConditionValues:
    """Return a run's accuracies, in order: one value per problem, by temperature, k and selection.

    Pools of which no sample's correctness is known are left out.

    Raises:
        ValueError: the run is not measured, or knows of no sample whether it is correct.
    """
    data = Data(run)
    drawn, expected = data.subsets, data.expectations
    if drawn.empty or expected.empty:
        raise ValueError(
            f"{run.root} has no pool of {min(run.experiment.measure.k)} samples yet; let "
            "`workbench generate` and `workbench measure` finish, or lower measure.k"
        )
    outcomes = [name for name in data.outcomes if name in drawn]
    names = [*map(_selection_of, data.outcomes), SINGLE]
    expected = _with_known_correctness(expected)
    drawn = drawn.merge(expected[["problem_id", "temperature"]].drop_duplicates())
    means = drawn.groupby(["problem_id", "temperature", "k"], dropna=False)[outcomes].mean()
    exact = [c for c in map(str, expected) if c.endswith("@k") and _selection_of(c) in names]
    found: dict[Condition, pd.Series[float]] = {}
    # exact values come second, and replace the means of drawn subsets
    for frame, columns in ((means.reset_index(), outcomes), (expected, exact)):
        rows = frame.assign(temperature=frame["temperature"].fillna(UNKNOWN))
        for key, part in rows.groupby(["temperature", "k"]):
            temperature, k = cast(tuple[float, int], key)
            part = part.set_index("problem_id")[columns].astype(float).round(DIGITS)
            for column in columns:
                found[temperature, int(k), _selection_of(str(column))] = part[column].dropna()
            if k == 1 and "pass@k" in columns:
                found[temperature, 1, SINGLE] = part["pass@k"]
    order = sorted(found, key=lambda known: (*known[:2], names.index(known[2])))
    cells = {condition: found[condition] for condition in order if len(found[condition])}
    if not cells:
        raise ValueError(
            f"{run.root} does not know of any sample whether it is correct; give its problems "
            "known answers, or import samples with their correctness"
        )
    return cells


def unknown_samples(run: Run) -> int:
    """Count the samples of unknown correctness that exact expectations take for wrong.

    A pool of which nothing is known has no expectation, and its samples are not counted.
    """
    pools = _with_known_correctness(run.expectations).drop_duplicates(["problem_id", "temperature"])
    return int(pools["num_unknown"].sum())


def _with_known_correctness(expected: pd.DataFrame) -> pd.DataFrame:
    """Leave out pools of which no sample's correctness is known."""
    return expected[expected["num_unknown"] < expected["n"]]


def _selection_of(column: str) -> str:
    """Return a column's selection: ``maj`` of ``maj_correct`` and ``maj@k``, coverage of pass@k."""
    return column.replace("pass@k", "coverage").removesuffix("@k").removesuffix("_correct")


def temperature_pairs(cells: ConditionValues) -> Iterator[Pair]:
    """Pair each temperature with every lower one."""
    for low, high in combinations(sorted({temperature for temperature, _, _ in cells}), 2):
        for (temperature, k, name), values in cells.items():
            if temperature == high and (low, k, name) in cells:
                against = f"T = {spell_temperature(_nan_if_unknown(low))}"
                yield Pair(_nan_if_unknown(high), k, name, against, values, cells[low, k, name])


def selection_pairs(cells: ConditionValues) -> Iterator[Pair]:
    """Pair each selection with a single sample and with the majority; coverage selects nothing."""
    for (temperature, k, name), values in cells.items():
        if k == 1 or name == "coverage":
            continue
        for other, condition in (
            (SINGLE, (temperature, 1, SINGLE)),
            ("maj", (temperature, k, "maj")),
        ):
            if other != name and condition in cells:
                yield Pair(_nan_if_unknown(temperature), k, name, other, values, cells[condition])


def reward_pairs(cells: ConditionValues) -> Iterator[Pair]:
    """Pair the same selection by two rewards."""
    for (before, baseline), (after, values) in combinations(cells.items(), 2):
        alike = before[2].partition(":")[0] == after[2].partition(":")[0]
        if before[:2] == after[:2] and alike and after[1] > 1:
            yield Pair(_nan_if_unknown(after[0]), *after[1:], before[2], values, baseline)


def run_pairs(
    first: ConditionValues, other: ConditionValues, against: str, name: str
) -> Iterator[Pair]:
    """Pair the conditions that two runs share; two runs of one temperature each need not share it.

    Raises:
        ValueError: they have no temperature in common.
    """
    ours, theirs = (sorted({temperature for temperature, _, _ in run}) for run in (first, other))
    partner = {temperature: temperature for temperature in theirs if temperature in ours}
    sampled = [[t for t in known if t > 0] for known in (ours, theirs)]
    if [len(known) for known in sampled] == [1, 1]:
        partner[sampled[1][0]] = sampled[0][0]
    if not partner:
        listed = [
            ", ".join(spell_temperature(_nan_if_unknown(t)) for t in known)
            for known in (ours, theirs)
        ]
        raise ValueError(
            f"{against} (temperatures {listed[0]}) and {name} ({listed[1]}) have none in common; "
            "add one to either with --set generation.temperatures"
        )
    for (temperature, k, selection), values in other.items():
        before = partner.get(temperature)
        if before is not None and (before, k, selection) in first:
            place = (
                against
                if before == temperature
                else f"{against} at T = {spell_temperature(_nan_if_unknown(before))}"
            )
            baseline = first[before, k, selection]
            yield Pair(
                _nan_if_unknown(temperature), k, selection, place, values, baseline, run=name
            )


def has_exact_expectation(selection: str) -> bool:
    """Whether the expectation over all k-subsets is known, so that there is a curve over k."""
    rule = AGGREGATORS.get(selection.partition(":")[0])
    return selection == "coverage" or (rule is not None and rule.expected is not None)


def _nan_if_unknown(temperature: float) -> float:
    return math.nan if temperature == UNKNOWN else temperature
