"""What decides a sample: settings of the experiment, versions of packages, and the seed."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.config.schema import Generation
from workbench.generate import BACKENDS, engine_versions, resolve
from workbench.models import locate

SPEED_OPTIONS = frozenset((
    "base_url", "block_size", "concurrency", "disable_custom_all_reduce", "enable_chunked_prefill",
    "enable_prefix_caching", "enforce_eager", "gpu_memory_utilization", "kv_cache_memory_bytes",
    "max_num_batched_tokens", "max_num_seqs", "max_retries", "num_gpu_blocks_override",
    "pipeline_parallel_size", "seconds_per_sample", "swap_space", "tensor_parallel_size", "timeout",
))  # fmt: skip
"""Engine options that change how fast samples are drawn, not from which distribution. The address
of a server is one of them: the server itself says which model it has (``server_facts``)."""

NOT_DRAWING = frozenset({"temperatures", "n", "greedy", "backend"})
"""Settings that do not decide what a sample is: how many there are, which may grow, and the
backend, which may be ``auto`` (the backend that was chosen is part of the identity)."""

ADDED = {"logprobs": 0}
"""Settings that older runs do not have, with the values at which they change nothing. With these
values they are left out, so that samples of older runs still fit."""


def sample_seed(seed: int, problem_id: str, temperature: float, sample_index: int) -> int:
    """Return the seed of one sample: a hash of what names it, below 2**63."""
    text = f"{seed}|{problem_id}|{float(temperature)!r}|{sample_index}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def drawing_settings(generation: Generation) -> dict[str, Any]:
    """Return the settings that decide a sample, as the experiment file has them."""
    settings: dict[str, Any] = dataclasses.asdict(generation)
    settings["stop"] = list(settings["stop"])
    settings["engine"] = {k: v for k, v in settings["engine"].items() if k not in SPEED_OPTIONS}
    return {
        key: value
        for key, value in settings.items()
        if key not in NOT_DRAWING and (key, value) not in ADDED.items()
    }


def other_settings_message(
    root: Path, before: Mapping[str, Any], current: Mapping[str, Any]
) -> str:
    """Return the message that says why old samples do not fit an experiment."""
    changed = "".join(
        f"  {key}: the samples have {before.get(key, ADDED.get(key))!r}, the experiment now gives "
        f"{current.get(key, ADDED.get(key))!r}\n"
        for key in {**before, **current}
        if before.get(key) != current.get(key)
    )
    return (
        f"{root} holds samples drawn with other settings:\n{changed}give this experiment another "
        "folder with --out, restore the settings, or delete the folder"
    )


def identity(settings: Generation) -> dict[str, Any]:
    """Return everything that can change a sample, except the prompts.

    The manifest keeps it, and the fingerprint of the stage is a hash of it: samples are added to a
    run only under the same identity.
    """
    backend = resolve(settings.backend)
    row = BACKENDS[backend]
    model = settings.model
    found = {
        **drawing_settings(settings),
        "backend": backend,
        "engine_versions": {} if row.probe else engine_versions(backend),
        "logprobs_kind": row.logprobs_kind,
        "model": locate.model_hash(locate.resolve_model(model)) if row.local_model else model,
    }
    return found | ({"entropies": row.entropies} if settings.logprobs else {})


def server_facts(settings: Generation, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's server said of itself when it was last asked; {} without a server.

    Args:
        settings: say whether there is a server.
        recorded: the identity in the run's manifest.
    """
    if BACKENDS[resolve(settings.backend)].probe is None:
        return {}
    return {key: recorded[key] for key in ("logprobs_kind", "server") if key in recorded}
