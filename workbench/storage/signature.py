"""The line that stands under every table and figure, and names the tracked run."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.config.schema import Experiment
from workbench.core.table_text import spell_temperature
from workbench.storage.manifest import version_string

IMPORTED = "imported"


def run_signature(experiment: Experiment, held: Sequence[str] = ()) -> str:
    """Return task, model, temperatures, N, seed and version, as ``a|b|T:0.3,1|N:16|seed:0|v0.1``.

    Where the folder has more than that, ``held`` says what: ``...|N:8|of N:16|seed:0|...``.

    An imported run has ``imported`` in place of a seed. The line is for reading; what is redone is
    decided by fingerprints.
    """
    task, model, temperatures, n, seed = signature_parts(experiment).values()
    drawn = seed if seed == IMPORTED else f"seed:{seed}"
    more = f"|of {' '.join(held)}" if held else ""
    return f"{task}|{model}|T:{temperatures}|N:{n}{more}|{drawn}|{version_string()}"


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
