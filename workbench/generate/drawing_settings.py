"""Which settings of an experiment decide what a sample is, and the seed of each sample."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.config.conditions import own_loading
from workbench.config.schema import Generation, Thinking

SPEED_OPTIONS = frozenset((
    "base_url", "block_size", "concurrency", "disable_custom_all_reduce", "enable_chunked_prefill",
    "enable_prefix_caching", "enforce_eager", "gpu_memory_utilization", "kv_cache_memory_bytes",
    "max_num_batched_tokens", "max_num_seqs", "max_retries", "num_gpu_blocks_override",
    "pipeline_parallel_size", "seconds_per_sample", "swap_space", "tensor_parallel_size", "timeout",
))  # fmt: skip
"""Engine options that change how fast samples are drawn, not from which distribution. The address
of a server is one of them: the server itself says which model it has (``server_facts``)."""

NOT_DRAWING = frozenset({
    "temperatures", "grid", "conditions", "models", "price", "n", "greedy", "backend", "max_failed",
    "turns", "corrections", "second_turn",
})  # fmt: skip
"""Settings that do not decide what a sample is: which conditions there are and how many samples,
which may grow, how many may fail, what they cost, and the backend, which may be ``auto`` (the one
that was chosen is part of the identity). What a condition changes is kept by its name, and so is
what decides second answers."""

DEFAULT = Thinking()
"""By which markers thoughts are told from answers, where an experiment does not say."""

ADDED = {"logprobs": 0, "thinking": dataclasses.asdict(DEFAULT), "continue": None}
"""Settings that older runs do not have, with the values at which they change nothing. With these
values they are left out, so that samples of older runs still fit."""


def sample_seed(
    seed: int,
    problem_id: str,
    temperature: float,
    sample_index: int,
    changed: Mapping[str, Any] | None = None,
) -> int:
    """Return the seed of one sample: a hash of what makes it, below 2**63.

    ``changed`` are the settings in which its condition differs from the experiment's own, so that
    the samples of a condition are the same whatever it is called, and whatever others there are.
    """
    text = f"{seed}|{problem_id}|{float(temperature)!r}|{sample_index}"
    if changed:
        text += f"|{json.dumps(dict(changed), sort_keys=True)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def drawing_settings(generation: Generation, thinking: Thinking = DEFAULT) -> dict[str, Any]:
    """Return the settings that decide a sample behind its prompt, as the experiment has them.

    The model, its dtype and its engine options are those of an entry of ``models`` where the
    experiment's own model is one.
    """
    settings: dict[str, Any] = dataclasses.asdict(own_loading(generation))
    settings["thinking"] = dataclasses.asdict(thinking)
    settings["stop"] = list(settings["stop"])
    settings["continue"] = settings.pop("continued")
    settings["engine"] = drawing_engine(settings["engine"])
    return {
        key: value
        for key, value in settings.items()
        if key not in NOT_DRAWING and (key, value) not in ADDED.items()
    }


def drawing_engine(engine: Mapping[str, Any]) -> dict[str, Any]:
    """Return the engine options that decide a sample, without those of speed alone."""
    return {name: level for name, level in engine.items() if name not in SPEED_OPTIONS}


def refuse_other_settings(
    root: Path, before: Mapping[str, Any], current: Mapping[str, Any]
) -> None:
    """Raise ValueError if a folder's samples were drawn with other settings than the current."""
    if before == current:
        return
    changed = "".join(
        f"  {key}: the samples have {before.get(key, ADDED.get(key))!r}, the experiment now gives "
        f"{current.get(key, ADDED.get(key))!r}\n"
        for key in {**before, **current}
        if before.get(key) != current.get(key)
    )
    raise ValueError(
        f"{root} holds samples drawn with other settings:\n{changed}give this experiment another "
        "folder with --out, restore the settings, or delete the folder"
    )
