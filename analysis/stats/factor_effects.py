"""Main effects of factors and their interactions, paired by problem.

The outcomes of a problem in the conditions that differ in one factor alone are compared with one
another, averaged over the combinations of the other factors, and then over problems.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.stats.bootstrap import bootstrap_sums, sum_values
from workbench.analysis.stats.contrasts import judge_contrasts
from workbench.analysis.stats.design import Design
from workbench.core.types import Floats, Ints

ENDS = ("", "_low", "_high", "_p")
MAIN = ["factor", "level", "reference", "outcome", "combinations", "problems", "left_out"]
PAIR = ["factor_a", "level_a", "reference_a", "factor_b", "level_b", "reference_b"]
INTERACTION = [*PAIR, "outcome", "combinations", "problems", "left_out"]


@dataclass(frozen=True)
class _Lines:
    """The lines of a table while they are gathered: keys, and (P, Y) values by problem."""

    keys: list[tuple[Hashable, ...]] = field(default_factory=list)
    combinations: list[int] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)

    def add(self, keys: tuple[Hashable, ...], combinations: int, values: Floats) -> None:
        self.keys.append(keys)
        self.combinations.append(combinations)
        self.values.append(values)


def main_effects(
    outcomes: Floats,
    design: Design,
    names: Sequence[str],
    *,
    weights: Iterable[Floats],
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What each level of each factor gives, and how much more than the reference level.

    A level is matched with the reference at every combination of the other factors at which both
    exist. ``mean`` is over these combinations and problems; ``difference`` is the mean of the
    level less the mean of the reference at the same combinations and problems, so that it is 0
    where the factor does nothing. On a full grid all levels are averaged over the same
    combinations, and differences are those of the means. In other designs the levels may be
    matched at different combinations: compare levels by their differences, never by their means.

    Args:
        outcomes: (P, C, Y) of P problems, C conditions and Y outcomes, exact expectations where
            there are any; NaN where unknown.
        design: the factor levels of the conditions, in the same order.
        names: the Y outcomes' names.
        weights: (resamples, P) blocks of how often each problem is drawn, such as ``Resamples``.
        confidence: share of intervals that should hold the true value.
        rng: draws the signs behind the p-values.

    Returns:
        A row for each separable factor, outcome and level: ``factor``, ``level``, ``reference``;
        ``outcome``; ``combinations`` of the other factors averaged over, 0 where the level is
        matched with no condition at the reference; ``problems`` behind the numbers, and those
        ``left_out`` because an outcome is unknown in one of the conditions compared; ``mean`` with
        ``mean_low`` and ``mean_high`` (percentile bootstrap over problems, as everywhere);
        ``difference`` with ``_low``, ``_high`` and ``_p`` (``judge_contrasts``), NaN in the row of
        the reference. Bounds and p are NaN below 10 problems. Factors that are confounded are not
        there: ``Design.confounding_notes`` says so. No row at all where no factor is separable.

    Raises:
        ValueError: the shapes do not fit, or an outcome is infinite.

    Example:
        Ten problems; min_p takes 0.1 from the accuracy at T = 1.5, and nothing at T = 0.7.

        >>> from workbench.analysis.stats.bootstrap import Resamples
        >>> from workbench.analysis.stats.design import design_of
        >>> design = design_of([{"T": t, "min_p": p} for t in (0.7, 1.5) for p in (0.0, 0.1)])
        >>> accuracy = np.tile([0.5, 0.5, 0.6, 0.5], (10, 1))[:, :, None]
        >>> found = main_effects(accuracy, design, ["pass@1"], weights=Resamples(10, 100, 0),
        ...                      rng=np.random.default_rng(0))
        >>> found[["factor", "level", "mean", "difference"]].round(3).values.tolist()
        [['T', 0.7, 0.5, nan], ['T', 1.5, 0.55, 0.05], ['min_p', 0.0, 0.55, nan], \
['min_p', 0.1, 0.5, -0.05]]

    Source:
        Average marginal effects: on a full grid the coefficients of a linear model of the factors
        without interactions, with treatment coding, and of the same with a random effect of the
        problem; the interval is that of the errors clustered by problem.
    """
    values = _checked(outcomes, design, names)
    lines, gaps = _Lines(), []
    for factor in design.separable:
        for level, count, mean, gap in _matched_levels(values, design, factor):
            lines.add((factor, level, design.reference(factor)), count, mean)
            gaps.append(gap)
    if not gaps:
        return pd.DataFrame(columns=[*MAIN, *_named("mean", 3), *_named("difference", 4)])
    means = _columns(lines.values)
    sums, counts = sum_values(means, np.arange(len(means)))
    found = bootstrap_sums(sums, counts, weights, confidence)
    judged = judge_contrasts(_columns(gaps), confidence=confidence, rng=rng)
    frame = _labelled(MAIN, lines, names, values, found.num_problems)
    parts = dict(zip(_named("mean", 3), (found.value, found.low, found.high), strict=True))
    gap_parts = judged.value, judged.low, judged.high, judged.p
    parts |= dict(zip(_named("difference", 4), gap_parts, strict=True))
    return _by_outcome(frame.assign(**parts), ["factor"], names)


