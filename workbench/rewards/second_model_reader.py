"""How likely one second model holds the samples of a block, each distinct text scored once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from workbench.core.types import Prompt
from workbench.models.protocols import CompletionScorer
from workbench.models.token_entropy import as_stored
from workbench.models.tokenization import encode_prompt, steps_of
from workbench.rewards.model_step import BlockTexts, Throughput, Values
from workbench.rewards.sequences import Spelling
from workbench.storage.parquet import KEY
from workbench.storage.run_folder import Folder
from workbench.tasks.prompts import prompt_hash

SAMPLE_COLUMNS = (*KEY, "completion", "stop_reason", "output_token_ids")
"""What is read of a sample."""

VALUE_TYPES = {
    "token_logprobs": pa.list_(pa.float32()),
    "token_ids": pa.list_(pa.int32()),
    "token_steps": pa.list_(pa.int32()),
    "mean_entropy": pa.float64(),
    "mean_certainty": pa.float64(),
    "missing": pa.string(),
}
"""What is kept of each text; the other columns of the table follow from it."""


def read_texts(
    folder: Folder, block: int, prompts: Mapping[str, Prompt], spelling: Spelling
) -> BlockTexts:
    """Read the samples of a block; a text is a row of the first sample that has it.

    Args:
        folder: the run.
        block: number of the block.
        prompts: the prompt of each problem, by the problem's id.
        spelling: which tokens of the second model a sample is.
    """
    samples = folder.read_samples(block, SAMPLE_COLUMNS)
    prompt_hashes = {name: prompt_hash(prompt) for name, prompt in prompts.items()}
    hashes: list[str | None] = []
    texts: dict[str, dict[str, Any]] = {}
    for row in samples.to_pylist():
        failed = row["stop_reason"] == "error"
        name = None if failed else spelling.hash(row, prompt_hashes[row["problem_id"]])
        hashes.append(name)
        if name is not None:
            texts.setdefault(name, row)
    return BlockTexts(samples, hashes, texts)


def score_texts(
    scorer: CompletionScorer,
    texts: Mapping[str, Mapping[str, Any]],
    prompts: Mapping[str, Prompt],
    spelling: Spelling,
    throughput: Throughput,
    model: str,
) -> Iterator[tuple[str, Values]]:
    """Yield the name and the values of each text; first of those that the model cannot read.

    Args:
        scorer: the second model.
        texts: rows of samples, by the hash of their text.
        prompts: the prompt of each problem, by the problem's id.
        spelling: which tokens of the second model a sample is.
        throughput: where to count what the model has read.
        model: the model's name in ``scoring.models``, for messages.

    Raises:
        ValueError: the model gives NaN.
    """
    tokenizer = scorer.tokenizer
    token_texts: dict[int, str] = {}
    prompt_ids: dict[str, list[int]] = {}
    sequences: dict[str, tuple[list[int], list[int]]] = {}
    throughput.start_once()
    for name, row in texts.items():
        prompt = prompts[row["problem_id"]]
        if row["problem_id"] not in prompt_ids:
            prompt_ids[row["problem_id"]] = encode_prompt(tokenizer, prompt)
        before = prompt_ids[row["problem_id"]]
        ids = spelling.tokens(row, tokenizer, prompt)
        if not ids:
            yield (
                name,
                {**no_values(None), "token_logprobs": [], "token_ids": [], "token_steps": []},
            )
        elif max(ids) >= scorer.vocabulary:
            yield name, no_values("no_logprob")
        elif len(before) + len(ids) >= scorer.limit:
            yield name, no_values("too_long")
        else:
            sequences[name] = before, ids
    for name, *scores in scorer.score(sequences):
        before, ids = sequences[name]
        logprobs, entropies, certainties = scores
        if any(math.isnan(value) for values in scores for value in values):
            raise ValueError(
                f"{model} gave a NaN log-probability: its weights are damaged or its numbers "
                f"overflow; try scoring.models.{model}.dtype: float32. Finished values are kept"
            )
        throughput.count(len(before) + len(ids))
        if -math.inf in logprobs:
            yield name, no_values("no_logprob")
            continue
        for token in ids:
            if token not in token_texts:
                token_texts[token] = tokenizer.decode([token], skip_special_tokens=True)
        yield (
            name,
            {
                "token_logprobs": as_stored(logprobs),
                "token_ids": ids,
                "token_steps": steps_of(token_texts[token] for token in ids),
                "mean_entropy": math.fsum(entropies) / len(ids) if entropies else None,
                "mean_certainty": math.fsum(certainties) / len(ids) if certainties else None,
                "missing": None,
            },
        )


def to_columns(rows: Sequence[Values | None]) -> dict[str, pa.Array]:
    """Return the columns of a second model's table from the values of each sample.

    Args:
        rows: values of ``score_texts``; None for a sample that failed.
    """
    found = [no_values("failed") if row is None else row for row in rows]
    logprobs = [row["token_logprobs"] for row in found]
    sums = [None if values is None else math.fsum(values) for values in logprobs]
    means = [math.fsum(values) / len(values) if values else None for values in logprobs]
    counts = [None if values is None else len(values) for values in logprobs]
    columns = {
        "sum_logprob": pa.array(sums, pa.float64()),
        "mean_logprob": pa.array(means, pa.float64()),
        "num_tokens": pa.array(counts, pa.int32()),
    }
    for name, kind in VALUE_TYPES.items():
        columns[name] = pa.array([row[name] for row in found], kind)
    return columns


def no_values(reason: str | None) -> Values:
    """Return the values of a text that has none, for a reason of ``second_model.REASONS``."""
    return {**dict.fromkeys(VALUE_TYPES), "missing": reason}
