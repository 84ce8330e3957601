"""A model of the transformers library, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    GenerationConfig,
    LogitsProcessorList,
    MinPLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from workbench.config.schema import Generation
from workbench.models.locate import resolve_model

BATCH = 32
"""Sequences a step where ``engine.max_num_seqs`` does not say."""


@dataclass(frozen=True)
class Model:
    """A loaded model and what is asked of it at every step."""

    network: Any
    tokenizer: Any
    ends: frozenset[int]
    """Tokens that end a sample: those of the tokenizer and of the model's generation_config."""
    settings: Generation
    limit: int
    """Longest prompt and sample together, tokens."""
    warp: Any
    """What min-p, top-k and top-p leave of tempered logits."""


def load(settings: Generation) -> Model:
    """Load the model, on the GPU where there is one. Its own sampling defaults are not read."""
    folder = str(resolve_model(settings.model))
    dtype = "auto" if settings.dtype == "auto" else getattr(torch, settings.dtype)
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    if torch.cuda.is_available():
        network = network.to("cuda")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ends = network.generation_config.eos_token_id
    network.generation_config = GenerationConfig()  # or `generate` would take its defaults
    more = [ends] if isinstance(ends, int) else ends or []
    limit = int(settings.max_model_len or network.config.max_position_embeddings)
    stops = frozenset({tokenizer.eos_token_id, *more})
    return Model(network, tokenizer, stops, settings, limit, warper(settings))


def warper(settings: Generation) -> Any:
    """Return min-p, top-k and top-p in vLLM's order, as one function of tempered logits."""
    steps = LogitsProcessorList()
    if settings.min_p > 0:
        steps.append(MinPLogitsWarper(settings.min_p))
    if settings.top_k > 0:
        steps.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        steps.append(TopPLogitsWarper(settings.top_p))
    return lambda scores: steps(None, scores)


def read_prompt(network: Any, ids: torch.Tensor, rows: int) -> Any:
    """Read a prompt, (1, length), but for its last token; return its cache, for so many rows."""
    cache = DynamicCache(config=network.config)
    if ids.shape[1] > 1:
        network(input_ids=ids[:, :-1], past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache.batch_repeat_interleave(rows)
    return cache
