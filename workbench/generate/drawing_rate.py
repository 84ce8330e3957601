"""How fast a machine draws with a model: as an earlier run measured it, or as is assumed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from workbench.config.schema import Generation
from workbench.core.machine import hardware
from workbench.generate import BACKENDS, resolve

FEWEST_TOKENS = 1000
"""A run that drew fewer measures how an engine starts, and not how fast it is."""
PER_GPU = 4e13
"""Assumed: parameters x tokens per second of one GPU; 5,000 tokens/s with a model of 8 billion
parameters, as many samples of each prompt are drawn at once."""
PER_CORE = 1e10
"""Assumed of one core of a CPU: 75 tokens/s with 135 million parameters."""

_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])")


@dataclass(frozen=True)
class DrawingRate:
    """Tokens per second over all samples that are drawn at once."""

    tokens_per_second: float
    source: str
    """Where the number is from, as the end of a sentence."""


def drawing_rate(settings: Generation, results: Path = Path("results")) -> DrawingRate | None:
    """Return how fast samples will be drawn; None where nothing is known of it.

    Of the runs in ``results`` that the same model, backend and machine drew, the one with the same
    dtype and most tokens counts. Without one the rate is assumed from the size of the model, where
    that is known from its name or its files, and from the machine.
    """
    backend = resolve(settings.backend)
    here = hardware() if BACKENDS[backend].local_model else None
    measured = [
        run
        for run in _measured(results)
        if (run.backend, run.model) == (backend, settings.model) and here in (None, run.hardware)
    ]
    if measured:
        best = max(measured, key=lambda run: (run.dtype == settings.dtype, run.tokens))
        return DrawingRate(best.tokens / best.seconds, f"measured in {best.folder}")
    parameters = parameter_count(settings.model) if here else None
    if here is None or parameters is None:
        return None
    gpus = len(here["gpus"])
    rate = (gpus * PER_GPU if gpus else here["cores"] * PER_CORE) / parameters
    machine = f"{gpus} x GPU" if gpus else f"{here['cores']} x CPU core"
    size = f"{parameters / 1e9:.3g} billion parameters"
    return DrawingRate(rate, f"assumed of {size} on {machine}; a first run measures it")


class _Measured(NamedTuple):
    """A run that measured how fast it drew."""

    folder: Path
    backend: str
    model: str
    dtype: str | None
    hardware: Mapping[str, Any]
    tokens: int
    seconds: float


def _measured(results: Path) -> Iterator[_Measured]:
    """Yield the runs of a folder that drew enough to measure a rate."""
    for path in sorted(results.glob("*/manifest.json")):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # damaged, or old
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if any("model" in one for one in manifest.get("conditions", {}).values()):
                continue  # a rate over several models is that of none
            drawing, drawn_with = manifest["stages"]["generate"]["drawing"], manifest["drawn_with"]
            run = _Measured(
                path.parent,
                manifest["identity"]["backend"],
                drawn_with["model"],
                drawn_with.get("dtype"),
                manifest["hardware"],
                int(drawing["tokens"]),
                float(drawing["seconds"]),
            )
            if run.tokens >= FEWEST_TOKENS and run.seconds > 0:
                yield run


def parameter_count(model: str) -> float | None:
    """Return how many parameters a model has, from its name or the size of its files.

    Example:
        >>> parameter_count("Qwen/Qwen2.5-1.5B-Instruct"), parameter_count("SmolLM2-135M-Instruct")
        (1500000000.0, 135000000.0)
        >>> parameter_count("gpt-4o") is None
        True
    """
    named = _SIZE.findall(Path(model).name.lower())
    if named:
        number, unit = named[0]
        return float(number) * (1e9 if unit == "b" else 1e6)
    files = Path(model).expanduser().glob("*.safetensors")
    size = sum(path.stat().st_size for path in files)
    return size / 2 or None  # 16-bit weights
