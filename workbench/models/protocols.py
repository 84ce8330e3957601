"""What a loaded model can be asked, whichever library holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Sequences = Mapping[str, tuple[Sequence[int], Sequence[int]]]
"""Tokens of a prompt and those that come after it, by name."""


class Told(NamedTuple):
    """What a model says of the tokens of one completion, in their order."""

    name: str
    logprobs: Sequence[float]
    """Nats."""
    entropies: Sequence[float] = ()
    """Of the distributions that the tokens come from, nats; none where they were not asked for."""
    certainties: Sequence[float] = ()
    """How far these are from uniform: KL(uniform || p), nats, 0 at least. None where they were not
    asked for, or the model's engine does not tell whole distributions."""


@dataclass(frozen=True)
class Reader:
    """A loaded model that says how likely it holds given tokens, one after another."""

    tokenizer: Any
    limit: int
    """Prompt and completion together have to be shorter than this, tokens."""
    vocabulary: int
    """Tokens that its distributions are over."""
    read: Callable[[Sequences], Iterator[Told]]
    """(sequences by name) -> what is said of each, in any order."""


Prompts = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Scorer:
    """A loaded model that says how likely it holds given tokens to come next."""

    tokenizer: Any
    limit: int
    """A prompt has to be shorter than this, tokens."""
    next_logprobs: Callable[[Prompts, Sequence[int]], Iterator[tuple[str, list[float]]]]
    """(prompts by name, tokens) -> each name with the tokens' log-probabilities, nats, as they
    come: all off by one constant at most, as only their differences are asked for."""


@dataclass(frozen=True)
class Encoder:
    """A loaded model that says what it holds of a prompt where it is about to go on."""

    tokenizer: Any
    limit: int
    """A prompt has to be shorter than this, tokens."""
    states: Callable[[Prompts], Iterator[tuple[str, NDArray[np.float32]]]]
    """(prompts by name) -> each name with a unit vector (D,), as they come."""
