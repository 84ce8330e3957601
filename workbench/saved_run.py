"""A finished (or unfinished) run, for notebooks and for the analysis."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.config.conditions import ordered_conditions, pool_sizes
from workbench.config.schema import Experiment
from workbench.core.conditions import (
    TEMPERATURE,
    Condition,
    level_value,
    temperature_name,
    varying_factors,
)
from workbench.core.handed_down import HANDED_DOWN
from workbench.core.lookup import lookup
from workbench.core.table_html import NotebookTable, with_notes
from workbench.core.types import STAGES
from workbench.experiment import load_experiment
from workbench.measure.remeasure import measured_again
from workbench.pools import Pool, joined_rows, pools, read_block
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import CONDITION, SAMPLES, TURN_COLUMNS, read_table
from workbench.storage.run_folder import Folder
from workbench.storage.subset_table import side_by_side

STORED_NAMES = {"is_correct": "correct"}
"""Columns whose name on disk is not the one by which they are read."""
SAMPLE_COLUMNS = [field.name for field in SAMPLES if not pa.types.is_list(field.type)]
"""All columns of samples but for the lists, which have an entry for each token."""
STAGE_OF = {"samples": "generate", "scores": "score", "subsets": "measure", "split": "measure"}
"""Which stage makes a table; all others are the analysis."""
OUTCOMES = "outcomes"
"""What the analysis says of each subset; it stands beside the subsets."""


class Run:
    """One run's folder. Tables are read when they are asked for, and kept.

    Example:
        >>> run = Run("results/reference")
        >>> run.frame.groupby("temperature")["correct"].mean().round(2).tolist()
        [0.5, 0.45, 0.35, 0.22]
    """

    def __init__(self, root: str | Path) -> None:
        """Open a folder.

        Raises:
            ValueError: the folder is not a run.
        """
        self.root = Path(root)
        self.folder = Folder(self.root)
        if not self.folder.experiment_path.exists():
            raise ValueError(
                f"{self.root} is not a run: it has no experiment.yaml; give a folder that "
                "`workbench run` made, such as results/quickstart"
            )

    def __repr__(self) -> str:
        """Name the run, and say how far it is."""
        stages = self.manifest.get("stages", {})
        missing = [name for name in STAGES if stages.get(name, {}).get("status") != "done"]
        far = f"; not finished: {', '.join(missing)}" if missing else ""
        return f"Run({str(self.root)!r}: {self.signature}{far})"

    def _repr_html_(self) -> str | None:
        """Show in a notebook what the run is, how far it is and what it found."""
        return str(HANDED_DOWN["run_html"](self))

    @cached_property
    def plot(self) -> Any:
        """The run's figures, as charts: ``run.plot.accuracy_by_k()`` and others."""
        return HANDED_DOWN["plot"](self)

    @cached_property
    def experiment(self) -> Experiment:
        """The resolved experiment."""
        return load_experiment(self.folder.experiment_path, here=False, trusted=False)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the run was made with, and how each stage went."""
        return Manifest(self.folder.manifest_path).data

    @property
    def signature(self) -> str:
        """The line that stands under every table and figure of the run."""
        return str(self.manifest.get("signature", self.root.name))

    @cached_property
    def first_prompt(self) -> tuple[str, str]:
        """Which prompt was sent first and how, and its text; both empty where none was kept.

        The text is what the model gets, special tokens included, or the messages that a server got.
        """
        return self.folder.read_first_prompt()

    @cached_property
    def problems(self) -> pd.DataFrame:
        """One row per problem: problem_id, question, gold, metadata."""
        known = [item.problem for item in self.folder.read_problems()]
        return pd.DataFrame(
            {
                "problem_id": [problem.id for problem in known],
                "question": [problem.question for problem in known],
                "gold": [problem.gold for problem in known],
                "metadata": [dict(problem.metadata) for problem in known],
            }
        )

    @property
    def blocks(self) -> list[int]:
        """The numbers of the blocks that hold any sample."""
        return list(self.folder.blocks_with_samples())

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per sample, with its scores and its problem beside it.

        Among the columns are ``problem_id``, ``condition``, ``temperature`` and the other factors
        that vary, ``sample_index``, ``question``,
        ``gold``, ``completion``, ``answer``, ``correct``, ``status``, ``mean_logprob`` and
        ``reward_NAME``. ``correct`` is True, False, or missing where it is not known. ``metadata``
        holds the further columns of the problem: ``run.frame["metadata"].str["level"]``.

        All texts are in memory at once; ``frames`` has one block of problems after another. Lists
        with an entry for each token are in ``samples`` alone.

        Raises:
            ValueError: some of the samples are not scored.
        """
        blocks = list(self.frames())
        if not blocks:
            raise ValueError(f"{self.root} has no samples yet; run `workbench run {self.root}`")
        return pd.concat(blocks, ignore_index=True)

    def frames(self) -> Iterator[pd.DataFrame]:
        """Yield the rows of ``frame`` block by block, so that only one block is in memory.

        Raises:
            ValueError: some of the samples are not scored.
        """
        problems = self.problems.set_index("problem_id")
        for block in self.blocks:
            rows = _readable(joined_rows(self.folder, block, SAMPLE_COLUMNS))
            asked = problems.reindex(rows["problem_id"]).reset_index(drop=True)
            place = rows.columns.get_loc("completion")
            joined = pd.concat([rows.iloc[:, :place], asked, rows.iloc[:, place:]], axis=1)
            yield with_factors(joined, self.conditions)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """One row per sample, those of an unfinished run included; ``completion`` is its text."""
        tables = [self.folder.read_samples(block) for block in self.blocks]
        return self._read(tables, "samples")

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per sample: answer, rule, cluster, status, ``correct``, rewards."""
        return self.read("scores")

    @cached_property
    def subsets(self) -> pd.DataFrame:
        """One row per subset: members, outcomes (once the run is analysed), metrics."""
        return self.read("subsets")

    @cached_property
    def expectations(self) -> pd.DataFrame:
        """One row per pool and k: exact pass@k, maj@k, best@k over all k-subsets."""
        return self.read("expectations")

    def read(self, name: str, without: Sequence[str] = ()) -> pd.DataFrame:
        """Read a derived table, some of its columns left on the disk; subsets with their outcomes.

        Raises:
            ValueError: the run has not come that far.
        """
        return self._read(list(self.tables_of(name, without)), name)

    @property
    def tables(self) -> list[str]:
        """The names of the saved tables."""
        return sorted(path.stem for path in (self.root / "tables").glob("*.csv"))

    def added_by_plugins(self, kind: str) -> list[str]:
        """Return the names of one kind ("table") that the run's plug-ins added to it."""
        plugins = self.manifest.get("plugins", ())
        return [name for plugin in plugins for name in plugin["adds"].get(kind, ())]

    def table(self, name: str) -> NotebookTable:
        """Return a saved table, as numbers.

        A notebook shows each interval in the cell of its number (``x`` with ``x_low`` and
        ``x_high``), and under the table its notes.

        Raises:
            ValueError: there is no such table; the message lists what there is.
        """
        if not self.tables:
            raise ValueError(f"{self.root} has no tables yet; run `workbench analyze {self.root}`")
        paths = {saved: self.root / "tables" / f"{saved}.csv" for saved in self.tables}
        path = lookup(paths, name, "table")
        try:
            frame = pd.read_csv(path)
        except pd.errors.EmptyDataError:  # a table of metrics that the run does not measure
            frame = pd.DataFrame()
        return with_notes(frame, [*self.notes(name), self.signature])

    def notes(self, name: str) -> list[str]:
        """Return what stands under a saved table; nothing where there is no such table."""
        path = self.root / "tables" / f"{name}.md"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line.removeprefix("- ") for line in lines if line.startswith("- ")]

    def measured_with(self, *metrics: str) -> pd.DataFrame:
        """Return the run's subsets with further metrics of ``METRICS``; nothing is written.

        What is being tried out in a notebook needs a row in ``METRICS`` and no more; a metric that
        the run has already is measured again::

            METRICS["length_spread"] = Metric(
                fn=spread, needs=("num_tokens", "subsets"), label="spread [tokens]",
                summary="...", larger_means="neither",
            )
            run.measured_with("length_spread")

        Raises:
            ValueError: there is no such metric, it needs what a pool of the run has not, it does
                not give one number for each subset, or the run is not measured.
        """
        subsets = zip(self.blocks, self.tables_of("subsets"), strict=False)
        measured = measured_again(subsets, self.pools, self.experiment.measure, metrics)
        return self._read(list(measured), "subsets")

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that the experiment asks for, in the order of tables."""
        return tuple(ordered_conditions(self.experiment.generation))

    def pool(self, problem_id: str, condition: float | str | None) -> Pool:
        """Return all samples of one problem in a condition: its name, or a temperature.

        The temperature is None or NaN where it is unknown.

        Raises:
            ValueError: the run has no such pool, or is not scored.
        """
        problems = {item.problem.id: item.problem for item in self.folder.read_problems()}
        problem = lookup(problems, problem_id, "problem")
        block = list(problems).index(problem_id) // int(self.manifest["problems_per_block"])
        pools = self.pools(block)
        found = {pool.condition: pool for pool in pools if pool.problem_id == problem_id}
        wanted = condition if isinstance(condition, str) else temperature_name(condition)
        if wanted not in found:
            plain = all(name == temperature_name(one.temperature) for name, one in found.items())
            if plain and not isinstance(condition, str):
                heats = [
                    "unknown" if p.temperature is None else p.temperature for p in found.values()
                ]
                where, known = f"at temperature {condition}", ", ".join(map(str, heats))
            else:
                where, known = f"in condition {wanted}", ", ".join(found)
            raise ValueError(f"{problem_id} has no pool {where} (known: {known or 'none'})")
        return dataclasses.replace(found[wanted], problem=problem)

    def pools(self, block: int, *, with_embeddings: bool = True) -> Iterator[Pool]:
        """Yield the scored pools of one block, with embeddings where there are any."""
        embedded = with_embeddings and self.folder.block_path("embeddings", block).exists()
        rows = read_block(self.folder, block, with_embeddings=embedded)
        yield from pools(rows, pool_sizes(self.experiment.generation), self.experiment.measure)

    def tables_of(self, name: str, without: Sequence[str] = ()) -> Iterator[pa.Table]:
        """Yield a derived table block by block, some of its columns left on the disk."""
        for path in sorted((self.root / name).glob("block-*.parquet")):
            table = read_table(path, without=without)
            beside = self.root / OUTCOMES / path.name
            if name == "subsets" and beside.exists():
                table = side_by_side(table, read_table(beside))
            yield table

    def _read(self, tables: list[pa.Table], name: str) -> pd.DataFrame:
        if not tables:
            command = f"workbench {STAGE_OF.get(name, 'analyze')} {self.root}"
            raise ValueError(f"{self.root} has no {name} yet; run `{command}` first")
        # A block without a pool of k samples yet has no columns, or only nulls in some.
        filled = [table for table in tables if table.num_rows] or tables[:1]
        frame = pa.concat_tables(filled, promote_options="default").to_pandas()
        return with_factors(_readable(frame), self.conditions)


def with_factors(frame: pd.DataFrame, conditions: Sequence[Condition]) -> pd.DataFrame:
    """Return rows with a column for each factor that varies, behind that of the temperature.

    The column ``condition`` is categorical, in the order of tables. A column of levels that are
    texts holds texts. Of a condition that the experiment does not ask for, only the temperature is
    known.
    """
    if CONDITION not in frame or TEMPERATURE not in frame:
        return frame
    names = [one.name for one in conditions]
    others = sorted({*frame[CONDITION].unique()} - {*names})
    frame[CONDITION] = pd.Categorical(frame[CONDITION], [*names, *others], ordered=True)
    place = list(frame.columns).index(TEMPERATURE) + 1
    for name in varying_factors(conditions):
        if name != TEMPERATURE and name not in frame:
            levels = {one.name: level_value(one.own.get(name)) for one in conditions}
            frame.insert(place, name, frame[CONDITION].astype(str).map(levels))
            place += 1
    return frame


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows under the names by which they are read; True and False may be missing.

    Only rows of runs with second answers have a turn and a parent.
    """
    frame = frame.rename(columns=STORED_NAMES)
    if "parent" in frame and frame["parent"].isna().all():
        frame = frame.drop(columns=[name for name in TURN_COLUMNS if name in frame])
    return frame.astype({"correct": "boolean"}) if "correct" in frame else frame
