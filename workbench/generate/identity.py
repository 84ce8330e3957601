"""The identity of samples: the settings and versions that can change one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.config.schema import Experiment
from workbench.generate import BACKENDS, engine_versions, resolve
from workbench.generate.drawing_settings import drawing_settings


def identity(experiment: Experiment) -> dict[str, Any]:
    """Return everything that can change a sample, except the prompts.

    The manifest keeps it, and the fingerprint of the stage is a hash of it: samples are added to a
    run only under the same identity.
    """
    from workbench.models.locate import model_hash, resolve_model

    settings = experiment.generation
    backend = resolve(settings.backend)
    row = BACKENDS[backend]
    found = {
        **drawing_settings(experiment),
        "backend": backend,
        "engine_versions": {} if row.probe else engine_versions(backend),
        "logprobs_kind": row.logprobs_kind,
        "model": model_hash(resolve_model(settings.model)) if row.local_model else settings.model,
    }
    return found | ({"entropies": row.entropies} if settings.logprobs else {})


def server_facts(experiment: Experiment, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's server said of itself when it was last asked; {} without a server.

    Args:
        experiment: says whether there is a server.
        recorded: the identity in the run's manifest.
    """
    if BACKENDS[resolve(experiment.generation.backend)].probe is None:
        return {}
    return {key: recorded[key] for key in ("logprobs_kind", "server") if key in recorded}
