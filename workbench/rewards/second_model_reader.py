"""What one model says of the samples of a block, each distinct text of them read once."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from workbench.core.types import Prompt
from workbench.models.protocols import Reader
from workbench.models.token_entropy import as_stored
from workbench.models.tokenization import encode_prompt, steps_of
from workbench.rewards.judgement_cache import Facts, read_kept
from workbench.rewards.sequences import Spelling
from workbench.storage.parquet import KEY
from workbench.storage.run_folder import Folder
from workbench.tasks.prompts import prompt_hash

SAMPLE = (*KEY, "completion", "stop_reason", "output_token_ids")
VALUES = {
    "token_logprobs": pa.list_(pa.float32()),
    "token_ids": pa.list_(pa.int32()),
    "token_steps": pa.list_(pa.int32()),
    "mean_entropy": pa.float64(),
    "mean_certainty": pa.float64(),
    "missing": pa.string(),
}
"""What is kept of each text; the other columns follow from it."""


@dataclass(frozen=True)
class Work:
    """A block's samples and what a model has said of them."""

    samples: pa.Table
    names: list[str | None]
    """For each sample, what its prompt and tokens are known by; None if it failed."""
    values: dict[str, dict[str, Any]]
    unread: dict[str, dict[str, Any]]
    """A row of each text that has not been read, by name."""

    def table(self, judged_by: str) -> pa.Table:
        """Return the block's table; call it when everything is read."""
        rows = [nothing("failed") if n is None else self.values[n] for n in self.names]
        columns: dict[str, Any] = {name: self.samples.column(name) for name in KEY}
        logprobs = [row["token_logprobs"] for row in rows]
        sums = [None if values is None else math.fsum(values) for values in logprobs]
        columns["sum_logprob"] = pa.array(sums, pa.float64())
        means = [math.fsum(values) / len(values) if values else None for values in logprobs]
        columns["mean_logprob"] = pa.array(means, pa.float64())
        counts = [None if values is None else len(values) for values in logprobs]
        columns["num_tokens"] = pa.array(counts, pa.int32())
        for name, kind in VALUES.items():
            columns[name] = pa.array([row[name] for row in rows], kind)
        columns["text_hash"] = pa.array(self.names, pa.string())
        columns["judged_by"] = pa.array([judged_by] * len(rows), pa.string())
        return pa.table(columns)


@dataclass(frozen=True)
class Reading:
    """What one model's reading of the blocks has in common."""

    folder: Folder
    tables: Sequence[str]
    """Where values of this very model may be."""
    judged_by: str
    prompts: Mapping[str, Prompt]
    spelling: Spelling

    def work(self, block: int) -> Work:
        """Return what there is to do, and what is done, of a block."""
        samples = self.folder.read_samples(block, SAMPLE)
        hashes = {name: prompt_hash(prompt) for name, prompt in self.prompts.items()}
        rows: dict[str, dict[str, Any]] = {}
        names: list[str | None] = []
        for row in samples.to_pylist():
            failed = row["stop_reason"] == "error"
            name = None if failed else self.spelling.name(row, hashes[row["problem_id"]])
            names.append(name)
            if name is not None:
                rows.setdefault(name, row)
        kept: dict[str, dict[str, Any]] = {}
        for table in self.tables:
            kept |= read_kept(self.folder, table, block, self.judged_by, list(VALUES))
        unread = {name: row for name, row in rows.items() if name not in kept}
        return Work(samples, names, {n: kept[n] for n in rows if n in kept}, unread)


def read_values(
    reading: Reading,
    reader: Reader,
    unread: Mapping[str, Mapping[str, Any]],
    facts: Facts,
    model: str,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each text's name and values as they come; those that cannot be read first."""
    tokenizer = reader.tokenizer
    pieces: dict[int, str] = {}
    prompts: dict[str, list[int]] = {}
    sequences: dict[str, tuple[list[int], list[int]]] = {}
    facts.start = facts.start or time.perf_counter()
    for name, row in unread.items():
        prompt = reading.prompts[row["problem_id"]]
        if row["problem_id"] not in prompts:
            prompts[row["problem_id"]] = encode_prompt(tokenizer, prompt)
        before = prompts[row["problem_id"]]
        ids = reading.spelling.tokens(row, tokenizer, prompt)
        if not ids:
            yield name, {**nothing(None), "token_logprobs": [], "token_ids": [], "token_steps": []}
        elif max(ids) >= reader.vocabulary:
            yield name, nothing("no_logprob")
        elif len(before) + len(ids) >= reader.limit:
            yield name, nothing("too_long")
        else:
            sequences[name] = before, ids
    for name, *told in reader.read(sequences):
        before, ids = sequences[name]
        logprobs, entropies, certainties = told
        if any(math.isnan(value) for values in told for value in values):
            raise ValueError(
                f"{model} gave a NaN log-probability: its weights are damaged or its numbers "
                f"overflow; try scoring.models.{model}.dtype: float32. Finished values are kept"
            )
        facts.texts += 1
        facts.tokens += len(before) + len(ids)
        if -math.inf in logprobs:
            yield name, nothing("no_logprob")
            continue
        for token in ids:
            if token not in pieces:
                pieces[token] = tokenizer.decode([token], skip_special_tokens=True)
        yield (
            name,
            {
                "token_logprobs": as_stored(logprobs),
                "token_ids": ids,
                "token_steps": steps_of(pieces[token] for token in ids),
                "mean_entropy": math.fsum(entropies) / len(ids) if entropies else None,
                "mean_certainty": math.fsum(certainties) / len(ids) if certainties else None,
                "missing": None,
            },
        )


def nothing(reason: str | None) -> dict[str, Any]:
    """Return the values of a text that has none, for a reason of ``under.REASONS``."""
    return {**dict.fromkeys(VALUES), "missing": reason}
