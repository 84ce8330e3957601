"""A step of a run that writes one table, block by block, and only the blocks that are out of date.

Every reward with a table of its own is such a step. ``model_step.py`` adds what a step needs whose
values come from a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.core.console import notice
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import STORED_KEY, fingerprint, read_table, write_table
from workbench.storage.run_folder import Folder


@dataclass(frozen=True)
class BlockStep:
    """One table of a run, and what each of its blocks is made from."""

    run: OpenRun
    stage: str
    """Name of the step in the manifest and in messages."""
    table: str
    """Folder of the table in the run's folder."""
    made_from: Mapping[int, str]
    """For each block that holds samples, the fingerprint of all that decides its table."""

    def outdated_blocks(self) -> list[int] | None:
        """Return the blocks whose table is missing, damaged or made from something else.

        Returns:
            Numbers of blocks; None, with a notice, if the step is finished and nothing has changed.
            An empty list means that only the step's entry in the manifest is not finished.
        """
        blocks = [
            block
            for block, made_from in self.made_from.items()
            if not self.run.fresh(self.table, block, made_from)
        ]
        if not blocks and self.run.manifest.stage(self.stage).get("status") == "done":
            notice(f"{self.stage}: up to date")
            return None
        return blocks

    def running(self) -> AbstractContextManager[dict[str, Any]]:
        """Record the step in the manifest while the ``with`` block runs; its entry is yielded."""
        return self.run.manifest.running(self.stage, fingerprint(blocks=self.made_from))

    def write(self, block: int, table: pa.Table) -> None:
        """Write the table of a block together with what it is made from."""
        write_table(self.run.block_path(self.table, block), table, self.made_from[block])

    def read_column(self, block: int, column: str) -> pa.ChunkedArray:
        """Read one column of the table of a block."""
        return read_table(self.run.block_path(self.table, block), [column]).column(column)


def read_matching(folder: Folder, table: str, block: int, samples: pa.Table) -> pa.Table:
    """Read a block of a table that has one row for each sample, in the order of the samples.

    Raises:
        ValueError: there is no such table, it is of other samples, or damaged.
    """
    path = folder.block_path(table, block)
    if not path.exists():
        raise ValueError(f"{path} is missing; run `workbench score` first")
    found = read_table(path)
    if not found.select(STORED_KEY).equals(samples.select(STORED_KEY)):
        raise ValueError(f"{path} is of other samples than {folder.root / 'samples'}; delete it")
    return found
