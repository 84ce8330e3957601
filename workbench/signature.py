"""The line that stands under every table and figure, and names the tracked run."""

from __future__ import annotations

import math

from workbench.config import Experiment
from workbench.generate import resolve
from workbench.manifest import version_string


def sign(experiment: Experiment) -> str:
    """Return task, model, temperatures, N, seed and version, as ``a|b|T:0.3,1|N:16|seed:0|v0.1``.

    An imported run has ``imported`` in place of a seed. The line is for reading; what is redone is
    decided by fingerprints.
    """
    settings = experiment.generation
    backend = resolve(settings.backend)
    model = settings.model.rstrip("/").rsplit("/", 1)[-1]
    parts = (
        experiment.task.name,
        "replay" if backend == "replay" else model,
        f"T:{','.join(map(spell_temperature, settings.temperatures))}",
        f"N:{settings.n}",
        "imported" if backend == "import" else f"seed:{settings.seed}",
        version_string(),
    )
    return "|".join(parts)


def spell_temperature(temperature: float | None) -> str:
    """Return a temperature as people read it; an imported run's may be ``unknown``."""
    unknown = temperature is None or math.isnan(temperature)
    return "unknown" if unknown else f"{temperature:g}"
