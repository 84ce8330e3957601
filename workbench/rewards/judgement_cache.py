"""What a step with a model has already said of a block's texts: its table, and its journal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.storage.journal import read_entries
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import DamagedFileError, fingerprint, read_table
from workbench.storage.run_folder import Folder, blocks, sample_hashes


@dataclass
class Facts:
    """What the manifest keeps of such a step."""

    texts: int = 0
    tokens: int = 0
    start: float = 0.0
    """When the model was ready, so that loading it is not counted in the rate."""

    def counts(self) -> dict[str, Any]:
        """Return numbers by name; texts and tokens are of this attempt."""
        seconds = time.perf_counter() - self.start
        rate = round(self.tokens / seconds, 1) if self.tokens else None
        return {"texts_judged": self.texts, "tokens_read": self.tokens, "tokens_per_second": rate}


def judged_blocks(
    folder: Folder, manifest: Manifest, judged_by: str
) -> tuple[dict[int, dict[str, str]], dict[int, str]]:
    """Return what one model is asked to judge, block by block.

    Args:
        folder: the run.
        manifest: its manifest.
        judged_by: fingerprint of the model and its settings.

    Returns:
        By block that holds samples: the questions by problem, and what its table is made of.
    """
    grouped = blocks(folder.read_problems(), manifest.data["problems_per_block"])
    questions = {
        block: {known.problem.id: known.problem.question for known in grouped[block]}
        for block in folder.blocks_with_samples()
    }
    made_from = {
        block: fingerprint(
            judged_by=judged_by,
            samples=sample_hashes(folder, block),
            questions=[list(item) for item in asked.items()],
        )
        for block, asked in questions.items()
    }
    return questions, made_from


def journal_path(folder: Folder, table: str, block: int) -> Path:
    """Return the journal beside a block's table; its folder is made."""
    path = folder.block_path(table, block).with_suffix(".journal")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def read_kept(
    folder: Folder, table: str, block: int, judged_by: str, columns: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return what one model said of a block's texts, by text.

    Args:
        folder: the run.
        table: the step's table; a damaged one counts as none (``fresh`` names it).
        block: its number.
        judged_by: fingerprint of the model and its settings; what others said is not returned.
        columns: what there is of each text, in the table and in the journal.

    Raises:
        ValueError: the journal is damaged.
    """
    kept: dict[str, dict[str, Any]] = {}
    path = folder.block_path(table, block)
    if path.exists():
        try:
            rows = read_table(path, ["text_hash", "judged_by", *columns]).to_pylist()
        except DamagedFileError:
            rows = []
        for row in rows:
            if row["judged_by"] == judged_by and row["text_hash"] is not None:
                kept[row["text_hash"]] = {name: row[name] for name in columns}
    for entry in read_entries(journal_path(folder, table, block)):
        if entry["judged_by"] == judged_by:
            kept[entry["text"]] = {name: entry[name] for name in columns}
    return kept
