"""What became of the samples of a pool, and what they cost, as one row of ``Data.pools``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from workbench.config.conditions import loading_of
from workbench.core.flops import ModelSize, completion_flops, prompt_flops
from workbench.core.types import STATUSES, Floats
from workbench.pools import Pool
from workbench.saved_run import Run
from workbench.tasks.answer_extraction import RULES

RULE = "rule:"
"""Columns that count samples by the rule which found their answer."""


def pool_facts(pool: Pool, size: ModelSize | None = None) -> dict[str, object]:
    """Count what became of the samples of a pool, and what they cost.

    Returns:
        The pool's key; ``samples``, and how many of them are of each status, were answered by each
        rule (``rule:NAME``) and are of unknown correctness; ``accuracy`` and its extremes;
        ``share_passed``, the mean share of tests that its programs pass, where the reward
        ``partial`` is there; ``distinct_texts``, the share of them; and means over the samples of
        which each is known: ``mean_tokens`` and ``mean_thought_tokens`` drawn,
        ``mean_prompt_tokens``, and, with the size of the pool's model, ``prompt_flops`` and
        ``completion_flops``, operations. The latter is the mean of what the samples cost, not what
        a sample of the mean length costs.
    """
    known = pool.correct[~np.isnan(pool.correct)]
    cut_right = np.where(np.array(pool.statuses) == "truncated", 1.0, pool.correct)
    lengths = pool.num_tokens if pool.total_tokens is None else pool.total_tokens
    thoughts = pool.thought_tokens
    prompts = np.full(len(pool), np.nan) if pool.prompt_tokens is None else pool.prompt_tokens
    return {
        **pool.key,
        "samples": len(pool),
        **{status: pool.statuses.count(status) for status in STATUSES},
        **{f"{RULE}{rule}": 0 for rule in RULES},
        **{f"{RULE}{rule}": count for rule, count in Counter(pool.rules).items()},
        "unknown": len(pool) - len(known),
        "accuracy": known.mean() if len(known) else np.nan,
        "accuracy_if_unknown_wrong": known.sum() / len(pool) if len(known) else np.nan,
        "accuracy_if_unknown_right": 1 - (known == 0).sum() / len(pool) if len(known) else np.nan,
        "accuracy_if_cut_right": _known_mean(np.where(np.isnan(pool.correct), np.nan, cut_right)),
        "share_passed": _known_mean(pool.rewards.get("partial", np.empty(0))),
        "distinct_texts": len(set(pool.texts)) / len(pool) if len(pool) > 1 else np.nan,
        "mean_tokens": _known_mean(lengths),
        "mean_thought_tokens": np.nan if thoughts is None else _known_mean(thoughts),
        "mean_prompt_tokens": _known_mean(prompts),
        "prompt_flops": np.nan if size is None else _known_mean(prompt_flops(size, prompts)),
        "completion_flops": (
            np.nan if size is None else _known_mean(completion_flops(size, prompts, lengths))
        ),
    }


def recorded_sizes(run: Run) -> dict[str, ModelSize | str]:
    """Return the size of each condition's model, as recorded at drawing, or why it is unknown."""
    generation, recorded = run.experiment.generation, run.manifest.get("model_sizes", {})
    missing = "it was not recorded when the samples were drawn"
    found: dict[str, ModelSize | str] = {}
    for condition in run.conditions:
        entry: Any = recorded.get(loading_of(condition, generation).model, missing)
        found[condition.name] = entry if isinstance(entry, str) else ModelSize.from_dict(entry)
    return found


def _known_mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
