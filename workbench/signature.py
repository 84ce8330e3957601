"""The line that stands under every table and figure, and names the tracked run."""

from __future__ import annotations

import math

from workbench.config import Experiment
from workbench.generate import resolve
from workbench.manifest import version_string

IMPORTED = "imported"


def sign(experiment: Experiment) -> str:
    """Return task, model, temperatures, N, seed and version, as ``a|b|T:0.3,1|N:16|seed:0|v0.1``.

    An imported run has ``imported`` in place of a seed. The line is for reading; what is redone is
    decided by fingerprints.
    """
    found = facts(experiment)
    seed = found["seed"]
    parts = (
        found["task_name"],
        found["model"],
        f"T:{found['temperatures']}",
        f"N:{found['N']}",
        seed if seed == IMPORTED else f"seed:{seed}",
        version_string(),
    )
    return "|".join(map(str, parts))


def facts(experiment: Experiment) -> dict[str, str | int]:
    """Return by what runs are grouped: one plain value for each thing a signature names."""
    settings = experiment.generation
    backend = resolve(settings.backend)
    model = settings.model.rstrip("/").rsplit("/", 1)[-1]
    return {
        "task_name": experiment.task.name,
        "model": "replay" if backend == "replay" else model,
        "temperatures": ",".join(map(spell_temperature, settings.temperatures)),
        "N": settings.n,
        "seed": IMPORTED if backend == "import" else settings.seed,
    }


def spell_temperature(temperature: float | None) -> str:
    """Return a temperature as people read it; an imported run's may be ``unknown``."""
    unknown = temperature is None or math.isnan(temperature)
    return "unknown" if unknown else f"{temperature:g}"
