"""The tracked run in Weights & Biases. The only module that imports wandb.

Trouble with the tracker never fails a run: the first fault is said once, and the rest of the run
goes untracked.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

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

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class Wandb:
    """A run in W&B, online or in a folder that ``wandb sync`` uploads later."""

    def __init__(self, run: Any, place: str) -> None:
        """Wrap an open wandb run."""
        self.run = run
        self.place = place
        self.broken = False

    def log(self, values: Mapping[str, Any]) -> None:
        """Record values by name, as one step."""
        self._try(lambda: self.run.log(dict(values)))

    def table(self, name: str, frame: pd.DataFrame) -> None:
        """Record a whole table, each column of one type: numbers, truth values or text."""
        import wandb

        plain = fixed_types(frame)
        self._try(lambda: self.run.log({f"tables/{name}": wandb.Table(dataframe=plain)}))

    def figure(self, name: str, path: Path) -> None:
        """Record a picture."""
        import wandb

        self._try(lambda: self.run.log({f"figures/{name}": wandb.Image(str(path))}))

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Set the values that stand for the run in the table of runs."""
        self._try(lambda: self.run.summary.update(dict(values)))

    def finish(self) -> None:
        """Close the run."""
        self._try(self.run.finish)

    def _try(self, act: Callable[[], Any]) -> None:
        if self.broken:
            return
        try:
            act()
        except Exception as fault:  # whatever it is, hours of sampling matter more
            self.broken = True
            notice(f"tracking stopped: {_short(fault)}; the run goes on without it")


def open_tracker(settings: Tracking, folder: Path, name: str, config: Mapping[str, Any]) -> Tracker:
    """Open the tracked run of a run folder, without ever asking anything.

    Args:
        settings: the experiment's ``tracking`` section. ``auto`` is online where an API key is
            set, else offline; the variable WANDB_MODE overrides it.
        folder: the run's folder; it decides the tracked run's id, so that one folder is one run.
        name: the run's signature.
        config: the resolved experiment and the manifest's facts.
    """
    mode: Any = os.environ.get("WANDB_MODE") or settings.mode
    if mode == "auto":
        mode = "online" if os.environ.get("WANDB_API_KEY") else "offline"
    if mode == "disabled":
        return Untracked()
    try:
        import wandb

        run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            group=settings.group,
            tags=list(settings.tags),
            name=name,
            id=hashlib.sha256(f"{folder.resolve()}|{name}".encode()).hexdigest()[:12],
            resume="allow" if mode == "online" else None,
            job_type="run",
            dir=str(folder),
            config=dict(config),
            mode=mode,
            settings=wandb.Settings(silent=True, console="off", init_timeout=60),
        )
    except Exception as fault:  # see the module's first lines
        notice(f"not tracked: {_short(fault)}")
        return Untracked()
    place = run.url if mode == "online" else str(Path(run.dir).parent)
    return Wandb(run, place or "")


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


def _short(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]