def interactions(
    outcomes: Floats,
    design: Design,
    names: Sequence[str],
    *,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """How much the effect of one factor depends on the level of another.

    The effect of a level of b (against b's reference) at a level of a, less the same effect at a's
    reference: (y[a, b] - y[a, b0]) - (y[a0, b] - y[a0, b0]), by problem, averaged over the
    combinations of the other factors at which all levels of the two are crossed. It is 0 where the
    effects add up; positive where the two together give more than the sum of what each gives
    alone. It depends on the scale: effects that add up in one outcome do not in another.

    Takes (P, C, Y) outcomes, NaN where unknown, the design of the C conditions, and the Y names.

    Returns:
        A row for each pair of factors that are crossed somewhere, outcome and pair of levels other
        than the references: ``factor_a``, ``level_a``, ``reference_a``, and so for b;
        ``outcome``; ``combinations`` of the other factors averaged over; ``problems``, and those
        ``left_out`` because an outcome is unknown in one of the conditions; ``interaction`` with
        ``_low``, ``_high`` and ``_p`` (``judge_contrasts``), NaN below 10 problems. No row where
        no two factors are crossed.

    Raises:
        ValueError: the shapes do not fit, or an outcome is infinite.

    Example:
        min_p takes 0.1 from the accuracy at T = 1.5, and nothing at T = 0.7.

        >>> from workbench.analysis.stats.design import design_of
        >>> design = design_of([{"T": t, "min_p": p} for t in (0.7, 1.5) for p in (0.0, 0.1)])
        >>> accuracy = np.tile([0.5, 0.5, 0.6, 0.5], (10, 1))[:, :, None]
        >>> found = interactions(accuracy, design, ["pass@1"], rng=np.random.default_rng(0))
        >>> found[["level_a", "level_b", "interaction"]].round(3).values.tolist()
        [[1.5, 0.1, -0.1]]

    Source:
        On a full grid the coefficients of the products in a linear model with treatment coding.
    """
    values = _checked(outcomes, design, names)
    lines = _Lines()
    for a, b in combinations(design.factors, 2):
        grids = design.grids(a, b)
        levels = product(*(list(enumerate(design.levels[factor]))[1:] for factor in (a, b)))
        for (i, level_a), (j, level_b) in levels if len(grids) else ():
            keys = a, level_a, design.reference(a), b, level_b, design.reference(b)
            at_a, at_reference = (
                _mean(values, grids[:, row, j]) - _mean(values, grids[:, row, 0]) for row in (i, 0)
            )
            lines.add(keys, len(grids), at_a - at_reference)
    if not lines.keys:
        return pd.DataFrame(columns=[*INTERACTION, *_named("interaction", 4)])
    found = judge_contrasts(_columns(lines.values), confidence=confidence, rng=rng)
    frame = _labelled(INTERACTION, lines, names, values, found.num_problems)
    parts = found.value, found.low, found.high, found.p
    frame = frame.assign(**dict(zip(_named("interaction", 4), parts, strict=True)))
    return _by_outcome(frame, ["factor_a", "factor_b"], names)


def _matched_levels(
    values: Floats, design: Design, factor: str
) -> Iterator[tuple[Hashable, int, Floats, Floats]]:
    """Yield each level, its number of combinations, (P, Y) means and differences by problem."""
    reference, *others = design.levels[factor]
    pairs = {level: design.matched_pairs(factor, level, reference) for level in others}
    matched = np.unique(np.concatenate([pair[:, 1] for pair in pairs.values()]))
    base = _mean(values, matched)
    yield reference, len(matched), base, np.full_like(base, np.nan)
    for level, pair in pairs.items():
        mean = _mean(values, pair[:, 0])
        gap = mean - _mean(values, pair[:, 1])
        yield level, len(pair), np.where(np.isnan(gap), np.nan, mean), gap


def _mean(values: Floats, conditions: Ints) -> Floats:
    """(P, Y) means over conditions; NaN where one is unknown, and where there are none."""
    if not len(conditions):
        return np.full((values.shape[0], values.shape[2]), np.nan)
    total = np.zeros((values.shape[0], values.shape[2]))
    for condition in conditions:  # one by one: a gather would hold a copy of all of them
        total += values[:, condition]
    return total / len(conditions)


def _checked(outcomes: Floats, design: Design, names: Sequence[str]) -> Floats:
    values = np.asarray(outcomes, dtype=np.float64)
    wanted = len(design.cells), len(names)
    if values.ndim != 3 or values.shape[1:] != wanted:
        raise ValueError(
            f"outcomes must be (problems, {wanted[0]} conditions, {wanted[1]} named outcomes), got "
            f"shape {values.shape}"
        )
    if np.isinf(values).any():
        problem, condition, outcome = np.argwhere(np.isinf(values))[0]
        raise ValueError(
            f"{names[outcome]} is infinite for problem {problem} in condition {condition}, so a "
            "mean has no meaning; give NaN where it is unknown"
        )
    return values


def _columns(lines: list[Floats]) -> Floats:
    """Lines of (P, Y) as (P, lines x Y)."""
    return np.stack(lines, axis=1).reshape(len(lines[0]), -1)


def _labelled(
    columns: list[str], lines: _Lines, names: Sequence[str], values: Floats, problems: Ints
) -> pd.DataFrame:
    """The first columns of a table: a row per line and outcome, in the order of ``_columns``."""
    rows: list[tuple[Any, ...]] = [
        (*keys, name, count)
        for keys, count in zip(lines.keys, lines.combinations, strict=True)
        for name in names
    ]
    frame = pd.DataFrame(rows, columns=columns[:-2], dtype=object)  # a level of 40 stays 40
    frame["combinations"] = frame["combinations"].astype(np.int64)
    return frame.assign(problems=problems, left_out=len(values) - problems)


def _by_outcome(frame: pd.DataFrame, factors: list[str], names: Sequence[str]) -> pd.DataFrame:
    """Put the levels of one outcome of one factor beneath one another."""
    part = frame.groupby(factors, sort=False).ngroup()
    outcome = frame["outcome"].map({name: place for place, name in enumerate(names)})
    order = np.lexsort((np.arange(len(frame)), outcome, part))
    found: pd.DataFrame = frame.iloc[order].reset_index(drop=True)
    return found


def _named(name: str, count: int) -> list[str]:
    return [f"{name}{end}" for end in ENDS[:count]]
