"""The nouns that pass between stages, and the alphabet of their sizes.

N samples in a pool, K of them in a subset, S subsets, D embedding dimensions. A shape such as
``(S, K)`` in a comment or docstring always means these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from workbench.config import Selection
    from workbench.metrics.ngrams import Ngrams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNANSWERED = -1
"""The cluster number of a sample that gave no answer."""

NOBODY = -1
"""The position of a pick where no sample of a subset can be picked."""

STATUSES = ("answered", "no_answer", "truncated", "timeout", "error")
"""What became of a sample. ``timeout`` and ``error`` leave its correctness unknown."""


@dataclass(frozen=True)
class Problem:
    """One question with its known answer."""

    id: str
    question: str
    gold: str | None = None
    """The known answer; None where there is none to grade against."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prompt:
    """What a model is asked: a plain text to go on from, or a conversation.

    Exactly one of the two is set. Messages have the keys ``role`` and ``content``.
    """

    text: str | None = None
    messages: tuple[Mapping[str, str], ...] | None = None


@dataclass(frozen=True)
class Request:
    """One sample to be drawn."""

    problem_id: str
    temperature: float
    sample_index: int
    prompt: Prompt
    prompt_hash: str
    seed: int

    def sampled(
        self,
        completion: str,
        stop_reason: str,
        output_token_ids: tuple[int, ...] = (),
        token_logprobs: tuple[float, ...] = (),
        error: str = "",
        *,
        token_entropies: tuple[float, ...] = (),
        missing_mass: tuple[float, ...] = (),
        num_output_tokens: int | None = None,
    ) -> Sample:
        """Return the sample that answers this request."""
        return Sample(
            problem_id=self.problem_id,
            temperature=self.temperature,
            sample_index=self.sample_index,
            completion=completion,
            stop_reason=stop_reason,
            output_token_ids=output_token_ids,
            token_logprobs=token_logprobs,
            seed=self.seed,
            prompt_hash=self.prompt_hash,
            error=error,
            token_entropies=token_entropies,
            missing_mass=missing_mass,
            num_output_tokens=num_output_tokens,
        )


@dataclass(frozen=True)
class Sample:
    """One sampled sequence. Log-probabilities are in nats, under the untempered model."""

    problem_id: str
    temperature: float
    sample_index: int
    completion: str
    stop_reason: str
    """``stop``, ``length`` (cut off at ``max_tokens``) or ``error`` (never sampled)."""
    output_token_ids: tuple[int, ...]
    token_logprobs: tuple[float, ...]
    seed: int
    prompt_hash: str
    error: str = ""
    """Why the sample could not be drawn, when ``stop_reason`` is ``error``."""
    token_entropies: tuple[float, ...] = ()
    """Entropy of each token's distribution, nats, under the untempered model: exact, or a lower
    bound that takes what is not among the likeliest tokens for one token. Empty where the
    experiment does not ask."""
    missing_mass: tuple[float, ...] = ()
    """For each token the probability outside the likeliest tokens, which the bound lumps."""
    num_output_tokens: int | None = None
    """Tokens drawn, where a server counts them without telling which they are."""

    @property
    def length(self) -> int | None:
        """Tokens drawn, those that end the sample included; None where nobody counted them."""
        if self.stop_reason == "error":
            return 0
        known = len(self.output_token_ids) or self.num_output_tokens or len(self.token_logprobs)
        return known or None  # even an empty answer takes the token that ends it


@dataclass(frozen=True, eq=False)
class Pool:
    """All N samples of one problem at one temperature, as arrays in the order of sample_index."""

    problem_id: str
    temperature: float
    """NaN where an imported run does not say."""
    texts: tuple[str, ...]
    logprobs: Floats
    """(N,) mean token log-probability of each sample, nats per token; NaN where unknown."""
    num_tokens: Floats
    """(N,) lengths in tokens; NaN where unknown."""
    answers: tuple[str | None, ...]
    clusters: Ints
    """(N,) answer cluster of each sample, -1 = unanswered."""
    correct: Floats
    """(N,) 1 correct, 0 not, NaN unknown (a check that timed out, a sample that failed)."""
    statuses: tuple[str, ...]
    rewards: Mapping[str, Floats]
    """By name, (N,) each; NaN where a sample has none."""
    embeddings: Floats | None = None
    """(N, D) unit vectors, or None where the run has none."""
    rules: tuple[str, ...] = ()
    """(N,) which extraction rule found each answer."""
    quality: str | None = None
    """The reward behind ``log_quality``; None: the log-probability."""
    bleu_tokenize: str = "whitespace"
    bleu_smoothing: str = "method1"
    entropies: Floats | None = None
    """(N,) mean token entropy of each sample, nats; NaN where unknown, None where never kept."""
    problem: Problem | None = None
    """What was asked, where it is at hand: ``Run.pool`` sees to that."""

    def __len__(self) -> int:
        """N, the number of samples."""
        return len(self.texts)

    def _repr_html_(self) -> str:
        """Show the answers, by votes, in a notebook."""
        from workbench.display import pool_html

        return pool_html(self)

    @cached_property
    def similarity(self) -> Floats:
        """(N, N) cosine similarities of the embeddings, 1 on the diagonal exactly."""
        from workbench.metrics.cosine import similarity_matrix

        if self.embeddings is None:
            raise ValueError(
                f"the pool of {self.problem_id} at temperature {self.temperature} has no "
                "embeddings; run `workbench score` with a metric or aggregator that needs them"
            )
        return similarity_matrix(self.embeddings)

    @cached_property
    def log_quality(self) -> Floats:
        """(N,) logarithm of each sample's quality in ``qual_dpp``; NaN where it has none."""
        if self.quality is None:
            return self.logprobs
        from workbench.lookup import lookup
        from workbench.rewards import REWARDS

        values = lookup(self.rewards, self.quality, "reward of this pool")
        if lookup(REWARDS, self.quality, "reward").is_log:
            return values
        with np.errstate(divide="ignore"):  # of 0: no such subset is any good
            return np.asarray(np.log(values))

    @cached_property
    def text_ids(self) -> Ints:
        """(N,) numbers of the texts, equal just where the texts are."""
        from workbench.metrics.ngrams import numbered

        return numbered(self.texts)[0]

    @cached_property
    def ngrams(self) -> Ngrams:
        """The texts' n-grams of up to four tokens, whitespace between tokens."""
        from workbench.metrics.ngrams import number_ngrams

        return number_ngrams(self.texts, 4)

    @cached_property
    def bleu(self) -> Floats:
        """(N, N) sentence BLEU, [i, j] with i as hypothesis and j as its one reference."""
        from workbench.metrics.bleu import bleu_of, pairwise_bleu

        if self.bleu_tokenize == "whitespace":
            return bleu_of(self.ngrams, self.bleu_smoothing)
        return pairwise_bleu(self.texts, self.bleu_tokenize, self.bleu_smoothing)


@dataclass(frozen=True, slots=True)
class Aggregator:
    """A rule that picks one sample of each subset."""

    pick: Callable[[Pool, Ints, Selection], Ints]
    """(pool, subsets (S, K), settings, whose reward is the one to go by) -> (S,) positions among
    the members, or ``NOBODY``."""
    summary: str
    needs: tuple[str, ...]
    """Fields of ``Pool`` it reads, so that a stage knows what it may skip."""
    expected: Callable[[Pool, Ints, Selection], Floats] | None = None
    """(pool, sizes k, settings) -> exact mean outcome over all k-subsets for each k, where one is
    known."""
    uses_reward: bool = False
    """Whether ``NAME:REWARD`` chooses another reward for it."""
