"""Which part of a sample is measured: its answer, its thought or both, as ``measure.text`` says."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.config.schema import MeasuredText
from workbench.core.thinking import whole_text

PART_COLUMNS = (
    "completion", "thought", "num_output_tokens", "num_thought_tokens", "mean_logprob",
    "thought_logprob", "answer_logprob", "mean_entropy", "thought_entropy", "answer_entropy",
)  # fmt: skip
"""Columns of samples that are read. Files without a thought, and of older runs, lack some."""


def measured_part(samples: pd.DataFrame, part: MeasuredText) -> pd.DataFrame:
    """Return text, length and likelihood of a part of each sample, in the order of the samples.

    A sample without a thought is all answer. Its thought is an empty text of no tokens.

    Args:
        samples: R samples with those of ``PART_COLUMNS`` that there are.
        part: ``answer``, ``thought``, or ``whole`` for both in one, with markers between them.

    Returns:
        R rows of ``text``, ``tokens`` (their number), ``logprob`` (mean, nats per token) and
        ``entropy`` (mean, nats). A number is NaN where nobody told it of this part, and a mean
        also where the part is empty.

    Example:
        >>> samples = pd.DataFrame({
        ...     "completion": ["8", "9"], "thought": ["3 + 5?", None], "num_output_tokens": [7, 2],
        ...     "num_thought_tokens": [5, None], "mean_logprob": [-0.7, -0.1],
        ...     "thought_logprob": [-0.9, None], "answer_logprob": [-0.2, None],
        ... })
        >>> measured_part(samples, "answer").to_dict("list")
        {'text': ['8', '9'], 'tokens': [2.0, 2.0], 'logprob': [-0.2, -0.1], 'entropy': [nan, nan]}
        >>> measured_part(samples, "thought")["text"].tolist()
        ['3 + 5?', '']
    """
    frame = samples.reindex(columns=list(PART_COLUMNS))
    thinks = frame["thought"].notna()
    texts = frame["completion"].tolist()
    means = {"logprob": frame["mean_logprob"], "entropy": frame["mean_entropy"]}
    tokens = frame["num_output_tokens"].astype(float)
    inside = frame["num_thought_tokens"].astype(float)
    if part == "thought":
        texts = frame["thought"].where(thinks, "").tolist()
        means = {name: frame[f"thought_{name}"] for name in means}
        tokens = inside.where(thinks, 0.0)
    elif part == "answer" and thinks.any():
        for name in means:
            means[name] = frame[f"answer_{name}"].where(thinks, means[name])
        tokens = (tokens - inside).where(thinks, tokens)
    elif part == "whole" and thinks.any():
        rows = zip(frame["thought"], thinks, texts, strict=True)
        texts = [whole_text(thought if known else None, text) for thought, known, text in rows]
    numbers = {"tokens": tokens, **means}
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in numbers.items()}
    return pd.DataFrame({"text": texts, **columns}, index=samples.index)
