"""What can be compared: the accuracies of a run, and which of them make a pair.

There is an *accuracy* of each condition, subset size and selection of a run, one value per problem:
the exact expectation over all k-subsets where that is known and the mean over the drawn subsets
otherwise, of a selection that is called ``drawn_…``. Samples of unknown correctness are left out,
as in the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, cast

import pandas as pd

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.frames import POOL, Data
from workbench.analysis.known_outcomes import SINGLE as SINGLE
from workbench.analysis.known_outcomes import shown_outcomes
from workbench.core.conditions import (
    Condition,
    level_key,
    spell_condition,
    temperature_name,
    where_at,
)
from workbench.saved_run import Run

Key = tuple[str, int, str]
"""Condition, k, selection."""
Accuracies = Mapping[Key, "pd.Series[float]"]
"""One value per problem, in the order of tables."""

GREEDY = temperature_name(0.0)
"""The greedy condition's name; a dash and what else it has may follow."""
DIGITS = 12
"""Decimals kept, so that two ways to the same value give the same value."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two accuracies to be compared."""

    condition: str
    k: int
    selection: str
    against: str
    """What it is compared with: a condition, a selection or a run."""
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
        at = {"condition": self.condition, "selection": self.selection, "against": self.against}
        return named | at


def accuracies(run: Run) -> Accuracies:
    """Return a run's accuracies, in order: one value per problem, by condition, k and selection.

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
    shown = shown_outcomes(data)
    outcomes = [name for name in data.outcomes if name in drawn and shown[name] != name]
    names = [*map(_selection_of, shown.values()), SINGLE]
    means = drawn.groupby(POOL, observed=True)[outcomes].mean().rename(columns=shown)
    exact = [c for c in map(str, expected) if c.endswith("@k") and _selection_of(c) in names]
    found: dict[Key, pd.Series[float]] = {}
    drawn_names = [shown[name] for name in outcomes]
    for frame, columns in ((means.reset_index(), drawn_names), (expected, exact)):
        for key, part in frame.groupby(["condition", "k"], observed=True):
            name, k = cast(tuple[str, int], key)
            part = part.set_index("problem_id")[columns].astype(float).round(DIGITS)
            for column in columns:
                found[name, int(k), _selection_of(str(column))] = part[column].dropna()
            if k == 1 and "pass@k" in columns:
                found[name, 1, SINGLE] = part["pass@k"].dropna()
    rank = {one.name: place for place, one in enumerate(data.conditions)}
    order = sorted(  # what the experiment asks no longer, though it is still measured, comes last
        found,
        key=lambda key: (rank.get(key[0], len(rank)), key[1], names.index(key[2])),
    )
    known = {key: found[key] for key in order if len(found[key])}
    if not known:
        raise ValueError(
            f"{run.root} does not know of any sample whether it is correct; give its problems "
            "known answers, or import samples with their correctness"
        )
    return known


def unknown_samples(run: Run) -> int:
    """Count the samples of unknown correctness, which are left out."""
    return Data(run).unknown


def _selection_of(column: str) -> str:
    """Return a column's selection: ``maj`` of ``maj_correct`` and ``maj@k``, coverage of pass@k."""
    return column.replace("pass@k", "coverage").removesuffix("@k").removesuffix("_correct")


def _names(known: Iterable[Key]) -> list[str]:
    return list(dict.fromkeys(name for name, _, _ in known))


def condition_pairs(values: Accuracies, conditions: Sequence[Condition]) -> Iterator[Pair]:
    """Pair each condition with every earlier one that differs from it in one factor alone.

    Where no two conditions do, every one is paired with every earlier one.
    """
    known = {one.name: one for one in conditions}
    pairs = list(combinations([name for name in _names(values) if name in known], 2))
    alike = [(low, high) for low, high in pairs if _differing(known[low], known[high]) == 1]
    for low, high in alike or pairs:
        for (name, k, selection), one in values.items():
            if name == high and (low, k, selection) in values:
                against = spell_condition(low)
                yield Pair(high, k, selection, against, one, values[low, k, selection])


def _differing(one: Condition, other: Condition) -> int:
    """Count the factors in which two conditions differ."""
    names = {*one.own, *other.own}
    return sum(level_key(one.own.get(n)) != level_key(other.own.get(n)) for n in names)


def selection_pairs(values: Accuracies) -> Iterator[Pair]:
    """Pair each selection with a single sample and with the majority; coverage selects nothing."""
    for (condition, k, name), one in values.items():
        if k == 1 or name == "coverage":
            continue
        for other, size in ((SINGLE, 1), ("maj", k)):
            if other != name and (condition, size, other) in values:
                yield Pair(condition, k, name, other, one, values[condition, size, other])


def reward_pairs(values: Accuracies) -> Iterator[Pair]:
    """Pair the same selection by two rewards."""
    for (before, baseline), (after, one) in combinations(values.items(), 2):
        alike = before[2].partition(":")[0] == after[2].partition(":")[0]
        if before[:2] == after[:2] and alike and after[1] > 1:
            yield Pair(*after, before[2], one, baseline)


def run_pairs(first: Accuracies, other: Accuracies, against: str, name: str) -> Iterator[Pair]:
    """Pair the conditions that two runs share; two runs of one condition each need not share it.

    Raises:
        ValueError: they have no condition in common.
    """
    ours, theirs = map(_names, (first, other))
    partner = {condition: condition for condition in theirs if condition in ours}
    sampled = [[n for n in known if n.partition("-")[0] != GREEDY] for known in (ours, theirs)]
    if [len(known) for known in sampled] == [1, 1]:
        partner[sampled[1][0]] = sampled[0][0]
    if not partner:
        raise ValueError(_nothing_in_common(ours, theirs, against, name))
    for (condition, k, selection), one in other.items():
        before = partner.get(condition)
        if before is not None and (before, k, selection) in first:
            moved = "" if before == condition else f" {where_at(before)}"
            baseline = first[before, k, selection]
            yield Pair(condition, k, selection, f"{against}{moved}", one, baseline, run=name)


def _nothing_in_common(ours: Sequence[str], theirs: Sequence[str], against: str, name: str) -> str:
    """Return the message on two runs without a common condition: of temperatures, if all are."""
    spelt = [list(map(spell_condition, known)) for known in (ours, theirs)]
    plain = all(text.startswith("T = ") for known in spelt for text in known)
    kind = "temperatures" if plain else "conditions"
    listed = [", ".join(text.removeprefix("T = " * plain) for text in known) for known in spelt]
    add = "add one to either with --set generation.temperatures"
    return f"{against} ({kind} {listed[0]}) and {name} ({listed[1]}) have none in common; " + (
        add if plain else "give both runs one condition of the same name"
    )


def has_exact_expectation(selection: str) -> bool:
    """Whether the expectation over all k-subsets is known, so that there is a curve over k."""
    rule = AGGREGATORS.get(selection.partition(":")[0])
    return selection == "coverage" or (rule is not None and rule.expected is not None)
