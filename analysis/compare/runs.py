"""Comparison on the same problems: of runs, or of one run's conditions, selections and rewards.

All tables hold one accuracy (``workbench.analysis.compare.conditions``) less another, problem by
problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.analysis.compare.conditions import (
    SINGLE,
    Pair,
    accuracies,
    condition_pairs,
    has_exact_expectation,
    reward_pairs,
    run_pairs,
    selection_pairs,
    unknown_samples,
)
from workbench.analysis.compare.flips import flips
from workbench.analysis.compare.settings import differing_settings, names_of, shared_problems
from workbench.analysis.condition_columns import has_names, with_levels
from workbench.analysis.frames import Table
from workbench.analysis.stats.paired import (
    Paired,
    compare_columns,
    discovery_rates,
    simultaneous_band,
)
from workbench.analysis.stats.power import MIN_PROBLEMS, POWER
from workbench.config.schema import Analysis
from workbench.core.conditions import Condition, in_order
from workbench.core.table_text import ALPHA
from workbench.saved_run import Run


def compare(runs: Sequence[Run | str | Path], k: Sequence[int] = ()) -> dict[str, Table]:
    """Compare runs with the first of them, or the conditions of a single run with each other.

    Args:
        runs: measured runs of the same problems, or their folders.
        k: subset sizes to show; by default all of the curves', and for the differences those that
            any of the runs measures. The bands hold over all of a curve whatever is shown of it.

    Returns:
        Tables by name. Of several runs: ``settings`` that differ, ``problems`` that are shared,
        ``differences``, ``flips``, ``curves`` and ``crossings``. Of one run: ``temperatures``, or
        where other factors vary ``conditions``, the pairs that differ in one factor; ``flips``,
        ``selections``, ``rewards``, ``curves`` and ``crossings``.

    Raises:
        ValueError: a run is not measured, no run is given or one twice, ``k`` is nowhere measured,
            or the runs have no problem or condition in common, or other questions under the same
            ids.
    """
    opened = [run if isinstance(run, Run) else Run(run) for run in runs]
    names = names_of(opened)
    tables: dict[str, Table] = {}
    if len(opened) > 1:
        tables["settings"] = differing_settings(opened, names)
        tables["problems"] = shared_problems(opened, names)
    first, *others = by_run = [accuracies(run) for run in opened]
    settings = opened[0].experiment.analysis
    sizes = {1, *(k or {size for run in opened for size in run.experiment.measure.k})}
    known = {size for found in by_run for _, size, _ in found}
    if not known.issuperset(k):
        raise ValueError(
            f"nothing is known at k = {min(set(k) - known)} (known: "
            f"{', '.join(map(str, sorted(known)))}); add it to measure.k, then `workbench measure`"
        )
    notes = [
        f"{name}: {count} samples of unknown correctness are left out, and drawn subsets that hold "
        "one"
        for name, run in zip(names, opened, strict=True)
        if (count := unknown_samples(run))
    ]
    kinds: dict[str, tuple[Iterable[Pair], str]]
    if others:
        pairs = [
            pair
            for name, other in zip(names[1:], others, strict=True)
            for pair in run_pairs(first, other, names[0], name)
        ]
        kinds = {"differences": (pairs, "no selection at a k in common")}
    else:
        pairs = list(condition_pairs(first, opened[0].conditions))
        factors = "conditions" if has_names(opened[0].conditions) else "temperatures"
        kinds = {
            factors: (pairs, f"the run has one {factors.removesuffix('s')}"),
            "selections": (selection_pairs(first), "no selection at the k asked for"),
            "rewards": (reward_pairs(first), "no selection by two rewards: best and best:NAME"),
        }
    for place, (name, (found, empty)) in enumerate(kinds.items()):
        # at k = 1 every selection is the single sample, which stands for all
        shown = [p for p in found if p.k in sizes and (p.k > 1 or p.selection == SINGLE)]
        table = differences(shown, settings)
        tables[name] = Table(table.frame, (*table.notes, *notes) if shown else (empty,))
        if place == 0:
            tables["flips"] = flips([p for p in pairs if p.k in sizes], _questions(opened))
    tables |= curves(pairs, settings, k)
    conditions = _all_conditions(opened)
    return {
        name: Table(with_levels(table.frame, conditions), table.notes)
        for name, table in tables.items()
    }


def _questions(runs: Sequence[Run]) -> dict[str, str]:
    """Return the question of each problem; "" where only its id is known."""
    found: dict[str, str] = {}
    for run in runs:
        asked = dict(zip(run.problems["problem_id"], run.problems["question"], strict=True))
        found |= {name: text for name, text in asked.items() if text or name not in found}
    return found


def _all_conditions(runs: Sequence[Run]) -> list[Condition]:
    """Return the conditions of several runs, each name once, in the order of tables."""
    found: dict[str, Condition] = {}
    for run in runs:
        found = {one.name: one for one in run.conditions} | found
    return in_order(list(found.values()))


def differences(pairs: Sequence[Pair], settings: Analysis) -> Table:
    """Return a row per pair: both means, the difference and what it is worth.

    Returns:
        Beside the pair's labels: ``accuracy`` and ``baseline``, means over the problems that have
        both; ``difference`` with its interval; ``p``, and ``q`` corrected for the number of rows;
        ``differ``, the share of problems whose values differ; ``problems``; ``smallest``, the
        difference that so many problems see; ``needed``, how many would see the observed one
        (NaN for none).
    """
    if not pairs:
        return Table(pd.DataFrame())
    judged = compare_columns(
        pd.concat([pair.gap for pair in pairs], axis=1).sort_index(),
        resamples=settings.resamples,
        confidence=settings.confidence,
        rng=np.random.default_rng(settings.seed),
    )
    found = pd.DataFrame(judged)
    frame = _means(pairs).assign(
        difference=found["value"],
        difference_low=found["low"],
        difference_high=found["high"],
        p=found["p"],
        q=discovery_rates(found["p"]),
        differ=found["differ"],
        problems=found["num_problems"],
        smallest=[paired.smallest for paired in judged],
        needed=[math.nan if math.isinf(paired.needed) else paired.needed for paired in judged],
    )
    return Table(frame, tuple(_notes(judged, settings)))


def _means(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return a row per pair: what tells it from others, and both means."""
    return pd.DataFrame([{**pair.labels, "k": pair.k, **pair.problems.mean()} for pair in pairs])


