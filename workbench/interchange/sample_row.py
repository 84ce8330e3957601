"""SampleRow: the columns of an imported sample, and which values each may hold."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from workbench.core.plain_number import as_plain_text

BYTES_PER_TOKEN = 32
"""Of a number and its place in a list."""
ROUNDING = 1e-3
"""How far rounding may put a log-probability above 0, in nats; beyond it the value is a fault."""


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"holds half a surrogate pair at character {error.start + 1}") from error
    return text


def _as_text(value: Any) -> str | None:
    """Return a text or a number as text without white space around it; None where it is empty."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected a text or a number, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value!r}")
    return as_plain_text(value).strip() or None


def _as_answer(value: Any) -> str | None:
    return str(value) if isinstance(value, bool) else _as_text(value)


def _as_bool(value: Any) -> Any:
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else value


STOP_REASONS = dict.fromkeys(("length", "max_tokens", "model_length"), "length")
STOP_REASONS |= {"stop": "stop", "error": "error"}
"""A tool's word for why a sample ended -> ours. Any other word is taken for unknown."""


def _as_reason(value: Any) -> str | None:
    return STOP_REASONS.get(value) if isinstance(value, str) else None


def _as_count(value: Any) -> int | None:
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    return int(value) if is_whole and value >= 1 else None


