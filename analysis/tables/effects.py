"""Tables of what factors do: main effects, and how much they depend on one another.

Each outcome of a problem is compared between conditions that differ in one factor alone, averaged
over the other factors, and then over problems. Factors that move together have no effect of their
own to print: they are named beneath the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.factor_design import (
    confounding_notes,
    design_of_conditions,
    told_apart,
)
from workbench.analysis.frames import Data, Table, with_q_values
from workbench.analysis.known_outcomes import SINGLE, how_known, known_outcomes, shown_outcomes
from workbench.analysis.stats import factor_effects
from workbench.analysis.stats.design import Design
from workbench.analysis.tables.shared import sample_size_notes, star_note
from workbench.analysis.values_by_cell import diversity_columns, pooled_conditions, values_by_cell
from workbench.core.conditions import Condition
from workbench.core.types import Floats


@dataclass(frozen=True, eq=False)
class _Effects:
    """What the effects are computed from."""

    design: Design
    values: Floats
    """(P, C, Y)."""
    names: dict[str, tuple[str, int]]
    """The Y names, each with its outcome and k."""


def main_effects(data: Data) -> Table:
    """What each level of a factor gives, averaged over the other factors, against its reference."""
    conditions, equal = told_apart(pooled_conditions(data))
    if len(conditions) < 2:
        why = () if equal else ("there is one condition: no factor varies",)
        return Table(pd.DataFrame(), (*equal, *why))
    inputs = _effects(data, conditions)
    found = factor_effects.main_effects(
        inputs.values,
        inputs.design,
        list(inputs.names),
        weights=data.resamples,
        confidence=data.run.experiment.analysis.confidence,
        rng=data.rng(),
    )
    confounded = (*_confounded(conditions), *equal)
    if found.empty:
        return Table(pd.DataFrame(), confounded)
    unmatched = found[found["combinations"] == 0][["factor", "level"]].drop_duplicates()
    table = _readable(found[found["combinations"] > 0], inputs)
    averaged = "combinations: of the levels of the other factors, over which a row is averaged"
    notes = (
        "mean: at the level; difference: mean less that of the level `against`, at the same "
        "combinations and problems",
        averaged if len(inputs.design.factors) > 1 else "one factor varies",
        *[
            f"{row.factor} {row.level} is not there: no condition differs from one with "
            f"{inputs.design.reference(str(row.factor))} in {row.factor} alone"
            for row in unmatched.itertuples()
        ],
        *_uneven(table),
        *confounded,
        *_common_notes(data, table),
        star_note("differs from the level `against`"),
    )
    return Table(table, notes)


def interactions(data: Data) -> Table:
    """How much the effect of one factor depends on the level of another, by outcome and k."""
    conditions, equal = told_apart(pooled_conditions(data))
    design = design_of_conditions(conditions) if len(conditions) > 1 else None
    if design is None or len(design.factors) < 2:
        only = "no factor is known to vary" if equal else "there is one condition"
        only = f"one factor varies ({design.factors[0]})" if design else only
        return Table(pd.DataFrame(), (*equal, f"{only}: an interaction is between two factors"))
    inputs = _effects(data, conditions)
    confidence = data.run.experiment.analysis.confidence
    found = factor_effects.interactions(
        inputs.values, design, list(inputs.names), confidence=confidence, rng=data.rng()
    )
    confounded = (*_confounded(conditions), *equal)
    if found.empty:
        why = "no two factors are crossed: of no two are there all pairs of levels"
        return Table(pd.DataFrame(), (why, *confounded))
    table = _readable(found, inputs)
    notes = (
        "interaction: the effect of level_b (less against_b) at level_a, less the same at "
        "against_a; 0 where the two effects add up",
        "combinations: of the levels of the other factors, over which a row is averaged",
        *_uncrossed(table, design),
        *confounded,
        *_common_notes(data, table),
        star_note("is not 0"),
    )
    return Table(table, notes)


def _effects(data: Data, conditions: Sequence[Condition]) -> _Effects:
    """Gather all outcomes and metrics by problem and condition."""
    sizes = sorted(int(k) for k in data.judged["k"].unique())
    single = data.expectations[data.expectations["k"] == 1]
    parts = [values_by_cell(data, single, ["pass@k"], conditions).reshape(len(data.problems), -1)]
    names = {SINGLE: (SINGLE, 1)}
    frame, metrics = diversity_columns(data)
    outcomes = [*shown_outcomes(data).values()]
    for rows, columns in ((known_outcomes(data), outcomes), (frame, metrics)):
        values = values_by_cell(data, rows, columns, conditions, sizes)  # (P, C, K, Y)
        for place, name in enumerate(columns):
            for rank, k in enumerate(sizes):
                names[f"{name}@{k}"] = (name, k)
                parts.append(values[:, :, rank, place])
    return _Effects(design_of_conditions(conditions), np.stack(parts, axis=-1), names)


def _readable(found: pd.DataFrame, inputs: _Effects) -> pd.DataFrame:
    """Return a table with the outcome and its k apart, and corrected p-values."""
    table = found.rename(columns=lambda name: str(name).replace("reference", "against"))
    place = list(table.columns).index("outcome")
    names = table.pop("outcome").map(inputs.names)
    table.insert(place, "outcome", names.str[0])
    table.insert(place + 1, "k", names.str[1].astype(int))
    return with_q_values(table.reset_index(drop=True))


def _confounded(conditions: Sequence[Condition]) -> tuple[str, ...]:
    """Say which factors cannot be told apart, and that nothing is printed of their effects."""
    notes = confounding_notes(conditions)
    return tuple(f"confounded: {note}; no separate effect is printed" for note in notes)


def _uneven(table: pd.DataFrame) -> list[str]:
    """Say of which factors the levels are averaged over different combinations."""
    counts = table.groupby("factor", sort=False)["combinations"].nunique()
    uneven = ", ".join(counts.index[counts > 1])
    what = "levels stand at different combinations, so compare their differences, never their means"
    return [f"{uneven}: {what}"] * bool(uneven)


def _uncrossed(table: pd.DataFrame, design: Design) -> list[str]:
    """Name the pairs of factors of which not all pairs of levels are there."""
    crossed = {*table[["factor_a", "factor_b"]].itertuples(index=False, name=None)}
    factors = design.factors
    pairs = [(a, b) for place, a in enumerate(factors) for b in factors[place + 1 :]]
    left = ", ".join(f"{a} and {b}" for a, b in pairs if (a, b) not in crossed)
    return [f"not crossed, so that no interaction can be told: {left}"] * bool(left)


def _common_notes(data: Data, table: pd.DataFrame) -> list[str]:
    """Say what all numbers rest on, and how many problems are left out of which outcomes."""
    left: dict[str, int] = {}
    for row in table[table["left_out"] > 0].to_dict("records"):
        name = f"{row['outcome']} at k = {row['k']}"
        left[name] = max(left.get(name, 0), row["left_out"])
    found = ", ".join(f"{name}: {count}" for name, count in left.items())
    what = "problems left out, as a value is missing in one of the conditions compared (at most): "
    return [
        *sample_size_notes(data),
        f"{SINGLE} is pass@1, exact; {how_known(data)}; metrics are over the drawn subsets",
        *[what + found] * bool(found),
    ]
