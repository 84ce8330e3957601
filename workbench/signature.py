"""The line that stands under every table and figure, and names the tracked run."""

from __future__ import annotations

from workbench.config import Experiment
from workbench.generate import resolve
from workbench.manifest import version_string


def sign(experiment: Experiment) -> str:
    """Return task, model, temperatures, N, seed and version, as ``a|b|T:0.3,1|N:16|seed:0|v0.1``.

    It is for reading; what is redone is decided by fingerprints.
    """
    settings = experiment.generation
    model = settings.model.rstrip("/").rsplit("/", 1)[-1]
    parts = (
        experiment.task.name,
        "replay" if resolve(settings.backend) == "replay" else model,
        f"T:{','.join(f'{t:g}' for t in settings.temperatures)}",
        f"N:{settings.n}",
        f"seed:{settings.seed}",
        version_string(),
    )
    return "|".join(parts)
