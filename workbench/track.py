"""The tracked run in Weights & Biases. The only module that imports wandb.

Trouble with the tracker never fails a run: the first fault is said once, and the rest of the run
goes untracked.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import pandas as pd

from workbench.config import Tracking
from workbench.progress import notice


class Tracker(Protocol):
    """As much of a tracked run as the workbench uses."""

    place: str
    """Where the tracked run can be found, for people; empty when there is none."""

    def log(self, values: Mapping[str, Any]) -> None:
        """Record values by name, as one step."""

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Record a whole table."""

    def figure(self, name: str, path: Path) -> None:
        """Record a picture."""

    def artifact(self, name: str, kind: str, files: Sequence[Path]) -> None:
        """Record files under a name that keeps versions."""

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Set the values that stand for the run in the table of runs."""

    def finish(self) -> None:
        """Close the run."""


class Untracked:
    """A run that keeps nothing."""

    place = ""

    def log(self, values: Mapping[str, Any]) -> None:
        """Do nothing."""

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Do nothing."""

    def figure(self, name: str, path: Path) -> None:
        """Do nothing."""

    def artifact(self, name: str, kind: str, files: Sequence[Path]) -> None:
        """Do nothing."""

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class Wandb:
    """A run in W&B, online or in a folder that ``wandb sync`` uploads later.

    It is opened when the first thing is recorded: a run in which nothing was left to do leaves
    no empty one behind.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Keep what ``wandb.init`` is to be given."""
        self.options = dict(options)
        self.place = ""
        self.run: Any = None
        self.broken = False

    def log(self, values: Mapping[str, Any]) -> None:
        """Record values by name, as one step."""
        self._try(lambda run: run.log(dict(values)))

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Record a whole table, each column of one type: numbers, truth values or text."""

        def record(run: Any) -> None:
            import wandb

            run.log({f"tables/{name}": wandb.Table(dataframe=fixed_types(frame))})

        self._try(record)

    def figure(self, name: str, path: Path) -> None:
        """Record a picture."""

        def record(run: Any) -> None:
            import wandb

            run.log({f"figures/{name}": wandb.Image(str(path))})

        self._try(record)

    def artifact(self, name: str, kind: str, files: Sequence[Path]) -> None:
        """Record files as an artifact; W&B makes a new version of it only if they changed.

        Args:
            name: letters, digits, dots, dashes and underscores.
            kind: the artifact's type.
            files: they are copied where a later run may change them; samples never change.
        """

        def record(run: Any) -> None:
            import wandb

            artifact = wandb.Artifact(name, type=kind)
            policy: Literal["immutable", "mutable"]
            policy = "immutable" if kind == "samples" else "mutable"
            for path in files:
                artifact.add_file(str(path), name=path.name, policy=policy, skip_cache=True)
            run.log_artifact(artifact)

        if files:
            self._try(record)

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Set the values that stand for the run in the table of runs."""
        self._try(lambda run: run.summary.update(dict(values)))

    def finish(self) -> None:
        """Close the run, if it was opened."""
        if self.run is not None:
            self._try(lambda run: run.finish())

    def _open(self) -> None:
        os.environ.setdefault("WANDB_SILENT", "true")  # it advertises at import and at the start
        # copies of artifacts wait here for `wandb sync`, and not in the user's home
        os.environ.setdefault("WANDB_DATA_DIR", str(Path(self.options["dir"]).resolve() / "wandb"))
        import wandb

        settings = wandb.Settings(silent=True, console="off", init_timeout=60)
        self.run = wandb.init(**self.options, settings=settings)
        online = self.options["mode"] == "online"
        self.place = str(self.run.url if online else Path(self.run.dir).parent)

    def _try(self, act: Callable[[Any], Any]) -> None:
        if self.broken:
            return
        try:
            if self.run is None:
                self._open()
            act(self.run)
        except Exception as fault:  # whatever it is, hours of sampling matter more
            self.broken = True
            why = (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]
            notice(f"tracking stopped: {why}; the run goes on without it")


def open_tracker(settings: Tracking, folder: Path, name: str, config: Mapping[str, Any]) -> Tracker:
    """Return the tracker of a run folder; it never asks anything.

    Args:
        settings: the experiment's ``tracking`` section. ``auto`` is online where an API key is
            set, else offline; the variable WANDB_MODE overrides it.
        folder: the run's folder; it decides the tracked run's id, so that one folder is one run.
        name: the run's signature.
        config: the resolved experiment.
    """
    mode = os.environ.get("WANDB_MODE") or settings.mode
    if mode == "auto":
        mode = "online" if os.environ.get("WANDB_API_KEY") else "offline"
    if mode == "disabled":
        return Untracked()
    return Wandb(
        {
            "project": settings.project,
            "entity": settings.entity,
            "group": settings.group,
            "tags": list(settings.tags),
            "name": name,
            "id": hashlib.sha256(f"{folder.resolve()}|{name}".encode()).hexdigest()[:12],
            "resume": "allow" if mode == "online" else None,
            "job_type": settings.job_type,
            "dir": str(folder),
            "config": dict(config),
            "mode": mode,
        }
    )


def fixed_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which every column is of one type, as a W&B table needs."""
    columns: dict[str, pd.Series[Any]] = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_bool_dtype(column.dtype):
            columns[name] = column.astype(bool)
        elif pd.api.types.is_numeric_dtype(column.dtype):
            columns[name] = column.astype(float)
        else:
            columns[name] = column.map(lambda value: "" if pd.isna(value) else str(value))
    return pd.DataFrame(columns)
