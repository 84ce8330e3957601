"""A block step whose values come from a model: each distinct text of a block is judged once.

Values go to a journal as the model gives them, and a finished block's table replaces its journal. A
step that was interrupted reads both and asks the model only for texts that neither holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa

from workbench.config.scoring_schema import OutcomeRewardModel, SecondModel
from workbench.core.console import notice, progress_bar
from workbench.generate import engine_versions
from workbench.generate.drawing_settings import SPEED_OPTIONS
from workbench.models.locate import model_hash, resolve_model
from workbench.rewards.block_step import BlockStep
from workbench.storage.journal import Journal, read_entries
from workbench.storage.parquet import KEY, DamagedFileError, read_table
from workbench.storage.run_folder import Folder

Model = TypeVar("Model")

Values = dict[str, Any]
"""What is kept of one text, by column."""


@dataclass
class Throughput:
    """How much a model has read in this attempt, and how fast, for the manifest."""

    texts: int = 0
    tokens: int = 0
    start: float = 0.0
    """When the model was ready, so that the time to load it is not counted."""

    def start_once(self) -> None:
        """Start the clock, unless it is running already."""
        self.start = self.start or time.perf_counter()

    def count(self, tokens: int) -> None:
        """Count one text of so many tokens."""
        self.texts += 1
        self.tokens += tokens

    def entries(self) -> dict[str, Any]:
        """Return the entries of the manifest."""
        seconds = time.perf_counter() - self.start
        rate = round(self.tokens / seconds, 1) if self.tokens else None
        return {"texts_judged": self.texts, "tokens_read": self.tokens, "tokens_per_second": rate}


@dataclass(frozen=True)
class BlockTexts:
    """The samples of a block and the distinct texts that a model is to judge."""

    samples: pa.Table
    """With the columns of ``KEY`` at least."""
    hashes: list[str | None]
    """For each sample, the hash of its text; None if it is not judged."""
    texts: dict[str, Any]
    """Each distinct text by its hash, in the form in which ``ModelStep.judge`` takes it."""


@dataclass(frozen=True)
class ModelStep(Generic[Model]):
    """What is particular to one model's step; ``run`` is the same for all."""

    step: BlockStep
    judged_by: str
    """Fingerprint of the model and its settings: values of another one are not used."""
    columns: Sequence[str]
    """What is kept of each text, in the journal and in the table."""
    cached_in: Sequence[str]
    """Tables that may hold values of this very model; the step's own is among them."""
    read_texts: Callable[[int], BlockTexts]
    """Number of a block -> its texts."""
    open_model: Callable[[], AbstractContextManager[Model]]
    """Loads the model; called only if a text is to be judged."""
    judge: Callable[[Model, Mapping[str, Any]], Iterator[tuple[str, Values]]]
    """Model, texts by hash -> each hash with its values, in any order, as they come."""
    to_columns: Callable[[Sequence[Values | None]], Mapping[str, pa.Array]]
    """Values of each sample, None for one that is not judged -> columns of the table."""
    throughput: Throughput | None = None
    """Where ``judge`` counts what the model has read, for the manifest."""

    def run(self, blocks: Sequence[int], entry: dict[str, Any], task: str) -> None:
        """Judge the texts of some blocks and write their tables.

        Args:
            blocks: numbers of the blocks that are out of date.
            entry: the entry of the step in the manifest.
            task: what is done with the texts, for the notice: "to judge with MODEL".

        Raises:
            ValueError: the model cannot be loaded or gives no numbers, or a file is damaged. What
                has been judged is kept.
        """
        stage = self.step.stage
        count = sum(len(self._unjudged(block)[2]) for block in blocks)
        if count:
            notice(f"{stage}: {count:,} texts {task}")
        with ExitStack() as stack:
            advance = stack.enter_context(progress_bar(stage, count, "texts"))
            model = cache(lambda: stack.enter_context(self.open_model()))

            def judged() -> None:
                if self.throughput is not None:
                    entry.update(self.throughput.entries())
                advance(1)

            for block in blocks:
                self.step.write(block, self.judge_block(block, model, judged))
                journal_path(self.step.run, self.step.table, block).unlink(missing_ok=True)

    def judge_block(
        self, block: int, model: Callable[[], Model], judged: Callable[[], None]
    ) -> pa.Table:
        """Return the table of one block, after judging the texts that have not been judged.

        Args:
            block: its number.
            model: returns the loaded model; called only if a text is to be judged.
            judged: called after each text.
        """
        texts, values, unjudged = self._unjudged(block)
        if unjudged:
            loaded = model()
            with Journal(journal_path(self.step.run, self.step.table, block)) as journal:
                for name, found in self.judge(loaded, unjudged):
                    journal.add({"judged_by": self.judged_by, "text": name, **found})
                    values[name] = found
                    judged()
        return self.table(texts, values)

    def table(self, texts: BlockTexts, values: Mapping[str, Values]) -> pa.Table:
        """Return the table of a block from the values of all its texts."""
        rows = [None if name is None else values[name] for name in texts.hashes]
        columns: dict[str, Any] = {name: texts.samples.column(name) for name in KEY}
        columns |= self.to_columns(rows)
        columns["text_hash"] = pa.array(texts.hashes, pa.string())
        columns["judged_by"] = pa.array([self.judged_by] * len(rows), pa.string())
        return pa.table(columns)

    def _unjudged(self, block: int) -> tuple[BlockTexts, dict[str, Values], dict[str, Any]]:
        """Return the texts of a block, the values that are cached, and the texts without any."""
        texts = self.read_texts(block)
        values: dict[str, Values] = {}
        for table in self.cached_in:
            values |= read_cached(self.step.run, table, block, self.judged_by, self.columns)
        unjudged = {name: text for name, text in texts.texts.items() if name not in values}
        return texts, values, unjudged