def _notes(judged: Sequence[Paired], settings: Analysis) -> Iterator[str]:
    yield "difference = accuracy - baseline, problem by problem"
    yield (
        "exact over all k-subsets, but for selections that begin with drawn_: means over the "
        "drawn ones"
    )
    few = sum(found.num_problems < MIN_PROBLEMS for found in judged)
    if few:
        yield f"no interval and no p in {few} rows: fewer than {MIN_PROBLEMS} problems"
    if any(found.differ == 0 and found.num_problems >= MIN_PROBLEMS for found in judged):
        yield "[0, 0] where no problem differs: nothing is known of problems that would"
    if few < len(judged):
        yield (
            f"[low, high]: {settings.confidence:.0%} intervals, the problem as the unit; p: paired "
            f"sign flips; q: p corrected for the {len(judged)} rows here (Benjamini-Hochberg)"
        )
        yield (
            "differ: share of problems whose values differ; smallest: difference that so many "
            f"problems see with {POWER:.0%} power at {ALPHA:.0%}; needed: problems that would see "
            "the observed difference, were it the true one"
        )


def curves(
    pairs: Sequence[Pair], settings: Analysis, shown: Sequence[int] = ()
) -> dict[str, Table]:
    """Compare exact accuracies as curves over k, with bands that hold at all k at once.

    Args:
        pairs: what is compared; those that differ in k only make a curve.
        settings: confidence and seed.
        shown: the k that get a row; all of them by default.

    Returns:
        ``curves``, a row per curve and k with the band of the difference and on which ``side`` of
        0 it lies; ``crossings``, a row per curve: the first k at which the band is wholly above 0
        and wholly below it, and whether both happen.
    """
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        if has_exact_expectation(pair.selection):
            groups.setdefault(str(pair.labels), []).append(pair)
    points, crossings = [], []
    for group in groups.values():
        if len(group) < 2:
            continue
        band = simultaneous_band(
            pd.concat([pair.gap for pair in group], axis=1).sort_index(),
            confidence=settings.confidence,
            rng=np.random.default_rng(settings.seed),
        )
        sides = np.where(band.low > 0, "above", np.where(band.high < 0, "below", ""))
        curve = _means(group).assign(
            difference=band.value,
            difference_low=band.low,
            difference_high=band.high,
            side=sides,
            problems=[len(pair.problems) for pair in group],
        )
        points.append(curve[curve["k"].isin(shown or curve["k"])])
        sizes = curve["k"].astype(float)
        row = {**group[0].labels, "k_from": group[0].k, "k_to": group[-1].k}
        for side in ("above", "below"):
            row[f"{side}_from"] = sizes[sides == side].min()
        crossings.append(row | {"crosses": {"above", "below"} <= {*sides}})
    if not crossings:
        nothing = Table(pd.DataFrame(), ("no two conditions with a curve over k in common",))
        return {"curves": nothing, "crossings": nothing}
    band_note = (
        f"[low, high]: a {settings.confidence:.0%} band for the whole curve, at all its k at once; "
        f"[-1, 1] where all problems differ alike, none below {MIN_PROBLEMS} problems"
    )
    note = "above_from: the first k at which the band is wholly above 0; below_from: below it"
    return {
        "curves": Table(pd.concat(points, ignore_index=True), (band_note,)),
        "crossings": Table(pd.DataFrame(crossings), (note,)),
    }
