"""Opens the tracked run of a folder, in the tracker that the experiment names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.config.schema import Tracking
from workbench.storage.manifest import Manifest
from workbench.tracking.run_identity import tracked_id
from workbench.tracking.trackio_run import TrackioRun
from workbench.tracking.wandb_environment import sweep_ids, tracking_mode
from workbench.tracking.wandb_run import Tracker


def open_tracker(
    settings: Tracking, manifest: Manifest, name: str, config: Mapping[str, Any]
) -> Tracker:
    """Return the tracker of a run folder, which has yet to be opened; nobody is asked anything.

    The folder's manifest keeps the id of the tracked run, so that one folder is one run, unless an
    agent has made the run already. ``name`` is the run's signature, by which people know it, and
    ``config`` the resolved experiment.
    """
    mode = tracking_mode(settings.mode)
    if mode == "disabled":
        return Tracker()
    options: dict[str, Any] = {
        "group": settings.group,
        "tags": list(settings.tags),
        "name": name,
        "resume": "allow" if mode == "online" else None,
        "job_type": settings.job_type,
        "dir": str(manifest.path.parent),
        "config": dict(config),
        "mode": mode,
    }
    if settings.tracker == "trackio":
        return TrackioRun(options | {"project": settings.project, "id": tracked_id(manifest)})
    if found := sweep_ids():
        options["group"] = settings.group or f"sweep-{found[0]}"
        tracked_id(manifest, found[1])
    else:
        options |= {"project": settings.project, "entity": settings.entity}
        options["id"] = tracked_id(manifest)
    return Tracker(options)
