"""Records how large the models are that samples are drawn from, as equal cost needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.generate import BACKENDS, resolve
from workbench.generate.identity import LoadGroup
from workbench.models.locate import resolve_model
from workbench.models.model_size import read_model_size
from workbench.storage.open_run import OpenRun

MODEL_SIZES = "model_sizes"
"""The entry of the manifest: the name of a model -> the fields of its ``ModelSize``, or a text that
says why its size is unknown."""


def record_model_sizes(run: OpenRun, groups: Sequence[LoadGroup]) -> None:
    """Note in the manifest the sizes of the models that are on this machine.

    To be called once they are on the disk, as a model of the hub is after drawing. A size that is
    known already stays; models behind a server are left out.
    """
    known: dict[str, Any] = run.manifest.data.get(MODEL_SIZES, {})
    found = dict(known)
    for group in groups:
        model = group.settings.model
        here = BACKENDS[resolve(group.settings.backend)].local_model
        if here and not isinstance(found.get(model), dict):
            reading = read_model_size(resolve_model(model))
            found[model] = reading.unknown if reading.size is None else reading.size.to_dict()
    if found != known:
        run.manifest.update(**{MODEL_SIZES: found})
