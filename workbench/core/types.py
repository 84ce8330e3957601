"""The nouns that pass between stages, and the alphabet of their sizes.

N samples in a pool, K of them in a subset, S subsets, D embedding dimensions. A shape such as
``(S, K)`` in a comment or docstring always means these.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.core.conditions import temperature_name
from workbench.core.thinking import FAMILIES, Markers, SplitText, split_thought

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNANSWERED = -1
"""The cluster number of a sample that gave no answer."""

NOBODY = -1
"""The position of a pick where no sample of a subset can be picked."""

STAGES = ("generate", "score", "measure", "analyze")
"""The stages of a run, in order: the names of their commands and of their manifest entries."""

REWARD_PREFIX = "reward_"
"""A reward's column in the scores is this and the reward's name."""

SHORT = reprlib.Repr()
"""Spells a value for a ``repr`` of its owner, a text of at most 70 characters."""
SHORT.maxstring = 70
SHORT.maxother = 200

OUTCOMES = (
    "passed", "failed", "exception", "syntax", "memory", "limit", "unsupported", "infrastructure",
)  # fmt: skip
"""What became of a sample whose answer is a program, beside ``timeout``, which is one of these as
well: its time was up, and it is wrong. ``unsupported`` (its tests need of it what cannot be had in
the sandbox) and ``infrastructure`` (it could not be run) leave its correctness unknown."""

STATUSES = ("answered", "no_answer", "truncated", "timeout", "error", "ungraded", *OUTCOMES)
"""What became of a sample. ``timeout``, of a comparison of answers, and ``error`` leave its
correctness unknown; so does ``ungraded``: neither a known answer nor an imported verdict, so that
no answer was looked for."""


def known_temperature(value: float | None) -> float | None:
    """Return a temperature as everything in memory has it: a number, or None where it is unknown.

    Only imported samples can be of an unknown temperature. Columns of numbers have to hold NaN for
    it, as pandas and numpy know no None; what is read from them goes through here.

    >>> known_temperature(0.7), known_temperature(float("nan")), known_temperature(None)
    (0.7, None, None)
    """
    return None if value is None or math.isnan(value) else float(value)


@dataclass(frozen=True)
class Problem:
    """One question with its known answer."""

    id: str
    question: str
    gold: str | None = None
    """The known answer; None where there is none to grade against."""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Show all fields, long texts cut in the middle."""
        fields = (f"{name}={SHORT.repr(value)}" for name, value in vars(self).items())
        return f"Problem({', '.join(fields)})"


@dataclass(frozen=True)
class Prompt:
    """What a model is asked: a plain text to go on from, or a conversation.

    Exactly one of the two is set. Messages have the keys ``role`` and ``content``.
    """

    text: str | None = None
    messages: tuple[Mapping[str, str], ...] | None = None
    template_options: Mapping[str, Any] = field(default_factory=dict)
    """Of a conversation: switches of the model's chat template, such as ``enable_thinking``."""
    begun: str = ""
    """How the answer begins: the model goes on from there."""

    def __repr__(self) -> str:
        """Show the beginning and end of the text, or of the last message."""
        if self.messages is None:
            return f"Prompt({SHORT.repr(self.text)})"
        last = self.messages[-1]["content"] if self.messages else ""
        return f"Prompt({len(self.messages)} messages, the last {SHORT.repr(last)})"


