"""What settings are made of, and the section of an experiment that says how samples are judged."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(  # a misspelt key is an error, and so is NaN
    extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
)
OWN_OPTIONS = ("model", "dtype", "seed", "max_model_len", "logprobs_mode")
"""Engine options that the workbench sets itself."""

V = TypeVar("V")


def distinct(values: tuple[V, ...]) -> tuple[V, ...]:
    """Refuse a repeated entry."""
    repeated = [value for i, value in enumerate(values) if value in values[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is given twice; give each entry once")
    return values


def not_empty(values: tuple[V, ...]) -> tuple[V, ...]:
    """Refuse an empty list."""
    if not values:
        raise ValueError("needs at least one entry, got []")
    return values


def positive(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse a size below 1."""
    if min(sizes) < 1:
        raise ValueError(f"every subset size must be at least 1, got {list(sizes)}")
    return sizes


def a_folder_name(name: str) -> str:
    """Refuse what cannot name a folder."""
    if not re.fullmatch(r"[\w.-]+", name) or set(name) == {"."}:
        raise ValueError(
            f"must be letters, digits, '.', '_' or '-' (it names a folder), got {name!r}"
        )
    return name


def not_our_own(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse engine options that are settings of their own."""
    taken = [name for name in OWN_OPTIONS if name in options]
    if taken:
        raise ValueError(
            f"{taken[0]!r} is not an engine option here: it is a setting of its own, beside engine "
            "(logprobs_mode is always raw_logprobs, which every metric supposes)"
        )
    return options


Names = Annotated[tuple[str, ...], AfterValidator(distinct)]
FolderName = Annotated[str, AfterValidator(a_folder_name)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OutcomeRewardModel:
    """The ``scoring.orm`` section: a model that says ``+`` or ``-`` after a solution."""

    model: str
    """A folder, a hub name, or a model that a registry package carries."""
    backend: Literal["auto", "vllm", "transformers"] = "auto"
    """What runs it: vllm where it can be imported, else transformers."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_model_len: int | None = Field(default=None, ge=2)
    """Longest problem and solution together, tokens; a longer one has no reward."""
    engine: Annotated[dict[str, Any], AfterValidator(not_our_own)] = Field(default_factory=dict)
    """Further engine options, passed through."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scoring:
    """The ``scoring`` section: what each sample is given besides its answer."""

    rewards: Names = ("likelihood",)
    """Rewards of ``workbench list``."""
    regrade: bool = False
    """Grade an imported run afresh, where it came with answers and correctness of its own."""
    orm: OutcomeRewardModel | None = None
    """The model behind the reward ``orm``."""
