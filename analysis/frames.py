"""What the tables are made of: the rows of a run, summed by problem, and intervals over them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.analysis.mixed_expectations import mixed_expectations
from workbench.analysis.pool_facts import pool_facts, recorded_sizes
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS, Resamples, bootstrap_sums, sum_values
from workbench.analysis.stats.paired import discovery_rates, sign_flip_p
from workbench.analysis.turn_pairs import turn_pairs
from workbench.core.conditions import MIXED, Condition
from workbench.core.flops import ModelSize
from workbench.core.table_html import NotebookTable, with_notes
from workbench.core.types import Floats, Ints
from workbench.measure.missing_inputs import without
from workbench.saved_run import Run, with_factors
from workbench.storage.parquet import read_table

POOL = ["problem_id", "condition", "k"]
ENDS = ("", "_low", "_high", "_p")


@dataclass(frozen=True, eq=False)
class Table:
    """A table and what stands under it."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Count the rows and notes, and name the first columns; ``frame`` has the numbers."""
        columns = textwrap.shorten(", ".join(map(str, self.frame)), 100, placeholder=" ...")
        return f"Table({len(self.frame)} rows, {len(self.notes)} notes; columns {columns})"

    @property
    def shown(self) -> NotebookTable:
        """The numbers, as a notebook shows them: with their intervals, the notes beneath."""
        return with_notes(self.frame, self.notes)

    def _repr_html_(self) -> str | None:
        """Show all of it in a notebook."""
        return self.shown._repr_html_()


@dataclass(frozen=True, eq=False)
class ProblemSums:
    """Columns added up over the rows of each problem, for every line of a table."""

    names: Sequence[str]
    sums: Floats
    """(P, lines, columns)."""
    counts: Floats
    """(P, lines, columns) how many values were added."""

    @property
    def means(self) -> Floats:
        """(P, lines, columns) of each problem; NaN where it has no value."""
        return np.where(self.counts > 0, self.sums / np.maximum(self.counts, 1.0), np.nan)

    @property
    def others(self) -> ProblemSums:
        """The same for the rows of all other lines."""
        sums, counts = (part.sum(axis=1, keepdims=True) - part for part in (self.sums, self.counts))
        return ProblemSums(self.names, sums, counts)


def stack_lines(parts: Sequence[ProblemSums]) -> ProblemSums:
    """Join the lines of several sums of the same columns."""
    sums = np.concatenate([part.sums for part in parts], axis=1)
    return ProblemSums(parts[0].names, sums, np.concatenate([p.counts for p in parts], axis=1))