@dataclass(frozen=True)
class Request:
    """One sample to be drawn."""

    problem_id: str
    temperature: float
    sample_index: int
    prompt: Prompt
    prompt_hash: str
    seed: int
    thinking: tuple[Markers, ...] = tuple(FAMILIES.values())
    """The markers by which thoughts are told from answers."""
    condition: str = ""
    """The name of the condition; by default that of which only the temperature is set."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Sampling options of the condition, where they are factors of the experiment."""
    parent: int | None = None
    """Of a second answer: the index of the first answer that it corrects."""
    goes_on: bool = False
    """Whether a text that ends is made to go on, so that a sample may be only a part of it."""
    drawn: Sample | None = None
    """What was drawn of it before, where its text goes on."""
    rounds: int = 0
    """How often its text was made to go on."""

    def __post_init__(self) -> None:
        """Name the condition."""
        object.__setattr__(self, "condition", self.condition or temperature_name(self.temperature))

    def sampled(
        self,
        text: str,
        stop_reason: str,
        output_token_ids: tuple[int, ...] = (),
        token_logprobs: tuple[float, ...] = (),
        error: str = "",
        *,
        token_entropies: tuple[float, ...] = (),
        missing_mass: tuple[float, ...] = (),
        num_output_tokens: int | None = None,
        reasoning: str | None = None,
        num_thought_tokens: int | None = None,
        count_tokens: Callable[[int], int | None] | None = None,
        num_prompt_tokens: int | None = None,
    ) -> Sample:
        """Return the sample that answers this request, its thought apart from its answer.

        A server may keep the ``reasoning`` apart already, and count its tokens. Who knows the
        tokens gives ``count_tokens``: how many of them spell so many characters of the text.
        Of a text that is made to go on the sample is a part, which is not split yet.
        """
        parts = split_thought(text, self.thinking, reasoning)
        if parts.thought is None:
            num_thought_tokens = None
        elif count_tokens is not None:
            closed = parts.closed  # what ends the sample is of the thought if no answer was begun
            num_thought_tokens = count_tokens(parts.start) if closed else len(output_token_ids)
        if self.goes_on:
            num_thought_tokens = num_thought_tokens if parts.closed or reasoning else None
            parts = SplitText(reasoning, text, 0)
        key = self.problem_id, self.temperature, self.sample_index
        rest: list[Any] = [output_token_ids, token_logprobs, self.seed, self.prompt_hash, error]
        rest += [token_entropies, missing_mass, num_output_tokens]
        rest += [parts.thought, num_thought_tokens, self.condition, num_prompt_tokens, self.parent]
        return Sample(*key, parts.answer, stop_reason, *rest)


@dataclass(frozen=True)
class Sample:
    """One sampled sequence, of a thought, where there is one, and an answer.

    Tokens, log-probabilities and entropies are of both together. Log-probabilities are in nats,
    under the untempered model.
    """

    problem_id: str
    temperature: float
    sample_index: int
    completion: str
    """The answer: what follows the thought, or the whole text where there is none."""
    stop_reason: str
    """``stop``, ``length`` (cut off at ``max_tokens``) or ``error`` (never sampled whole)."""
    output_token_ids: tuple[int, ...]
    token_logprobs: tuple[float, ...]
    seed: int
    prompt_hash: str
    error: str = ""
    """Why the sample could not be drawn, when ``stop_reason`` is ``error``; else what was odd in
    the reply that it came in."""
    token_entropies: tuple[float, ...] = ()
    """Entropy of each token's distribution, nats, under the untempered model: exact, or a lower
    bound that takes what is not among the likeliest tokens for one token. Empty where the
    experiment does not ask."""
    missing_mass: tuple[float, ...] = ()
    """For each token the probability outside the likeliest tokens, which the bound lumps."""
    num_output_tokens: int | None = None
    """Tokens drawn, where a server counts them without telling which they are."""
    thought: str | None = None
    """What was thought before the answer, without its markers; None where nothing was."""
    num_thought_tokens: int | None = None
    """How many of the tokens, from the first, are of the thought and its markers; None where there
    is no thought, and where nobody counted."""
    condition: str = ""
    """The name of the condition; by default that of which only the temperature is set."""
    num_prompt_tokens: int | None = None
    """Tokens of the prompt, as the model read it; None where nobody counted."""
    parent: int | None = None
    """Of a second answer: the index of the first answer that it corrects."""

    def __post_init__(self) -> None:
        """Name the condition."""
        object.__setattr__(self, "condition", self.condition or temperature_name(self.temperature))

    def __repr__(self) -> str:
        """Show which sample it is, the beginning and end of its text, and why it ended."""
        key = f"{self.problem_id!r}, {self.condition}, {self.sample_index}"
        return f"Sample({key}: {SHORT.repr(self.completion)}, {self.stop_reason})"

    @property
    def turn(self) -> int:
        """1, or 2 of a second answer."""
        return 1 if self.parent is None else 2

    @property
    def length(self) -> int | None:
        """Tokens drawn, those that end the sample included; None where nobody counted them."""
        if self.stop_reason == "error":
            return 0
        known = len(self.output_token_ids) or self.num_output_tokens or len(self.token_logprobs)
        return known or None  # even an empty answer takes the token that ends it


@dataclass(frozen=True)
class Known:
    """A problem of a run, with the hashes of the prompts that its samples answer."""

    problem: Problem
    prompt_hash: str
    """Of the task's own prompt."""
    variant_hashes: Mapping[str, str] = field(default_factory=dict)
    """Name of a variant of ``task.prompts`` -> hash of that prompt."""


class SelectionRule(Protocol):
    """A row of ``workbench.analysis.aggregate.AGGREGATORS``, which the front door hands down.

    The rules belong to the analysis. An experiment's names are checked, and embeddings made,
    before it begins.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """The fields of ``Pool`` that it reads; with ``rewards``, ``NAME:REWARD`` chooses one."""
