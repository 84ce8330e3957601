"""How likely one second model holds the samples of a block, each distinct text scored once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from workbench.models.protocols import CompletionScorer
from workbench.models.token_entropy import as_stored
from workbench.models.tokenization import encode_prompt, steps_of
from workbench.rewards.model_step import BlockTexts, Judged, Values
from workbench.rewards.sequences import Prompts, Spelling
from workbench.storage.parquet import STORED_KEY
from workbench.storage.run_folder import Folder
from workbench.tasks.prompts import prompt_hash

VALUE_TYPES = {
    "token_logprobs": pa.list_(pa.float32()),
    "token_ids": pa.list_(pa.int32()),
    "token_steps": pa.list_(pa.int32()),
    "mean_entropy": pa.float64(),
    "mean_certainty": pa.float64(),
    "missing": pa.string(),
}
"""What is kept of each text; the other columns of the table follow from it."""


def read_texts(folder: Folder, block: int, prompts: Prompts, spelling: Spelling) -> BlockTexts:
    """Read the samples of a block; the text of each is its row."""
    columns = [*STORED_KEY, "prompt_hash", "thought", "completion", "stop_reason"]
    samples = folder.read_samples(block, [*columns, "output_token_ids"])
    prompt_hashes = {name: prompt_hash(prompt) for name, prompt in prompts.items()}
    rows = samples.to_pylist()
    hashes = [
        spelling.hash(row, prompt_hashes[_asked(row)]) if row["stop_reason"] != "error" else None
        for row in rows
    ]
    return BlockTexts(samples, hashes, rows)


def score_texts(
    scorer: CompletionScorer,
    texts: Mapping[str, Mapping[str, Any]],
    prompts: Prompts,
    spelling: Spelling,
    model: str,
) -> Judged:
    """Yield the name, the values and the tokens read of each text, unreadable ones first.

    Args:
        scorer: the second model.
        texts: rows of samples, by the hash of their text.
        prompts: the prompts that the samples answer.
        spelling: which tokens of the second model a sample is.
        model: the model's name in ``scoring.models``, for messages.

    Raises:
        ValueError: the model gives NaN.
    """
    tokenizer = scorer.tokenizer
    prompt_ids = cache(lambda asked: encode_prompt(tokenizer, prompts[asked]))
    token_text = cache(lambda token: tokenizer.decode([token], skip_special_tokens=True))
    sequences: dict[str, tuple[list[int], list[int]]] = {}
    for name, row in texts.items():
        before = prompt_ids(_asked(row))
        ids = spelling.tokens(row, tokenizer, prompts[_asked(row)])
        if not ids:
            empty: Values = {"token_logprobs": [], "token_ids": [], "token_steps": []}
            yield name, no_values(None) | empty, 0
        elif max(ids) >= scorer.vocabulary:
            yield name, no_values("no_logprob"), 0
        elif len(before) + len(ids) >= scorer.limit:
            yield name, no_values("too_long"), 0
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
        if -math.inf in logprobs:
            found = no_values("no_logprob")
        else:
            found = {
                "token_logprobs": as_stored(logprobs),
                "token_ids": ids,
                "token_steps": steps_of(map(token_text, ids)),
                "mean_entropy": math.fsum(entropies) / len(ids) if entropies else None,
                "mean_certainty": math.fsum(certainties) / len(ids) if certainties else None,
                "missing": None,
            }
        yield name, found, len(before) + len(ids)


def _asked(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the problem that a sample answers, and the hash of its prompt."""
    return row["problem_id"], row["prompt_hash"]


def to_columns(rows: Sequence[Values | None]) -> dict[str, pa.Array]:
    """Return the columns of a second model's table from each sample's values, None if it failed."""
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
    kept = {n: pa.array([row[n] for row in found], kind) for n, kind in VALUE_TYPES.items()}
    return columns | kept


def no_values(reason: str | None) -> Values:
    """Return the values of a text that has none, for a reason of ``second_model.REASONS``."""
    return {**dict.fromkeys(VALUE_TYPES), "missing": reason}
