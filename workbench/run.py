"""A finished (or unfinished) run, for notebooks and for the analysis."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.config.schema import Experiment, pool_sizes
from workbench.core.lookup import lookup
from workbench.core.notebook_html import notebook_html
from workbench.core.table_html import NotebookTable, with_notes
from workbench.core.types import known_temperature
from workbench.experiment import load_experiment
from workbench.measure.remeasure import measured_again
from workbench.pools import Pool, pools, read_block
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import read_table
from workbench.storage.run_folder import Folder
from workbench.storage.subset_table import side_by_side

ACCESSORS: dict[str, Callable[[Run], Any]] = {}
"""What other packages hang on a run: ``plot``, from ``analysis``."""
STAGE_OF = {"samples": "generate", "scores": "score", "subsets": "measure", "split": "measure"}
"""Which stage makes a table; all others are the analysis."""
OUTCOMES = "outcomes"
"""What the analysis says of each subset; it stands beside the subsets."""


class Run:
    """One run's folder. Tables are read when they are asked for, and kept."""

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
        """Name the run."""
        return f"Run({str(self.root)!r}: {self.signature})"

    def _repr_html_(self) -> str | None:
        """Show in a notebook what the run is, how far it is and what it found."""
        return notebook_html(self)

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
    def samples(self) -> pd.DataFrame:
        """One row per sample, those of an unfinished run included."""
        tables = [self.folder.read_samples(block) for block in self.blocks]
        return self._frame(tables, "samples")

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per sample: answer, rule, cluster, status, is_correct, rewards."""
        return self.frame("scores")

    @cached_property
    def subsets(self) -> pd.DataFrame:
        """One row per subset: members, outcomes (once the run is analysed), metrics."""
        return self.frame("subsets")

    @cached_property
    def expectations(self) -> pd.DataFrame:
        """One row per pool and k: exact pass@k, maj@k, best@k over all k-subsets."""
        return self.frame("expectations")

    def frame(self, name: str, without: Sequence[str] = ()) -> pd.DataFrame:
        """Read a derived table, some of its columns left on the disk; subsets with their outcomes.

        Raises:
            ValueError: the run has not come that far.
        """
        return self._frame(list(self.tables_of(name, without)), name)

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
        return self._frame(list(measured), "subsets")

    def pool(self, problem_id: str, temperature: float | None) -> Pool:
        """Return all samples of one problem at a temperature, None or NaN where it is unknown.

        Raises:
            ValueError: the run has no such pool, or is not scored.
        """
        problems = {item.problem.id: item.problem for item in self.folder.read_problems()}
        problem = lookup(problems, problem_id, "problem")
        block = list(problems).index(problem_id) // int(self.manifest["problems_per_block"])
        pools = self.pools(block)
        found = {pool.temperature: pool for pool in pools if pool.problem_id == problem_id}
        wanted = known_temperature(temperature)
        if wanted not in found:
            known = ", ".join("unknown" if t is None else str(t) for t in found) or "none"
            raise ValueError(
                f"{problem_id} has no pool at temperature {temperature} (known: {known})"
            )
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

    def _frame(self, tables: list[pa.Table], name: str) -> pd.DataFrame:
        if not tables:
            command = f"workbench {STAGE_OF.get(name, 'analyze')} {self.root}"
            raise ValueError(f"{self.root} has no {name} yet; run `{command}` first")
        # A block without a pool of k samples yet has no columns, or only nulls in some.
        filled = [table for table in tables if table.num_rows] or tables[:1]
        frame: pd.DataFrame = pa.concat_tables(filled, promote_options="default").to_pandas()
        return frame

    def __getattr__(self, name: str) -> Any:
        """Return an accessor that another package has hung on runs."""
        if name in ACCESSORS:
            return ACCESSORS[name](self)
        raise AttributeError(f"a run has no {name!r}")