def _as_share(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 < value <= 1 else None


def _as_top_k(value: Any) -> int | None:
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    return max(int(value), 0) if is_whole else None


def _as_min_p(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if known else None


def _as_penalty(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and 0 < value < math.inf else None


def _as_message(value: Any) -> str | None:
    return None if value is None else str(value)


Text = Annotated[str, AfterValidator(_encodable)]
Label = Annotated[Text, BeforeValidator(_as_text)]
Answer = Annotated[Text | None, BeforeValidator(_as_answer)]
LogProb = Annotated[float, Field(le=ROUNDING)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, allow_inf_nan=False))
class SampleRow:
    """One sample as a file has it. Only ``problem_id`` and ``text`` are required."""

    problem_id: Label
    text: Text
    problem: Text | None = None
    gold: Answer = None
    model: Text | None = None
    prompt_style: Text | None = None
    """The name of the prompt that was asked, a level of the factor ``prompt``."""
    temperature: Annotated[float, Field(ge=0)] | None = None
    condition: Annotated[Text | None, BeforeValidator(_as_text)] = None
    """The name of the settings that it was drawn with, where that is more than a temperature."""
    sample_index: Annotated[int, Field(ge=0)] | None = None
    """Its number in the pool; an import closes gaps in the numbers."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """What it was drawn with."""
    max_tokens: Annotated[int | None, BeforeValidator(_as_count)] = None
    """The most tokens it might have; no number from 1 on, such as -1, is taken for unknown."""
    top_p: Annotated[float | None, BeforeValidator(_as_share)] = None
    """The share of the likeliest tokens that it was drawn from; outside (0, 1] it is unknown."""
    top_k: Annotated[int | None, BeforeValidator(_as_top_k)] = None
    """How many of the likeliest tokens it was drawn from; 0 or less: all of them."""
    min_p: Annotated[float | None, BeforeValidator(_as_min_p)] = None
    """The share of the likeliest token's probability that a token needed; outside [0, 1] it is
    unknown."""
    repetition_penalty: Annotated[float | None, BeforeValidator(_as_penalty)] = None
    """By which what was there already was made less likely; 1 is none, and 0 or less is unknown."""
    answer: Answer = None
    correct: Annotated[bool | None, BeforeValidator(_as_bool)] = None
    token_logprobs: list[LogProb] | None = None
    """Of each token, nats, under the model at temperature 1."""
    logprob: LogProb | None = None
    """Their sum over the tokens, nats."""
    mean_logprob: LogProb | None = None
    """Their mean, nats per token."""
    num_tokens: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    mean_entropy: Annotated[float, Field(ge=0)] | None = None
    """Mean entropy of the tokens' distributions at temperature 1, nats per token."""
    thought: Text | None = None
    """What was thought before the answer, where the file keeps it apart from ``text``."""
    num_thought_tokens: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """How many of the tokens, from the first, are of the thought."""
    thought_logprob: LogProb | None = None
    """Mean over the tokens of the thought, nats per token; ``answer_logprob`` over the others."""
    answer_logprob: LogProb | None = None
    thought_entropy: Annotated[float, Field(ge=0)] | None = None
    answer_entropy: Annotated[float, Field(ge=0)] | None = None
    reward: float | None = None
    stop_reason: Annotated[str | None, BeforeValidator(_as_reason)] = None
    """``stop``, ``length`` (cut off) or ``error`` (could not be drawn)."""
    error: Annotated[Text | None, BeforeValidator(_as_message)] = None
    """Why it could not be drawn."""
    graded_by: Text | None = None
    """The grader that the answer and the correctness come from, where a file has several."""

    def __post_init__(self) -> None:
        """Refuse token counts and log-probabilities that contradict one another."""
        if not self.token_logprobs:
            return
        given, count = self.num_tokens, len(self.token_logprobs)
        if given not in (None, count):
            raise ValueError(f"num_tokens is {given}, but token_logprobs has {count} entries")
        total = math.fsum(self.token_logprobs)
        for name, expected in (("logprob", total), ("mean_logprob", total / count)):
            value = getattr(self, name)
            if value is not None and abs(value - expected) > ROUNDING * max(1, abs(expected)):
                raise ValueError(f"{name} is {value:g}, but by token_logprobs it is {expected:g}")

    def is_full(self) -> bool:
        """Say whether it has as many tokens as it might have; False where either is unknown.

        Example:
            >>> full = SampleRow(problem_id="p", text="t", num_tokens=40, max_tokens=40)
            >>> full.is_full(), SampleRow(problem_id="p", text="t", num_tokens=40).is_full()
            (True, False)
        """
        tokens, _, _ = self.likelihood()
        return tokens is not None and self.max_tokens is not None and tokens >= self.max_tokens

    @classmethod
    def of_checked(cls, columns: Mapping[str, Any]) -> Self:
        """Return the row of columns that a row had, without checking them again.

        Example:
            >>> row = SampleRow(problem_id="p", text="t", seed=3)
            >>> SampleRow.of_checked(row.columns()) == row
            True
        """
        row = object.__new__(cls)
        vars(row).update(dict.fromkeys(SAMPLE_COLUMNS) | dict(columns))
        return row

    def columns(self) -> dict[str, Any]:
        """Return the columns that have a value.

        Example:
            >>> SampleRow(problem_id="p", text="t", seed=3).columns()
            {'problem_id': 'p', 'text': 't', 'seed': 3}
        """
        return {name: value for name, value in vars(self).items() if value is not None}

    @property
    def size(self) -> int:
        """Bytes of memory that its texts and its tokens take, about."""
        texts = len(self.text) + len(self.thought or "")
        return texts + BYTES_PER_TOKEN * len(self.token_logprobs or ())

    def likelihood(self) -> tuple[int | None, float | None, float | None]:
        """Return (number of tokens, sum in nats, mean in nats per token) of the log-probabilities.

        Each is None where it is unknown.

        Example:
            >>> SampleRow(problem_id="p", text="t", token_logprobs=[-1.0, -3.0]).likelihood()
            (2, -4.0, -2.0)
        """
        tokens, total, mean = self.num_tokens, self.logprob, self.mean_logprob
        if self.token_logprobs:  # a sum that the file gives as well may have more digits
            tokens = len(self.token_logprobs)
            total = math.fsum(self.token_logprobs) if total is None else total
        if mean is None and total is not None and tokens:
            mean = total / tokens
        return tokens, total, mean


LIMITS = ("max_tokens", "top_p", "top_k", "min_p", "repetition_penalty")
"""Settings of a run that its samples may have brought with them."""
PROMPT_STYLE = "prompt_style"
"""The column of the prompt's name; ``prompt`` is what many files call the question."""
THOUGHT_COLUMNS = ("reasoning", "reasoning_content")
"""Names that other tools give the column ``thought``."""

SAMPLE_COLUMNS = tuple(item.name for item in fields(SampleRow))


class RowLocation(NamedTuple):
    """Where a sample is among all that are read. Locations sort in the order of reading."""

    number: int
    """Its number among the samples of all files, from 1."""
    label: str
    """In words: ``line 3``."""
