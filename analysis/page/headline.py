"""The few numbers that a page opens with, and one sentence on the changes that they show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.compare.conditions import SINGLE, Accuracies, Pair, accuracies
from workbench.analysis.compare.runs import differences
from workbench.analysis.compare.summary import is_significant
from workbench.analysis.condition_columns import factor_columns
from workbench.analysis.frames import ENDS, Data, Table
from workbench.analysis.known_outcomes import largest_whole
from workbench.analysis.page.factor_sentences import largest_effect, other_levels
from workbench.analysis.page.tables import PageTable, page_table
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS
from workbench.analysis.tables.shared import extreme_notes
from workbench.config.schema import Analysis
from workbench.core.conditions import TEMPERATURE, Condition, spell_condition
from workbench.core.table_text import ALPHA
from workbench.saved_run import Run

TEXTS = "distinct texts"
WORDS = {
    SINGLE: ("a single sample is right", "more often", "less often"),
    "maj": ("the majority of {k} is right", "more often", "less often"),
    "best": ("the best of {k} by reward is right", "more often", "less often"),
    "coverage": ("any of {k} is right", "more often", "less often"),
    TEXTS: ("texts", "repeat less", "repeat more"),
}
"""By number: the words for it, for an increase and for a decrease."""


@dataclass(frozen=True)
class Tile:
    """One number, or what it went from and to."""

    label: str
    value: str
    detail: str
    """Its interval, or the change and its interval."""


@dataclass(frozen=True)
class Headline:
    """What stands at the top of a page."""

    sentence: str
    tiles: Sequence[Tile] = ()
    notes: Sequence[str] = ()
    """How the tiles are to be read."""
    table: PageTable | None = None
    compared: Sequence[str] = ()
    """The two conditions that the sentence is about, if there are two."""
    levels: pd.DataFrame | None = None
    """The numbers of the table, all rows of it."""


def headline(run: Run) -> Headline:
    """Return a run's headline: levels by condition, and the change from coldest to hottest.

    Where other factors vary, these two conditions are alike in them, and a second sentence tells
    the largest effect of another factor that is shown. Where several samples were drawn in one
    condition only, the change is that from a single sample to what is made of k.

    Raises:
        ValueError: the run is not measured and analysed, or no sample's correctness is known.
    """
    known, data = accuracies(run), Data(run)
    levels, k = _levels(run, data)
    table = page_table(
        "headline",
        f"One sample, what is made of {k}, whether any of {k} is right, and how much texts repeat.",
        Table(levels),
    )
    share = f"{run.experiment.analysis.confidence:.0%} intervals, the problem as the unit"
    ends = _coldest_and_hottest(known, data)
    if ends is None:
        row = levels.iloc[-1]
        tiles = [
            Tile(name, f"{row[name]:.3f}", _interval(row, name))
            for name in map(str, levels)
            if f"{name}_low" in row and not math.isnan(row[name])
        ]
        notes = (f"[low, high]: {share}", *_unknown_notes(data, k))
        said = sentence_on_k(run, known, k)
        return Headline(said, tiles, notes, table, levels=levels)
    changed = changes(data, known, *ends, k)
    cold, hot = map(spell_condition, ends)
    notes = (
        f"{cold} → {hot}, and the mean change of the same problems; [low, high]: {share}; "
        f"* shown: the interval leaves out 0 and q < {ALPHA:g}, corrected over these changes "
        "(Benjamini-Hochberg)",
        *_unknown_notes(data, k),
    )
    tiles = [change_tile(_label(row), row) for row in changed.to_dict("records")]
    start = f"From {cold} to {hot}"
    if others := other_levels(data.conditions, ends[0]):
        start += f" at {others}"
    said = " ".join(filter(None, (sentence(changed, start), largest_effect(run, k))))
    return Headline(said, tiles, notes, table, ends, levels)


def _levels(run: Run, data: Data) -> tuple[pd.DataFrame, int]:
    """Return accuracies at the largest k by condition, with their intervals, and that k.

    It is the largest at which samples of unknown correctness cost no pool.
    """
    curve = run.table("coverage_curve")
    k = largest_whole(data.expectations, curve["k"])
    keys = ["condition", *factor_columns(curve)] if "condition" in curve else ["temperature"]
    one, most = (curve[curve["k"] == size].set_index(keys) for size in (1, k))
    shown = [("single sample", one, "pass@k"), (f"maj@{k}", most, "maj@k")]
    shown += [(f"best@{k}", most, "best@k"), (f"coverage@{k}", most, "pass@k")]
    found = {
        f"{name}{end}": table[f"{column}{end}"]
        for name, table, column in shown
        if column in table
        for end in ENDS
    }
    levels = pd.DataFrame(found)
    if "condition" in curve:
        order = curve[keys].drop_duplicates()  # to which one level that is not set equals another
        levels = levels.reindex(pd.MultiIndex.from_frame(order))
    texts = run.table("statuses") if "statuses" in run.tables else pd.DataFrame()
    if "distinct_texts" in texts:
        texts = texts.set_index(keys).reindex(levels.index)
        for end in ENDS:
            levels[f"{TEXTS}{end}"] = texts.get(f"distinct_texts{end}", np.nan)
    return levels.reset_index(), k


def _coldest_and_hottest(known: Accuracies, data: Data) -> tuple[str, str] | None:
    """Return the coldest and the hottest condition of which several samples are drawn.

    The two differ in the temperature alone: of all such sets the one of most temperatures, and of
    several the one with the most of the experiment's own settings.
    """
    several = {name for name, k, _ in known if k > 1}
    alike: dict[str, list[Condition]] = {}
    for one in data.conditions:
        if one.name in several and one.temperature is not None:
            others = {name: level for name, level in one.own.items() if name != TEMPERATURE}
            alike.setdefault(repr(others), []).append(one)
    most = max(alike.values(), key=lambda one: (len(one), -len(one[0].changed)), default=[])
    return (most[0].name, most[-1].name) if len(most) > 1 else None


def _unknown_notes(data: Data, k: int) -> list[str]:
    """Count the samples of unknown correctness, and say what they could change."""
    if not data.unknown:
        return []
    left = f"{data.unknown:,} samples of unknown correctness are left out"
    why = f"k = {k} is the largest at which that costs no pool of which anything is known"
    return [f"{left}; {why}", *extreme_notes(data, "a single sample")]


def changes(data: Data, known: Accuracies, cold: str, hot: str, most: int) -> pd.DataFrame:
    """Return the paired differences between two conditions, a row per headline number.

    Those of subsets are at the largest k, ``most`` or below, that both conditions have.
    """
    covered = [(t, k) for t, k, name in known if name == "coverage" and k <= most]
    k = max({k for t, k in covered if t == cold} & {k for t, k in covered if t == hot})
    against = spell_condition(cold)
    pairs = []
    for name, size in ((SINGLE, 1), ("maj", k), ("best", k), ("coverage", k)):
        values, baseline = (known.get((end, size, name)) for end in (hot, cold))
        if values is not None and baseline is not None:
            pairs.append(Pair(hot, size, name, against, values, baseline))
    wide = data.pools.pivot(index="problem_id", columns="condition", values="distinct_texts")
    pairs.append(Pair(hot, k, TEXTS, against, wide[hot], wide[cold]))
    return differences(pairs, data.run.experiment.analysis).frame


def gains(known: Accuracies, settings: Analysis, condition: str, k: int) -> pd.DataFrame:
    """Return the paired differences between k samples and one, a row per headline number."""
    pairs = []
    for name in ("coverage", "maj", "best"):
        values = known.get((condition, k, name))
        baseline = known.get((condition, 1, SINGLE))
        if values is not None and baseline is not None:
            pairs.append(Pair(condition, k, name, SINGLE, values, baseline))
    return differences(pairs, settings).frame


def sentence_on_k(run: Run, known: Accuracies, k: int) -> str:
    """Say what k samples are worth against one, in the one condition that has several."""
    several = [t for t, size, name in known if size == k > 1 and name == "coverage"]
    only = "At one temperature one sample of each problem is known, so there is no change to tell."
    if not several:
        return only
    changed = gains(known, run.experiment.analysis, several[0], k)
    start = f"With {k} samples instead of one"
    return only if changed.empty else sentence(changed, start, levels=True)


def sentence(changed: pd.DataFrame, start: str, *, levels: bool = False) -> str:
    """Say what changed as far as the intervals show it, and what is not shown to have changed.

    ``start`` begins the sentence and says between what; ``levels`` adds the two values.
    """
    if int(changed["problems"].max()) < MIN_PROBLEMS:
        return (
            f"{start}, no change can be claimed: below {MIN_PROBLEMS} problems there are no "
            "intervals."
        )
    shown, rest = [], []
    for row in changed.to_dict("records"):
        what, more, less = WORDS[row["selection"]]
        if is_significant(row):
            said = f"{what.format(k=row['k'])} {more if row['difference'] > 0 else less}"
            if levels:
                said += f" ({row['baseline']:.3f} → {row['accuracy']:.3f})"
            shown.append(said)
        else:
            rest.append(_label(row))
    text = f"{start}, {_listed(shown)}" if shown else f"{start}, no change is shown"
    if shown and rest:
        text += f"; no change is shown in {_listed(rest, 'or')}"
    return f"{text}."


def change_tile(label: str, row: Mapping[Any, Any]) -> Tile:
    """Return a row of paired differences as a tile: from, to, and the difference."""
    star = "*" if is_significant(row) else ""
    return Tile(
        label,
        f"{row['baseline']:.3f} → {row['accuracy']:.3f}",
        f"{row['difference']:+.3f}{_interval(row, 'difference')}{star}",
    )


def _label(row: Mapping[Any, Any]) -> str:
    name, k = str(row["selection"]), int(row["k"])
    return {SINGLE: "single sample", TEXTS: TEXTS}.get(name, f"{name}@{k}")


def _interval(row: Mapping[Any, Any] | pd.Series[Any], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "" if np.isnan(low) else f" [{low:.3f}, {high:.3f}]"


def _listed(words: Sequence[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
