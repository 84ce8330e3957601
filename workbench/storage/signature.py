"""The line that stands under every table and figure, and names the tracked run."""

from __future__ import annotations

from workbench.config.schema import Experiment
from workbench.core.table_text import spell_temperature
from workbench.storage.manifest import version_string

IMPORTED = "imported"


def run_signature(experiment: Experiment) -> str:
    """Return task, model, temperatures, N, seed and version, as ``a|b|T:0.3,1|N:16|seed:0|v0.1``.

    An imported run has ``imported`` in place of a seed. The line is for reading; what is redone is
    decided by fingerprints.
    """
    found = signature_parts(experiment)
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


def signature_parts(experiment: Experiment) -> dict[str, str | int]:
    """Return by what runs are grouped: one plain value for each thing a signature names."""
    settings = experiment.generation
    model = settings.model.rstrip("/").rsplit("/", 1)[-1]
    return {
        "task_name": experiment.task.name,
        "model": "replay" if settings.backend == "replay" else model,
        "temperatures": ",".join(map(spell_temperature, settings.temperatures)),
        "N": settings.n,
        "seed": IMPORTED if settings.backend == "import" else settings.seed,
    }
