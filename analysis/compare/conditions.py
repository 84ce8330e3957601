"""What can be compared: the conditions of a run, and which of them make a pair.

A *condition* is one temperature, subset size and selection of one run; it has one value per
problem, the exact expectation over all k-subsets where that is known and the mean over the drawn
subsets otherwise. Samples of unknown correctness are left out, as in the tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, cast

import pandas as pd

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.frames import Data
from workbench.core.table_text import spell_temperature
from workbench.core.types import known_temperature
from workbench.saved_run import Run

Condition = tuple[float | None, int, str]
"""Temperature (None where an imported run does not say), k, selection."""
ConditionValues = Mapping[Condition, "pd.Series[float]"]
"""One value per problem, by condition."""

SINGLE = "single_sample"
DIGITS = 12
"""Decimals kept, so that two ways to the same value give the same value."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two conditions to be compared."""

    temperature: float | None
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
    def gap(self) -> pd.Series[float]:
        """Accuracy less baseline of the problems that have both."""
        return self.problems["accuracy"] - self.problems["baseline"]

    @property
    def labels(self) -> dict[str, Any]:
        """The columns that tell pairs of the same k apart."""
        named = {"run": self.run} if self.run else {}
        temperature = math.nan if self.temperature is None else self.temperature
        at = {"temperature": temperature, "selection": self.selection, "against": self.against}
        return named | at


def conditions(run: Run) -> ConditionValues:
    """Return a run's accuracies, in order: one value per problem, by temperature, k and selection.

    Pools without k samples of known correctness are left out.

    Raises:
        ValueError: the run is not measured, or knows of no sample whether it is correct.
    """
    data = Data(run)
    drawn, expected = data.judged, data.exact
    if data.subsets.empty or data.expectations.empty:
        raise ValueError(
            f"{run.root} has no pool of {min(run.experiment.measure.k)} samples yet; let "
            "`workbench generate` and `workbench measure` finish, or lower measure.k"
        )
    outcomes = [name for name in data.outcomes if name in drawn]
    names = [*map(_selection_of, data.outcomes), SINGLE]
    means = drawn.groupby(["problem_id", "temperature", "k"], dropna=False)[outcomes].mean()
    exact = [c for c in map(str, expected) if c.endswith("@k") and _selection_of(c) in names]
    found: dict[Condition, pd.Series[float]] = {}
    # exact values come second, and replace the means of drawn subsets
    for frame, columns in ((means.reset_index(), outcomes), (expected, exact)):
        for key, part in frame.groupby(["temperature", "k"], dropna=False):
            at, k = cast(tuple[float, int], key)
            temperature = known_temperature(at)
            part = part.set_index("problem_id")[columns].astype(float).round(DIGITS)
            for column in columns:
                found[temperature, int(k), _selection_of(str(column))] = part[column].dropna()
            if k == 1 and "pass@k" in columns:
                found[temperature, 1, SINGLE] = part["pass@k"].dropna()
    order = sorted(found, key=lambda c: (unknown_last(c[0]), c[1], names.index(c[2])))
    by_condition = {condition: found[condition] for condition in order if len(found[condition])}
    if not by_condition:
        raise ValueError(
            f"{run.root} does not know of any sample whether it is correct; give its problems "
            "known answers, or import samples with their correctness"
        )
    return by_condition


def unknown_samples(run: Run) -> int:
    """Count the samples of unknown correctness, which are left out."""
    return Data(run).unknown


def _selection_of(column: str) -> str:
    """Return a column's selection: ``maj`` of ``maj_correct`` and ``maj@k``, coverage of pass@k."""
    return column.replace("pass@k", "coverage").removesuffix("@k").removesuffix("_correct")


def unknown_last(temperature: float | None) -> float:
    """Return what temperatures are sorted by: an unknown one comes last."""
    return math.inf if temperature is None else temperature


def _temperatures(known: Iterable[Condition]) -> list[float | None]:
    return sorted({temperature for temperature, _, _ in known}, key=unknown_last)


def temperature_pairs(by_condition: ConditionValues) -> Iterator[Pair]:
    """Pair each temperature with every lower one."""
    for low, high in combinations(_temperatures(by_condition), 2):
        against = f"T = {spell_temperature(low)}"
        for (temperature, k, name), values in by_condition.items():
            if temperature == high and (low, k, name) in by_condition:
                yield Pair(high, k, name, against, values, by_condition[low, k, name])


def selection_pairs(by_condition: ConditionValues) -> Iterator[Pair]:
    """Pair each selection with a single sample and with the majority; coverage selects nothing."""
    for (temperature, k, name), values in by_condition.items():
        if k == 1 or name == "coverage":
            continue
        for other, size in ((SINGLE, 1), ("maj", k)):
            if other != name and (temperature, size, other) in by_condition:
                baseline = by_condition[temperature, size, other]
                yield Pair(temperature, k, name, other, values, baseline)


def reward_pairs(by_condition: ConditionValues) -> Iterator[Pair]:
    """Pair the same selection by two rewards."""
    for (before, baseline), (after, values) in combinations(by_condition.items(), 2):
        alike = before[2].partition(":")[0] == after[2].partition(":")[0]
        if before[:2] == after[:2] and alike and after[1] > 1:
            yield Pair(*after, before[2], values, baseline)


def run_pairs(
    first: ConditionValues, other: ConditionValues, against: str, name: str
) -> Iterator[Pair]:
    """Pair the conditions that two runs share; two runs of one temperature each need not share it.

    Raises:
        ValueError: they have no temperature in common.
    """
    ours, theirs = map(_temperatures, (first, other))
    partner = {temperature: temperature for temperature in theirs if temperature in ours}
    sampled = [[t for t in known if t != 0] for known in (ours, theirs)]
    if [len(known) for known in sampled] == [1, 1]:
        partner[sampled[1][0]] = sampled[0][0]
    if not partner:
        listed = [", ".join(map(spell_temperature, known)) for known in (ours, theirs)]
        raise ValueError(
            f"{against} (temperatures {listed[0]}) and {name} ({listed[1]}) have none in common; "
            "add one to either with --set generation.temperatures"
        )
    for (temperature, k, selection), values in other.items():
        before = partner.get(temperature)
        if temperature in partner and (before, k, selection) in first:
            moved = "" if before == temperature else f" at T = {spell_temperature(before)}"
            baseline = first[before, k, selection]
            yield Pair(temperature, k, selection, f"{against}{moved}", values, baseline, run=name)


def has_exact_expectation(selection: str) -> bool:
    """Whether the expectation over all k-subsets is known, so that there is a curve over k."""
    rule = AGGREGATORS.get(selection.partition(":")[0])
    return selection == "coverage" or (rule is not None and rule.expected is not None)
