"""What settings are made of, and the section of an experiment that says how samples are judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

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
    encodings: bool = False
    """Whether to keep what the model holds of each solution where it is about to say the sign: its
    last hidden state. Read with transformers, whatever the backend is: vLLM tells none."""
    engine: Annotated[dict[str, Any], AfterValidator(not_our_own)] = Field(default_factory=dict)
    """Further engine options, passed through."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SecondModel:
    """One of ``scoring.models``: a model that says how likely it holds the samples."""

    model: str
    """A folder, a hub name, or a model that a registry package carries."""
    backend: Literal["auto", "vllm", "transformers"] = "auto"
    """What runs it: vllm where it can be imported, else transformers."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_model_len: int | None = Field(default=None, ge=2)
    """Longest prompt and sample together, tokens; a longer one has no values."""
    logprobs: int = Field(default=0, ge=0)
    """Above 0: entropies as well, exact with transformers, with vllm from so many of the likeliest
    tokens as a lower bound."""
    engine: Annotated[dict[str, Any], AfterValidator(not_our_own)] = Field(default_factory=dict)
    """Further engine options, passed through."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DensityRatio:
    """The ``scoring.density_ratio`` section: two of ``scoring.models``, or ``own``."""

    strong: str
    """The model that is right more often."""
    weak: str
    """The model that is right less often, with the same tokenizer."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ImplicitReward:
    """The ``scoring.implicit_reward`` section: two of ``scoring.models``, or ``own``."""

    policy: str
    """The model that was trained on preferences or outcomes."""
    reference: str
    """The model that it was trained from."""
    beta: float = Field(default=0.05, gt=0)
    """By what a log-ratio is multiplied; 0.05 in the implicit PRMs of Yuan et al."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scoring:
    """The ``scoring`` section: what each sample is given besides its answer."""

    rewards: Names = ("likelihood",)
    """Rewards of ``workbench list``."""
    regrade: bool = False
    """Grade an imported run afresh, where it came with answers and correctness of its own."""
    orm: OutcomeRewardModel | None = None
    """The model behind the reward ``orm``."""
    models: dict[Annotated[FolderName, AfterValidator(not_own)], SecondModel] = Field(
        default_factory=dict
    )
    """Models under which the samples are looked at again, by names of your own choice."""
    density_ratio: DensityRatio | None = None
    """The two models behind the reward ``density_ratio``."""
    implicit_reward: ImplicitReward | None = None
    """The two models behind the reward ``implicit_reward``."""
    self_certainty: str | None = None
    """The model behind the reward ``self_certainty``, one of ``scoring.models`` with ``logprobs``
    above 0 and backend transformers; the one that drew the samples, for a model's own certainty."""


NESTED: dict[str, Any] = {
    "orm": OutcomeRewardModel,
    "models": SecondModel,
    "density_ratio": DensityRatio,
    "implicit_reward": ImplicitReward,
}
"""Sections within the section ``scoring``."""
PAIRS: Mapping[str, tuple[str, str]] = {
    "density_ratio": ("strong", "weak"),
    "implicit_reward": ("policy", "reference"),
}
"""Rewards that compare two models, and the settings that name them."""


def unknown_models(scoring: Scoring) -> list[tuple[str, str]]:
    """Return what of the section's rewards has no models, as (key, message)."""
    found = []
    for reward, roles in PAIRS.items():
        section = getattr(scoring, reward)
        if section is None and reward in scoring.rewards:
            found.append(
                (
                    reward,
                    f"missing: the reward {reward!r} compares two models; set "
                    f"scoring.{reward}.{roles[0]} and .{roles[1]}, or leave it out of "
                    "scoring.rewards",
                )
            )
        for role in roles if section is not None else ():
            name = getattr(section, role)
            if name != OWN and name not in scoring.models:
                known = ", ".join([*scoring.models, OWN])
                found.append(
                    (
                        f"{reward}.{role}",
                        f"{name!r} is not among scoring.models (known: {known}); add it there or "
                        "choose one of them",
                    )
                )
    return found + _uncertain(scoring)


def _uncertain(scoring: Scoring) -> list[tuple[str, str]]:
    """Return what the reward ``self_certainty`` lacks, as (key, message)."""
    name = scoring.self_certainty
    if name is None:
        if "self_certainty" not in scoring.rewards:
            return []
        said = "missing: the reward 'self_certainty' is one model's; name it, of scoring.models"
    elif name not in scoring.models:
        known = ", ".join(scoring.models) or "none"
        said = f"{name!r} is not among scoring.models (known: {known}); add it there"
    elif not scoring.models[name].logprobs or scoring.models[name].backend != "transformers":
        said = (
            f"{name!r} tells no whole distributions; set scoring.models.{name}.backend to "
            "transformers and its logprobs above 0"
        )
    else:
        return []
    return [("self_certainty", said)]
