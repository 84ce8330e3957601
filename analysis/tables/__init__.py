"""TABLES: every table that the analysis makes of a run, one function and one row for each.

May import ``workbench.analysis.frames``, the statistics and ``workbench.analysis.aggregate``, and
nothing that prints, draws or compares runs. Start reading in ``TABLES`` below, then in
``accuracy.py``. A new table is a function ``Data -> Table`` in a module of this package and a row
of ``TABLES``; its docstring's first line is what ``workbench list`` and the page say of it.

Every table has one treatment of samples whose correctness is unknown: they are left out, a subset
that holds one with them, so that all columns of outcomes are over the same samples. Notes count
what is left out, and say what it could change: ``unknown_sample_notes`` in ``shared.py``.

A number ``x`` stands in column ``x``, its interval in ``x_low`` and ``x_high``, its p-value in
``x_p`` and, corrected over the whole table, in ``x_q`` (all of these empty below 10 problems).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from workbench.analysis.condition_columns import with_levels
from workbench.analysis.frames import Data, Table
from workbench.analysis.tables import accuracy, correlations, diversity, effects, rewards, shared
from workbench.analysis.tables.answer_audit import answer_audit
from workbench.analysis.tables.behaviour import behaviour
from workbench.analysis.tables.entropies import entropy_bounds
from workbench.analysis.tables.matched_budget import matched_budget
from workbench.analysis.tables.pruning import pruning
from workbench.analysis.tables.quality import quality_coefficients
from workbench.analysis.tables.self_correction import edit_distances, self_correction
from workbench.analysis.tables.sequential import sequential_against_parallel
from workbench.analysis.tables.statuses import statuses
from workbench.analysis.tables.submitted import submitted
from workbench.core.call_check import refuse_call
from workbench.core.name_table import NameTable

Needs = Literal["nothing", "correctness", "judged subsets"]
SUBSETS: Needs = "judged subsets"

UNRANKED = 1000
"""The reading place of a table whose row names none: it is read after all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """How a table is made and where it is shown."""

    make: Callable[[Data], Table]
    """The first line of its docstring says what the table shows."""
    place: int = UNRANKED
    """When a reader needs it: 1 for the table to read first, which the terminal prints last, just
    above the prompt."""
    printed: Literal["always", "with rows", "by name"] = "always"
    """When the terminal prints it. "with rows": an empty one only where it is asked for by name,
    for tables of what few runs have. "by name": only where it is asked for."""
    long: bool = False
    """Whether it has so many rows that the terminal leaves the intervals to the files."""
    open_on_page: bool = False
    """Whether a page shows it unfolded."""
    needs: Needs = "correctness"
    """Without what it is empty: a sample, or a whole subset, whose correctness is known."""

    def __post_init__(self) -> None:
        """Refuse a function that does not take the run's data; TypeError."""
        refuse_call("make", self.make, ("data",))

    @property
    def summary(self) -> str:
        """What the table shows, in one sentence."""
        return (self.make.__doc__ or "").split("\n")[0]

    def __repr__(self) -> str:
        """Say what it shows."""
        return f"TableSpec({self.summary!r})"


TABLES = NameTable("table", {
    "accuracy_by_k": TableSpec(make=accuracy.accuracy_by_k, place=3, needs=SUBSETS),
    "accuracy_by_temperature": TableSpec(
        make=accuracy.accuracy_by_temperature, place=4, needs=SUBSETS
    ),
    "accuracy_by_k_temperature": TableSpec(
        make=accuracy.accuracy_by_k_temperature, place=1, open_on_page=True, needs=SUBSETS
    ),
    "coverage_curve": TableSpec(make=accuracy.coverage_curve, place=2, open_on_page=True),
    "main_effects": TableSpec(
        make=effects.main_effects, place=5, printed="with rows", long=True, needs=SUBSETS
    ),
    "interactions": TableSpec(
        make=effects.interactions, place=6, printed="with rows", long=True, needs=SUBSETS
    ),
    "matched_budget": TableSpec(
        make=matched_budget, place=7, printed="with rows", long=True, needs=SUBSETS
    ),
    "budget": TableSpec(make=accuracy.budget, place=10, needs=SUBSETS),
    "oracle_gap": TableSpec(make=accuracy.oracle_gap, place=11, needs=SUBSETS),
    "sampling_check": TableSpec(make=accuracy.sampling_check, place=18, long=True, needs=SUBSETS),
    "correlation": TableSpec(make=correlations.correlation, place=20, long=True, needs=SUBSETS),
    "within_correlation": TableSpec(
        make=correlations.within_correlation, place=8, long=True, open_on_page=True, needs=SUBSETS
    ),
    "correct_count_correlation": TableSpec(
        make=correlations.correct_count_correlation, place=19, needs=SUBSETS
    ),
    "bucket": TableSpec(make=diversity.buckets, place=21, long=True, needs=SUBSETS),
    "partial_correlation": TableSpec(make=correlations.partial_correlation, place=9, needs=SUBSETS),
    "diversity": TableSpec(make=diversity.diversity, place=24, long=True, needs="nothing"),
    "diversity_by_correctness": TableSpec(make=diversity.diversity_by_correctness, place=15),
    "pruning": TableSpec(make=pruning, place=16, long=True),
    "submitted": TableSpec(make=submitted, place=14, needs=SUBSETS),
    "reward_report": TableSpec(make=rewards.reward_report, place=13),
    "reward_curve": TableSpec(make=rewards.reward_curve, place=12),
    "reliability": TableSpec(make=rewards.reliability, printed="by name"),
    "quality_coefficients": TableSpec(make=quality_coefficients, place=22, printed="with rows"),
    "entropy_bounds": TableSpec(make=entropy_bounds, place=23, printed="with rows"),
    "answer_audit": TableSpec(make=answer_audit, printed="by name"),
    "behaviour": TableSpec(
        make=behaviour, place=25, printed="with rows", long=True, needs="nothing"
    ),
    "self_correction": TableSpec(make=self_correction, place=26, printed="with rows"),
    "sequential_against_parallel": TableSpec(
        make=sequential_against_parallel, place=27, printed="with rows", long=True
    ),
    "edit_distances": TableSpec(make=edit_distances, printed="by name"),
    "statuses": TableSpec(make=statuses, place=17, open_on_page=True, needs="nothing"),
})  # fmt: skip


def make_table(name: str, data: Data) -> Table:
    """Return a table of ``TABLES``; empty where it needs correctness and none is known."""
    needs = TABLES[name].needs
    if needs != "nothing" and not data.correctness_known:
        why = f"no sample's correctness is known ({data.unknown:,} samples): nothing to compare"
        return Table(pd.DataFrame(), (why,))
    if needs == "judged subsets" and data.judged.empty:
        why = "every subset holds a sample of unknown correctness: nothing to compare"
        return Table(pd.DataFrame(), (why, *shared.unknown_sample_notes(data)))
    table = TABLES[name].make(data)
    notes = (*table.notes, *shared.sandbox_notes(data))
    return Table(with_levels(table.frame, data.conditions), notes)


def printed_tables() -> tuple[str, ...]:
    """Return the tables that the terminal prints, in order: the one to read first comes last."""
    names = [name for name, spec in TABLES.items() if spec.printed != "by name"]
    return tuple(sorted(names, key=lambda name: -TABLES[name].place))
