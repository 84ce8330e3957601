"""What a loaded model can be asked, whichever library holds it.

``vllm_engine.py`` and ``hf_scoring.py`` load a ``NextTokenScorer`` (for the reward ``orm``) and a
``CompletionScorer`` (for ``scoring.models``); ``hf_scoring.py`` also loads a ``PromptEncoder`` (for
``scoring.orm.encodings``). Samples are drawn in ``workbench.generate``, and texts are turned into
vectors in ``text_encoder.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

Prompts = Mapping[str, Sequence[int]]
"""Tokens of prompts, by name."""

Sequences = Mapping[str, tuple[Sequence[int], Sequence[int]]]
"""Tokens of a prompt and of the completion after it, by name."""


class CompletionScores(NamedTuple):
    """How likely a model holds each token of one completion, in the order of the tokens."""

    name: str
    logprobs: Sequence[float]
    """Log-probabilities of the tokens, nats, 0 at most."""
    entropies: Sequence[float] = ()
    """Entropies of the distributions that the tokens come from, nats; empty where not asked for."""
    certainties: Sequence[float] = ()
    """Distance of these distributions from uniform: KL(uniform || p), nats, 0 at least. Empty where
    not asked for, and where the library does not return whole distributions."""


@dataclass(frozen=True)
class CompletionScorer:
    """A loaded model that says how likely it holds given completions, token by token."""

    tokenizer: Any
    limit: int
    """Prompt and completion together have to be shorter than this, tokens."""
    vocabulary: int
    """Number of tokens that its distributions are over."""
    score: Callable[[Sequences], Iterator[CompletionScores]]
    """(sequences by name) -> the scores of each, in any order."""


@dataclass(frozen=True)
class NextTokenScorer:
    """A loaded model that says how likely it holds given tokens to come next after a prompt."""

    tokenizer: Any
    limit: int
    """A prompt has to be shorter than this, tokens."""
    next_logprobs: Callable[[Prompts, Sequence[int]], Iterator[tuple[str, list[float]]]]
    """(prompts by name, tokens) -> each name with the tokens' log-probabilities, nats, in any
    order. They may all be off by one constant, as only their differences are used."""


@dataclass(frozen=True)
class PromptEncoder:
    """A loaded model that gives its hidden state at the last token of a prompt."""

    tokenizer: Any
    limit: int
    """A prompt has to be shorter than this, tokens."""
    last_states: Callable[[Prompts], Iterator[tuple[str, Vector]]]
    """(prompts by name) -> each name with a unit vector (D,), in any order."""