@dataclass(frozen=True, eq=False)
class Data:
    """The rows of a run that the tables are made of; each kind is read once and kept."""

    run: Run
    metrics: Sequence[str] = ()
    """Which metrics the tables are about; by default those that the run has. Other metrics of
    ``METRICS``, such as one that is being tried out, are measured first, on the same subsets."""
    outcomes: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        """Note which columns there are."""
        experiment = without(self.run.experiment, self.left_out)
        selections = [f"{name}_correct" for name in experiment.selection.aggregators]
        object.__setattr__(self, "metrics", list(self.metrics or experiment.measure.metrics))
        object.__setattr__(self, "outcomes", [*selections, "coverage"])

    @property
    def left_out(self) -> dict[str, str]:
        """Metrics and selections that could not be measured, with why."""
        stages = self.run.manifest.get("stages", {})
        found: dict[str, str] = {}
        for stage in ("measure", "aggregate"):
            found |= stages.get(stage, {}).get("left_out", {})
        experiment = self.run.experiment
        asked = {*experiment.measure.metrics, *experiment.selection.aggregators}
        at_import = self.run.manifest.get("imported", {}).get("left_out", {})
        return {n: why for n, why in at_import.items() if n not in asked} | found

    @cached_property
    def correctness_known(self) -> bool:
        """Whether the correctness of any sample is known."""
        return bool((self.expectations["num_unknown"] < self.expectations["n"]).any())

    @cached_property
    def subsets(self) -> pd.DataFrame:
        """One row per subset, without its members; outcomes as floats, NaN where unknown."""
        frame = self.run.read("subsets", without=("members",))
        new = [name for name in self.metrics if name not in frame]
        if new and len(frame):
            frame = self.run.measured_with(*new).drop(columns="members")
        for name in [*self.outcomes, "num_correct"] if len(frame) else []:
            if name not in frame:
                root = self.run.root
                raise ValueError(
                    f"{root} has no outcomes {name!r} yet; run `workbench analyze {root}` first"
                )
            frame[name] = np.asarray(frame[name].astype("Float64"), dtype=float)
        return frame

    @cached_property
    def judged(self) -> pd.DataFrame:
        """The subsets that hold no sample of unknown correctness: tables of outcomes go by these.

        To leave out only those whose outcome is unknown would not be even: one right sample
        decides the coverage, whatever the others are.
        """
        frame = self.subsets
        known = frame["num_correct"].notna() if len(frame) else pd.Series(dtype=bool)
        return frame if known.all() else frame[known].reset_index(drop=True)

    @cached_property
    def expectations(self) -> pd.DataFrame:
        """One row per pool and k."""
        return self.run.expectations

    @cached_property
    def exact(self) -> pd.DataFrame:
        """The expectations of pools that have k samples of known correctness."""
        frame = self.expectations
        return frame[frame["n"] - frame["num_unknown"] >= frame["k"]].reset_index(drop=True)

    @cached_property
    def unknown(self) -> int:
        """How many samples are of unknown correctness."""
        return int(self.expectations.loc[self.expectations["k"] == 1, "num_unknown"].sum())

    @cached_property
    def pools(self) -> pd.DataFrame:
        """One row per pool: what became of its samples."""
        blocks = (self.run.pools(block, with_embeddings=False) for block in self.run.blocks)
        sizes = {name: size for name, size in self.model_sizes.items() if not isinstance(size, str)}
        facts = [pool_facts(pool, sizes.get(pool.condition)) for block in blocks for pool in block]
        return with_factors(pd.DataFrame(facts), self.conditions)

    @cached_property
    def turn_pairs(self) -> pd.DataFrame:
        """One row per second answer, its first one beside it; empty where there are none."""
        return turn_pairs(self.run)

    @cached_property
    def model_sizes(self) -> dict[str, ModelSize | str]:
        """The size of each condition's model, or why it is unknown."""
        return recorded_sizes(self.run)

    @cached_property
    def long_texts(self) -> tuple[int, int]:
        """How many texts are longer than the encoder reads, and how many are embedded."""
        paths = sorted((self.run.root / "embeddings").glob("block-*.parquet"))
        cut = [read_table(path, ["cut"]).column("cut").to_numpy() for path in paths]
        return sum(int(np.sum(part)) for part in cut), sum(map(len, cut))

    @cached_property
    def mixed(self) -> pd.DataFrame:
        """The judged subsets of pools mixed across conditions, as ``judged``; may be empty."""
        kept = ["problem_id", "k", *self.outcomes, "num_correct"]
        tables = [table for table in self.run.tables_of("mixed") if table.num_rows]
        if not tables:
            return pd.DataFrame(columns=[*kept[:-1], "condition"])
        frame: pd.DataFrame = pa.concat_tables(t.select(kept) for t in tables).to_pandas()
        frame = frame[frame.pop("num_correct").notna()]
        for name in self.outcomes:
            frame[name] = np.asarray(frame[name].astype("Float64"), dtype=float)
        frame["condition"] = MIXED
        return frame

    @cached_property
    def mixed_expectations(self) -> pd.DataFrame:
        """One row per mixed pool and k, as ``expectations``; empty where nothing is mixed."""
        if self.mixed.empty:
            return pd.DataFrame()
        selection = without(self.run.experiment, self.left_out).selection
        return mixed_expectations(self.run, selection)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions of the run, in the order of tables."""
        return self.run.conditions

    def rng(self) -> np.random.Generator:
        """Return a new generator, the same for every table."""
        return np.random.default_rng(self.run.experiment.analysis.seed)

    @cached_property
    def problems(self) -> pd.Index[str]:
        """The problems that have a pool, in sorted order: the unit of every interval."""
        names: pd.Index[str] = pd.Index(np.unique(self.expectations["problem_id"].to_numpy(object)))
        return names

    @cached_property
    def resamples(self) -> Resamples:
        """Resamples of the problems, the same for every table."""
        settings = self.run.experiment.analysis
        return Resamples(len(self.problems), settings.resamples, settings.seed)

    def codes(self, frame: pd.DataFrame) -> Ints:
        """Return the place of each row's problem among ``problems``.

        Raises:
            ValueError: a problem is not measured.
        """
        ids, names = pd.factorize(frame["problem_id"])
        places = self.problems.get_indexer(pd.Index(names))
        if (places < 0).any():
            root, name = self.run.root, names[int(np.argmin(places))]
            mend = f"run `workbench measure {root}`"
            raise ValueError(f"{root} has samples of {name!r} that are not measured; {mend}")
        return np.asarray(places[ids])

    def sums(
        self, frame: pd.DataFrame, columns: Sequence[str], lines: Ints | None = None
    ) -> ProblemSums:
        """Add up columns by problem and line of the table; by default all rows are of one line."""
        numbers = np.zeros(len(frame), dtype=np.int64) if lines is None else lines
        shape = len(self.problems), int(numbers.max(initial=0)) + 1
        cells = self.codes(frame) * shape[1] + numbers
        values = frame[list(columns)].to_numpy(dtype=np.float64)
        sums, counts = sum_values(values, cells, shape[0] * shape[1])
        return ProblemSums(tuple(columns), sums.reshape(*shape, -1), counts.reshape(*shape, -1))

    def intervals(self, sums: ProblemSums) -> pd.DataFrame:
        """Return mean, low and high of each column, a row per line."""
        problems, lines, _ = sums.sums.shape
        totals, counts = (part.reshape(problems, -1) for part in (sums.sums, sums.counts))
        confidence = self.run.experiment.analysis.confidence
        found = bootstrap_sums(totals, counts, self.resamples, confidence)
        parts = [part.reshape(lines, -1).T for part in (found.value, found.low, found.high)]
        columns: dict[str, Floats] = {}
        for name, *bounds in zip(sums.names, *parts, strict=True):
            columns |= bounded(name, *bounds)
        return pd.DataFrame(columns)

    def means(self, frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, float]:
        """Return mean, low and high of columns over the problems of ``frame``."""
        (row,) = self.intervals(self.sums(frame, columns)).to_dict("records")
        return {str(name): value for name, value in row.items()}

    def p_values(self, differences: Floats, names: Sequence[str]) -> pd.DataFrame:
        """Return ``NAME_p`` of no difference from (P, lines, names) differences, a row per line."""
        problems, lines, _ = differences.shape
        found = np.array(self.column_p_values(differences.reshape(problems, -1))).reshape(lines, -1)
        return pd.DataFrame(found, columns=[f"{name}_p" for name in names])

    def column_p_values(self, differences: Floats) -> list[float]:
        """Return the p-values of columns (P, C) of paired differences; NaN below 10 problems."""
        enough = (~np.isnan(differences)).sum(axis=0) >= MIN_PROBLEMS
        found = sign_flip_p(differences, rng=self.rng())
        return [float(p) for p in np.where(enough, found, np.nan)]


def bounded(name: str, *parts: Any) -> dict[str, Any]:
    """Name a value, its bounds and perhaps its p-value: ``x``, ``x_low``, ``x_high``, ``x_p``."""
    return {f"{name}{end}": part for end, part in zip(ENDS, parts, strict=False)}


def table_lines(
    frame: pd.DataFrame, keys: Sequence[str], *, sort: bool = True
) -> tuple[pd.DataFrame, Ints]:
    """Return the lines of a table, one for each value of the keys, and the line of each row.

    NaN, which equals nothing, is a value here. Unsorted: in order of appearance.
    """
    groups = frame.groupby(list(keys), sort=sort, dropna=False, observed=True)
    lines: Ints = np.asarray(groups.ngroup(), dtype=np.int64)
    _, first = np.unique(lines, return_index=True)
    return frame[list(keys)].iloc[first].reset_index(drop=True), lines


def with_q_values(frame: pd.DataFrame) -> pd.DataFrame:
    """Add to each column of p-values ``x_p`` the ``x_q`` corrected over all of the table's.

    Source:
        Benjamini & Hochberg (1995); ``scipy.stats.false_discovery_control``.
    """
    names = [name for name in frame.columns if name.endswith("_p")]
    if not names:
        return frame
    q = dict(zip(names, discovery_rates(frame[names].to_numpy(dtype=float)).T, strict=True))
    columns: dict[str, Any] = {}
    for name in frame.columns.drop(names):
        columns[name] = frame[name]
        p = name.removesuffix("_high") + "_p"
        if p in q and name.endswith("_high"):
            columns |= {p: frame[p], p.removesuffix("p") + "q": q[p]}
    return pd.DataFrame(columns)
