"""Where everything of a run lies, and how its problems are split into blocks.

::

    results/<run>/
      experiment.yaml  manifest.json  problems.jsonl
      first_prompt.txt                  of the first problem, below a line that says how it is sent
      samples/block-00000.000.parquet   one file per block and round of sampling
      samples/block-00000.journal       finished samples of a block that is not complete yet
      rewards/orm/block-00000.parquet   what a reward model said; a .journal while it judges
      encodings/block-00000.parquet     what it held of each solution, where they are kept
      under/NAME/block-00000.parquet    how likely another model holds the samples; likewise
      programs/block-00000.journal      verdicts on programs, each as soon as it was there
      calls/block-00000.parquet         what programs are called with, and their outputs
      scores/ embeddings/ subsets/ split/   block-00000.parquet each, by the stages
      outcomes/ expectations/ mixed/ pruned/   likewise, by the analysis
      tables/  figures/

A problem keeps its place in ``problems.jsonl`` for good; new ones are added behind, so that a
block holds the same problems whatever is added later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.config.schema import Experiment, dump_experiment
from workbench.core.console import notice
from workbench.core.types import Known, Problem
from workbench.storage.journal import read_journal
from workbench.storage.parquet import (
    KEY,
    DamagedFileError,
    read_stamps,
    read_table,
    sample_rows,
    write_text,
)

ROWS_PER_BLOCK = 8192
"""About how many samples a block is to hold when a run is started."""


@dataclass(frozen=True)
class Folder:
    """One run's folder."""

    root: Path

    @property
    def manifest_path(self) -> Path:
        """The run's manifest."""
        return self.root / "manifest.json"

    @property
    def experiment_path(self) -> Path:
        """The resolved experiment."""
        return self.root / "experiment.yaml"

    def block_path(self, table: str, block: int) -> Path:
        """Return the file of a derived table's block."""
        return self.root / table / f"block-{block:05}.parquet"

    def journal(self, block: int) -> Path:
        """Return the journal of a block."""
        return self.root / "samples" / f"block-{block:05}.journal"

    def parts(self, block: int) -> list[Path]:
        """Return the finished sample files of a block, oldest first."""
        return sorted((self.root / "samples").glob(f"block-{block:05}.*.parquet"))

    def next_part(self, block: int) -> Path:
        """Return the name of the block's next sample file."""
        parts = self.parts(block)
        number = int(parts[-1].name.split(".")[1]) + 1 if parts else 0
        return self.root / "samples" / f"block-{block:05}.{number:03}.parquet"

    def write_experiment(self, experiment: Experiment) -> None:
        """Write the resolved experiment."""
        write_text(self.experiment_path, dump_experiment(experiment))

    def write_problems(self, known: Sequence[Known]) -> None:
        """Write the run's problems, in the order of their places."""
        rows = (
            {**asdict(item.problem), "prompt_hash": item.prompt_hash}
            | ({"variant_hashes": dict(item.variant_hashes)} if item.variant_hashes else {})
            for item in known
        )
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_text(self.root / "problems.jsonl", text)

    def read_problems(self) -> list[Known]:
        """Return the run's problems; none if it has not started.

        Raises:
            ValueError: a line is damaged.
        """
        path = self.root / "problems.jsonl"
        if not path.exists():
            return []
        known = []
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    fields = json.loads(line)
                    prompt_hash = fields.pop("prompt_hash")
                    variants = fields.pop("variant_hashes", {})
                    known.append(Known(Problem(**fields), prompt_hash, variants))
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
                    raise ValueError(
                        f"{path}, line {number}: damaged ({fault}); restore it from a copy"
                    ) from fault
        return known

    def write_first_prompt(self, caption: str, text: str) -> None:
        """Write what the model is asked first, below a line about it and an empty one."""
        write_text(self.root / "first_prompt.txt", f"{' '.join(caption.split())}\n\n{text}")

    def read_first_prompt(self) -> tuple[str, str]:
        """Return the line about the first prompt, and the prompt; empty where none was kept."""
        path = self.root / "first_prompt.txt"
        kept = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
        caption, _, text = kept.partition("\n\n")
        return caption, text

    def read_samples(self, block: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Return every sample of a block, journal included, each once, in order of arrival.

        Of all columns, or some, those of ``KEY`` among them. What was drawn in the place of an
        error row, and is still in the journal, takes its place.

        Raises:
            ValueError: a file is damaged; the message names it.
        """
        late = sample_rows(list(read_journal(self.journal(block))))
        wanted = [*columns, "stop_reason"] if columns and late.num_rows else columns
        wanted = list(dict.fromkeys(wanted)) if wanted else None
        tables = [read_table(path, wanted) for path in self.parts(block)]
        tables.append(late.select(wanted) if wanted else late)
        table = pa.concat_tables(tables, promote_options="default")  # older parts lack columns
        if late.num_rows:
            table = _one_of_each_key(table)
        if "turn" in table.column_names:  # files of first answers alone have no such column
            turns = pc.fill_null(table["turn"], 1)
            table = table.set_column(table.column_names.index("turn"), "turn", turns)
        return table.select(list(columns)) if columns else table

    def blocks_with_samples(self) -> Iterator[int]:
        """Yield the numbers of the blocks that hold any sample, in order."""
        paths = (self.root / "samples").glob("block-*.*")
        yield from sorted({int(path.name[6:11]) for path in paths if path.suffix != ".part"})

    def content(self, table: str, block: int) -> str | None:
        """Return the hash of what is in a derived table's block; None where there is none."""
        return read_stamps(self.block_path(table, block)).get("content")

    def sample_hashes(self, block: int) -> list[str]:
        """Return what a block's samples are known by: parts' contents and the journal's length."""
        journal = self.journal(block)
        late = [f"journal:{journal.stat().st_size}"] if journal.exists() else []
        return [read_stamps(path)["content"] for path in self.parts(block)] + late

    def fresh(self, table: str, block: int, made_from: str) -> bool:
        """Say whether a derived block is up to date; a damaged one is named and made again."""
        path = self.block_path(table, block)
        try:
            if read_stamps(path).get("fingerprint") != made_from:
                return False
            read_table(path)  # the pages' checksums are looked at only in reading
            return True
        except DamagedFileError as fault:
            notice(f"{fault.path} is damaged and is made again")
            return False


def _one_of_each_key(table: pa.Table) -> pa.Table:
    """Drop repeats: the first good row of each key counts, or else the last error row.

    A kill between writing a file and dropping its journal leaves rows in both, and an error row
    stays in its file until its block is drawn again.
    """
    columns = [table.column(name).to_pylist() for name in KEY]
    failed = [reason == "error" for reason in table.column("stop_reason").to_pylist()]
    kept: dict[tuple[Any, ...], int] = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        if failed[kept.setdefault(key, row)]:
            kept[key] = row
    return table if len(kept) == table.num_rows else table.take(list(kept.values()))


def block_size(samples_per_problem: int) -> int:
    """Return how many problems a new run puts in a block."""
    return max(1, ROWS_PER_BLOCK // samples_per_problem)
