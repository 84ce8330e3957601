"""A block step whose values come from a model: each distinct text of a block is judged once.

Values go to a journal as the model gives them, and a finished block's table replaces its journal. A
step that was interrupted reads both and asks the model only for texts that neither holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
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
from workbench.storage.parquet import STORED_KEY, DamagedFileError, read_table
from workbench.storage.run_folder import Folder

Model = TypeVar("Model")

Values = dict[str, Any]
"""What is kept of one text, by column."""

Judged = Iterator[tuple[str, Values, int | None]]
"""The hash of each text, its values, and the number of tokens read for it, 0 if it is too long and
None if tokens are not counted; in any order, as they come."""


@dataclass
class Throughput:
    """How much a model has read in this attempt, and how fast."""

    start: float
    """When the model was ready, so that the time to load it is not counted."""
    texts: int = 0
    tokens: int = 0

    def count(self, tokens: int) -> dict[str, Any]:
        """Count a text of so many tokens, 0 if it was not read; return the manifest's entries."""
        self.texts += tokens > 0
        self.tokens += tokens
        seconds = time.perf_counter() - self.start
        rate = round(self.tokens / seconds, 1) if self.tokens else None
        return {"texts_judged": self.texts, "tokens_read": self.tokens, "tokens_per_second": rate}


@dataclass(frozen=True)
class BlockTexts:
    """The samples of a block and the text of each that a model is to judge."""

    samples: pa.Table
    """With the columns of ``STORED_KEY`` at least."""
    hashes: Sequence[str | None]
    """For each sample, the hash of its text; None if it is not judged."""
    texts: Sequence[Any]
    """For each sample, its text in the form in which ``ModelStep.judge`` takes it."""


@dataclass(frozen=True)
class ModelStep(Generic[Model]):
    """What is particular to one model's step; ``run`` is the same for all."""

    step: BlockStep
    judged_by: str
    """Fingerprint of the model and its settings: values of another one are not used."""
    columns: Mapping[str, pa.DataType]
    """What is kept of each text, in the journal and in the table."""
    read_texts: Callable[[int], BlockTexts]
    """Number of a block -> its texts."""
    open_model: Callable[[], AbstractContextManager[Model]]
    """Loads the model; called only if a text is to be judged."""
    judge: Callable[[Model, Mapping[str, Any]], Judged]
    """Model, distinct texts by hash -> the values of each."""
    cached_in: Collection[str] = ()
    """Other tables that may hold values of this very model."""
    to_columns: Callable[[Sequence[Values | None]], Mapping[str, pa.Array]] | None = None
    """Values of each sample, None for one that is not judged -> columns of the table; by default
    the values themselves."""

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
        step = self.step
        count = sum(len(self._unjudged(block)[2]) for block in blocks)
        if count:
            notice(f"{step.stage}: {count:,} texts {task}")
        with ExitStack() as stack:
            advance = stack.enter_context(progress_bar(step.stage, count, "texts"))

            @cache
            def loaded() -> tuple[Model, Throughput]:
                return stack.enter_context(self.open_model()), Throughput(time.perf_counter())

            for block in blocks:
                texts, values, unjudged = self._unjudged(block)
                path = journal_path(step.run, step.table, block)
                if unjudged:
                    model, throughput = loaded()
                    with Journal(path) as journal:
                        for name, found, tokens in self.judge(model, unjudged):
                            journal.add({"judged_by": self.judged_by, "text": name, **found})
                            values[name] = found
                            if tokens is not None:
                                entry.update(throughput.count(tokens))
                            advance(1)
                step.write(block, self._table(texts, values))
                path.unlink(missing_ok=True)

    def _table(self, texts: BlockTexts, values: Mapping[str, Values]) -> pa.Table:
        rows = [None if name is None else values[name] for name in texts.hashes]
        columns: dict[str, Any] = {name: texts.samples.column(name) for name in STORED_KEY}
        if self.to_columns:
            columns |= self.to_columns(rows)
        else:
            for name, kind in self.columns.items():
                columns[name] = pa.array([row and row[name] for row in rows], kind)
        columns["text_hash"] = pa.array(texts.hashes, pa.string())
        columns["judged_by"] = pa.array([self.judged_by] * len(rows), pa.string())
        return pa.table(columns)

    def _unjudged(self, block: int) -> tuple[BlockTexts, dict[str, Values], dict[str, Any]]:
        """Return the texts of a block, the values that are cached, and the texts without any."""
        texts = self.read_texts(block)
        values: dict[str, Values] = {}
        for table in {self.step.table, *self.cached_in}:
            values |= read_cached(self.step.run, table, block, self.judged_by, self.columns)
        named = zip(texts.hashes, texts.texts, strict=True)
        return texts, values, {name: text for name, text in named if name and name not in values}


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
    folder: Folder, table: str, block: int, judged_by: str, columns: Iterable[str]
) -> dict[str, Values]:
    """Return the values that one model has given to texts of a block, by the texts' hashes.

    They are looked for in the table and its journal. A damaged table counts as empty (``fresh``
    names it). Values of another model or settings than ``judged_by`` are not returned.

    Raises:
        ValueError: the journal is damaged.
    """
    path = folder.block_path(table, block)
    rows: list[dict[str, Any]] = []
    if path.exists():
        with suppress(DamagedFileError):
            rows = read_table(path, ["text_hash", "judged_by", *columns]).to_pylist()
    found = [(row["text_hash"], row) for row in rows]
    found += [(entry["text"], entry) for entry in read_entries(journal_path(folder, table, block))]
    return {
        name: {column: row[column] for column in columns}
        for name, row in found
        if name is not None and row["judged_by"] == judged_by
    }
