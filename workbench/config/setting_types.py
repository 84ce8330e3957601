"""Types of settings that several sections share, each with the check of its values."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict

STRICT = ConfigDict(  # a misspelt key is an error, and so is NaN
    extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
)
OWN_OPTIONS = ("model", "dtype", "seed", "max_model_len", "logprobs_mode")
"""Engine options that the workbench sets itself."""
OWN = "own"
"""Where a name of ``scoring.models`` is asked for: the model that drew the samples."""

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
        raise ValueError(f"every size must be at least 1, got {list(sizes)}")
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


def not_own(name: str) -> str:
    """Refuse the name that stands for the run's own model."""
    if name == OWN:
        raise ValueError(
            f"{OWN!r} is the run's own model, whose log-probabilities come with its samples; give "
            "this one another name"
        )
    return name


FolderName = Annotated[str, AfterValidator(a_folder_name)]
ModelName = Annotated[FolderName, AfterValidator(not_own)]
Names = Annotated[tuple[str, ...], AfterValidator(distinct)]
Sizes = Annotated[
    tuple[int, ...], AfterValidator(not_empty), AfterValidator(positive), AfterValidator(distinct)
]
Temperatures = Annotated[
    tuple[float | None, ...], AfterValidator(not_empty), AfterValidator(distinct)
]
EngineOptions = Annotated[dict[str, Any], AfterValidator(not_our_own)]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