def model_identity(
    settings: OutcomeRewardModel | SecondModel, version: int, backend: str, key: str
) -> dict[str, Any]:
    """Return what decides a model's values, apart from the text.

    Args:
        settings: the model's section of the experiment.
        version: of the code that asks the model and reads its answer.
        backend: the library that runs the model, resolved.
        key: the setting that chose the library, for the message.

    Raises:
        ValueError: there is no such model, or the library is not installed.
    """
    return {
        "version": version,
        "model": model_hash(resolve_model(settings.model)),
        "backend": backend,
        "engine_versions": engine_versions(backend, key),
        "dtype": settings.dtype,
        "max_model_len": settings.max_model_len,
        "engine": {k: v for k, v in settings.engine.items() if k not in SPEED_OPTIONS},
    }


def journal_path(folder: Folder, table: str, block: int) -> Path:
    """Return the journal of a block of a table; its folder is made."""
    path = folder.block_path(table, block).with_suffix(".journal")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def read_cached(
    folder: Folder, table: str, block: int, judged_by: str, columns: Sequence[str]
) -> dict[str, Values]:
    """Return the values that one model has given to texts of a block, by the texts' hashes.

    Args:
        folder: the run.
        table: the table to look in; a damaged one counts as empty (``fresh`` names it).
        block: number of the block.
        judged_by: fingerprint of the model and its settings; values of others are not returned.
        columns: what is kept of each text.

    Raises:
        ValueError: the journal is damaged.
    """
    values: dict[str, Values] = {}
    path = folder.block_path(table, block)
    if path.exists():
        try:
            rows = read_table(path, ["text_hash", "judged_by", *columns]).to_pylist()
        except DamagedFileError:
            rows = []
        for row in rows:
            if row["judged_by"] == judged_by and row["text_hash"] is not None:
                values[row["text_hash"]] = {name: row[name] for name in columns}
    for entry in read_entries(journal_path(folder, table, block)):
        if entry["judged_by"] == judged_by:
            values[entry["text"]] = {name: entry[name] for name in columns}
    return values
