"""One sample as a file has it: its columns, and what may be in them."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

ROUNDING = 1e-3
"""How far above 0 a log-probability may lie before it is taken for something else, nats."""


def _valid(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"holds half a surrogate pair at character {error.start + 1}") from error
    return text


def _as_text(value: Any) -> str | None:
    """Return a text or a number as text; None for none, and for an empty one."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"expected a text or a number, got {value!r}")
    return str(value).strip() or None


def _as_truth(value: Any) -> Any:
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else value


STOP_REASONS = {
    "stop": "stop", "length": "length", "error": "error",
    "max_tokens": "length", "model_length": "length",
}  # fmt: skip
"""Why a sample ended, in our words and in others' -> in ours. Any other reason is unknown."""


def _as_reason(value: Any) -> str | None:
    return STOP_REASONS.get(value) if isinstance(value, str) else None


def _as_message(value: Any) -> str | None:
    return None if value is None else str(value)


Text = Annotated[str, AfterValidator(_valid)]
Label = Annotated[Text, BeforeValidator(_as_text)]
Answer = Annotated[Text | None, BeforeValidator(_as_text)]
LogProb = Annotated[float, Field(le=ROUNDING)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, allow_inf_nan=False))
class Row:
    """One sample as a file has it. Only the problem's name and the text have to be there."""

    problem_id: Label
    text: Text
    problem: Text | None = None
    gold: Answer = None
    model: Text | None = None
    prompt_style: Text | None = None
    temperature: Annotated[float, Field(ge=0)] | None = None
    sample_index: Annotated[int, Field(ge=0)] | None = None
    """Its place in the pool; places that are left out are closed up."""
    answer: Answer = None
    correct: Annotated[bool | None, BeforeValidator(_as_truth)] = None
    token_logprobs: list[LogProb] | None = None
    """Nats, under the untempered model, as everywhere."""
    logprob: LogProb | None = None
    """The sum over the tokens, nats."""
    mean_logprob: LogProb | None = None
    """Nats per token."""
    num_tokens: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    mean_entropy: Annotated[float, Field(ge=0)] | None = None
    """Of the tokens' distributions, nats per token, under the untempered model."""
    reward: float | None = None
    stop_reason: Annotated[str | None, BeforeValidator(_as_reason)] = None
    """``stop``, ``length`` (cut off) or ``error`` (never drawn)."""
    error: Annotated[Text | None, BeforeValidator(_as_message)] = None
    """Why it could not be drawn."""
    graded_by: Text | None = None
    """Who says the answer and the correctness, where a file has several who do."""

    def __post_init__(self) -> None:
        """Refuse what is said twice and differs."""
        if self.token_logprobs and self.num_tokens not in (None, len(self.token_logprobs)):
            raise ValueError(
                f"num_tokens is {self.num_tokens}, but token_logprobs has "
                f"{len(self.token_logprobs)} entries"
            )
        if self.token_logprobs:
            total = math.fsum(self.token_logprobs)
            for name, there in (
                ("logprob", total), ("mean_logprob", total / len(self.token_logprobs))
            ):  # fmt: skip
                said = getattr(self, name)
                if said is not None and abs(said - there) > ROUNDING * max(1.0, abs(there)):
                    raise ValueError(f"{name} is {said:g}, but by token_logprobs it is {there:g}")

    def likelihood(self) -> tuple[int | None, float | None, float | None]:
        """Return tokens, sum [nats] and mean [nats/token] of log-probabilities; None if unknown."""
        tokens, total, mean = self.num_tokens, self.logprob, self.mean_logprob
        if self.token_logprobs:  # what is said beside them may have more digits
            tokens = len(self.token_logprobs)
            total = math.fsum(self.token_logprobs) if total is None else total
        if mean is None and total is not None and tokens:
            mean = total / tokens
        return tokens, total, mean


COLUMNS = tuple(item.name for item in fields(Row))
